"""Requests that move no energy: kept, and answered as the standard wants it.

DataTransfer, the progress of diagnostics, firmware and logs, and the security extension. What they set off (signing a
certificate, say) is the work of a companion, which finds them in the ledger and in the event stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.messages import ACTIONS
from tinyocpp.messages.core import DataTransfer, DataTransferResult, DataTransferStatus

if TYPE_CHECKING:
    from tinyocpp.charger import Charger
    from tinyocpp.messages.payload import Payload
    from tinyocpp.messages.security import SignCertificate, SignCertificateResult


def data_transfer(call: DataTransfer, charger: Charger) -> DataTransferResult:
    """We speak no vendor's language (section 4.3)."""
    charger.record("DataTransfer", call)
    return DataTransferResult(status=DataTransferStatus.UNKNOWN_VENDOR_ID)


def notice(call: Payload, charger: Charger) -> Payload:
    """Something the charger wants to be known, whose answer says nothing. Taken also when nobody asked for a firmware
    update (section 4.5), and for any type of security event, as their list is spelled in two ways (paper A04)."""
    action = ACTIONS[type(call).__name__]
    charger.record(action.name, call)
    return action.result()


def sign_certificate(call: SignCertificate, charger: Charger) -> SignCertificateResult:
    """Nobody here signs certificates (security paper A02, A03)."""
    from tinyocpp.messages.security import GenericStatus, SignCertificateResult

    charger.record("SignCertificate", call)
    return SignCertificateResult(status=GenericStatus.REJECTED)
