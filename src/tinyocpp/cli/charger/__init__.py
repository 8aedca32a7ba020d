"""`tinyocpp charger`: everything a person wants of a charger, one word each.

WHAT is all there is to it: a word's module is imported when the word is typed. `module.function(args, config)` does it
and returns the exit code; `module.function_options(parser)`, where there is one, adds the options of the word. A word
of two, such as `profile set`, is one row like the others, and GROUPS says what its first half is about.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.program import Parser

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.config import Config


class Word(msgspec.Struct, frozen=True):
    """`does` is module.function, of this package."""

    does: str
    help: str


WHAT = {
    "list": Word("door.show_list", "everybody who ever came to the door"),
    "admit": Word("door.admit", "let this charger connect"),
    "forget": Word("door.forget", "no longer; its password goes too, what was booked stays"),
    "password": Word("password.password", "read one from standard input, or make one; bring it to the charger"),
    "security": Word("security.security", "which security profile it has to use; move it up"),
    "hold": Word("door.hold", "it may connect and be set up, but not charge, until it is accepted"),
    "reject": Word("door.reject", "it is asked for nothing, and may not charge, until it is accepted"),
    "accept": Word("door.accept", "everything may flow (again)"),
    "history": Word("history.history", "what it has told: boots, statuses, security events, upkeep"),
    "get": Word("keys.get", "show the charger's own settings, or some of them"),
    "set": Word("keys.put", "change one of the charger's own settings"),
    "availability": Word("asking.availability", "take it, or a connector, out of service or back"),
    "unlock": Word("asking.unlock", "let go of the plug"),
    "reset": Word("asking.reset", "restart the charger"),
    "clear-cache": Word("asking.clear_cache", "make it forget the tags it remembers"),
    "trigger": Word("triggering.trigger", "make it send a message now"),
    "data-transfer": Word("asking.data_transfer", "send it a message of its maker's own"),
    "reserve": Word("reservations.reserve", "keep a connector free for a tag"),
    "cancel-reservation": Word("reservations.cancel_reservation", "let it go again"),
    "reservations": Word("reservations.reservations", "which connectors are kept, for whom and until when"),
    "certificate list": Word("certificates.show_list", "whom the charger trusts"),
    "certificate install": Word("certificates.install", "make it trust an authority, ours if no file is named"),
    "certificate delete": Word("certificates.delete", "make it trust one no longer"),
    "certificate renew": Word("certificates.renew", "have it ask for a certificate of its own, and sign it"),
    "profile set": Word("profiles.set_profile", "put a limit into the charger"),
    "profile clear": Word("profiles.clear", "take limits out of it"),
    "profile composite": Word("profiles.composite", "what all its limits come to, hour by hour"),
    "firmware update": Word("upkeep.firmware.update_firmware", "give it new firmware: a file here, or a URL"),
    "diagnostics get": Word("upkeep.uploads.get_diagnostics", "have it bring its diagnostics"),
    "log get": Word("upkeep.uploads.get_log", "have it bring a log, where it knows the security extension"),
}

GROUPS = {
    "certificate": "whom it trusts, and its own certificate: list, install, delete, renew",
    "diagnostics": "what it says of itself: get",
    "firmware": "what it runs: update",
    "log": "its logs: get",
    "profile": "limits over time: set, clear, composite",
}


def configure(parser: ArgumentParser) -> None:
    words = {word: row for word, row in WHAT.items() if " " not in word}
    tops = parser.add_subparsers(required=True, metavar="WORD", parser_class=_WordParser)
    for word, row in words.items():
        tops.add_parser(word, row=row, help=row.help, description=row.help)
    for group, summary in GROUPS.items():
        below = {word.split()[1]: row for word, row in WHAT.items() if word.startswith(f"{group} ")}
        seconds = tops.add_parser(group, help=summary, description=summary).add_subparsers(
            required=True, metavar="WORD", parser_class=_WordParser
        )
        for word, row in below.items():
            seconds.add_parser(word, row=row, help=row.help, description=row.help)


def run(args: Namespace, config: Config) -> int:
    code: int = args.does(args, config)
    return code


class _WordParser(Parser):
    """Learns its options when it is its turn, so that one word does not import what the others need."""

    def __init__(self, *, row: Word | None = None, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)
        self._row = row

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        if self._row is not None:
            module_name, _, name = self._row.does.rpartition(".")
            module = import_module(f"{__name__}.{module_name}")
            getattr(module, f"{name}_options", _none)(self)
            self.set_defaults(does=getattr(module, name))
            self._row = None
        return super().parse_known_args(args, namespace)


def _none(parser: ArgumentParser) -> None:
    """A word without options of its own."""
