"""`tinyocpp charger`: who may connect, with which password, and a charger's own keys.

`list`, `admit`, `forget` and `password` work on the accounting database, whether or not anything runs; a running host
asks it for every connection. `get` and `set` ask the charger itself. A password is never part of a command line.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from shlex import quote
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.program import add_timeout
from tinyocpp.cli.tables import Column, add_format, local_time, print_rows
from tinyocpp.commands import ANSWER_TIMEOUT_S, agreed, status_of
from tinyocpp.companions.commandclient import connected_chargers, open_charger
from tinyocpp.errors import Malformed, NotPermitted, Refused, StorageError
from tinyocpp.identity import RULE, fold_identity, valid_identity
from tinyocpp.passwords import (
    LONGEST_KEY_BYTES,
    SHORTEST_KEY_BYTES,
    authorization_key,
    hash_password,
    make_password,
)
from tinyocpp.storage import BUSY, open_reader, open_store

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterator

    from tinyocpp.config import Config
    from tinyocpp.storage import Register, Registered


def configure(parser: ArgumentParser) -> None:
    words = parser.add_subparsers(dest="what", required=True, metavar="list|admit|forget|password|get|set")
    add_format(words.add_parser("list", help="everybody who ever came to the door", allow_abbrev=False))
    for word, summary in (
        ("admit", "let this charger connect"),
        ("forget", "no longer; its password goes too, what was booked stays"),
    ):
        words.add_parser(word, help=summary, allow_abbrev=False).add_argument("id", metavar="ID")

    password = words.add_parser("password", help="read one from standard input, or make one", allow_abbrev=False)
    password.add_argument("id", metavar="ID")
    password.add_argument("--remove", action="store_true", help="ask this charger for none any more")

    get = words.add_parser("get", help="show the charger's own settings, or some of them", allow_abbrev=False)
    get.add_argument("key", metavar="KEY", nargs="*", help="as GetConfiguration knows it (default: all)")
    put = words.add_parser("set", help="change one of the charger's own settings", allow_abbrev=False)
    put.add_argument("key", metavar="KEY")
    put.add_argument("value", metavar="VALUE")
    for asking in (get, put):
        asking.add_argument("--charger", metavar="ID", help="may be left out while exactly one is connected")
        add_timeout(asking, ANSWER_TIMEOUT_S)
    add_format(get)


def run(args: Namespace, config: Config) -> int:
    return WHAT[args.what](args, config)


def connected_now(config: Config) -> set[str]:
    """The identities, folded, whose command socket answers. Says so where this user may not know."""
    try:
        return set(connected_chargers(config.runtime_directories))
    except NotPermitted as error:
        print(f"tinyocpp: who is connected cannot be seen: {error}", file=sys.stderr)
        return set()


# --- who may connect


def _list(args: Namespace, config: Config) -> int:
    known = []
    if os.path.exists(config.paths.accounting):
        with closing(open_reader(config)) as reader:
            known = [one.registered for one in reader.chargers()]
    connected = connected_now(config)
    time = local_time(config.zone())
    rows = [_row(one, connected) for one in known]
    columns = (
        Column("charger_id", "charger"),
        Column("connected"),
        Column("admitted_at", "admitted", time),
        Column("password"),
        Column("last_seen_at", "last seen", time),
        Column("model"),
        Column("refusals", "refused", lambda times: str(times or "")),
        Column("refused_why", "why"),
    )
    print_rows(
        rows, columns, args.format, empty="no charger has connected yet; tinyocpp doctor says what to type into it"
    )
    return 0


def _row(one: Registered, connected: set[str]) -> dict[str, object]:
    row = msgspec.structs.asdict(one)
    row["password"] = row.pop("password_hash") is not None
    return row | {"connected": fold_identity(one.charger_id) in connected}


def _admit(args: Namespace, config: Config) -> int:
    with _register(config) as register:
        register.admit(_identity(args.id), datetime.now(UTC))
    print(f"{args.id} may connect from now on; most chargers try again by themselves within a minute or two")
    return 0


def _forget(args: Namespace, config: Config) -> int:
    with _register(config) as register:
        if not register.forget(args.id):
            raise Refused(f"there is no charger {args.id}; see: tinyocpp charger list")
    print(f"{args.id} is forgotten; what it charged stays booked")
    if fold_identity(args.id) in connected_now(config):
        print("It is connected and stays so until its connection ends.")
    return 0


def _password(args: Namespace, config: Config) -> int:
    identity = _identity(args.id)
    if args.remove:
        _set_password(config, identity, None)
        print(f"{identity} needs no password any more")
        return 0
    typed = "" if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    password = typed or make_password()
    _set_password(config, identity, hash_password(password))
    if not typed:
        print(f"user name: {identity}\npassword:  {password}\nIt is not shown again.")
    print(f"{identity} needs it from its next connection on. {_how_to_send(identity, password)}")
    return 0


def _how_to_send(identity: str, password: str) -> str:
    key = authorization_key(password)
    if key is None:
        needed = f"{SHORTEST_KEY_BYTES} to {LONGEST_KEY_BYTES} bytes"
        return f"Type it into the charger: as AuthorizationKey it would need {needed}."
    return f"Type it into the charger, or:\n  tinyocpp charger set --charger {quote(identity)} AuthorizationKey {key}"


def _set_password(config: Config, identity: str, password_hash: str | None) -> None:
    with _register(config) as register:
        register.set_password(identity, password_hash)


def _identity(typed: str) -> str:
    if not valid_identity(typed):
        raise Malformed(f"{typed!r}: {RULE}")
    return typed


@contextmanager
def _register(config: Config) -> Iterator[Register]:
    """One batch; durable when it ends without an error."""
    with closing(open_store(config)) as store:
        if not store.begin():
            raise StorageError(f"{BUSY}; try again")
        yield store.register
        store.commit()


# --- the charger's own keys


class _Key(msgspec.Struct):
    """One entry of GetConfiguration's answer; what firmware makes of its types is its own affair (quirk S16)."""

    key: object = ""
    value: object = None
    readonly: object = False


class _Keys(msgspec.Struct, rename="camel"):
    configuration_key: list[_Key] | None = None
    unknown_key: list[str] | None = None


def _get(args: Namespace, config: Config) -> int:
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


def _set(args: Namespace, config: Config) -> int:
    payload = msgspec.json.encode({"key": args.key, "value": args.value})
    with open_charger(config.runtime_directories, args.charger) as charger:
        answer = charger.call("ChangeConfiguration", payload, timeout_s=args.timeout)
    print(f"{args.key}: {status_of(answer)}")
    if status_of(answer) == "RebootRequired":
        print('It counts after a restart: tinyocpp-command Reset \'{"type":"Soft"}\'')
    return 0 if agreed(answer) else Refused.exit_code


WHAT: dict[str, Callable[[Namespace, Config], int]] = {
    "list": _list,
    "admit": _admit,
    "forget": _forget,
    "password": _password,
    "get": _get,
    "set": _set,
}
