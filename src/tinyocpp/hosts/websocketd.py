"""The listener's other engine: the real websocketd, with a tinyocpp-backend behind it for every charger.

Starts one websocketd for ws and one for wss, waits until they accept, and ends with them. The protocol, the door and
the ledger are the backends' business; nothing of a frame is seen here. Certificates of chargers cannot be checked this
way: websocketd does not ask for them.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tinyocpp.errors import ConfigError, Unavailable
from tinyocpp.hosts.addresses import bind, bracketed, own_end, ports, urls
from tinyocpp.hosts.attendant import Attendant, read_again
from tinyocpp.hosts.runtimedir import prepare_runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinyocpp.config import Config

BACKEND = "import sys; from tinyocpp.hosts.stdio import main; sys.exit(main())"
PASSED_ON = (
    "CONFIGURATION_DIRECTORY HOME LANG LD_LIBRARY_PATH PATH PYTHONPATH RUNTIME_DIRECTORY STATE_DIRECTORY"
    " TINYOCPP_CONFIG TZ XDG_CONFIG_HOME XDG_RUNTIME_DIR XDG_STATE_HOME"
)
CLOSE_MS = 3000  # what a backend has to end in once its charger has gone; websocketd's own idea is 100
START_S = 10.0
STOP_S = 4.0  # promised: within five
PR_SET_PDEATHSIG = 1
SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}


def supervise(
    config: Config,
    config_option: str | None,
    *,
    host: str | None,
    port: int | None,
    ready: Callable[[Sequence[str]], None],
    read_config: Callable[[], Config],
) -> int:
    """Until SIGTERM or SIGINT, then 0; if websocketd ends by itself, Unavailable. SIGHUP is for the control program
    alone: every backend reads configuration and tags when it starts, and the tags whenever they change."""
    program = _program(config)
    host = config.listener.host if host is None else host
    bound = {scheme: _free(host, wanted) for scheme, wanted in ports(config, port).items()}
    prepare_runtime(config.paths.runtime, config.paths.group)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    commands = [_command(program, scheme, host, port, config, config_option) for scheme, port in bound.items()]
    processes = [_run(command) for command in commands]
    attendant = Attendant(config_option)
    try:
        for number, process in zip(bound.values(), processes, strict=True):
            _wait_until_it_accepts(host, number, process)
        if config.listener.tls is not None:
            from tinyocpp.hosts.expiry import log_endings

            log_endings(config, datetime.now(UTC))
        attendant.look_after(config)
        ready([url for scheme, number in bound.items() for url in urls(scheme, host, number)])
        _wait_for_the_end(processes, attendant, read_config)
    finally:
        attendant.leave()
        _end(processes)
        attendant.stop()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    return 0


def _program(config: Config) -> str:
    """Where websocketd is. Raises ConfigError for what it cannot do, Unavailable if it is missing."""
    tls = config.listener.tls
    demanding = [name for name, own in config.charger.items() if own.security_profile == 3]
    if demanding or (tls is not None and tls.client_ca):
        key = f"charger.{demanding[0]}.security_profile" if demanding else "listener.tls.client_ca"
        raise ConfigError(f"{key}: websocketd checks no client certificates; use --engine builtin")
    found = shutil.which("websocketd")
    if found is None:
        raise Unavailable("websocketd is not installed: apt install websocketd, or use --engine builtin")
    return found


def _free(host: str, port: int) -> int:
    """The port, once it is sure that it can be had. Said by us, as websocketd says it in many lines."""
    bound = bind(host, port)
    number: int = bound[0].getsockname()[1]
    for sock in bound:
        sock.close()
    return number


def _command(program: str, scheme: str, host: str, port: int, config: Config, config_option: str | None) -> list[str]:
    options = [
        f"--port={port}",
        "--header-ws=Sec-WebSocket-Protocol: ocpp1.6",  # else it answers with none
        f"--passenv={','.join(PASSED_ON.split())}",
        f"--closems={CLOSE_MS}",
        "--loglevel=error",  # what a backend writes to its log comes out as such
    ]
    if host:
        options.append(f"--address={bracketed(host)}")
    tls = config.listener.tls
    if scheme == "wss" and tls is not None:
        options += ["--ssl", f"--sslcert={tls.certificate[0]}", f"--sslkey={tls.key[0]}"]  # it takes one pair only
    backend = [sys.executable, "-P", "-c", BACKEND]
    return [program, *options, *backend, *(["--config", os.path.abspath(config_option)] if config_option else [])]


def _run(command: list[str]) -> subprocess.Popen[bytes]:
    """In a group of its own: a Ctrl-C is for us to pass on."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, process_group=0, preexec_fn=_become_websocketd
    )


def _become_websocketd() -> None:
    """It hears signals again, and ends with us even if we are killed: else it would keep the port."""
    import ctypes

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _wait_until_it_accepts(host: str, port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((own_end(host), port), timeout=1).close()
            return
        except OSError:
            signal.sigtimedwait({signal.SIGCHLD}, 0.02)
    raise Unavailable(f"websocketd does not listen on port {port}; what it says is above")


def _wait_for_the_end(
    processes: list[subprocess.Popen[bytes]], attendant: Attendant, read_config: Callable[[], Config]
) -> None:
    while all(process.poll() is None for process in processes):
        match signal.sigwait(SIGNALS):
            case signal.SIGTERM | signal.SIGINT:
                return
            case signal.SIGHUP:
                read_again(read_config, attendant.look_after, by="every charger's next connection")
    raise Unavailable("websocketd has ended; what it says is above")


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Its backends see the end of their input, finish what they were doing, and end too."""
    deadline = time.monotonic() + STOP_S
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
