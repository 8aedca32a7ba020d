"""A ledger filled through its own front door, for tests that read."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tinyocpp.messages.core import MeterValues, StartTransaction, StatusNotification, StopTransaction
from tinyocpp.messages.core_boot import BootNotification
from tinyocpp.messages.samples import MeterValue, SampledValue
from tinyocpp.messages.types import AuthorizationStatus
from tinyocpp.storage.sqlite import SqliteStore
from tinyocpp.tags import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Books:
    """Each method is a batch of its own, committed when it returns."""

    def __init__(self, path: Path | str) -> None:
        self.store = SqliteStore(str(path))

    @contextmanager
    def batch(self) -> Iterator[None]:
        assert self.store.begin(timeout_s=30)
        yield
        self.store.commit()

    def boot(self, charger: str, now: datetime, *, vendor: str = "Wallbe", model: str = "Pro") -> None:
        call = BootNotification(charge_point_vendor=vendor, charge_point_model=model, firmware_version="1.2")
        with self.batch():
            self.store.register.admit(charger, now)
            self.store.register.connected(charger, "192.0.2.7", now)
            self.store.ledger.boot(charger, call, now)

    def status(self, charger: str, status: str, now: datetime, *, error: str = "NoError", info: str = "") -> None:
        call = StatusNotification(connector_id=1, error_code=error, status=status, timestamp=now, info=info or None)
        with self.batch():
            self.store.ledger.status(charger, call, now)

    def start(
        self,
        charger: str,
        tag: str,
        at: datetime,
        *,
        meter_wh: int = 0,
        connector: int = 1,
        now: datetime | None = None,
    ) -> int:
        def judge(running: int) -> Verdict:
            return Verdict(status=AuthorizationStatus.ACCEPTED, id_tag=tag)

        call = StartTransaction(connector_id=connector, id_tag=tag, meter_start=meter_wh, timestamp=at)
        with self.batch():
            transaction, _ = self.store.ledger.start(charger, call, now or at, judge=judge)
        return transaction.id

    def sample(
        self, charger: str, transaction_id: int | None, at: datetime, *, wh: int, power_w: float | None = None
    ) -> None:
        sampled = [SampledValue(value=str(wh))]
        if power_w is not None:
            sampled.append(SampledValue(value=str(power_w), measurand="Power.Active.Import"))
        call = MeterValues(
            connector_id=1, transaction_id=transaction_id, meter_value=[MeterValue(timestamp=at, sampled_value=sampled)]
        )
        with self.batch():
            self.store.ledger.samples(charger, call, at)

    def stop(self, charger: str, transaction_id: int, at: datetime, *, meter_wh: int) -> None:
        call = StopTransaction(meter_stop=meter_wh, timestamp=at, transaction_id=transaction_id, reason="Local")
        with self.batch():
            self.store.ledger.stop(charger, call, at)

    def charge(self, charger: str, tag: str, at: datetime, wh: int, *, meter_wh: int = 0) -> int:
        """A whole transaction of an hour."""
        number = self.start(charger, tag, at, meter_wh=meter_wh)
        self.stop(charger, number, at + timedelta(hours=1), meter_wh=meter_wh + wh)
        return number

    def close(self) -> None:
        self.store.close()
