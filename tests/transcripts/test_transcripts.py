"""Every *.transcript here, spoken at four doors: to the session, the stdio program, websocketd and the listener.

The notation is explained in transcript.py. A transcript that sets the clock runs on the session alone.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from transcript import matches, needs_clock, read_transcript, tag_table
from transcript_doors import Closed, Door, House, Line, ListenerDoor, Refused, SessionDoor, StdioDoor, WebsocketdDoor

from tinyocpp.config import load
from tinyocpp.storage import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    import transcript

    from tinyocpp.storage import Booking

HERE = Path(__file__).parent
TRANSCRIPTS = {str(path.relative_to(HERE).with_suffix("")): path for path in sorted(HERE.rglob("*.transcript"))}
OF_PROGRAMS = {name: path for name, path in TRANSCRIPTS.items() if not needs_clock(read_transcript(path))}
OUR_CALL = re.compile(r'\[2,"([^"]*)"')
THEIR_ANSWER = re.compile(r'^(\[[34], *)"\*(\d*)"')


class Player:
    """Speaks the charger's part, and the person's, and compares what is heard."""

    def __init__(self, lines: list[transcript.Line], house: House, door_type: Callable[[House], Door]) -> None:
        self._lines = lines
        self._house = house
        self._door_type = door_type
        self._door = door_type(house)
        self._charger_id = "garage"
        self._open: dict[str, Line] = {}
        self._our_ids: list[str] = []
        self._results: list[Callable[[], str]] = []
        self._report: list[str] = []

    def play(self) -> None:
        for position, line in enumerate(self._lines):
            following = self._lines[position + 1].word if position + 1 < len(self._lines) else ""
            try:
                if line.word == "=":
                    self._row(line.text, last=following != "=")
                else:
                    WORDS[line.word](self, line.text)
            except (AssertionError, Closed, Refused) as failure:
                said = f"{failure}" or type(failure).__name__
                raise AssertionError(f"line {line.number}: {line.word} {line.text}\n{said}") from failure
        for one in self._open.values():
            one.silent()

    def close(self) -> None:
        for one in self._open.values():
            one.close()
        self._door.close()

    def _line(self) -> Line:
        if self._charger_id not in self._open:
            self._open[self._charger_id] = self._door.open(self._charger_id)
        return self._open[self._charger_id]

    def charger(self, text: str) -> None:
        self._charger_id = text

    def says(self, frame: str) -> None:
        def id_of(match: re.Match[str]) -> str:
            return f'{match[1]}"{self._our_ids[int(match[2] or 0) - 1]}"'

        self._line().send(THEIR_ANSWER.sub(id_of, frame))

    def hears(self, frame: str) -> None:
        if not frame:
            self._line().silent()
            return
        heard = self._line().receive()
        assert matches(frame, heard), f"heard: {heard}"
        ours = OUR_CALL.match(heard)
        if ours:
            self._our_ids.append(ours[1])

    def refused(self, _text: str) -> None:
        with pytest.raises(Refused):
            self._line()

    def closed(self, _text: str) -> None:
        with pytest.raises(Closed):
            self._line().receive()
        self._open.pop(self._charger_id).close()

    def owner(self, text: str) -> None:
        self._house.owner_says(self._charger_id, None if text == "nothing" else text)

    def reconnect(self, _text: str) -> None:
        if self._charger_id in self._open:
            self._open.pop(self._charger_id).close()
        self._line()

    def restart(self, _text: str) -> None:
        self.close()
        self._open.clear()
        self._door = self._door_type(self._house)

    def clock(self, text: str) -> None:
        self._door.set_clock(datetime.fromisoformat(text))

    def call(self, text: str) -> None:
        action, _, payload = text.partition(" ")
        self._results.append(self._line().call(action, payload or "{}"))

    def result(self, text: str) -> None:
        heard = self._results.pop(0)()
        assert heard == text or (text.startswith("{") and json.loads(heard) == json.loads(text))

    def noted(self, text: str) -> None:
        assert {oddity.kind for oddity in self._house.oddities()} == set(text.split())

    def _row(self, text: str, *, last: bool) -> None:
        self._report.append(text)
        if last:
            expected, self._report = [text for text in self._report if text != "nothing"], []
            bookings = self._house.bookings()
            shown = [row(booking, like) for booking, like in zip(bookings, expected, strict=False)]
            shown += [row(booking, "") for booking in bookings[len(expected) :]]
            assert shown == expected


WORDS: dict[str, Callable[[Player, str], None]] = {
    ">": Player.says,
    "<": Player.hears,
    "charger": Player.charger,
    "owner": Player.owner,
    "refused": Player.refused,
    "closed": Player.closed,
    "reconnect": Player.reconnect,
    "restart": Player.restart,
    "clock": Player.clock,
    "call": Player.call,
    "result": Player.result,
    "noted": Player.noted,
}


def row(booking: Booking, like: str) -> str:
    """A transaction as a transcript writes it, with what else the expected line looks at."""
    more = {
        "charger": booking.charger_id,
        "connector": str(booking.connector_id),
        "started": f"{booking.started_at:%H:%M:%S}",
        "stopped": f"{booking.stopped_at:%H:%M:%S}" if booking.stopped_at else "-",
        "start": f"{booking.meter_start_wh}",
        "stop": f"{booking.meter_stop_wh}",
    }
    _, *words = like.split()[4:] or [""]
    shown = [f"{booking.transaction_id} {booking.id_tag or '-'} {booking.energy_wh} Wh {booking.quality}"]
    for word in words:
        name, equals, _ = word.partition("=")
        shown.append(f"{name}={more[name]}" if equals else booking.reason)
    return " ".join(shown)


def play(path: Path, folder: Path, door_type: Callable[[House], Door]) -> None:
    lines = read_transcript(path)
    house = House(
        folder,
        [line.text for line in lines if line.word == "config"],
        "\n".join(tag_table(line.text) for line in lines if line.word == "tag"),
    )
    open_store(load(str(house.configuration), {})).close()  # so that there is a report also before the first frame
    player = Player([line for line in lines if line.word not in ("config", "tag")], house, door_type)
    try:
        player.play()
    finally:
        player.close()


class TestSession:
    @pytest.mark.parametrize("name", TRANSCRIPTS)
    def test_transcript(self, name: str, tmp_path: Path) -> None:
        play(TRANSCRIPTS[name], tmp_path, SessionDoor)


class TestStdio:
    @pytest.mark.parametrize("name", OF_PROGRAMS)
    def test_transcript(self, name: str, tmp_path: Path) -> None:
        play(TRANSCRIPTS[name], tmp_path, StdioDoor)


class TestWebsocketd:
    @pytest.mark.parametrize("name", OF_PROGRAMS)
    def test_transcript(self, name: str, tmp_path: Path) -> None:
        play(TRANSCRIPTS[name], tmp_path, WebsocketdDoor)


class TestListener:
    @pytest.mark.parametrize("name", OF_PROGRAMS)
    def test_transcript(self, name: str, tmp_path: Path) -> None:
        play(TRANSCRIPTS[name], tmp_path, ListenerDoor)
