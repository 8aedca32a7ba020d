"""`tinyocpp tag`: who may charge. Works on the owner's file, which whatever runs reads anew by itself.

`learn` needs no number typed: it takes the card that was shown last and that nobody knows, or waits for the next.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.tables import Column, add_format, print_rows
from tinyocpp.errors import NoAnswer, Refused
from tinyocpp.modes import MODES
from tinyocpp.storage import open_reader, tagedit
from tinyocpp.storage.tagfile import read_expiry
from tinyocpp.tags import Tag, TagList, clean, fold

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyocpp.config import Config

SHOWN_WITHIN = timedelta(minutes=10)
POLL_S = 0.5
NEVER = "never"
AS_ITS_CHARGER = "default"

COLUMNS = (
    "id",
    "name",
    "group",
    "status",
    Column("expires", show=lambda value: str(value or "")),
    "transactions",
    "mode",
)


def configure(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="what", required=True, metavar="list|add|remove|learn")
    add_format(words.add_parser("list", help="everybody in the file", allow_abbrev=False))

    add = words.add_parser("add", help="let a tag charge, or change what is said of it", allow_abbrev=False)
    add.add_argument("id", metavar="ID", help="as the charger shows it; upper or lower case")
    _details(add)

    remove = words.add_parser("remove", help="take a tag out of the file", allow_abbrev=False)
    remove.add_argument("id", metavar="ID")

    learn = words.add_parser("learn", help="let the card charge that is shown to a charger", allow_abbrev=False)
    learn.add_argument("--timeout", metavar="S", type=float, default=120.0, help="seconds to wait (default: 120)")
    _details(learn)


def _details(parser: argparse.ArgumentParser) -> None:
    """What can be said of a tag; what is not said stays as it is."""
    left = argparse.SUPPRESS
    parser.add_argument("--name", metavar="N", default=left, help="whose it is, as reports say it")
    parser.add_argument("--group", metavar="G", default=left, help="its members may stop each other's charges")
    parser.add_argument(
        "--expires",
        metavar="DATE",
        type=_expiry,
        default=left,
        help="the last day, such as 2026-12-31, a time, or never",
    )
    parser.add_argument("--blocked", action=argparse.BooleanOptionalAction, default=left, help="refuse it, or no more")
    parser.add_argument("--transactions", metavar="N", type=int, default=left, help="charges at once (default: 1)")
    parser.add_argument(
        "--mode",
        choices=(*MODES, AS_ITS_CHARGER),
        default=left,
        help="how its charges go, whatever its charger is set to",
    )


def _expiry(text: str) -> datetime | date | None:
    try:
        return None if text == NEVER else read_expiry(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(args: argparse.Namespace, config: Config) -> int:
    WHAT[args.what](args, config)
    return 0


def _list(args: argparse.Namespace, config: Config) -> None:
    now = datetime.now(UTC)
    tags = TagList(tagedit.read(config.paths.tags), config.tags, config.zone())
    rows = [msgspec.structs.asdict(tag) | {"status": str(tags.judge(tag.id, now).status)} for tag in tags]
    print_rows(
        rows, COLUMNS, args.format, empty="no tags yet; let the next card that is shown charge: tinyocpp tag learn"
    )


def _add(args: argparse.Namespace, config: Config) -> None:
    _write(args.id, args, config)


def _write(id_tag: str, args: argparse.Namespace, config: Config) -> None:
    """The tag with what was typed; of one that is known, the rest stays."""
    path = config.paths.tags
    known = next((tag for tag in tagedit.read(path) if fold(tag.id) == fold(id_tag)), None)
    said = {key: getattr(args, key) for key in Tag.__struct_fields__ if key != "id" and hasattr(args, key)}
    if said.get("mode") == AS_ITS_CHARGER:
        said["mode"] = None
    tag = msgspec.structs.replace(known or Tag(clean(id_tag)), **said)
    tagedit.put(path, tag)
    print(f"{tag.id}{f' ({tag.name})' if tag.name else ''} is {'changed' if known else 'added'} in {path}")


def _remove(args: argparse.Namespace, config: Config) -> None:
    path = config.paths.tags
    if tagedit.remove(path, args.id):
        print(f"{args.id} is removed from {path}")
        return
    named = [tag.id for tag in tagedit.read(path) if tag.name.casefold() == args.id.casefold()]
    raise Refused(
        f"no tag {args.id!r} in {path}; " + (f"did you mean '{named[0]}'?" if named else "see: tinyocpp tag list")
    )


def _learn(args: argparse.Namespace, config: Config) -> None:
    known = {fold(tag.id) for tag in tagedit.read(config.paths.tags)}
    since = datetime.now(UTC) - SHOWN_WITHIN
    at, charger_id, id_tag = _shown(config, since, known) or _wait(config, since, known, args.timeout)
    _write(id_tag, args, config)
    print(f"it was shown to {charger_id} at {at.astimezone(config.zone()):%H:%M:%S}")


Shown = tuple[datetime, str, str]


def _shown(config: Config, since: datetime, known: set[str]) -> Shown | None:
    """The last unknown card. An empty tag is no card. The ledger is opened each time: there may be none yet."""
    with closing(open_reader(config)) as reader:
        cards = [card for card in reader.unknown_tags(since) if clean(card[2]) and fold(card[2]) not in known]
    return cards[-1] if cards else None


def _wait(config: Config, since: datetime, known: set[str], timeout_s: float) -> Shown:
    print(f"tinyocpp: show the card to the charger now; waiting {timeout_s:g} s, Ctrl-C ends it", file=sys.stderr)
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if card := _shown(config, since, known):
            return card
        time.sleep(POLL_S)
    raise NoAnswer(f"no unknown card was shown within {timeout_s:g} s; is the charger connected? see: tinyocpp status")


WHAT: dict[str, Callable[[argparse.Namespace, Config], None]] = {
    "list": _list,
    "add": _add,
    "remove": _remove,
    "learn": _learn,
}
