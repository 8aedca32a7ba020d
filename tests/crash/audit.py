"""The ledger against what chargers were told: nothing missing, nothing twice. Reads the file with plain SQL."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from crash.charger import Charger


def audit(ledger: Path, chargers: Iterable[Charger]) -> None:
    database = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for charger in chargers:
            _audit(database, charger)
    finally:
        database.close()


def _audit(database: sqlite3.Connection, charger: Charger) -> None:
    told = charger.acknowledged
    name = charger.name.lower()
    starts = database.execute(
        "SELECT connector_id, id_tag, meter_start_wh, strftime('%Y-%m-%dT%H:%M:%SZ', stated_at / 1000, 'unixepoch'),"
        " transaction_id FROM starts WHERE charger = ?",
        (name,),
    ).fetchall()
    kept = {tuple(content): transaction_id for *content, transaction_id in starts}
    assert len(kept) == len(starts), "a start was booked twice"
    assert told.starts.items() <= kept.items(), "a start that was acknowledged is missing or has another number"
    assert len(kept) - len(told.starts) <= 1, "only the last start may be unanswered"

    stops = Counter(
        database.execute("SELECT transaction_id, meter_stop_wh FROM stops WHERE charger = ?", (name,)).fetchall()
    )
    assert set(stops.values()) <= {1}, "a stop was booked twice"
    assert told.stops.items() <= dict(stops.keys()).items(), "a stop that was acknowledged is missing"

    samples = Counter(
        (transaction_id, json.loads(raw)["meterValue"][0]["timestamp"], str(register_wh))
        for transaction_id, raw, register_wh in database.execute(
            "SELECT transaction_id, raw, register_wh FROM samples WHERE charger = ?", (name,)
        )
    )
    assert set(samples.values()) <= {1}, "a sample was kept twice"
    assert told.samples <= samples.keys(), "a sample that was acknowledged is missing"
    assert len(samples) - len(told.samples) <= 1

    ended = f"({', '.join(map(str, told.stops)) or 'NULL'})"
    (energy_wh,) = database.execute(
        f"SELECT coalesce(sum(energy_wh), 0) FROM transactions WHERE transaction_id IN {ended} AND quality = 'measured'"
    ).fetchone()
    assert energy_wh == told.energy_wh, "the energy is not what was measured"
