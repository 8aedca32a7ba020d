"""The heaviest frames: a million bytes that are nothing but faults hold up the others no longer than can be borne.

A listener handles one frame at a time, so what one frame takes everybody waits. Measured as a ratio, for no machine is
as fast as the next: against a good frame of that size, which is read, booked and answered. That one takes about 14 ms
where 250 ms are promised to the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from math import inf

import pytest
from conversation import Conversation

from tinyocpp.messages import ACTIONS

BYTES = 2**20
AT_MOST = 12
"""Times as long. Before entries, tokens and shown values were bounded it was more than 100."""

SAMPLED = '{"timestamp":"2026-06-01T12:00:00Z","sampledValue":['
METER_VALUES = '[2,"1","MeterValues",{"connectorId":1,"meterValue":['
GOOD = ('{"timestamp":"2026-06-01T12:00:00Z","sampledValue":[{"value":"1"}]}', METER_VALUES, "]}]")


Made = Callable[[], str]
"""A frame, when it is needed: all of them together are 30 MB."""


def filled(piece: str, before: str, after: str = "", between: str = ",") -> str:
    count = (BYTES - len(before) - len(after)) // (len(piece) + len(between))
    return f"{before}{between.join([piece] * count)}{after}"


def samples(piece: str) -> Made:
    return partial(filled, piece, METER_VALUES + SAMPLED, "]}]}]")


def buckets(piece: str) -> Made:
    return partial(filled, piece, METER_VALUES, "]}]")


def packed(piece: str, before: str, after: str = "") -> Made:
    return partial(filled, piece, before, after, between="")


def unknown_fields() -> str:
    return '[2,"1","Heartbeat",{' + ",".join(f'"{number}":{number}' for number in range(70_000)) + "}]"


HEAVIEST: dict[str, Made] = {
    "empty samples": samples("{}"),
    "samples that are figures": samples('{"value":1}'),
    "samples without a figure": samples('{"value":""}'),
    "samples of words": samples('{"value":"x"}'),
    "samples wrong in each field": samples(
        '{"value":1,"context":1,"format":1,"measurand":1,"phase":1,"location":1,"unit":1}'
    ),
    "samples odd in each field": samples(
        '{"Value":1,"context":"x","format":"RAW","measurand":"Current.Import.L1","Phase":"","location":"EVS","unit":"wh"}'
    ),
    "empty buckets": buckets("{}"),
    "buckets that are lists": buckets("[]"),
    "buckets that are figures": buckets("1.5"),
    "buckets with odd times": buckets('{"timestamp":"2026-06-01 12:00:00","sampledValue":{"value":1}}'),
    "bare words": buckets("x"),
    "stray commas": buckets(""),
    "a stop with data of nonsense": partial(
        filled,
        '{"timestamp":"x","sampledValue":[{"value":1,"unit":"MWh"}]}',
        '[2,"1","StopTransaction",{"transactionId":1,"transactionData":[',
        "]}]",
    ),
    "unknown fields": unknown_fields,
    "empty texts": packed('""', '[2,"1","Heartbeat",{'),
    "quotes": packed('"', '[2,"1","Heartbeat",{'),
    "words and texts": packed('"f7236", "StopTransa ', '[2, "f7236", "StopTransa '),
    "colons": packed(":", '[2,"1","Heartbeat",{'),
    "brackets": packed("]", '[2,"1","Heartbeat",{'),
    "lists in lists": packed("[]", f'[2,"1","Heartbeat",{"[" * 90}'),
    "depth": packed('{"a":', '[2,"1","Heartbeat",'),
    "control characters": packed("\x01 ", '[2,"1","Heartbeat",{'),
    "control characters in a text": packed("\x01", '[2,"1","DataTransfer",{"vendorId":"', '"}]'),
    "bad escapes": packed(r"\x", '[2,"1","DataTransfer",{"vendorId":"', '"}]'),
    "half surrogates": packed(r"\ud800", '[2,"1","DataTransfer",{"vendorId":"', '"}]'),
    "a text that does not end": packed(r"\"", '[2,"1","Heartbeat",{"x":"'),
    "the beginnings of a call": packed('[2,"1"', ""),
    "blanks": packed(" ", '[2,"1",'),
    "a number": packed("9", '[2,"1","Heartbeat",{"x":', "}]"),
    "a vendor's name": packed("}", '[2,"1","BootNotification",{"chargePointModel":"x","chargePointVendor":"', '"}]'),
    "an action": packed("\\n", '[2,"1","', '",{}]'),
    "an answer of nonsense": partial(filled, '{"key":[1]}', '[3,"p-1",{"configurationKey":[', "]}]"),
}


def handling_s(frame: str, enough_s: float = 0.0) -> float:
    """The shortest of three times, or the first that is short enough. On the processor: what other programs took
    meanwhile is no fault of ours."""
    shortest_s = inf
    for _ in range(3):
        began = time.process_time()
        conversation = Conversation(watched=True)
        conversation.call("GetConfiguration")
        conversation.says(frame)
        shortest_s = min(shortest_s, time.process_time() - began)
        if shortest_s < enough_s:
            break
    return shortest_s


@pytest.fixture(scope="module")
def good_s() -> float:
    assert "MeterValues" in ACTIONS
    return handling_s(filled(*GOOD))


@pytest.mark.parametrize("name", HEAVIEST)
def test_a_million_bytes(name: str, good_s: float) -> None:
    frame = HEAVIEST[name]()
    assert BYTES * 0.7 < len(frame) <= BYTES * 1.1
    took_s = handling_s(frame, AT_MOST * good_s)
    assert took_s < AT_MOST * good_s, f"{took_s * 1000:.0f} ms, a good one {good_s * 1000:.0f} ms"
