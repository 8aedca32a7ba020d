"""A door with something behind it, as a charger finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tinyocpp.hosts.filedoor import open_door

if TYPE_CHECKING:
    from pathlib import Path

    from tinyocpp.hosts.filedoor.goods import Inbox, Offer

FIRMWARE = bytes(range(256)) * 1000 + b"\r\nthe end\n"
FILE = "Wallbox 2.0 (final).BIN"
MOST_BYTES = 300_000


class Open:
    """`told` is what the door says of who comes; the URL is there in parts."""

    def __init__(self, kind: str, goods: Offer | Inbox, host: str, peer: str) -> None:
        self.told: list[str] = []
        self.goods = goods
        self.door = open_door(kind, goods, host, 0, peer, self.told.append)
        parts = urlsplit(self.door.url)
        self.host, self.port = str(parts.hostname), int(parts.port or 0)
        self.path = parts.path
        self.user, self.password = str(parts.username), str(parts.password)

    def close(self) -> None:
        self.door.close()
        self.goods.close()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file there, the hidden ones too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
