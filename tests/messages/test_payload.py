"""What is common to all payloads: null, the decimals of limits, our own times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tinyocpp.errors import ProtocolFault
from tinyocpp.messages.core import MeterValues, StartTransaction
from tinyocpp.messages.core_boot import Heartbeat, HeartbeatResult
from tinyocpp.messages.frames import ErrorCode
from tinyocpp.messages.payload import decode_payload, encode_payload, utc, whole_seconds
from tinyocpp.messages.smart_charging import ChargingSchedulePeriod


@pytest.mark.parametrize("raw", [b"{}", b"null", b" null\n"])
def test_null_is_an_equal_notation_for_no_payload(raw: bytes) -> None:
    assert decode_payload(Heartbeat, raw) == Heartbeat()


def test_null_lacks_what_an_empty_payload_lacks() -> None:
    with pytest.raises(ProtocolFault) as refused:
        decode_payload(StartTransaction, b"null")
    assert refused.value.code == ErrorCode.PROTOCOL_ERROR


@pytest.mark.parametrize("raw", [b"", b"{", b'{"idTag":', b"\xff", b'{"connectorId":"\xff"}', b'{"a":"\\ud800"}'])
def test_what_is_no_json_is_a_formation_violation(raw: bytes) -> None:
    with pytest.raises(ProtocolFault) as refused:
        decode_payload(MeterValues, raw)
    assert refused.value.code in (ErrorCode.FORMATION_VIOLATION, ErrorCode.TYPE_CONSTRAINT_VIOLATION)


def test_a_refusal_fits_into_a_call_error() -> None:
    with pytest.raises(ProtocolFault) as refused:
        decode_payload(Heartbeat, b'{"%b":1}' % (b"x" * 1000))
    assert len(refused.value.description) == 255


def test_every_limit_of_one_decimal_is_one() -> None:
    sent = [f'{{"startPeriod":0,"limit":{tenths // 10}.{tenths % 10}}}'.encode() for tenths in range(400)]
    assert [encode_payload(decode_payload(ChargingSchedulePeriod, period)) for period in sent] == sent


@pytest.mark.parametrize("limit", [6.25, 0.30000000000000004, float("nan")])
def test_a_finer_limit_is_not_ours_to_send(limit: float) -> None:
    with pytest.raises(ValueError, match="limit"):
        ChargingSchedulePeriod(start_period=0, limit=limit)


@pytest.mark.parametrize(
    ("moment", "wire"),
    [
        (datetime(2026, 6, 1, 12, 0, 0, 999999, UTC), "2026-06-01T12:00:00Z"),
        (datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=2))), "2026-06-01T10:00:00Z"),
    ],
)
def test_our_own_times_have_neither_fraction_nor_offset(moment: datetime, wire: str) -> None:
    assert encode_payload(HeartbeatResult(current_time=whole_seconds(moment))) == f'{{"currentTime":"{wire}"}}'.encode()


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_at_the_edge_of_the_calendar_does_no_harm(text: str) -> None:
    result = decode_payload(HeartbeatResult, f'{{"currentTime":"{text}"}}'.encode())
    assert utc(result.current_time) == datetime.fromisoformat(text).replace(tzinfo=UTC)
