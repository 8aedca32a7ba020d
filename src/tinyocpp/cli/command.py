"""tinyocpp-command: send one call to a charger and print its answer as one line of JSON.

What is typed goes out as it is typed. The exit code says what came of it (errors.py): 0 agreed, 1 refused, 64 malformed
and not sent, 69 not connected, 75 no answer in time, 76 CALLERROR, 77 not permitted, 78 wrong configuration.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from tinyocpp.cli.program import Parser, add_timeout, run_program
from tinyocpp.commands import ANSWER_TIMEOUT_S, agreed, check_call, compact
from tinyocpp.companions.commandclient import open_charger
from tinyocpp.config import load
from tinyocpp.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "tinyocpp-command"
EXAMPLES = """examples:
  tinyocpp-command RemoteStartTransaction '{"idTag":"00000000"}'
  tinyocpp-command Reset '{"type":"Soft"}'
  tinyocpp-command --charger garage GetConfiguration

exit status: 0 the charger agreed, 1 it refused (the answer is printed), 64 malformed and not sent, 69 no such charger
connected or several and none named, 75 no answer in time, 76 it answered CALLERROR, 77 not permitted, 78 configuration
"""


def main(argv: Sequence[str] | None = None) -> int:
    return run_program(PROGRAM, lambda: _run(_parser().parse_args(argv)))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=PROGRAM,
        description="Send one call to a charger and print its answer.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", metavar="F", help="the configuration")
    parser.add_argument("--charger", metavar="ID", help="may be left out while exactly one charger is connected")
    add_timeout(parser, ANSWER_TIMEOUT_S)
    parser.add_argument("--raw", action="store_true", help="send it even if the standard does not know it")
    parser.add_argument("action", metavar="ACTION", help="as the standard spells it, for example Reset")
    parser.add_argument("payload", metavar="JSON", nargs="?", default="{}", help="the request's fields (default: none)")
    return parser


def _run(args: argparse.Namespace) -> int:
    config = load(args.config, os.environ)
    payload = compact(args.payload)
    if not args.raw:
        check_call(args.action, payload)
    with open_charger(config.runtime_directories, args.charger) as charger:
        answer = charger.call(args.action, payload, timeout_s=args.timeout, raw=args.raw)
    sys.stdout.write(answer.decode() + "\n")
    return 0 if agreed(answer) else Refused.exit_code


if __name__ == "__main__":
    sys.exit(main())
