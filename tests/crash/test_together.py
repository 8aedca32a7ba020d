"""Eight backends and a report in a loop on one ledger: each charger's books are right, and no report ever fails."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from programs import TINYOCPP, run

from crash.audit import audit
from crash.charger import Charger
from crash.doors import Backend, charge, configure

TRANSACTIONS = 15


def charge_some(config: Path, charger: Charger) -> None:
    with Backend(config, charger.name) as backend:
        charge(backend, charger, TRANSACTIONS)


def report(config: Path, done: Event) -> list[int]:
    """Energy of all tags, as often as it can be had."""
    totals: list[int] = []
    while True:
        last_time = done.is_set()
        shown = run(TINYOCPP, "--config", config, "report", "--format", "json")
        assert shown.returncode == 0, shown.stderr
        totals.append(sum(row["energy_wh"] for row in json.loads(shown.stdout)))
        if last_time:
            return totals


def test_eight_backends_and_a_report(tmp_path: Path) -> None:
    chargers = [Charger(f"CP{number}") for number in range(8)]
    config = configure(tmp_path, tags=tuple(charger.name for charger in chargers))
    charge_some(config, first := Charger("CP-first"))
    done = Event()
    with ThreadPoolExecutor(9) as threads:
        reports = threads.submit(report, config, done)
        for charged in [threads.submit(charge_some, config, charger) for charger in chargers]:
            charged.result()
        done.set()
        totals = reports.result()
    audit(tmp_path / "accounting.sqlite3", [*chargers, first])
    assert totals == sorted(totals), "energy that was reported once stays reported"
    assert totals[-1] == sum(charger.acknowledged.energy_wh for charger in [*chargers, first])
    numbers = [number for charger in chargers for number in charger.acknowledged.starts.values()]
    assert len(set(numbers)) == 8 * TRANSACTIONS
