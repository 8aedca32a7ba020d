"""Who gets in: the one place that decides, before anything else happens to a connection.

Both hosts ask it, inside a batch, with what they know of the caller: before an upgrade is answered, and before a newer
connection takes over from an older one. Passwords and certificates come first, then admission; a refusal is remembered
so that the owner can see who knocked, and bounded so that a stranger cannot fill the disk by knocking.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tinyocpp.admission import NOT_ADMITTED, Standing, profile_proven, standing
from tinyocpp.attempts import Buckets, Rate, network_of
from tinyocpp.hosts.caller import Caller, Proof, Refusal, Welcome
from tinyocpp.hosts.credentials import Credentials, quoted
from tinyocpp.hosts.log import Throttle, log
from tinyocpp.identity import valid_identity

if TYPE_CHECKING:
    from datetime import datetime

    from tinyocpp.config import Config
    from tinyocpp.storage import Register, Registered

PROXIES_SAY = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
"""Headers of which none comes without a proxy. One that adds nothing cannot be told from somebody on this machine."""

LOOPBACK = r"127(\.\d{1,3}){3}"  # compiled when it is first asked for
REMEMBERED = 100  # strangers; a scanner tries thousands
REMEMBER_EVERY_S = 60
LINES_OF_STRANGERS = Rate(20, 1 / 6)  # for each address: a scanner has another identity every time


class Door:
    """One for all chargers of a process: it remembers who was right and wrong a moment ago, and what the log says."""

    def __init__(self, config: Config, register: Register) -> None:
        self.config = config  # replaced when the configuration is read anew
        self._register = register
        self._credentials = Credentials(register)
        self._lines = Throttle()
        self._strangers_lines = Buckets(LINES_OF_STRANGERS)

    def welcome(self, caller: Caller, now: datetime, now_s: float) -> Welcome | Refusal:
        """Decide, and remember a refusal or what was proven. Call it inside a batch; StorageError may pass. `now_s` is
        monotonic."""
        if not valid_identity(caller.identity):
            refusal = Refusal(status=404, why="not an acceptable identity")
            self._say(caller, None, refusal, now_s)
            return refusal
        known = self._register.find(caller.identity)
        proof = self._credentials.check(caller, known, self.config, now_s)
        verdict = proof if isinstance(proof, Refusal) else self._admit(caller, known)
        if isinstance(verdict, Refusal):
            self._say(caller, known, verdict, now_s)
            self._remember(caller, known, verdict, now)
            return verdict
        assert isinstance(proof, Proof)
        charger_id = known.charger_id if known else caller.identity
        self._let_in(charger_id, caller, known, proof)
        return Welcome(charger_id=charger_id, standing=verdict)

    def _let_in(self, charger_id: str, caller: Caller, known: Registered | None, proof: Proof) -> None:
        """The same batch that lets it in makes a password it came with its only one, and a profile it was asked for the
        least it may use from now on."""
        if known and proof.key is not None and known.keys.proven(proof.key) != known.keys:
            self._register.set_keys(charger_id, known.keys.proven(proof.key))
        asked = known.security_profile_next if known else None
        if known and asked is not None and proof.profile >= asked:
            proven = profile_proven(proof.profile, known.security_profile, asked)
            self._register.set_profile(charger_id, proven)
            log("security_profile", charger=charger_id, proven=proven, then="nothing lower any more")
        shown = caller.certificate
        certificate = (shown.serial, shown.expires_at) if shown else None
        tls_words = caller.tls_words or ("TLS" if caller.tls else "")  # websocketd tells no more
        self._register.came_with(charger_id, None if caller.named else proof.profile, tls_words, certificate)

    def _admit(self, caller: Caller, known: Registered | None) -> Standing | Refusal:
        verdict = standing(
            caller.identity,
            admit=self.config.chargers.admit,
            admitted=known is not None and known.admitted_at is not None,
            anyone_admitted=self._register.anyone_admitted(),
            loopback=not caller.forwarded and is_loopback(caller.address),
            named=caller.named,
        )
        if verdict is Standing.REFUSED:
            return Refusal(status=404, why=NOT_ADMITTED, remedy=f"tinyocpp charger admit {quoted(caller)}")
        return verdict

    def _remember(self, caller: Caller, known: Registered | None, refusal: Refusal, now: datetime) -> None:
        if known is None or known.refused_at is None:
            if (known is None or known.admitted_at is None) and self._register.refused() >= REMEMBERED:
                return
        elif 0 <= (now - known.refused_at).total_seconds() < REMEMBER_EVERY_S:
            return
        self._register.refuse(caller.identity, caller.address, refusal.why, now)

    def _say(self, caller: Caller, known: Registered | None, refusal: Refusal, now_s: float) -> None:
        network = None if known and known.admitted_at else network_of(caller.address)
        if network is not None and not self._strangers_lines.has_one(network, now_s):
            return
        held_back = self._lines.due(f"{refusal.status} {caller.identity[:100]}", now_s)
        if held_back is None:
            return
        fields: dict[str, object] = {"address": caller.address, "status": refusal.status, "why": refusal.why}
        if refusal.remedy:
            fields["remedy"] = refusal.remedy
        if held_back:
            fields["more"] = held_back
        if network is not None:
            self._strangers_lines.take(network, now_s)
            if not self._strangers_lines.has_one(network, now_s):
                fields["then"] = "fewer lines about strangers from there"
        log("refused", charger=caller.identity[:100] or "(none)", **fields)


def identity_in(target: str) -> str:
    """The identity in a request target: its last segment that is not empty, percent-decoded once; "" if unreadable.

    Any path will do, as chargers append their identity to whatever was typed (quirks H6 to H8)."""
    path = target.partition("?")[0].partition("#")[0]
    segment = path.rstrip("/").rpartition("/")[2]
    raw = segment.encode("utf-8", "surrogateescape")
    try:
        return re.sub(rb"%([0-9A-Fa-f]{2})", lambda pair: bytes.fromhex(pair[1].decode()), raw).decode()
    except UnicodeDecodeError:
        return ""


def is_loopback(address: str) -> bool:
    """127.0.0.0/8, ::1, and the first inside the second's notation."""
    address = address.removeprefix("::ffff:")
    return address == "::1" or (address.startswith("127.") and re.fullmatch(LOOPBACK, address) is not None)
