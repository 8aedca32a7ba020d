"""tinyocpp: everything a person does, one word and one file for each.

The table of words is all there is to it: a word's module is imported when the word is typed, says its options in
`configure(parser)` and does it in `run(args, config)`. Exit codes are made in program.py.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from tinyocpp.cli.program import Parser, run_program
from tinyocpp.config import load
from tinyocpp.errors import ConfigError, Malformed, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "tinyocpp"

WORDS = {
    "status": "what the chargers are doing now",
    "report": "the energy that was charged, by tag, day, month, charger or transaction",
    "tag": "who may charge: list, add, remove, or learn the card that is shown",
    "start": "start a charge",
    "stop": "stop a charge",
    "limit": "how fast a charger may charge at most, or a pause",
    "mode": "charge as fast as it may, from the sun, or not at all",
    "charger": "one charger: let it in, set it up, restart it, reserve it, limit it",
    "ca": "your own certificate authority, for TLS: make it, renew, issue, revoke",
    "log": "the frames to and from the chargers",
    "replay": "what we would answer to the frames of a log",
    "solar": "try charging from the sun on recorded days",
    "control": "steer charging by the sun and the house (the listener starts it by itself)",
    "meter": "what the house draws, as its meters say it",
    "doctor": "look for what is wrong, and say what to do next",
    "config": "check or show the settings",
    "backup": "copy everything that was booked into a file, while everything runs",
    "restore": "take such a copy back",
    "simulate": "be a charger, for trying things without one",
    "demo": "the whole story in half a minute, on data that is thrown away",
}

WITHOUT_CONFIGURATION = frozenset({"doctor", "demo"})
"""Words that are of use, or all the more of use, when the configuration is wrong."""

HELP = f"""usage: {PROGRAM} [--config F] WORD ...

{{words}}

{PROGRAM} WORD --help tells more of each. --config F names the configuration (default: the first one found).
What `{PROGRAM} charger` knows may be typed without it: {PROGRAM} reset, {PROGRAM} unlock.
tinyocpp-listener is the server the chargers connect to; tinyocpp-command sends any call to one."""


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of what was typed."""
    return run_program(PROGRAM, lambda: _run(sys.argv[1:] if argv is None else list(argv)))


def _run(typed: list[str]) -> int:
    config, typed = _take_config(typed)
    if not typed or typed[0] in ("-h", "--help"):
        print(_help(), file=sys.stdout if typed else sys.stderr)
        return 0 if typed else Malformed.exit_code
    if typed[0] == "--version":
        return _version()
    word, *rest = typed
    if word not in WORDS and word in _words_of_charger():
        word, rest = "charger", typed
    if word not in WORDS:
        raise Malformed(_unknown(word))
    module = import_module(f"{__name__}.{word}")
    parser = Parser(prog=f"{PROGRAM} {word}", description=WORDS[word], allow_abbrev=False)
    parser.add_argument("--config", metavar="F", help="the configuration (default: the first one found)")
    module.configure(parser)
    args = parser.parse_args(rest)
    try:
        settings = load(config, os.environ)
    except ConfigError as error:
        if word not in WITHOUT_CONFIGURATION:
            raise
        code: int = module.run_without(args, error)
    else:
        code = module.run(args, settings)
    sys.stdout.flush()
    return code


def _take_config(typed: list[str]) -> tuple[str | None, list[str]]:
    """`--config F` out of the line, wherever it stands: before the word, after it, or after what follows the word."""
    config, rest, words = None, list[str](), iter(typed)
    for word in words:
        if word == "--config":
            config = next(words, None)
            if config is None:
                raise Malformed("--config: name the file")
        elif word.startswith("--config="):
            config = word.removeprefix("--config=")
        elif word == "--":
            return config, [*rest, word, *words]
        else:
            rest.append(word)
    return config, rest


def _help() -> str:
    width = max(map(len, WORDS))
    return HELP.format(words="\n".join(f"  {word:{width}}  {summary}" for word, summary in WORDS.items()))


def _version() -> int:
    from tinyocpp import __version__

    print(PROGRAM, __version__)
    return 0


def _unknown(word: str) -> str:
    if word.startswith("-"):
        return f"there is no option {word}; see {PROGRAM} --help"
    return f"there is no '{word}'" + (did_you_mean(word, [*WORDS, *_words_of_charger()]) or f"; see {PROGRAM} --help")


def _words_of_charger() -> set[str]:
    from tinyocpp.cli.charger import WHAT

    return {word.split()[0] for word in WHAT}
