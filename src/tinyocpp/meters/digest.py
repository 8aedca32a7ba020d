"""Rule: what to answer to an HTTP server that asks who we are: Digest with MD5 or SHA-256 (RFC 7616), or Basic.

The standard library's client knows no SHA-256, which is what Shellys since their second generation ask for.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import b64encode
from typing import TYPE_CHECKING

from tinyocpp.meters import MeterTrouble

if TYPE_CHECKING:
    from collections.abc import Iterable

ALGORITHMS = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
STRONGEST_FIRST = ("SHA-256", "MD5")
PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')


def authorization(challenges: Iterable[str], user: str, password: str, target: str, cnonce: str | None = None) -> str:
    """The Authorization header for a GET of `target`. MeterTrouble: it asks in a way we do not know."""
    asked = [challenge.strip() for challenge in challenges]
    digests: dict[str, dict[str, str]] = {}
    for challenge in asked:
        if challenge.lower().startswith("digest "):
            found = {key.lower(): quoted or bare for key, quoted, bare in PARAMETER.findall(challenge[7:])}
            digests.setdefault(found.get("algorithm", "MD5").upper(), found)
    for algorithm in STRONGEST_FIRST:
        if algorithm in digests:
            return _digest(digests[algorithm], algorithm, user, password, target, cnonce or secrets.token_hex(8))
    if any(challenge.lower().startswith("basic") for challenge in asked):
        return "Basic " + b64encode(f"{user}:{password}".encode()).decode()
    raise MeterTrouble(f"asks for a login of a kind we do not know: {', '.join(asked) or 'none named'}")


def _digest(asked: dict[str, str], algorithm: str, user: str, password: str, target: str, cnonce: str) -> str:
    def hashed(*parts: str) -> str:
        return ALGORITHMS[algorithm](":".join(parts).encode()).hexdigest()

    realm, nonce = asked.get("realm", ""), asked.get("nonce", "")
    secret, what = hashed(user, realm, password), hashed("GET", target)
    quality = "auth" in re.split(r"[\s,]+", asked.get("qop", ""))
    response = hashed(secret, nonce, "00000001", cnonce, "auth", what) if quality else hashed(secret, nonce, what)
    said = {"username": user, "realm": realm, "nonce": nonce, "uri": target, "response": response}
    said |= {"opaque": asked["opaque"]} if "opaque" in asked else {}
    parts = [f'{key}="{value}"' for key, value in said.items()] + [f"algorithm={algorithm}"]
    parts += [f'cnonce="{cnonce}"', "qop=auth", "nc=00000001"] if quality else []
    return "Digest " + ", ".join(parts)
