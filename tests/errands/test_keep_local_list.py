"""A charger's local authorisation list follows the owner's tags, whatever the charger makes of the messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC

import pytest
from conversation import Conversation

from tinyocpp.config import TagsConfig
from tinyocpp.errands.locallist import AFTER_A_REFUSAL_S, LOOK_EVERY_S
from tinyocpp.messages.local_list import SendLocalList
from tinyocpp.messages.payload import decode_payload
from tinyocpp.simulator.tagmemory import TagMemory
from tinyocpp.tags import Tag, TagList

CONFLICT = {"connectorId": 0, "errorCode": "LocalListConflict", "status": "Available"}


class Station:
    """The other end: a charger with a local list, and what it is asked."""

    def __init__(self, **keys: str) -> None:
        self.memory = TagMemory()
        self.keys = {"LocalAuthListEnabled": "true", "LocalAuthorizeOffline": "true", "SendLocalListMaxLength": "2"}
        self.keys |= keys
        self.asked: list[str] = []
        self.instead: dict[str, Callable[[], str]] = {}  # by action: the rest of the frame instead of the true answer
        self.deaf = False

    def answer(self, frame: str) -> str | None:
        _, message_id, action, payload = json.loads(frame)
        self.asked.append(f"{action} {payload['updateType']}" if action == "SendLocalList" else action)
        if self.deaf:
            return None
        if action in self.instead:
            kind, rest = self.instead[action]().split(" ", 1)
            return f'[{kind},"{message_id}",{rest}]'
        return json.dumps([3, message_id, getattr(self, action)(payload)])

    def GetConfiguration(self, payload: dict[str, list[str]]) -> object:
        told = [{"key": key, "value": self.keys[key], "readonly": False} for key in payload["key"] if key in self.keys]
        return {"configurationKey": told}

    def ChangeConfiguration(self, payload: dict[str, str]) -> object:
        self.keys[payload["key"]] = payload["value"]
        return {"status": "Accepted"}

    def GetLocalListVersion(self, _payload: object) -> object:
        return {"listVersion": self.memory.list_version}

    def SendLocalList(self, payload: object) -> object:
        return {"status": self.memory.update(decode_payload(SendLocalList, json.dumps(payload).encode()))}

    def knows(self, talk: Conversation, *tags: str) -> bool:
        return all(self.memory.find(tag, talk.clock.now(), use_cache=False) for tag in tags)


def meet(station: Station, *tags: Tag, talk: Conversation | None = None) -> Conversation:
    """A charger that was accepted, and what follows within a second."""
    talk = talk or Conversation(*tags)
    talk.charger.local_list = True
    talk.says('[2,"1","Heartbeat",{}]')
    go_on(talk, station)
    return talk


def go_on(talk: Conversation, station: Station, seconds: float = 0.0) -> None:
    talk.wait(seconds)
    for _ in range(200):
        for frame in talk.session.text_to_send():
            answer = station.answer(frame)
            if answer is not None:
                talk.says(answer)
        deadline = talk.session.next_deadline
        if deadline is None or deadline > talk.clock.seconds + 1:
            return
        talk.wait(max(0.0, deadline - talk.clock.seconds))
    raise AssertionError("it does not come to rest")


def write(talk: Conversation, *tags: Tag) -> None:
    """The owner changes the file."""
    talk.charger.tags = TagList(tags, TagsConfig(), UTC)


def kept(talk: Conversation) -> tuple[int, set[str], str]:
    (one,) = talk.reader.local_lists("garage")
    return one.version, set(one.entries), one.problem


ANNA, BEN, CLEO, DORA, EVE = (Tag(name) for name in ("04A2", "04B3", "04C4", "04D5", "04E6"))


def test_a_new_charger_gets_the_list_in_chunks_of_its_size() -> None:
    station = Station()

    talk = meet(station, ANNA, BEN, CLEO)

    assert station.asked[:2] == ["GetConfiguration", "GetLocalListVersion"]
    assert station.asked[2:] == ["SendLocalList Full", "SendLocalList Differential"]
    assert station.knows(talk, "04A2", "04B3", "04C4")
    assert kept(talk) == (2, {"04a2", "04b3", "04c4"}, "")


def test_a_charger_with_another_servers_list_gets_ours_instead() -> None:
    station = Station()
    station.memory.update(
        decode_payload(
            SendLocalList,
            b'{"listVersion":9,"localAuthorizationList":[{"idTag":"THEIRS","idTagInfo":{"status":"Accepted"}}],'
            b'"updateType":"Full"}',
        )
    )

    talk = meet(station, ANNA, BEN, CLEO)

    assert station.asked[2:] == ["SendLocalList Full", "SendLocalList Differential"]
    assert not station.knows(talk, "THEIRS")
    assert kept(talk) == (11, {"04a2", "04b3", "04c4"}, "")


def test_a_change_of_the_file_is_there_within_a_minute_and_nothing_else_is_said() -> None:
    station = Station()
    talk = meet(station, ANNA, BEN)
    station.asked.clear()

    go_on(talk, station, LOOK_EVERY_S)
    assert station.asked == []

    write(talk, ANNA, Tag("04B3", blocked=True), EVE)
    go_on(talk, station, LOOK_EVERY_S)

    assert station.asked == ["GetLocalListVersion", "SendLocalList Differential"]
    assert kept(talk) == (2, {"04a2", "04b3", "04e6"}, "")
    found = station.memory.find("04B3", talk.clock.now())
    assert found is not None
    assert found.status == "Blocked"


def test_after_a_reconnect_an_unchanged_list_is_not_sent_again() -> None:
    station = Station()
    first = meet(station, ANNA)
    station.asked.clear()
    second = Conversation(ANNA, store=first.store)

    meet(station, talk=second)

    assert station.asked == ["GetConfiguration", "GetLocalListVersion"]


@pytest.mark.parametrize("status", ["VersionMismatch", "Failed"])
def test_a_differential_that_is_refused_is_followed_by_the_whole(status: str) -> None:
    station = Station()
    talk = meet(station, ANNA)
    refusals = iter([f'3 {{"status":"{status}"}}'])

    def once() -> str:
        try:
            return next(refusals)
        finally:
            station.instead.clear()

    station.instead["SendLocalList"] = once
    write(talk, ANNA, EVE)
    go_on(talk, station, LOOK_EVERY_S)

    assert station.asked[-2:] == ["SendLocalList Differential", "SendLocalList Full"]
    assert station.knows(talk, "04A2", "04E6")
    assert kept(talk)[1:] == ({"04a2", "04e6"}, "")


def test_a_charger_that_reports_a_conflict_gets_the_whole_list() -> None:
    station = Station()
    talk = meet(station, ANNA)
    station.asked.clear()

    talk.asks("StatusNotification", **CONFLICT)
    assert kept(talk)[2] == "the charger reports a conflict"
    go_on(talk, station, LOOK_EVERY_S)

    assert station.asked == ["GetLocalListVersion", "SendLocalList Full"]
    assert kept(talk)[2] == ""


def test_a_conflict_reported_while_the_list_is_on_its_way_is_not_forgotten() -> None:
    station = Station()
    talk = meet(station, ANNA)

    def take() -> str:
        station.instead.clear()
        talk.asks("StatusNotification", **CONFLICT)
        return '3 {"status":"Accepted"}'

    station.instead["SendLocalList"] = take
    write(talk, ANNA, EVE)
    go_on(talk, station, LOOK_EVERY_S)
    assert kept(talk)[2] == "the charger reports a conflict"
    go_on(talk, station, LOOK_EVERY_S)

    assert station.asked[-1] == "SendLocalList Full"
    assert kept(talk)[1:] == ({"04a2", "04e6"}, "")


def test_a_conflict_reported_again_and_again_floods_nobody() -> None:
    """All of it once at once, then every quarter of an hour; what the owner changes comes within a minute."""
    station = Station()
    talk = meet(station, ANNA)
    station.asked.clear()

    for _ in range(60):
        talk.asks("StatusNotification", **CONFLICT)
        go_on(talk, station, LOOK_EVERY_S)
    assert station.asked.count("SendLocalList Full") == 4

    talk.asks("StatusNotification", **CONFLICT)
    write(talk, ANNA, BEN)
    go_on(talk, station, LOOK_EVERY_S)
    assert station.knows(talk, "04A2", "04B3")


def test_a_doubt_outlives_a_connection_that_ends_before_it_is_cleared() -> None:
    station = Station()
    talk = meet(station, ANNA)
    talk.asks("StatusNotification", **CONFLICT)
    station.deaf = True
    go_on(talk, station, LOOK_EVERY_S)
    talk.session.connection_lost()

    station.deaf = False
    station.asked.clear()
    meet(station, talk=Conversation(ANNA, store=talk.store))
    assert station.asked[-1] == "SendLocalList Full"


@pytest.mark.parametrize("version", ["9223372036854775807", "99999999999999999999", "2147483647", "1e400", "null"])
def test_a_version_that_nothing_can_follow(version: str) -> None:
    station = Station()
    station.instead["GetLocalListVersion"] = lambda: f'3 {{"listVersion":{version}}}'

    talk = meet(station, ANNA)

    assert station.asked == ["GetConfiguration", "GetLocalListVersion"]
    assert kept(talk)[2] == "GetLocalListVersion was answered with nothing of use"


def test_of_an_error_no_more_is_kept_than_anybody_reads() -> None:
    station = Station()
    station.instead["SendLocalList"] = lambda: f'4 "{"A" * 100_000}","",{{}}'

    assert kept(meet(station, ANNA))[2] == "SendLocalList: " + "A" * 100


def test_a_version_in_quotes_is_one() -> None:
    station = Station()
    station.instead["GetLocalListVersion"] = lambda: '3 {"listVersion":"7"}'

    assert kept(meet(station, ANNA)) == (8, {"04a2"}, "")


def test_a_conflict_of_a_charger_we_sent_no_list_is_but_a_status() -> None:
    talk = Conversation(ANNA)

    assert talk.asks("StatusNotification", **CONFLICT) == {}

    assert talk.reader.local_lists() == []


@pytest.mark.parametrize(
    "answer",
    ['3 {"listVersion":-1}', '4 "NotSupported","",{}', '4 "NotImplemented","",{}'],
    ids=["minus one", "not supported", "not implemented"],
)
def test_a_charger_without_lists_is_left_alone(answer: str) -> None:
    station = Station()
    station.instead["GetLocalListVersion"] = lambda: answer

    talk = meet(station, ANNA)
    go_on(talk, station, AFTER_A_REFUSAL_S)

    assert station.asked == ["GetConfiguration", "GetLocalListVersion"]
    assert kept(talk)[2] == "the charger has no local list"
    assert talk.session.next_deadline is None


@pytest.mark.parametrize(
    ("action", "answer", "problem"),
    [
        ("GetLocalListVersion", '3 {"listVersion":"many"}', "GetLocalListVersion was answered with nothing of use"),
        ("GetLocalListVersion", '4 "InternalError","",{}', "GetLocalListVersion: InternalError"),
        ("SendLocalList", '3 {"status":"Failed"}', "SendLocalList was answered Failed"),
        ("SendLocalList", '3 {"status":"NotSupported"}', "SendLocalList was answered NotSupported"),
        ("SendLocalList", '4 "GenericError","",{}', "SendLocalList: GenericError"),
    ],
)
def test_what_goes_wrong_is_kept_and_tried_again_later(action: str, answer: str, problem: str) -> None:
    station = Station()
    station.instead[action] = lambda: answer

    talk = meet(station, ANNA)

    assert kept(talk)[2] == problem
    asked = len(station.asked)
    go_on(talk, station, LOOK_EVERY_S)
    assert len(station.asked) == asked
    station.instead.clear()
    go_on(talk, station, AFTER_A_REFUSAL_S)
    assert kept(talk)[1:] == ({"04a2"}, "")
    assert station.knows(talk, "04A2")


def test_a_charger_that_does_not_answer_is_tried_again_later() -> None:
    station = Station()
    station.deaf = True

    talk = meet(station, ANNA)
    go_on(talk, station, 90)  # GetConfiguration
    go_on(talk, station, 90)

    assert kept(talk)[2] == "GetLocalListVersion: timeout"


@pytest.mark.parametrize("accepted_before_the_line_broke", [0, 1])
def test_a_line_that_breaks_in_the_middle_leaves_a_list_to_go_on_from(accepted_before_the_line_broke: int) -> None:
    station = Station()
    talk = Conversation(ANNA, BEN, CLEO, DORA, EVE)
    talk.charger.local_list = True
    talk.says('[2,"1","Heartbeat",{}]')
    sent = 0
    while sent <= accepted_before_the_line_broke:
        talk.wait(0.2)
        for frame in talk.session.text_to_send():
            answer = station.answer(frame)
            sent += "SendLocalList" in frame
            if sent <= accepted_before_the_line_broke and answer:
                talk.says(answer)  # else the charger has it, and we do not know
    talk.session.connection_lost()
    again = Conversation(ANNA, BEN, CLEO, DORA, EVE, store=talk.store)

    meet(station, talk=again)

    assert station.knows(again, "04A2", "04B3", "04C4", "04D5", "04E6")
    assert kept(again)[1:] == ({"04a2", "04b3", "04c4", "04d5", "04e6"}, "")


def test_switches_that_are_off_are_put_on_and_the_others_left_alone() -> None:
    station = Station(LocalAuthListEnabled="False")

    meet(station, ANNA)

    assert station.asked.count("ChangeConfiguration") == 1
    assert station.keys["LocalAuthListEnabled"] == "true"


def test_a_charger_the_owner_did_not_mean_is_told_nothing() -> None:
    talk = Conversation(ANNA)

    talk.says('[2,"1","Heartbeat",{}]')

    talk.wait(1)
    assert talk.session.text_to_send() == []
