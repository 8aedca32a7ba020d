"""`tinyocpp doctor`: looks at everything that has to be right before a charge can be booked, and says what to do next.

Each check is one function that yields one line or several: ok, look (it works, but) or wrong. None of them changes or
makes anything. The exit status is 1 when something is wrong.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import closing
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.portholder import Holder, holder, holding_program
from tinyocpp.cli.program import printable
from tinyocpp.cli.status import picture
from tinyocpp.cli.tables import add_format, print_rows
from tinyocpp.errors import ConfigError, OperatorError
from tinyocpp.hosts.addresses import urls
from tinyocpp.makers import differing
from tinyocpp.storage import open_reader, open_tags

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterator

    from tinyocpp.config import Config

FULL_MB, NARROW_MB = 50, 500
EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)  # a machine without a battery clock starts in the past
UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)


class Level(StrEnum):
    """How bad it is; LOOK works, but."""

    OK = "ok"
    LOOK = "look"
    WRONG = "wrong"


class Diagnosis(msgspec.Struct, frozen=True):
    """What one check found; `remedy` is what to type or to do."""

    level: Level
    about: str
    text: str
    remedy: str = ""


def configure(parser: ArgumentParser) -> None:
    parser.description = "Look for what is wrong, and say what to do next. Changes nothing."
    add_format(parser)


def run(args: Namespace, config: Config) -> int:
    return _tell([diagnosis for check in CHECKS for diagnosis in check(config)], args)


def run_without(args: Namespace, error: ConfigError) -> int:
    """The configuration itself is wrong, so there is nothing else to look at yet."""
    return _tell(
        [wrong("configuration", str(error), "mend this line first; `tinyocpp config check` looks again")], args
    )


def _tell(found: list[Diagnosis], args: Namespace) -> int:
    if args.format == "json":
        print_rows(map(msgspec.structs.asdict, found), (), "json")
    else:
        for one in found:
            remedy = f"\n{'':22}-> {printable(one.remedy)}" if one.remedy else ""
            print(f"{one.level:6}{one.about:16}{printable(one.text)}{remedy}")
    return int(any(one.level is Level.WRONG for one in found))


def ok(about: str, text: str) -> Diagnosis:
    return Diagnosis(Level.OK, about, text)


def look(about: str, text: str, remedy: str) -> Diagnosis:
    return Diagnosis(Level.LOOK, about, text, remedy)


def wrong(about: str, text: str, remedy: str) -> Diagnosis:
    return Diagnosis(Level.WRONG, about, text, remedy)


# --- the checks


def _configuration(config: Config) -> Iterator[Diagnosis]:
    yield ok("configuration", config.source or "no file, so defaults hold; `tinyocpp config show` shows them")


def _clock(config: Config) -> Iterator[Diagnosis]:
    now = datetime.now(UTC)
    there = f"{now.astimezone(config.zone()):%Y-%m-%d %H:%M} {config.zone()}"
    if now < EARLIEST:
        yield wrong("clock", f"says {there}, which cannot be", "set it, or let NTP do it: timedatectl set-ntp true")
    elif _unsynchronised():
        yield look("clock", f"{there}, but nothing keeps it right", "timedatectl set-ntp true")
    else:
        yield ok("clock", there)


def _unsynchronised() -> bool:
    """Whether the kernel says that no time service steers it. False where it cannot be asked."""
    import ctypes

    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    about = ctypes.create_string_buffer(512)  # struct timex, all zero: only ask
    return adjtimex is not None and adjtimex(about) == UNSYNCHRONISED


def _disk(config: Config) -> Iterator[Diagnosis]:
    folder = _nearest(os.path.dirname(config.paths.accounting))
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    remedy = "make room: without it nothing can be booked, and chargers get no answer"
    if free_mb < FULL_MB:
        yield wrong("disk", f"{folder}: {free_mb} MB free", remedy)
    elif free_mb < NARROW_MB:
        yield look("disk", f"{folder}: {free_mb} MB free", remedy)
    else:
        yield ok("disk", f"{folder}: {free_mb / 1000:.1f} GB free")


def _ledger(config: Config) -> Iterator[Diagnosis]:
    path = config.paths.accounting
    if not os.path.exists(path):
        folder = _nearest(os.path.dirname(path))
        if os.access(folder, os.W_OK | os.X_OK):
            yield ok("ledger", f"{path} will be made when the first charger connects")
        else:
            yield wrong("ledger", f"{path} cannot be made: {folder} is not yours to write", _as_its_owner(folder))
        return
    try:
        with closing(open_reader(config)) as reader:
            period = reader.period()
    except OperatorError as error:
        yield wrong("ledger", str(error), "`tinyocpp restore` puts a backup back")
        return
    if not os.access(path, os.W_OK):
        yield look("ledger", f"{path} is not yours to write", _as_its_owner(path))
        return
    since = f", since {period[0].astimezone(config.zone()):%Y-%m-%d}" if period else ", nothing booked yet"
    yield ok("ledger", f"{path}, {os.path.getsize(path) / 1e6:.1f} MB{since}")


def _tags(config: Config) -> Iterator[Diagnosis]:
    tags = open_tags(config, keep=False)
    if tags.trouble:
        yield wrong("tags", tags.trouble, f"correct it; until then {tags.in_force}")
    elif not len(tags) and config.tags.unknown == "reject":
        yield look(
            "tags",
            f"{config.paths.tags}: nobody may charge yet",
            "hold a card to the charger, then: tinyocpp tag learn",
        )
    else:
        yield ok("tags", f"{config.paths.tags}, {len(tags)} tag{'' if len(tags) == 1 else 's'}")


def _runtime(config: Config) -> Iterator[Diagnosis]:
    path = config.paths.runtime
    if not os.path.isdir(path):
        folder = _nearest(path)
        if os.access(folder, os.W_OK | os.X_OK):
            yield ok("runtime", f"{path} will be made by the listener")
        else:
            remedy = "name a directory you may write: [paths] runtime"
            yield wrong("runtime", f"{path} cannot be made: {folder} is not yours to write", remedy)
        return
    mode = stat.S_IMODE(os.stat(path).st_mode)
    meant = 0o750 if config.paths.group else 0o700
    if mode & ~meant:
        yield wrong("runtime", f"{path} is open to others ({mode:04o})", f"chmod {meant:o} {path}")
    else:
        yield ok("runtime", path)


def _ports(config: Config) -> Iterator[Diagnosis]:
    listener = config.listener
    yield _port("listener.port", listener.host, listener.port)
    if listener.tls is None:
        return
    from tinyocpp.hosts.tls import server_context

    try:
        server_context(listener.tls)
    except OperatorError as error:
        yield wrong("tls", str(error), "wss does not work until then")
    else:
        yield ok("tls", f"wss on port {listener.tls.port}")


def _certificates(config: Config) -> Iterator[Diagnosis]:
    """Ours; the chargers' are with the chargers."""
    from tinyocpp.hosts.expiry import endings
    from tinyocpp.storage.authority import ROOT, open_authority

    keys = config.listener.tls.key if config.listener.tls else ()
    for path in (open_authority(config).path(ROOT, "key"), *keys):
        if os.path.exists(path) and stat.S_IMODE(os.stat(path).st_mode) & stat.S_IRWXO:
            yield wrong("certificates", f"{path} can be read by everybody here", f"chmod 600 {path}")
    for ending in endings(config, (), (), datetime.now(UTC)):
        level = Level.WRONG if ending.urgent else Level.LOOK
        yield Diagnosis(level, "certificates", ending.text, ending.remedy)


def _port(key: str, host: str, port: int) -> Diagnosis:
    match holder(host, port):
        case Holder.US:
            return ok("port", f"tinyocpp-listener answers on {port}")
        case Holder.NOBODY:
            return look("port", f"{port} is free: no listener is running", "start it: tinyocpp-listener")
        case Holder.ANOTHER:
            program = holding_program(port)
            if program.startswith("websocketd "):
                return ok("port", f"{program} answers on {port}, as with --engine websocketd")
            by = program or "another program"
            return wrong("port", f"{port} is used by {by}", f"end that, or choose another port: {key}")
        case Holder.FORBIDDEN:
            return wrong(
                "port", f"{host or 'this machine'} port {port} cannot be had by this user", f"choose another: {key}"
            )


def _addresses(config: Config) -> Iterator[Diagnosis]:
    listener = config.listener
    typed = urls("ws", listener.host, listener.port)
    if listener.tls is not None:
        typed += urls("wss", listener.host, listener.tls.port)
    if all("//127." in url or "//[::1]" in url for url in typed):
        yield look("address", typed[0], "only this machine can reach it: see [listener] host, and the network cable")
    for url in typed:
        yield ok("address", f"{url} is to be typed into the charger")


def _websocketd(config: Config) -> Iterator[Diagnosis]:
    found = shutil.which("websocketd")
    yield ok("websocketd", found or "not installed; only --engine websocketd needs it")


def _chargers(config: Config) -> Iterator[Diagnosis]:
    if not os.path.exists(config.paths.accounting):
        yield look("chargers", "none has connected yet", "type one of the addresses above into the charger")
        return
    try:
        shown = picture(config)
    except OperatorError:
        return  # said of the ledger already
    for finding in filter(lambda finding: finding.charger_id, shown.findings):
        level = Level.WRONG if finding.wrong else Level.LOOK
        yield Diagnosis(level, "chargers", f"{finding.charger_id}: {finding.text}", finding.remedy)
    if not shown.chargers:
        yield look("chargers", "none has connected yet", "type one of the addresses above into the charger")
    for row in shown.chargers:
        if row["connected"]:
            yield ok("chargers", f"{row['charger_id']} is connected{_minded(row, config)}")


def _minded(row: dict[str, object], config: Config) -> str:
    """What is done differently for it: known of its make, or set in the configuration."""
    identity, *named = (str(row[key] or "") for key in ("charger_id", "vendor", "model", "firmware"))
    minded = differing(config.quirks_of(identity, named[0], named[1], named[2]))
    said = ", ".join(f"{name} = {msgspec.json.encode(value).decode()}" for name, value in minded.items())
    return f"; minded with it: {said}" if said else ""


CHECKS: tuple[Callable[[Config], Iterator[Diagnosis]], ...] = (
    _configuration,
    _clock,
    _disk,
    _ledger,
    _tags,
    _runtime,
    _ports,
    _certificates,
    _addresses,
    _websocketd,
    _chargers,
)


def _nearest(folder: str) -> str:
    """The folder, or the closest one above it that there is."""
    path = Path(folder)
    while not path.is_dir():
        path = path.parent
    return str(path)


def _as_its_owner(path: str) -> str:
    try:
        return f"run this as its owner: sudo -u {Path(path).owner()} tinyocpp doctor"
    except KeyError:
        return "run this as its owner"
