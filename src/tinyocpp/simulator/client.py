"""The WebSocket around a charge point: connects, carries text, keeps the charge point's time, connects again.

One coroutine, no tasks; files have threads of their own (carrier.py). Everything that is decided is decided by the
charge point and its driver; here is only the network: addresses, headers, refusals, waiting. A line that breaks is
opened again after 1, 2, 4 .. 30 s.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from tinyocpp.errors import Malformed, Unavailable
from tinyocpp.simulator import trust
from tinyocpp.simulator.carrier import Carrier

if TYPE_CHECKING:
    import ssl

    from tinyocpp.simulator.charge_point import ChargePoint
    from tinyocpp.simulator.visit import Driver

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
GIVE_UP_S = 120.0  # without a line, in a visit that has begun
PATIENCE = 3  # tries with a new security profile (A05.FR.08)
OPEN_S = 10.0
CLOSE_S = 2.0
CARRYING_LOOK_S = 0.1  # while a file is under way
LONGEST_LOOK_S = 1.0  # the watcher is called at least this often
REMEDIES = {401: "; give the right --password"}  # what the server's words cannot name
MAX_MESSAGE_BYTES = 4 * 1024 * 1024


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, and as whom. The identity goes behind the URL, percent-encoded (OCPP-J 3.1.1)."""

    url: str
    identity: str
    password: str = ""
    subprotocol: str = "ocpp1.6"  # empty: none is offered, as some chargers do
    secure_url: str = ""  # where to with security profiles 2 and 3; empty: to `url` as well
    ca: str = ""  # file with whom to trust, besides what is installed
    certificate: str = ""  # file to show, with its key
    key: str = ""
    tls: ssl.SSLContext | None = None  # instead of all that

    def full_url(self, profile: int) -> str:
        chosen = self.secure_url if profile >= 2 and self.secure_url else self.url
        return f"{chosen.rstrip('/')}/{quote(self.identity, safe='')}"


class Clock:
    """Wall-clock time that does not jump while the program runs."""

    def __init__(self) -> None:
        self._start, self._started = datetime.now(UTC), time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._started)


class Client:
    """Runs until the driver has finished. `persistent`: nobody waits for an end, so a line that cannot be opened is
    tried for ever; otherwise that raises Unavailable, at once if it was never there."""

    def __init__(
        self,
        station: ChargePoint,
        driver: Driver,
        address: Address,
        *,
        persistent: bool = False,
        watch: Callable[[], None] = lambda: None,
        clock: Clock | None = None,
        first_wait_s: float = FIRST_WAIT_S,
    ) -> None:
        self._station = station
        self._driver = driver
        self._address = address
        self._persistent = persistent
        self._watch = watch
        self._clock = clock or Clock()
        self._first_wait_s = first_wait_s
        self._wait_s = first_wait_s
        self._last_line_at: datetime | None = None
        self._failures = 0  # since the last line
        self._carrier = Carrier()

    async def run(self) -> None:
        while not self._driver.finished:
            await self._wait_for_power()
            try:
                line = await self._open()
            except Unavailable as failure:
                self._give_up_or_note(failure)
                self._failures += 1
                if self._failures == PATIENCE:
                    trust.fall_back(self._station, self._clock.now())
            else:
                self._failures, self._station.profile_before = 0, None
                if self._last_line_at:
                    self._station.note("connected again", self._clock.now())
                await self._converse(line)
                self._last_line_at = self._clock.now()
            await self._pass_time(self._wait_s)
            self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)

    async def _open(self) -> ClientConnection:
        """Raises Unavailable, in one line, whatever went wrong."""
        address, ping_s = self._address, self._station.configuration.number("WebSocketPingInterval")
        url = address.full_url(self._station.configuration.number("SecurityProfile"))
        try:
            return await connect(
                url,
                subprotocols=[Subprotocol(address.subprotocol)] if address.subprotocol else None,
                additional_headers=_credentials(address.identity, self._password),
                compression=None,
                proxy=None,
                ssl=address.tls or self._tls(url),
                open_timeout=OPEN_S,
                close_timeout=CLOSE_S,
                ping_interval=ping_s or None,
                max_size=MAX_MESSAGE_BYTES,
            )
        except InvalidURI as error:
            raise Malformed(f"{address.url}: {error.msg}; write ws://HOST:PORT/") from None
        except InvalidStatus as error:
            raise Unavailable(_refusal(url, error)) from None
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise Unavailable(f"cannot connect to {url}: {_why(error)}") from None

    def _tls(self, url: str) -> ssl.SSLContext | None:
        if not url.startswith("wss:"):
            return None
        from tinyocpp.simulator.tls import context

        address, keychain = self._address, self._station.keychain
        return context(
            keychain.trusted() if keychain else [],
            keychain.own if keychain else None,
            ca=address.ca,
            certificate=address.certificate,
            key=address.key,
        )

    @property
    def _password(self) -> bytes:
        """What was set by ChangeConfiguration counts, else what was given."""
        key = self._station.configuration.text("AuthorizationKey")
        return bytes.fromhex(key) if key else self._address.password.encode()

    def _give_up_or_note(self, failure: Unavailable) -> None:
        now = self._clock.now()
        patient = self._last_line_at and now < self._last_line_at + timedelta(seconds=GIVE_UP_S)
        if not (self._persistent or patient):
            raise failure
        self._station.note(f"{failure}; again in {self._wait_s:.0f} s", now)

    async def _converse(self, line: ClientConnection) -> None:
        station, clock = self._station, self._clock
        station.connected(clock.now())
        try:
            while True:
                self._drive()
                for text in station.text_to_send():
                    await line.send(text)
                if station.closing or self._driver.finished:
                    break
                await self._receive(line)
        except ConnectionClosed as closed:
            station.note(f"the line was closed: {closed}", clock.now())
        finally:
            await line.close()
            station.disconnected(clock.now())

    async def _receive(self, line: ClientConnection) -> None:
        """One message, or nothing when it is time to look after other things."""
        try:
            async with asyncio.timeout(self._look_again_s()):
                message = await line.recv()
        except TimeoutError:
            return
        text = message if isinstance(message, str) else message.decode(errors="replace")
        self._station.receive_text(text, self._clock.now())
        self._wait_s = self._first_wait_s  # only a line on which something came was of use

    async def _wait_for_power(self) -> None:
        while self._station.off_until is not None:
            await self._pass_time((self._station.off_until - self._clock.now()).total_seconds())

    async def _pass_time(self, wait_s: float) -> None:
        """Without a line the car goes on charging."""
        until = self._clock.now() + timedelta(seconds=wait_s)
        while (left_s := (until - self._clock.now()).total_seconds()) > 0 and not self._driver.finished:
            await asyncio.sleep(min(left_s, self._look_again_s()))
            self._drive()
        self._drive()

    def _drive(self) -> None:
        now = self._clock.now()
        self._station.advance(now)
        self._driver.advance(now)
        self._carrier.go(self._station.parcels)
        self._station.parcels.clear()
        self._carrier.done(now)
        self._watch()

    def _look_again_s(self) -> float:
        deadlines = [moment for moment in (self._station.next_deadline, self._driver.next_deadline) if moment]
        wait_s = (min(deadlines) - self._clock.now()).total_seconds() if deadlines else LONGEST_LOOK_S
        return max(0.001, min(wait_s, CARRYING_LOOK_S if self._carrier.under_way else LONGEST_LOOK_S))


def _credentials(identity: str, password: bytes) -> dict[str, str] | None:
    """HTTP Basic, by bytes: an AuthorizationKey need be no text (security paper, A00)."""
    if not password:
        return None
    return {"Authorization": f"Basic {base64.b64encode(identity.encode() + b':' + password).decode()}"}


def _why(error: Exception) -> str:
    match error:
        case ConnectionRefusedError():
            return "nobody listens there; is tinyocpp-listener running?"
        case TimeoutError():
            return "no answer"
        case _:
            return str(error) or type(error).__name__


def _refusal(url: str, error: InvalidStatus) -> str:
    """In the server's own words: ours name the remedy."""
    body = bytes(error.response.body or b"").decode(errors="replace")
    words = " ".join(body.split())[:300] or error.response.reason_phrase
    status = error.response.status_code
    return f"{url} refused us: {status} {words}{REMEDIES.get(status, '')}"
