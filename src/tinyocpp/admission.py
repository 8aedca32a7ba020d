"""Rule: may this identity come in, and with which security profile?

The answer to whoever has an acceptable identity and has shown the password or certificate asked of it, if any. Nobody
unknown gets in: by default the first charger that boots is adopted, and everybody after it needs the owner's word.
Pure: what is known is passed in. Asked by hosts/door.py, in front of every connection.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from tinyocpp.identity import SIMULATOR, fold_identity

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_ADMITTED = "not admitted"
"""Why a stranger is refused: the one reason that `tinyocpp charger admit` does away with."""


class Standing(StrEnum):
    """How a charger stands with the owner."""

    ADMITTED = "admitted"
    CANDIDATE = "candidate"  # a well-formed BootNotification makes it the first; until then it may say nothing else
    REFUSED = "refused"


def standing(
    identity: str,
    *,
    admit: str | Sequence[str],
    admitted: bool,
    anyone_admitted: bool,
    loopback: bool,
    named: bool,
) -> Standing:
    """`admit` is [chargers] admit; `admitted` is this identity's own state, `anyone_admitted` that of all but the
    simulator; `named`: the owner gave it on the command line."""
    is_simulator = fold_identity(identity) == SIMULATOR
    if admitted or named or (is_simulator and loopback):
        return Standing.ADMITTED
    if admit == "any":
        return Standing.ADMITTED
    if admit == "first":
        return Standing.REFUSED if anyone_admitted or is_simulator else Standing.CANDIDATE
    listed = {fold_identity(entry) for entry in admit}
    return Standing.ADMITTED if fold_identity(identity) in listed else Standing.REFUSED


def profile_used(*, tls: bool, password: bool, certificate: bool) -> int:
    """The security profile of a connection, by what it has shown that was right (security paper, A00)."""
    if certificate:
        return 3
    return (2 if tls else 1) if password else 0


def profile_proven(used: int, proven: int, asked: int | None) -> int:
    """What has been proven once this connection is in: the profile that was asked for, as soon as the charger comes
    with it (A05.FR.09), and nothing it merely happened to use."""
    return max(proven, asked) if asked is not None and used >= asked else proven
