"""Who wants in, and what the door may answer: the shapes between the hosts, the door and the check of credentials."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tinyocpp.admission import Standing


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A client certificate the TLS layer has verified against our CA. Of its names only the common name counts: others
    are for servers (security paper, A00.FR.405)."""

    names: tuple[str, ...]  # common names
    organisations: tuple[str, ...] = ()
    serial: str = ""  # hex, upper case, without leading zeros
    expires_at: datetime | None = None
    pem: str = ""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of whoever wants in."""

    identity: str
    address: str = ""
    authorization: str | None = None
    tls: bool = False
    tls_words: str = ""  # version and suite
    certificate: Certificate | None = None
    forwarded: bool = False  # a proxy speaks for it: its address says nothing about where it is
    named: bool = False  # by the owner, on the command line


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller has shown that was right."""

    profile: int  # the security profile it uses
    key: str | None = None  # the stored hash its password fits


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """Come in. `charger_id` is the spelling this charger was first known by."""

    charger_id: str
    standing: Standing


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Stay out; `status` is the HTTP status to answer the upgrade with."""

    status: int
    why: str
    remedy: str = ""  # what its owner types to let it in

    @property
    def words(self) -> str:
        """For the other end; whoever reads it there may be the owner."""
        return f"{self.why}; its owner lets it in with: {self.remedy}" if self.remedy else self.why
