"""Frames out of lines: whole ones, ones with newlines inside, ones that never close, and what is too long."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyocpp.hosts.lines import LineJoiner, TooLong

HEARTBEAT = '[2,"1","Heartbeat",{}]'
NOTICE = '[2,"2","StatusNotification",{"info":"a"}]'


def joined(*chunks: str | bytes) -> list[str]:
    """All frames of the chunks, the end of input included."""
    joiner = LineJoiner(1000)
    frames = [frame for chunk in chunks for frame in joiner.feed(chunk.encode() if isinstance(chunk, str) else chunk)]
    return frames + joiner.end()


@pytest.mark.parametrize(
    ("chunks", "frames"),
    [
        pytest.param([f"{HEARTBEAT}\n"], [HEARTBEAT], id="a frame, a line"),
        pytest.param([f"{HEARTBEAT}\n{NOTICE}\n"], [HEARTBEAT, NOTICE], id="two at once"),
        pytest.param(['[2,"1","Heart', 'beat",{}]\n'], [HEARTBEAT], id="in pieces"),
        pytest.param([HEARTBEAT], [HEARTBEAT], id="no newline at the end of input"),
        pytest.param([f"{HEARTBEAT}\r\n"], [HEARTBEAT], id="as on a network terminal"),
        pytest.param(["\n\r\n  \n"], [], id="empty lines"),
        pytest.param(['[2,"1","Heartbeat",\n{\n}\n]\n'], ['[2,"1","Heartbeat",\n{\n}\n]'], id="newlines between"),
        pytest.param(['[2,"2","X",{"info":"a\nb"}]\n'], ['[2,"2","X",{"info":"a\nb"}]'], id="a newline in a text"),
        pytest.param(['[2,"2","X",{"info":"]}\\"]}\n"}]\n'], ['[2,"2","X",{"info":"]}\\"]}\n"}]'], id="brackets in it"),
        pytest.param([f'[2,"1","X",{{"a":\n{HEARTBEAT}\n'], ['[2,"1","X",{"a":', HEARTBEAT], id="one never closes"),
        pytest.param([f'[2,"1","X",{{"a":"\n{HEARTBEAT}\n'], ['[2,"1","X",{"a":"', HEARTBEAT], id="nor its text"),
        pytest.param(['[2,"1","X",{"a":\n'], ['[2,"1","X",{"a":'], id="the last never closes"),
        pytest.param([f"nonsense\n]]}}\n{HEARTBEAT}\n"], ["nonsense", "]]}", HEARTBEAT], id="nonsense between"),
        pytest.param(
            ['"a text that never ends\n', f"{HEARTBEAT}\n"], ['"a text that never ends', HEARTBEAT], id="quote"
        ),
        pytest.param([f" [ 2 ,\n{HEARTBEAT}\n"], [" [ 2 ,", HEARTBEAT], id="space before"),
        pytest.param([b'[2,"\xff","X",{}]\n'], ['[2,"�","X",{}]'], id="no UTF-8"),
        pytest.param(['[2,"ä'.encode()[:-1], "ä".encode()[1:], b'","X",{}]\n'], ['[2,"ä","X",{}]'], id="half a letter"),
    ],
)
def test_frames(chunks: list[str | bytes], frames: list[str]) -> None:
    assert joined(*chunks) == frames


def test_what_has_begun_waits_until_it_closes_or_is_given_up() -> None:
    joiner = LineJoiner(1000)
    assert not joiner.waiting
    assert joiner.feed(b'[2,"1","X",{\n') == []
    assert joiner.waiting
    assert joiner.flush() == ['[2,"1","X",{']
    assert not joiner.waiting
    assert joiner.flush() == []
    assert joiner.feed(f"{HEARTBEAT}\n".encode()) == [HEARTBEAT]


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([b"x" * 1001], id="a line without an end"),
        pytest.param([b"x" * 600, b"x" * 600], id="in pieces"),
        pytest.param([b"[" + b"x" * 500 + b"\n", b"x" * 600 + b"\n"], id="a frame of many lines"),
        pytest.param([b"[" + b"x" * 500 + b"\n", b"x" * 600], id="its last line open"),
    ],
)
def test_what_is_too_long_ends_it(chunks: list[bytes]) -> None:
    with pytest.raises(TooLong):
        joined(*chunks)


def test_the_limit_is_of_one_frame_not_of_all() -> None:
    assert len(joined(*[b"[" + b"x" * 900 + b"]\n"] * 10)) == 10


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    payloads=st.lists(st.dictionaries(st.text(), json_values, max_size=3), min_size=1, max_size=4),
    indent=st.sampled_from([None, 0, 2]),
    size=st.integers(1, 40),
)
def test_what_was_sent_arrives_whatever_the_pieces(payloads: list[object], indent: int | None, size: int) -> None:
    sent = [[2, str(number), "DataTransfer", payload] for number, payload in enumerate(payloads)]
    stream = "".join(f"{json.dumps(frame, indent=indent)}\n" for frame in sent).encode()
    joiner = LineJoiner(1_000_000)
    frames = [frame for at in range(0, len(stream), size) for frame in joiner.feed(stream[at : at + size])]
    assert [json.loads(frame) for frame in frames] == sent
