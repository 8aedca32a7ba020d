"""Changing the configuration by program: the values are there, and everything the owner wrote stays."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from tinyocpp.errors import ConfigError, StorageError
from tinyocpp.storage.configedit import put

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {"certificate": ["rsa.pem", "ecdsa.pem"], "client_ca": "root.pem"}
WRITTEN = '[listener.tls]\ncertificate = ["rsa.pem", "ecdsa.pem"]\nclient_ca = "root.pem"\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(None, WRITTEN, id="no file"),
        pytest.param("", WRITTEN, id="an empty file"),
        pytest.param("# mine\n", f"# mine\n\n{WRITTEN}", id="a comment"),
        pytest.param("[paths]\ntags = 'x' # why", f"[paths]\ntags = 'x' # why\n\n{WRITTEN}", id="another table"),
        pytest.param("[listener]\nport = 1 # one\n", f"[listener]\nport = 1 # one\n\n{WRITTEN}", id="the table above"),
        pytest.param(
            '[listener.tls]\n# mine\nport = 2\ncertificate = ["old.pem"] # old\nclient_ca = "old"\n\n[paths]\n',
            '[listener.tls]\n# mine\nport = 2\ncertificate = ["rsa.pem", "ecdsa.pem"] # old\nclient_ca = "root.pem"\n\n'
            "[paths]\n",
            id="the table itself",
        ),
    ],
)
def test_what_the_owner_wrote_stays(tmp_path: Path, before: str | None, after: str) -> None:
    path = tmp_path / "folder" / "tinyocpp.toml"
    if before is not None:
        path.parent.mkdir()
        path.write_text(before)
    put(str(path), ("listener", "tls"), VALUES)
    assert path.read_text() == after
    put(str(path), ("listener", "tls"), VALUES)
    assert path.read_text() == after


@pytest.mark.parametrize(
    "before", ["listener = {port = 1}\n", "listener.port = 1\n[paths]\n", "\ufeff[listener]\nport = 1"]
)
def test_other_notations_say_the_same_afterwards(tmp_path: Path, before: str) -> None:
    path = tmp_path / "tinyocpp.toml"
    path.write_text(before)
    put(str(path), ("listener", "tls"), VALUES)
    assert tomllib.loads(path.read_text())["listener"] == {"port": 1, "tls": VALUES}


@pytest.mark.parametrize(
    ("before", "error", "said"),
    [
        ("[listener\n", ConfigError, "tinyocpp.toml:1: not TOML"),
        (None, StorageError, "Is a directory"),
    ],
)
def test_what_cannot_be_changed_is_left_alone(
    tmp_path: Path, before: str | None, error: type[Exception], said: str
) -> None:
    path = tmp_path / "tinyocpp.toml"
    if before is None:
        path.mkdir()
    else:
        path.write_text(before)
    with pytest.raises(error, match=said):
        put(str(path), ("listener", "tls"), VALUES)
    assert path.is_dir() or path.read_text() == before
