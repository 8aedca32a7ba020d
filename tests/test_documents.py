"""What the documents say is there, and what is there the documents say.

Every program is asked with --help, as a person would; settings are compared in test_config.py.
"""

import importlib
import re
import shlex
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest

from tinyocpp import errors
from tinyocpp.cli import WORDS
from tinyocpp.cli.program import INTERRUPTED
from tinyocpp.hosts import stdio

TOP = Path(__file__).resolve().parent.parent
PAGES = sorted([*TOP.glob("*.md"), *TOP.glob("docs/*.md")])
PROGRAMS = {
    name: entry.partition(":")[0]
    for name, entry in tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["scripts"].items()
}
REFERENCE = (TOP / "docs" / "programs.md").read_text()
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
EVERYWHERE = {"--config", "--help", "-h"}  # said once, at the top of the page


def help_of(program: str, *words: str) -> str:
    """What `PROGRAM WORD... --help` prints."""
    printed: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout.write", printed.append)
        patch.setenv("COLUMNS", "200")
        with suppress(SystemExit):
            importlib.import_module(PROGRAMS[program]).main([*words, "--help"])
    return "".join(printed)


def subwords(text: str) -> list[str]:
    """list, add, ... of a usage line, or of the list of words where the line has no room for them."""
    (usage,) = re.findall(r"usage: (.*?)\n\n", text, re.DOTALL)
    if usage.endswith(" WORD ..."):
        return re.findall(r"^    ([a-z-]+)", text, re.MULTILINE)
    found = re.search(r"\]\s+(\w+(?:\|\w+)+) \.\.\.", usage)
    return found[1].split("|") if found else []


def all_below(*words: str) -> dict[tuple[str, ...], str]:
    """What `tinyocpp WORDS --help` says, and the same of every word below."""
    told = help_of("tinyocpp", *words)
    found = {words: told}
    for name in subwords(told):
        found |= all_below(*words, name)
    return found


def section(title: str) -> str:
    """The part of the page under the heading that names the program or word."""
    headings = re.split(r"^## ", REFERENCE, flags=re.MULTILINE)
    (found,) = [
        text for text in headings if title in re.split(r" and |, ", text.partition("\n")[0].removeprefix("tinyocpp "))
    ]
    return found


@pytest.mark.parametrize("program", [name for name in PROGRAMS if name != "tinyocpp"])
def test_every_option_of_a_program_is_documented(program: str) -> None:
    options = set(OPTION.findall(options_part(help_of(program)))) - EVERYWHERE
    assert options
    assert options - set(OPTION.findall(section(program))) == set()


@pytest.mark.parametrize("word", WORDS)
def test_every_option_of_a_word_is_documented(word: str) -> None:
    page = section(word)
    told = all_below(word)
    groups = {words[:-1] for words in told}
    below = {" ".join(words[1:]) for words in told if words[1:] and words not in groups}
    assert {name for name in below if f"`{name}" not in page and f"{word} {name}" not in page} == set()
    options = {option for text in told.values() for option in OPTION.findall(options_part(text))} - EVERYWHERE
    assert options - set(OPTION.findall(page)) == set()


def options_part(text: str) -> str:
    """The lines that introduce an option, without what is told of it."""
    return "\n".join(line[:28] for line in text.splitlines() if re.match(r" {2,4}-", line))


def test_every_exit_code_is_documented() -> None:
    rows = {int(code) for code in re.findall(r"^\| (\d+) \|", REFERENCE, re.MULTILINE)}
    ours = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")}
    from_clone = {
        int(code)
        for name in ("_venv.py", "_fresh")
        for code in re.findall(r"(?:EX_\w+ =|exit) (\d+)", (TOP / "bin" / name).read_text())
    }
    assert rows == ours | from_clone | {0, INTERRUPTED, stdio.SOFTWARE, stdio.TOO_LONG}


def test_the_readme_has_every_program_and_word() -> None:
    readme = (TOP / "README.md").read_text()
    rows = set(re.findall(r"^\| `([^`]+)`", readme, re.MULTILINE))
    named = {name.split()[0] if name.startswith("tinyocpp-") else " ".join(name.split()[:2]) for name in rows}
    assert named >= {name for name in PROGRAMS if name != "tinyocpp"} | {f"tinyocpp {word}" for word in WORDS}


def commands() -> list[tuple[str, list[str]]]:
    """Every line that starts one of our programs in a page's shell examples."""
    found = []
    for page in PAGES:
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                at = next((n for n, word in enumerate(words) if Path(word).name in PROGRAMS), None)
                if at is not None:
                    found.append((page.name, [Path(words[at]).name, *words[at + 1 :]]))
    return found


@pytest.mark.parametrize(
    ("page", "typed"), commands(), ids=lambda value: value if isinstance(value, str) else shlex.join(value)
)
def test_what_a_page_tells_to_type_exists(page: str, typed: list[str]) -> None:
    program, *rest = typed
    stop = next((n for n, word in enumerate(rest) if word in ("|", ">", "2>&1", "&", "&&", ";")), len(rest))
    rest = rest[:stop]
    typed_words = [word for word in rest if not word.startswith("-")] if program == "tinyocpp" else []
    words = typed_words[:1]
    if words:
        assert words[0] in WORDS
    while words and (below := subwords(help_of(program, *words))):
        assert typed_words[len(words)] in below
        words = typed_words[: len(words) + 1]
    known = set(OPTION.findall(help_of(program, *words))) | {"--config", "--help", "--version"}
    assert {word.partition("=")[0] for word in rest if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)} - known == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", page.read_text())
    inside = [link.partition("#")[0] for link in links if "://" not in link]
    assert [link for link in inside if link and not (page.parent / link).exists()] == []


def test_the_documents_that_must_be_there() -> None:
    wanted = {"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "programs.md", "configuration.md", "command-socket.md"}
    wanted |= {"ledger.md", "performance.md", "service.md"}
    assert wanted - {page.name for page in PAGES} == set()
    readme = (TOP / "README.md").read_text()
    assert {page.name for page in PAGES if page.parent.name == "docs" and page.name not in readme} == set()


def test_the_readme_tells_what_an_owner_needs() -> None:
    readme = (TOP / "README.md").read_text()
    tshark = (
        "tshark -p -i any -s0 -f 'port 9016' -Y websocket.payload -E occurrence=l -T fields -e ip.src -e ip.dst -e text"
    )
    for must in (tshark, "osqa-ask.wireshark.org/questions/60725", "openchargealliance.org/downloads"):
        assert must in readme


def test_the_changelog_begins_with_this_version() -> None:
    """Or with what comes after it."""
    from tinyocpp import __version__

    versions = re.findall(r"^## (\S+)", (TOP / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert next(version for version in versions if version != "Unreleased") == __version__
