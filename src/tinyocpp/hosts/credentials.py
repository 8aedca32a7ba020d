"""Passwords and client certificates, checked before anything else happens to a connection (security paper, A00).

A connection has the security profile of what it has shown that was right: a certificate 3, a password 2 over TLS and 1
without, nothing 0. Whether that is enough is said by the configuration and by what the charger has proven before:
nothing lower than either (A05.FR.09). One for a process, as it remembers who was right and who was wrong.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tinyocpp.admission import profile_used
from tinyocpp.attempts import Attempts
from tinyocpp.hosts.caller import Proof, Refusal
from tinyocpp.identity import fold_identity
from tinyocpp.passwords import Proven, credentials, user_fits, verify_password

if TYPE_CHECKING:
    from tinyocpp.config import Config
    from tinyocpp.hosts.caller import Caller, Certificate
    from tinyocpp.storage import Register, Registered

TOO_MANY = Refusal(status=401, why="too many wrong passwords, try again later")


class Credentials:
    """See the module."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._attempts = Attempts()
        self._proven = Proven()

    def check(self, caller: Caller, known: Registered | None, config: Config, now_s: float) -> Proof | Refusal:
        """Inside a batch; nothing is written here."""
        if caller.named:
            return Proof(profile=0)  # whoever owns the shell has said who it is, and there is no header to look at
        least = least_profile(config, caller.identity, known)
        if least >= 2 and not caller.tls:
            return _too_low(caller, least, "wants TLS (wss)", known)
        if caller.certificate is not None:
            why = self._certificate_fault(caller.certificate, caller.identity, config)
            return Refusal(status=403, why=why) if why else Proof(profile=3)
        if least == 3:
            return _too_low(caller, least, "wants a client certificate", known)
        return self._password(caller, known, least, now_s)

    def _certificate_fault(self, certificate: Certificate, identity: str, config: Config) -> str:
        """It is the very certificate our authority made for this charger, which may go by its serial number
        (A00.FR.405), or its common name is the identity; but not if it was made for another that goes by this name."""
        from tinyocpp.dealings import CertificateState

        own = fold_identity(identity)
        issued_to, state, pem = self._register.certificate(certificate.serial) or ("", None, "")
        shown = "".join(certificate.pem.split())
        made_for = issued_to if shown and shown in "".join(pem.split()) else ""
        named = own in {fold_identity(name) for name in certificate.names}
        if made_for != own and (made_for or not named):
            return "the certificate names another charger"
        tls = config.listener.tls
        organisation = tls.client_organisation if tls else ""
        if organisation and organisation not in certificate.organisations:
            return "the certificate's organisation is not client_organisation"
        return "the certificate was revoked" if state is CertificateState.REVOKED else ""

    def _password(self, caller: Caller, known: Registered | None, least: int, now_s: float) -> Proof | Refusal:
        keys = known.keys if known else None
        if keys is None or not keys.all:
            no_password = f"security_profile = {least} wants a password: tinyocpp charger password {quoted(caller)}"
            return Refusal(status=401, why=no_password) if least else Proof(profile=0)
        assert known is not None
        found = self._fitting(caller, known, now_s)
        if isinstance(found, str):
            return Proof(profile=profile_used(tls=caller.tls, password=True, certificate=False), key=found)
        if keys.current is None and not least:
            return Proof(profile=0)  # it never had one: what is on its way may not have arrived, or not be in use yet
        return found

    def _fitting(self, caller: Caller, known: Registered, now_s: float) -> str | Refusal:
        """Which of the charger's passwords, as stored, this is."""
        given = credentials(caller.authorization) if caller.authorization else None
        if given is None:
            return Refusal(status=401, why="no password was sent")
        user, password = given
        keys = known.keys.all if user_fits(user, caller.identity) else ()
        identity, address = fold_identity(caller.identity), caller.address
        home = address == known.connected_from
        if not self._attempts.may_show(address, now_s, home=home):
            return TOO_MANY
        found = next((one for one in keys if self._proven.recognises(identity, one, password)), None)
        if found is None:
            if not self._attempts.may_guess(identity, address, now_s, home=home):
                self._attempts.shown(address, now_s, home=home)
                return TOO_MANY
            found = next((one for one in keys if verify_password(password, one)), None)
        if found is None:
            self._attempts.wrong(identity, address, now_s, home=home)
            return Refusal(status=401, why="wrong password")
        self._proven.remember(identity, found, password)
        return found


def least_profile(config: Config, identity: str, known: Registered | None) -> int:
    """What this charger may not go below."""
    proven = known.security_profile if known else 0
    return max(config.for_charger(identity).security_profile, proven)


def quoted(caller: Caller) -> str:
    """The identity as it is typed in a shell."""
    plain = re.fullmatch(r"[A-Za-z0-9._:+=@-]+", caller.identity) and not caller.identity.startswith("-")
    return caller.identity if plain else f"-- '{caller.identity}'"


def _too_low(caller: Caller, least: int, wants: str, known: Registered | None) -> Refusal:
    """Who has proven this profile before is told how its owner gets it back all the same: nothing else lowers it."""
    proven = known is not None and known.security_profile == least
    remedy = f"tinyocpp charger security --lower 0 {quoted(caller)}" if proven else ""
    return Refusal(status=403, why=f"security_profile = {least} {wants}", remedy=remedy)
