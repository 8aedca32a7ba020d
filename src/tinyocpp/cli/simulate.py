"""`tinyocpp simulate`: be a charger, for trying things without one.

Here are the options, what the result is, and the exit status. The charge point and the line to the central system are
in simulator/; what is told while it goes on is in progress.py.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import secrets
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.progress import Narrator
from tinyocpp.errors import Malformed, NoAnswer, Refused
from tinyocpp.hosts.addresses import bracketed, own_end
from tinyocpp.identity import RULE, SIMULATOR, fold_identity, valid_identity
from tinyocpp.simulator import registers, trust
from tinyocpp.simulator.car import Car, charging_time_s
from tinyocpp.simulator.cars import CARS, Kind, car_of
from tinyocpp.simulator.charge_point import ChargePoint
from tinyocpp.simulator.client import Address, Client, Clock
from tinyocpp.simulator.vices import VICES, Vice
from tinyocpp.simulator.visit import PAUSE_S, Outcome, Parked, Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinyocpp.config import Config

VISIT_WH, PARKED_WH = 2_000, 20_000
SPEED = 60.0  # 2 kWh at 11 kW in about fifteen seconds
LIST = "list"  # in place of a name
MOST_WH, MOST_SPEED, MOST_CONNECTORS = 1_000_000, 100_000, 20

EXIT_CODES = """exit status: 0 the whole session went through and was acknowledged, 1 the tag was refused, 64 misused,
69 no connection, 75 no answer. --idle ends with Ctrl-C, 0.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXIT_CODES
    add = parser.add_argument
    add("--url", metavar="U", help="the central system (default: our listener on this machine)")
    add("--charger", metavar="ID", default=SIMULATOR, help=f"who to be (default: {SIMULATOR}, who always gets in here)")
    add("--tag", metavar="T", help="the card that is shown (default: the first one in the tags file)")
    add("--energy-wh", metavar="N", type=_number(int, 1, MOST_WH), help=f"what the car wants (default: {VISIT_WH})")
    add("--power-w", metavar="N", type=_number(int, 1_400, 350_000), help="what it draws (default: 11000)")
    add("--phases", type=int, choices=(1, 2, 3), help="on how many phases (default: 3)")
    add("--car", metavar="KIND", type=_named(CARS), default="simple", help="what car it is; `list` names the kinds")
    add(
        "--vice",
        metavar="NAME",
        type=_named(VICES),
        action="append",
        default=[],
        help="do as bad chargers do, several if you like; `list` names them",
    )
    add(
        "--speed",
        metavar="X",
        type=_number(float, 0.1, MOST_SPEED),
        default=SPEED,
        help="faster than life (default: 60)",
    )
    add("--connectors", metavar="N", type=_number(int, 1, MOST_CONNECTORS), default=1, help="default: 1")
    add("--password", metavar="P", default="", help="for HTTP Basic authentication")
    add("--ca", metavar="FILE", default="", help="whom to trust with wss, besides what is installed")
    add("--certificate", metavar="FILE", default="", help="to show with wss, with its key in the same file or in --key")
    add("--key", metavar="FILE", default="", help="the key of --certificate")
    add("--subprotocol", choices=("ocpp1.6", "none"), default="ocpp1.6", help="none: as chargers that name none")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--offline", action="store_true", help="charge first, without a line, then connect and tell of it")
    how.add_argument("--idle", action="store_true", help="a car stays plugged in: obey commands until Ctrl-C")
    add("--json", action="store_true", help="the result as one JSON document; what goes on is told on standard error")


def run(args: argparse.Namespace, config: Config) -> int:
    if LIST in (args.car, *args.vice):
        return _list(CARS if args.car == LIST else VICES, as_json=args.json)
    if not valid_identity(args.charger):
        raise Malformed(f"--charger {args.charger!r}: {RULE}")
    address = Address(
        url=args.url or _own_listener(config),
        secure_url=args.url or _own_listener(config, secure=True),
        ca=args.ca,
        certificate=args.certificate,
        key=args.key,
        identity=args.charger,
        password=args.password,
        subprotocol="" if args.subprotocol == "none" else args.subprotocol,
    )
    clock = Clock()
    wanted_wh = args.energy_wh or (PARKED_WH if args.idle else VISIT_WH)
    car = car_of(args.car, wanted_wh, args.power_w, args.phases)
    station = _station(args, car, config, clock.now())
    narrator = Narrator(station, config.zone(), sys.stderr if args.json else sys.stdout)
    try:
        if args.idle:
            return _stay(Parked(station, car), address, narrator, clock)
        id_tag = args.tag if args.tag is not None else _first_tag(config)
        visit = Visit(station, 1, id_tag, car, station.now, alone=args.offline)
        _go(visit, address, narrator, clock)
    finally:
        registers.keep(_folder(config), station.identity, station.connectors[1].meter.register_wh)
    return _tell(visit, as_json=args.json)


def _list(table: Mapping[str, Vice] | Mapping[str, Kind], *, as_json: bool) -> int:
    rows = {name: row.does for name, row in table.items()}
    if as_json:
        print(msgspec.json.encode(rows).decode())
    else:
        width = max(map(len, rows))
        print("\n".join(f"{name:{width}}  {does}" for name, does in rows.items()))
    return 0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints."""

    charger_id: str
    id_tag: str
    outcome: str
    why: str
    connector_id: int
    transaction_id: int | None = None
    started_at: datetime | None = None
    meter_start_wh: int | None = None
    meter_stop_wh: int | None = None
    energy_wh: int = 0
    acknowledged: bool = False


def _result(visit: Visit) -> Result:
    result = Result(
        charger_id=visit.station.identity,
        id_tag=visit.id_tag,
        outcome=visit.outcome.name.lower() if visit.outcome else "",
        why=visit.why,
        connector_id=visit.connector.connector_id,
    )
    if (transaction := visit.transaction) is None:
        return result
    return msgspec.structs.replace(
        result,
        transaction_id=transaction.transaction_id,
        started_at=transaction.started_at,
        meter_start_wh=transaction.meter_start_wh,
        meter_stop_wh=transaction.meter_stop_wh,
        energy_wh=(transaction.meter_stop_wh or transaction.meter_start_wh) - transaction.meter_start_wh,
        acknowledged=transaction.acknowledged,
    )


def _go(visit: Visit, address: Address, narrator: Narrator, clock: Clock) -> None:
    try:
        if visit.alone:
            visit.play_alone()
        asyncio.run(Client(visit.station, visit, address, watch=narrator.look, clock=clock).run())
    finally:
        narrator.done()


def _stay(parked: Parked, address: Address, narrator: Narrator, clock: Clock) -> int:
    client = Client(parked.station, parked, address, persistent=True, watch=narrator.look, clock=clock)
    try:
        asyncio.run(client.run())
    except KeyboardInterrupt:
        narrator.done()
    return 0


def _station(args: argparse.Namespace, car: Car, config: Config, now: datetime) -> ChargePoint:
    """One that charges offline did so in the time before now, and no faster than life."""
    if args.offline:
        now -= timedelta(seconds=charging_time_s(car) + 4 * PAUSE_S)
    station = ChargePoint(
        args.charger,
        now,
        connectors=args.connectors,
        speed=1.0 if args.offline else args.speed,
        register_wh=registers.recall(_folder(config), args.charger),
        id_prefix=f"{secrets.token_hex(4)}-",
        vices=args.vice,
    )
    given = {trust.PASSWORD: args.password, trust.ROOT: args.ca, trust.CERTIFICATE: args.certificate}
    station.given = frozenset(what for what, value in given.items() if value)
    return station


def _tell(visit: Visit, *, as_json: bool) -> int:
    """The last line, and the exit status."""
    result = _result(visit)
    if as_json:
        print(msgspec.json.encode(result).decode())
    if visit.outcome is Outcome.REFUSED:
        raise Refused(f"{visit.why}; to let it charge: tinyocpp tag add {visit.id_tag or 'ID'}")
    if visit.outcome is Outcome.NO_ANSWER:
        raise NoAnswer(f"{visit.why}; see what the listener says")
    if not as_json:
        simulator = " --with-simulator" if fold_identity(result.charger_id) == SIMULATOR else ""
        print(
            f"{result.energy_wh / 1000:.3f} kWh, transaction {result.transaction_id}: started, stopped, acknowledged."
        )
        print(f"See it with: tinyocpp report --by transaction{simulator}")
    return 0


def _own_listener(config: Config, *, secure: bool = False) -> str:
    """Over loopback, where the identity `simulator` always gets in; unless it listens elsewhere only."""
    host, tls = bracketed(own_end(config.listener.host)), config.listener.tls
    if secure:
        return f"wss://{host}:{tls.port}/" if tls else ""
    return f"ws://{host}:{config.listener.port}/"


def _first_tag(config: Config) -> str:
    from tinyocpp.storage import open_tags

    tags = open_tags(config, keep=False)
    for tag in tags:
        if not tag.blocked:
            return tag.id
    raise Malformed("no tag to show; add one with `tinyocpp tag add 04A2B3C4 --name Me`, or name one with --tag")


def _folder(config: Config) -> Path:
    """Beside the ledger."""
    return Path(config.paths.accounting).parent


def _named(table: Mapping[str, object]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text in (*table, LIST):
            return text
        near = difflib.get_close_matches(text, table, 1)
        raise argparse.ArgumentTypeError(f"{text!r} is none; {f'did you mean {near[0]}?' if near else 'try list'}")

    return read


def _number(kind: type[int] | type[float], least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            number = float("nan")  # which is in no range
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{'a whole' if kind is int else 'a'} number from {least:,} to {most:,}")
        return number

    return read
