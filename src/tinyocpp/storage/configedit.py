"""Changing the configuration file by program: one table's keys, and every comment stays.

The file is the owner's. What comes out is read again before it replaces what was there, and a file that is broken is
refused, not repaired.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tinyocpp import toml
from tinyocpp.errors import ConfigError, NotPermitted, StorageError
from tinyocpp.storage.files import read_whole, write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence

MODE = 0o644  # the service may run as somebody else


def put(path: str, table: Sequence[str], values: Mapping[str, object]) -> None:
    """Set these keys of a table, made where it is missing; a file that is not there is made too."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        before = read_whole(path) if os.path.exists(path) else b""
        expected = toml.parse(before, path)
        text = before.decode("utf-8-sig")
        gap = "\n" if text.strip() and not _has(expected, table) else ""
        document = tomlkit.parse(text + ("" if text.endswith("\n") else gap) + gap)
        _merge(expected, table, values)
        place: MutableMapping[str, object] = document
        for name in table[:-1]:
            place = place.setdefault(name, tomlkit.table(is_super_table=True))  # type: ignore[assignment]
        _merge(place, table[-1:], values)
        after = (document.as_string().rstrip() + "\n").encode()
        if toml.parse(after, path) != expected:
            raise ConfigError(f"{path}: can be edited by hand only, as it is laid out")
        write_whole(path, after, mode=MODE)
    except TOMLKitError as error:
        raise ConfigError(f"{path}: {error}") from None
    except PermissionError as error:
        raise NotPermitted(f"{path}: {error.strerror}; ask its owner, or use sudo") from None
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from None


def _has(document: object, table: Sequence[str]) -> bool:
    for name in table:
        document = document.get(name) if isinstance(document, dict) else None
    return document is not None


def _merge(document: MutableMapping[str, object], table: Sequence[str], values: Mapping[str, object]) -> None:
    for name in table:
        document = document.setdefault(name, {})  # type: ignore[assignment]
    document.update(values)
