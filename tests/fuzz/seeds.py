"""Frames to begin with: what real chargers sent, what the transcripts say, and one good frame of every action.

Each has the word ID where its message id belongs, so that an answer can be told from the answer to another.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tinyocpp.messages import ACTIONS

TESTS = Path(__file__).parent.parent
ID = "=ID="
_MESSAGE_ID = re.compile(r'^(\s*\[\s*[234]\s*,\s*)"[^"\\]*"')

GOOD = {
    "Authorize": {"idTag": "04A2B3C4"},
    "BootNotification": {"chargePointVendor": "Wallbe", "chargePointModel": "Pro", "firmwareVersion": "1.2"},
    "DataTransfer": {"vendorId": "com.example", "messageId": "m", "data": "{}"},
    "DiagnosticsStatusNotification": {"status": "Uploading"},
    "FirmwareStatusNotification": {"status": "Downloaded"},
    "Heartbeat": {},
    "LogStatusNotification": {"status": "Uploaded", "requestId": 1},
    "MeterValues": {
        "connectorId": 1,
        "transactionId": 1,
        "meterValue": [
            {
                "timestamp": "2026-06-01T12:00:00Z",
                "sampledValue": [
                    {"value": "1234.5", "unit": "Wh"},
                    {"value": "16.0", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
                ],
            }
        ],
    },
    "SecurityEventNotification": {"type": "SettingSystemTime", "timestamp": "2026-06-01T12:00:00Z"},
    "SignCertificate": {"csr": "-----BEGIN CERTIFICATE REQUEST-----"},
    "SignedFirmwareStatusNotification": {"status": "Installed", "requestId": 1},
    "StartTransaction": {
        "connectorId": 1,
        "idTag": "04A2B3C4",
        "meterStart": 1000,
        "timestamp": "2026-06-01T12:00:00Z",
    },
    "StatusNotification": {
        "connectorId": 1,
        "errorCode": "NoError",
        "status": "Charging",
        "timestamp": "2026-06-01T12:00:00Z",
    },
    "StopTransaction": {
        "transactionId": 1,
        "meterStop": 3000,
        "timestamp": "2026-06-01T13:00:00Z",
        "transactionData": [{"timestamp": "2026-06-01T13:00:00Z", "sampledValue": [{"value": "3000"}]}],
    },
}
ANSWERS = (
    {},
    {"status": "Accepted"},
    {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}], "unknownKey": ["x"]},
)


def recorded() -> list[str]:
    """What the chargers of tests/data/wire sent, byte for byte."""
    lines = [line for path in sorted(TESTS.glob("data/wire/*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    frames = [json.loads(line) for line in lines]
    return [frame["raw"] for frame in frames if frame.get("dir") == "cp->cs"]


def told() -> list[str]:
    """What is said in the transcripts."""
    paths = sorted(TESTS.glob("transcripts/*/*.transcript"))
    return [line[2:] for path in paths for line in path.read_text("utf-8").splitlines() if line.startswith("> ")]


def seeds() -> list[str]:
    assert {name for name, action in ACTIONS.items() if action.from_charger} == GOOD.keys()
    made = [[2, ID, action, payload] for action, payload in GOOD.items()]
    made += [[3, ID, answer] for answer in ANSWERS] + [[4, ID, "NotSupported", "no such thing", {}]]
    frames = [json.dumps(frame) for frame in made] + recorded() + told()
    return [_MESSAGE_ID.sub(rf'\g<1>"{ID}"', frame) for frame in frames]
