"""Rule: a frame without the passwords in it, before it is kept anywhere (security paper, A01.FR.09).

AuthorizationKey, whichever way round it travels, and the password in the URL of a server for firmware or diagnostics.
"""

from __future__ import annotations

import re

import msgspec

MASK = "***"
AUTHORIZATION_KEY = "authorizationkey"
URL_PASSWORD = r"(://[^/\s:@\"]*:)[^/\s@\"]+@"


def is_password(key: str) -> bool:
    """Is the value of this configuration key nobody's to see?"""
    return key.strip().lower() == AUTHORIZATION_KEY


def without(text: str, passwords: tuple[str, ...]) -> str:
    """The frame without these, wherever the charger says them back: in an error's description, say."""
    for password in passwords:
        text = re.sub(re.escape(password), MASK, text, flags=re.IGNORECASE)
    return text


def masked(text: str) -> str:
    """The frame without the passwords in it."""
    if AUTHORIZATION_KEY in text.lower():
        text = _without_key(text)
    if "@" in text and "://" in text:
        text = re.sub(URL_PASSWORD, rf"\1{MASK}@", text)
    return text


def _without_key(text: str) -> str:
    """A frame that names the key but cannot be read is not kept at all: there is no telling where the value is."""
    try:
        frame = msgspec.json.decode(text)
        found = _mask_values(frame)
    except (msgspec.DecodeError, RecursionError):
        return f"(a frame that names AuthorizationKey and cannot be read: {len(text)} characters)"
    return msgspec.json.encode(frame).decode() if found else text


def _mask_values(node: object) -> int:
    """Mask in place; how many there were."""
    if isinstance(node, list):
        return sum(_mask_values(item) for item in node)
    if not isinstance(node, dict):
        return 0
    found = sum(_mask_values(item) for item in node.values())
    folded = {str(name).lower(): name for name in node}
    if is_password(str(node.get(folded.get("key"), ""))) and "value" in folded:
        node[folded["value"]] = MASK
        found += 1
    return found
