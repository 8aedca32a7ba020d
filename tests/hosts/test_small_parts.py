"""The parts of the hosts that stand alone: identities in URLs, addresses, the wire log, log lines."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tinyocpp.errors import ConfigError
from tinyocpp.hosts.addresses import bind, own_addresses, own_end, urls
from tinyocpp.hosts.batch import relaxed
from tinyocpp.hosts.door import identity_in, is_loopback
from tinyocpp.hosts.log import Throttle, log
from tinyocpp.hosts.stdio import caller_of
from tinyocpp.hosts.wirelog import FROM_CHARGER, TO_CHARGER, WireLog, wire_log_path

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("target", "identity"),
    [
        ("/garage", "garage"),
        ("/a/b/garage/?q=1", "garage"),
        ("/RDAM%20123%2FA", "RDAM 123/A"),
        ("/%2525", "%25"),
        ("/100%", "100%"),
        ("/%C3%A9", "é"),
        ("/%ff", ""),
        ("/", ""),
        ("", ""),
        ("?x", ""),
    ],
)
def test_the_identity_in_a_target(target: str, identity: str) -> None:
    assert identity_in(target) == identity


def test_loopback() -> None:
    near = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"]
    far = ["192.0.2.1", "128.0.0.1", "fe80::1", "", "127.evil", "::ffff:10.0.0.1"]
    assert [is_loopback(address) for address in near + far] == [True] * 4 + [False] * 6


# -------------------------------------------------------------------------------------------------------------- batch


@pytest.mark.parametrize(
    ("frame", "may_be_lost"),
    [
        pytest.param('[2,"1","MeterValues",{"connectorId":1,"transactionId":7}]', True, id="samples"),
        pytest.param(' [ 2 , 17 , "Heartbeat" ]', True, id="white space and a number"),
        pytest.param('[2,"1","StartTransaction",{}]', False, id="start"),
        pytest.param('[2,"1" , "StopTransaction" ,{}]', False, id="stop"),
        pytest.param('[2,"1",StartTransaction,{}]', False, id="without its quotes"),
        pytest.param('[2,"1","StopTransact\x00ion",{}]', False, id="with a control character"),
        pytest.param('[2,"1","St\\u0061rtTransaction",{}]', False, id="with an escape"),
        pytest.param('[2,"\x01","Heartbeat",[2,"1","StopTransaction"', False, id="behind another that is lost"),
        pytest.param('[3,"1",{"a":nonsense}][2,"2",StartTransaction', False, id="behind an answer"),
    ],
)
def test_a_batch_with_what_may_be_a_start_or_a_stop_is_not_relaxed(frame: str, may_be_lost: bool) -> None:
    """leniency reads all of those as what their names say."""
    assert relaxed(frame) is may_be_lost


# ------------------------------------------------------------------------------------------------- who calls a backend


@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA"])
def test_a_proxy_speaks_for_somebody_else(header: str) -> None:
    environ = {"REQUEST_URI": "/simulator", "REMOTE_ADDR": "127.0.0.1"}
    assert not caller_of(None, environ).forwarded
    assert caller_of(None, environ | {header: "for=192.0.2.60"}).forwarded


# ---------------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "\0"])
def test_a_host_that_is_none_is_the_configurations_fault(host: str) -> None:
    with pytest.raises(ConfigError, match="is no address of this machine"):
        bind(host, 0)


def test_the_addresses_are_ours_and_the_way_out_is_among_them() -> None:
    found = own_addresses()
    for address in found:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        if sock.connect_ex(("192.0.2.1", 9)) == 0:
            assert sock.getsockname()[0] in found


def test_urls_to_type() -> None:
    assert urls("ws", "192.0.2.1", 9016) == ["ws://192.0.2.1:9016/"]
    assert urls("wss", "2001:db8::1", 9017) == ["wss://[2001:db8::1]:9017/"]
    assert len(urls("ws", "", 9016)) == len(own_addresses())
    assert all("[" not in url for url in urls("ws", "0.0.0.0", 9016))


# ----------------------------------------------------------------------------------------------------------- wire log


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_one_line_for_each_frame(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    wire = WireLog(str(path), 1000_000)
    wire.note(NOON, "garage", FROM_CHARGER, '[2,"1","Heartbeat",\n\t{}]')
    wire.note(NOON, "garage", TO_CHARGER, '[3,"1",{}]')
    assert not path.exists()
    wire.flush()
    assert lines(path) == [
        {"at": "2026-06-01T12:00:00Z", "charger": "garage", "dir": "cp->cs", "raw": '[2,"1","Heartbeat",\n\t{}]'},
        {"at": "2026-06-01T12:00:00Z", "charger": "garage", "dir": "cs->cp", "raw": '[3,"1",{}]'},
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    wire.close()


def test_the_ring_is_bounded_also_across_restarts(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    for restart in range(5):
        wire = WireLog(str(path), 20_000)
        for number in range(100):
            wire.note(NOON, "garage", FROM_CHARGER, f"{restart}.{number} " + "x" * 100)
            wire.flush()
        wire.close()
        kept = [file.stat().st_size for file in tmp_path.iterdir()]
        assert (sum(kept) <= 20_000, len(kept) <= 2) == (True, True)
    assert lines(path)[-1]["raw"].startswith("4.99 ")


def test_a_log_that_cannot_be_written_is_said_once(tmp_path: Path, capsys: Any) -> None:
    wire = WireLog(str(tmp_path / "nowhere" / "wire.jsonl"), 20_000)
    for _ in range(3):
        wire.note(NOON, "garage", FROM_CHARGER, "x")
        wire.flush()
    assert capsys.readouterr().err.count("no_wire_log") == 1
    (tmp_path / "nowhere").mkdir()
    wire.note(NOON, "garage", FROM_CHARGER, "y")
    wire.flush()
    assert len(lines(tmp_path / "nowhere" / "wire.jsonl")) == 1
    wire.close()


def test_a_group_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    before = os.umask(0o077)
    wire = WireLog(str(path), 20_000, 0o660, 1 if os.geteuid() == 0 else os.getegid())
    wire.note(NOON, "garage", FROM_CHARGER, "x")
    wire.flush()
    wire.close()
    os.umask(before)
    if os.geteuid() == 0:
        assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) == (0o660, 1)


def test_where_the_log_is() -> None:
    assert wire_log_path("/var/log/wire", "/run/tinyocpp") == "/var/log/wire"
    assert wire_log_path("", "/run/tinyocpp") == "/run/tinyocpp/wire.jsonl"
    assert wire_log_path("", "/run/tinyocpp", "Garage") == "/run/tinyocpp/garage.wire.jsonl"


# ---------------------------------------------------------------------------------------------------------- log lines


def test_nobody_can_forge_a_line(capsys: Any) -> None:
    log("refused", charger='x"\ncharger=y', why="é\x1b[31m a=b", tx=42, empty="")
    assert capsys.readouterr().err == (
        'charger="x\\"\\ncharger=y" event=refused why="\\xe9\\x1b[31m a=b" tx=42 empty=""\n'
    )


def test_a_throttle_counts_what_it_held_back_and_forgets_in_the_end() -> None:
    throttle = Throttle(every_s=60)
    assert [throttle.due("a", at) for at in (0, 1, 59, 60, 61, 120)] == [0, None, None, 2, None, 1]
    for number in range(5000):
        assert throttle.due(f"scanner {number}", 130) == 0
    assert len(throttle._last) <= Throttle.BOUND


def test_a_stderr_that_is_gone_stops_nobody() -> None:
    script = "from tinyocpp.hosts.log import log; log('anything'); print('goes on')"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=full,
            env={"PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=20,
            check=False,  # python itself minds at its end
        )
    assert done.stdout == b"goes on\n"


@pytest.mark.parametrize(
    ("host", "end"),
    [("", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("192.168.1.10", "192.168.1.10"), ("::1", "::1")],
)
def test_where_we_reach_ourselves(host: str, end: str) -> None:
    assert own_end(host) == end
