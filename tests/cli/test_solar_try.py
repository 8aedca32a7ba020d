"""`tinyocpp solar try`: a trace in, figures and a run out."""

from __future__ import annotations

import csv
import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import House

HOURS = [0, 500, 2300, 6900, 9000, 6900, 2300, 500, 0]


@pytest.fixture
def trace(house: House) -> str:
    path = house.folder / "day.csv"
    rows = [f"{1464739200 + 3600 * hour},{pv_w + 200},200" for hour, pv_w in enumerate(HOURS)]
    path.write_text("\n".join(["time_s,pv_w,load_w", *rows]) + "\n")
    return str(path)


def written(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_day_in_words(house: House, trace: str) -> None:
    code, out, err = house.type("solar", "try", trace, "--optimum")
    assert (code, err) == (0, "")
    first, heading, law, optimum, score = out.splitlines()
    assert first == f"{trace}: 0.3 days, every 10 s, 10 s late, steps of 0.1 A"
    assert heading.split("  ")[-1] == "phase swaps a day"
    assert (law.split()[0], optimum.split()[0]) == ("solar", "optimum")
    assert score.startswith("Score 9")


def test_a_day_for_programs(house: House, trace: str) -> None:
    code, out, _ = house.type("solar", "try", trace, "--json", "--interval", "60", "--lag", "60", "--step", "1")
    told = json.loads(out)
    assert (code, told["interval_s"], told["lag_s"], told["step_a"]) == (0, 60, 60, 1)
    assert told["solar_wh"] > 25_000
    assert "optimum" not in told
    told = json.loads(house.type("solar", "try", trace, "--json", "--optimum")[1])
    assert told["optimum"]["solar_wh"] >= told["solar_wh"]
    assert 0.9 < told["score"] < 1


def test_the_run_is_written_step_by_step(house: House, trace: str) -> None:
    output = house.folder / "run.csv"
    code, _, err = house.type("solar", "try", trace, "--output", str(output), "--step", "1")
    assert (code, err) == (0, "")
    rows = written(output)
    assert [rows[0]["time_s"], rows[-1]["time_s"], len(rows)] == ["1464739200", "1464768000", 8 * 360 + 1]
    assert {(row["phases"], float(row["power_w"]) % 230) for row in rows} == {("0", 0), ("1", 0), ("3", 0)}
    pause = [row for row in rows if row["phases"] != "0" and row["power_w"] == "0"]
    assert len(pause) % 6 == 0


def test_what_is_written_and_what_is_told_agree(house: House, trace: str) -> None:
    """Added up anew from the two files, as a judge would."""
    output = house.folder / "run.csv"
    told = json.loads(house.type("solar", "try", trace, "--json", "--output", str(output), "--interval", "50")[1])
    rows = [(float(row["time_s"]), float(row["power_w"]), int(row["phases"])) for row in written(output)]
    solar_wh = grid_wh = 0.0
    for time_s, power_w, _ in rows:
        hours = (time_s - 1464739200) / 3600
        hour = min(int(hours), 7)
        surplus_w = HOURS[hour] + (HOURS[hour + 1] - HOURS[hour]) * (hours - hour)
        solar_wh += min(power_w, surplus_w) * 50 / 3600
        grid_wh += max(power_w - surplus_w, 0) * 50 / 3600
    used = [phases for _, _, phases in rows if phases]
    assert (told["solar_wh"], told["grid_wh"]) == (round(solar_wh), round(grid_wh))
    assert told["swaps"] == sum(before != after for before, after in pairwise(used))
    assert told["starts"] == sum(after[2] > 0 == before[2] for before, after in pairwise(rows))
    assert told["swaps_per_day"] == round(told["swaps"] / (len(rows) * 50 / 86400), 3)


def test_what_is_configured_is_tried(house: House, trace: str) -> None:
    plain = json.loads(house.type("solar", "try", trace, "--json")[1])
    with house.configuration.open("a") as file:
        file.write('\n[solar]\nmode = "min+solar"\nreserve_w = 300\n')
    told = json.loads(house.type("solar", "try", trace, "--json")[1])
    assert told["mode"] == "min+solar"
    assert told["grid_wh"] > plain["grid_wh"]


def test_a_day_without_sun_is_missed_by_nobody(house: House) -> None:
    path = house.folder / "night.csv"
    path.write_text("time_s,pv_w,load_w\n0,0,100\n600,0,100\n")
    code, out, _ = house.type("solar", "try", str(path), "--optimum")
    assert (code, out.splitlines()[-1].split(":")[0]) == (0, "Score 100.0%")


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        (["nowhere.csv"], "nowhere.csv: No such file or directory"),
        (["/"], "/: Is a directory"),
        ([__file__], "no column time_s; the first line must name time_s,pv_w,load_w"),
        ([], "the following arguments are required: TRACE.csv"),
        (["DAY", "--int", "5"], "unrecognized arguments: --int"),
        (["DAY", "--lag", "-1"], "argument --lag: write a number from 0 to 3600"),
        (["DAY", "--interval", "0"], "argument --interval: write a number from 0.1 to 3600"),
        (["DAY", "--lag", "soon"], "argument --lag: write a number from 0 to 3600"),
        (["DAY", "--step", "nan"], "argument --step: write a number from 0.01 to 10"),
    ],
)
def test_what_cannot_be_tried(house: House, trace: str, typed: list[str], problem: str) -> None:
    code, _, err = house.type("solar", "try", *(trace if word == "DAY" else word for word in typed))
    assert code == 64
    assert problem in err


def test_a_trace_is_never_written_over(house: House, trace: str) -> None:
    before = Path(trace).read_text()
    code, _, err = house.type("solar", "try", trace, "--output", trace)
    assert (code, err) == (64, f"tinyocpp: --output {trace}: is the trace itself; name another file\n")
    assert Path(trace).read_text() == before


def test_a_run_that_cannot_be_written(house: House, trace: str) -> None:
    code, _, err = house.type("solar", "try", trace, "--output", str(house.folder))
    assert (code, err) == (74, f"tinyocpp: {house.folder}: Is a directory\n")
