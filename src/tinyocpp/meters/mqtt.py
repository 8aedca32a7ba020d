"""Figures that come by MQTT: each from a topic, as a number or from a place in JSON; `topic#path.in.json`.

What the broker had kept (a retained message) is not used, because nobody knows how old it is: the next one tells.
Needs the package paho-mqtt, of which only the protocol is used; the waiting is ours.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tinyocpp.measuring import Reading
from tinyocpp.meters import MeterTrouble
from tinyocpp.meters.paths import terms, value_at
from tinyocpp.meters.text import json, number

try:
    from paho.mqtt.client import Client, error_string
    from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
except ImportError:
    raise MeterTrouble("kind 'mqtt' needs the package paho-mqtt: pip install 'tinyocpp[mqtt]'") from None

if TYPE_CHECKING:
    from collections.abc import Callable

    from paho.mqtt.client import MQTTMessage
    from paho.mqtt.reasoncodes import ReasonCode

    from tinyocpp.meterkinds import MqttConfig
    from tinyocpp.meters.stopping import Stop

    Tell = Callable[[Reading | MeterTrouble], None]

ANSWERS_WITHIN_S = 3.0
LOOK_EVERY_S = 0.5  # whether a ping is due, or nothing comes any more
KEEPALIVE_S = 30


class MqttMeter:
    def __init__(self, config: MqttConfig, plain: str) -> None:
        self._config = config
        self._broker = f"mqtt://{config.host}:{config.port}"
        places = [place for figure in config.figures.values() for _, place in terms(figure)]
        self._paths: dict[str, set[str]] = {}
        for topic, _, path in (place.partition("#") for place in places):
            self._paths.setdefault(topic, set()).add(path)
        self._latest: dict[str, tuple[float, float]] = {}  # when, and what, by `topic#path`
        self._heard_s = 0.0  # when anything came last

    def run(self, tell: Tell, stop: Stop) -> None:
        client = Client(CallbackAPIVersion.VERSION2)
        client.connect_timeout = ANSWERS_WITHIN_S
        client.on_connect = self._connected
        client.on_message = lambda _client, _data, message: self._receive(message, tell)
        if self._config.user:
            client.username_pw_set(self._config.user, self._config.password)
        try:
            client.connect(self._config.host, self._config.port, KEEPALIVE_S)
            self._listen(client, tell, stop)
        except OSError as error:
            raise MeterTrouble(f"{self._broker}: {error.strerror or error}") from None
        finally:
            line = client.socket()
            client.disconnect()
            if line:
                line.close()

    def _listen(self, client: Client, tell: Tell, stop: Stop) -> None:
        self._heard_s = began_s = time.monotonic()
        while not stop.is_set:
            line = client.socket()
            if line is None:
                raise MeterTrouble(f"{self._broker}: the connection is lost")
            ready = stop.ready([line], LOOK_EVERY_S)
            states = [client.loop_read()] if ready else []
            states += [client.loop_write()] if client.want_write() else []
            states.append(client.loop_misc())
            for state in states:
                if state not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_AGAIN):
                    raise MeterTrouble(f"{self._broker}: {error_string(state)}")
            if not client.is_connected() and time.monotonic() > began_s + ANSWERS_WITHIN_S:
                raise MeterTrouble(f"{self._broker} has not answered within {ANSWERS_WITHIN_S:g} s")
            self._miss(tell)

    def _connected(self, client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            raise MeterTrouble(f"{self._broker}: {reason}")
        for topic in self._paths:
            client.subscribe(topic)

    def _miss(self, tell: Tell) -> None:
        silent_s = self._config.stale_after_s
        if time.monotonic() > self._heard_s + silent_s:
            self._heard_s = time.monotonic()
            tell(MeterTrouble(f"{self._broker}: nothing has come of {', '.join(self._paths)} for {silent_s:g} s"))

    def _receive(self, message: MQTTMessage, tell: Tell) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            raise MeterTrouble(f"{self._broker}: says a topic that is no text") from None
        if topic not in self._paths:
            return
        self._heard_s = time.monotonic()
        if message.retain:
            tell(
                MeterTrouble(f"{self._broker}: so far only what the broker had kept of {topic}, and who knows how old")
            )
            return
        try:
            for path in self._paths[topic]:
                value = _value(bytes(message.payload), path)
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


def _value(payload: bytes, path: str) -> float | None:
    """None: null."""
    if path:
        value = value_at(json(payload), path)
        return None if value is None else number(value)
    return number(payload.decode("utf-8", "replace"))
