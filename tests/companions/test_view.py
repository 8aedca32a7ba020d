"""What the control program sees of a charger: what the ledger knows, and what the owner's limit makes of it."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from booked import Books

from tinyocpp.companions.lines import Lines
from tinyocpp.companions.view import View
from tinyocpp.config import load
from tinyocpp.dealings import Manner, Shape, Told, Wish, Wished
from tinyocpp.solar import Outlet
from tinyocpp.storage import open_reader, open_tags

if TYPE_CHECKING:
    from tinyocpp.companions.steering import Live

NOW = datetime.now(UTC)
FIXED = Manner(firmware="1.2", phases="fixed")


def seen(
    folder: Path,
    wish: Wish | None = None,
    learnt: Manner | None = None,
    connectors: int = 1,
    tables: str = "",
    ended: str | None = None,
    swapped_at: datetime | None = None,
) -> list[Live]:
    """A charge runs, and its charger is away: nothing but the ledger knows of it. `ended`: another one on the last
    connector has ended, and a charge of this tag is to be started again there, or none. `swapped_at`: the last
    connector was told other phases then."""
    file = folder / "tinyocpp.toml"
    file.write_text(tables)
    config = load(str(file), {})
    with closing(Books(config.paths.accounting)) as books:
        books.boot("garage", NOW)
        for number in range(1, connectors + 1):
            transaction = books.start("garage", "04A2B3C4", NOW, connector=number)
        if ended is not None:
            books.stop("garage", transaction, NOW, meter_wh=0)
        with books.batch():
            if wish is not None:
                books.store.ledger.keep_wish(Wished(charger_id="garage", connector_id=0, wish=wish, at=NOW))
            if learnt is not None:
                books.store.ledger.keep_manner("garage", learnt)
            told = Told(
                charger_id="garage", connector_id=connectors, at=NOW, stopped_tag=ended or "", swapped_at=swapped_at
            )
            if ended is not None or swapped_at is not None:
                books.store.ledger.keep_told(told)
    with closing(open_reader(config)) as reader:
        return View(config, reader, open_tags(config, keep=False), Lines(())).lives()


@pytest.mark.parametrize(
    ("wish", "learnt", "phases", "outlet"),
    [
        (None, None, 3, Outlet()),
        (Wish(current_a=10.0), None, 3, Outlet(max_current_a=10.0)),
        (Wish(current_a=32.0), None, 3, Outlet()),
        (Wish(current_a=0.0), None, 3, Outlet(max_current_a=0.0)),
        (Wish(current_a=16.0, phases=1), None, 1, Outlet()),
        (Wish(current_a=16.0, phases=1), FIXED, 3, Outlet()),
        (Wish(phases=3), None, 3, Outlet()),
        (Wish(power_w=4200.0), None, 3, Outlet(max_power_w=4200.0)),
        (Wish(power_w=3000.0), None, 1, Outlet(max_power_w=3000.0)),  # too little for 6 A on three
        (Wish(power_w=3000.0), FIXED, 3, Outlet(max_power_w=3000.0)),
        (Wish(power_w=3000.0, phases=3), None, 3, Outlet(max_power_w=3000.0)),
    ],
)
def test_the_owners_limit_as_the_charger_is_told_it(
    tmp_path: Path, wish: Wish | None, learnt: Manner | None, phases: int, outlet: Outlet
) -> None:
    (live,) = seen(tmp_path, wish, learnt)
    assert (live.phases, live.outlet) == (phases, outlet)


@pytest.mark.parametrize(
    ("learnt", "holds_s"),
    [
        (None, 900.0),
        (Manner(firmware="1.2", moving=Shape(purpose="TxProfile", expires=True)), 300.0),
        (Manner(firmware="1.2", moving=Shape(purpose="TxDefaultProfile", expires=True)), 900.0),
        (Manner(firmware="1.2", moving=Shape(purpose="TxProfile")), inf),
        (Manner(firmware="1.1", moving=Shape(purpose="TxProfile")), 900.0),  # who knows what it took since
    ],
)
def test_how_long_a_charger_goes_on_as_it_was_told(tmp_path: Path, learnt: Manner | None, holds_s: float) -> None:
    (live,) = seen(tmp_path, learnt=learnt)
    assert live.holds_s == holds_s
    assert not live.connected


@pytest.mark.parametrize(
    ("connectors", "names"), [(1, ["garage"]), (2, ["connector 1 of garage", "connector 2 of garage"])]
)
def test_connectors_have_names_where_there_are_several(tmp_path: Path, connectors: int, names: list[str]) -> None:
    assert [live.name for live in seen(tmp_path, connectors=connectors)] == names


def test_what_is_configured_for_it(tmp_path: Path) -> None:
    tables = """
[charger.garage]
mode = "solar"
priority = 3
rotation = "STR"
min_current_a = 8
max_current_a = 32
quirks = { phases = "number", current_step_a = 1 }
"""
    (live,) = seen(tmp_path, tables=tables)
    assert (live.mode, live.priority, live.rotation, live.can_swap) == ("solar", 3, "STR", True)
    assert live.outlet == Outlet(min_current_a=8, max_current_a=32, step_a=1)


@pytest.mark.parametrize(("tag", "waits", "mode"), [("04A2B3C4", True, "solar"), ("", False, "fast")])
def test_C9_a_charge_that_was_ended_for_a_pause_waits_and_has_the_mode_of_its_tag(
    tmp_path: Path, tag: str, waits: bool, mode: str
) -> None:
    (tmp_path / "tags.toml").write_text('[[tag]]\nid = "04A2B3C4"\nmode = "solar"\n')
    first, second = seen(tmp_path, connectors=2, ended=tag)
    assert (first.charges, first.waits, first.mode) == (True, False, "solar")
    assert (second.charges, second.waits, second.mode) == (waits, waits, mode)


def test_when_it_was_told_other_phases(tmp_path: Path) -> None:
    first, second = seen(tmp_path, connectors=2, swapped_at=datetime.now(UTC) - timedelta(seconds=100))
    assert first.swapped_s == -inf
    assert time.monotonic() - second.swapped_s == pytest.approx(100, abs=20)
