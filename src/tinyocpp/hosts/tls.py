"""wss: the TLS side of the listener (security paper A00).

Makes the server's context and reads what a client's verified certificate says. Whether a charger must show one is the
door's business. Loaded only where `[listener.tls]` is configured.
"""

from __future__ import annotations

import ssl
from asyncio import sslproto
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tinyocpp.errors import ConfigError
from tinyocpp.hosts.addresses import address_of
from tinyocpp.hosts.caller import Certificate

if TYPE_CHECKING:
    from tinyocpp.config import TlsConfig

CIPHERS = ":".join(
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    )
)
"""A00.FR.317 wants the ECDSA ones and the last two, which Python leaves out; TLS 1.3 has its own list."""


RECORD_BYTES = 2**14
"""What asyncio keeps as a buffer for every connection: 256 KiB if nobody says otherwise, though no TLS record is longer
than this. 55 instead of 296 kB a connection."""


class ServerContext(ssl.SSLContext):
    """What the server was begun with. New connections get what `current` is by then: files that were read anew."""

    current: ssl.SSLContext


class SSLProtocol(sslproto.SSLProtocol):
    """asyncio's, with buffers as long as a record. It keeps to itself what comes before there is a connection; here the
    protocol above is told, if it has `tls_begins(below)`, `tls_failed(address, why)` and `tls_over()`: old TLS and
    certificates of strangers are to be seen in a log (A00.FR.323, 408), and a handshake that stands still is a guest of
    the hallway."""

    max_size = RECORD_BYTES

    def __init__(self, loop: Any, app_protocol: Any, context: ssl.SSLContext, *args: Any, **options: Any) -> None:
        current = context.current if isinstance(context, ServerContext) else context
        super().__init__(loop, app_protocol, current, *args, **options)

    def connection_made(self, transport: Any) -> None:
        if begins := getattr(self._app_protocol, "tls_begins", None):
            begins(transport)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        over = getattr(self._app_protocol, "tls_over", None)
        if over is not None and self._app_state is sslproto.AppProtocolState.STATE_INIT:  # type: ignore[attr-defined]
            over()
        super().connection_lost(exc)

    def _on_handshake_complete(self, handshake_exc: BaseException | None) -> None:
        told = getattr(self._app_protocol, "tls_failed", None)
        if handshake_exc is not None and told is not None:
            told(address_of(self._transport), f"TLS: {_why(handshake_exc)}")
        super()._on_handshake_complete(handshake_exc)


def _why(error: object) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    return "it hung up" if isinstance(error, type) else str(error)  # asyncio gives the class ConnectionResetError


def server_context(tls: TlsConfig) -> ServerContext:
    """Certificates RSA and ECDSA side by side, TLS 1.2 or newer. Raises ConfigError naming the file."""
    sslproto.SSLProtocol = SSLProtocol  # type: ignore[assignment, misc]  # asyncio makes it by this name
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.current = context
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    for certificate, key in zip(tls.certificate, tls.key, strict=True):
        what = f"listener.tls.certificate: {certificate} with {key}"
        _load(what, context.load_cert_chain, certificate, key, _no_passphrase)
    if tls.client_ca:
        _load(f"listener.tls.client_ca: {tls.client_ca}", context.load_verify_locations, tls.client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL  # below profile 3 a charger need not show one
    return context


def client_certificate(ssl_object: ssl.SSLObject) -> Certificate | None:
    """What the certificate says that the client has shown and the handshake has verified, None if it showed none."""
    shown: Any = ssl_object.getpeercert()
    if not shown:
        return None
    subject = [pair for part in shown.get("subject", ()) for pair in part]
    return Certificate(
        names=tuple(value for name, value in subject if name == "commonName"),
        organisations=tuple(value for name, value in subject if name == "organizationName"),
        serial=shown["serialNumber"].upper().lstrip("0"),
        expires_at=datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC),
        pem=ssl.DER_cert_to_PEM_cert(ssl_object.getpeercert(binary_form=True) or b""),
    )


def _no_passphrase() -> str:
    """OpenSSL would ask whoever sits at the terminal for one, and every charger would wait for the answer."""
    raise OSError(0, "its key has a passphrase, which nobody is there to type; take it off: openssl pkey -in FILE")


def _load(what: str, load: Any, *files: Any) -> None:
    try:
        load(*files)
    except ssl.SSLError as error:
        why = error.reason or error
        raise ConfigError(f"{what}: {why}; is it PEM, and do key and certificate belong together?") from None
    except OSError as error:
        raise ConfigError(f"{what}: {error.strerror}") from None
