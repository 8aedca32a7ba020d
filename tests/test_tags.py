"""May this tag charge here, now?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyocpp.config import TagsConfig
from tinyocpp.messages.types import AuthorizationStatus as Status
from tinyocpp.tags import Tag, TagList, Verdict, clean, end_of, fold, mistake, same_tag

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
YESTERDAY, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(days=1)

TAGS = [
    Tag("04A2B3C4", name="Anna", group="family"),
    Tag("0500", name="Bert", group="family", transactions=2),
    Tag("0600", name="Guest", expires=TOMORROW),
    Tag("0700", expires=YESTERDAY),
    Tag("0800", blocked=True, expires=YESTERDAY),
    Tag("0900", expires=date(2026, 6, 1)),
    Tag("my card", name="Cleo"),
]


def tag_list(*, unknown: str = "reject", empty: str = "") -> TagList:
    return TagList(TAGS, TagsConfig(unknown=unknown, empty=empty), BERLIN)  # type: ignore[arg-type]


END_OF_TODAY = datetime(2026, 6, 1, 22, tzinfo=UTC)
JUDGED = {
    "known": ("04A2B3C4", 0, Verdict(Status.ACCEPTED, "04A2B3C4", "family", None, "Anna")),
    "in other letters": ("04a2b3c4", 0, Verdict(Status.ACCEPTED, "04A2B3C4", "family", None, "Anna")),
    "read past its end": ("04A2B3C4\x10\x0e", 0, Verdict(Status.ACCEPTED, "04A2B3C4", "family", None, "Anna")),
    "with space around it": (" 04A2B3C4 \n", 0, Verdict(Status.ACCEPTED, "04A2B3C4", "family", None, "Anna")),
    "space inside counts": ("mycard", 0, Verdict(Status.INVALID, "mycard")),
    "charging elsewhere": ("04A2B3C4", 1, Verdict(Status.CONCURRENT_TX, "04A2B3C4", "family", None, "Anna")),
    "two at once, the second": ("0500", 1, Verdict(Status.ACCEPTED, "0500", "family", None, "Bert")),
    "two at once, the third": ("0500", 2, Verdict(Status.CONCURRENT_TX, "0500", "family", None, "Bert")),
    "until tomorrow": ("0600", 0, Verdict(Status.ACCEPTED, "0600", None, TOMORROW, "Guest")),
    "until tomorrow, charging": ("0600", 1, Verdict(Status.CONCURRENT_TX, "0600", None, None, "Guest")),
    "until yesterday": ("0700", 0, Verdict(Status.EXPIRED, "0700")),
    "expired before concurrent": ("0700", 5, Verdict(Status.EXPIRED, "0700")),
    "blocked before expired": ("0800", 5, Verdict(Status.BLOCKED, "0800")),
    "until the end of today": ("0900", 0, Verdict(Status.ACCEPTED, "0900", None, END_OF_TODAY)),
    "unknown": ("DEAD", 0, Verdict(Status.INVALID, "DEAD")),
    "unknown, running nowhere": ("DEAD", 3, Verdict(Status.INVALID, "DEAD")),
    "a known one and garbage": ("04A2B3C4!!", 0, Verdict(Status.INVALID, "04A2B3C4!!")),
    "the name of a group": ("family", 0, Verdict(Status.INVALID, "family")),
    "the name of a person": ("Anna", 0, Verdict(Status.INVALID, "Anna")),
    "empty": ("", 0, Verdict(Status.INVALID, "")),
    "nothing but control characters": ("\0\x01 ", 0, Verdict(Status.INVALID, "")),
}


@pytest.mark.parametrize(("id_tag", "running", "verdict"), JUDGED.values(), ids=JUDGED)
def test_judge(id_tag: str, running: int, verdict: Verdict) -> None:
    assert tag_list().judge(id_tag, NOW, running=running) == verdict


UNKNOWN_ACCEPTED = {
    "unknown": ("DEAD", 0, Verdict(Status.ACCEPTED, "DEAD")),
    "unknown and charging elsewhere": ("DEAD", 1, Verdict(Status.CONCURRENT_TX, "DEAD")),
    "blocked stays blocked": ("0800", 0, Verdict(Status.BLOCKED, "0800")),
    "the name of a group": ("FAMILY", 0, Verdict(Status.INVALID, "FAMILY")),
    "empty": ("", 0, Verdict(Status.INVALID, "")),
}


@pytest.mark.parametrize(("id_tag", "running", "verdict"), UNKNOWN_ACCEPTED.values(), ids=UNKNOWN_ACCEPTED)
def test_judge_where_unknown_tags_are_accepted(id_tag: str, running: int, verdict: Verdict) -> None:
    assert tag_list(unknown="accept").judge(id_tag, NOW, running=running) == verdict


EMPTY = {
    "by name": ("Cleo", Verdict(Status.ACCEPTED, "my card", name="Cleo")),
    "by name in other letters": ("cleo", Verdict(Status.ACCEPTED, "my card", name="Cleo")),
    "by id": ("MY CARD", Verdict(Status.ACCEPTED, "my card", name="Cleo")),
    "nobody's": ("Dora", Verdict(Status.INVALID, "")),
    "blocked": ("0800", Verdict(Status.BLOCKED, "0800")),
}


@pytest.mark.parametrize(("empty", "verdict"), EMPTY.values(), ids=EMPTY)
def test_an_empty_tag_is_whose_the_owner_says(empty: str, verdict: Verdict) -> None:
    assert tag_list(empty=empty).judge("", NOW) == verdict
    assert tag_list(empty=empty).judge("\0", NOW) == verdict


def test_accepted_until_the_very_end_and_not_a_moment_longer() -> None:
    tags, moment = tag_list(), timedelta(microseconds=1)

    assert tags.judge("0900", END_OF_TODAY - moment).status is Status.ACCEPTED
    assert tags.judge("0900", END_OF_TODAY).status is Status.EXPIRED


ENDS = {
    "never": (None, None),
    "a summer day": (date(2026, 6, 1), datetime(2026, 6, 1, 22, tzinfo=UTC)),
    "the day of 25 hours": (date(2026, 10, 25), datetime(2026, 10, 25, 23, tzinfo=UTC)),
    "a local time": (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 11, tzinfo=UTC)),  # noqa: DTZ001
    "a time with its zone": (
        datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5))),
        datetime(2026, 1, 1, 7, tzinfo=UTC),
    ),
    "the last day there is": (date.max, None),
    "the last second there is": (datetime.max.replace(tzinfo=UTC), None),
    "the first day there is": (date.min, datetime(1970, 1, 1, tzinfo=UTC)),
}


@pytest.mark.parametrize(("expires", "end"), ENDS.values(), ids=ENDS)
def test_when_a_tag_ends(expires: datetime | date | None, end: datetime | None) -> None:
    assert end_of(expires, BERLIN) == end


@given(st.text(max_size=40), st.sampled_from(["reject", "accept"]), st.sampled_from(["", "Cleo"]))
def test_whatever_is_shown_gets_a_verdict(id_tag: str, unknown: str, empty: str) -> None:
    verdict = tag_list(unknown=unknown, empty=empty).judge(id_tag, NOW)

    assert verdict.id_tag.isprintable()
    assert verdict.expiry_date is None or verdict.expiry_date > NOW


@given(st.text(max_size=30))
def test_folding_is_done_once(id_tag: str) -> None:
    assert fold(clean(id_tag)) == fold(id_tag)
    assert clean(clean(id_tag)) == clean(id_tag)


MISTAKES = {
    "none": (Tag("04A2B3C4", "Anna Müller", "family", TOMORROW, True, 3), ""),
    "as long as a charger sends": (Tag("X16WG99J2QIEGCC0MCJ5-"), ""),  # quirk S7
    "just short enough": (Tag("1" * 255), ""),
    "no id": (Tag(" "), "id: is empty; whose an empty tag is says [tags] empty in the configuration"),
    "too long": (Tag("1" * 256), f"id: '{'1' * 256}' is longer than 255 characters; shorten it"),
    "too long a group": (
        Tag("1", group="g" * 21),
        "group: 'ggggggggggggggggggggg' is longer than 20 characters; shorten it",
    ),
    "a control character": (Tag("1", name="\x1b[2J"), r"name: '\x1b[2J' has control characters; leave them out"),
    "none at once": (Tag("1", transactions=0), "transactions: 0 is too few; write 1 or more, or blocked = true"),
}


@pytest.mark.parametrize(("tag", "text"), MISTAKES.values(), ids=MISTAKES)
def test_what_cannot_be_in_a_list(tag: Tag, text: str) -> None:
    assert mistake(tag) == text


def test_the_list_can_be_looked_through() -> None:
    tags = tag_list()

    assert list(tags) == TAGS
    assert len(tags) == len(TAGS)
    assert tags.find("04a2b3c4") == TAGS[0]
    assert tags.find("DEAD") is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("04A2B3C4", "04a2b3c4 ", True, id="in other letters"),
        pytest.param("04A2B3C4", "04A2B3C5", False, id="another"),
        pytest.param("04A2", "04A2B3C4", False, id="too short to tell"),
        pytest.param("X16WG99J2QIEGCC0MCJ5", "X16WG99J2QIEGCC0MCJ5-", True, id="overread"),
        pytest.param("X16WG99J2QIEGCC0MCJ5", "X16WG99J2QIEGCC0", True, id="cut off after 16"),
        pytest.param("X16WG99J2QIEGCC0MCJ5", "X16WG99J2QIEGCC", False, id="after 15"),
        pytest.param("", "", True, id="none"),
        pytest.param("", "04A2", False, id="one and none"),
    ],
)
def test_same_tag(one: str, other: str, same: bool) -> None:
    assert same_tag(one, other) is same_tag(other, one) is same
