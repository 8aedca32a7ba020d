"""`tinyocpp stop`: stop the charge that runs, wait until it has ended, and say what it came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.known import connectors
from tinyocpp.cli.tables import kwh
from tinyocpp.cli.waiting import Wait, add_waiting_options
from tinyocpp.companions.commandclient import open_charger
from tinyocpp.errors import Malformed, Refused
from tinyocpp.storage import open_reader

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.companions.commandclient import Line
    from tinyocpp.config import Config
    from tinyocpp.storage import ConnectorStatus, Reader

TIMEOUT_S = 90.0
ENDED = ("closed", "lost")


def configure(parser: ArgumentParser) -> None:
    add_waiting_options(parser, TIMEOUT_S)


def run(args: Namespace, config: Config) -> int:
    reader = open_reader(config)
    with open_charger(config.runtime_directories, args.charger) as client:
        running = _running(connectors(reader, client.charger_id), args.connector, client.charger_id)
        transaction_id = running.transaction_id
        ended = _Ended(transaction_id, reader)
        wait = Wait(config, client, args.timeout)
        _ask(wait, running)
        print(wait.until(ended.seen, ended.looked_up, f"transaction {transaction_id} has not ended yet"))
    return 0


def _ask(wait: Wait, running: ConnectorStatus) -> None:
    """By the number the charger uses, where that is one of its own (EN+, Huawei: quirk X7); if it refuses that, by
    ours: it may have been another server's (quirk X26)."""
    try:
        wait.ask("RemoteStopTransaction", _stop(running.claimed_id or running.transaction_id))
    except Refused:
        if running.claimed_id is None:
            raise
        wait.ask("RemoteStopTransaction", _stop(running.transaction_id))


def _stop(transaction_id: int | None) -> bytes:
    return msgspec.json.encode({"transactionId": transaction_id})


class _Ended:
    def __init__(self, transaction_id: int | None, reader: Reader) -> None:
        self._transaction_id = transaction_id
        self._reader = reader

    def seen(self, event: Line) -> str | None:
        details = event.details
        if event.event != "transaction" or details.get("transaction_id") != self._transaction_id:
            return None
        return self._sentence(details.get("energy_wh")) if details.get("state") in ENDED else None

    def looked_up(self) -> str | None:
        booked = self._reader.transaction(self._transaction_id or 0)
        return self._sentence(booked.energy_wh) if booked and booked.stopped_at else None

    def _sentence(self, energy_wh: object) -> str:
        return f"transaction {self._transaction_id} has ended: {kwh(energy_wh)} kWh"


def _running(known: list[ConnectorStatus], connector_id: int | None, charger_id: str) -> ConnectorStatus:
    running = [one for one in known if one.transaction_id is not None]
    wanted = [one for one in running if connector_id in (None, one.connector_id)]
    if not wanted:
        raise Refused(f"no charge is running on {charger_id}" + (f", connector {connector_id}" if connector_id else ""))
    if len(wanted) > 1:
        numbers = ", ".join(str(one.connector_id) for one in wanted)
        raise Malformed(f"several charges are running: name the connector with --connector ({numbers})")
    return wanted[0]
