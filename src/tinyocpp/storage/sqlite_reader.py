"""The ledger in one SQLite file, for reading only. Apart from sqlite.py, for what writes never asks what it holds."""

from __future__ import annotations

import os

from tinyocpp.storage.reading import SqlReader
from tinyocpp.storage.schema import MIGRATIONS
from tinyocpp.storage.sqlite import SqliteDatabase, migrate, prepare, version_of


class SqliteReader(SqlReader):
    """Implements storage.Reader; makes nothing that is not there, and reads that as an empty ledger."""

    def __init__(self, path: str) -> None:
        if os.path.exists(path):
            self._sqlite = SqliteDatabase(path)
            if version_of(self._sqlite) != len(
                MIGRATIONS
            ):  # of another version of ours: read by today's tables, or not
                prepare(self._sqlite)
        else:
            self._sqlite = SqliteDatabase(":memory:")
            migrate(self._sqlite)
        self._sqlite.run("PRAGMA query_only = 1")
        super().__init__(self._sqlite)

    def close(self) -> None:
        self._sqlite.close()
