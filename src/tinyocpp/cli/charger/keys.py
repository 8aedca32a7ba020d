"""`tinyocpp charger get|set`: the charger's own settings, asked of the charger itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.program import add_timeout
from tinyocpp.cli.tables import Column, add_format, print_rows
from tinyocpp.commands import ANSWER_TIMEOUT_S, agreed, status_of
from tinyocpp.companions.commandclient import open_charger
from tinyocpp.errors import Refused

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.config import Config


class _Key(msgspec.Struct):
    """One entry of GetConfiguration's answer; what firmware makes of its types is its own affair (quirk S16)."""

    key: object = ""
    value: object = None
    readonly: object = False


class _Keys(msgspec.Struct, rename="camel"):
    configuration_key: list[_Key] | None = None
    unknown_key: list[str] | None = None


def get_options(parser: ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", nargs="*", help="as GetConfiguration knows it (default: all)")
    _add_charger(parser)
    add_format(parser)


def get(args: Namespace, config: Config) -> int:
    payload = msgspec.json.encode({"key": args.key} if args.key else {})
    with open_charger(config.runtime_directories, args.charger) as charger:
        answer = charger.call("GetConfiguration", payload, timeout_s=args.timeout)
    try:
        keys = msgspec.json.decode(answer, type=_Keys)
    except msgspec.ValidationError as error:
        raise Refused(f"the charger's answer cannot be understood: {error}; it is {answer.decode()}") from None
    rows = [
        {"key": entry.key, "value": entry.value, "readonly": str(entry.readonly).lower() in ("true", "1")}
        for entry in sorted(keys.configuration_key or [], key=lambda entry: str(entry.key).lower())
    ]
    print_rows(rows, ("key", "value", Column("readonly", "read only")), args.format)
    unknown = keys.unknown_key or []
    if unknown:
        print(f"tinyocpp: the charger does not know {', '.join(unknown)}", file=sys.stderr)
    return Refused.exit_code if unknown else 0


def put_options(parser: ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY")
    parser.add_argument("value", metavar="VALUE")
    _add_charger(parser)


def put(args: Namespace, config: Config) -> int:
    payload = msgspec.json.encode({"key": args.key, "value": args.value})
    with open_charger(config.runtime_directories, args.charger) as charger:
        answer = charger.call("ChangeConfiguration", payload, timeout_s=args.timeout)
    print(f"{args.key}: {status_of(answer)}")
    if status_of(answer) == "RebootRequired":
        print('It counts after a restart: tinyocpp-command Reset \'{"type":"Soft"}\'')
    return 0 if agreed(answer) else Refused.exit_code


def _add_charger(parser: ArgumentParser) -> None:
    parser.add_argument("--charger", metavar="ID", help="may be left out while exactly one is connected")
    add_timeout(parser, ANSWER_TIMEOUT_S)
