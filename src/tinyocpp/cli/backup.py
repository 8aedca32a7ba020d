"""`tinyocpp backup FILE`: everything that cannot be bought again, in one file, while everything runs.

The file is an SQLite database like the ledger itself, with the tags file and the configuration in a table beside it.
Keys and certificates are not in it: they are secrets, and can be made anew.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tinyocpp.config import FILE
from tinyocpp.errors import StorageError
from tinyocpp.storage.files import read_whole
from tinyocpp.storage.snapshot import save

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.config import Config

TAGS = "tags.toml"  # what the owner's files are called in a backup, wherever they came from


def configure(parser: ArgumentParser) -> None:
    parser.description = "Write the ledger, the tags and the configuration to one file. Safe while everything runs."
    parser.add_argument("file", metavar="FILE", help="made anew, or replaced once the new backup is complete")


def run(args: Namespace, config: Config) -> int:
    files = owners_files(config)
    save(config.paths.accounting, args.file, files)
    size_mb = os.path.getsize(args.file) / 1e6
    print(f"{args.file}: {size_mb:.1f} MB, checked: the ledger{''.join(f', {name}' for name in files)}")
    print(f"To put it back: tinyocpp restore {args.file}")
    return 0


def owners_files(config: Config) -> dict[str, bytes]:
    """What there is of them; an owner may have neither."""
    found = {TAGS: content_of(config.paths.tags), FILE: content_of(config.source)}
    return {name: content for name, content in found.items() if content is not None}


def content_of(path: str | None) -> bytes | None:
    """What is in one of the owner's files; None if there is no such file. Raises StorageError."""
    if path is None:
        return None
    try:
        return read_whole(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from None
