"""`tinyocpp charger firmware update`: new firmware, from a file here or a URL, plain or signed by its maker."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tinyocpp.cli.charger.dialogue import Dialogue, dialogue
from tinyocpp.cli.charger.upkeep.goals import NewFirmware
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
from tinyocpp.cli.charger.upkeep.signature import read_signed, verify
from tinyocpp.cli.charger.upkeep.story import Story
from tinyocpp.cli.charger.words import UNKNOWN_CALL
from tinyocpp.cli.moments import read_moment
from tinyocpp.errors import Malformed
from tinyocpp.hosts.filedoor.goods import Offer
from tinyocpp.messages.firmware import UpdateFirmware
from tinyocpp.messages.payload import whole_seconds
from tinyocpp.messages.security import Firmware, SignedUpdateFirmware

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from tinyocpp.cli.charger.upkeep.signature import Signed
    from tinyocpp.config import Config


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
            request_id = next_number(charger)
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
        send(charger, plain, dict.fromkeys(UNKNOWN_CALL, remedy))
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
        **dict.fromkeys(UNKNOWN_CALL, "it knows no signed firmware: leave --signature and --certificate out"),
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
