"""`tinyocpp charger firmware update`, `diagnostics get`, `log get`: a file goes to the charger, or comes from it.

Where the file is here, or is to come here, the word itself is the server for as long as it waits (hosts/filedoor); with
a URL it is somebody else's. Then it tells what the charger tells, until it is over (story.py, goals.py). What a person
got wrong is refused before anything is sent.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from tinyocpp.cli.charger.dialogue import Dialogue, add_charger, dialogue
from tinyocpp.cli.charger.goals import RETRY_S, Update, Upload, amount
from tinyocpp.cli.charger.signature import read_signed, verify
from tinyocpp.cli.charger.story import Story
from tinyocpp.cli.moments import read_moment
from tinyocpp.commands import ANSWER_TIMEOUT_S, agreed, status_of
from tinyocpp.errors import CallRefused, Malformed, NoAnswer, Refused
from tinyocpp.hosts.filedoor import open_door
from tinyocpp.hosts.filedoor.goods import Inbox, Offer
from tinyocpp.messages.core_central import GetConfiguration
from tinyocpp.messages.firmware import GetDiagnostics, UpdateFirmware
from tinyocpp.messages.payload import Payload, encode_payload, whole_seconds
from tinyocpp.messages.security import Firmware, GetLog, LogParameters, LogType, SignedUpdateFirmware

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from tinyocpp.cli.charger.signature import Signed
    from tinyocpp.config import Config

QUIET_S = 1800.0  # a charger may finish a charge before it installs anything
NOTHING_S = 30.0  # how long a charger that names no file may still bring one
PROTOCOLS_S = 20.0  # for a question that need not be answered
SCHEMES = ("http", "https", "ftp", "ftps", "sftp")
LONGEST_URL = 512
MOST_MB, MB = 512, 1_000_000
PROTOCOLS = "SupportedFileTransferProtocols"
NEVER = ("NotSupported", "NotImplemented")


# --- firmware update


def update_firmware_options(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE|URL", help="a file here, which is served meanwhile, or where it is")
    parser.add_argument("--at", metavar="TIME", help="not before then, such as 23:30 (default: now)")
    parser.add_argument("--signature", metavar="F", help="the maker's signature: signed firmware")
    parser.add_argument("--certificate", metavar="F", help="the maker's signing certificate, PEM")
    parser.add_argument("--anyway", action="store_true", help="send a signature that is wrong")
    _add_transfer(parser)


def update_firmware(args: Namespace, config: Config) -> int:
    now = datetime.now(UTC)
    at = now if args.at is None else read_moment(args.at, "--at", now, config.zone())
    if args.at and at < now:
        raise Malformed(f"--at {args.at} is over; write a time to come, with its day if it is not today")
    retry_s = _retry_s(args)
    with _offered(args) as offer:
        signed = _signed(args)
        with dialogue(args, config) as talk:
            goal = Update(talk.charger_id, offer, retry_s)
            request_id = _next_number(talk)
            story = Story(talk, goal, request_id if signed else None)
            with _served(args, talk, offer, story, args.file) as url:
                _send_update(args, talk, url, whole_seconds(at), signed, request_id)
                return _wait(args, story, url, wait_s=max(0.0, (at - now).total_seconds()))


def _send_update(
    args: Namespace, talk: Dialogue, url: str, at: datetime, signed: Signed | None, request_id: int
) -> None:
    if signed is None:
        plain = UpdateFirmware(location=url, retrieve_date=at, retries=args.retries, retry_interval=args.retry_interval)
        remedy = "it may take signed firmware only: give --signature and --certificate"
        _send(talk, plain, dict.fromkeys(NEVER, remedy))
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
    _send(talk, call, remedies)


def _signed(args: Namespace) -> Signed | None:
    if not args.signature and not args.certificate:
        return None
    if not args.signature or not args.certificate:
        raise Malformed("signed firmware needs both --signature and --certificate")
    signed = read_signed(args.signature, args.certificate, anyway=args.anyway)
    if not args.anyway and not _is_url(args.file) and (unchecked := verify(signed, args.file)):
        print(f"tinyocpp: {unchecked}", file=sys.stderr)
    return signed


@contextmanager
def _offered(args: Namespace) -> Iterator[Offer | None]:
    if _is_url(args.file):
        _check_url(args.file, "FILE|URL")
        yield None
        return
    _needs_us(args, "served")
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
    retry_s = _retry_s(args)
    with _taken(args) as inbox, dialogue(args, config) as talk:
        goal = Upload(talk.charger_id, "DiagnosticsStatusNotification", inbox, retry_s)
        story = Story(talk, goal)
        with _served(args, talk, inbox, story, args.to) as url:
            call = GetDiagnostics(
                location=url,
                start_time=since,
                stop_time=until,
                retries=args.retries,
                retry_interval=args.retry_interval,
            )
            answer = _send(talk, call, dict.fromkeys(NEVER, "it brings none; try: tinyocpp charger log get"))
            _named(answer, inbox, goal)
            return _wait(args, story, url)


def get_log_options(parser: ArgumentParser) -> None:
    parser.add_argument("--security", action="store_true", help="the log of security events (default: diagnostics)")
    _add_upload(parser)


def get_log(args: Namespace, config: Config) -> int:
    since, until = _span(args, config)
    retry_s = _retry_s(args)
    with _taken(args) as inbox, dialogue(args, config) as talk:
        request_id = _next_number(talk)
        goal = Upload(talk.charger_id, "LogStatusNotification", inbox, retry_s)
        story = Story(talk, goal, request_id)
        with _served(args, talk, inbox, story, args.to) as url:
            call = GetLog(
                log_type=LogType.SECURITY_LOG if args.security else LogType.DIAGNOSTICS_LOG,
                request_id=request_id,
                log=LogParameters(remote_location=url, oldest_timestamp=since, latest_timestamp=until),
                retries=args.retries,
                retry_interval=args.retry_interval,
            )
            other = "it keeps no such log" if args.security else "try: tinyocpp charger diagnostics get"
            remedies = {**dict.fromkeys(NEVER, other), "Rejected": "it has no such log, or not of that time"}
            _named(_send(talk, call, remedies), inbox, goal)
            return _wait(args, story, url)


def _add_upload(parser: ArgumentParser) -> None:
    parser.add_argument("--to", metavar="FILE|DIR|URL", default=".", help="where it goes (default: here)")
    parser.add_argument("--since", metavar="TIME", help="nothing older")
    parser.add_argument("--until", metavar="TIME", help="nothing newer")
    parser.add_argument("--most-mb", metavar="N", type=int, default=MOST_MB, help=f"take no more (default: {MOST_MB})")
    _add_transfer(parser)


def _span(args: Namespace, config: Config) -> tuple[datetime | None, datetime | None]:
    now, zone = datetime.now(UTC), config.zone()
    since = read_moment(args.since, "--since", now, zone) if args.since else None
    until = read_moment(args.until, "--until", now, zone) if args.until else None
    if since and (since > now or (until and until <= since)):
        raise Malformed(f"--since {args.since}: nothing can have happened between then and {args.until or 'now'}")
    return since, until


@contextmanager
def _taken(args: Namespace) -> Iterator[Inbox | None]:
    if _is_url(args.to):
        _check_url(args.to, "--to")
        yield None
        return
    _needs_us(args, "taken")
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


def _named(answer: bytes, inbox: Inbox | None, goal: Upload) -> None:
    """What the file will be called; a charger that names none may have nothing to tell (section 5.9)."""
    names = msgspec.json.decode(answer, type=_Name)
    name = names.file_name or names.filename
    if name and inbox is not None:
        inbox.default_name = str(name)
    if not name:
        goal.nothing_s = NOTHING_S


# --- what they have in common


def _add_transfer(parser: ArgumentParser) -> None:
    parser.add_argument("--retries", metavar="N", type=int, help="how often the charger tries again (default: its own)")
    parser.add_argument("--retry-interval", metavar="S", type=int, help="seconds between two tries")
    parser.add_argument("--ftp", action="store_true", help="FTP instead of HTTP; needs pyftpdlib")
    parser.add_argument("--host", metavar="H", default="", help="how the charger reaches us (default: found out)")
    parser.add_argument("--port", metavar="P", type=int, default=0, help="for the file (default: any)")
    parser.add_argument("--no-wait", action="store_true", help="only ask; for a URL")
    add_charger(parser, QUIET_S)


@contextmanager
def _served(args: Namespace, talk: Dialogue, goods: Offer | Inbox | None, story: Story, typed: str) -> Iterator[str]:
    """The URL for the charger: a door of ours that is open meanwhile, or what was typed."""
    if goods is None:
        yield typed
        return
    kind = "ftp" if args.ftp else _spoken(talk)
    peer = story.now.connected_from if story.now else ""
    door = open_door(kind, goods, args.host, args.port, peer, story.visitor)
    try:
        what = f"{goods.name} ({amount(goods.size)})" if isinstance(goods, Offer) else "what it brings"
        print(f"tinyocpp: for {what}: {door.url}", file=sys.stderr)
        yield door.url
    except KeyboardInterrupt:
        print(
            f"\ntinyocpp: {talk.charger_id} may go on by itself; {door.url} is no longer served,"
            " and what was on its way is lost",
            file=sys.stderr,
        )
        raise
    finally:
        door.close()


def _spoken(talk: Dialogue) -> str:
    """HTTP, unless the charger says that it knows FTP but not HTTP (quirk B14)."""
    said = talk.told(PROTOCOLS)
    if said is None:
        call = GetConfiguration(key=(PROTOCOLS,))
        with contextlib.suppress(CallRefused, NoAnswer):
            talk.client.call("GetConfiguration", encode_payload(call), timeout_s=PROTOCOLS_S)
            said = talk.told(PROTOCOLS)
    spoken = set(re.split(r"[^A-Z]+", (said or "").upper()))
    if "HTTP" in spoken or not spoken & {"FTP", "FTPS"}:
        return "http"
    return "ftp"


def _send(talk: Dialogue, call: Payload, remedies: dict[str, str]) -> bytes:
    """The answer, if it is a yes. Raises Refused or CallRefused, with the remedy for that status or code."""
    action = type(call).__name__
    try:
        answer = talk.client.call(action, encode_payload(call), timeout_s=ANSWER_TIMEOUT_S)
    except CallRefused as refused:
        remedy = remedies.get(refused.code, "")
        raise CallRefused(f"{refused}" + (f"; {remedy}" if remedy else ""), refused.code) from None
    if not agreed(answer):
        status = status_of(answer) or ""
        remedy = remedies.get(status, "")
        raise Refused(f"{talk.charger_id} answered {status}" + (f": {remedy}" if remedy else ""))
    return answer


def _wait(args: Namespace, story: Story, url: str, *, wait_s: float = 0.0) -> int:
    if args.no_wait:
        print(f"asked; nobody waits for it: see tinyocpp charger list and tinyocpp log. It is about {url}")
        return 0
    print(story.until_end(args.timeout, wait_s))
    return 0


def _next_number(talk: Dialogue) -> int:
    """A request's, above all that are known of this charger."""
    known = [one.request_id or 0 for one in talk.reader.upkeep(talk.charger_id)]
    return max(0, *known) + 1 if known else 1


def _retry_s(args: Namespace) -> float:
    """How long after a failure the charger may try again."""
    if args.retries is not None and args.retries < 0:
        raise Malformed("--retries: 0 or more")
    if args.retry_interval is not None and args.retry_interval < 0:
        raise Malformed("--retry-interval: 0 or more")
    if not args.retries:
        return 0.0
    return float(RETRY_S if args.retry_interval is None else args.retry_interval) + RETRY_S


def _is_url(typed: str) -> bool:
    return "://" in typed


def _check_url(url: str, where: str) -> None:
    try:
        parts = urlsplit(url)
        known = parts.scheme in SCHEMES and bool(parts.hostname)
        known = known and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known or not re.fullmatch(r"[!-~]+", url):
        raise Malformed(
            f"{where} {url}: no URL a charger can use; write http://, https://, ftp:// or ftps://, no spaces"
        )
    if len(url) > LONGEST_URL:
        raise Malformed(f"{where}: the URL is longer than the {LONGEST_URL} characters of the standard")


def _needs_us(args: Namespace, what: str) -> None:
    if args.no_wait:
        raise Malformed(f"--no-wait: the file is {what} only while we wait; give a URL instead")
    if not 0 <= args.port <= 65_535:
        raise Malformed(f"--port {args.port}: 0 to 65535")
    if args.host and not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", args.host):
        raise Malformed(f"--host {args.host}: a name or an address, without port")
