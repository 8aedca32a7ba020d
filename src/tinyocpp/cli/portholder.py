"""Who has a TCP port of this machine, and is it us? Asked by `doctor`; nothing here opens a port for good."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from tinyocpp.hosts.addresses import PROBE, own_end

PATIENCE_S = 3.0
GREETING = b"server: tinyocpp"  # hosts/websocket.py says so in every answer
LISTENING = "0A"  # in /proc/net/tcp


class Holder(StrEnum):
    """Who has the port."""

    NOBODY = "nobody"
    US = "us"
    ANOTHER = "another"
    FORBIDDEN = "forbidden"  # below 1024, or no such address here


def holder(host: str, port: int) -> Holder:
    """Who listens on this port, at this address ("" for every one)."""
    if _answers_like_us(host, port):
        return Holder.US
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
            sock.listen()
        except OSError as error:
            return Holder.ANOTHER if error.errno == errno.EADDRINUSE else Holder.FORBIDDEN
    return Holder.NOBODY


def holding_program(port: int) -> str:
    """The name and number of the process that listens, as far as this user may know: "nginx (pid 812)"."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                if os.readlink(descriptor) in sockets:
                    return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return ""


def _answers_like_us(host: str, port: int) -> bool:
    try:
        with socket.create_connection((own_end(host), port), timeout=PATIENCE_S) as sock:
            sock.sendall(f"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {PROBE}\r\n\r\n".encode())
            return GREETING in sock.recv(4096).lower()
    except OSError:
        return False


def _inodes(port: int) -> set[str]:
    """Of the sockets that listen on the port (proc(5))."""
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                if state == LISTENING and int(local.rpartition(":")[2], 16) == port:
                    found.add(rest[5])
    return found
