"""A short run of the fuzzer, the same frames every time: session, listener and backend. The package tells how to run it
for an hour."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from fuzz.mutations import LARGEST, mutated
from fuzz.oracle import answered_id, call_id, call_id_on_a_line
from fuzz.programs import Waits, check_batch, check_log, check_waits, fuzz_backend, fuzz_listener
from fuzz.seeds import ID, recorded, seeds, told
from fuzz.session import MAY_GROW_KB, Growth, fuzz_session

FRAMES = {"session": 6_000, "listener": 800, "backend": 2_000}  # docs/reliability.md has the sum


def test_the_session_survives_broken_frames(tmp_path: Path) -> None:
    tally = fuzz_session(1, tmp_path, frames=FRAMES["session"])
    assert tally.frames == FRAMES["session"]
    assert tally.answered > 1_500


def test_another_charger_waits_no_longer_for_it(tmp_path: Path) -> None:
    run = fuzz_listener(2, tmp_path, frames=FRAMES["listener"])
    assert run.frames == FRAMES["listener"]
    assert run.answered > 200


def test_so_does_the_backend_on_a_pipe(tmp_path: Path) -> None:
    run = fuzz_backend(3, tmp_path, frames=FRAMES["backend"])
    assert run.frames == FRAMES["backend"]
    assert run.answered > 500


# --- the fuzzer itself: one that finds nothing must be able to find something


def test_there_are_seeds_of_real_chargers_and_of_transcripts() -> None:
    assert len(recorded()) >= 30
    assert len(told()) >= 300
    assert sum(ID in frame for frame in seeds()) > len(seeds()) * 0.9


def test_the_same_seed_is_the_same_frames() -> None:
    pool = seeds()
    ones, others = ([mutated(pool[0], pool, rng) for _ in range(500)] for rng in (Random(1), Random(1)))
    assert ones == others
    assert len(set(ones)) > 300
    assert max(map(len, ones)) <= LARGEST


@pytest.mark.parametrize(
    ("frame", "message_id"),
    [
        (b'[2,"a","Heartbeat",{}]', "a"),
        (b' [ 2 , "a" , "no such action" , [NULL]]'.replace(b"NULL", b"null"), "a"),
        (b'[2,"a","Heartbeat"]', "a"),
        (b'[2,"a","Heartbeat",{},1]', None),
        (b'[2,"a",7,{}]', None),
        (b'[3,"a",{}]', None),
        (b'[true,"a","Heartbeat",{}]', None),
        (b'[2,"\\ud800","Heartbeat",{}]', None),
        (b'[2,"a","Heartbeat",{"x":NaN}]', None),
        (b'[2,"a","Heartbeat",{}', None),
        (b'\xff[2,"a","Heartbeat",{}]', None),
        (b"[" * 100_000, None),
    ],
)
def test_which_frames_must_be_answered(frame: bytes, message_id: str | None) -> None:
    assert call_id(frame) == message_id


def test_on_a_line_it_must_begin_like_a_frame() -> None:
    assert call_id_on_a_line(b'[2,"a","Heartbeat",{}]') == "a"
    assert call_id_on_a_line(b'[2,"a",\n"Heartbeat",{}]') is None
    assert call_id_on_a_line(b'["2","a","Heartbeat",{}]') is None


def test_answers() -> None:
    assert answered_id('[3,"a",{}]') == "a"
    assert answered_id('[4,7,"NotSupported","",{}]') == 7
    assert answered_id("[3,%s,{}]" % ("9" * 5000)) == "9" * 5000
    assert answered_id('[2,"a","Reset",{}]') is None
    for wrong in ("{}", '[3,"a"]', '[3,"a",[]]', '[4,"a","NotSupported",""]', '[5,"a",{}]'):
        with pytest.raises(AssertionError):
            answered_id(wrong)


def test_what_is_not_answered_is_found_and_so_is_what_is_answered_twice() -> None:
    answers = [json.dumps([3, message_id, {}]) for message_id in "ab"]
    check_batch(["a", "b"], answers, 2)
    for must, sent in ((["a", "b", "c"], 3), (["a"], 1), (["a", "a"], 2)):
        with pytest.raises(AssertionError):
            check_batch(must, answers, sent)


def test_memory_that_grows_is_found() -> None:
    growth = Growth()
    growth.look()
    kept = b"x" * (MAY_GROW_KB * 1024 + 2**20)
    growth.look()
    with pytest.raises(AssertionError):
        growth.check()
    assert kept


def test_a_word_in_the_log_is_found() -> None:
    check_log("")
    with pytest.raises(AssertionError):
        check_log("Traceback (most recent call last):")


def test_a_long_wait_is_found_and_a_slow_machine_is_not_blamed() -> None:
    check_waits(Waits(good=[0.001, 0.02], broken=[0.2]))
    check_waits(Waits(good=[0.1], broken=[0.9]))
    with pytest.raises(AssertionError):
        check_waits(Waits(good=[0.02], broken=[0.01, 0.3]))
