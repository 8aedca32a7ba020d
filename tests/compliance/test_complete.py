"""No case of the compliance tool with a central system under test goes without a test here."""

from __future__ import annotations

import re
from pathlib import Path

CASES = """
001 003 004_1 004_2 005_1 007 010 011_1 011_2 012 013 014 017_1 017_2 018_1 019_1 019_2 021 023_1 023_2 023_3 024 026
028 030 031 032_1 037_1 037_3 039 040_1 040_2 042_1 042_2 043_1 043_3 043_4 043_5 044_1 044_2 044_3 045_1 045_2 046 047
048_1 048_2 048_3 048_4 049 051 052 053 054 055 056 057 059 061 064 066 067 073 074 075_1 075_2 076 077 078 079 080 081
083 085 086 087 088
"""


def test_every_case_has_a_test() -> None:
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    found = {name.upper() for name in re.findall(r"tc_(\d{3}(?:_\d(?!\d))?)", text, re.IGNORECASE)}
    assert set(CASES.split()) - found == set()
