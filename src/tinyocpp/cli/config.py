"""`tinyocpp config`: check the settings, or show each with where it came from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.tables import Column, add_format, print_rows
from tinyocpp.config import FILE, Config, Tables
from tinyocpp.errors import ConfigError
from tinyocpp.places import configuration_directories
from tinyocpp.storage import tagedit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator


SECRETS = {"password", "headers"}
SECRET = "(not shown)"


def configure(parser: ArgumentParser) -> None:
    words = parser.add_subparsers(dest="what", required=True, metavar="check|show")
    words.add_parser("check", help="say whether the settings, and the files they name, are right", allow_abbrev=False)
    add_format(words.add_parser("show", help="every setting, and where it came from", allow_abbrev=False))


def run(args: Namespace, config: Config) -> int:
    if args.what == "show":
        columns = ("key", Column("value", show=_toml), Column("origin", "from"))
        print_rows(settings(config), columns, args.format)
    else:
        _check(config)
    return 0


def settings(config: Config) -> list[dict[str, object]]:
    """A row for each setting: key, value in force, origin."""
    found = [setting for key in Tables.__struct_fields__ for setting in _leaves(key, getattr(config, key))]
    found += [
        (f"charger.{name}.{key}", getattr(own, key))
        for name, own in config.charger.items()
        for key in _keys(own)
        if key != "quirks"
    ]
    shown: list[dict[str, object]] = [
        {"key": key, "value": value, "origin": _origin(config, key)} for key, value in found
    ]
    return shown + [
        {"key": f"charger.{name}.quirks.{key}", "value": value, "origin": config.source or FILE}
        for name, own in config.charger.items()
        for key, value in own.quirks.items()  # those the owner has set; what holds else depends on the maker
    ]


def _leaves(key: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, msgspec.Struct):
        for name in _keys(value):
            yield from _leaves(f"{key}.{name}", getattr(value, name))
    else:
        yield key, SECRET if value and key.rpartition(".")[2] in SECRETS else value


def _keys(table: msgspec.Struct) -> tuple[str, ...]:
    return type(table).__struct_fields__


def _origin(config: Config, key: str) -> str:
    """The file, the variable, or "default"."""
    table, _, last = key.rpartition(".")
    charger = table.removeprefix("charger.") if table.startswith("charger.") else None
    where: object = config.document
    for step in ("charger", charger) if charger else table.split("."):
        where = where.get(step) if isinstance(where, dict) else None
    if isinstance(where, dict) and last in where:
        return config.source or FILE
    return config.origins.get(key, "default")


def _toml(value: object) -> str:
    return "not set" if value is None else msgspec.json.encode(value).decode()


def _check(config: Config) -> None:
    """What loading cannot know: whether the files the settings name are there. ConfigError says which is not."""
    tls = config.listener.tls
    named = [("certificate", path) for path in tls.certificate] + [("key", path) for path in tls.key] if tls else []
    if tls and tls.client_ca:
        named.append(("client_ca", tls.client_ca))
    for key, path in named:
        if not os.path.isfile(path):
            raise ConfigError(f"{config.source}: listener.tls.{key}: there is no file {path}")
    tags = tagedit.read(config.paths.tags)
    looked = ", ".join(os.path.join(folder, FILE) for folder in configuration_directories(os.environ))
    print(f"ok: {config.source}" if config.source else f"ok: no file, defaults hold (looked for {looked})")
    print(f"ok: {config.paths.tags}, {len(tags)} tag{'' if len(tags) == 1 else 's'}")
