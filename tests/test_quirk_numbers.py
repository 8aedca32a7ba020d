"""The numbers of quirks in code and tests are those of docs/charger-quirks.md, and the page says where each is met.

Each of them has a test named after it, or stands in docs/chargers.md with the reason why not.

A number is looked for in the forms it is really written in; a letter and a digit elsewhere (a heading, a variable, a
use case of the security paper, a transition of section 4.9) are something else.
"""

import re
from itertools import groupby
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
SOURCE = TOP / "src" / "tinyocpp"
PAGE = TOP / "docs" / "charger-quirks.md"
OWNERS_PAGE = TOP / "docs" / "chargers.md"
FILES = sorted(
    path
    for folder in (SOURCE, TOP / "tests")
    for path in folder.rglob("*")
    if path.suffix in {".py", ".transcript"} and path != Path(__file__).resolve()
)

NUMBER = r"[HFTSMXCB][1-9]\d?"
NUMBERS = rf"{NUMBER}(?:(?:,\s+|\s+to\s+|\s+and\s+|,\s+and\s+){NUMBER})*\b"
FORMS = tuple(
    re.compile(form, re.MULTILINE)
    for form in (
        rf"\bquirks?\s+({NUMBERS})",  # a transaction of theirs (EN+, Huawei: quirk X7), quirks H6 to H8
        rf"\(({NUMBERS})(?: \.\.\.)?\)",  # they repeat it for ever (F13, X8)
        rf"(?<!#)# ({NUMBERS})(?=$|[.:])",  # return text.strip()  # S12
        rf'"""({NUMBERS}):',  # the whole of a docstring
    )
)
CASE = re.compile(rf'\(\s*f?"({NUMBER}) ')  # tests/leniency/test_quirks.py: quirk("F1 a stray comma", ...
NAMED = re.compile(rf"^\s*(?:async )?def test_((?:{NUMBER}_)+)", re.MULTILINE)  # test_C5_C6_absolute
NOT_HANDLED = re.compile(r"^not handled\b")
ROW = re.compile(rf"^\| ({NUMBER}) \| (.+) \| (.+) \|(.*)\|$", re.MULTILINE)


def mentioned(text: str, *, cases: bool = False) -> set[str]:
    """Every number of a quirk in a file's text; `A to B` is all between."""
    found: set[str] = set()
    for form in (*FORMS, CASE) if cases else FORMS:
        for match in form.finditer(text):
            listed = re.sub(r"\s+", " ", match[1])
            for first, last in re.findall(rf"({NUMBER}) to ({NUMBER})", listed):
                found |= {f"{first[0]}{number}" for number in range(int(first[1:]), int(last[1:]))}
            found |= set(re.findall(NUMBER, listed))
    return found


def rows() -> list[tuple[str, str, list[str]]]:
    """(number, what we do, modules) of the page."""
    return [(row[0], row[2], re.findall(r"`([^`]+)`", row[3])) for row in ROW.findall(PAGE.read_text())]


KNOWN = {number for number, _, _ in rows()}


def test_every_number_is_on_the_page() -> None:
    found = {path: mentioned(path.read_text(), cases=path.name == "test_quirks.py") for path in FILES}
    unknown = {path.relative_to(TOP).as_posix(): sorted(numbers - KNOWN) for path, numbers in found.items()}
    assert {path: numbers for path, numbers in unknown.items() if numbers} == {}


def test_the_tolerance_is_full_of_them() -> None:
    """Else the forms are not those in use any more, and the test above looks at nothing."""
    assert {"F1", "F16", "S8", "S15", "T1", "T5", "X17"} <= mentioned(
        "\n".join(path.read_text() for path in (SOURCE / "leniency").glob("*.py"))
    )
    cases = (TOP / "tests" / "leniency" / "test_quirks.py").read_text()
    assert {"F1", "T1", "S14", "X5", "B13"} <= mentioned(cases, cases=True)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("no clock (quirk T4).", "T4"),
        ("this one's late end harms nobody (quirk H19). Inside", "H19"),
        ("what they typed (quirks H6 to H8).", "H6 H7 H8"),
        ("sum of phases (section 7.44; quirks M2 to M4, M15).", "M2 M3 M4 M15"),
        ("(quirks S1,\nS2 and S23)", "S1 S2 S23"),
        ("empty values (quirk S11), empty lists (S10)", "S11 S10"),
        ("repeat for ever (F13, X8).", "F13 X8"),
        ("the numbers in comments (F1, S8, T2 ...) are", "F1 S8 T2"),
        ("return x  # F4, F5", "F4 F5"),
        ("Error,  # S4: Legrand says so", "S4"),
        ('"""S16: `"true"` and 1."""', "S16"),
        ("(quirk X99)", "X99"),
        # None of these is a quirk.
        ("forget this certificate (M04), (A00, A01)", ""),
        ("from Finishing or Reserved (F2, G2)", ""),
        ("with erratum B6, Table H2, C1", ""),
        ("T1, T0 = at(60), at(0)  # T1 is later", ""),
        ('phases = {"L1": 1}  # L1', ""),
        ("CET-1CEST,M3.5.0,M10.5.0/3", ""),
        ("## H1", ""),
        ("(X100)", ""),
    ],
)
def test_what_counts_as_a_mention(text: str, numbers: str) -> None:
    assert mentioned(text) == set(numbers.split())


def test_a_number_nobody_has_given_is_noticed() -> None:
    assert mentioned("a charger of 2031 (quirk X99)") - KNOWN == {"X99"}
    assert mentioned('quirk("S99 upside down", ...', cases=True) - KNOWN == {"S99"}


def test_the_page_has_each_number_once_and_in_order() -> None:
    numbers = [(number[0], int(number[1:])) for number, _, _ in rows()]
    sections = {letter: [number for _, number in of] for letter, of in groupby(numbers, key=lambda one: one[0])}
    assert "".join(sections) == "HFTSMXCB"
    assert all(given == list(range(1, len(given) + 1)) for given in sections.values())
    table_lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    assert len(table_lines) == len(numbers) + 2 * len(sections)  # no row that cannot be read


def test_what_is_dealt_with_is_dealt_with_somewhere() -> None:
    named = {module for _, _, modules in rows() for module in modules}
    assert {module for module in named if not (SOURCE / module).is_file()} == set()
    silent = [number for number, deed, modules in rows() if not modules and not NOT_HANDLED.search(deed)]
    assert silent == []


def handled() -> set[str]:
    """Those with a test named after them, wherever it is."""
    texts = (path.read_text() for path in FILES if path.suffix == ".py" and path.name.startswith("test_"))
    return {number for text in texts for names in NAMED.findall(text) for number in names.rstrip("_").split("_")}


def not_handled() -> list[str]:
    """The rows of the owner's page that say why not."""
    _, heading, after = OWNERS_PAGE.read_text().partition("\n## Not handled, and why\n")
    assert heading
    return re.findall(rf"^\| ({NUMBER}) \| [^|]+ \| [^|]+ \|$", after, re.MULTILINE)


def test_each_number_has_a_test_of_its_name_or_a_reason_why_not() -> None:
    reasons = not_handled()
    assert len(reasons) == len(set(reasons))
    assert handled() & set(reasons) == set()
    assert handled() | set(reasons) == KNOWN
    assert len(KNOWN) == 174


def test_both_pages_agree_on_what_is_not_handled() -> None:
    assert sorted(number for number, deed, _ in rows() if NOT_HANDLED.search(deed)) == sorted(not_handled())


def test_the_owners_page_names_only_numbers_that_there_are() -> None:
    assert set(re.findall(rf"(?<=[( ]){NUMBER}(?=[),])", OWNERS_PAGE.read_text())) <= KNOWN
