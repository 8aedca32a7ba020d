"""The configuration: its tables, where it is looked for, and which values are possible.

`load` gives a Config whose paths are absolute and whose values have been checked; nothing else in the program reads
the file or the environment for settings. No key is checked in two places: what one value may be is said by its type,
what several must be together is said in `_contradictions`. docs/configuration.md describes every key for the owner.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from tinyocpp import toml
from tinyocpp.errors import ConfigError
from tinyocpp.identity import RULE as IDENTITY_RULE
from tinyocpp.identity import fold_identity, valid_identity
from tinyocpp.mains import LEAST_A
from tinyocpp.makers import Quirks, overridden, quirks_of
from tinyocpp.modes import ControlConfig, Mode, Pace, Rotation, SharingConfig, SolarConfig
from tinyocpp.places import SYSTEM_STATE, configuration_directories, runtime_directories, state_directory, under

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import tzinfo

    from tinyocpp.meterkinds import MeterConfig

FILE = "tinyocpp.toml"

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Wire types tolerate unknown fields, configuration forbids them: a typo must not be silence."""


class TlsConfig(Table, frozen=True):
    """[listener.tls] wss beside plain ws, which stays for chargers below security profile 2."""

    port: Port = 9017
    certificate: tuple[str, ...] = ()  # chains, one or several (RSA and ECDSA)
    key: tuple[str, ...] = ()  # one for each of them
    client_ca: str = ""  # asks chargers for a certificate (profile 3)
    client_organisation: str = ""  # what its O must be; empty: not checked


class ListenerConfig(Table, frozen=True):
    """[listener] Where chargers connect."""

    host: str = ""  # empty: every address, IPv4 and IPv6
    port: Port = 9016
    ping_interval_s: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 30  # 0: none. Some chargers drop a silent line (H18)
    max_message_bytes: Annotated[int, msgspec.Meta(ge=65536, le=67108864)] = 1048576  # above, the connection is closed
    tls: TlsConfig | None = None


class PathsConfig(Table, frozen=True):
    """[paths] Absolute once loaded."""

    tags: str = "tags.toml"
    accounting: str = "accounting.sqlite3"
    ca: str = "ca"
    runtime: str = ""
    group: str = ""


class ChargersConfig(Table, frozen=True):
    """[chargers] Who gets in, and what holds for all."""

    admit: Literal["first", "any"] | tuple[str, ...] = "first"
    heartbeat_interval_s: Annotated[int, msgspec.Meta(ge=10, le=86400)] = 300  # above an hour, clocks drift (T10)


class ChargerConfig(Table, frozen=True):
    """[charger.ID] One table per charger that differs."""

    security_profile: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0  # the least it may use
    strict: bool = False  # refuse what the standard forbids instead of mending it
    registration: Literal["Accepted", "Pending", "Rejected"] = "Accepted"
    mode: Mode | None = None  # how it charges; None: as [solar] says
    min_current_a: Annotated[float, msgspec.Meta(ge=6, le=32)] = 6.0  # the least its car charges with (Zoe: 8)
    max_current_a: Annotated[float, msgspec.Meta(ge=6, le=1000)] = 16.0  # the most sun and house may let it have
    local_list: bool | None = None  # keep the tags in the charger too; None: as [tags] says
    priority: int = 0  # for the current there is: higher first
    rotation: Rotation = "RST"  # to which phase of the house each of its own is wired
    quirks: dict[str, object] = {}  # what the owner sets of makers.Quirks


class VendorConfig(Table, frozen=True):
    """[data_transfer.VENDOR] What this vendor's DataTransfer is answered; others are answered UnknownVendorId."""

    status: Literal["Accepted", "Rejected"] = "Accepted"
    data: str | None = None  # to send back
    messages: tuple[str, ...] = ()  # the messageIds meant, others are UnknownMessageId; empty: all


class TagsConfig(Table, frozen=True):
    """[tags] What the file of tags does not say."""

    unknown: Literal["reject", "accept"] = "reject"
    empty: str = ""  # name or id of the tag an empty idTag is booked to
    local_list: bool = False  # keep the tags in chargers too, so that they know them without us


class LogConfig(Table, frozen=True):
    """[log] The frames, both ways."""

    wire: str = ""  # empty: a ring in the runtime directory
    wire_bytes: Annotated[int, msgspec.Meta(ge=65536, le=1099511627776)] = 4194304


class ReportConfig(Table, frozen=True):
    """[report] How what was booked is shown."""

    timezone: str = ""  # empty: the system's


class Tables(Table, frozen=True):
    """The whole file, but for the [charger.ID] tables, whose names are the owner's."""

    listener: ListenerConfig = ListenerConfig()
    paths: PathsConfig = PathsConfig()
    chargers: ChargersConfig = ChargersConfig()
    tags: TagsConfig = TagsConfig()
    log: LogConfig = LogConfig()
    report: ReportConfig = ReportConfig()
    control: ControlConfig = ControlConfig()
    solar: SolarConfig = SolarConfig()
    meter: object = None  # [meter] as the file has it; what may stand there depends on its kind
    sharing: SharingConfig = SharingConfig()
    data_transfer: dict[str, VendorConfig] = {}


class Config(Tables, frozen=True):
    """All settings, and where they came from."""

    meter: MeterConfig | None = None  # None: this house has none
    charger: dict[str, ChargerConfig] = {}  # as spelled in the file; ask for_charger
    source: str | None = None  # the file, None if there is none
    state_directory: str = SYSTEM_STATE  # where what has no path of its own is kept
    runtime_directories: tuple[str, ...] = ()  # where to look for a running listener, paths.runtime first
    origins: dict[str, str] = {}  # keys whose value the environment decided, and the variable
    document: dict[str, object] = {}  # the file as read
    tz: str | None = None  # $TZ

    def for_charger(self, charger_id: str) -> ChargerConfig:
        """What differs for this charger, however its identity is spelled; defaults where nothing does."""
        wanted = fold_identity(charger_id)
        return next((own for name, own in self.charger.items() if fold_identity(name) == wanted), ChargerConfig())

    def quirks_of(self, charger_id: str, vendor: str, model: str, firmware: str) -> Quirks:
        """What to mind with this charger: what is known of its maker, and what the owner says instead."""
        return overridden(quirks_of(vendor, model, firmware), self.for_charger(charger_id).quirks)

    def keeps_local_list(self, charger_id: str) -> bool:
        """Is this charger to know the tags by itself?"""
        own = self.for_charger(charger_id).local_list
        return self.tags.local_list if own is None else own

    def pace(self) -> Pace:
        """How hastily chargers are told limits."""
        return Pace(
            write_every_s=self.control.write_every_s,
            settle_s=self.control.settle_s,
            pause_s=self.solar.pause_s,
            dwell_s=self.solar.dwell_s,
            steered=self.steered,
        )

    @property
    def steered(self) -> bool:
        """Is there a sun or a house to look at? Without, chargers have what they like and what the owner wishes."""
        modes = (self.solar.mode, *(own.mode for own in self.charger.values()))
        return self.meter is not None or self.sharing.limit_a > 0 or any(mode not in (None, "fast") for mode in modes)

    def mode_of(self, charger_id: str) -> Mode:
        """How it charges unless its owner, or the tag that charges, says otherwise."""
        return self.for_charger(charger_id).mode or self.solar.mode

    def zone(self) -> tzinfo:
        """Where local days begin."""
        from tinyocpp.localzone import LazyZone, named_zone, system_zone

        name = self.report.timezone
        return LazyZone(lambda: named_zone(name) or system_zone(self.tz) if name else system_zone(self.tz))

    @property
    def last_good_tags(self) -> str:
        """A copy of the tags file as it last could be read, beside what is booked."""
        return os.path.join(os.path.dirname(self.paths.accounting), "tags.last-good.toml")


def load(option: str | None, environ: Mapping[str, str]) -> Config:
    """What `--config` names, else $TINYOCPP_CONFIG, else the first file found, else defaults. ConfigError says which
    file, which key and what to write instead."""
    name = option or environ.get("TINYOCPP_CONFIG") or _found(environ)
    document = toml.parse(_read(name), name) if name else {}
    tables = {key: value for key, value in document.items() if key != "charger"}
    given = toml.convert(tables, Tables, name or FILE)
    chargers = _charger_tables(document.get("charger", {}), name or FILE)
    for key, problem in _contradictions(given, chargers):
        raise ConfigError(f"{name or FILE}: {key}: {problem}")
    return _placed(given, chargers, document, name, environ)


def _found(environ: Mapping[str, str]) -> str | None:
    files = (os.path.join(folder, FILE) for folder in configuration_directories(environ))
    return next((file for file in files if os.path.lexists(file)), None)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name the configuration with --config") from None


def _charger_tables(document: object, name: str) -> dict[str, ChargerConfig]:
    tables = toml.convert(document, dict[str, object], name, "charger")
    spelled: dict[str, str] = {}
    for identity, table in tables.items():
        inner = table if isinstance(table, dict) else {}
        if any(isinstance(value, dict) for key, value in inner.items() if key != "quirks"):
            raise ConfigError(f'{name}: charger.{identity}: an identity with a dot goes in quotes: [charger."a.b"]')
        if not valid_identity(identity):
            raise ConfigError(f"{name}: charger.{identity!r}: {IDENTITY_RULE}")
        toml.convert(inner.get("quirks", {}), Quirks, name, f"charger.{identity}.quirks")
        other = spelled.setdefault(fold_identity(identity), identity)
        if other is not identity:
            raise ConfigError(f"{name}: charger.{identity}: is the same charger as charger.{other}; write one table")
    return {
        identity: toml.convert(table, ChargerConfig, name, f"charger.{identity}") for identity, table in tables.items()
    }


def _contradictions(tables: Tables, chargers: dict[str, ChargerConfig]) -> Iterator[tuple[str, str]]:
    """Key and remedy for each set of values that cannot all be meant."""
    yield from _tls_contradictions(tables.listener)
    yield from _path_contradictions(tables.paths)
    yield from _impossible_names(tables)
    if not isinstance(tables.chargers.admit, str):
        wrong = (one for one in tables.chargers.admit if not valid_identity(one))
        yield from (("chargers.admit", f"{one!r}: {IDENTITY_RULE}") for one in wrong)
    tls = tables.listener.tls
    for identity, charger in chargers.items():
        key = f"charger.{identity}.security_profile"
        if charger.security_profile >= 2 and tls is None:
            yield key, f"{charger.security_profile} needs TLS; add a [listener.tls] table with certificate and key"
        elif charger.security_profile == 3 and tls and not tls.client_ca:
            yield key, "3 needs listener.tls.client_ca, the CA that signs chargers' certificates"
    if 0 < tables.control.fallback_a < LEAST_A:
        yield "control.fallback_a", f"{tables.control.fallback_a:g}: no car can be offered less than 6 A; write 0 or 6"
    if tables.report.timezone and not _known_zone(tables.report.timezone):
        yield "report.timezone", f"{tables.report.timezone!r} is unknown here; write a name such as Europe/Berlin"


def _tls_contradictions(listener: ListenerConfig) -> Iterator[tuple[str, str]]:
    tls = listener.tls
    if tls is None:
        return
    if not tls.certificate:
        yield "listener.tls.certificate", 'is missing; write certificate = ["chain.pem"]'
    if len(tls.key) != len(tls.certificate):
        yield "listener.tls.key", f"{len(tls.key)} for {len(tls.certificate)} certificates; name one key for each"
    if tls.port == listener.port:
        yield "listener.tls.port", f"{tls.port} is listener.port too; wss needs a port of its own"
    if tls.client_organisation and not tls.client_ca:
        yield "listener.tls.client_organisation", "is checked in chargers' certificates only; name their client_ca"


def _path_contradictions(paths: PathsConfig) -> Iterator[tuple[str, str]]:
    for key, value in (("tags", paths.tags), ("accounting", paths.accounting), ("ca", paths.ca)):
        if not value:
            yield f"paths.{key}", "is empty; name a path, or leave the key out"
    if "://" in paths.accounting:
        scheme = paths.accounting.partition(":")[0]
        yield "paths.accounting", f"{scheme} is not supported by this version; name a file"
    if paths.group and not _known_group(paths.group):
        yield "paths.group", f"there is no group {paths.group!r}; make it with groupadd"


def _impossible_names(tables: Tables) -> Iterator[tuple[str, str]]:
    named = {f"paths.{key}": [getattr(tables.paths, key)] for key in ("tags", "accounting", "ca", "runtime")}
    named["log.wire"] = [tables.log.wire]
    if tls := tables.listener.tls:
        named |= {"listener.tls.certificate": [*tls.certificate], "listener.tls.key": [*tls.key]}
        named["listener.tls.client_ca"] = [tls.client_ca]
    for key, files in named.items():
        if any("\0" in file for file in files):
            yield key, "no file can have a zero byte in its name"


def _known_zone(name: str) -> bool:
    from tinyocpp.localzone import named_zone

    return named_zone(name) is not None


def _known_group(name: str) -> bool:
    from grp import getgrnam

    try:
        getgrnam(name)
    except (KeyError, ValueError):  # ValueError: a zero byte
        return False
    return True


def _placed(
    tables: Tables,
    chargers: dict[str, ChargerConfig],
    document: dict[str, object],
    name: str | None,
    environ: Mapping[str, str],
) -> Config:
    """Every path made absolute: one that is named, from the file that names it; one that is not, from the state
    directory."""
    source = os.path.abspath(name) if name else None
    folder = os.path.dirname(source or "")
    state, variable = state_directory(source, environ)
    named = document.get("paths", {})
    assert isinstance(named, dict)  # it has been converted
    values = {"tags": tables.paths.tags, "accounting": tables.paths.accounting, "ca": tables.paths.ca}
    files = {key: under(folder if key in named else state, path) for key, path in values.items()}
    origins = {f"paths.{key}": variable for key in files if variable and key not in named}
    runtime = under(folder, tables.paths.runtime)
    runtimes = {runtime: ""} if runtime else runtime_directories(state, environ)
    chosen = next(iter(runtimes))
    if runtimes[chosen]:
        origins["paths.runtime"] = runtimes[chosen]
    return Config(
        listener=_listener_placed(tables.listener, folder),
        paths=msgspec.structs.replace(tables.paths, runtime=chosen, **files),
        chargers=tables.chargers,
        tags=tables.tags,
        log=msgspec.structs.replace(tables.log, wire=under(folder, tables.log.wire)),
        report=tables.report,
        control=tables.control,
        solar=tables.solar,
        meter=_meter(tables, name or FILE, folder),
        sharing=tables.sharing,
        data_transfer=tables.data_transfer,
        charger=chargers,
        source=source,
        state_directory=state,
        runtime_directories=tuple(runtimes),
        origins=origins,
        document=document,
        tz=environ.get("TZ"),
    )


def _meter(tables: Tables, name: str, folder: str) -> MeterConfig | None:
    if tables.meter is None:
        return None
    from tinyocpp.meterkinds import (
        MqttConfig,
        read_meter,
    )  # a backend has no meter, nor have most houses of one charger

    meter = read_meter(tables.meter, name, folder)
    patiences = {"solar": tables.solar.stale_after_s, "sharing": tables.sharing.stale_after_s}
    if not tables.sharing.limit_a:
        del patiences["sharing"]
    for table, patience_s in patiences.items():
        if meter.interval_s > patience_s and not isinstance(meter, MqttConfig):
            problem = f"{meter.interval_s:g} is longer than {table}.stale_after_s, {patience_s:g}"
            raise ConfigError(f"{name}: meter.interval_s: {problem}: it would be taken for lost; write more there")
    return meter


def _listener_placed(listener: ListenerConfig, folder: str) -> ListenerConfig:
    if listener.tls is None:
        return listener
    tls = msgspec.structs.replace(
        listener.tls,
        certificate=tuple(under(folder, path) for path in listener.tls.certificate),
        key=tuple(under(folder, path) for path in listener.tls.key),
        client_ca=under(folder, listener.tls.client_ca),
    )
    return msgspec.structs.replace(listener, tls=tls)
