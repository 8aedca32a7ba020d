"""Rule: the owner's tags as a charger's local authorisation list, and the messages that bring it there (sections 3.5.2,
5.15; errata 3.52).

Functions of what the file says, what the charger has and what it can take. When to send, and what to make of the
answers, is errands/locallist.py's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.messages.local_list import AuthorizationData, SendLocalList, UpdateType
from tinyocpp.messages.payload import decode_payload, encode_payload, whole_seconds
from tinyocpp.messages.types import AuthorizationStatus, IdTagInfo
from tinyocpp.tags import LONGEST, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tinyocpp.tags import Tag, Verdict

Entries = dict[str, str]
"""Folded idTag: the entry as it is sent, as JSON. Comparable, and kept as it is."""


def wanted(tags: Iterable[Tag], judge: Callable[[str], Verdict], room: int) -> Entries:
    """What the charger's list should be. Tags longer than can be sent stay out; where there is no room for all, those
    that may charge come first: of the others a charger mostly refuses what it does not know."""
    verdicts = [verdict for verdict in (judge(tag.id) for tag in tags) if len(verdict.id_tag) <= LONGEST]
    verdicts.sort(key=lambda verdict: verdict.status is not AuthorizationStatus.ACCEPTED)
    return {fold(verdict.id_tag): _encoded(_entry(verdict)) for verdict in verdicts[:room]}


def updates(have: Mapping[str, str] | None, want: Entries, version: int, at_a_time: int) -> Iterator[SendLocalList]:
    """The messages after which a charger that has `have` has `want`, none for one that has it. `have` of None: nobody
    knows what it has, so everything is sent. `version` is the one it has; each message says the one after it."""
    if have is None:
        chunks = _chunks([_decoded(entry) for entry in want.values()], at_a_time) or [()]
        types = [UpdateType.FULL] + [UpdateType.DIFFERENTIAL] * (len(chunks) - 1)
    else:
        gone = [AuthorizationData(id_tag=_decoded(have[tag]).id_tag) for tag in have if tag not in want]
        changed = [_decoded(entry) for tag, entry in want.items() if have.get(tag) != entry]
        chunks = _chunks(gone + changed, at_a_time)
        types = [UpdateType.DIFFERENTIAL] * len(chunks)
    for number, (update_type, chunk) in enumerate(zip(types, chunks, strict=True), start=max(version, 0) + 1):
        yield SendLocalList(list_version=number, local_authorization_list=chunk, update_type=update_type)


def after(have: Mapping[str, str], sent: SendLocalList) -> Entries:
    """What a charger that had `have` has once it has accepted this."""
    entries = {} if sent.update_type is UpdateType.FULL else dict(have)
    for one in sent.local_authorization_list or ():
        if one.id_tag_info is None:
            entries.pop(fold(one.id_tag), None)
        else:
            entries[fold(one.id_tag)] = _encoded(one)
    return entries


def _entry(verdict: Verdict) -> AuthorizationData:
    info = IdTagInfo(
        status=verdict.status,
        parent_id_tag=verdict.parent_id_tag,
        expiry_date=None if verdict.expiry_date is None else whole_seconds(verdict.expiry_date),
    )
    return AuthorizationData(id_tag=verdict.id_tag, id_tag_info=info)


def _encoded(entry: AuthorizationData) -> str:
    return encode_payload(entry).decode()


def _decoded(entry: str) -> AuthorizationData:
    return decode_payload(AuthorizationData, entry.encode())


def _chunks(entries: list[AuthorizationData], length: int) -> list[tuple[AuthorizationData, ...]]:
    return [tuple(entries[first : first + length]) for first in range(0, len(entries), length)]
