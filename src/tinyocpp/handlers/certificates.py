"""A charger's own certificate: its request for one, and whether it took what we sent (security paper A02, A03).

Who signs is the charger's Authority. What was signed goes to the charger as an errand (errands/certificates.py); here
it is decided and kept. What only a certificate needs is imported when there is one: most chargers have none.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.commands import agreed
from tinyocpp.dealings import CertificateState, IssuedCertificate
from tinyocpp.errands.certificates import deliver
from tinyocpp.errors import CertificateRefused, Malformed
from tinyocpp.features import whole_number
from tinyocpp.handlers.stage import Stage
from tinyocpp.leniency import Oddity, OddityKind

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.charger import Charger
    from tinyocpp.messages.core_boot import BootNotification
    from tinyocpp.messages.security import SignCertificate, SignCertificateResult

A_DAY = timedelta(days=1)
MOST_A_DAY = 20  # a charger that asks again each second shall fill neither the ledger nor its own flash


def sign_certificate(call: SignCertificate, charger: Charger) -> SignCertificateResult:
    """Sign at once, and send it right after this answer. The charger is not told why it is Rejected; `tinyocpp status`
    is."""
    from tinyocpp.messages.security import GenericStatus, SignCertificateResult

    charger.record("SignCertificate", call)
    now = charger.clock.now()
    try:
        issued = _signed(call.csr, charger, now)
    except CertificateRefused as refusal:
        oddity = Oddity(OddityKind.NO_CERTIFICATE, str(refusal))
        charger.ledger.note(charger.id, oddity, "", now)  # the request itself is with the calls
        charger.announce("oddity", kind=oddity.kind, detail=oddity.detail)
        return SignCertificateResult(status=GenericStatus.REJECTED)
    charger.certificate_wanted = False
    charger.ledger.certificate_issued(issued)
    charger.announce("certificate", serial=issued.serial, state=issued.state)
    charger.undertake(deliver(issued))
    return SignCertificateResult(status=GenericStatus.ACCEPTED)


def _signed(csr: str, charger: Charger, now: datetime) -> IssuedCertificate:
    """Raises CertificateRefused."""
    from tinyocpp.certificates import LONGEST_CHAIN

    if charger.authority is None:
        raise CertificateRefused("nobody here signs certificates")
    known = charger.ledger.certificates(charger.id)
    _may_ask(charger, {one.serial for one in known if one.state is CertificateState.REVOKED})
    lately = [one for one in known if one.issued_at > now - A_DAY]
    if len(lately) >= MOST_A_DAY:
        raise CertificateRefused(f"it has been given {MOST_A_DAY} within a day")
    serial_number = serial_number_of(charger.ledger.last_boot(charger.id))
    if charger.ledger.admitted(serial_number):
        serial_number = ""  # that is what a charger of ours is called
    signed = charger.authority.sign(charger.id, serial_number, csr, now)
    longest = whole_number(charger.ledger.configuration(charger.id, "CertificateSignedMaxChainSize")) or LONGEST_CHAIN
    if len(signed.chain_pem) > longest:
        raise CertificateRefused(f"its chain has {len(signed.chain_pem)} characters, and the charger takes {longest}")
    return IssuedCertificate(
        serial=signed.serial,
        charger_id=charger.id,
        issued_at=now,
        expires_at=signed.expires_at,
        pem=signed.chain_pem,
        state=CertificateState.ISSUED,
    )


def _may_ask(charger: Charger, revoked: set[str]) -> None:
    """A certificate opens the door for years: what has proven nothing is given one only if its owner wants that now,
    else whoever can use a charger's name once could keep it. Raises CertificateRefused."""
    profile, serial = charger.ledger.came_with(charger.id)
    if serial in revoked:
        raise CertificateRefused("it is connected with a certificate that was revoked")
    if profile == 0 and not charger.certificate_wanted:
        from shlex import quote

        remedy = f"tinyocpp charger certificate renew --charger {quote(charger.id)}"
        raise CertificateRefused(f"it came without password or certificate, and nobody has asked it to: {remedy}")


def serial_number_of(boot: BootNotification | None) -> str:
    """What else than its identity may be the common name (A00.FR.405); "" if it never said."""
    return (boot and boot.charge_point_serial_number) or ""


class _Chain(msgspec.Struct, rename="camel"):
    certificate_chain: str


class _Trigger(msgspec.Struct, rename="camel"):
    requested_message: str


def certificate_asked(stage: Stage, call: bytes, answer: bytes, charger: Charger) -> None:
    """Lesson of ExtendedTriggerMessage: the owner wants the charger to have a certificate."""
    from tinyocpp.messages.security import ExtendedMessageTrigger

    if stage is not Stage.SENT:
        return
    try:
        asked = msgspec.json.decode(call, type=_Trigger).requested_message
    except msgspec.MsgspecError:
        return  # typed with --raw
    charger.certificate_wanted |= asked == ExtendedMessageTrigger.SIGN_CHARGE_POINT_CERTIFICATE


def certificate_answered(stage: Stage, call: bytes, answer: bytes, charger: Charger) -> None:
    """Lesson of CertificateSigned, whoever sent it. Without an answer it is in use or not: both certificates count."""
    if stage is not Stage.ANSWERED:
        return
    from tinyocpp.certificates import read_certificates

    try:
        chain = msgspec.json.decode(call, type=_Chain).certificate_chain
        serial = read_certificates(chain.encode())[0].serial
        state = CertificateState.INSTALLED if agreed(answer) else CertificateState.REFUSED
    except (msgspec.MsgspecError, Malformed):
        return  # typed with --raw, or answered against the schema
    if charger.ledger.certificate_state(serial, state):
        charger.announce("certificate", serial=serial, state=state)
