"""`tinyocpp charger get|set`: the charger's own settings, asked of the charger itself.

Reading minds how many keys the charger tells at once (GetConfigurationMaxKeys) and which it must not be asked for; an
answer is borne whatever its types (quirk S16). Writing reads first, as there are chargers that restart at every write
(quirk B5). A password is neither shown nor taken here.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from tinyocpp.cli.charger.dialogue import add_charger, dialogue, understood
from tinyocpp.cli.charger.standardkeys import PASSWORD, STANDARD_KEYS, mistake
from tinyocpp.cli.program import printable
from tinyocpp.cli.tables import Column, add_format, print_rows
from tinyocpp.errors import CallRefused, Malformed, Refused, did_you_mean
from tinyocpp.features import whole_number
from tinyocpp.masking import MASK, is_password
from tinyocpp.messages.core_central import ChangeConfiguration, GetConfiguration

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from tinyocpp.cli.charger.dialogue import Dialogue
    from tinyocpp.config import Config

MAX_KEYS = "GetConfigurationMaxKeys"
AT_ONCE = 10  # of a charger that does not say how many it tells at once
TOLD_ITS_KEYS = 10  # a charger that has told so many has told all it has
LONGEST_KEY, LONGEST_VALUE = 50, 500


class _Key(msgspec.Struct):
    """One entry of GetConfiguration's answer; what firmware makes of its types is its own affair (quirk S16)."""

    key: object = ""
    value: object = None
    readonly: object = False

    @property
    def name(self) -> str:
        return str(self.key)

    @property
    def is_readonly(self) -> bool:
        return str(self.readonly).lower() in ("true", "1")


class _Keys(msgspec.Struct, rename="camel"):
    configuration_key: list[_Key] | None = None
    unknown_key: list[object] | None = None


class Told:
    """What the charger says of its keys, by their lower case names (quirk S17). Of a key told twice the first counts,
    unless only the second has a value."""

    def __init__(self) -> None:
        self.keys: dict[str, _Key] = {}
        self.unknown: list[str] = []

    def add(self, answer: bytes) -> None:
        told = understood(answer, _Keys)
        for one in told.configuration_key or []:
            known = self.keys.get(one.name.lower())
            if known is None or known.value is None:
                self.keys[one.name.lower()] = one
        self.unknown += map(str, told.unknown_key or [])


# --- get


def get_options(parser: ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", nargs="*", help="as GetConfiguration knows it (default: all)")
    add_charger(parser)
    add_format(parser)


def get(args: Namespace, config: Config) -> int:
    with dialogue(args, config) as charger:
        told = _read(charger, args.key)
        known = {*charger.reader.configuration(charger.charger_id), *STANDARD_KEYS}
    rows = [
        {
            "key": one.name,
            "value": MASK if is_password(one.name) and one.value is not None else one.value,
            "readonly": one.is_readonly,
        }
        for _, one in sorted(told.keys.items())
    ]
    print_rows(rows, ("key", "value", Column("readonly", "read only")), args.format)
    for name in told.unknown:
        meant = did_you_mean(name, known - {name})
        print(f"tinyocpp: the charger does not know {printable(name)}{meant}", file=sys.stderr)
    return Refused.exit_code if told.unknown else 0


def _read(charger: Dialogue, names: Sequence[str]) -> Told:
    """These keys, or all of them: in one call where the charger bears that (quirk B4), else by the names we know."""
    told = Told()
    quirks = charger.quirks()
    if not names and quirks.read_all_keys:
        told.add(charger.ask(GetConfiguration()))
        return told
    wanted = list(names) or sorted({*charger.reader.configuration(charger.charger_id), *STANDARD_KEYS} - {PASSWORD})
    harmful = {name.lower() for name in quirks.never_read}
    for name in names:
        if name.lower() in harmful:
            print(f"tinyocpp: {name} is not read: this charger is known to fail when asked for it", file=sys.stderr)
    wanted = [name for name in wanted if name.lower() not in harmful]
    at_once = _at_once(charger) if len(wanted) > 1 else 1
    for start in range(0, len(wanted), at_once):
        told.add(charger.ask(GetConfiguration(key=tuple(wanted[start : start + at_once]))))
    if not names:
        told.unknown.clear()  # nobody asked for them
    return told


def _at_once(charger: Dialogue) -> int:
    """How many keys one call may ask for."""
    said = charger.told(MAX_KEYS)
    if said is None:
        told = Told()
        told.add(charger.ask(GetConfiguration(key=(MAX_KEYS,))))
        found = told.keys.get(MAX_KEYS.lower())
        said = None if found is None else str(found.value)
    most = whole_number(said)
    return AT_ONCE if most is None else max(1, most)


# --- set


def put_options(parser: ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY")
    parser.add_argument("value", metavar="VALUE")
    parser.add_argument("--force", action="store_true", help="send it as it is, without looking first")
    add_charger(parser)


def put(args: Namespace, config: Config) -> int:
    with dialogue(args, config) as charger:
        if not args.force:
            _check(charger, args.key, args.value)
            if _is_so(charger, args.key, args.value):
                print(f"{args.key} is {args.value} already; nothing was sent")
                return 0
        shown = MASK if is_password(args.key) else args.value
        charger.demand(ChangeConfiguration(key=args.key, value=args.value), key=args.key, value=shown)
    return 0


def _check(charger: Dialogue, key: str, value: str) -> None:
    """Raise Malformed for what cannot be meant."""
    if is_password(key):
        raise Malformed(
            f"{key}: a password is no setting like others; bring the charger one with:"
            f" tinyocpp charger password --rotate {charger.charger_id}"
        )
    if not key.strip():
        raise Malformed("KEY is empty; see tinyocpp charger get")
    if not value:
        raise Malformed(f"{key}: an empty value takes some chargers down; send it all the same with --force")
    if len(key) > LONGEST_KEY or len(value) > LONGEST_VALUE:
        raise Malformed(f"a key has at most {LONGEST_KEY} characters and a value {LONGEST_VALUE}; shorten it")
    if remedy := mistake(key, value):
        raise Malformed(f"{key} cannot be {value}: {remedy}, or send it all the same with --force")
    known = {*charger.reader.configuration(charger.charger_id)}
    if len(known) < TOLD_ITS_KEYS or key.lower() in {name.lower() for name in known | STANDARD_KEYS}:
        return
    if meant := did_you_mean(key, known):
        raise Malformed(f"{charger.charger_id} has told no key {key}{meant}; --force sends it as it is")


def _is_so(charger: Dialogue, key: str, value: str) -> bool:
    """Does the key have that value already? Raises Refused for one that can only be read. A charger that cannot tell is
    written to."""
    if key.lower() in {name.lower() for name in charger.quirks().never_read}:
        return False
    told = Told()
    try:
        told.add(charger.ask(GetConfiguration(key=(key,))))
    except CallRefused:
        return False
    found = told.keys.get(key.lower())
    if found is None or found.value is None:
        return False
    if _plain(found.value) == _plain(value):
        return True
    if found.is_readonly:
        raise Refused(f"{found.name} can only be read, and is {found.value}; try it all the same with --force")
    return False


def _plain(value: object) -> str:
    """For comparing: true is True, and a space in a list means nothing."""
    text = "".join(str(value).split())
    return text.lower() if text.lower() in ("true", "false") else text
