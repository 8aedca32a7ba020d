"""Every bench still runs, in a tiny form. What it measures is for docs/performance.md, and decides nothing here."""

import importlib
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parent.parent.parent / "bench"
TINY = 0.002
BENCHES = sorted(path.stem for path in BENCH.glob("*.py") if "\ndef measure(" in path.read_text())


def test_the_table_names_every_bench() -> None:
    assert sorted(importlib.import_module("run").BENCHES) == BENCHES


@pytest.mark.parametrize("name", BENCHES)
def test_bench(name: str) -> None:
    rows = importlib.import_module(name).measure(TINY)
    assert all(row.what and row.figure[0].isdigit() for row in rows), rows


def test_the_page_holds_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, pages = importlib.import_module("run"), importlib.import_module("page")
    page = tmp_path / "performance.md"
    page.write_text(run.PAGE.read_text())
    monkeypatch.setattr(run, "PAGE", page)
    monkeypatch.setattr(run, "lines", lambda _scale: iter(["| new |", "| row |"]))

    run.main(["--write"])

    assert capsys.readouterr().out == pages.table_in(page) == "| new |\n| row |\n"
    assert "| what |" not in page.read_text()


def test_without_its_marks_a_page_is_left_alone(tmp_path: Path) -> None:
    pages = importlib.import_module("page")
    page = tmp_path / "performance.md"
    page.write_text(f"{pages.BEGIN}| old |\n")
    with pytest.raises(AssertionError, match="lost its marks"):
        pages.put("| new |\n", page)
    assert page.read_text() == f"{pages.BEGIN}| old |\n"
