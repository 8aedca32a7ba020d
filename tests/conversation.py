"""One charger's session on a ledger in memory, with a clock that is set by hand: for tests of session and handlers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tinyocpp.admission import Standing
from tinyocpp.charger import Charger
from tinyocpp.commands import ANSWER_TIMEOUT_S, Answer
from tinyocpp.config import TagsConfig
from tinyocpp.messages.core_boot import RegistrationStatus
from tinyocpp.session import Session
from tinyocpp.storage.reading import SqlReader
from tinyocpp.storage.sqlite import SqliteDatabase, SqliteStore
from tinyocpp.tags import Tag, TagList

if TYPE_CHECKING:
    from tinyocpp.charger import Event
    from tinyocpp.storage import NotedOddity

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = NOON
        self.seconds = 1000.0

    def now(self) -> datetime:
        return self.at

    def pass_(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.seconds += seconds


class Conversation:
    def __init__(
        self,
        *tags: Tag,
        strict: bool = False,
        standing: Standing = Standing.ADMITTED,
        registration: RegistrationStatus = RegistrationStatus.ACCEPTED,
        watched: bool = False,
        store: SqliteStore | None = None,  # that of an earlier connection
    ) -> None:
        self.store = store or SqliteStore(":memory:")
        self.clock = Clock()
        self.charger = Charger(
            "garage",
            ledger=self.store.ledger,
            tags=TagList(tags or (Tag("04A2"),), TagsConfig(), UTC),
            clock=self.clock,
            zone=UTC,
            standing=standing,
            registration=registration,
        )
        self.charger.watched = watched
        self.session = Session(self.charger, strict=strict, id_prefix="p-")

    def says(self, frame: str) -> list[str]:
        """What goes out after the frame has come."""
        self.session.receive_text(frame, self.clock.seconds)
        return self.session.text_to_send()

    def asks(self, action: str, **payload: Any) -> Any:
        """The payload of our answer."""
        (answer,) = self.says(json.dumps([2, "1", action, payload]))
        frame = json.loads(answer)
        assert frame[:2] == [3, "1"], answer
        return frame[2]

    def call(self, action: str, payload: bytes = b"{}", timeout_s: float = ANSWER_TIMEOUT_S) -> int:
        return self.session.send_call(action, payload, self.clock.seconds, timeout_s)

    def wait(self, seconds: float) -> list[Answer]:
        """What has ended when the time has passed."""
        self.clock.pass_(seconds)
        self.session.expire(self.clock.seconds)
        return self.session.results_received()

    def noted(self) -> list[NotedOddity]:
        return self.reader.oddities(LONG_AGO, limit=10_000)

    @property
    def reader(self) -> SqlReader:
        return SqlReader(self.database)

    @property
    def database(self) -> SqliteDatabase:
        return self.store._db  # a ledger in memory has but one connection

    def events(self) -> list[Event]:
        events, self.charger.events = self.charger.events, []
        return events
