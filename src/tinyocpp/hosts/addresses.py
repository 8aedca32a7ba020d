"""Where we listen, under which addresses this machine can be reached, and so what to type into a charger.

Addresses are asked of the kernel directly: names would need a resolver, and a resolver may be down. Where the kernel
has another way of saying it, the address of the default route has to do.
"""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
import sys
from typing import TYPE_CHECKING

from tinyocpp.errors import ConfigError, NotPermitted, OperatorError, Unavailable

if TYPE_CHECKING:
    from asyncio import BaseTransport

    from tinyocpp.config import Config

SIOCGIFCONF = 0x8912
INTERFACE_BYTES = 40 if sys.maxsize > 2**32 else 32  # struct ifreq
IPV6_TABLE = "/proc/net/if_inet6"
LINK_LOCAL = "20"  # scope in that table: such an address needs a zone, which no charger has a field for
LOOPBACK = "10"
PROBE = "tinyocpp doctor"  # what our own doctor calls itself when it asks who has a port
BACKLOG = 1024  # after a power cut a whole car park comes at once


def own_addresses() -> list[str]:
    """Every address others may reach this machine at, IPv4 first; loopback only where there is nothing else."""
    found = [address for address in _ipv4() if not address.startswith("127.")] + _ipv6()
    return list(dict.fromkeys(found)) or ["127.0.0.1"]


def urls(scheme: str, host: str, port: int) -> list[str]:
    """What to type into a charger when we listen on `host` ("" for every address)."""
    if host in ("", "::"):
        addresses = own_addresses()
    elif host == "0.0.0.0":
        addresses = [address for address in own_addresses() if ":" not in address] or ["127.0.0.1"]
    else:
        addresses = [host]
    return [f"{scheme}://{bracketed(address)}:{port}/" for address in addresses]


def ports(config: Config, port: int | None) -> dict[str, int]:
    """Where to listen, by scheme. `port` is what was typed instead of what is configured; 0 is any, for wss too."""
    found = {"ws": config.listener.port if port is None else port}
    if config.listener.tls is not None:
        found["wss"] = 0 if port == 0 else config.listener.tls.port
    return found


def address_of(transport: BaseTransport | None) -> str:
    """The other end's, an IPv4 one in its own notation; "" when it is gone already."""
    peer = transport.get_extra_info("peername") if transport else None
    return str(peer[0]).removeprefix("::ffff:") if peer else ""


def facing(peer: str) -> str:
    """Our address on the way to another's, by the kernel's choice of route; "" where there is none."""
    with socket.socket(socket.AF_INET6 if ":" in peer else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((peer or "192.0.2.1", 9))  # sends nothing
        except OSError:
            return ""
        return str(sock.getsockname()[0])


def is_ours(host: str) -> bool:
    """Can we listen there?"""
    try:
        sockets = bind(host, 0)
    except OperatorError:
        return False
    for one in sockets:
        one.close()
    return True


def bracketed(address: str) -> str:
    """As it stands in a URL."""
    return f"[{address}]" if ":" in address else address


def own_end(host: str) -> str:
    """Where a program of this machine reaches whoever listens on `host`: over loopback if that is among it."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def bind(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for a host: "" is every address, IPv4 and IPv6. Raises OperatorError with the remedy."""
    try:
        if host == "":
            return [_every_address(port)]
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        bound: list[socket.socket] = []
        for family, address in dict.fromkeys((row[0], row[4]) for row in found):
            taken = bound[0].getsockname()[1] if bound else port  # port 0: the same one for all
            bound.append(socket.create_server((str(address[0]), taken), family=family, backlog=BACKLOG))
        return bound
    except UnicodeError:  # of a name that cannot be one: a label that is empty or too long
        raise _explained(socket.gaierror(), host, port) from None
    except OSError as error:
        raise _explained(error, host, port) from None


def _every_address(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG)
    return socket.create_server(("", port), backlog=BACKLOG)


def _explained(error: OSError, host: str, port: int) -> OperatorError:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return ConfigError(f"listener.host: {host!r} is no address of this machine; leave it empty for every address")
    if error.errno == errno.EADDRINUSE:
        return Unavailable(f"port {port} is in use: is a listener running already? Else choose another with --port")
    if error.errno == errno.EACCES:
        return NotPermitted(f"port {port} is for root only; choose one above 1023 with --port")
    return Unavailable(f"cannot listen on {host or 'any address'}, port {port}: {error.strerror}")


def _ipv4() -> list[str]:
    """All interfaces' addresses, from SIOCGIFCONF (netdevice(7))."""
    import array

    table = array.array("B", bytes(INTERFACE_BYTES * 256))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            request = struct.pack("iL", len(table), table.buffer_info()[0])
            used = struct.unpack("iL", fcntl.ioctl(sock, SIOCGIFCONF, request))[0]
        except OSError:
            return _default_route()
    rows = range(0, used, INTERFACE_BYTES)
    return [socket.inet_ntoa(table[row + 20 : row + 24].tobytes()) for row in rows]  # after name, family and port


def _ipv6() -> list[str]:
    try:
        with open(IPV6_TABLE, encoding="ascii") as table:
            rows = [line.split() for line in table]
    except OSError:
        return []
    reachable = (row[0] for row in rows if row[3] not in (LINK_LOCAL, LOOPBACK))
    return [socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits)) for digits in reachable]


def _default_route() -> list[str]:
    found = facing("")
    return [found] if found else []
