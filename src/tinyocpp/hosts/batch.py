"""What all hosts have in common: the charger made of its settings, the batch around frames, the clock on the wall.

A host opens a batch, gives each frame that has arrived to its session through `handle_frame`, commits, and only then
lets out what the sessions have to say. This module knows neither how frames arrive nor where answers go.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from tinyocpp.admission import Standing
from tinyocpp.charger import Charger
from tinyocpp.errors import StorageError
from tinyocpp.messages.core_boot import RegistrationStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyocpp.charger import Clock, Ledger, Signed, Tags
    from tinyocpp.config import Config
    from tinyocpp.session import Session
    from tinyocpp.storage import Store

OTHER_CALL = re.compile(
    r'\s*\[\s*2\s*,\s*(?:"[^"\\\x00-\x1f]*"|\d+)\s*,\s*"(?!(?:Start|Stop)Transaction")[A-Za-z]+"', re.ASCII
)


class SystemClock:
    """Implements charger.Clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class OwnAuthority:
    """Implements charger.Authority with `[paths] ca`; what signs is imported when a charger asks for it."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def sign(self, charger_id: str, serial_number: str, csr: str, now: datetime) -> Signed:
        from tinyocpp.storage.authority import open_authority

        return open_authority(self._config).sign(charger_id, serial_number, csr, now)


def charger_of(
    config: Config, charger_id: str, *, ledger: Ledger, tags: Tags, clock: Clock, standing: Standing = Standing.ADMITTED
) -> Charger:
    """The charger as its handlers see it, by what the configuration says of it."""
    return Charger(
        charger_id,
        ledger=ledger,
        tags=tags,
        clock=clock,
        zone=config.zone(),
        standing=standing,
        registration=RegistrationStatus(config.for_charger(charger_id).registration),
        heartbeat_interval_s=config.chargers.heartbeat_interval_s,
        quirks=partial(config.quirks_of, charger_id),
        authority=OwnAuthority(config),
        local_list=config.keeps_local_list(charger_id),
        pace=config.pace(),
        vendors={vendor.lower(): answer for vendor, answer in config.data_transfer.items()},
    )


def relaxed(text: str) -> bool:
    """Is this frame certainly neither a StartTransaction nor a StopTransaction? A batch of only such frames may be lost
    in a power cut. Only a call that says plainly what it is: of a broken one leniency may make anything."""
    return OTHER_CALL.match(text) is not None


def handle_frame(store: Store, session: Session, text: str, now: float) -> bool:
    """Give the session a frame, so that one that fails takes nobody with it. False: the fault is ours, what the frame
    did is undone and the host ends this connection; the charger will send it again. StorageError passes."""
    return attempt(store, partial(session.receive_text, text, now))


def attempt(store: Store, work: Callable[[], None]) -> bool:
    """Do something inside the batch, undone as a whole if it fails; the traceback is on stderr then. StorageError
    passes."""
    store.savepoint()
    try:
        work()
    except StorageError:
        raise
    except Exception:
        store.undo()
        sys.excepthook(*sys.exc_info())
        return False
    store.release()
    return True
