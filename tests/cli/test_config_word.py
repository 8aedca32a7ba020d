"""`tinyocpp config check` and `show`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tinyocpp.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tinyocpp.toml"


def test_check_says_which_files_are_right(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("[listener]\nport = 9020\n")

    assert main(["config", "check", "--config", str(file)]) == 0
    assert capsys.readouterr().out == f"ok: {file}\nok: {file.parent}/tags.toml, 0 tags\n"


def test_check_without_a_file_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ("TINYOCPP_CONFIG", "CONFIGURATION_DIRECTORY", "STATE_DIRECTORY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert main(["config", "check"]) == 0
    assert capsys.readouterr().out.startswith(
        f"ok: no file, defaults hold (looked for {tmp_path}/tinyocpp/tinyocpp.toml, /etc/tinyocpp/tinyocpp.toml)\n"
    )


TLS = '[listener.tls]\ncertificate = ["a.pem"]\nkey = ["a.key"]\nclient_ca = "ca.pem"'
WRONG = {
    "a typo": ("[listener]\nprot = 1", "tinyocpp.toml: listener.prot: unknown key; did you mean 'port'?"),
    "no certificate": (TLS, "tinyocpp.toml: listener.tls.certificate: there is no file {folder}/a.pem"),
    "no key": (TLS.replace('"a.pem"', '"there"'), "tinyocpp.toml: listener.tls.key: there is no file {folder}/a.key"),
    "no CA": (
        TLS.replace('"a.pem"', '"there"').replace("a.key", "there"),
        "tinyocpp.toml: listener.tls.client_ca: there is no file {folder}/ca.pem",
    ),
    "broken tags": ('[paths]\ntags = "there"', "there:1: not TOML: Invalid statement"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_one_line_and_78(text: str, said: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(text)
    (file.parent / "there").write_text("?")

    assert main(["config", "check", "--config", str(file)]) == 78
    assert capsys.readouterr().err == f"tinyocpp: {file.parent}/{said.format(folder=file.parent)}\n"


def test_show_says_every_value_and_where_it_came_from(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(
        '[listener]\nport = 9020\n[listener.tls]\ncertificate = ["a"]\nkey = ["a"]\n[charger."my.box"]\nstrict = true'
    )
    monkeypatch.setenv("STATE_DIRECTORY", "/state")
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/here")

    assert main(["--config", str(file), "config", "show", "--json"]) == 0

    shown = {row["key"]: (row["value"], row["origin"]) for row in json.loads(capsys.readouterr().out)}
    assert shown["listener.port"] == (9020, str(file))
    assert shown["listener.host"] == ("", "default")
    assert shown["listener.tls.certificate"] == ([f"{file.parent}/a"], str(file))
    assert shown["listener.tls.port"] == (9017, "default")
    assert shown["paths.accounting"] == ("/state/accounting.sqlite3", "$STATE_DIRECTORY")
    assert shown["paths.runtime"] == ("/run/here", "$RUNTIME_DIRECTORY")
    assert shown["charger.my.box.strict"] == (True, str(file))
    assert shown["charger.my.box.registration"] == ("Accepted", "default")


def test_show_for_people(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('[chargers]\nadmit = ["garage", "carport"]')

    assert main(["--config", str(file), "config", "show"]) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["key", "value", "from"] in lines
    assert ["chargers.admit", '["garage","carport"]', str(file)] in lines
    assert ["listener.tls", "not", "set", "default"] in lines


def test_show_names_the_quirks_the_owner_has_set(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('[charger."my.box".quirks]\nreply_delay_s = 1.5\n')

    assert main(["config", "show", "--json", "--config", str(file)]) == 0
    rows = {row["key"]: (row["value"], row["origin"]) for row in json.loads(capsys.readouterr().out)}
    assert rows["charger.my.box.quirks.reply_delay_s"] == (1.5, str(file))
    assert rows["charger.my.box.strict"] == (False, "default")
    assert [key for key in rows if "quirks" in key] == ["charger.my.box.quirks.reply_delay_s"]
