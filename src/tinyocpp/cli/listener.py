"""tinyocpp-listener: the WebSocket server chargers connect to.

Says on standard output what to type into the charger and when it is ready; the log goes to standard error. The work is
in hosts/websocket.py, or in the real websocketd with tinyocpp-backend behind it.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from tinyocpp import __version__
from tinyocpp.cli.program import Parser, run_program
from tinyocpp.config import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinyocpp.config import Config

PROGRAM = "tinyocpp-listener"
ENGINES = ("builtin", "websocketd")
EXIT_CODES = """exit status: 0 ended by SIGTERM, 64 misused, 69 the port is in use or websocketd is missing, 74 the
ledger cannot be opened, 77 not permitted, 78 the configuration is wrong. SIGHUP reads configuration and tags again.
"""


def main(argv: Sequence[str] | None = None) -> int:
    return run_program(PROGRAM, lambda: _run(_parser().parse_args(argv)))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=PROGRAM,
        description="The WebSocket server chargers connect to.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", metavar="F", help="the configuration")
    parser.add_argument("--host", metavar="H", help="listen on this address only (default: every address)")
    parser.add_argument("--port", metavar="P", type=_port, help="plain WebSocket port (default: 9016)")
    parser.add_argument(
        "--engine", choices=ENGINES, default="builtin", help="all chargers in one process (default), or one for each"
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    return parser


def _run(args: argparse.Namespace) -> int:
    config = load(args.config, os.environ)
    if args.engine == "websocketd":
        from tinyocpp.hosts import websocketd

        return websocketd.supervise(
            config, args.config, host=args.host, port=args.port, ready=_greet, read_config=_reader(args)
        )
    return _serve(config, args)


def _reader(args: argparse.Namespace) -> Callable[[], Config]:
    return lambda: load(args.config, os.environ)


def _serve(config: Config, args: argparse.Namespace) -> int:
    import asyncio

    from tinyocpp.hosts.attendant import Attendant
    from tinyocpp.hosts.websocket import serve

    asyncio.run(
        serve(
            config,
            host=args.host,
            port=args.port,
            ready=lambda listener: _greet(listener.urls()),
            read_config=_reader(args),
            attendant=Attendant(args.config),
        )
    )
    return 0


def _greet(urls: Sequence[str]) -> None:
    print("Type one of these into the charger. Most add their own name; if yours does not, write one at the end:")
    for url in urls:
        print(f"  {url}")
    print(f"{PROGRAM}: ready")
    sys.stdout.flush()


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("0 (any) to 65535")
    return number


if __name__ == "__main__":
    sys.exit(main())
