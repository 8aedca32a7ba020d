"""A door for one file: a charger fetches its firmware here, or brings its diagnostics, while somebody waits for it.

What lies behind a door is an Offer (one file, read only) or an Inbox (one place, write only) of goods.py, which knows
what may be read and written; a door knows how to speak: http.py, or ftp.py for chargers that know only that (quirk
B14). The way in is a secret that is in the URL and nowhere else. A door is open from when it is made until `close`, and
lets few in at once, none for long without the secret.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Protocol

from tinyocpp.hosts.addresses import bind, bracketed, facing, is_ours, own_addresses

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyocpp.hosts.filedoor.goods import Inbox, Offer

    Goods = Offer | Inbox
    Tell = Callable[[str], None]  # a line about who comes for what; called from the door's own threads

SECRET_BYTES = 12
AT_ONCE = 8  # transfers; retries of a charger may overlap
STALLED_S = 60.0  # without a byte, a transfer is over
KNOCKING_S = 20.0  # from connecting to showing the secret


class FileDoor(Protocol):
    """Open as long as it lives."""

    url: str
    """What the charger is told, the secret included."""

    def close(self) -> None:
        """Nothing is served any more when this returns; an upload that is under way is thrown away."""
        ...


def listen(host: str, port: int, peer: str) -> tuple[str, socket.socket]:
    """The host for the URL, and the socket that is reached there. Without a host that is our address on the way to
    `peer`, and only that one is listened on; a host that is not ours is somebody's forwarding, so on every address."""
    reached = host or facing(peer) or own_addresses()[0]
    where = reached if not host or is_ours(host) else ""
    first, *others = bind(where, port)
    for one in others:
        one.close()
    return bracketed(reached), first


def open_door(kind: str, goods: Goods, host: str, port: int, peer: str, tell: Tell) -> FileDoor:
    """`kind`: "http" or "ftp". Raises OperatorError where nobody may listen, or the extra [ftp] is missing."""
    if kind == "ftp":
        from tinyocpp.hosts.filedoor.ftp import FtpDoor

        return FtpDoor(goods, *listen(host, port, peer), tell)
    from tinyocpp.hosts.filedoor.http import HttpDoor

    return HttpDoor(goods, *listen(host, port, peer), tell)
