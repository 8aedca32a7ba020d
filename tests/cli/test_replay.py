"""`tinyocpp replay`: real frames, ids that are translated, and what is told of a difference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import House

WIRE = Path(__file__).parents[1] / "data" / "wire"
START = (
    '[2,"7","StartTransaction",{"connectorId":1,"idTag":"ANNA","meterStart":100,"timestamp":"2026-06-01T12:00:00Z"}]'
)


def log(house: House, *frames: str, at: str = "2026-06-01T12:00:00Z", charger: str = "garage") -> str:
    """A log of frames as transcripts write them: `> frame` of the charger, `< frame` of the server."""
    path = house.folder / "log.jsonl"
    with path.open("a") as file:
        for frame in frames:
            direction = "cp->cs" if frame.startswith(">") else "cs->cp"
            file.write(json.dumps({"at": at, "charger": charger, "dir": direction, "raw": frame[2:]}) + "\n")
    return str(path)


@pytest.fixture
def anna(house: House) -> House:
    house.tags.write_text('[[tag]]\nid = "ANNA"\n')
    return house


@pytest.mark.parametrize("path", sorted(WIRE.glob("*.jsonl")), ids=lambda path: path.stem)
def test_every_call_of_a_real_charger_is_answered(house: House, path: Path) -> None:
    code, out, err = house.type("replay", str(path))
    assert (code, err) == (0, "")
    assert "not answered" not in out
    assert not house.ledger.exists()


def test_a_session_of_another_server_is_followed_through_its_ids(anna: House) -> None:
    file = log(
        anna,
        f"> {START}",
        '< [3,"7",{"transactionId":4711,"idTagInfo":{"status":"Accepted"}}]',
        '> [2,"8","MeterValues",{"connectorId":1,"transactionId":4711,"meterValue":[{"timestamp":'
        '"2026-06-01T12:10:00Z","sampledValue":[{"value":"600"}]}]}]',
        '< [3,"8",{}]',
        '> [2,"9","StopTransaction",{"transactionId":4711,"meterStop":1100,"timestamp":"2026-06-01T13:00:00Z"}]',
        '< [3,"9",{}]',
    )
    code, out, _ = anna.type("replay", file)
    assert code == 0
    assert "It would have booked 1.000 kWh" in out
    assert '  = [3,"7",{"idTagInfo":{"status":"Accepted"},"transactionId":1}]' in out.splitlines()
    assert out.splitlines()[-2] == "3 calls: 3 answered the same"


def test_a_difference_is_shown_both_ways(house: House) -> None:
    then = '[3,"7",{"idTagInfo":{"status":"Accepted"},"transactionId":4711}]'
    out = house.type("replay", log(house, f"> {START}", f"< {then}"))[1]
    assert out.splitlines() == [
        "-- 2026-06-01 --",
        "14:00:00 garage > StartTransaction connectorId=1 idTag=ANNA meterStart=100 timestamp=2026-06-01T12:00:00Z",
        '  + [3,"7",{"idTagInfo":{"status":"Invalid"},"transactionId":1}]',
        f"  - {then}",
        "1 call: 1 answered differently",
        "It would have booked 0.000 kWh; nothing of this was kept.",
    ]


@pytest.mark.parametrize(
    ("call", "then", "same"),
    [
        pytest.param(
            '[2,"1","Heartbeat",{}]', '[3,"1",{"currentTime":"2020-01-01T00:00:00.000Z"}]', True, id="only the time"
        ),
        pytest.param('[2,1,"Heartbeat",{}]', '[3, 1, {"currentTime":"x"}]', True, id="a number as id"),
        pytest.param(
            '[2,"1","Nonsense",{}]', '[4,"1","NotImplemented","told otherwise",{"a":1}]', True, id="same error"
        ),
        pytest.param('[2,"1","Nonsense",{}]', '[4,"1","NotSupported","",{}]', False, id="another error"),
        pytest.param('[2,"1","Heartbeat",{}]', '[4,"1","InternalError","",{}]', False, id="an error then"),
        pytest.param('[2,"1","Heartbeat",{}]', '[3,"1",{}]', False, id="a field less"),
    ],
)
def test_what_is_the_same(house: House, call: str, then: str, same: bool) -> None:
    code, out, _ = house.type("replay", "--json", log(house, f"> {call}", f"< {then}"))
    [row] = json.loads(out)
    assert (code, row["same"], row["recorded"]) == (0, same, then)


def test_an_id_used_again_gets_its_own_answer(house: House) -> None:
    """Metron starts its message ids anew with every boot."""
    file = log(
        house,
        '> [2,"1","Nonsense",{}]',
        '> [2,"1","Heartbeat",{}]',
        '< [4,"1","NotImplemented","",{}]',
        '< [3,"1",{"currentTime":"x"}]',
        '> [2,"1","Heartbeat",{}]',
        '< [3,"1",{"currentTime":"x"}]',
    )
    assert "3 calls: 3 answered the same" in house.type("replay", file)[1]


def test_a_remote_start_in_the_log_lets_its_tag_charge(house: House) -> None:
    file = log(
        house,
        '< [2,"a-3","RemoteStartTransaction",{"idTag":"ANNA","connectorId":1}]',
        '> [3,"a-3",{"status":"Accepted"}]',
        '> [2,"3","Authorize",{"idTag":"ANNA"}]',
        '< [3,"3",{"idTagInfo":{"status":"Accepted"}}]',
        '< [2,"a-4","RemoteStartTransaction",{"idTag":"BERT","connectorId":1}]',
        '< [2,"a-5","Reset",{"type":"Soft"}]',
        '> [4,"a-5","NotSupported","",{}]',
        '> [2,"4","Authorize",{"idTag":"BERT"}]',
        "> []",
        "> rubbish",
        '< [3,"4',
    )
    code, out, _ = house.type("replay", file)
    assert code == 0
    assert "2 calls: 1 answered the same, 1 with no answer in the log" in out
    assert "garage < RemoteStartTransaction idTag=ANNA connectorId=1" in out
    assert "garage > Reset refused: NotSupported" in out


def test_a_call_nobody_can_answer_is_said(house: House) -> None:
    code, out, _ = house.type("replay", log(house, '> [2,{"no":"id"},"Heartbeat",{}]'))
    assert code == 1
    assert "  + (no answer)" in out
    assert "1 call: 1 not answered" in out


def test_one_charger_of_several(anna: House) -> None:
    log(anna, f"> {START}")
    file = log(anna, f"> {START}", charger="carport")
    assert "2 calls" in anna.type("replay", file)[1]
    assert "1 call: 1" in anna.type("replay", file, "--charger", "CARPORT")[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "No such file", id="missing"),
        pytest.param("hello\n", "no frames in it", id="no log"),
        pytest.param("", "no frames in it", id="empty"),
    ],
)
def test_one_clear_line(house: House, content: str | None, message: str) -> None:
    path = house.folder / "log.jsonl"
    if content is not None:
        path.write_text(content)
    code, out, err = house.type("replay", str(path))
    assert (code, out) == (64, "")
    assert message in err
    assert "no frames in it of carport" in house.type("replay", log(house, "> []"), "--charger", "carport")[2]
