"""`tinyocpp charger firmware update`, `diagnostics get`, `log get`: a file goes to the charger, or comes from it.

Where the file is here, or is to come here, the word itself is the server for as long as it waits (hosts/filedoor); with
a URL it is somebody else's. Then it tells what the charger tells, until it is over (story.py, goals.py). What a person
got wrong is refused before anything is sent.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.charger.dialogue import Dialogue, dialogue
from tinyocpp.cli.charger.goals import FileHere, NewFirmware
from tinyocpp.cli.charger.handover import add_transfer, check_url, is_url, needs_us, patience_of, send, served, wait
from tinyocpp.cli.charger.signature import read_signed, verify
from tinyocpp.cli.charger.story import Story
from tinyocpp.cli.moments import read_moment
from tinyocpp.errors import Malformed
from tinyocpp.hosts.filedoor.goods import Inbox, Offer
from tinyocpp.messages.firmware import GetDiagnostics, UpdateFirmware
from tinyocpp.messages.payload import whole_seconds
from tinyocpp.messages.security import Firmware, GetLog, LogParameters, LogType, SignedUpdateFirmware

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from tinyocpp.cli.charger.signature import Signed
    from tinyocpp.config import Config

NOTHING_S = 30.0  # how long a charger that names no file may still bring one
MOST_MB, MB = 512, 1_000_000
NEVER = ("NotSupported", "NotImplemented")
HIGHEST_NUMBER = 2**31 - 1  # that a charger may keep as its request's


# --- firmware update


def update_firmware_options(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE|URL", help="a file here, which is served meanwhile, or where it is")
    parser.add_argument("--at", metavar="TIME", help="not before then, such as 23:30 (default: now)")
    parser.add_argument("--signature", metavar="F", help="the maker's signature: signed firmware")
    parser.add_argument("--certificate", metavar="F", help="the maker's signing certificate, PEM")
    parser.add_argument("--anyway", action="store_true", help="send a signature that is wrong")
    add_transfer(parser)


def update_firmware(args: Namespace, config: Config) -> int:
    now = datetime.now(UTC)
    at = now if args.at is None else read_moment(args.at, "--at", now, config.zone())
    if args.at and at < now:
        raise Malformed(f"--at {args.at} is over; write a time to come, with its day if it is not today")
    patience_s = patience_of(args)
    with _offered(args) as offer:
        signed = _signed(args)
        with dialogue(args, config) as charger:
            goal = NewFirmware(charger.charger_id, offer, patience_s)
            request_id = _next_number(charger)
            story = Story(charger, goal, request_id if signed else None)
            with served(args, charger, offer, story, args.file) as url:
                _send_update(args, charger, url, whole_seconds(at), signed, request_id)
                return wait(args, story, url, wait_s=max(0.0, (at - now).total_seconds()))


def _send_update(
    args: Namespace, charger: Dialogue, url: str, at: datetime, signed: Signed | None, request_id: int
) -> None:
    if signed is None:
        plain = UpdateFirmware(location=url, retrieve_date=at, retries=args.retries, retry_interval=args.retry_interval)
        remedy = "it may take signed firmware only: give --signature and --certificate"
        send(charger, plain, dict.fromkeys(NEVER, remedy))
        return
    firmware = Firmware(
        location=url,
        retrieve_date_time=at,
        signing_certificate=signed.certificate,
        signature=signed.signature,
    )
    call = SignedUpdateFirmware(
        request_id=request_id, firmware=firmware, retries=args.retries, retry_interval=args.retry_interval
    )
    remedies = {
        **dict.fromkeys(NEVER, "it knows no signed firmware: leave --signature and --certificate out"),
        "Rejected": "is an update under way, or somebody charging? see tinyocpp status",
        "InvalidCertificate": "it does not trust the signing certificate: it is of another maker, or has expired",
        "RevokedCertificate": "the maker has revoked the signing certificate: get a newer file",
    }
    send(charger, call, remedies)


def _signed(args: Namespace) -> Signed | None:
    if not args.signature and not args.certificate:
        return None
    if not args.signature or not args.certificate:
        raise Malformed("signed firmware needs both --signature and --certificate")
    signed = read_signed(args.signature, args.certificate, anyway=args.anyway)
    if not args.anyway and not is_url(args.file) and (unchecked := verify(signed, args.file)):
        print(f"tinyocpp: {unchecked}", file=sys.stderr)
    return signed


@contextmanager
def _offered(args: Namespace) -> Iterator[Offer | None]:
    if is_url(args.file):
        check_url(args.file, "FILE|URL")
        yield None
        return
    needs_us(args, "served")
    try:
        offer = Offer(args.file)
    except OSError as error:
        raise Malformed(f"{args.file}: {error.strerror}; name the file the maker gave you, or its URL") from None
    try:
        yield offer
    finally:
        offer.close()


# --- diagnostics get, log get


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
            answer = send(charger, call, dict.fromkeys(NEVER, "it brings none; try: tinyocpp charger log get"))
            _named(answer, inbox, goal)
            return wait(args, story, url)


def get_log_options(parser: ArgumentParser) -> None:
    parser.add_argument("--security", action="store_true", help="the log of security events (default: diagnostics)")
    _add_upload(parser)


def get_log(args: Namespace, config: Config) -> int:
    since, until = _span(args, config)
    patience_s = patience_of(args)
    with _taken(args) as inbox, dialogue(args, config) as charger:
        request_id = _next_number(charger)
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
            remedies = {**dict.fromkeys(NEVER, other), "Rejected": "it has no such log, or not of that time"}
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


def _next_number(charger: Dialogue) -> int:
    """A request's, above all that are known of this charger; what it says by itself may be any number."""
    known = [one.request_id or 0 for one in charger.reader.upkeep(charger.charger_id)]
    return max((number for number in known if 0 < number < HIGHEST_NUMBER), default=0) + 1
