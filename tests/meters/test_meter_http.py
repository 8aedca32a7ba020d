"""meters/http.py and what it stands on, against a real web server: good, slow, hanging, trickling, lying."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_meter import say, web_meter

from tinyocpp.meters import MeterTrouble
from tinyocpp.meters.digest import authorization
from tinyocpp.meters.paths import sum_at
from tinyocpp.storage.authority import FileAuthority

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from metered import Metered

P1 = '{"active": {"power_delivered": 1.5, "power_returned": 0.25}, "1.8.0": 7, "pv": [{"w": 10}, {"w": 20}], "n": null}'


def http(host: str, more: str = "", page: str = "/api") -> str:
    return f'kind = "http"\nurl = "http://{host}{page}"\ninterval_s = 0.5\n{more}'


def test_figures_are_found_added_up_and_scaled(metered: Metered) -> None:
    wanted = """
    scale = { grid_w = 1000 }
    [meter.figures]
    grid_w = ["active.power_delivered", "-active.power_returned"]
    pv_w = ["pv.0.w", "pv.1.w"]
    battery_w = "n"
    """
    with web_meter({"/api": P1}) as web, metered.watching(http(web.host, wanted)) as watched:
        measured = watched.until(lambda seen: seen.measured).measured
        assert measured
        assert (measured.grid_w, measured.pv_w, measured.battery_w) == (1250, 30, None)


def test_without_figures_it_is_read_as_a_program(metered: Metered) -> None:
    with web_meter({"/": "-42\n"}) as web, metered.watching(http(web.host, page="")) as watched:
        assert watched.grid_w() == -42


def test_headers_are_sent(metered: Metered) -> None:
    def page(request: BaseHTTPRequestHandler) -> None:
        say(request, 200, request.headers["X-Token"])

    with (
        web_meter({"/api": page}) as web,
        metered.watching(http(web.host, 'headers = { X-Token = "17" }')) as watched,
    ):
        assert watched.grid_w() == 17


def guarded(challenge: str, proof: str) -> object:
    def page(request: BaseHTTPRequestHandler) -> None:
        if request.headers.get("Authorization", "").startswith(proof):
            say(request, 200, "5")
        else:
            say(request, 401, WWW_Authenticate=challenge)

    return page


BASIC = "Basic " + base64.b64encode(b"anna:pass").decode()
DIGEST = 'Digest qop="auth", realm="meter", nonce="1234", algorithm=SHA-256'


@pytest.mark.parametrize(("challenge", "proof"), [('Basic realm="m"', BASIC), (DIGEST, 'Digest username="anna"')])
def test_who_asks_is_shown_a_password(metered: Metered, challenge: str, proof: str) -> None:
    login = 'user = "anna"\npassword = "pass"'
    with web_meter({"/api": guarded(challenge, proof)}) as web, metered.watching(http(web.host, login)) as watched:
        assert watched.grid_w() == 5


def test_a_wrong_password_and_none(metered: Metered) -> None:
    pages = {"/api": guarded('Basic realm="m"', "Basic never"), "/odd": guarded("Negotiate", "Basic never")}
    with web_meter(pages) as web:
        with metered.watching(http(web.host, 'user = "a"')) as watched:
            assert watched.trouble().endswith("/api answered 401 Unauthorized; user and password are wrong")
        with metered.watching(http(web.host)) as watched:
            assert watched.trouble().endswith("/api answered 401 Unauthorized; write user and password")
        with metered.watching(http(web.host, 'user = "a"', "/odd")) as watched:
            assert watched.trouble() == "asks for a login of a kind we do not know: Negotiate"


def hang(request: BaseHTTPRequestHandler) -> None:
    time.sleep(5)


def trickle(request: BaseHTTPRequestHandler) -> None:
    """Never silent for long, and never done."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100):
        time.sleep(0.05)
        request.wfile.write(b"1")


def trickle_headers(request: BaseHTTPRequestHandler) -> None:
    for _ in range(100):
        time.sleep(0.05)
        request.wfile.write(b"H")


def flood(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        request.wfile.write(b"1" * 65536)


def half(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n1")


def gibberish(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"\x16\x03\x01 SSL?\r\n\r\n")


def moved(request: BaseHTTPRequestHandler) -> None:
    say(request, 301, Location="https://elsewhere/")


FIGURE = 'figures = { grid_w = "a.b" }'
TROUBLE = {
    "hangs": (hang, "", "/api has not answered within 1 s"),
    "trickles": (trickle, "", "/api has not answered within 1 s"),
    "trickles headers": (trickle_headers, "", "/api has not answered within 1 s"),
    "floods": (flood, "", "/api: more than 1024 kB"),
    "breaks off": (half, "", "/api: the answer breaks off"),
    "speaks something else": (gibberish, "", "/api: BadStatusLine"),
    "has moved": (moved, "", "/api answered 301 Moved Permanently, to https://elsewhere/; write that url"),
    "has failed": (lambda request: say(request, 500), "", "/api answered 500 Internal Server Error"),
    "knows nothing of it": (lambda request: say(request, 404), "", "/api answered 404 Not Found"),
    "says nothing": ("", "", "/api: is empty"),
    "says a page": ("<html>", "", "/api: '<html>' is not a number"),
    "says no JSON": ("<html>", FIGURE, "/api: b'<html>' is not JSON: "),
    "says other JSON": ('{"c": 1, "d": 2}', FIGURE, "/api: there is no a.b in it; there is c, d"),
    "says a list": ("[1]", FIGURE, "/api: there is no a.b in it, but [1]"),
    "says text": ('{"a": {"b": "much"}}', FIGURE, "/api: 'much' is not a number"),
    "says null": ('{"a": {"b": null}}', FIGURE, "/api: grid_w: null, so there is nothing to read"),
    "says NaN": ('{"a": {"b": NaN}}', FIGURE, " is not JSON: "),
}


@pytest.mark.parametrize(("page", "more", "words"), TROUBLE.values(), ids=TROUBLE)
def test_one_that_fails_is_told_of_in_words(metered: Metered, page: object, more: str, words: str) -> None:
    with (
        web_meter({"/api": page}) as web,
        metered.watching(http(web.host, f"timeout_s = 1\n{more}")) as watched,
    ):
        began_s = time.monotonic()
        told = watched.trouble()
        assert words in told
        assert len(told) < 300
        assert time.monotonic() - began_s < 30


def test_one_that_is_not_there(metered: Metered) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with metered.watching(http(f"127.0.0.1:{port}")) as watched:
        assert watched.trouble() == f"http://127.0.0.1:{port}/api: Connection refused"
    with metered.watching(http("no-such-host.invalid")) as watched:
        assert watched.trouble().startswith("http://no-such-host.invalid/api: ")


def test_one_that_does_not_even_accept_is_left_at_once(metered: Metered) -> None:
    """A full backlog: connecting hangs, as it does where a firewall swallows everything."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        lines = [socket.socket() for _ in range(8)]
        for line in lines:
            line.setblocking(False)
            line.connect_ex(address)
        with metered.watching(http(f"127.0.0.1:{address[1]}", "timeout_s = 600")):
            began_s = time.monotonic()
        assert time.monotonic() - began_s < 30
        with metered.watching(http(f"127.0.0.1:{address[1]}", "timeout_s = 0.5")) as watched:
            assert watched.trouble().endswith("/api has not answered within 0.5 s")
        for line in lines:
            line.close()


def test_it_ends_at_once_while_it_waits_for_an_answer(metered: Metered) -> None:
    with web_meter({"/api": hang}) as web:
        with metered.watching(http(web.host, "timeout_s = 600")) as watched:
            while not web.asked:
                watched.look()
            began_s = time.monotonic()
        assert time.monotonic() - began_s < 30


def secured(folder: Path) -> ssl.SSLContext:
    """A certificate for 127.0.0.1 of an authority that only we know."""
    FileAuthority(str(folder / "ca")).create("Root", "Home", ["127.0.0.1"], datetime.now(UTC), 20)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca" / "rsa.pem", folder / "ca" / "rsa.key")
    return context


def test_over_tls(metered: Metered, monkeypatch: pytest.MonkeyPatch) -> None:
    with web_meter({"/api": "5"}, secured(metered.folder)) as web:
        table = http(web.host).replace("http://", "https://")
        with metered.watching(table) as watched:
            assert "certificate verify failed" in watched.trouble()
        with metered.watching(f"{table}\nverify = false") as watched:
            assert watched.grid_w() == 5
        monkeypatch.setenv("SSL_CERT_FILE", str(metered.folder / "ca" / "root.pem"))
        with metered.watching(table) as watched:
            assert watched.grid_w() == 5


# --- the rules below it


def test_the_digests_of_the_standard() -> None:
    """RFC 7616, 3.9.1: both challenges come; the stronger is answered."""
    challenge = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    who = ("Mufasa", "Circle of Life", "/dir/index.html", cnonce)
    strong = authorization([challenge.format("MD5"), challenge.format("SHA-256")], *who)
    assert 'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"' in strong
    assert 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", algorithm=SHA-256, cnonce=' in strong
    assert 'response="8ca523f5e9506fed4657c9700eebdbec"' in authorization([challenge.format("MD5")], *who)


def test_the_digest_of_old_servers() -> None:
    """RFC 2069, with the response of its erratum."""
    said = authorization(
        ['Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'],
        "Mufasa",
        "CircleOfLife",
        "/dir/index.html",
    )
    assert 'response="1949323746fe6a43ef61f9606e7febea", algorithm=MD5' in said
    assert "cnonce" not in said


documents = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.0", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(documents, st.text("ab.0-", max_size=8))
def test_any_path_into_any_document_is_a_number_or_words(document: object, path: str) -> None:
    try:
        found = sum_at(json.loads(json.dumps(document)), path)
        assert found is None or isinstance(found, int | float)
    except MeterTrouble as trouble:
        assert str(trouble)


def test_a_key_may_have_dots() -> None:
    assert sum_at(json.loads(P1), "1.8.0") == 7
    assert sum_at({"a": {"b": 1}, "a.b": {"c": 2}}, "a.b.c") == 2
