"""The local list and the cache of tags."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tinyocpp.messages.local_list import AuthorizationData, SendLocalList, UpdateStatus, UpdateType
from tinyocpp.messages.types import AuthorizationStatus, IdTagInfo
from tinyocpp.simulator.tagmemory import TagMemory

NOW = datetime(2026, 6, 1, tzinfo=UTC)
YES, NO = IdTagInfo(status=AuthorizationStatus.ACCEPTED), IdTagInfo(status=AuthorizationStatus.BLOCKED)
FULL, DIFFERENTIAL = UpdateType.FULL, UpdateType.DIFFERENTIAL


def update(memory, version, kind, entries=None):
    data = None
    if entries is not None:
        data = tuple(AuthorizationData(id_tag=tag, id_tag_info=info) for tag, info in entries)
    return memory.update(SendLocalList(list_version=version, update_type=kind, local_authorization_list=data))


@pytest.fixture
def memory():
    memory = TagMemory()
    assert update(memory, 5, FULL, [("A", YES), ("B", YES)]) is UpdateStatus.ACCEPTED
    return memory


def known(memory, *tags):
    return [info and info.status.value for info in (memory.find(tag, NOW) for tag in tags)]


@pytest.mark.parametrize(
    ("version", "kind", "entries", "status", "then"),
    [
        (6, DIFFERENTIAL, [("b", None), ("C", NO)], "Accepted", ["Accepted", None, "Blocked"]),
        (6, DIFFERENTIAL, [("never", None)], "Accepted", ["Accepted", "Accepted", None]),
        (6, DIFFERENTIAL, None, "Accepted", ["Accepted", "Accepted", None]),
        (5, DIFFERENTIAL, [("C", NO)], "VersionMismatch", ["Accepted", "Accepted", None]),
        (1, FULL, [("C", NO)], "Accepted", [None, None, "Blocked"]),
        (6, FULL, None, "Accepted", [None, None, None]),
        (6, FULL, [("C", None)], "Failed", ["Accepted", "Accepted", None]),
        (6, FULL, [("C", NO), ("c", NO)], "Failed", ["Accepted", "Accepted", None]),
        (0, FULL, [("C", NO)], "Failed", ["Accepted", "Accepted", None]),
        (6, FULL, [(f"T{n}", YES) for n in range(21)], "Failed", ["Accepted", "Accepted", None]),
    ],
)
def test_update(memory, version, kind, entries, status, then):
    assert update(memory, version, kind, entries) is UpdateStatus(status)
    assert known(memory, "a", "b", "c") == then
    assert memory.list_version == (version if status == "Accepted" else 5)


def test_the_list_has_an_end(memory):
    for chunk in range(4):
        update(memory, 10 + chunk, DIFFERENTIAL, [(f"T{chunk}-{n}", YES) for n in range(20)])
    assert update(memory, 20, DIFFERENTIAL, [(f"U{n}", YES) for n in range(20)]) is UpdateStatus.FAILED


def test_the_list_beats_the_cache(memory):
    memory.remember("A", NO)
    memory.remember("C", NO)
    assert known(memory, "A", "C") == ["Accepted", "Blocked"]
    update(memory, 6, DIFFERENTIAL, [("C", YES)])
    update(memory, 7, DIFFERENTIAL, [("C", None)])
    assert known(memory, "C") == [None]


def test_either_can_be_switched_off(memory):
    memory.remember("C", NO)
    assert memory.find("A", NOW, use_list=False) is None
    assert memory.find("C", NOW, use_cache=False) is None
    memory.clear_cache()
    assert known(memory, "A", "C") == ["Accepted", None]


def test_a_date_that_has_passed_is_expired():
    memory = TagMemory()
    memory.remember("A", IdTagInfo(status=AuthorizationStatus.ACCEPTED, expiry_date=NOW, parent_id_tag="P"))
    assert memory.find("A", NOW) == IdTagInfo(status=AuthorizationStatus.EXPIRED, parent_id_tag="P")
