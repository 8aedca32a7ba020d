"""The kinds of meters there are, and what is to be written of each: [meter], [meter.pv] and [meter.battery].

Apart from config.py because a backend, which has no meter, reads the configuration at every start; this is imported
where there is such a table. What one value may be is said by its type, what several must be together in
`_contradictions`. How each kind is read is in meters/, one file each.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from tinyocpp import toml
from tinyocpp.errors import ConfigError
from tinyocpp.measuring import FIGURES, Patience
from tinyocpp.places import under

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Seconds = Annotated[float, msgspec.Meta(ge=0.5, le=3600)]


class MeterConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[meter] What every kind has."""

    kind: str
    interval_s: Seconds = 5.0  # from one reading to the next, where we ask
    stale_after_s: Annotated[float, msgspec.Meta(ge=1, le=3600)] = 30.0
    frozen_after_s: Annotated[float, msgspec.Meta(ge=30, le=86400)] = 300.0
    scale: dict[str, float] = {}  # what a figure is multiplied by: 1000 for kW, -1 where export is positive
    pv: MeterConfig | None = None
    battery: MeterConfig | None = None

    @property
    def patience(self) -> Patience:
        return Patience(self.stale_after_s, self.frozen_after_s)


class ExecConfig(MeterConfig, frozen=True):
    """Any program that prints numbers."""

    command: str | tuple[str, ...]  # one text is split as a shell splits words; a tuple once loaded

    @property
    def words(self) -> tuple[str, ...]:
        return (self.command,) if isinstance(self.command, str) else self.command


class FileConfig(MeterConfig, frozen=True):
    """A file another program writes. Absolute once loaded."""

    path: str


class HttpConfig(MeterConfig, frozen=True):
    """Anything that answers to HTTP."""

    url: str
    figures: dict[str, str | tuple[str, ...]] = {}  # where in a JSON document; none: read as a program's line
    headers: dict[str, str] = {}
    user: str = ""
    password: str = ""
    verify: bool = True  # https: believe only a certificate that this machine trusts
    timeout_s: Seconds = 5.0  # for the whole answer


class MqttConfig(MeterConfig, frozen=True):
    """Figures that come by MQTT."""

    figures: dict[str, str | tuple[str, ...]]  # topic, or topic#path.in.json
    host: str = "localhost"
    port: Port = 1883
    user: str = ""
    password: str = ""


class Register(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a figure stands in a device that is no SunSpec one."""

    address: Annotated[int, msgspec.Meta(ge=0, le=65535)]  # counted from 0
    type: Literal["int16", "uint16", "int32", "uint32", "float32"] = "int16"
    table: Literal["holding", "input"] = "holding"
    scale: float = 1.0
    swap: bool = False  # the low register first


class ModbusConfig(MeterConfig, frozen=True):
    """A meter that speaks Modbus over TCP."""

    host: str
    port: Port = 502
    device: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1  # also called unit or slave
    registers: dict[str, Register] = {}  # none: it is SunSpec


class ShellyConfig(MeterConfig, frozen=True):
    """A Shelly energy meter of any generation."""

    host: str
    channel: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0  # of those that measure each clamp for itself
    user: str = "admin"  # what all but the first generation have
    password: str = ""
    timeout_s: Seconds = 5.0


class FroniusConfig(MeterConfig, frozen=True):
    """A Fronius inverter with a Smart Meter."""

    host: str
    timeout_s: Seconds = 5.0


KINDS: dict[str, type[MeterConfig]] = {
    "exec": ExecConfig,
    "file": FileConfig,
    "fronius": FroniusConfig,
    "http": HttpConfig,
    "modbus": ModbusConfig,
    "mqtt": MqttConfig,
    "shelly": ShellyConfig,
}
"""Each has a file of its name in meters/."""

HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::\d{1,5})?"
BARE_HOST = r"[0-9A-Fa-f:.]+|[\w.-]+"

PARTS = ("pv", "battery")
"""Of what else may come from another meter."""


def read_meter(table: object, name: str, folder: str, at: str = "meter") -> MeterConfig:
    """A [meter] table; `name` is how the file is called, `folder` where it is. ConfigError names the remedy."""
    document = toml.convert(table, dict[str, object], name, at)
    shape = _shape(document, name, at)
    inner = {part: document.pop(part) for part in PARTS if part in document and at == "meter"}
    own = {field.encode_name for field in msgspec.structs.fields(shape)}
    known = {field.encode_name for other in KINDS.values() for field in msgspec.structs.fields(other)}
    for key in document:
        if key in PARTS or (key in known and key not in own):
            where = f"inside [{at}]" if key in PARTS else f"with kind {document['kind']!r}"
            raise ConfigError(f"{name}: {at}.{key}: does not go {where}; leave it out")
    meter = toml.convert(document, shape, name, at)
    for key, problem in _contradictions(meter):
        raise ConfigError(f"{name}: {at}.{key}: {problem}")
    parts = {part: read_meter(inside, name, folder, f"{at}.{part}") for part, inside in inner.items()}
    return msgspec.structs.replace(_placed(meter, folder), **parts)


def _shape(document: dict[str, object], name: str, at: str) -> type[MeterConfig]:
    kind = document.get("kind")
    if kind is None:
        raise ConfigError(f"{name}: {at}.kind: is missing; write one of {', '.join(KINDS)}")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(f"{name}: {at}.kind: unknown kind {kind!r}{toml.suggest(str(kind), list(KINDS))}")
    return KINDS[kind]


def _contradictions(meter: MeterConfig) -> Iterator[tuple[str, str]]:
    """Key and remedy for what its type alone does not tell."""
    yield from _wrong_scale(meter.scale)
    if meter.interval_s > meter.stale_after_s and not isinstance(meter, MqttConfig):
        interval, stale = f"{meter.interval_s:g}", f"{meter.stale_after_s:g}"
        yield (
            "interval_s",
            f"{interval} is longer than stale_after_s, {stale}: most of the time there would be no figure",
        )
    match meter:
        case ExecConfig():
            yield from _wrong_command(meter.command)
        case FileConfig(path=path):
            if not path or "\0" in path:
                yield "path", "name the file"
        case HttpConfig():
            yield from _wrong_request(meter)
        case MqttConfig(host=host):
            yield from _wrong_host(host, BARE_HOST)
            yield from _wrong_topics(meter.figures)
        case ModbusConfig(host=host):
            yield from _wrong_host(host, BARE_HOST)
            yield from _unknown_figures("registers", meter.registers)
        case ShellyConfig(host=host) | FroniusConfig(host=host):
            yield from _wrong_host(host, HOST)


def _wrong_scale(scale: dict[str, float]) -> Iterator[tuple[str, str]]:
    yield from _unknown_figures("scale", scale)
    for figure, factor in scale.items():
        if not factor or not isfinite(factor):
            yield f"scale.{figure}", f"{factor:g} leaves nothing to read; write a factor such as 1000 or -1"


def _unknown_figures(key: str, named: Iterable[str]) -> Iterator[tuple[str, str]]:
    for figure in named:
        if figure not in FIGURES:
            yield f"{key}.{figure}", "unknown figure" + toml.suggest(figure, list(FIGURES))


def _wrong_host(host: str, pattern: str) -> Iterator[tuple[str, str]]:
    if not re.fullmatch(pattern, host):
        port = " or meter.local:8080" if pattern == HOST else "; the port is a key"
        yield "host", f"{host!r} is no name or address, such as 192.168.1.20{port}"


def _wrong_topics(figures: dict[str, str | tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    yield from _unknown_figures("figures", figures)
    if not figures:
        yield "figures", 'names no topic; write figures = { grid_w = "topic" }'
    for figure, written in figures.items():
        for place in (written,) if isinstance(written, str) else written:
            topic = place.removeprefix("-").partition("#")[0]
            if not topic or "+" in topic or "\0" in topic:
                yield f"figures.{figure}", f"{place!r} is no topic, such as home/power or tele/meter#SML.Power"


def _wrong_request(meter: HttpConfig) -> Iterator[tuple[str, str]]:
    if not re.fullmatch(f"https?://{HOST}(/[!-~]*)?", meter.url):
        yield "url", f"{meter.url!r} is no url such as http://192.168.1.20/status; user and password are keys"
    yield from _unknown_figures("figures", meter.figures)
    for name, value in meter.headers.items():
        if not re.fullmatch(r"[\w-]+", name, re.ASCII) or not value.isprintable():
            yield f"headers.{name}", "is no header"


def _wrong_command(command: str | tuple[str, ...]) -> Iterator[tuple[str, str]]:
    try:
        words = _split(command)
    except ValueError as error:  # an open quote
        yield "command", f"cannot be split into words: {error}"
        return
    if not words or not words[0]:
        yield "command", "names no program"
    elif any("\0" in word for word in words):
        yield "command", "no program can be given a zero byte"


def _split(command: str | tuple[str, ...]) -> tuple[str, ...]:
    from shlex import split

    return tuple(split(command)) if isinstance(command, str) else command


def _placed(meter: MeterConfig, folder: str) -> MeterConfig:
    """With paths as seen from the file; a program without a slash is looked for as a shell does."""
    if isinstance(meter, FileConfig):
        return msgspec.structs.replace(meter, path=under(folder, meter.path))
    if isinstance(meter, ExecConfig):
        program, *rest = _split(meter.command)
        program = under(folder, program) if re.search("[/~]", program) else program
        return msgspec.structs.replace(meter, command=(program, *rest))
    return meter
