"""Rule: what a charger may call itself, and when two spellings are the same charger.

An identity arrives as the last segment of a URL, from anybody. It ends up in file names of sockets, in log lines and in
reports, so this is the one gate: what passes here is safe in all of them. The spelling is kept, the comparison is
without regard to case (chargers differ in case between URL, password user and label).
"""

from __future__ import annotations

LONGEST = 48  # CiString of the 1.6 security paper's CN and of OCPP 2.x
PERMITTED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._:+*=|@#-")
RULE = "not an identity; 1 to 48 of letters, digits, space and ._:+*=|@#- , not starting with a dot"
"""What everybody is told who types one that `valid_identity` refuses."""

SIMULATOR = "simulator"
"""Over loopback it always gets in, never counts as the first, and stays out of reports unless asked for."""


def valid_identity(text: str) -> bool:
    """No `/`, no NUL, nothing outside ASCII, and no leading dot: never `..`, never a hidden file."""
    return 1 <= len(text) <= LONGEST and not text.startswith(".") and PERMITTED.issuperset(text)


def fold_identity(text: str) -> str:
    """The key under which an identity is looked up. Names in certificates and of users may have letters beyond ASCII,
    which stay as they are: the Kelvin sign's lower case is a k."""
    return text.lower() if text.isascii() else text
