"""`tinyocpp charger password`: what a charger logs in with, and another one brought to it while it is connected.

A password is never part of a command line, of a log or of an error. Which of two counts while a new one is on its way
is settled by the host that sends it (handlers/access.py) and by the door, so nothing here can lock a charger out: not
even an end in the middle.
"""

from __future__ import annotations

import sys
import time
from shlex import quote
from typing import TYPE_CHECKING

from tinyocpp.cli.charger.door import add_identity, identity_typed
from tinyocpp.cli.known import look_up
from tinyocpp.cli.program import add_timeout
from tinyocpp.cli.writing import writing
from tinyocpp.commands import ANSWER_TIMEOUT_S, agreed, status_of
from tinyocpp.companions.commandclient import open_charger
from tinyocpp.errors import CallRefused, Malformed, NoAnswer, OperatorError, Refused, Unavailable
from tinyocpp.masking import MASK
from tinyocpp.messages.core_central import ChangeConfiguration
from tinyocpp.messages.payload import encode_payload
from tinyocpp.passwords import (
    LONGEST_KEY_BYTES,
    MOST_UNDER_WAY,
    SHORTEST_KEY_BYTES,
    authorization_key,
    hash_password,
    make_password,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.companions.commandclient import CommandClient
    from tinyocpp.config import Config
    from tinyocpp.storage import Registered

KEY = "AuthorizationKey"
RETURN_S = 10.0
LOOK_AGAIN_S = 0.2
BOTH_COUNT = "the old password and the new one both count until it comes with the new one"


def password_options(parser: ArgumentParser) -> None:
    add_identity(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--rotate", action="store_true", help="bring it to the charger, which has to be connected")
    which.add_argument("--remove", action="store_true", help="ask this charger for none any more")
    add_timeout(parser, ANSWER_TIMEOUT_S)


def password(args: Namespace, config: Config) -> int:
    identity = identity_typed(args.id)
    if args.remove:
        return _remove(identity, config)
    if args.rotate:
        return _rotate(identity, config, args.timeout)
    typed = _typed()
    password = typed or make_password()
    with writing(config) as store:
        store.register.set_password(identity, hash_password(password))
    if not typed:
        _show(identity, password)
    print(f"{identity} needs it from its next connection on. {_how_to_enter(identity, password)}")
    return 0


def _typed() -> str:
    return "" if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


def _show(identity: str, password: str) -> None:
    print(f"user name: {identity}\npassword:  {password}\nIt is not shown again.")


def _how_to_enter(identity: str, password: str) -> str:
    if authorization_key(password) is None:
        needed = f"{SHORTEST_KEY_BYTES} to {LONGEST_KEY_BYTES} bytes"
        return f"Type it into the charger: as {KEY} it would need {needed}."
    return f"Type it into the charger; or, while it is connected, bring it one:\n  {_rotate_command(identity)}"


def _rotate_command(identity: str) -> str:
    return f"tinyocpp charger password --rotate {quote(identity)}"


def _remove(identity: str, config: Config) -> int:
    known = look_up(identity, config)
    configured = config.for_charger(identity).security_profile
    least = max(configured, known.security_profile if known else 0)
    if least in (1, 2):
        lower = f"tinyocpp charger security {quote(identity)} --lower 0"
        remedy = f"set charger.{identity}.security_profile = 0" if configured == least else lower
        raise Refused(f"security_profile = {least} of {identity} wants a password; first: {remedy}")
    with writing(config) as store:
        store.register.set_password(identity, None)
    print(f"{identity} needs no password any more")
    return 0


# --- another one, while it is connected (security paper, A01)


def _rotate(identity: str, config: Config, timeout_s: float) -> int:
    typed = _typed()
    password = typed or make_password()
    key = authorization_key(password)
    if key is None:
        needed = f"{SHORTEST_KEY_BYTES} to {LONGEST_KEY_BYTES} bytes"
        raise Malformed(f"a charger's {KEY} holds {needed}: type another, or none to have one made")
    known = look_up(identity, config)
    if known is not None and len(known.keys.under_way) >= MOST_UNDER_WAY:
        raise Refused(
            f"nobody knows which of the last {MOST_UNDER_WAY} passwords {identity} has; it shows when it connects"
            f" again: tinyocpp charger reset --charger {quote(identity)}"
        )
    with open_charger(config.runtime_directories, identity) as charger:
        try:
            answer = _send(charger, key, timeout_s)
        except (NoAnswer, CallRefused, Unavailable) as error:
            _show_made(identity, password, typed)
            raise type(error)(f"{_without(key, error)}; {BOTH_COUNT}") from None
    if not agreed(answer):
        raise Refused(_why_not(identity, status_of(answer) or ""))
    _show_made(identity, password, typed)
    print(_outcome(identity, status_of(answer) or "", look_up(identity, config)))
    if (status_of(answer) or "").lower() == "accepted":
        print(_return(identity, known, config))
    return 0


def _return(identity: str, before: Registered | None, config: Config) -> str:
    """A charger that took it connects again with it (A01.FR.05); what is typed next should find it there."""
    came_at = before.connected_at if before else None
    deadline = time.monotonic() + RETURN_S
    while time.monotonic() < deadline:
        known = look_up(identity, config)
        if known is not None and known.connected_at != came_at:
            with_it = known.keys.current is not None and not known.keys.under_way
            return f"It is back, {'with it' if with_it else 'without it as yet'}."
        time.sleep(LOOK_AGAIN_S)
    return f"It has not connected again within {RETURN_S:g} s; it will use it when it does."


def _send(charger: CommandClient, key: str, timeout_s: float) -> bytes:
    payload = encode_payload(ChangeConfiguration(key=KEY, value=key))
    return charger.call("ChangeConfiguration", payload, timeout_s=timeout_s)


def _without(key: str, error: OperatorError) -> str:
    """A charger may say what it did not like."""
    return str(error).replace(key, MASK).replace(key.upper(), MASK)


def _show_made(identity: str, password: str, typed: str) -> None:
    if not typed:
        _show(identity, password)


def _why_not(identity: str, status: str) -> str:
    if status.lower() == "notsupported":
        return f"{identity} knows no {KEY}: its password is changed in its own menu; the old one counts as before"
    return f"{identity} answered {status} and keeps its old password, which counts as before"


def _outcome(identity: str, status: str, known: Registered | None) -> str:
    if status.lower() != "accepted":
        return (
            f"{identity} answered {status or 'without a status'}: the new password counts after a restart, and"
            f" {BOTH_COUNT}:\n  tinyocpp charger reset --charger {quote(identity)}"
        )
    if known is not None and known.keys.current is None:
        return (
            f"{identity} has its first password. It is needed from when it first comes with it; some send it only once"
            f" they are told to:\n  tinyocpp charger security {quote(identity)} 1"
        )
    return f"{identity} has the new password; the old one counts no more"
