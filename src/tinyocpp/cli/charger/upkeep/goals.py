"""When an update or an upload is really over, and how the file of it is doing at our door.

A charger's own last word is not enough: "Installed" may come before the restart or after it, or never, and the version
at boot is the proof; "Uploaded" is worth as much as the file that is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyocpp.cli.charger.upkeep.statuses import FIRMWARE, UPLOAD
from tinyocpp.errors import Refused

if TYPE_CHECKING:
    from tinyocpp.cli.charger.upkeep.story import Story
    from tinyocpp.hosts.filedoor.goods import Inbox, Offer

PROOF_S = 60.0  # how long a restart may take that shows a new version, and a word that follows one
ARRIVED_S = 20.0  # how long the word may take that goes with a file, and the file that goes with a word
RETRY_S = 60.0  # between two tries of a charger, where it is left to it


class NewFirmware:
    """It runs. `offer` is the file, if we serve it."""

    actions: tuple[str, ...] = ("FirmwareStatusNotification", "SignedFirmwareStatusNotification")
    meanings = FIRMWARE

    def __init__(self, charger_id: str, offer: Offer | None, retry_s: float) -> None:
        self._charger_id = charger_id
        self._offer = offer
        self._patience_s = retry_s  # after a failure: it may be tried again

    def progress(self) -> str:
        if self._offer is None or not self._offer.sent_bytes:
            return ""
        sent, size = self._offer.sent_bytes, self._offer.size
        return f"{self._offer.name}: {amount(sent)} of {amount(size)}, {100 * sent // size} %"

    def reached(self, story: Story, now_s: float) -> str | None:
        before, version = story.versions
        last, proven = story.last, version != before
        if last is not None and last.meaning.good is False and now_s - last.since >= self._patience_s:
            raise Refused(f"{self._charger_id} {last.meaning.sentence}{self._remedy(last.meaning.remedy)}")
        if last is not None and last.meaning.good:
            if proven:
                return f"{self._charger_id} has installed firmware {version} (before: {before or 'unknown'})"
            if story.booted_at is not None or now_s - last.since >= PROOF_S:
                return (
                    f"{self._charger_id} says that it has installed it; the version it tells of is still"
                    f" {version or 'none'}: it is the same, or it counts after: tinyocpp charger reset"
                )
        if proven and story.booted_at is not None and now_s - story.booted_at >= PROOF_S:
            return f"{self._charger_id} runs firmware {version} now (before: {before or 'unknown'})"
        return None

    def _remedy(self, known: str) -> str:
        if known:
            return f"; {known}"
        if self._offer is None:
            return "; can it reach that URL? Let us serve the file: name it instead of the URL"
        if not self._offer.visits:
            return (
                "; it never came for it: is there a firewall, or another address it reaches us at (--host, --port)?"
                " Many chargers know FTP only: --ftp"
            )
        if self._offer.sent_bytes < self._offer.size:
            return "; it broke off: look at its network, and try --retries 3"
        return "; it has had the whole file: ask the maker which file is for this model and version"


class FileHere:
    """Diagnostics or a log. `inbox` is where it comes, if it comes to us."""

    meanings = UPLOAD

    def __init__(self, charger_id: str, action: str, inbox: Inbox | None, retry_s: float) -> None:
        self.actions: tuple[str, ...] = (action,)
        self.nothing_s: float | None = None  # where the charger names no file: how long one may come all the same
        self._charger_id = charger_id
        self._inbox = inbox
        self._patience_s = retry_s

    def progress(self) -> str:
        if self._inbox is None or not self._inbox.received_bytes:
            return ""
        return f"{amount(self._inbox.received_bytes)} received"

    def reached(self, story: Story, now_s: float) -> str | None:
        last, arrived = story.last, self._inbox.arrived if self._inbox else []
        good = None if last is None else last.meaning.good
        quiet_s = story.quiet_s(now_s)
        if arrived and (good is not None or quiet_s >= ARRIVED_S):
            whole = ", ".join(f"{one.path} ({amount(one.size)})" for one in arrived)
            but = "" if good else f"; {self._charger_id} {'says that it failed' if last else 'has not said that'}"
            return f"{whole}{but}"
        if good and self._inbox is None:
            return f"{self._charger_id} has brought it"
        if last is not None and good is False and now_s - last.since >= self._patience_s:
            raise Refused(f"{self._charger_id} {last.meaning.sentence}{self._remedy(last.meaning.remedy)}")
        if last is not None and good and now_s - last.since >= ARRIVED_S:
            raise Refused(f"{self._charger_id} says that it has brought it, but nothing has come{self._remedy('')}")
        if self.nothing_s is not None and last is None and quiet_s >= self.nothing_s:
            raise Refused(f"{self._charger_id} names no file, and brings none: it has nothing to tell")
        return None

    def _remedy(self, known: str) -> str:
        if known:
            return f"; {known}"
        if self._inbox is None:
            return "; can it reach that URL? Let us take the file: leave --to out"
        if not self._inbox.visits:
            return (
                "; it never came: is there a firewall, or another address it reaches us at (--host, --port)?"
                " Many chargers know FTP only: --ftp"
            )
        return "; it broke off, or there was no room: look above, and try --retries 3"


def amount(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB" if size >= 1e3 else f"{size} bytes"
