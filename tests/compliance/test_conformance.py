"""docs/conformance.md against what is collected: every case of the compliance tool, and every test of each.

A test is for a case when the case is in its name or in the id of its parameters: `test_tc_001_cold_boot`,
`test_reset[TC_013]`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
PAGE = (TOP / "docs" / "conformance.md").read_text(encoding="utf-8")
CASE = re.compile(r"tc_(\d{3}(?:_\d(?!\d))?)", re.IGNORECASE)

CASES = """
001 003 004_1 004_2 005_1 007 010 011_1 011_2 012 013 014 017_1 017_2 018_1 019_1 019_2 021 023_1 023_2 023_3 024 026
028 030 031 032_1 037_1 037_3 039 040_1 040_2 042_1 042_2 043_1 043_3 043_4 043_5 044_1 044_2 044_3 045_1 045_2 046 047
048_1 048_2 048_3 048_4 049 051 052 053 054 055 056 057 059 061 064 066 067 073 074 075_1 075_2 076 077 078 079 080 081
083 085 086 087 088
"""


def collected() -> dict[str, set[str]]:
    """file::function of every collected test, by the case it is for."""
    said = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", str(HERE)],
        cwd=TOP,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = defaultdict(set)
    for file, test in re.findall(r"^\S*compliance/(test_\w+\.py)::(.+)$", said.stdout, re.MULTILINE):
        for case in CASE.findall(test):
            found[case].add(f"{file}::{test.partition('[')[0]}")
    assert found, said.stdout + said.stderr
    return found


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under this heading."""
    text = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert text, heading
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in re.findall(r"^\| .+", text, re.M)[1:]]


def test_every_case_is_listed_with_its_tests() -> None:
    listed = {case[3:]: set(re.findall(r"`([^`]+::[^`]+)`", tests)) for case, *_, tests in rows("The cases")}
    assert list(listed) == CASES.split()
    assert listed == collected()


def test_the_count_on_the_page_is_right() -> None:
    assert len(CASES.split()) == 77
    assert "all 77" in PAGE


def test_every_test_of_the_checklist_exists() -> None:
    checklist = rows("The checklist")
    assert [number for number, *_ in checklist] == [str(number) for number in range(1, 21)]
    for number, _, tests in checklist:
        named = re.findall(r"`([^`]+)`", tests)
        assert named, number
        for file, _, test in (name.partition("::") for name in named):
            text = (TOP / "tests" / file).read_text(encoding="utf-8")
            assert file.endswith(".transcript") or re.search(rf"^(async )?def {test}\(", text, re.MULTILINE), file
