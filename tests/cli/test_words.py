"""The program `tinyocpp`: its words, where --config may stand, and what it says to a typo."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

import tinyocpp
from tinyocpp.cli import WORDS, main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("word", WORDS)
def test_every_word_explains_itself(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([word, "--help"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: tinyocpp {word} ")
    assert len(str(import_module(f"tinyocpp.cli.{word}").__doc__)) > 40


def test_help_lists_every_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0

    said = capsys.readouterr().out
    assert [word for word, summary in WORDS.items() if f"  {word:8}  {summary}\n" in said] == list(WORDS)
    assert max(map(len, said.splitlines())) <= 120


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tinyocpp {tinyocpp.__version__}\n"


def test_nothing_typed_is_helped_but_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 64
    assert capsys.readouterr().err.startswith("usage: tinyocpp ")


TYPOS = {
    "a word": ("stauts", "there is no 'stauts'; did you mean 'status'?"),
    "nothing like a word": ("xyzzy", "there is no 'xyzzy'; see tinyocpp --help"),
    "an option": ("--jason", "there is no option --jason; see tinyocpp --help"),
    "an option without its value": ("--config", "--config: name the file"),
}


@pytest.mark.parametrize(("typed", "said"), TYPOS.values(), ids=TYPOS)
def test_a_typo_is_one_line_and_64(typed: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([typed]) == 64
    assert capsys.readouterr().err == f"tinyocpp: {said}\n"


def test_a_wrong_option_of_a_word_is_64_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["tag", "list", "--jsn"])

    assert ended.value.code == 64
    assert capsys.readouterr().err == "tinyocpp tag: unrecognized arguments: --jsn; see tinyocpp tag --help\n"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["tag", "lsit"], "tinyocpp tag: there is no 'lsit'; did you mean 'list'?\n"),
        (["charger", "rset"], "tinyocpp charger: there is no 'rset'; did you mean 'reset'?\n"),
        (["profile", "claer"], "tinyocpp charger profile: there is no 'claer'; did you mean 'clear'?\n"),
        (["reset", "sotf"], "tinyocpp charger reset: there is no 'sotf'; did you mean 'soft'?\n"),
        (["tag", "xyzzy"], "invalid choice: 'xyzzy'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_word_below_a_word_is_64(typed: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(typed)

    assert ended.value.code == 64
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "86401", "soon"])
@pytest.mark.parametrize("typed", [["start"], ["stop"], ["charger", "get"]], ids=" ".join)
def test_a_time_nobody_can_wait(typed: list[str], seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*typed, f"--timeout={seconds}"])

    assert ended.value.code == 64
    assert "argument --timeout: write seconds, more than 0 and at most 86400" in capsys.readouterr().err


@pytest.mark.parametrize(
    "typed",
    [
        ["--config", "FILE", "config", "check"],
        ["config", "--config", "FILE", "check"],
        ["config", "check", "--config=FILE"],
    ],
    ids=" ".join,
)
def test_config_may_stand_anywhere(typed: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tinyocpp.toml"
    file.write_text("[listener]\nport = 9020\n")

    assert main([word.replace("FILE", str(file)) for word in typed]) == 0
    assert f"ok: {file}\n" in capsys.readouterr().out


def test_what_follows_two_dashes_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tinyocpp.toml"
    file.write_text("")

    assert main(["--config", str(file), "tag", "add", "--", "--config"]) == 0
    assert capsys.readouterr().out == f"--config is added in {tmp_path}/tags.toml\n"
