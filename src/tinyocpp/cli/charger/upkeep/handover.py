"""How a file changes hands: by a door of ours that is open while we wait, or at a URL where somebody else has it.

What firmware, diagnostics and logs have in common: their options, the URL the charger is told, the answer it must give,
and the waiting.
"""

from __future__ import annotations

import contextlib
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tinyocpp.cli.charger.dialogue import Dialogue, add_charger
from tinyocpp.cli.charger.upkeep.goals import RETRY_S, amount
from tinyocpp.commands import ANSWER_TIMEOUT_S, agreed, status_of
from tinyocpp.errors import CallRefused, Malformed, NoAnswer, Refused
from tinyocpp.hosts.filedoor import open_door
from tinyocpp.hosts.filedoor.goods import Inbox, Offer
from tinyocpp.messages.core_central import GetConfiguration
from tinyocpp.messages.payload import Payload, encode_payload

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from tinyocpp.cli.charger.upkeep.story import Story

QUIET_S = 1800.0  # a charger may finish a charge before it installs anything
PROTOCOLS_S = 20.0  # for a question that need not be answered
SCHEMES = ("http", "https", "ftp", "ftps", "sftp")
LONGEST_URL = 512
HIGHEST_NUMBER = 2**31 - 1  # that a charger may keep as its request's
PROTOCOLS = "SupportedFileTransferProtocols"


def add_transfer(parser: ArgumentParser) -> None:
    parser.add_argument("--retries", metavar="N", type=int, help="how often the charger tries again (default: its own)")
    parser.add_argument("--retry-interval", metavar="S", type=int, help="seconds between two tries")
    parser.add_argument("--ftp", action="store_true", help="FTP instead of HTTP; needs pyftpdlib")
    parser.add_argument("--host", metavar="H", default="", help="how the charger reaches us (default: found out)")
    parser.add_argument("--port", metavar="P", type=int, default=0, help="for the file (default: any)")
    parser.add_argument("--no-wait", action="store_true", help="only ask; for a URL")
    add_charger(parser, QUIET_S)


@contextmanager
def served(args: Namespace, charger: Dialogue, goods: Offer | Inbox | None, story: Story, typed: str) -> Iterator[str]:
    """The URL for the charger: a door of ours that is open meanwhile, or what was typed."""
    if goods is None:
        yield typed
        return
    kind = "ftp" if args.ftp else _spoken(charger)
    peer = story.now.connected_from if story.now else ""
    door = open_door(kind, goods, args.host, args.port, peer, story.visitor)
    try:
        what = f"{goods.name} ({amount(goods.size)})" if isinstance(goods, Offer) else "what it brings"
        print(f"tinyocpp: for {what}: {door.url}", file=sys.stderr)
        yield door.url
    except KeyboardInterrupt:
        print(
            f"\ntinyocpp: {charger.charger_id} may go on by itself; {door.url} is no longer served,"
            " and what was on its way is lost",
            file=sys.stderr,
        )
        raise
    finally:
        door.close()


def _spoken(charger: Dialogue) -> str:
    """HTTP, unless the charger says that it knows FTP but not HTTP (quirk B14)."""
    said = charger.told(PROTOCOLS)
    if said is None:
        call = GetConfiguration(key=(PROTOCOLS,))
        with contextlib.suppress(CallRefused, NoAnswer):
            charger.client.call("GetConfiguration", encode_payload(call), timeout_s=PROTOCOLS_S)
            said = charger.told(PROTOCOLS)
    spoken = set(re.findall(r"[A-Z]+", (said or "").upper()))
    if spoken and not spoken & {"HTTP", "FTP"}:
        print(
            f"tinyocpp: {charger.charger_id} says that it knows {said} only; if it does not come, put the file on a"
            " server that speaks that, and give the URL",
            file=sys.stderr,
        )
    return "ftp" if spoken & {"FTP", "FTPS"} and "HTTP" not in spoken else "http"


def send(charger: Dialogue, call: Payload, remedies: dict[str, str]) -> bytes:
    """The answer, if it is a yes. Raises Refused or CallRefused, with the remedy for that status or code."""
    action = type(call).__name__
    try:
        answer = charger.client.call(action, encode_payload(call), timeout_s=ANSWER_TIMEOUT_S)
    except CallRefused as refused:
        remedy = remedies.get(refused.code, "")
        raise CallRefused(f"{refused}" + (f"; {remedy}" if remedy else ""), refused.code) from None
    if not agreed(answer):
        status = status_of(answer) or ""
        remedy = remedies.get(status, "")
        raise Refused(f"{charger.charger_id} answered {status}" + (f": {remedy}" if remedy else ""))
    return answer


def wait(args: Namespace, story: Story, url: str, *, wait_s: float = 0.0) -> int:
    if args.no_wait:
        print(f"asked; nobody waits for it: see tinyocpp charger list and tinyocpp log. It is about {url}")
        return 0
    print(story.until_end(args.timeout, wait_s))
    return 0


def patience_of(args: Namespace) -> float:
    """How long after a failure the charger may try again."""
    if args.retries is not None and args.retries < 0:
        raise Malformed("--retries: 0 or more")
    if args.retry_interval is not None and args.retry_interval < 0:
        raise Malformed("--retry-interval: 0 or more")
    if not args.retries:
        return 0.0
    return float(RETRY_S if args.retry_interval is None else args.retry_interval) + RETRY_S


def is_url(typed: str) -> bool:
    return "://" in typed


def check_url(url: str, where: str) -> None:
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


def needs_us(args: Namespace, what: str) -> None:
    if args.no_wait:
        raise Malformed(f"--no-wait: the file is {what} only while we wait; give a URL instead")
    if not 0 <= args.port <= 65_535:
        raise Malformed(f"--port {args.port}: 0 to 65535")
    if args.host and not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", args.host):
        raise Malformed(f"--host {args.host}: a name or an address, without port")


def next_number(charger: Dialogue) -> int:
    """A request's, above all that are known of this charger; what it says by itself may be any number."""
    known = [one.request_id or 0 for one in charger.reader.upkeep(charger.charger_id)]
    return max((number for number in known if 0 < number < HIGHEST_NUMBER), default=0) + 1
