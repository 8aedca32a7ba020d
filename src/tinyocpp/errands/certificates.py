"""Bring a charger the certificate that was signed for it (security paper A02).

What its answer says is kept by the lesson of CertificateSigned (handlers/certificates.py), also when it comes late.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tinyocpp.commands import Ask
from tinyocpp.dealings import CertificateState

if TYPE_CHECKING:
    from tinyocpp.charger import Charger
    from tinyocpp.commands import Errand
    from tinyocpp.dealings import IssuedCertificate

STILL_WAITED_FOR = timedelta(days=1)


def deliver(issued: IssuedCertificate) -> Errand:
    """The chain has the charger's certificate first, and no root."""
    from tinyocpp.messages.payload import encode_payload
    from tinyocpp.messages.security import CertificateSigned

    yield Ask("CertificateSigned", encode_payload(CertificateSigned(certificate_chain=issued.pem)))


def deliver_again(charger: Charger) -> Errand | None:
    """The last one signed, if a connection or a process of ours ended before it was answered: a charger whose request
    was accepted waits, and asks no second time."""
    issued = charger.ledger.certificates(charger.id)
    if not issued or issued[-1].state is not CertificateState.ISSUED:
        return None
    if charger.clock.now() - issued[-1].issued_at > STILL_WAITED_FOR:
        return None
    return deliver(issued[-1])
