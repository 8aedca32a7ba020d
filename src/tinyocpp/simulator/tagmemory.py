"""Which tags the charge point knows by itself: the local list and the authorization cache (section 3.5).

The list beats the cache; only the central system changes the list, every answer about a tag changes the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.messages.local_list import UpdateStatus, UpdateType
from tinyocpp.messages.types import AuthorizationStatus, IdTagInfo
from tinyocpp.simulator.configuration import MAX_LIST_CHUNK, MAX_LIST_ENTRIES

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.messages.local_list import SendLocalList


class TagMemory:
    """Survives a reset. Tags are compared without regard to case."""

    def __init__(self) -> None:
        self.list_version = 0
        self._list: dict[str, IdTagInfo] = {}
        self._cache: dict[str, IdTagInfo] = {}

    def remember(self, id_tag: str, info: IdTagInfo) -> None:
        """Keep what the central system said of a tag, unless the local list speaks of it."""
        if id_tag.casefold() not in self._list:
            self._cache[id_tag.casefold()] = info

    def clear_cache(self) -> None:
        self._cache.clear()

    def find(self, id_tag: str, now: datetime, *, use_list: bool = True, use_cache: bool = True) -> IdTagInfo | None:
        """What is known of a tag; a tag whose date has passed is known as Expired."""
        key = id_tag.casefold()
        info = self._list.get(key) if use_list else None
        if info is None and use_cache:
            info = self._cache.get(key)
        if info and info.expiry_date and info.expiry_date <= now:
            return IdTagInfo(status=AuthorizationStatus.EXPIRED, parent_id_tag=info.parent_id_tag)
        return info

    def update(self, call: SendLocalList) -> UpdateStatus:
        """Section 5.15 and errata 3.52. Nothing is changed unless all of it can be."""
        entries = call.local_authorization_list or ()
        tags = [entry.id_tag.casefold() for entry in entries]
        full = call.update_type is UpdateType.FULL
        if not full and call.list_version <= self.list_version:
            return UpdateStatus.VERSION_MISMATCH
        incomplete = full and any(entry.id_tag_info is None for entry in entries)
        if call.list_version < 1 or incomplete or len(tags) > MAX_LIST_CHUNK or len(set(tags)) < len(tags):
            return UpdateStatus.FAILED
        merged = {} if full else dict(self._list)
        for tag, entry in zip(tags, entries, strict=True):
            if entry.id_tag_info is None:
                merged.pop(tag, None)
            else:
                merged[tag] = entry.id_tag_info
        if len(merged) > MAX_LIST_ENTRIES:
            return UpdateStatus.FAILED
        self._list, self.list_version = merged, call.list_version
        self._cache = {tag: info for tag, info in self._cache.items() if tag not in merged}
        return UpdateStatus.ACCEPTED
