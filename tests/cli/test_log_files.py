"""Reading a wire log from its end, and on while it grows and is rotated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tinyocpp.cli import log
from tinyocpp.cli.log import Tail, logs
from tinyocpp.config import Config, LogConfig

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tinyocpp.cli.wire import WireLine


def line(number: int, charger: str = "garage") -> str:
    return f'{{"at":"2026-06-01T12:00:00.{number:06}Z","charger":"{charger}","dir":"cp->cs","raw":"{number}"}}\n'


def write(path: Path, *numbers: int) -> None:
    with path.open("a") as file:
        file.writelines(line(number) for number in numbers)


def everything(lines: Iterable[WireLine]) -> list[WireLine]:
    return list(lines)


def numbers(lines: Iterable[WireLine]) -> list[int]:
    return [int(line.raw) for line in lines]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wire.jsonl"


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        pytest.param(0, [], id="none"),
        pytest.param(2, [5, 6], id="from the file"),
        pytest.param(5, [2, 3, 4, 5, 6], id="from the rotated one too"),
        pytest.param(99, [1, 2, 3, 4, 5, 6], id="all there are"),
    ],
)
def test_last(path: Path, count: int, expected: list[int]) -> None:
    write(path.with_name("wire.jsonl.1"), 1, 2, 3)
    write(path, 4, 5, 6)
    tail = Tail(path)
    assert numbers(tail.last(count, everything)) == expected
    assert tail.new() == []


def test_last_of_a_large_file_reads_back_until_it_has_enough(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "TAIL_BYTES", 300)
    write(path, *range(1, 500))

    def odd(lines: Iterable[WireLine]) -> list[WireLine]:
        return [line for line in lines if int(line.raw) % 2]

    assert numbers(Tail(path).last(4, everything)) == [496, 497, 498, 499]
    assert numbers(Tail(path).last(40, odd)) == list(range(421, 500, 2))


def test_new_lines_are_given_once_and_whole(path: Path) -> None:
    write(path, 1)
    with path.open("a") as file:
        file.write(line(2)[:20])
    tail = Tail(path)
    assert numbers(tail.last(9, everything)) == [1]
    assert tail.new() == []
    with path.open("a") as file:
        file.write(line(2)[20:])
    write(path, 3)
    assert numbers(tail.new()) == [2, 3]
    assert tail.new() == []


def test_rotation_loses_nothing(path: Path) -> None:
    write(path, 1)
    tail = Tail(path)
    tail.last(9, everything)
    write(path, 2)
    path.rename(path.with_name("wire.jsonl.1"))
    assert tail.new() == []
    write(path, 3)
    assert numbers(tail.new()) == [2, 3]
    write(path, 4)
    assert numbers(tail.new()) == [4]


def test_a_file_that_appears_later_or_is_cut_short(path: Path) -> None:
    tail = Tail(path)
    assert tail.last(9, everything) == []
    write(path, 1, 2)
    assert numbers(tail.new()) == [1, 2]
    path.write_text("")
    assert tail.new() == []
    write(path, 3)
    assert numbers(tail.new()) == [3]


def test_where_logs_are(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    for file in ("wire.jsonl", "wire.jsonl.1", "garage.wire.jsonl", "garage.sock"):
        (one / file).touch()
    config = Config(runtime_directories=(str(one), str(two)))
    assert logs(config) == [one / "garage.wire.jsonl", one / "wire.jsonl"]
    named = tmp_path / "named.jsonl"
    config = Config(runtime_directories=(str(one),), log=LogConfig(wire=str(named)))
    assert logs(config) == []
    named.touch()
    assert logs(config) == [named]
