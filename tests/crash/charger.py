"""A charger that keeps its word: it sends the next message only when the last was answered, and the last again until it
is. What it was given an answer to must be in the ledger, whatever happened to the server meanwhile (promise 1).

It shares no code with tinyocpp, not even the message types.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

FIRST = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)


@dataclass
class Acknowledged:
    """What the server has answered: what it must never lose, and what it must never book twice."""

    starts: dict[tuple[int, str, int, str], int] = field(default_factory=dict)  # content -> transactionId
    samples: set[tuple[int, str, str]] = field(default_factory=set)  # transactionId, timestamp, value
    stops: dict[int, int] = field(default_factory=dict)  # transactionId -> meterStop
    energy_wh: int = 0


class Charger:
    """Boots, then one transaction after the other on one connector, each with its samples."""

    def __init__(self, name: str, connector_id: int = 1, samples_each: int = 3) -> None:
        self.name = name
        self.connector_id = connector_id
        self.samples_each = samples_each
        self.acknowledged = Acknowledged()
        self.register_wh = 1000
        self.seconds = 0
        self.sent = 0
        self.samples_left = samples_each
        self.transaction_id: int | None = None
        self.booted = False
        self.pending: tuple[str, dict[str, Any]] | None = None
        self.waiting_for = ""

    def frame(self) -> str:
        """The message to send now: the unanswered one, with a new message id, or the next."""
        if self.pending is None:
            self.pending = self._next()
        self.sent += 1
        self.waiting_for = f"{self.name}-{self.sent}"
        action, payload = self.pending
        return json.dumps([2, self.waiting_for, action, payload])

    def answered(self, text: str) -> None:
        """Take the answer to what was sent last."""
        type_, message_id, payload = json.loads(text)[:3]
        assert (type_, message_id) == (3, self.waiting_for), text
        assert self.pending is not None
        action, request = self.pending
        self.pending = None
        getattr(self, f"_{action}_answered")(request, payload)

    def finished(self, transactions: int) -> bool:
        return len(self.acknowledged.stops) >= transactions

    def _next(self) -> tuple[str, dict[str, Any]]:
        self.seconds += 1
        timestamp = (FIRST + timedelta(seconds=self.seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        if not self.booted:
            return "BootNotification", {"chargePointVendor": "Test", "chargePointModel": "Crash"}
        if self.transaction_id is None:
            return "StartTransaction", {
                "connectorId": self.connector_id,
                "idTag": self.name,
                "meterStart": self.register_wh,
                "timestamp": timestamp,
            }
        self.register_wh += 100
        if self.samples_left:
            value = {"value": str(self.register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
            return "MeterValues", {
                "connectorId": self.connector_id,
                "transactionId": self.transaction_id,
                "meterValue": [{"timestamp": timestamp, "sampledValue": [value]}],
            }
        return "StopTransaction", {
            "transactionId": self.transaction_id,
            "meterStop": self.register_wh,
            "timestamp": timestamp,
        }

    def _BootNotification_answered(self, request: dict[str, Any], payload: dict[str, Any]) -> None:
        assert payload["status"] == "Accepted"
        self.booted = True

    def _StartTransaction_answered(self, request: dict[str, Any], payload: dict[str, Any]) -> None:
        content = (request["connectorId"], request["idTag"], request["meterStart"], request["timestamp"])
        assert payload["transactionId"] > 0
        self.transaction_id = self.acknowledged.starts[content] = payload["transactionId"]
        self.samples_left = self.samples_each
        self._start_wh = request["meterStart"]

    def _MeterValues_answered(self, request: dict[str, Any], payload: dict[str, Any]) -> None:
        bucket = request["meterValue"][0]
        value = bucket["sampledValue"][0]["value"]
        self.acknowledged.samples.add((request["transactionId"], bucket["timestamp"], value))
        self.samples_left -= 1

    def _StopTransaction_answered(self, request: dict[str, Any], payload: dict[str, Any]) -> None:
        self.acknowledged.stops[request["transactionId"]] = request["meterStop"]
        self.acknowledged.energy_wh += request["meterStop"] - self._start_wh
        self.transaction_id = None
