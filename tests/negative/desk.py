"""A charger that gets one thing wrong after the other, each in a connection of its own, on one ledger."""

from __future__ import annotations

import json
from typing import Any

from conversation import Conversation

from negative.answers import ANY_NUMBER, NOW
from negative.payloads import TIME, Case
from tinyocpp.messages import ACTIONS
from tinyocpp.session import Session

FROM_CHARGER = [name for name, action in ACTIONS.items() if action.from_charger]
FROM_CENTRAL = [name for name, action in ACTIONS.items() if action.from_central]


class Desk:
    """Where it is answered."""

    def __init__(self, *, strict: bool) -> None:
        self.conversation = Conversation()
        self._strict = strict
        assert self.conversation.clock.at.strftime("%Y-%m-%dT%H:%M:%SZ") == NOW == TIME

    def connect(self) -> None:
        self.conversation.session = Session(self.conversation.charger, strict=self._strict, id_prefix="p-")

    def hears(self, frame: str) -> list[str]:
        """The answers; what we may want of a charger by ourselves is not looked at."""
        self.connect()
        return [text for text in self.conversation.says(frame) if not text.startswith("[2,")]

    def says(self, frame: bytes) -> list[Any]:
        """The one answer."""
        (answer,) = self.hears(frame.decode())
        read = json.loads(answer)
        assert isinstance(read, list)
        return read

    def raw_kept(self) -> set[str]:
        return {row.raw for row in self.conversation.noted()}

    def transactions_kept(self) -> set[int]:
        bookings = self.conversation.reader.bookings(None, None, simulator=True)
        return {booking.transaction_id for booking in bookings if booking.transaction_id is not None}


def call(action: str, number: int, payload: bytes) -> bytes:
    return b'[2,"%d","%s",%s]' % (number, action.encode(), payload)


def check_result(answer: list[Any], expected: list[Any], case: Case | None = None) -> None:
    if expected[2].get("transactionId") == ANY_NUMBER:
        assert answer[2]["transactionId"] > 0, str(case)
        expected[2] = expected[2] | {"transactionId": answer[2]["transactionId"]}
    assert answer == expected, f"{case}: {answer}, not {expected}"
