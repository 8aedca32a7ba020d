"""What we do with a charger by ourselves: one generator per errand, and the tables of those that begin by themselves.

An errand yields what it wants next, an Ask or a Pause, and is given the Answer (None after a Pause). The session does
it: one call at a time, in the queue with those of people, after the answer to the charger's own call has gone out. An
errand is closed without a word when the connection ends, so what must outlive that belongs into the ledger. Like a
handler it runs inside the host's batch and looks at no clock but the charger's.
"""

from __future__ import annotations

from collections.abc import Callable

from tinyocpp.charger import Charger
from tinyocpp.commands import Errand
from tinyocpp.errands.booting import ask_to_boot
from tinyocpp.errands.certificates import deliver_again
from tinyocpp.errands.limiting import keep_limits
from tinyocpp.errands.locallist import keep_local_list
from tinyocpp.errands.sampling import ask_for_samples
from tinyocpp.errands.stopping import stop_refused

Beginning = Callable[[Charger], Errand | None]
"""None: there is nothing to do for this charger."""

AT_CONNECTION: tuple[Beginning, ...] = (ask_to_boot,)
"""Begun with every connection that was let in."""

WHEN_ACCEPTED: tuple[Beginning, ...] = (deliver_again, ask_for_samples, stop_refused, keep_limits, keep_local_list)
"""Begun with the first frame of a charger that is accepted: before that, nothing may be asked of it (section 4.2)."""
