"""A ledger of a million transactions: what a report of one month, one of everything, the status and a start take.

Ten years of a house with 20 chargers and 50 tags. The programs are run as typed, so an interpreter's start is in their
figures; "in the program" is the same word once more in a process that has it loaded.
"""

from __future__ import annotations

import io
import sqlite3
import statistics
import subprocess
import sys
import time
from contextlib import closing, redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

from measure import SOURCE, Row, configuration, environment, program, scratch, show

sys.path.append(str(SOURCE))

from tinyocpp.cli import main
from tinyocpp.messages.core import StartTransaction
from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.storage.sqlite import SqliteStore
from tinyocpp.tags import Verdict

TRANSACTIONS, YEARS, CHARGERS, TAGS = 1_000_000, 10, 20, 50
MONTH = "2024-06"
BEGAN_MS = round(datetime(2016, 1, 1, tzinfo=UTC).timestamp() * 1000)
REPEATS = 5

NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :many)"
FILL = (
    f"{NUMBERS} INSERT INTO transactions (charger, connector_id, id_tag, tag, state, orphan, refused, started_at,"
    " meter_start_wh, stopped_at, meter_stop_wh, reason, alive_at, energy_wh, quality)"
    " SELECT 'charger' || (i % :chargers), 1, 'Tag' || (i % :tags), 'tag' || (i % :tags), 'closed', 0, 0,"
    " :began + i * :every, i * 10, :began + (i + 1) * :every, i * 10 + 9000, 'Local', :began + i * :every, 9000,"
    " 'measured' FROM n",
    f"{NUMBERS} INSERT INTO starts (transaction_id, charger, connector_id, id_tag, tag, meter_start_wh, stated_at,"
    " received_at, answer) SELECT i + 1, 'charger' || (i % :chargers), 1, 'Tag' || (i % :tags), 'tag' || (i % :tags),"
    """ i * 10, :began + i * :every, :began + i * :every, '{"id_tag":"Tag","status":"Accepted"}' FROM n""",
    f"{NUMBERS} INSERT INTO chargers (charger, charger_id, admitted_at, last_seen_at)"
    " SELECT 'charger' || i, 'charger' || i, :began, :began FROM n WHERE i < :chargers",
)


def measure(scale: float) -> list[Row]:
    many = max(1000, round(TRANSACTIONS * scale))
    with scratch() as folder:
        config = str(configuration(folder))
        path = folder / "accounting.sqlite3"
        fill(path, many)
        month, everything = ["report", "--month", MONTH], ["report", "--by", "tag"]
        return [
            Row(f"report of one month among {many:,} transactions, as typed", typed_ms(month, config)),
            Row("the same, in the program", loaded_ms(month, config), "100 ms"),
            Row(
                "report of that month by transaction, in the program",
                loaded_ms([*month, "--by", "transaction"], config),
            ),
            Row("report of all of them by tag, in the program", loaded_ms(everything, config)),
            Row("status, as typed", typed_ms(["status"], config)),
            Row("a StartTransaction in the ledger, without the sync", start_us(path)),
        ]


def fill(path: Path, many: int) -> None:
    SqliteStore(str(path)).close()  # the tables as they are now
    values = {"many": many, "began": BEGAN_MS, "chargers": CHARGERS, "tags": TAGS}
    values["every"] = round(timedelta(days=365.25 * YEARS) / timedelta(milliseconds=1) / many)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN")
        for statement in FILL:
            database.execute(statement, values)
        database.execute("COMMIT")


def typed_ms(words: list[str], config: str) -> str:
    """In a process of its own."""
    command = [*program("tinyocpp.cli"), *words, "--config", config]
    return _median_ms(lambda: subprocess.run(command, env=environment(), stdout=subprocess.DEVNULL, check=True))


def loaded_ms(words: list[str], config: str) -> str:
    def run() -> None:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            code = main([*words, "--config", config])
        assert code == 0

    return _median_ms(run)


def start_us(path: Path) -> str:
    now = datetime.now(UTC)
    with closing(SqliteStore(str(path))) as store:
        store.begin(relaxed=True)
        began = time.perf_counter()
        for number in range(200):
            call = StartTransaction(connector_id=1, id_tag="Tag1", meter_start=number, timestamp=now)
            verdict = Verdict(AuthorizationStatus.ACCEPTED, id_tag="Tag1")
            store.ledger.start(f"charger{number % CHARGERS}", call, now, judge=lambda _, verdict=verdict: verdict)
        taken_s = time.perf_counter() - began
        store.rollback()
    return f"{taken_s / 200 * 1e6:.0f} us"


def _median_ms(run: object) -> str:
    assert callable(run)
    run()
    taken_ms = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        run()
        taken_ms.append(1000 * (time.perf_counter() - began))
    return f"{statistics.median(taken_ms):.0f} ms"


if __name__ == "__main__":
    show(measure)
