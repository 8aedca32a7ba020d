"""`tinyocpp control`: steer charging by the sun and by what the house leaves.

tinyocpp-listener starts it by itself where [meter], [sharing] or [solar] ask for it; by hand it is for bare backends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.companions import control
from tinyocpp.errors import ConfigError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tinyocpp.config import Config


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--attended", action="store_true", help="end with standard input: as the listener starts it")


def run(args: Namespace, config: Config) -> int:
    if not config.steered:
        raise ConfigError("there is nothing to steer: write a [meter], a [sharing] limit_a or a [solar] mode")
    return control.run(config, attended=args.attended)
