"""`tinyocpp restore FILE`: the ledger and the tags as they were, while everything runs; and nothing is thrown away.

What was booked since the backup is in the file that is kept, and that file can be restored again. The configuration
is never replaced, because it says where everything is: `--extract` writes it where it can be looked at.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tinyocpp.cli.backup import TAGS, content_of
from tinyocpp.config import FILE
from tinyocpp.errors import StorageError
from tinyocpp.storage import open_reader
from tinyocpp.storage.files import write_whole
from tinyocpp.storage.snapshot import files_in, restore

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.config import Config


def configure(parser: ArgumentParser) -> None:
    parser.description = "Put a backup back. Safe while everything runs; what is replaced is kept beside."
    parser.add_argument("file", metavar="FILE", help="what `tinyocpp backup` wrote, or a copy of a ledger")
    parser.add_argument(
        "--extract", metavar="DIR", help="change nothing, only write the tags and the configuration in it to DIR"
    )


def run(args: Namespace, config: Config) -> int:
    if args.extract:
        return _extract(args.file, args.extract)
    now = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    kept = f"{config.paths.accounting}.before-{now}"
    files = restore(args.file, config.paths.accounting, kept)
    reader = open_reader(config)
    period = reader.period()
    reader.close()
    upto = f"up to {period[1].astimezone(config.zone()):%Y-%m-%d %H:%M}" if period else "which is empty"
    print(f"{config.paths.accounting}: restored from {args.file}, {upto}")
    if os.path.exists(kept):
        print(f"What was there before is kept. To have it again: tinyocpp restore {kept}")
    _restore_tags(files.get(TAGS), config.paths.tags, f"{config.paths.tags}.before-{now}")
    if FILE in files and files[FILE] != content_of(config.source):
        see = f"tinyocpp restore {args.file} --extract DIR"
        print(f"The configuration in it differs and was not touched. To see it: {see}")
    return 0


def _restore_tags(content: bytes | None, path: str, kept: str) -> None:
    present = content_of(path)
    if content is None or content == present:
        return
    try:
        if present is not None:
            write_whole(kept, present, mode=0o644)
        write_whole(path, content, mode=0o644)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}; the ledger is restored, the tags are not") from None
    print(f"{path}: restored" + (f", what was there before is {kept}" if present is not None else ""))


def _extract(source: str, folder: str) -> int:
    files = files_in(source)
    for name, content in files.items():
        path = os.path.join(folder, os.path.basename(name))
        try:
            os.makedirs(folder, exist_ok=True)
            with open(path, "xb") as file:
                file.write(content)
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}") from None
        print(path)
    if not files:
        print(f"{source}: holds the ledger only")
    return 0
