"""A web server on a free loopback port that answers as a meter does, or as one that is broken."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from ssl import SSLContext

    Page = Callable[[BaseHTTPRequestHandler], None]


class WebMeter:
    """`pages` by their paths: text is a 200, anything else is called with the request; all others are 404."""

    def __init__(self, port: int, pages: dict[str, str | Page], asked: list[str]) -> None:
        self.pages = pages
        self.asked = asked
        self.host = f"127.0.0.1:{port}"
        self.ended = threading.Event()


def say(request: BaseHTTPRequestHandler, status: int, body: bytes | str = b"", **headers: str) -> None:
    """An answer; `_` in the name of a header is `-`."""
    data = body.encode() if isinstance(body, str) else body
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    request.wfile.write(data)


@contextmanager
def web_meter(pages: dict[str, str | Page], tls: SSLContext | None = None) -> Iterator[WebMeter]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            page = pages.get(self.path)
            if page is None:
                say(self, 404, "No handler")
            elif isinstance(page, str):
                say(self, 200, page)
            else:
                page(self)

        def log_message(self, *_: Any) -> None:
            """Not into the output of the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # of those that hang up on us
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        meter = WebMeter(server.server_address[1], pages, asked)
        try:
            yield meter
        finally:
            meter.ended.set()
            server.shutdown()
            thread.join()
