"""What is answered to a wrong payload: the tables.

With `strict = true` a request is refused with the code of OCPP-J 4.2.3 for what is wrong, in the spelling of 1.6, the
field named in the description and no details. By default it is answered as if the charger had said what it meant, or
nothing. Six requests are never refused (promise 4), and `strict` changes nothing for them: a charger would only say
them again, and the energy has flowed.
"""

from __future__ import annotations

from typing import Any

from negative.payloads import Case, Wrong
from tinyocpp.messages.frames import ErrorCode

CODES: dict[Wrong, ErrorCode | None] = {
    Wrong.DROPPED: ErrorCode.PROTOCOL_ERROR,  # "payload is incomplete"
    Wrong.NULL: ErrorCode.TYPE_CONSTRAINT_VIOLATION,
    Wrong.NULL_OPTIONAL: None,  # as good as not sent, also with strict: the schemas forbid it, nothing is lost
    Wrong.RETYPED: ErrorCode.TYPE_CONSTRAINT_VIOLATION,
    Wrong.OUT_OF_RANGE: ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    Wrong.TOO_FINE: ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    Wrong.NO_MEMBER: ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    Wrong.TOO_LONG: ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    Wrong.NO_TIME: ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    Wrong.TOO_FEW: ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
    Wrong.EXTRA: ErrorCode.FORMATION_VIOLATION,  # "not conform the PDU structure"
    Wrong.NAME_CASE: ErrorCode.FORMATION_VIOLATION,  # a field nobody knows, and one that is missing
    Wrong.NO_OBJECT: ErrorCode.FORMATION_VIOLATION,
}

NEVER_REFUSED = (
    "BootNotification", "Heartbeat", "StatusNotification", "MeterValues", "StartTransaction", "StopTransaction",
)  # fmt: skip

ACCEPTED, UNKNOWN = {"status": "Accepted"}, {"status": "Invalid"}
NOW = "2026-06-01T12:00:00Z"
ANY_NUMBER = "*"
RESULTS: dict[str, Any] = {
    "Authorize": {"idTagInfo": ACCEPTED},
    "BootNotification": {"status": "Accepted", "currentTime": NOW, "interval": 300},
    "DataTransfer": {"status": "UnknownVendorId"},
    "DiagnosticsStatusNotification": {},
    "FirmwareStatusNotification": {},
    "Heartbeat": {"currentTime": NOW},
    "LogStatusNotification": {},
    "MeterValues": {},
    "SecurityEventNotification": {},
    "SignCertificate": {"status": "Rejected"},  # nobody signs here
    "SignedFirmwareStatusNotification": {},
    "StartTransaction": {"idTagInfo": ACCEPTED, "transactionId": ANY_NUMBER},
    "StatusNotification": {},
    "StopTransaction": {"idTagInfo": ACCEPTED},
}
"""What a right request is answered, of a charger whose tag may charge."""


def refusal(action: str, case: Case, *, strict: bool) -> tuple[ErrorCode, str] | None:
    """The code of the CALLERROR and what its description says of the place; None: it is answered with a result."""
    code = CODES[case.wrong]
    if action in NEVER_REFUSED or code is None:
        return None
    unreadable = action == "SignCertificate" and (
        case.wrong is Wrong.NO_OBJECT or (case.path == "$.csr" and case.wrong in (Wrong.DROPPED, Wrong.NULL))
    )
    if strict or unreadable:  # without a request there is nothing to sign, and no answer says so
        return code, place(case)
    return None


def place(case: Case) -> str:
    """How the description ends: the field that is missing or unknown in its structure, or the path to the value."""
    within = f" - at `{case.parent}`" if case.parent != "$" else ""
    match case.wrong:
        case Wrong.DROPPED | Wrong.EXTRA | Wrong.NAME_CASE:
            return f"field `{case.leaf}`{within}"
        case Wrong.NO_OBJECT:
            return "Expected `object`, got `"
    return f" - at `{case.path}`"


def result(action: str, case: Case) -> Any:
    """What a wrong request is answered that is not refused."""
    lost = case.wrong is Wrong.NO_OBJECT
    if "idTagInfo" not in RESULTS[action]:
        return RESULTS[action]
    if action == "StopTransaction" and (lost or (case.path == "$.idTag" and case.wrong is Wrong.NULL_OPTIONAL)):
        return {}  # it names no tag, so there is nothing to say of one
    broken_tag = case.path == "$.idTag" and case.wrong is not Wrong.NAME_CASE
    return RESULTS[action] | {"idTagInfo": UNKNOWN} if lost or broken_tag else RESULTS[action]


ALL = frozenset(RESULTS)
TOO_EARLY = {
    "stranger": ALL - {"BootNotification"},  # not let in yet: it may say who it is (OCPP-J errata 3.10)
    "pending": frozenset({"Authorize", "DataTransfer"}),  # nothing of its own; the rest may have been asked for (4.2)
    "rejected": ALL - set(NEVER_REFUSED),  # nothing at all, and yet the energy has flowed
}
"""Which requests are refused with SecurityError, of whom."""

ANSWERS = [  # a frame that answers our call =ID=, how the call ends, and with which code
    ('[3,"=ID="]', "result", ""),
    ('[3,"=ID=",null]', "result", ""),
    ('[3,"=ID=",{},{}]', "result", ""),
    ('["3","=ID=",{}]', "result", ""),
    ('[3,"=ID=",{}', "result", ""),
    ('[4,"=ID="]', "error", "GenericError"),
    ('[4,"=ID=","NotSupported"]', "error", "NotSupported"),
    ('[4,"=ID=","NotSupported","no",{}]', "error", "NotSupported"),
    ('[4,"=ID=","NoSuchCode","no",{}]', "error", "NoSuchCode"),
    ('[4,"=ID=",7,null,null]', "error", "GenericError"),
    ('[4,"=ID=","NotSupported","no",[],7]', "error", "NotSupported"),
]
NO_ANSWERS = [  # frames that do not answer it, and end nothing
    '[3,"other",{}]',
    "[3,7,{}]",
    "[3,null,{}]",
    '[3,["=ID="],{}]',
    "[3]",
    '[5,"=ID=",{}]',
    "[4]",
]
