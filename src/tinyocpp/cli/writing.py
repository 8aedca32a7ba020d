"""A word's own batch in the ledger and the register, beside whatever listener or backends there are."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from tinyocpp.errors import StorageError
from tinyocpp.storage import BUSY, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyocpp.config import Config
    from tinyocpp.storage import Store


@contextmanager
def writing(config: Config) -> Iterator[Store]:
    """One batch; durable when it ends without an error."""
    with closing(open_store(config)) as store:
        if not store.begin():
            raise StorageError(f"{BUSY}; try again")
        yield store
        store.commit()
