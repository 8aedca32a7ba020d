"""An installation with TLS as `tinyocpp ca init` makes it, and chargers that come over it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from listening import basic
from websockets.exceptions import InvalidStatus

from compliance.certificates import Authority, Keyring
from compliance.programs import ANY, Installation

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from compliance.charge_point import ChargePoint
    from compliance.programs import Listener

SERVER_NAME, ORGANISATION = "csms.example.com", "The Owner"


class SecureSite(Installation):
    """`keys` are the chargers'; `authority` signs with our root what tinyocpp itself would not."""

    def __init__(self, folder: Path, *profile_3: str) -> None:
        super().__init__(folder, ANY)
        named = ("--host", SERVER_NAME, "--host", "127.0.0.1", "--organisation", ORGANISATION)
        made = asyncio.run(self.tinyocpp("ca", "init", *named, "--write"))
        assert made.code == 0, made
        with self.file.open("a") as file:
            file.write("".join(f"[charger.{one}]\nsecurity_profile = 3\n" for one in profile_3))
        self.root = folder / "ca" / "root.pem"
        self.keys = Keyring(folder / "keys")
        self.authority = Authority(folder / "ca", "root")

    def trust(self, shown: str = "") -> ssl.SSLContext:
        """A charger that knows our root, and shows that certificate of `keys`."""
        return self.keys.trusting(self.root, shown)

    def forge(self, name: str, subject: str) -> ssl.SSLContext:
        """A charger that shows a certificate our root has signed, with any subject."""
        self.authority.issue(name, subject)
        return self.authority.trusting(self.root, name)


def over_tls(listener: Listener, identity: str, context: ssl.SSLContext, **options: Any) -> ChargePoint:
    return listener.charge_point(identity, ssl=context, server_hostname=SERVER_NAME, **options)


def password(identity: str, key: str) -> dict[str, Any]:
    """The header a conformant charger sends: the key's bytes."""
    return {"additional_headers": basic(identity, bytes.fromhex(key))}


async def refusal_of(charge_point: ChargePoint) -> int:
    """The HTTP status the upgrade is refused with."""
    with pytest.raises(InvalidStatus) as refused:
        await charge_point.__aenter__()
    return refused.value.response.status_code
