"""What a charger meant by a frame that breaks the standard. A rule: functions of their arguments, no I/O, no clock.

`read_frame` makes a frame of a text, `mend` a payload of its bytes. Both try the strict way first and only then bend
the rules, and both say what they had to bend: an Oddity each, to be recorded beside the raw text. The numbers in the
comments (F1, S8, T2 ...) are those of docs/charger-quirks.md: every tolerance here has a charger that needs it.

    oddity    what is recorded                  values    one scalar: text, number, time, a word of a closed set
    repair    broken JSON into JSON             payload   a whole payload, and the tables of what stands in for what
    frame     the array around a payload
"""

from __future__ import annotations

from tinyocpp.leniency.frame import Reading, read_frame
from tinyocpp.leniency.oddity import LOSSES, Oddity, OddityKind
from tinyocpp.leniency.payload import NO_REGISTER, NO_TIME, mend
from tinyocpp.leniency.values import read_number

__all__ = ["LOSSES", "NO_REGISTER", "NO_TIME", "Oddity", "OddityKind", "Reading", "mend", "read_frame", "read_number"]
