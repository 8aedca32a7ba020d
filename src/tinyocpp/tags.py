"""Rule: may this tag charge now, and whom is it booked to?

Tags are compared as the standard does, without regard to case, and without what a sloppy reader puts around them;
nothing else is guessed: a tag with garbage behind it is another tag. Where the list comes from is no business of this
module (storage/tagfile.py reads the owner's file), nor is counting what a tag has running (the ledger does).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.modes import Mode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import tzinfo
    from typing import Protocol
else:
    Protocol = object  # see charger.py

LONGEST = 20  # IdToken is a CiString20 (section 7.28): what we send keeps to it
SURE_BEGINNING = 16  # characters: the number of a card has 14 hexadecimal digits at most
LONGEST_ID = 255  # chargers exist that send more than the standard allows (quirk S7)


class Tag(msgspec.Struct, frozen=True):
    """One line of the owner's list."""

    id: str
    name: str = ""
    group: str = ""  # parentIdTag: members may stop each other's transactions
    expires: datetime | date | None = None  # a date means the end of that local day
    blocked: bool = False
    transactions: int = 1  # how many at once
    mode: Mode | None = None  # how its charges go; None: as its charger's


class Verdict(msgspec.Struct, frozen=True):
    """What a tag may do, and what the charger is told about it (IdTagInfo)."""

    status: AuthorizationStatus
    id_tag: str  # whom it is booked to: as the list spells it, else as it was shown
    parent_id_tag: str | None = None
    expiry_date: datetime | None = None  # only with Accepted, so never in the past
    name: str = ""


class Policy(Protocol):
    """What holds for tags the list does not name: the [tags] table."""

    @property
    def unknown(self) -> str: ...
    @property
    def empty(self) -> str: ...


def clean(id_tag: str) -> str:
    """Without control characters, anywhere, and without space around it (readers overrun their buffers, quirk F5)."""
    return id_tag.strip() if id_tag.isprintable() else "".join(filter(str.isprintable, id_tag)).strip()


def fold(id_tag: str) -> str:
    """The key under which a tag is looked up (CiString: the spelling is kept, case does not count)."""
    return clean(id_tag).casefold()


def same_tag(one: str, other: str) -> bool:
    """May both have been read from one card? Also where one is cut off or goes on with what was overread (quirk S7): in
    the stop of a charge whose start said it in full. For who may charge this is not enough."""
    shorter, longer = sorted((fold(one), fold(other)), key=len)
    return longer.startswith(shorter) and (len(shorter) >= SURE_BEGINNING or len(shorter) == len(longer))


def mistake(tag: Tag) -> str:
    """Why this tag cannot be in a list: the key, what is wrong and what to write. Empty: it can."""
    if not clean(tag.id):
        return "id: is empty; whose an empty tag is says [tags] empty in the configuration"
    for key, text, longest in (("id", tag.id, LONGEST_ID), ("group", tag.group, LONGEST)):
        if len(clean(text)) > longest:
            return f"{key}: {text!r} is longer than {longest} characters; shorten it"
    for key, text in (("id", tag.id), ("name", tag.name), ("group", tag.group)):
        if not text.isprintable():
            return f"{key}: {text!r} has control characters; leave them out"
    if tag.transactions < 1:
        return f"transactions: {tag.transactions} is too few; write 1 or more, or blocked = true"
    return ""


class TagList:
    """The owner's tags. An id that is there twice counts as it is written last; the file refuses it before."""

    def __init__(self, tags: Iterable[Tag], policy: Policy, zone: tzinfo) -> None:
        self._policy = policy
        self._known = {fold(tag.id): (tag, end_of(tag.expires, zone)) for tag in tags}
        self._groups = {fold(tag.group) for tag in self}
        named = {tag.name.casefold(): tag for tag in self}
        self._empty = self.find(policy.empty) or named.get(policy.empty.casefold()) if policy.empty else None

    def __iter__(self) -> Iterator[Tag]:
        return (tag for tag, _ in self._known.values())

    def __len__(self) -> int:
        return len(self._known)

    def find(self, id_tag: str) -> Tag | None:
        """The line about this tag, in whatever case; None: it has none."""
        known = self._known.get(fold(id_tag))
        return known[0] if known else None

    def judge(self, id_tag: str, now: datetime, *, running: int = 0) -> Verdict:
        """May this tag charge now, having `running` transactions open elsewhere? Never raises, whatever the tag."""
        shown = clean(id_tag)
        tag = self.find(shown) if shown else self._empty
        if tag is None and not self._welcome(shown):
            return Verdict(AuthorizationStatus.INVALID, shown)
        tag = tag or Tag(shown)
        _, end = self._known.get(fold(tag.id), (tag, None))
        status = _status(tag, end is not None and end <= now, running)
        accepted = status is AuthorizationStatus.ACCEPTED
        return Verdict(status, tag.id, tag.group or None, end if accepted else None, tag.name)

    def _welcome(self, shown: str) -> bool:
        """May a tag charge that nobody wrote down? A card whose number equals the name of a group is not in that group
        for it (section 3.10), and nothing is known of a charge without any tag."""
        return self._policy.unknown == "accept" and shown != "" and fold(shown) not in self._groups


def _status(tag: Tag, expired: bool, running: int) -> AuthorizationStatus:
    if tag.blocked:
        return AuthorizationStatus.BLOCKED
    if expired:
        return AuthorizationStatus.EXPIRED
    if running >= tag.transactions:
        return AuthorizationStatus.CONCURRENT_TX
    return AuthorizationStatus.ACCEPTED


def end_of(expires: datetime | date | None, zone: tzinfo) -> datetime | None:
    """The instant a tag ends, in UTC; a time without a zone is local. The year 9999 is how people write never."""
    if expires is None or expires.year == date.max.year:
        return None
    if not isinstance(expires, datetime):
        next_day = expires + timedelta(days=1)
        expires = datetime(next_day.year, next_day.month, next_day.day)  # noqa: DTZ001
    local = expires if expires.tzinfo else expires.replace(tzinfo=zone)
    return max(local, EARLIEST).astimezone(UTC)


EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # before the first year there is no UTC to convert to
