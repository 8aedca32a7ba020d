"""Frames of real chargers, as they were recorded: each is read, mended where need be, and can be answered."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tinyocpp.leniency import OddityKind, mend, read_frame
from tinyocpp.messages import ACTIONS
from tinyocpp.messages.frames import Call, CallResult, encode_result

FOLDER = Path(__file__).parent.parent / "data" / "wire"
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

# The recordings that break the standard, and how. A FRAME of ours that a charger refused is of the same tables.
ODD = {
    "beny_invalid_json_leading_comma": [OddityKind.BROKEN_JSON],
    "etrel_info_too_long": [OddityKind.TOO_LONG],
    "vestel_evc04_boot_empty_samples": [OddityKind.MISSING],
}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_there_are_recordings() -> None:
    assert len(list(FOLDER.glob("*.jsonl"))) == 20


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.jsonl")), ids=lambda path: path.stem)
def test_recording(path: Path) -> None:
    asked: dict[bytes, str] = {}
    oddities: list[OddityKind] = []
    for line in lines(path):
        if "raw" not in line:
            continue
        reading = read_frame(line["raw"])
        oddities += [oddity.kind for oddity in reading.oddities]
        match reading.frame:
            case Call(message_id, action, payload):
                asked[bytes(message_id)] = action
                type_ = ACTIONS[action].request
                assert json.loads(encode_result(message_id, b"{}")) == [3, json.loads(bytes(message_id)), {}]
            case CallResult(message_id, payload):
                if bytes(message_id) not in asked:  # the question was not recorded
                    continue
                type_ = ACTIONS[asked[bytes(message_id)]].result
        _, bent = mend(type_, payload, received_at=NOW, zone=UTC)
        oddities += [oddity.kind for oddity in bent]
    assert oddities == ODD.get(path.stem, [])
