"""`tinyocpp charger diagnostics get`, `log get`: the charger brings a file, here or to a URL."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.charger.dialogue import dialogue
from tinyocpp.cli.charger.upkeep.goals import FileHere
from tinyocpp.cli.charger.upkeep.handover import (
    add_transfer,
    check_url,
    is_url,
    needs_us,
    next_number,
    patience_of,
    send,
    served,
    wait,
)
from tinyocpp.cli.charger.upkeep.story import Story
from tinyocpp.cli.charger.words import UNKNOWN_CALL
from tinyocpp.cli.moments import read_moment
from tinyocpp.errors import Malformed
from tinyocpp.hosts.filedoor.goods import Inbox
from tinyocpp.messages.firmware import GetDiagnostics
from tinyocpp.messages.security import GetLog, LogParameters, LogType

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from tinyocpp.config import Config

NOTHING_S = 30.0  # how long a charger that names no file may still bring one
MOST_MB, MB = 512, 1_000_000


def get_diagnostics_options(parser: ArgumentParser) -> None:
    _add_upload(parser)


def get_diagnostics(args: Namespace, config: Config) -> int:
    since, until = _span(args, config)
    patience_s = patience_of(args)
    with _taken(args) as inbox, dialogue(args, config) as charger:
        goal = FileHere(charger.charger_id, "DiagnosticsStatusNotification", inbox, patience_s)
        story = Story(charger, goal)
        with served(args, charger, inbox, story, args.to) as url:
            call = GetDiagnostics(
                location=url,
                start_time=since,
                stop_time=until,
                retries=args.retries,
                retry_interval=args.retry_interval,
            )
            answer = send(charger, call, dict.fromkeys(UNKNOWN_CALL, "it brings none; try: tinyocpp charger log get"))
            _named(answer, inbox, goal)
            return wait(args, story, url)


def get_log_options(parser: ArgumentParser) -> None:
    parser.add_argument("--security", action="store_true", help="the log of security events (default: diagnostics)")
    _add_upload(parser)


def get_log(args: Namespace, config: Config) -> int:
    since, until = _span(args, config)
    patience_s = patience_of(args)
    with _taken(args) as inbox, dialogue(args, config) as charger:
        request_id = next_number(charger)
        goal = FileHere(charger.charger_id, "LogStatusNotification", inbox, patience_s)
        story = Story(charger, goal, request_id)
        with served(args, charger, inbox, story, args.to) as url:
            call = GetLog(
                log_type=LogType.SECURITY_LOG if args.security else LogType.DIAGNOSTICS_LOG,
                request_id=request_id,
                log=LogParameters(remote_location=url, oldest_timestamp=since, latest_timestamp=until),
                retries=args.retries,
                retry_interval=args.retry_interval,
            )
            other = "it keeps no such log" if args.security else "try: tinyocpp charger diagnostics get"
            remedies = {**dict.fromkeys(UNKNOWN_CALL, other), "Rejected": "it has no such log, or not of that time"}
            _named(send(charger, call, remedies), inbox, goal)
            return wait(args, story, url)


def _add_upload(parser: ArgumentParser) -> None:
    parser.add_argument("--to", metavar="FILE|DIR|URL", default=".", help="where it goes (default: here)")
    parser.add_argument("--since", metavar="TIME", help="nothing older")
    parser.add_argument("--until", metavar="TIME", help="nothing newer")
    parser.add_argument("--most-mb", metavar="N", type=int, default=MOST_MB, help=f"take no more (default: {MOST_MB})")
    add_transfer(parser)


def _span(args: Namespace, config: Config) -> tuple[datetime | None, datetime | None]:
    now, zone = datetime.now(UTC), config.zone()
    since = read_moment(args.since, "--since", now, zone) if args.since else None
    until = read_moment(args.until, "--until", now, zone) if args.until else None
    if since and (since > now or (until and until <= since)):
        raise Malformed(f"--since {args.since}: nothing can have happened between then and {args.until or 'now'}")
    return since, until


@contextmanager
def _taken(args: Namespace) -> Iterator[Inbox | None]:
    if is_url(args.to):
        check_url(args.to, "--to")
        yield None
        return
    needs_us(args, "taken")
    if not args.to:
        raise Malformed("--to is empty; name a folder, a file or a URL, or leave it out for this folder")
    if args.most_mb < 1:
        raise Malformed("--most-mb: at least 1")
    folder = args.to if args.to.endswith("/") or os.path.isdir(args.to) else os.path.dirname(os.path.abspath(args.to))
    if not os.path.isdir(folder):
        raise Malformed(f"--to {args.to}: there is no folder {folder}; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Malformed(f"--to {args.to}: nothing can be written there; choose another with --to")
    inbox = Inbox(args.to, args.most_mb * MB)
    try:
        yield inbox
    finally:
        inbox.close()


class _Name(msgspec.Struct):
    file_name: object = msgspec.field(name="fileName", default=None)  # GetDiagnostics
    filename: object = None  # GetLog


def _named(answer: bytes, inbox: Inbox | None, goal: FileHere) -> None:
    """What the file will be called; a charger that names none may have nothing to tell (section 5.9)."""
    try:
        names = msgspec.json.decode(answer, type=_Name)
    except (msgspec.MsgspecError, RecursionError):  # not worth losing the file for
        names = _Name()
    name = names.file_name or names.filename
    if name and inbox is not None:
        inbox.default_name = str(name)
    if not name:
        goal.nothing_s = NOTHING_S
