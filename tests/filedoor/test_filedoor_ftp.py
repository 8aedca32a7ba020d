"""The FTP door, tried with the standard library's client and with plain lines."""

from __future__ import annotations

import contextlib
import ftplib
import io
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from opening import FIRMWARE, MOST_BYTES, contents
from waiting import until

from tinyocpp.hosts.filedoor import ftp as ftp_door
from tinyocpp.hosts.filedoor import goods
from tinyocpp.hosts.filedoor.goods import Arrived, Inbox, Offer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opening import Open

    Opened = Callable[..., Open]

NAME = "Wallbox-2.0-final-.BIN"

SILENT = """
import sys
from urllib.request import urlopen
from tinyocpp.hosts.filedoor import open_door
from tinyocpp.hosts.filedoor.goods import Offer
door = open_door("ftp", Offer(sys.argv[1]), "", 0, "127.0.0.1", print)
print(len(urlopen(door.url).read()))
door.close()
"""


def log_in(door: Open) -> ftplib.FTP:
    client = ftplib.FTP(timeout=10)
    client.connect(door.host, door.port)
    client.login(door.user, door.password)
    return client


def fetch(client: ftplib.FTP, path: str, rest: int | None = None) -> bytes:
    got = io.BytesIO()
    client.retrbinary(f"RETR {path}", got.write, rest=rest)
    return got.getvalue()


@pytest.mark.parametrize("passive", [True, False])
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1"])
def test_a_download(opened: Opened, offer: Offer, passive: bool, peer: str) -> None:
    door = opened("ftp", offer, peer=peer)
    assert door.path == f"/{NAME}"
    with log_in(door) as client:
        client.set_pasv(passive)
        assert fetch(client, door.path) == FIRMWARE
        assert fetch(client, NAME, rest=256_000) == FIRMWARE[256_000:]
        assert client.size(NAME) == 256_010
        assert client.nlst() == [NAME]
        listed: list[str] = []
        client.dir(listed.append)
        assert [line.split()[-1] for line in listed] == [NAME]
        client.cwd("/")
    assert offer.sent_bytes == 256_010
    assert door.told == [f"{peer} fetches {NAME}"] * 2


def test_bytes_pass_as_they_are(opened: Opened, inbox: Inbox, offer: Offer, folder: Path) -> None:
    """Whatever TYPE is set: a charger that forgets to would break its firmware at every newline."""
    with log_in(opened("ftp", inbox)) as client:
        client.voidcmd("TYPE A")
        with client.transfercmd("STOR log") as data:
            data.sendall(b"one\r\ntwo\n")
        client.voidresp()
    assert contents(folder) == {"log": b"one\r\ntwo\n"}
    with log_in(opened("ftp", offer)) as client, client.transfercmd(f"RETR {NAME}") as data:
        assert b"".join(iter(lambda: data.recv(65536), b"")) == FIRMWARE


@pytest.mark.parametrize(
    ("path", "name"),
    [("log.txt", "log.txt"), ("/log.txt", "log.txt"), ("../../etc/passwd", "passwd"), ("a/b/my log.zip", "my-log.zip")],
)
def test_an_upload(opened: Opened, inbox: Inbox, folder: Path, path: str, name: str) -> None:
    data = os.urandom(100_000)
    door = opened("ftp", inbox)
    with log_in(door) as client:
        assert client.storbinary(f"STOR {path}", io.BytesIO(data)).startswith("226")
        assert inbox.arrived == [Arrived(str(folder / name), 100_000)]
        assert client.nlst() == []
    assert contents(folder) == {name: data}
    assert door.told == [f"127.0.0.1 brings {name}"]


def test_a_name_of_our_own(opened: Opened, inbox: Inbox, folder: Path) -> None:
    with log_in(opened("ftp", inbox)) as client:
        client.storbinary("STOU", io.BytesIO(b"data"))
    assert list(contents(folder).values()) == [b"data"]


@pytest.mark.parametrize(
    "command",
    [
        "RETR /etc/passwd", "RETR ../../../etc/passwd", f"STOR {NAME}", "STOU", f"DELE {NAME}", f"RNFR {NAME}", "MKD x",
        f"APPE {NAME}", "CWD etc", f"SITE CHMOD 777 {NAME}", "LIST /etc", "NLST ..x",
    ],
)  # fmt: skip
def test_an_offer_is_that_one_file(opened: Opened, offer: Offer, command: str) -> None:
    with log_in(opened("ftp", offer)) as client:
        with pytest.raises(ftplib.Error):
            client.ntransfercmd(command)
        assert fetch(client, NAME) == FIRMWARE


@pytest.mark.parametrize("command", ["RETR mine", "SIZE mine", "DELE mine", "RNFR mine", "MKD x", "APPE mine"])
def test_an_inbox_only_takes_in(opened: Opened, inbox: Inbox, folder: Path, command: str) -> None:
    (folder / "mine").write_bytes(b"mine")
    with log_in(opened("ftp", inbox)) as client:
        with pytest.raises(ftplib.error_perm):
            client.ntransfercmd(command)
        client.voidcmd("TYPE I")
        with pytest.raises(ftplib.error_perm, match="550 Operation not permitted"):
            client.ntransfercmd("STOR mine", rest=2)
    assert contents(folder) == {"mine": b"mine"}


@pytest.mark.parametrize(("user", "password"), [("charger", "guess"), ("anonymous", ""), ("root", "{password}")])
def test_a_wrong_password(
    opened: Opened, offer: Offer, monkeypatch: pytest.MonkeyPatch, user: str, password: str
) -> None:
    monkeypatch.setattr(ftp_door._Visit, "auth_failed_timeout", 0)
    door = opened("ftp", offer)
    client = ftplib.FTP(timeout=10)
    client.connect(door.host, door.port)
    with pytest.raises(ftplib.error_perm, match="530"):
        client.login(user, password.format(password=door.password))
    with pytest.raises(ftplib.error_perm, match="530"):
        client.sendcmd(f"RETR {NAME}")
    client.close()
    assert door.told == ["127.0.0.1 gives a wrong password"]


def test_too_large(opened: Opened, inbox: Inbox, folder: Path) -> None:
    door = opened("ftp", inbox)
    with log_in(door) as client:
        data = client.transfercmd("STOR log")
        with contextlib.suppress(OSError):
            data.sendall(bytes(MOST_BYTES + 1))
        data.close()
        with pytest.raises(ftplib.error_temp, match="426 File too large; transfer aborted"):
            client.voidresp()
        assert door.told[-1] == "127.0.0.1 brings log: File too large"
    assert contents(folder) == {}


def test_no_more_files_than_some(opened: Opened, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goods, "MOST_FILES", 1)
    door = opened("ftp", inbox)
    with log_in(door) as client:
        client.storbinary("STOR one", io.BytesIO(b"data"))
        with pytest.raises(ftplib.error_perm, match="550"):
            client.storbinary("STOR two", io.BytesIO(b"data"))
    assert door.told[-1] == "127.0.0.1 brings /two: Too many files"


def test_a_disk_that_fails_at_the_end(
    opened: Opened, inbox: Inbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not on disk is not acknowledged."""

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(goods.os, "fsync", full)
    with log_in(opened("ftp", inbox)) as client, pytest.raises(ftplib.error_temp, match="451 No space left"):
        client.storbinary("STOR log", io.BytesIO(b"data"))
    assert contents(folder) == {}


def test_who_says_nothing_is_sent_away(opened: Opened, offer: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that are no login do not help."""
    monkeypatch.setattr(ftp_door, "KNOCKING_S", 0.3)
    door = opened("ftp", offer)
    with socket.create_connection((door.host, door.port), timeout=10) as sock:
        sock.sendall(b"NOOP\r\n")
        assert b"".join(iter(lambda: sock.recv(4096), b"")).startswith(b"220 tinyocpp\r\n200")


def test_one_who_has_logged_in_may_take_his_time(opened: Opened, offer: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ftp_door, "KNOCKING_S", 0.3)
    door = opened("ftp", offer)
    with log_in(door) as slow, log_in(door) as other:
        for _ in range(10):
            other.sendcmd("NOOP")
            fetch(other, NAME)
        assert fetch(slow, NAME) == FIRMWARE


def test_nothing_is_served_after_the_end(opened: Opened, inbox: Inbox, folder: Path) -> None:
    door = opened("ftp", inbox)
    client = log_in(door)
    with client.transfercmd("STOR log") as data:
        data.sendall(b"half")
        until(lambda: inbox.received_bytes == 4)
        door.door.close()
        inbox.close()
    with pytest.raises((EOFError, OSError)):
        client.sendcmd("NOOP")
    client.close()
    with pytest.raises(OSError):
        log_in(door)
    assert contents(folder) == {}


def test_a_forwarded_host_is_named_in_the_answer_to_pasv(opened: Opened, offer: Offer) -> None:
    door = opened("ftp", offer, host="192.0.2.80")
    client = ftplib.FTP(timeout=10)
    client.connect("127.0.0.1", door.port)
    client.login(door.user, door.password)
    answer = client.sendcmd("PASV")
    numbers = [int(number) for number in answer.partition("(")[2].rstrip(").").split(",")]
    assert numbers[:4] == [192, 0, 2, 80]
    assert numbers[4] * 256 + numbers[5] in range(door.port + 1, door.port + 11)
    client.close()


def test_the_library_says_nothing(tmp_path: Path) -> None:
    """It would install a handler of its own where a program has none."""
    (tmp_path / "fw.bin").write_bytes(FIRMWARE)
    ran = subprocess.run(
        [sys.executable, "-c", SILENT, str(tmp_path / "fw.bin")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (ran.stdout, ran.stderr) == ("127.0.0.1 fetches fw.bin\n256010\n", "")
