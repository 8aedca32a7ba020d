"""`tinyocpp simulate`: be a charger, for trying things without one.

Here are the options, what the result is, and the exit status. The charge point and the line to the central system are
in simulator/; what is told while it goes on is in progress.py.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.progress import Narrator
from tinyocpp.cli.simulated import tell
from tinyocpp.errors import Malformed, did_you_mean
from tinyocpp.hosts.addresses import bracketed, own_end
from tinyocpp.identity import RULE, SIMULATOR, fold_identity, valid_identity
from tinyocpp.simulator import registers, trust
from tinyocpp.simulator.car import Car, charging_time_s
from tinyocpp.simulator.cars import CARS, Kind, car_of
from tinyocpp.simulator.charge_point import ChargePoint
from tinyocpp.simulator.client import Address, Client, Clock
from tinyocpp.simulator.gridmeter import GridMeter
from tinyocpp.simulator.house import Battery, House, read_trace
from tinyocpp.simulator.household import Household
from tinyocpp.simulator.vices import VICES, Vice
from tinyocpp.simulator.visit import PAUSE_S, Driver, Parked, Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
    add(
        "--charger",
        metavar="ID",
        action="append",
        help=f"who to be (default: {SIMULATOR}, who always gets in here); with --idle several",
    )
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
    _configure_house(parser.add_argument_group("a house around it"))
    add("--json", action="store_true", help="the result as one JSON document; what goes on is told on standard error")


def _configure_house(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--house", metavar="TRACE", help="sun and load from this CSV: time_s,pv_w,load_w; begins anew after its end")
    add(
        "--house-start",
        metavar="S",
        type=_number(float, 0, 1e9),
        default=0.0,
        help="so many seconds into it (default: 0)",
    )
    add(
        "--house-battery-wh", metavar="N", type=_number(int, 1, MOST_WH), help="with a battery, half full, of this size"
    )
    add("--meter-file", metavar="FILE", help='what its grid meter shows, for [meter] kind = "file"')
    add(
        "--meter-interval",
        metavar="S",
        type=_number(float, 0.05, 3600),
        default=1.0,
        help="how often, in true seconds (default: 1)",
    )


def run(args: argparse.Namespace, config: Config) -> int:
    if LIST in (args.car, *args.vice):
        return _list(CARS if args.car == LIST else VICES, as_json=args.json)
    identities = _identities(args)
    clock = Clock()
    wanted_wh = args.energy_wh or (PARKED_WH if args.idle else VISIT_WH)
    car = car_of(args.car, wanted_wh, args.power_w, args.phases)
    stations = [_station(args, identity, car, config, clock.now()) for identity in identities]
    meter = _meter(args, stations, clock)
    try:
        if args.idle:
            drivers: list[Driver] = [Parked(station, car, args.tag) for station in stations]
            return _stay(_clients(args, config, stations, drivers, clock), drivers, meter)
        id_tag = args.tag if args.tag is not None else _first_tag(config)
        visit = Visit(stations[0], 1, id_tag, car, stations[0].now, alone=args.offline)
        if visit.alone:
            visit.play_alone()
        asyncio.run(_together(_clients(args, config, stations, [visit], clock), [visit], meter))
    finally:
        for station in stations:
            registers.keep(_folder(config), station.identity, station.connectors[1].meter.register_wh)
    return tell(visit, as_json=args.json)


def _identities(args: argparse.Namespace) -> list[str]:
    """Who to be, each once."""
    identities = args.charger or [SIMULATOR]
    for identity in identities:
        if not valid_identity(identity):
            raise Malformed(f"--charger {identity!r}: {RULE}")
    if len({fold_identity(identity) for identity in identities}) < len(identities):
        raise Malformed("--charger: the same twice")
    if len(identities) > 1 and not args.idle:
        raise Malformed("several --charger stay plugged in: add --idle")
    return identities


def _list(table: Mapping[str, Vice] | Mapping[str, Kind], *, as_json: bool) -> int:
    rows = {name: row.does for name, row in table.items()}
    if as_json:
        print(msgspec.json.encode(rows).decode())
    else:
        width = max(map(len, rows))
        print("\n".join(f"{name:{width}}  {does}" for name, does in rows.items()))
    return 0


class Watched(msgspec.Struct, frozen=True):
    """A client, and who tells of it."""

    client: Client
    narrator: Narrator


def _clients(
    args: argparse.Namespace, config: Config, stations: list[ChargePoint], drivers: Sequence[Driver], clock: Clock
) -> list[Watched]:
    out, made = sys.stderr if args.json else sys.stdout, []
    for station, driver in zip(stations, drivers, strict=True):
        name = station.identity if len(stations) > 1 else ""
        narrator = Narrator(station, config.zone(), out, name)
        address = _address(args, config, station.identity)
        client = Client(station, driver, address, persistent=args.idle, watch=narrator.look, clock=clock)
        made.append(Watched(client, narrator))
    return made


async def _together(watched: list[Watched], drivers: Sequence[Driver], meter: GridMeter | None) -> None:
    """Until all have finished; the first that fails ends it."""
    running = [one.client.run() for one in watched]
    if meter:
        running.append(meter.run(lambda: all(driver.finished for driver in drivers)))
    try:
        await asyncio.gather(*running)
    finally:
        for one in watched:
            one.narrator.done()


def _stay(watched: list[Watched], drivers: Sequence[Driver], meter: GridMeter | None) -> int:
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_together(watched, drivers, meter))
    return 0


def _meter(args: argparse.Namespace, stations: list[ChargePoint], clock: Clock) -> GridMeter | None:
    """The meter of the house, if there is one."""
    if args.house is None and args.meter_file is None:
        return None
    if not (args.house and args.meter_file) or args.offline:
        raise Malformed("--house and --meter-file go together, and not with --offline")
    try:
        with open(args.house, newline="") as lines:
            trace = read_trace(lines, args.house)
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(f"{args.house}: {error}") from None
    battery = Battery.of(args.house_battery_wh) if args.house_battery_wh else None
    house = House(trace, battery=battery, start_s=args.house_start)
    household = Household(house, stations, clock.now(), args.speed)
    return GridMeter(household, Path(args.meter_file), clock, args.meter_interval)


def _address(args: argparse.Namespace, config: Config, identity: str) -> Address:
    return Address(
        url=args.url or _own_listener(config),
        secure_url=args.url or _own_listener(config, secure=True),
        ca=args.ca,
        certificate=args.certificate,
        key=args.key,
        identity=identity,
        password=args.password,
        subprotocol="" if args.subprotocol == "none" else args.subprotocol,
    )


def _station(args: argparse.Namespace, identity: str, car: Car, config: Config, now: datetime) -> ChargePoint:
    """One that charges offline did so in the time before now, and no faster than life."""
    if args.offline:
        now -= timedelta(seconds=charging_time_s(car) + 4 * PAUSE_S)
    station = ChargePoint(
        identity,
        now,
        connectors=args.connectors,
        speed=1.0 if args.offline else args.speed,
        register_wh=registers.recall(_folder(config), identity),
        id_prefix=f"{secrets.token_hex(4)}-",
        vices=args.vice,
    )
    given = {trust.PASSWORD: args.password, trust.ROOT: args.ca, trust.CERTIFICATE: args.certificate}
    station.given = frozenset(what for what, value in given.items() if value)
    return station


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
        if text not in (*table, LIST):
            raise argparse.ArgumentTypeError(f"there is no {text!r}{did_you_mean(text, table) or '; try list'}")
        return text

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
