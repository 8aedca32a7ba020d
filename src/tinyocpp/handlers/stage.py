"""How far a call of ours has come when a lesson is learnt from it."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    SENT = "sent"
    ANSWERED = "answered"
    FAILED = "failed"  # CALLERROR, no answer in time, connection lost
