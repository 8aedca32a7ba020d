"""`tinyocpp mode`: how a charger charges: not at all, as fast as it may, or from the sun.

The word is kept in the ledger and counts until another is typed; the control program reads it anew in every round. A
tag with a mode of its own (`tinyocpp tag add --mode`) charges by that. Which limits hold besides says `tinyocpp limit`.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tinyocpp.cli.known import NO_CHARGER, add_charger, chosen, connected_now, connectors, has_been_here
from tinyocpp.cli.power import read_powers
from tinyocpp.cli.tables import Column, add_format, print_rows
from tinyocpp.cli.writing import writing
from tinyocpp.companions import controlnotes
from tinyocpp.errors import ConfigError, Malformed
from tinyocpp.modes import FROM_THE_SUN, MODES
from tinyocpp.storage import open_reader, open_tags

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from tinyocpp.config import Config
    from tinyocpp.storage import Reader

DEFAULT = "default"

MEANINGS = {
    "off": "no current flows",
    "fast": "as fast as its limit lets it",
    "solar": "from the sun only, and not at all while there is too little",
    "min+solar": "never less than the least a car takes, and more when the sun gives it",
}


def configure(parser: ArgumentParser) -> None:
    choices = (*MODES, DEFAULT)
    parser.add_argument("mode", nargs="?", choices=choices, metavar="|".join(choices), help="default: show them")
    add_charger(parser)
    add_format(parser)


def run(args: Namespace, config: Config) -> int:
    with closing(open_reader(config)) as reader:
        if args.mode is None:
            _show(args, config, reader)
        elif args.format == "json":
            raise Malformed("--json shows modes: leave the mode out")
        else:
            _set(args, config, reader)
    return 0


def _show(args: Namespace, config: Config, reader: Reader) -> None:
    known = [one.registered.charger_id for one in reader.chargers() if has_been_here(one.registered)]
    if args.charger:
        known = [chosen(args.charger, reader, set).charger_id]
    rows = [
        {
            "charger_id": power.charger_id,
            "mode": power.mode or power.configured,
            "from": "owner" if power.mode else "configuration",
            "meaning": MEANINGS[power.mode or power.configured],
        }
        for power in read_powers(reader, config, None, known).values()
    ]
    columns = (
        Column("charger_id", "charger"),
        "mode",
        Column("from", "said by"),
        Column("meaning", "that is"),
    )
    print_rows(rows, columns, args.format, empty=NO_CHARGER)


def _set(args: Namespace, config: Config, reader: Reader) -> None:
    one = chosen(args.charger, reader, lambda: connected_now(config))
    mode = config.mode_of(one.charger_id) if args.mode == DEFAULT else args.mode
    if impossible := _impossible(mode, config):
        raise ConfigError(f"{config.source or 'tinyocpp.toml'}: {mode}: {impossible}")
    with writing(config) as store:
        store.register.set_mode(one.charger_id, None if args.mode == DEFAULT else mode, datetime.now(UTC))
    print(f"{one.charger_id}: {mode}{', as configured' if args.mode == DEFAULT else ''}: {MEANINGS[mode]}")
    for words in _otherwise(one.charger_id, mode, reader, config):
        print(words)
    if mode != "fast" and controlnotes.read(config.runtime_directories, datetime.now(UTC)) is None:
        print("No control program runs now: this counts as soon as the listener, or tinyocpp control, is (re)started.")


def _impossible(mode: str, config: Config) -> str:
    """Why nobody could see to it with this configuration, and the remedy."""
    if mode in FROM_THE_SUN and config.meter is None:
        return "how much sun is left is not known without a meter; write a [meter] table, see docs/meters.md"
    if mode != "fast" and not config.steered:
        return "nothing is steered without a [meter], a [sharing] limit_a or a [solar] mode; try: tinyocpp limit pause"
    return ""


def _otherwise(charger_id: str, mode: str, reader: Reader, config: Config) -> Iterator[str]:
    """Charges that run and go by their tag's mode."""
    tags = open_tags(config, keep=False)
    for connector in connectors(reader, charger_id):
        tag = tags.find(connector.id_tag) if connector.id_tag else None
        if tag is not None and tag.mode not in (None, mode):
            whose = tag.name or tag.id
            yield f"The charge on connector {connector.connector_id} goes by its tag, {whose}: {tag.mode}"
