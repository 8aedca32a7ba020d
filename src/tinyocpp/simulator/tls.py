"""The charge point's side of TLS: whom it trusts, and the certificate it shows. Loaded for wss only."""

from __future__ import annotations

import ssl
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tinyocpp.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence


def context(
    trusted: Sequence[str], own: tuple[str, str] | None, *, ca: str, certificate: str, key: str
) -> ssl.SSLContext:
    """`trusted` (PEM) and the file `ca` together are who is trusted; without any, the system's public authorities.
    `own` (chain and key, PEM) comes before the files. Raises Malformed."""
    try:
        made = ssl.create_default_context(cafile=ca or None, cadata="\n".join(trusted) or None)
        if own is not None:
            _load(made, *own)
        elif certificate:
            made.load_cert_chain(certificate, key or None)
    except ssl.SSLError as error:
        raise Malformed(f"{ca} {certificate} {key}: {error.reason or error}; do they belong together?") from None
    except OSError as error:
        raise Malformed(f"{ca or certificate}: {error.strerror}") from None
    return made


def _load(made: ssl.SSLContext, chain: str, key: str) -> None:
    """The library reads files only."""
    with TemporaryDirectory() as folder:
        for name, pem in (("chain", chain), ("key", key)):
            with open(f"{folder}/{name}", "w", encoding="ascii") as file:
                file.write(pem)
        made.load_cert_chain(f"{folder}/chain", f"{folder}/key")
