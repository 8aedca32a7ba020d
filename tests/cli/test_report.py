"""`tinyocpp report`: every form of it, on the days when clocks change and at the ends of months."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from booked import utc

from tinyocpp.storage import open_tags

if TYPE_CHECKING:
    from conftest import House

TAGS = """
[[tag]]
id = "ANNA"
name = "Anna"
group = "family"

[[tag]]
id = "BERT"
name = "=cmd()"
"""

STARTS = [  # (UTC, charger, tag, Wh); the zone is Europe/Berlin
    ("2026-02-28T22:59:59", "garage", "ANNA", 1),  # the last second of February
    ("2026-02-28T23:00:00", "garage", "ANNA", 10),  # the first of March
    ("2026-03-28T23:30:00", "garage", "anna", 100),  # 29 March, 23 hours long
    ("2026-03-29T21:59:59", "garage", "BERT", 1000),  # still the 29th
    ("2026-03-29T22:00:00", "carport", "BERT", 10_000),  # the 30th
    ("2026-10-24T22:00:00", "garage", "CARA", 20_000),  # 25 October, 25 hours long
    ("2026-10-25T22:59:59", "garage", "CARA", 40_000),  # still the 25th
    ("2026-10-25T23:00:00", "simulator", "SIM", 50_000),  # the 26th
]


@pytest.fixture
def booked_house(house: House) -> House:
    house.tags.write_text(TAGS)
    books = house.books()
    meter_wh = 0
    for charger in ("garage", "carport", "simulator"):
        books.boot("Garage" if charger == "garage" else charger, utc("2026-01-01T00:00:00"))
    for at, charger, tag, wh in STARTS:
        books.charge(charger, tag, utc(at), wh, meter_wh=meter_wh)
        meter_wh += wh
    books.close()
    return house


def rows(house: House, *words: str) -> list[dict[str, object]]:
    code, out, _ = house.type("report", "--json", *words)
    assert code == 0
    return json.loads(out)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param((), {"ANNA": 111, "BERT": 11_000, "CARA": 60_000}, id="everything"),
        pytest.param(("--month", "2026-02"), {"ANNA": 1}, id="February"),
        pytest.param(("--month", "2026-03"), {"ANNA": 110, "BERT": 11_000}, id="March"),
        pytest.param(("--month", "2026-04"), {}, id="April"),
        pytest.param(("--from", "2026-03-29", "--to", "2026-03-29"), {"ANNA": 100, "BERT": 1000}, id="the short day"),
        pytest.param(("--from", "2026-10-25", "--to", "2026-10-25"), {"CARA": 60_000}, id="the long day"),
        pytest.param(("--from", "2026-03-30"), {"BERT": 10_000, "CARA": 60_000}, id="from a day on"),
        pytest.param(("--to", "2026-02-28"), {"ANNA": 1}, id="up to a day"),
        pytest.param(("--charger", "CARPORT"), {"BERT": 10_000}, id="one charger"),
        pytest.param(
            ("--with-simulator", "--from", "2026-10-26"), {"SIM": 50_000}, id="with what was simulated, a day later"
        ),
        pytest.param(("--charger", "simulator"), {"SIM": 50_000}, id="the simulator by name"),
    ],
)
def test_periods_by_tag(booked_house: House, words: tuple[str, ...], expected: dict[str, int]) -> None:
    found = {str(row["id_tag"]).upper(): row["energy_wh"] for row in rows(booked_house, *words)}
    assert found == expected


def test_by_tag_has_names_and_groups(booked_house: House) -> None:
    found = rows(booked_house, "--from", "2026-03-30", "--by", "tag")
    assert found == [
        {"id_tag": "BERT", "name": "=cmd()", "group": "", "transactions": 1, "energy_wh": 10_000},
        {"id_tag": "CARA", "name": "", "group": "", "transactions": 2, "energy_wh": 60_000},
    ]
    assert rows(booked_house, "--month", "2026-02") == [
        {"id_tag": "ANNA", "name": "Anna", "group": "family", "transactions": 1, "energy_wh": 1}
    ]


def test_by_day_and_month_and_charger(booked_house: House) -> None:
    assert [tuple(row.values()) for row in rows(booked_house, "--by", "day")] == [
        ("2026-02-28", 1, 1),
        ("2026-03-01", 1, 10),
        ("2026-03-29", 2, 1100),
        ("2026-03-30", 1, 10_000),
        ("2026-10-25", 2, 60_000),
    ]
    assert rows(booked_house, "--by", "month") == [
        {"month": "2026-02", "transactions": 1, "energy_wh": 1},
        {"month": "2026-03", "transactions": 4, "energy_wh": 11_110},
        {"month": "2026-10", "transactions": 2, "energy_wh": 60_000},
    ]
    assert rows(booked_house, "--by", "charger") == [
        {"charger_id": "carport", "transactions": 1, "energy_wh": 10_000},
        {"charger_id": "Garage", "transactions": 6, "energy_wh": 61_111},
    ]


def test_by_transaction(booked_house: House) -> None:
    found = rows(booked_house, "--by", "transaction", "--month", "2026-03")
    assert [row["transaction_id"] for row in found] == [2, 3, 4, 5]
    assert found[0] == {
        "transaction_id": 2,
        "charger_id": "Garage",
        "connector_id": 1,
        "id_tag": "ANNA",
        "name": "Anna",
        "started_at": "2026-02-28T23:00:00Z",
        "stopped_at": "2026-03-01T00:00:00Z",
        "meter_start_wh": 1,
        "meter_stop_wh": 11,
        "energy_wh": 10,
        "quality": "measured",
        "reason": "Local",
    }


def test_csv_is_safe_to_open(booked_house: House) -> None:
    code, out, err = booked_house.type("report", "--format", "csv", "--by", "transaction")
    assert code == 0
    assert err == "tinyocpp: everything recorded: 2026-02-28 to 2026-10-25\n"
    table = list(csv.DictReader(io.StringIO(out)))
    assert len(table) == 7
    assert table[3]["name"] == "'=cmd()"
    assert table[3]["started_at"] == "2026-03-29T21:59:59Z"
    assert table[3]["energy_wh"] == "1000"
    assert not booked_house.type("report", "--format", "csv", "--month", "2026-03")[2]


def test_a_table_for_people(booked_house: House) -> None:
    code, out, err = booked_house.type("report")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "Energy by tag, everything recorded: 2026-02-28 to 2026-10-25",
        "tag   name    group   transactions     kWh",
        "ANNA  Anna    family             3   0.111",
        "BERT  =cmd()                     2  11.000",
        "CARA                             2  60.000",
        "Together 71.111 kWh",
    ]
    assert "2026-03-29 00:30:00" in booked_house.type("report", "--by", "transaction")[1]


def test_what_is_not_sure_is_said(house: House) -> None:
    noon = utc("2026-06-01T12:00:00")
    books = house.books()
    books.boot("garage", noon)
    lost = books.start("garage", "ANNA", noon, meter_wh=1000)
    books.sample("garage", lost, noon + timedelta(minutes=10), wh=1500)
    books.status("garage", "Available", noon + timedelta(minutes=20))
    back = books.start("garage", "ANNA", noon + timedelta(hours=1), meter_wh=1500)
    books.stop("garage", back, noon + timedelta(hours=2), meter_wh=1400)
    running = books.start("garage", "", noon + timedelta(hours=3), meter_wh=2000)
    books.sample("garage", running, noon + timedelta(hours=4), wh=2250)
    books.stop("carport", 999, noon, meter_wh=77)
    books.close()
    out = house.type("report", "--month", "2026-06")[1].splitlines()
    assert out[0] == "Energy by tag, 2026-06"
    assert out[-5] == "Together 0.750 kWh, of which"
    assert sorted(line.split(":")[0].split()[-1] for line in out[-4:]) == ["estimated", "flagged", "open", "orphan"]
    assert "  0.500 kWh estimated: the stop is missing, so this is up to the last sample" in out
    assert any(line.startswith("(none)") for line in out)


def test_nothing_booked(house: House) -> None:
    house.books().close()
    assert house.type("report") == (0, "Energy by tag, everything recorded\nNothing was booked.\n", "")
    assert house.type("report", "--json", "--month", "2026-01") == (0, "[]\n", "")
    assert (
        house.type("report", "--format", "csv", "--by", "day", "--month", "2026-01")[1]
        == "day,transactions,energy_wh\n"
    )


def test_a_broken_tags_file_costs_the_names_only(booked_house: House) -> None:
    booked_house.tags.write_text("[[tag]]\nidd = 5\n")
    code, out, err = booked_house.type("report", "--json", "--month", "2026-02")
    assert code == 0
    assert json.loads(out)[0]["name"] == ""
    assert err.startswith(f"tinyocpp: {booked_house.tags}:")
    assert err.endswith("the last good list of 0 tags is in force\n")


def test_of_a_broken_tags_file_the_last_good_names_are_shown(booked_house: House) -> None:
    config = booked_house.config()
    open_tags(config, keep=True)  # as a host does
    booked_house.tags.write_text("[[tag]]\nidd = 5\n")
    _, out, err = booked_house.type("report", "--json", "--month", "2026-02")
    assert json.loads(out)[0]["name"] == "Anna"
    assert err.endswith("the last good list of 2 tags is in force\n")


def test_a_report_does_not_say_which_list_is_good(booked_house: House) -> None:
    booked_house.type("report", "--json")
    assert not os.path.exists(booked_house.config().last_good_tags), "only a host keeps it"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param(("--month", "2026-13"), 64, "--month 2026-13: no such date", id="no such month"),
        pytest.param(("--from", "2026-02-30"), 64, "--from 2026-02-30: no such date", id="no such day"),
        pytest.param(("--from", "2026-02-02", "--to", "2026-02-01"), 64, "exchange them", id="backwards"),
        pytest.param(("--month", "2026-02", "--to", "2026-02-01"), 64, "leave one of them out", id="both"),
        pytest.param(("--by", "week"), 64, "invalid choice", id="no such sum"),
        pytest.param(("--format", "xml"), 64, "invalid choice", id="no such format"),
    ],
)
def test_one_clear_line(house: House, words: tuple[str, ...], code: int, message: str) -> None:
    found, out, err = house.type("report", *words)
    assert (found, out) == (code, "")
    assert message in err


def test_nothing_recorded_yet_is_an_empty_report(house: House) -> None:
    assert house.type("report")[:2] == (0, "Energy by tag, everything recorded\nNothing was booked.\n")
    assert house.type("report", "--json")[:2] == (0, "[]\n")
    assert house.type("status", "--json")[:2] == (0, "[]\n")
