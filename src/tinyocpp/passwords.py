"""Rule: a charger's password, made, stored and recognised (OCPP-J 6.2; security paper A00, A01).

A password is bytes: chargers send the raw bytes of AuthorizationKey, or its hex text in either case, or what somebody
typed at commissioning. All three are accepted by hashing one canonical form. Only salted hashes are kept, and neither
a password nor a header is ever part of an error or a log line. hashlib is imported where it is used: most chargers
have no password, and the stdio path starts without it.
"""

from __future__ import annotations

from tinyocpp.identity import fold_identity

COST, BLOCK, LANES = 2**12, 8, 1  # 4 MiB and 10 ms, 60 on a Raspberry Pi: after a restart many chargers come at once
SHORTEST_KEY_BYTES, LONGEST_KEY_BYTES = 16, 20  # of AuthorizationKey, which is written as hex (security paper, A01)


def make_password() -> str:
    """A new one, as the hex text that goes into AuthorizationKey."""
    from secrets import token_hex

    return token_hex(LONGEST_KEY_BYTES)


def hash_password(typed: str) -> str:
    """What to store for a password as a person gives it: 32 to 40 hex digits stand for their bytes, else it is text."""
    from os import urandom

    salt = urandom(16)
    digest = _digest(_meant(typed), salt, COST, BLOCK, LANES)
    return f"scrypt${COST}${BLOCK}${LANES}${salt.hex()}${digest.hex()}"


def authorization_key(typed: str) -> str | None:
    """What AuthorizationKey is to be set to for a password as a person gives it; None: no key holds it."""
    meant = _meant(typed)
    if not SHORTEST_KEY_BYTES <= len(meant) <= LONGEST_KEY_BYTES:
        return None
    return meant.hex() if meant == typed.encode() else typed


def verify_password(given: bytes, stored: str) -> bool:
    """`given`: the bytes after the colon of the Authorization header."""
    from hmac import compare_digest

    _, cost, block, lanes, salt, digest = stored.split("$")
    spelled = _unhex(given)
    for candidate in [given] if spelled is None else [given, spelled]:
        made = _digest(candidate, bytes.fromhex(salt), int(cost), int(block), int(lanes))
        if compare_digest(made, bytes.fromhex(digest)):
            return True
    return False


def credentials(authorization: str) -> tuple[str, bytes] | None:
    """User name and password of a Basic Authorization header; the password may be any bytes. None: it is not one."""
    import base64
    import binascii

    scheme, _, encoded = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user.decode("utf-8", "replace"), password) if colon else None


def user_fits(user: str, identity: str) -> bool:
    """The user name is the identity (A00.FR.204); some chargers leave it out."""
    return not user or fold_identity(user) == fold_identity(identity)


def _meant(typed: str) -> bytes:
    digits = range(2 * SHORTEST_KEY_BYTES, 2 * LONGEST_KEY_BYTES + 1)
    spelled = _unhex(typed.encode()) if len(typed) in digits else None
    return typed.encode() if spelled is None else spelled


def _unhex(text: bytes) -> bytes | None:
    try:
        return bytes.fromhex(text.decode("ascii")) if text.isalnum() else None  # fromhex alone would skip spaces
    except ValueError:
        return None


def _digest(password: bytes, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    from hashlib import scrypt

    return scrypt(password, salt=salt, n=cost, r=block, p=lanes, dklen=32)
