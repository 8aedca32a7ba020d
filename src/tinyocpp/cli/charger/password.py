"""`tinyocpp charger password`: what a charger logs in with. A password is never part of a command line."""

from __future__ import annotations

import sys
from shlex import quote
from typing import TYPE_CHECKING

from tinyocpp.cli.charger.door import add_identity, identity_typed, writing
from tinyocpp.passwords import (
    LONGEST_KEY_BYTES,
    SHORTEST_KEY_BYTES,
    authorization_key,
    hash_password,
    make_password,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.config import Config


def password_options(parser: ArgumentParser) -> None:
    add_identity(parser)
    parser.add_argument("--remove", action="store_true", help="ask this charger for none any more")


def password(args: Namespace, config: Config) -> int:
    identity = identity_typed(args.id)
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
    with writing(config) as store:
        store.register.set_password(identity, password_hash)
