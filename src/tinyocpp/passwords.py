"""Rule: a charger's password, made, stored and recognised (OCPP-J 6.2; security paper A00, A01).

A password is bytes: chargers send the raw bytes of AuthorizationKey, or its hex text in either case, or what somebody
typed at commissioning. All three are accepted by hashing one canonical form. Only salted hashes are kept, and neither
a password nor a header is ever part of an error or a log line. hashlib is imported where it is used: most chargers
have no password, and the stdio path starts without it.

While a new password is on its way into a charger nobody may know which one it has: `Keys` holds all that it may have.
"""

from __future__ import annotations

import msgspec

from tinyocpp.identity import fold_identity

COST, BLOCK, LANES = 2**12, 8, 1  # 4 MiB and 10 ms, 60 on a Raspberry Pi: after a restart many chargers come at once
SHORTEST_KEY_BYTES, LONGEST_KEY_BYTES = 16, 20  # of AuthorizationKey, which is written as hex (security paper, A01)
KEY_DIGITS = range(2 * SHORTEST_KEY_BYTES, 2 * LONGEST_KEY_BYTES + 1)
MOST_UNDER_WAY = 3  # new passwords nobody knows the fate of
PROVEN_KEPT = 10_000


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
    """`given`: the bytes after the colon of the Authorization header. Slow."""
    from hmac import compare_digest

    _, cost, block, lanes, salt, digest = stored.split("$")
    for candidate in _readings(given):
        made = _digest(candidate, bytes.fromhex(salt), int(cost), int(block), int(lanes))
        if compare_digest(made, bytes.fromhex(digest)):
            return True
    return False


class Keys(msgspec.Struct, frozen=True):
    """What may be a charger's password now, as hashes: the one it has proven, and those on their way into it, newest
    last (security paper, A01). One that it comes with is the password from then on, and all others are invalid."""

    current: str | None = None
    under_way: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Likeliest first."""
        return (*((self.current,) if self.current else ()), *reversed(self.under_way))

    def sent(self, password_hash: str) -> Keys:
        """It is about to leave for the charger. More than a few are not kept: each costs a slow hash at the door."""
        return Keys(self.current, (*self.under_way, password_hash)[-MOST_UNDER_WAY:])

    def proven(self, password_hash: str) -> Keys:
        """The charger has it: what was sent before is void, only what was sent later may yet take its place."""
        if password_hash not in self.under_way:
            return self
        return Keys(password_hash, self.under_way[self.under_way.index(password_hash) + 1 :])

    def accepted(self, password_hash: str) -> Keys:
        """The charger says that it took it. One that had no password, and so may not be sending any before its security
        profile wants one, stays welcome without until it comes with it."""
        return self if self.current is None else self.proven(password_hash)

    def declined(self, password_hash: str) -> Keys:
        """The charger has said no: it was never its password."""
        return Keys(self.current, tuple(one for one in self.under_way if one != password_hash))

    def under_way_as(self, typed: str) -> str | None:
        """The hash of this password, if it is under way. Slow."""
        given = _meant(typed)
        return next((one for one in reversed(self.under_way) if verify_password(given, one)), None)


class Proven:
    """Passwords that were right a moment ago, recognised again in microseconds: of each charger a keyed digest, with a
    key that never leaves this process. So a storm of reconnects costs one slow hash for each charger, not for each
    connection. A password that was changed is not recognised, as the digest is of its stored hash too."""

    def __init__(self) -> None:
        self._key = b""
        self._digests: dict[str, bytes] = {}

    def remember(self, identity: str, stored: str, given: bytes) -> None:
        self._digests.pop(fold_identity(identity), None)
        if len(self._digests) >= PROVEN_KEPT:
            del self._digests[next(iter(self._digests))]
        self._digests[fold_identity(identity)] = self._digest(stored, given)

    def recognises(self, identity: str, stored: str, given: bytes) -> bool:
        from hmac import compare_digest

        digest = self._digests.get(fold_identity(identity))
        return digest is not None and compare_digest(digest, self._digest(stored, given))

    def _digest(self, stored: str, given: bytes) -> bytes:
        from hashlib import blake2b
        from os import urandom

        self._key = self._key or urandom(32)
        return blake2b(stored.encode() + b"\0" + given, key=self._key, digest_size=16).digest()


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
    spelled = _unhex(typed.encode()) if len(typed) in KEY_DIGITS else None
    return typed.encode() if spelled is None else spelled


def _readings(given: bytes) -> list[bytes]:
    """The passwords a charger may mean. As many hex digits as a key has are never a text: `_meant` sees to it."""
    spelled = _unhex(given)
    if spelled is None:
        return [given]
    return [spelled] if len(given) in KEY_DIGITS else [given, spelled]


def _unhex(text: bytes) -> bytes | None:
    try:
        return bytes.fromhex(text.decode("ascii")) if text.isalnum() else None  # fromhex alone would skip spaces
    except ValueError:
        return None


def _digest(password: bytes, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    from hashlib import scrypt

    return scrypt(password, salt=salt, n=cost, r=block, p=lanes, dklen=32)
