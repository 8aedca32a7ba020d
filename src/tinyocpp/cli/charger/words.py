"""What a charger's answers mean, in words, and what to do when one is a no.

One table: action, status, sentence, remedy. A sentence may name what was asked for ({connector}, {key}); what a caller
does not say stays out of the way. Statuses are compared without case, and one outside the standard is shown as it is
(quirk F14). ERRORS is for CALLERROR, which for most calls means that the charger does not know them.
"""

from __future__ import annotations

Row = tuple[str, str]

ANSWERS: dict[str, dict[str, Row]] = {
    "CancelReservation": {
        "Accepted": ("the reservation is cancelled", ""),
        "Rejected": ("it knows no such reservation", "nothing is kept any more: see tinyocpp charger reservations"),
    },
    "ChangeAvailability": {
        "Accepted": ("{connector} is {type} now, also after a restart", ""),
        "Rejected": ("{connector} cannot be made {type}", "see what it is doing: tinyocpp status"),
        "Scheduled": ("{connector} becomes {type} when the running charge has ended", ""),
    },
    "ChangeConfiguration": {
        "Accepted": ("{key} is {value} now", ""),
        "NotSupported": ("it knows no key {key}", "tinyocpp charger get lists those it knows"),
        "RebootRequired": (
            "{key} is stored, and counts after a restart",
            "restart it: tinyocpp charger reset --charger {charger}",
        ),
        "Rejected": (
            "{key} was not set to {value}",
            "the key can only be read, or the value is out of range, or a list names one thing it cannot do;"
            " see tinyocpp charger get {key}",
        ),
    },
    "ClearCache": {
        "Accepted": ("its cache of tags is empty", ""),
        "Rejected": ("it has no cache of tags", "nothing is remembered, so nothing needs to be cleared"),
    },
    "ClearChargingProfile": {
        "Accepted": ("what matched is cleared", ""),
        "Unknown": ("no profile matched", "tinyocpp charger profile composite shows what is in force"),
    },
    "DataTransfer": {
        "Accepted": ("the message was taken", ""),
        "Rejected": ("the message was not taken", "the maker's manual says what it wants to hear"),
        "UnknownMessageId": ("it knows the vendor, but not the message", "see the maker's manual for its messages"),
        "UnknownVendorId": ("it does not know that vendor", "see the maker's manual for the vendor's spelling"),
    },
    "DeleteCertificate": {
        "Accepted": ("{what} is deleted", ""),
        "Failed": ("{what} stays", "it is in use there, or cannot be deleted at all"),
        "NotFound": ("it has no such certificate", "see tinyocpp charger certificate list"),
    },
    "ExtendedTriggerMessage": {
        "Accepted": ("{message} will come", ""),
        "NotImplemented": ("it cannot be made to send {message}", "wait for it to come by itself"),
        "Rejected": ("{message} will not come now", "wait for it to come by itself"),
    },
    "GetCompositeSchedule": {
        "Accepted": ("this is what it expects, without promise", ""),
        "Rejected": ("it cannot tell", "many chargers never can; or there is no such connector"),
    },
    "InstallCertificate": {
        "Accepted": ("it trusts {what} now", ""),
        "Failed": ("it could not keep {what}", "try again, or after tinyocpp charger reset"),
        "Rejected": (
            "it does not take {what}",
            "its clock may be wrong, or its store full: tinyocpp charger certificate list, then delete one",
        ),
    },
    "RemoteStartTransaction": {
        "Accepted": ("it tries to start", ""),
        "Rejected": ("it does not start", "is the cable plugged in? see tinyocpp status"),
    },
    "RemoteStopTransaction": {
        "Accepted": ("it ends the charge", ""),
        "Rejected": ("it knows no such transaction", "see tinyocpp status"),
    },
    "ReserveNow": {
        "Accepted": ("{connector} is kept for {tag} until {until} (reservation {reservation})", ""),
        "Faulted": ("{connector} is out of order", "see tinyocpp status"),
        "Occupied": (
            "{connector} is in use or reserved already",
            "see tinyocpp status and tinyocpp charger reservations",
        ),
        "Rejected": ("it takes no reservations, or not for {connector}", "name one connector with --connector"),
        "Unavailable": (
            "{connector} is out of service",
            "bring it back: tinyocpp charger availability operative --charger {charger}",
        ),
    },
    "Reset": {
        "Accepted": ("it restarts", ""),
        "Rejected": ("it does not restart now", "stop the running charge, or try: tinyocpp charger reset hard"),
    },
    "SetChargingProfile": {
        "Accepted": ("profile {profile} is in place", ""),
        "NotSupported": ("it cannot be limited by profiles", "see tinyocpp charger get SupportedFeatureProfiles"),
        "Rejected": (
            "profile {profile} was not taken",
            "too many periods or too high a level, a unit it does not know, or no such charge:"
            " see tinyocpp charger get",
        ),
    },
    "TriggerMessage": {
        "Accepted": ("{message} will come", ""),
        "NotImplemented": ("it cannot be made to send {message}", "wait for it to come by itself"),
        "Rejected": ("{message} will not come now", "wait for it to come by itself"),
    },
    "UnlockConnector": {
        "NotSupported": ("nothing to unlock: a fixed cable, or no such connector", "see tinyocpp status"),
        "UnlockFailed": ("the plug is held fast", "pull the plug lightly, or push it in, and try again"),
        "Unlocked": ("{connector} has let go of the plug", ""),
    },
}
"""Other actions (firmware, logs, certificates) are told by the words that send them."""

UNKNOWN_CALL = ("NotImplemented", "NotSupported")
ERRORS: dict[str, str] = {
    **dict.fromkeys(UNKNOWN_CALL, "this charger does not do {action}"),
    "PropertyConstraintViolation": "a value is out of its range; is there such a connector?",
    "SecurityError": "it does not count itself as registered: tinyocpp charger trigger BootNotification",
    "InternalError": "it failed; try again, or restart it: tinyocpp charger reset",
}


class _Facts(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return f"the {name}"


def in_words(action: str, status: str, **facts: object) -> Row:
    """What this answer means, and what to do where it is a no."""
    known = {name.lower(): (name, row) for name, row in ANSWERS.get(action, {}).items()}
    if status.lower() not in known:
        return f"answered {status or 'without a status'}", ""
    name, (sentence, remedy) = known[status.lower()]
    said = _Facts(facts)
    return f"answered {name}: {sentence.format_map(said)}", remedy.format_map(said)


def remedy_of_error(action: str, code: str) -> str:
    """The end of a line about a CALLERROR: "; this charger does not do Reset", or nothing."""
    remedy = ERRORS.get(code, "")
    return f"; {remedy.format(action=action)}" if remedy else ""
