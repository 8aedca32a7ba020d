"""What is said to be wrong, and when it is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from booked import utc

from tinyocpp.cli.findings import (
    Circumstances,
    Dealings,
    Finding,
    charger_findings,
    dealing_findings,
    oddity_findings,
    tag_findings,
)
from tinyocpp.dealings import LocalList, Reservation, ReservationState, Upkeep, UpkeepKind
from tinyocpp.storage import ChargerStatus, ConnectorStatus, NotedOddity, Registered

NOW = utc("2026-06-01T12:00:00")
HERE = Circumstances(
    now=NOW, zone=ZoneInfo("Europe/Berlin"), heartbeat_interval_s=300, connected=frozenset({"garage", "simulator"})
)
GARAGE = Registered(charger_id="Garage", admitted_at=NOW - timedelta(days=9), last_seen_at=NOW)
CHARGING = ConnectorStatus(
    connector_id=1,
    status="Charging",
    error_code="NoError",
    status_at=NOW - timedelta(hours=1),
    transaction_id=7,
    started_at=NOW - timedelta(hours=1),
    sampled_at=NOW,
    heard_at=NOW,
)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def said(one: Registered, *connectors: ConnectorStatus) -> list[str]:
    return [
        str(finding) for finding in charger_findings(ChargerStatus(registered=one, connectors=list(connectors)), HERE)
    ]


def garage(**changes: object) -> Registered:
    return msgspec.structs.replace(GARAGE, **changes)


def charging(**changes: object) -> ConnectorStatus:
    return msgspec.structs.replace(CHARGING, **changes)


def test_nothing_is_wrong() -> None:
    assert said(GARAGE, CHARGING, charging(connector_id=2, status="Available", transaction_id=None)) == []


def test_on_trial_until_it_boots() -> None:
    """Only while the first charger is still to be adopted, and not of the simulator, which may always."""
    adopting = msgspec.structs.replace(HERE, adopts=True)

    def told(**changes: object) -> list[str]:
        charger = ChargerStatus(registered=garage(admitted_at=None, **changes), connectors=[])
        return [str(finding) for finding in charger_findings(charger, adopting)]

    assert told() == [
        "Garage: connected, but it has sent no BootNotification, so it may not charge;"
        " restart it, or let it in as it is: tinyocpp charger admit Garage"
    ]
    assert told(booted_at=NOW) == told(charger_id="simulator") == said(garage(admitted_at=None)) == []


STRANGER = Registered(
    charger_id="car port", refused_at=ago(hours=3), refused_from="192.0.2.9", refused_why="not admitted"
)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(
            msgspec.structs.replace(STRANGER, refusals=1),
            "car port: refused once, last 11:00 from 192.0.2.9: not admitted;"
            " let it in: tinyocpp charger admit 'car port'",
            id="a stranger",
        ),
        pytest.param(
            garage(refused_at=ago(days=2), refusals=14, refused_why="wrong password"),
            "Garage: refused 14 times, last 2026-05-30 14:00 from here: wrong password;"
            " what it has to show: tinyocpp charger security Garage",
            id="ours, with a wrong password",
        ),
        pytest.param(msgspec.structs.replace(STRANGER, refused_at=ago(days=8)), None, id="a stranger long ago"),
        pytest.param(garage(refused_at=ago(hours=3), connected_at=ago(hours=2)), None, id="it got in afterwards"),
        pytest.param(
            msgspec.structs.replace(STRANGER, admitted_at=ago(hours=2)), None, id="it was admitted afterwards"
        ),
    ],
)
def test_at_the_door(one: Registered, expected: str | None) -> None:
    assert said(one) == ([expected] if expected else [])


def test_one_that_knocks_needs_no_look_at_its_network() -> None:
    away = garage(charger_id="carport", last_seen_at=ago(hours=3))
    assert said(away)[0].endswith("; look at its power, its network, and the address typed into it")
    knocks = msgspec.structs.replace(away, refused_at=ago(hours=1), refusals=3, refused_why="wrong password")
    assert [text.partition(";")[2] for text in said(knocks)] == [
        " what it has to show: tinyocpp charger security carport",
        "",
    ]


@pytest.mark.parametrize(
    ("one", "connectors", "expected"),
    [
        pytest.param(garage(last_seen_at=ago(minutes=16)), [], "connected but silent since 13:44", id="silent"),
        pytest.param(garage(last_seen_at=ago(minutes=14)), [], None, id="not silent for long"),
        pytest.param(
            garage(charger_id="carport", last_seen_at=ago(hours=1)), [], "not connected, last seen 13:00", id="away"
        ),
        pytest.param(
            garage(charger_id="carport", last_seen_at=ago(hours=1)),
            [CHARGING],
            "while it was charging; it books what it charges and reports it later",
            id="away while charging",
        ),
        pytest.param(garage(charger_id="carport", last_seen_at=ago(days=31)), [], None, id="taken down"),
        pytest.param(garage(charger_id="carport", last_seen_at=None), [], None, id="never seen"),
        pytest.param(garage(charger_id="Simulator", last_seen_at=ago(hours=1)), [], None, id="only the simulator"),
    ],
)
def test_silence(one: Registered, connectors: list[ConnectorStatus], expected: str | None) -> None:
    found = said(one, *connectors)
    assert len(found) == (expected is not None)
    assert all(expected in text for text in found if expected)


@pytest.mark.parametrize(
    ("connector", "expected"),
    [
        pytest.param(
            charging(status="Faulted", error_code="GroundFailure", info="RCD"),
            "Garage: connector 1 faulted: GroundFailure (RCD); look at the charger's display",
            id="faulted",
        ),
        pytest.param(charging(error_code="WeakSignal"), "Garage: connector 1 reports WeakSignal", id="an error"),
        pytest.param(
            charging(connector_id=0, status="Unavailable"),
            "Garage: is out of service; tinyocpp charger availability operative --charger Garage --connector 0",
            id="out of service",
        ),
        pytest.param(
            charging(status_at=NOW + timedelta(hours=2)),
            "Garage: connector 1 the charger's clock is ahead: it says 16:00",
            id="clock",
        ),
        pytest.param(
            charging(heard_at=ago(minutes=20)),
            "Garage: connector 1 charges, but no meter values have come since 13:40;"
            " tinyocpp charger set --charger Garage MeterValueSampleInterval 60",
            id="no samples for a while",
        ),
        pytest.param(charging(sampled_at=ago(hours=1)), None, id="samples of a clock that is behind"),
        pytest.param(
            charging(sampled_at=None, heard_at=None),
            "Garage: connector 1 charges, but no meter values have come at all;"
            " tinyocpp charger set --charger Garage MeterValueSampleInterval 60",
            id="no samples at all",
        ),
        pytest.param(charging(sampled_at=None, heard_at=None, started_at=ago(minutes=5)), None, id="it has only begun"),
        pytest.param(
            charging(sampled_at=None, heard_at=None, started_at=None, transaction_id=None), None, id="no transaction"
        ),
        pytest.param(
            charging(status=None, error_code=None, status_at=None, sampled_at=None, heard_at=None),
            None,
            id="never said",
        ),
    ],
)
def test_at_a_connector(connector: ConnectorStatus, expected: str | None) -> None:
    assert said(GARAGE, connector) == ([expected] if expected else [])


def test_oddities_are_counted_by_charger_and_habits_left_out() -> None:
    def oddity(charger_id: str, kind: str, times: int = 1) -> NotedOddity:
        return NotedOddity(at=NOW, charger_id=charger_id, kind=kind, detail="x", raw="", times=times)

    found = oddity_findings(
        [
            oddity("garage", "unreadable"),
            oddity("garage", "spelling", 99),
            oddity("garage", "unknown_tag", 3),
            oddity("garage", "unknown_transaction", 2),
            oddity("car port", "unreadable", 4),
            oddity("garage", "unreadable", 4),
        ]
    )
    assert [str(finding) for finding in found] == [
        "garage: lately not understood: unreadable (5), unknown transaction (2); tinyocpp log --charger garage",
        "car port: lately not understood: unreadable (4); tinyocpp log --charger 'car port'",
    ]


def test_the_newest_cards_once_each() -> None:
    shown = [
        (ago(minutes=minutes), "garage", tag) for minutes, tag in ((9, "A"), (8, "B C"), (7, "D"), (6, "E"), (5, "A"))
    ]
    assert [str(finding) for finding in tag_findings(shown, HERE)] == [
        "garage: unknown card A at 13:55; tinyocpp tag add A",
        "garage: unknown card E at 13:54; tinyocpp tag add E",
        "garage: unknown card D at 13:53; tinyocpp tag add D",
    ]


def test_a_finding_without_a_charger() -> None:
    assert str(Finding("", "the disk is full", "make room")) == "the disk is full; make room"
    assert HERE.now.tzinfo is UTC


LIST = LocalList(charger_id="Garage", version=3, entries={"04a2": "{}"}, told_at=NOW - timedelta(hours=1))
RESERVATION = Reservation(
    charger_id="Garage",
    reservation_id=7,
    connector_id=1,
    id_tag="04A2",
    expires_at=NOW + timedelta(hours=1),
    state=ReservationState.ACTIVE,
    changed_at=NOW,
)
UPDATE = Upkeep(charger_id="Garage", what=UpkeepKind.FIRMWARE, status="Downloading", status_at=NOW)
LONG_AGO = msgspec.structs.replace(UPDATE, status_at=ago(days=2))
FAILED = msgspec.structs.replace(UPDATE, what=UpkeepKind.LOG, status="UploadFailure")
DONE = msgspec.structs.replace(UPDATE, what=UpkeepKind.DIAGNOSTICS, status="Uploaded")


@pytest.mark.parametrize(
    ("dealings", "expected"),
    [
        pytest.param(Dealings(registered=garage()), [], id="nothing"),
        pytest.param(
            Dealings(registered=garage(registration="Pending")),
            ["Garage: is on hold, it may not charge; tinyocpp charger accept Garage"],
            id="on hold",
        ),
        pytest.param(
            Dealings(registered=garage(registration="Rejected")),
            ["Garage: is rejected, it may not charge; tinyocpp charger accept Garage"],
            id="rejected",
        ),
        pytest.param(
            Dealings(registered=garage(registration="Accepted"), local_list=LIST),
            ["Garage: knows 1 tag by itself since 13:00"],
            id="in step",
        ),
        pytest.param(
            Dealings(registered=garage(), local_list=msgspec.structs.replace(LIST, problem="SendLocalList: timeout")),
            ["Garage: its local list is not in step: SendLocalList: timeout"],
            id="not in step",
        ),
        pytest.param(
            Dealings(registered=garage(), upkeep=[UPDATE, LONG_AGO, FAILED, DONE]),
            ["Garage: firmware: Downloading since 14:00", "Garage: log: UploadFailure since 14:00"],
            id="upkeep, but not of long ago or what went well",
        ),
        pytest.param(
            Dealings(
                registered=garage(),
                security_events=[(NOW, "StartupOfTheDevice"), (NOW, "MemoryExhaustion"), (NOW, "MemoryExhaustion")],
            ),
            ["Garage: lately reported: MemoryExhaustion (2); tinyocpp charger history --charger Garage"],
            id="security events, but not those of everyday life",
        ),
        pytest.param(
            Dealings(
                registered=garage(),
                reservations=[
                    RESERVATION,
                    msgspec.structs.replace(RESERVATION, connector_id=0),
                    msgspec.structs.replace(RESERVATION, state=ReservationState.USED),
                    msgspec.structs.replace(RESERVATION, expires_at=NOW),
                ],
            ),
            [
                "Garage: connector 1 is reserved for 04A2 until 15:00",
                "Garage: a connector is reserved for 04A2 until 15:00",
            ],
            id="reservations, while they last",
        ),
    ],
)
def test_what_is_agreed_with_a_charger(dealings: Dealings, expected: list[str]) -> None:
    assert [str(finding) for finding in dealing_findings(dealings, HERE)] == expected
