"""How the source hangs together, read with `ast`, and what must not be in any file.

ARCHITECTURE.md draws the rows of imports; the table here is what holds.
"""

import ast
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
SOURCE = TOP / "src" / "tinyocpp"
MODULES = sorted(SOURCE.rglob("*.py"))

# A row imports only itself and rows above it.
ROWS: list[set[str]] = [
    {"errors", "late"},
    {"messages"},
    {
        "leniency", "tags", "transactions", "metering", "commands", "dealings", "features", "locallist", "makers",
        "identity", "admission", "certificates", "attempts", "masking", "passwords", "periods", "solar", "surplus",
        "forecast", "trials", "foresight", "modes", "measuring", "mains", "manners", "limits", "obedience",
        "connectors", "parties", "allotment", "headroom", "sharing",
    },
    {"charger"},
    {"handlers", "errands", "session"},
    {"places", "localzone", "toml", "config", "meterkinds", "storage", "meters"},
    {"hosts"},
    {"companions", "simulator"},
    {"cli"},
]  # fmt: skip
ROW_OF = {name: number for number, row in enumerate(ROWS) for name in row}

# What the lower rows may use of the standard library and of others: a rule decides, it does not look around.
IMPURE = {"asyncio", "os", "pathlib", "select", "socket", "sqlite3", "subprocess", "sys", "threading", "time"}
PURE_ROWS = 5  # down to handlers and session
PURE_ONLY_EXCEPT = {
    "passwords.py": {"os"},  # os.urandom
}

# `except Exception` is for a host's outermost loop: a fault of ours ends one connection, not the program.
CATCH_ALL: dict[str, int] = {
    "hosts/batch.py": 1,
    "hosts/rounds.py": 2,  # each round, and the disk's thread
    "meters/watch.py": 1,  # a meter's thread
}


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def package_of(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(tree(path)))


@cache
def imports(path: Path) -> set[str]:
    """Every module named in an import statement, also inside functions and for the type checker only."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            found |= {node.module} if node.module != "tinyocpp" else {f"tinyocpp.{alias.name}" for alias in node.names}
    return found


def test_the_page_draws_the_same_rows() -> None:
    page = (TOP / "ARCHITECTURE.md").read_text()
    drawn = page.partition("| row | lives there |\n|---|---|\n")[2].partition("\n\n")[0].splitlines()
    assert [set(re.findall(r"`(\w+)`", line.split("|")[1])) for line in drawn] == ROWS


def test_a_row_imports_only_rows_above() -> None:
    assert imports(SOURCE / "__init__.py") == set()
    below = {}
    for path in set(MODULES) - {SOURCE / "__init__.py"}:
        package = package_of(path)
        assert package in ROW_OF, f"{package} has no row: give it one, here and in ARCHITECTURE.md"
        ours = {name.split(".")[1] for name in imports(path) if name.startswith("tinyocpp.")} - {"__version__"}
        below[name_of(path)] = {name for name in ours if ROW_OF[name] > ROW_OF[package]}
    assert {name: rows for name, rows in below.items() if rows} == {}


def test_rules_session_and_handlers_touch_nothing() -> None:
    touched = {}
    for path in MODULES:
        if ROW_OF.get(package_of(path), 99) < PURE_ROWS:
            used = {name.split(".")[0] for name in imports(path)} & IMPURE
            clocks = calls(path) & {"datetime.now", "datetime.utcnow", "date.today"}
            touched[name_of(path)] = used - PURE_ONLY_EXCEPT.get(name_of(path), set()) | clocks
    assert {name: what for name, what in touched.items() if what} == {}


def calls(path: Path) -> set[str]:
    """Of something's method."""
    return {
        f"{node.func.value.id}.{node.func.attr}"
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    }


def test_messages_import_msgspec_only() -> None:
    """Besides the standard library and errors."""
    used = {name.split(".")[0] for path in (SOURCE / "messages").rglob("*.py") for name in imports(path)}
    assert used & {"websockets", "tomlkit"} == set()


def test_the_simulator_does_not_share_the_servers_code() -> None:
    used = {
        name for path in (SOURCE / "simulator").rglob("*.py") for name in imports(path) if name.startswith("tinyocpp.")
    }
    allowed = (
        "tinyocpp.__version__",
        "tinyocpp.errors",
        "tinyocpp.messages",
        "tinyocpp.simulator",
        "tinyocpp.identity",
    )
    assert {name for name in used if not name.startswith(allowed)} == set()


def test_a_module_says_what_lives_in_it() -> None:
    assert [name_of(path) for path in MODULES if not ast.get_docstring(tree(path))] == []


def test_catch_alls_are_where_they_may_be() -> None:
    found: dict[str, int] = {}
    for path in MODULES:
        for node in nodes(path):
            if isinstance(node, ast.ExceptHandler) and catches_all(node):
                found[name_of(path)] = found.get(name_of(path), 0) + 1
    assert found == CATCH_ALL


def catches_all(handler: ast.ExceptHandler) -> bool:
    """One that hides a fault of ours; cleaning up and raising again hides nothing."""
    named = [node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)] if handler.type else [""]
    raises_again = isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None
    return bool({"", "Exception", "BaseException"} & set(named)) and not raises_again


# ------------------------------------------------------------------------------------------------------ the repository


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True, timeout=30).stdout
    return [path for name in listed.decode().split("\0") if name and (path := TOP / name).is_file()]


def test_no_two_modules_of_tests_have_one_name() -> None:
    """Outside a package pytest imports each by its name alone, and a folder by itself shows nothing of it."""
    paths = [path for path in tracked_files() if path.is_relative_to(TOP / "tests") and path.suffix == ".py"]
    alone = [path for path in paths if not (path.parent / "__init__.py").exists() and path.name != "conftest.py"]
    by_name: dict[str, list[str]] = {}
    for path in alone:
        by_name.setdefault(path.name, []).append(str(path.parent.relative_to(TOP)))
    assert {name: folders for name, folders in by_name.items() if len(folders) > 1} == {}


# Spelled so that this file does not hold them itself.
FOREIGN = re.compile(
    r"pypi\."
    + r"org|python"
    + r"hosted|(?<![\w.])/wo"
    + r"rk/|/tmp/(?:de"
    + r"v|bri"
    + r"ef)\b|--(?:extra-)?index"
    + r"-url|/opt/wh"
    + r"eels"
)


def test_no_package_index_and_no_workplace_in_any_file() -> None:
    found = [
        f"{path.relative_to(TOP)}: {match[0]}"
        for path in tracked_files()
        if (match := FOREIGN.search(path.read_text(errors="replace")))
    ]
    assert found == []


def test_every_dependency_is_pinned_and_every_pin_is_a_dependency() -> None:
    """So that `cmp constraints.txt` alone tells bin/ whether a .venv is up to date."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    pins = [line for line in (TOP / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z-]+==[\d.]+", pin) for pin in pins)
    assert sorted(pin.split("==")[0] for pin in pins) == sorted(
        re.split(r"[^a-z-]", want, maxsplit=1)[0] for want in wanted
    )


def test_what_is_covered_whole_exists() -> None:
    """Else it would be no file at all, of which every line is covered."""
    covered = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["coverage"]["run"]["source_pkgs"]
    paths = [TOP / "src" / name.replace(".", "/") for name in covered]
    assert [path for path in paths if not path.is_dir() and not path.with_suffix(".py").is_file()] == []


def test_the_licence() -> None:
    text = (TOP / "LICENSE").read_text()
    assert text.startswith("ISC License\n\nCopyright 2023, the tinyocpp developers\n\nPermission to use, copy, modify,")


def test_programs_from_a_clone_and_installed_are_the_same() -> None:
    scripts = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["scripts"]
    started = {}
    for path in (TOP / "bin").glob("tinyocpp*"):
        assert path.stat().st_mode & 0o111 == 0o111
        (match,) = re.findall(r"^program=(\S+) module=(\S+)$", path.read_text(), re.MULTILINE)
        assert match[0] == path.name
        started[match[0]] = f"{match[1]}:main"
    assert started == scripts
