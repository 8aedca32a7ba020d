"""Who gets in: the one place that decides, before anything else happens to a connection.

Both hosts ask it, inside a batch, with what they know of the caller: before an upgrade is answered, and before a newer
connection takes over from an older one. Passwords and certificates come first, then admission; a refusal is remembered
so that the owner can see who knocked, and bounded so that a stranger cannot fill the disk by knocking.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.admission import Standing, standing
from tinyocpp.hosts.log import Throttle, log
from tinyocpp.identity import fold_identity, valid_identity
from tinyocpp.passwords import credentials, user_fits, verify_password

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.config import Config
    from tinyocpp.storage import Register, Registered

PROXIES_SAY = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
"""Headers of which none comes without a proxy. One that adds nothing cannot be told from somebody on this machine."""

REMEMBERED = 100  # strangers; a scanner tries thousands
REMEMBER_EVERY_S = 60
GUESS_EVERY_S = 1.0  # per identity and address; also what bounds the time spent on hashing


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A client certificate the TLS layer has verified against our CA."""

    names: tuple[str, ...]  # CN and DNS names
    organisations: tuple[str, ...] = ()


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of whoever wants in."""

    identity: str
    address: str = ""
    authorization: str | None = None
    tls: bool = False
    certificate: Certificate | None = None
    forwarded: bool = False  # a proxy speaks for it: its address says nothing about where it is
    named: bool = False  # by the owner, on the command line


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """Come in. `charger_id` is the spelling this charger was first known by."""

    charger_id: str
    standing: Standing


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Stay out; `status` is the HTTP status to answer the upgrade with."""

    status: int
    why: str
    remedy: str = ""  # what its owner types to let it in

    @property
    def words(self) -> str:
        """For the other end; whoever reads it there may be the owner."""
        return f"{self.why}; its owner lets it in with: {self.remedy}" if self.remedy else self.why


class Door:
    """One for all chargers of a process: it remembers who guessed wrong a moment ago, and what was said in the log."""

    def __init__(self, config: Config, register: Register) -> None:
        self.config = config  # replaced when the configuration is read anew
        self._register = register
        self._failed: dict[tuple[str, str], float] = {}
        self._lines = Throttle()

    def welcome(self, caller: Caller, now: datetime, now_s: float) -> Welcome | Refusal:
        """Decide, and remember a refusal. Call it inside a batch; StorageError may pass. `now_s` is monotonic."""
        if not valid_identity(caller.identity):
            refusal = Refusal(status=404, why="not an acceptable identity")
            self._say(caller, refusal, now_s)
            return refusal
        known = self._register.find(caller.identity)
        refusal_or_standing = self._check_credentials(caller, known, now_s) or self._admit(caller, known)
        if isinstance(refusal_or_standing, Refusal):
            self._say(caller, refusal_or_standing, now_s)
            self._remember(caller, known, refusal_or_standing, now)
            return refusal_or_standing
        return Welcome(charger_id=known.charger_id if known else caller.identity, standing=refusal_or_standing)

    def _check_credentials(self, caller: Caller, known: Registered | None, now_s: float) -> Refusal | None:
        if caller.named:
            return None  # whoever owns the shell has said who it is, and there is no header to look at
        profile = self.config.for_charger(caller.identity).security_profile
        if profile >= 2 and not caller.tls:
            return Refusal(status=403, why=f"security_profile = {profile} wants TLS (wss)")
        if caller.certificate is not None:
            why = self._certificate_fault(caller.certificate, caller.identity)
            if why or profile == 3:
                return Refusal(status=403, why=why) if why else None
        elif profile == 3:
            return Refusal(status=403, why="security_profile = 3 wants a client certificate")
        password_hash = known.password_hash if known else None
        if password_hash is None:
            no_password = f"security_profile = {profile} wants a password: tinyocpp charger password {_quoted(caller)}"
            return Refusal(status=401, why=no_password) if profile else None
        return self._check_password(caller, password_hash, now_s)

    def _certificate_fault(self, certificate: Certificate, identity: str) -> str:
        names = {fold_identity(name) for name in certificate.names}
        if fold_identity(identity) not in names:
            return "the certificate names another charger"
        tls = self.config.listener.tls
        organisation = tls.client_organisation if tls else ""
        if organisation and organisation not in certificate.organisations:
            return "the certificate's organisation is not client_organisation"
        return ""

    def _check_password(self, caller: Caller, password_hash: str, now_s: float) -> Refusal | None:
        given = credentials(caller.authorization) if caller.authorization else None
        if given is None:
            return Refusal(status=401, why="no password was sent")
        key = (fold_identity(caller.identity), caller.address)
        if now_s - self._failed.get(key, -GUESS_EVERY_S) < GUESS_EVERY_S:
            return Refusal(status=401, why="wrong password a moment ago")
        user, password = given
        if user_fits(user, caller.identity) and verify_password(password, password_hash):
            return None
        if len(self._failed) >= REMEMBERED:
            self._failed.clear()
        self._failed[key] = now_s
        return Refusal(status=401, why="wrong password")

    def _admit(self, caller: Caller, known: Registered | None) -> Standing | Refusal:
        verdict = standing(
            caller.identity,
            admit=self.config.chargers.admit,
            admitted=known is not None and known.admitted_at is not None,
            anyone_admitted=self._register.anyone_admitted(),
            loopback=not caller.forwarded and is_loopback(caller.address),
            named=caller.named,
        )
        if verdict is Standing.REFUSED:
            return Refusal(status=404, why="not admitted", remedy=f"tinyocpp charger admit {_quoted(caller)}")
        return verdict

    def _remember(self, caller: Caller, known: Registered | None, refusal: Refusal, now: datetime) -> None:
        if known is None or known.refused_at is None:
            strangers = sum(entry.refused_at is not None for entry in self._register.everyone())
            if strangers >= REMEMBERED:
                return
        elif 0 <= (now - known.refused_at).total_seconds() < REMEMBER_EVERY_S:
            return
        self._register.refuse(caller.identity, caller.address, refusal.why, now)

    def _say(self, caller: Caller, refusal: Refusal, now_s: float) -> None:
        held_back = self._lines.due(f"{refusal.status} {caller.identity}", now_s)
        if held_back is None:
            return
        fields: dict[str, object] = {"address": caller.address, "status": refusal.status, "why": refusal.why}
        if refusal.remedy:
            fields["remedy"] = refusal.remedy
        if held_back:
            fields["more"] = held_back
        log("refused", charger=caller.identity[:100] or "(none)", **fields)


def identity_in(target: str) -> str:
    """The identity in a request target: its last segment that is not empty, percent-decoded once; "" if unreadable.

    Any path will do, as chargers append their identity to whatever was typed (quirks H6 to H8)."""
    path = re.split(r"[?#]", target, maxsplit=1)[0]
    segment = path.rstrip("/").rpartition("/")[2]
    raw = segment.encode("utf-8", "surrogateescape")
    try:
        return re.sub(rb"%([0-9A-Fa-f]{2})", lambda pair: bytes.fromhex(pair[1].decode()), raw).decode()
    except UnicodeDecodeError:
        return ""


def is_loopback(address: str) -> bool:
    """127.0.0.0/8, ::1, and the first inside the second's notation."""
    address = address.removeprefix("::ffff:")
    return address == "::1" or re.fullmatch(r"127(\.\d{1,3}){3}", address) is not None


def _quoted(caller: Caller) -> str:
    plain = re.fullmatch(r"[A-Za-z0-9._:+=@-]+", caller.identity) and not caller.identity.startswith("-")
    return caller.identity if plain else f"-- '{caller.identity}'"
