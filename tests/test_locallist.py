"""The owner's tags as a local authorisation list, and the messages that bring it to a charger (section 5.15)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyocpp.config import TagsConfig
from tinyocpp.locallist import Entries, after, updates, wanted
from tinyocpp.messages.local_list import UpdateStatus
from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.simulator.configuration import MAX_LIST_CHUNK
from tinyocpp.simulator.tagmemory import TagMemory
from tinyocpp.tags import Tag, TagList

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def entries(*tags: Tag, room: int = 100) -> Entries:
    listed = TagList(tags, TagsConfig(), UTC)
    return wanted(listed, partial(listed.judge, now=NOON), room)


def test_each_tag_is_said_with_what_it_may() -> None:
    assert entries(
        Tag("04A2", group="family"),
        Tag("04B3", expires=date(2026, 6, 1)),
        Tag("04C4", expires=date(2026, 5, 31)),
        Tag("04D5", blocked=True),
    ) == {
        "04a2": '{"idTag":"04A2","idTagInfo":{"parentIdTag":"family","status":"Accepted"}}',
        "04b3": '{"idTag":"04B3","idTagInfo":{"expiryDate":"2026-06-02T00:00:00Z","status":"Accepted"}}',
        "04c4": '{"idTag":"04C4","idTagInfo":{"status":"Expired"}}',
        "04d5": '{"idTag":"04D5","idTagInfo":{"status":"Blocked"}}',
    }


def test_where_there_is_no_room_for_all_those_that_may_charge_come_first() -> None:
    assert list(entries(Tag("04D5", blocked=True), Tag("04A2"), Tag("04B3"), room=2)) == ["04a2", "04b3"]


def test_a_tag_longer_than_can_be_sent_stays_out() -> None:
    assert list(entries(Tag("X16WG99J2QIEGCC0MCJ5-"), Tag("04A2"))) == ["04a2"]  # quirk S7


def test_the_whole_list_goes_in_chunks_with_rising_versions() -> None:
    want = entries(*(Tag(f"{number:04}") for number in range(5)))

    sent = list(updates(None, want, 7, 2))

    assert [(one.list_version, str(one.update_type), len(one.local_authorization_list or ())) for one in sent] == [
        (8, "Full", 2),
        (9, "Differential", 2),
        (10, "Differential", 1),
    ]


@pytest.mark.parametrize("version", [-1, 0])
def test_an_empty_list_is_sent_as_one_to_erase_what_is_there(version: int) -> None:
    (one,) = updates(None, {}, version, 20)

    assert (one.list_version, one.local_authorization_list) == (1, ())


def test_only_what_has_changed_is_sent_to_a_charger_whose_list_we_know() -> None:
    have = entries(Tag("04A2"), Tag("04B3"), Tag("04C4"))
    want = entries(Tag("04A2"), Tag("04C4", blocked=True), Tag("04E6"))

    (one,) = updates(have, want, 3, 20)

    assert (one.list_version, str(one.update_type)) == (4, "Differential")
    told = {
        entry.id_tag: entry.id_tag_info and entry.id_tag_info.status for entry in one.local_authorization_list or ()
    }
    assert told == {"04B3": None, "04C4": AuthorizationStatus.BLOCKED, "04E6": AuthorizationStatus.ACCEPTED}


def test_nothing_is_sent_to_a_charger_that_is_in_step() -> None:
    have = entries(Tag("04A2"))

    assert list(updates(have, entries(Tag("04A2")), 3, 20)) == []


LISTS = st.lists(
    st.builds(Tag, st.text("0123456789abcdefABCDEF", min_size=1, max_size=6), blocked=st.booleans()),
    max_size=90,
    unique_by=lambda tag: tag.id.casefold(),
)


@given(
    lists=st.lists(LISTS, min_size=1, max_size=4), at_a_time=st.integers(1, MAX_LIST_CHUNK), first_full=st.booleans()
)
def test_a_charger_that_takes_every_message_ends_with_the_list_that_was_wanted(
    lists: list[list[Tag]], at_a_time: int, first_full: bool
) -> None:
    charger, have = TagMemory(), None if first_full else {}
    for tags in lists:
        want = entries(*tags)
        for update in updates(have, want, charger.list_version, at_a_time):
            assert charger.update(update) is UpdateStatus.ACCEPTED
            have = after(have or {}, update)
        assert (have or {}) == want
        for tag in tags:
            known = charger.find(tag.id, NOON, use_cache=False)
            assert known is not None
            assert known.status is (AuthorizationStatus.BLOCKED if tag.blocked else AuthorizationStatus.ACCEPTED)
