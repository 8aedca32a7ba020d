"""The upgrade of a connection to WebSocket, as far as it is not the library's: who knocks, and what they are answered.

Here HTTP becomes a Caller and a Refusal becomes HTTP; headers that chargers leave out are put there. Whether somebody
gets in is for the door, asked through the connection's link; what comes after the handshake is in websocket.py.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from websockets.exceptions import InvalidHandshake, NegotiationError

from tinyocpp.hosts.addresses import PROBE
from tinyocpp.hosts.caller import Caller
from tinyocpp.hosts.door import PROXIES_SAY, identity_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response
    from websockets.typing import Subprotocol

    from tinyocpp.hosts.websocket import ChargerConnection

SUBPROTOCOL = "ocpp1.6"


async def knock(connection: ServerConnection, request: Request) -> Response | None:
    """Before the upgrade is answered: may it come in? None leaves the answer to the library."""
    connection = cast("ChargerConnection", connection)
    response = None if connection.protocol.eof_sent else await _welcome(connection, request)
    if connection.protocol.eof_sent:
        # What came behind the request was no WebSocket, so the library has closed its side; were it to answer the
        # request now, it would trip over that with a traceback.
        connection.protocol.handshake_exc = connection.protocol.parser_exc
        connection.abort()
        await asyncio.shield(connection.connection_lost_waiter)
    return response


async def _welcome(connection: ChargerConnection, request: Request) -> Response | None:
    headers = request.headers
    if PROBE in headers.get_all("User-Agent") and "Upgrade" not in headers:
        return connection.respond(426, "tinyocpp-listener is here\n")  # a failed handshake would be a line in the log
    if "Connection" not in headers and "Upgrade" in headers:
        headers["Connection"] = "Upgrade"  # Autel MaxiCharger leaves it out (H4)
    if "".join(headers.get_all("Sec-WebSocket-Protocol")).strip(" ,\t") == "":
        headers.pop("Sec-WebSocket-Protocol", None)
    try:
        connection.protocol.process_request(request)
    except InvalidHandshake:
        return None  # not an upgrade at all, or nothing we speak: 400, 405 or 426, and no place is taken over for it
    refusal = await connection.link.knock(_caller(connection, request))
    if refusal is None:
        return None
    response = connection.respond(refusal.status, f"{refusal.words}\n")
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="tinyocpp"'
    return response


def _caller(connection: ChargerConnection, request: Request) -> Caller:
    ssl_object = connection.transport.get_extra_info("ssl_object")
    certificate, tls_words = None, ""
    if ssl_object is not None:
        from tinyocpp.hosts.tls import client_certificate

        certificate = client_certificate(ssl_object)
        tls_words = f"{ssl_object.version()} {ssl_object.cipher()[0]}"
    return Caller(
        identity=identity_in(request.path),
        address=connection.address,
        authorization=next(iter(request.headers.get_all("Authorization")), None),
        tls=ssl_object is not None,
        tls_words=tls_words,
        certificate=certificate,
        forwarded=any(name in request.headers for name in PROXIES_SAY),
    )


def choose_subprotocol(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """ocpp1.6 in the charger's own spelling (H2); a charger that offers nothing is taken to mean it (H1)."""
    for name in offered:
        if name.lower() == SUBPROTOCOL:
            return name
    if offered:
        raise NegotiationError(f"only {SUBPROTOCOL} is spoken here")
    return None
