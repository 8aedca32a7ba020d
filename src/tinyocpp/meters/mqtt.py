"""Figures that come by MQTT: each from a topic, as a number or from a place in JSON; `topic#path.in.json`.

What the broker had kept (a retained message) is not used, because nobody knows how old it is: the next one tells.
Needs the package aiomqtt.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from tinyocpp.measuring import Reading
from tinyocpp.meters import MeterTrouble
from tinyocpp.meters.paths import terms, value_at
from tinyocpp.meters.text import json, number

try:
    from aiomqtt import Client, MqttError
except ImportError:
    raise MeterTrouble("kind 'mqtt' needs the package aiomqtt: pip install 'tinyocpp[mqtt]'") from None

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiomqtt import Message

    from tinyocpp.meterkinds import MqttConfig
    from tinyocpp.meters.stopping import Stop

    Tell = Callable[[Reading | MeterTrouble], None]

ANSWERS_WITHIN_S = 3.0
QUEUED = 1000  # messages, of a flood
LOG = logging.getLogger("tinyocpp.meters.mqtt")
LOG.addHandler(logging.NullHandler())  # what there is to say we say ourselves


class MqttMeter:
    def __init__(self, config: MqttConfig, plain: str) -> None:
        self._config = config
        self._broker = f"mqtt://{config.host}:{config.port}"
        places = [place for figure in config.figures.values() for _, place in terms(figure)]
        self._paths: dict[str, set[str]] = {}
        for topic, _, path in (place.partition("#") for place in places):
            self._paths.setdefault(topic, set()).add(path)
        self._latest: dict[str, tuple[float, float]] = {}  # when, and what, by `topic#path`

    def run(self, tell: Tell, stop: Stop) -> None:
        try:
            asyncio.run(self._until_stopped(tell, stop))
        except MqttError as error:
            raise MeterTrouble(f"{self._broker}: {error}") from None

    async def _until_stopped(self, tell: Tell, stop: Stop) -> None:
        listening = asyncio.create_task(self._listen(tell))
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_reader(stop.fileno(), stopped.set)
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait((listening, waiting), return_when=asyncio.FIRST_COMPLETED)
        asyncio.get_running_loop().remove_reader(stop.fileno())
        for task in (listening, waiting):
            task.cancel()
        ended = await asyncio.gather(listening, waiting, return_exceptions=True)
        if isinstance(ended[0], Exception) and not stop.is_set:
            raise ended[0]

    async def _listen(self, tell: Tell) -> None:
        config = self._config
        client = Client(
            config.host,
            config.port,
            username=config.user or None,
            password=config.password or None,
            timeout=ANSWERS_WITHIN_S,
            max_queued_incoming_messages=QUEUED,
            logger=LOG,
        )
        async with client:
            for topic in self._paths:
                await client.subscribe(topic)
            messages = aiter(client.messages)
            while True:
                try:
                    async with asyncio.timeout(config.stale_after_s):
                        message = await anext(messages)
                except TimeoutError:
                    silent = f"nothing has come of {', '.join(self._paths)} for {config.stale_after_s:g} s"
                    tell(MeterTrouble(f"{self._broker}: {silent}"))
                else:
                    self._receive(message, tell)

    def _receive(self, message: Message, tell: Tell) -> None:
        topic = str(message.topic)
        if message.retain:
            tell(
                MeterTrouble(f"{self._broker}: so far only what the broker had kept of {topic}, and who knows how old")
            )
            return
        try:
            for path in self._paths.get(topic, ()):
                value = _value(message.payload, path)
                if value is not None:
                    self._latest[f"{topic}#{path}"] = (time.monotonic(), value)
            for figure, written in self._config.figures.items():
                self._tell_of(figure, written, topic, tell)
        except MeterTrouble as trouble:
            tell(MeterTrouble(f"{self._broker}: {topic}: {trouble}"))

    def _tell_of(self, figure: str, written: str | tuple[str, ...], topic: str, tell: Tell) -> None:
        """If this message is part of the figure and all other parts are known. It is as old as the oldest of them."""
        places = [(sign, place.partition("#")) for sign, place in terms(written)]
        if all(of != topic for _, (of, _, _) in places):
            return
        parts = [(sign, self._latest.get(f"{of}#{path}")) for sign, (of, _, path) in places]
        known = [(sign, came_s, value) for sign, part in parts if part for came_s, value in [part]]
        if len(known) == len(parts):
            delay_s = time.monotonic() - min(came_s for _, came_s, _ in known)
            tell(Reading({figure: sum(sign * value for sign, _, value in known)}, delay_s))


def _value(payload: object, path: str) -> float | None:
    """None: null."""
    said = payload if isinstance(payload, bytes | bytearray) else str(payload or "").encode()
    if path:
        value = value_at(json(bytes(said)), path)
        return None if value is None else number(value)
    return number(said.decode("utf-8", "replace"))
