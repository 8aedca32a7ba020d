"""The HTTP door, tried with plain connections: what embedded downloaders and uploaders do, and what strangers try."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from opening import FILE, FIRMWARE, MOST_BYTES, contents
from waiting import until

from tinyocpp.hosts.addresses import facing
from tinyocpp.hosts.filedoor import goods, listen
from tinyocpp.hosts.filedoor import http as http_door
from tinyocpp.hosts.filedoor.goods import Inbox, Offer, clean_name
from tinyocpp.hosts.filedoor.visit import Visit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opening import Open

    Opened = Callable[..., Open]

FORM = (
    b'--XX\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="file"; filename="../../log 1.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\nline 1\r\n--X\r\nline 2\r\n--XX--\r\n"
)
MULTIPART = {"Content-Type": "multipart/form-data; boundary=XX"}
CHUNKED = b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def ask(
    door: Open, method: str, path: str | None = None, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of one request."""
    with contextlib.closing(HTTPConnection(door.host, door.port, timeout=10)) as connection:
        connection.request(method, door.path if path is None else path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.headers)


def connect(door: Open) -> socket.socket:
    return socket.create_connection((door.host, door.port), timeout=10)


def raw(door: Open, request: bytes) -> bytes:
    """Everything that comes back until the other end closes."""
    with connect(door) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        return rest_of(sock)


def rest_of(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(65536), b""))


# Out.


def test_a_download(opened: Opened, offer: Offer) -> None:
    door = opened("http", offer)
    assert door.path.endswith("/Wallbox-2.0-final-.BIN")
    status, body, headers = ask(door, "GET")
    assert (status, body, headers["Content-Length"]) == (200, FIRMWARE, str(len(FIRMWARE)))
    until(lambda: offer.sent_bytes == len(FIRMWARE))
    assert door.told == ["127.0.0.1 fetches Wallbox-2.0-final-.BIN"]
    status, body, headers = ask(door, "HEAD")
    assert (status, body, headers["Content-Length"], headers["Accept-Ranges"]) == (200, b"", "256010", "bytes")


@pytest.mark.parametrize(
    ("asked", "status", "first", "end"),
    [
        ("bytes=0-99", 206, 0, 100),
        ("bytes=256000-", 206, 256_000, 256_010),
        ("bytes=-10", 206, 256_000, 256_010),
        ("bytes= 5 - 9999999", 206, 5, 256_010),
        ("bytes=-999999", 200, 0, 256_010),
        ("bytes=0-1,5-6", 200, 0, 256_010),
        ("bytes=-", 200, 0, 256_010),
        ("lines=1-2", 200, 0, 256_010),
        ("bytes=256010-", 416, 0, 0),
        ("bytes=9-3", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
    ],
)
def test_ranges(opened: Opened, offer: Offer, asked: str, status: int, first: int, end: int) -> None:
    answered, body, headers = ask(opened("http", offer), "GET", headers={"Range": asked})
    assert (answered, body) == (status, FIRMWARE[first:end])
    if status == 206:
        assert headers["Content-Range"] == f"bytes {first}-{end - 1}/256010"
    if status == 416:
        assert headers["Content-Range"] == "bytes */256010"


def test_a_download_is_resumed_only_in_the_same_file(opened: Opened, offer: Offer) -> None:
    door = opened("http", offer)
    mark = ask(door, "HEAD")[2]["ETag"]
    assert ask(door, "GET", headers={"Range": "bytes=10-19", "If-Range": mark})[:2] == (206, FIRMWARE[10:20])
    assert ask(door, "GET", headers={"Range": "bytes=10-19", "If-Range": '"other"'})[0] == 200


def test_several_requests_on_one_connection(opened: Opened, offer: Offer) -> None:
    door = opened("http", offer)
    with contextlib.closing(HTTPConnection(door.host, door.port, timeout=10)) as connection:
        got = b""
        while len(got) < len(FIRMWARE):
            connection.request("GET", door.path, headers={"Range": f"bytes={len(got)}-{len(got) + 99_999}"})
            got += connection.getresponse().read()
    assert got == FIRMWARE
    assert len(door.told) == 1


def test_the_file_is_the_one_it_was(opened: Opened, offer: Offer, tmp_path: Path) -> None:
    door = opened("http", offer)
    (tmp_path / "other").write_bytes(b"something else")
    (tmp_path / "other").replace(tmp_path / FILE)
    assert ask(door, "GET")[1] == FIRMWARE


def test_a_file_that_is_cut_meanwhile_breaks_the_download(opened: Opened, offer: Offer, tmp_path: Path) -> None:
    door = opened("http", offer)
    os.truncate(tmp_path / FILE, 1000)
    answer = raw(door, f"GET {door.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Length: 256010" in head
    assert body == FIRMWARE[:1000]


@pytest.mark.parametrize(
    "path",
    ["/", "/firmware.bin", "/{secret}/../../etc/passwd", "/{secret}/%2e%2e/%2e%2e/etc/passwd", "/{short}/", "//[x"],
)
def test_what_is_not_in_the_url_is_not_there(opened: Opened, offer: Offer, path: str) -> None:
    door = opened("http", offer)
    secret = door.path.split("/")[1]
    asked = path.format(secret=secret, short=secret[:-1])
    for _ in range(3):
        assert raw(door, f"GET {asked} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).split()[1] == b"404"
    assert offer.sent_bytes == 0
    assert door.told in (["127.0.0.1 asks for what is not in the URL"], [])


def test_a_whole_url_is_a_path_too(opened: Opened, offer: Offer) -> None:
    """As a proxy is asked."""
    door = opened("http", offer)
    assert raw(door, f"GET {door.door.url} HTTP/1.0\r\n\r\n".encode()).endswith(FIRMWARE)


def test_an_offer_takes_nothing_in(opened: Opened, offer: Offer) -> None:
    door = opened("http", offer)
    for method in ("PUT", "POST"):
        assert ask(door, method, body=b"x")[0] == 405
    assert ask(door, "DELETE")[0] == 501


# In.


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(
    ("behind", "name"),
    [
        ("log.txt", "log.txt"),
        ("/log.txt", "log.txt"),
        ("", "upload"),
        ("a/b/log%202.txt?x=y", "log-2.txt"),
        ("../../../etc/passwd", "passwd"),
        ("..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("%2e%2e", "upload"),
        (".bashrc", "bashrc"),
        ("C:%5Clogs%5Cdiag.zip", "diag.zip"),
        ("x%00y", "x-y"),
        ("n" * 90 + ".tar", "n" * 60 + ".tar"),
    ],
)
def test_an_upload(opened: Opened, inbox: Inbox, folder: Path, method: str, behind: str, name: str) -> None:
    """With or without the file name, which is cleaned and never leads out of the folder."""
    door = opened("http", inbox)
    data = os.urandom(100_000)
    assert ask(door, method, door.path + behind, data)[0] == (201 if method == "PUT" else 200)
    assert contents(folder) == {name: data}
    assert inbox.arrived == [goods.Arrived(str(folder / name), 100_000)]
    assert door.told == [f"127.0.0.1 brings {name}"]


def test_a_name_glued_to_the_url(opened: Opened, inbox: Inbox, folder: Path) -> None:
    door = opened("http", inbox)
    assert ask(door, "PUT", door.path.rstrip("/") + "log.txt", b"data")[0] == 201
    assert contents(folder) == {"log.txt": b"data"}


def test_a_name_that_was_told_meanwhile(opened: Opened, inbox: Inbox, folder: Path) -> None:
    """The charger's answer, which names the file, and the file itself race each other."""
    door = opened("http", inbox)
    with connect(door) as sock:
        sock.sendall(f"PUT {door.path} HTTP/1.0\r\nContent-Length: 4\r\n\r\nda".encode())
        until(lambda: inbox.visits == 1)
        inbox.default_name = "my diag.zip"
        sock.sendall(b"ta")
        assert b"201" in rest_of(sock)
    assert contents(folder) == {"my-diag.zip": b"data"}


def test_an_upload_takes_nobodys_place(opened: Opened, inbox: Inbox, folder: Path) -> None:
    (folder / "log.txt").write_bytes(b"mine")
    door = opened("http", inbox)
    for data in (b"one", b"two"):
        ask(door, "PUT", door.path + "log.txt", data)
    assert contents(folder) == {"log.txt": b"mine", "log-2.txt": b"one", "log-3.txt": b"two"}


def test_a_place_that_is_a_file_is_replaced_when_all_is_there(opened: Opened, folder: Path) -> None:
    (folder / "mine.zip").write_bytes(b"before")
    inbox = Inbox(str(folder / "mine.zip"), MOST_BYTES)
    door = opened("http", inbox)
    with connect(door) as sock:
        sock.sendall(f"PUT {door.path}x HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf".encode())
        sock.shutdown(socket.SHUT_WR)
        assert rest_of(sock) == b""
    assert contents(folder) == {"mine.zip": b"before"}
    assert ask(door, "PUT", body=b"after")[0] == 201
    assert contents(folder) == {"mine.zip": b"after"}


@pytest.mark.parametrize("padding", [0, 65_536, 65_530, 200_000])
def test_a_form(opened: Opened, inbox: Inbox, folder: Path, padding: int) -> None:
    door = opened("http", inbox)
    body = FORM.replace(b"line 1", b"x" * padding)
    assert ask(door, "POST", body=body, headers=MULTIPART)[0] == 200
    assert contents(folder) == {"log-1.txt": b"x" * padding + b"\r\n--X\r\nline 2"}


@pytest.mark.parametrize(
    "body", [b"", b"no form", FORM.replace(b"--XX--", b"--"), b"--XX\r\n" + b"a" * 20_000, b"--XX--\r\n"]
)
def test_a_form_that_is_none(opened: Opened, inbox: Inbox, folder: Path, body: bytes) -> None:
    door = opened("http", inbox)
    assert ask(door, "POST", body=body, headers=MULTIPART)[0] == 400
    assert contents(folder) == {}


def test_a_body_in_chunks(opened: Opened, inbox: Inbox, folder: Path) -> None:
    door = opened("http", inbox)
    assert ask(door, "PUT", door.path + "a", iter([b"one ", b"", b"two"]))[0] == 201
    body = b"4;x=y\r\nfour\r\n0\r\nTrailer: x\r\n\r\n"
    assert b"200" in raw(door, f"POST {door.path}b HTTP/1.1\r\n".encode() + CHUNKED + body)
    assert contents(folder) == {"a": b"one two", "b": b"four"}


@pytest.mark.parametrize("body", [b"-5\r\n", b"\r\n", b"0x4\r\nfour", b"fffffffffffffffff\r\n"])
def test_chunks_without_a_size(opened: Opened, inbox: Inbox, folder: Path, body: bytes) -> None:
    door = opened("http", inbox)
    assert b" 400 " in raw(door, f"PUT {door.path}a HTTP/1.1\r\n".encode() + CHUNKED + body)
    assert contents(folder) == {}


@pytest.mark.parametrize("header", ["", "Content-Length: -1\r\n", "Content-Length: x\r\n"])
def test_a_body_without_a_size(opened: Opened, inbox: Inbox, folder: Path, header: str) -> None:
    door = opened("http", inbox)
    assert b" 411 " in raw(door, f"PUT {door.path} HTTP/1.1\r\n{header}\r\ndata".encode())
    assert contents(folder) == {}


def test_a_part_of_a_file_is_no_file(opened: Opened, inbox: Inbox, folder: Path) -> None:
    door = opened("http", inbox)
    assert ask(door, "PUT", body=b"12345", headers={"Content-Range": "bytes 5-9/10"})[0] == 400
    assert contents(folder) == {}


@pytest.mark.parametrize("chunked", [False, True])
def test_too_large(opened: Opened, inbox: Inbox, folder: Path, chunked: bool) -> None:
    """413 is read by a charger that goes on sending, and nothing is left behind."""
    door = opened("http", inbox)
    pieces = iter([bytes(50_000)] * 7)
    assert ask(door, "PUT", body=pieces if chunked else bytes(350_000))[0] == 413
    assert contents(folder) == {}
    assert door.told[-1].endswith("File too large")


def test_a_disk_that_is_full(opened: Opened, inbox: Inbox, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goods, "LEAVE_FREE_BYTES", 1 << 62)
    door = opened("http", inbox)
    assert ask(door, "PUT", body=b"data")[0] == 507
    assert contents(folder) == {}


def test_too_many_files(opened: Opened, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goods, "MOST_FILES", 2)
    door = opened("http", inbox)
    assert [ask(door, "PUT", body=b"data")[0] for _ in range(3)] == [201, 201, 429]


def test_two_at_once(opened: Opened, inbox: Inbox, folder: Path) -> None:
    door = opened("http", inbox)
    first, second = connect(door), connect(door)
    for sock, half in ((first, b"aa"), (second, b"bb")):
        sock.sendall(f"PUT {door.path}log HTTP/1.0\r\nContent-Length: 4\r\n\r\n".encode() + half)
    for sock, half in ((second, b"BB"), (first, b"AA")):
        sock.sendall(half)
        assert b"201" in rest_of(sock)
        sock.close()
    assert contents(folder) == {"log": b"bbBB", "log-2": b"aaAA"}


def test_an_inbox_hands_nothing_out(opened: Opened, inbox: Inbox, folder: Path) -> None:
    (folder / "log.txt").write_bytes(b"mine")
    door = opened("http", inbox)
    assert ask(door, "GET", door.path + "log.txt")[0] == 405
    assert door.told == ["127.0.0.1 tries GET: only PUT, POST here"]


# Strangers, and the end.


def test_who_says_nothing_is_sent_away(opened: Opened, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then does not help: the request has to be there."""
    monkeypatch.setattr(http_door, "KNOCKING_S", 0.3)
    door = opened("http", inbox)
    with connect(door) as silent, connect(door) as slow:
        slow.sendall(b"PUT /")
        assert rest_of(silent) == b""
        with contextlib.suppress(OSError):
            assert rest_of(slow) == b""


def test_strangers_keep_nobody_out(opened: Opened, offer: Offer) -> None:
    """The oldest of them makes room."""
    door = opened("http", offer)
    strangers = [connect(door) for _ in range(3 * http_door.AT_ONCE)]
    assert ask(door, "GET")[1] == FIRMWARE
    assert rest_of(strangers[0]) == b""
    for one in strangers:
        one.close()


def test_no_more_than_some_at_once(opened: Opened, inbox: Inbox) -> None:
    door = opened("http", inbox)
    begun = f"PUT {door.path}log HTTP/1.0\r\nContent-Length: 4\r\n\r\n".encode()
    uploads = []
    for number in range(http_door.AT_ONCE):
        uploads.append(connect(door))
        uploads[-1].sendall(begun)
        until(lambda most=number: inbox.visits > most)
    assert ask(door, "PUT", body=b"data")[0] == 503
    for sock in uploads:
        sock.sendall(b"data")
        assert b"201" in rest_of(sock)
        sock.close()


def test_a_stalled_transfer_is_over(
    opened: Opened, inbox: Inbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Visit, "timeout", 0.3)
    door = opened("http", inbox)
    with connect(door) as sock:
        sock.sendall(f"PUT {door.path} HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf".encode())
        assert rest_of(sock) == b""
    assert contents(folder) == {}


def test_nothing_is_served_after_the_end(opened: Opened, inbox: Inbox, folder: Path) -> None:
    door = opened("http", inbox)
    with connect(door) as sock:
        sock.sendall(f"PUT {door.path} HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf".encode())
        until(lambda: inbox.visits == 1)
        door.door.close()
        inbox.close()
        assert rest_of(sock) == b""
    with pytest.raises(OSError):
        connect(door)
    assert contents(folder) == {}
    with pytest.raises(OSError) as refused:
        inbox.begin("late")
    assert refused.value.errno == errno.EMFILE


# Where it is reached.


def test_ipv6(opened: Opened, offer: Offer) -> None:
    door = opened("http", offer, peer="::1")
    assert door.door.url.startswith("http://[::1]:")
    assert ask(door, "GET")[1] == FIRMWARE


def test_it_listens_where_the_charger_sees_us() -> None:
    host, sock = listen("", 0, "127.0.0.1")
    assert (host, sock.getsockname()[0]) == ("127.0.0.1", "127.0.0.1")
    sock.close()
    assert facing("::1") == "::1"
    assert facing("not an address") == ""


def test_a_host_that_forwards_to_us() -> None:
    host, sock = listen("192.0.2.80", 0, "")
    assert host == "192.0.2.80"
    assert sock.getsockname()[0] in ("::", "0.0.0.0")
    sock.close()


@pytest.mark.parametrize("path", ["missing", "empty", "."])
def test_what_cannot_be_offered(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(OSError):
        Offer(str(tmp_path / path))


def test_names() -> None:
    assert clean_name("", "x") == "x"
    assert clean_name("été à la mer.bin", "x") == "t-la-mer.bin"
    assert clean_name("a" * 80, "x") == "a" * 64
