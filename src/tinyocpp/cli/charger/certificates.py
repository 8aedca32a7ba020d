"""`tinyocpp charger certificate list|install|delete|renew`: whom the charger trusts, and its own certificate.

A charger names the roots it has by hashes only; which of ours, or of those in our files, they are is worked out here.
What could lock us out (the last root, or the one our server's certificates come from) is refused before it is sent.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.certificates import (
    LONGEST_PEM,
    Certificate,
    NotACertificate,
    digest,
    expiry,
    named_by,
    plain_serial,
    read_certificates,
)
from tinyocpp.cli.charger.dialogue import add_charger, dialogue, understood
from tinyocpp.cli.charger.keys import Told
from tinyocpp.cli.tables import Column, add_format, local_time, print_rows
from tinyocpp.dealings import CertificateState
from tinyocpp.errors import CallRefused, Malformed, NoAnswer, Refused
from tinyocpp.leniency import OddityKind
from tinyocpp.messages.core_central import ChangeConfiguration, GetConfiguration
from tinyocpp.messages.security import (
    CertificateHashData,
    CertificateUse,
    DeleteCertificate,
    ExtendedMessageTrigger,
    ExtendedTriggerMessage,
    GetInstalledCertificateIds,
    InstallCertificate,
)
from tinyocpp.storage.authority import ROOT, open_authority, read_file

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.cli.charger.dialogue import Dialogue
    from tinyocpp.config import Config
    from tinyocpp.dealings import IssuedCertificate

USES = {
    "csms": CertificateUse.CENTRAL_SYSTEM_ROOT_CERTIFICATE,
    "manufacturer": CertificateUse.MANUFACTURER_ROOT_CERTIFICATE,
}
SHORTEST_HASH = 6  # digits of one that are typed
RENEW_S = 180.0  # a small charger takes a minute for an RSA key
POLL_S = 0.5


class Installed(msgspec.Struct, frozen=True):
    """One that a charger has."""

    use: str
    named: CertificateHashData
    known: Certificate | None  # to us
    in_use: bool  # our server's certificates come from it

    def is_meant(self, typed: str) -> bool:
        if plain_serial(typed) == plain_serial(self.named.serial_number):
            return True
        hashes = (self.named.issuer_key_hash.lower(), self.named.issuer_name_hash.lower())
        return len(typed) >= SHORTEST_HASH and any(one.startswith(typed.lower()) for one in hashes)

    def __str__(self) -> str:
        return self.known.common_name if self.known else f"certificate {self.named.serial_number}"


# --- list


def show_list_options(parser: ArgumentParser) -> None:
    add_charger(parser)
    add_format(parser)


def show_list(args: Namespace, config: Config) -> int:
    with dialogue(args, config) as charger:
        rows = [_row(one) for one in _installed(charger)]
    columns = (
        Column("use", "trusted as"),
        Column("common_name", "name", lambda name: str(name or "unknown here")),
        Column("serial_number", "serial number"),
        Column("expires_at", "until", local_time(config.zone())),
        Column("in_use", "signs our server"),
        Column("issuer_key_hash", "key hash", lambda digits: f"{str(digits)[:12]}.."),
    )
    print_rows(rows, columns, args.format, empty="it has none")
    return 0


def _row(one: Installed) -> dict[str, object]:
    known = {"common_name": one.known.common_name, "expires_at": one.known.not_after} if one.known else {}
    return {"use": one.use, "in_use": one.in_use, **msgspec.structs.asdict(one.named), **known}


class _Listed(msgspec.Struct, rename="camel"):
    certificate_hash_data: list[CertificateHashData] | None = None


def _installed(charger: Dialogue) -> list[Installed]:
    """Of both kinds."""
    known, signers = _certificates_here(charger.config)
    found = []
    for use, wanted in USES.items():
        answer = charger.ask(GetInstalledCertificateIds(certificate_type=wanted))
        for named in understood(answer, _Listed).certificate_hash_data or []:
            ours = {digest(issuer, named.hash_algorithm) for issuer in signers} if use == "csms" else set()
            in_use = named.issuer_name_hash.lower() in ours
            found.append(Installed(use, named, named_by(named, known), in_use))
    return found


def _certificates_here(config: Config) -> tuple[list[Certificate], set[bytes]]:
    """Every certificate in our files, and the names that have signed our server's."""
    known: list[Certificate] = []
    signers: set[bytes] = set()
    tls = config.listener.tls
    shown = list(tls.certificate) if tls else []
    for path in filter(None, (*shown, tls.client_ca if tls else "", open_authority(config).path(ROOT))):
        if os.path.exists(path):
            chain = read_certificates(read_file(path))
            known += chain
            if path in shown:
                signers.add(chain[-1].issuer)
    return known, signers


# --- install


def install_options(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", help="PEM or DER (default: our own authority's)")
    parser.add_argument("--type", choices=USES, default="csms", help="whom it vouches for (default: csms, which is us)")
    parser.add_argument("--anyway", action="store_true", help="also one that looks wrong")
    add_charger(parser)


def install(args: Namespace, config: Config) -> int:
    path = args.file or open_authority(config).path(ROOT)
    if not args.file:
        open_authority(config).certificate(ROOT)  # says how to make one
    certificate = _one_in(path)
    if not args.anyway and (wrong := _wrong(certificate, args.type, config)):
        raise Malformed(f"{path}: {wrong}; send it all the same with --anyway")
    if len(certificate.pem) > LONGEST_PEM:
        raise Malformed(f"{path}: {len(certificate.pem)} characters; a charger takes {LONGEST_PEM}")
    with dialogue(args, config) as charger:
        signed_by_old = (charger.told("AdditionalRootCertificateCheck") or "").lower() == "true"
        remedy = "this charger takes a new root only if the old one has signed it" if signed_by_old else ""
        call = InstallCertificate(certificate_type=USES[args.type], certificate=certificate.pem)
        charger.demand(call, remedy=remedy, what=certificate.common_name)
    return 0


def _one_in(path: str) -> Certificate:
    try:
        found = read_certificates(read_file(path))
    except NotACertificate as error:
        raise NotACertificate(f"{path}: {error}") from None
    if len(found) > 1:
        raise Malformed(f"{path}: {len(found)} certificates in it, and a charger takes one; write the root to a file")
    return found[0]


def _wrong(certificate: Certificate, use: str, config: Config) -> str:
    now = datetime.now(UTC)
    if certificate.not_after <= now:
        return f"it {expiry(certificate.not_after, now)}"
    if certificate.not_before > now:
        return f"it is valid only from {certificate.not_before:%Y-%m-%d} on"
    if not certificate.is_authority:
        return "it is no authority's: it may not sign others"
    signers = _certificates_here(config)[1]
    if use == "csms" and signers and certificate.subject not in signers:
        return "it is not the one our server's certificates come from ([listener.tls] certificate)"
    return ""


# --- delete


def delete_options(parser: ArgumentParser) -> None:
    parser.add_argument("which", metavar="SERIAL|HASH", help="serial number, or the first digits of a hash, as listed")
    parser.add_argument("--anyway", action="store_true", help="also the last one, or the one it knows us by")
    add_charger(parser)


def delete(args: Namespace, config: Config) -> int:
    with dialogue(args, config) as charger:
        everything = _installed(charger)
        meant = [one for one in everything if one.is_meant(args.which)]
        if len(meant) != 1:
            how_many = "has none" if not meant else "has several"
            see = f"tinyocpp charger certificate list --charger {charger.charger_id}"
            raise Malformed(f"{charger.charger_id} {how_many} that {args.which} could mean; see: {see}")
        if not args.anyway and (why := _needed(meant[0], everything)):
            raise Malformed(f"{meant[0]} {why}; delete it all the same with --anyway")
        charger.demand(DeleteCertificate(certificate_hash_data=meant[0].named), what=str(meant[0]))
    return 0


def _needed(one: Installed, everything: list[Installed]) -> str:
    if one.in_use:
        return "is the one the charger knows us by"
    if one.use == "csms" and [other.use for other in everything].count("csms") == 1:
        return "is the last one the charger could know us by"
    return ""


# --- renew


def renew_options(parser: ArgumentParser) -> None:
    add_charger(parser, RENEW_S)


def renew(args: Namespace, config: Config) -> int:
    """The charger makes a key and a request, we sign it, it answers: the last two are seen in the ledger."""
    from tinyocpp.storage import signing  # raises Unavailable where nobody can sign

    authority = open_authority(config)
    authority.check(datetime.now(UTC))
    deadline = time.monotonic() + args.timeout
    with dialogue(args, config) as charger:
        _name_the_owner(charger, authority.organisation[: signing.LONGEST_NAME])
        since = datetime.now(UTC)
        wanted = ExtendedMessageTrigger.SIGN_CHARGE_POINT_CERTIFICATE
        charger.demand(ExtendedTriggerMessage(requested_message=wanted), message="its request for a certificate")
        new = _wait(charger, since, deadline)
    until = f"{new.expires_at.astimezone(config.zone()):%Y-%m-%d}"
    print(
        f"{charger.charger_id} has its new certificate, {new.serial}, until {until}; it shows it when it next connects"
    )
    return 0


def _name_the_owner(charger: Dialogue, organisation: str) -> None:
    """CpoName goes into the request as O, and must be there before one is asked for (A02). Not every charger has it."""
    told = Told()
    try:
        told.add(charger.ask(GetConfiguration(key=("CpoName",))))
    except CallRefused:
        return
    known = told.keys.get("cponame")
    if known is None:
        print(f"tinyocpp: {charger.charger_id} knows no key CpoName; going on without", file=sys.stderr)
    elif known.value in (None, ""):
        charger.demand(ChangeConfiguration(key="CpoName", value=organisation), key="CpoName", value=organisation)
    elif known.value != organisation:
        raise Malformed(
            f"its CpoName is {known.value!r}, and certificates here are for {organisation!r}: set one of them, with"
            " tinyocpp charger set CpoName, or [listener.tls] client_organisation"
        )


def _wait(charger: Dialogue, since: datetime, deadline: float) -> IssuedCertificate:
    while time.monotonic() < deadline:
        for refusal in charger.reader.oddities(since, charger_id=charger.charger_id):
            if refusal.kind == OddityKind.NO_CERTIFICATE:
                raise Refused(f"{charger.charger_id} has asked, and was refused: {refusal.detail}")
        issued = [one for one in charger.reader.certificates(charger.charger_id) if one.issued_at >= since]
        if issued and issued[-1].state is CertificateState.INSTALLED:
            return issued[-1]
        if issued and issued[-1].state is CertificateState.REFUSED:
            raise Refused(f"{charger.charger_id} did not take its new certificate; the one it has stays in use")
        time.sleep(POLL_S)
    raise NoAnswer(_what_is_missing(charger, since))


def _what_is_missing(charger: Dialogue, since: datetime) -> str:
    name = charger.charger_id
    if any(one.issued_at >= since for one in charger.reader.certificates(name)):
        return f"{name} was sent its new certificate and has not answered; the old one counts too, so nothing is lost"
    return f"{name} agreed, but has asked for no certificate; see: tinyocpp log --charger {name}"
