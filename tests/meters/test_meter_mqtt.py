"""meters/mqtt.py, against a real mosquitto: numbers and JSON, what it had kept, a broker that goes and comes."""

from __future__ import annotations

import socket
import sys
import time
from typing import TYPE_CHECKING

import pytest
from answering import answering
from broker import Broker, broker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from metered import Metered, Watched


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    with broker(tmp_path) as one:
        yield one


def mqtt(port: int, figures: str, more: str = "") -> str:
    login = "" if "password" in more else 'user = "anna"\npassword = "pass"'
    return f'kind = "mqtt"\nhost = "127.0.0.1"\nport = {port}\n{login}\n{more}\nfigures = {{ {figures} }}'


def says(watched: Watched, mosquitto: Broker, wanted: str, **said: str) -> None:
    """Say it until it is heard: a subscription takes a moment."""
    deadline_s = time.monotonic() + 20
    while not getattr(watched.look().measured, wanted, None):
        assert time.monotonic() < deadline_s, watched.look()
        for topic, payload in said.items():
            mosquitto.say(topic, payload)


def test_a_number_from_a_topic_and_figures_from_json(metered: Metered, mosquitto: Broker) -> None:
    figures = 'grid_w = "power", pv_w = "sun#a.b", battery_w = "sun#c", battery_soc = "soc"'
    with metered.watching(mqtt(mosquitto.port, figures)) as watched:
        says(watched, mosquitto, "battery_soc", power="-250.5", sun='{"a": {"b": "700"}, "c": null}', soc="55")
        measured = watched.look().measured
        assert measured
        assert (measured.grid_w, measured.pv_w, measured.battery_w, measured.battery_soc) == (-250.5, 700, None, 55)


def test_a_sum_of_two_topics_is_as_old_as_the_older(metered: Metered, mosquitto: Broker) -> None:
    """As smart meters tell of what is delivered and what is returned."""
    with metered.watching(mqtt(mosquitto.port, 'grid_w = ["got", "-given"], l1_a = "got"')) as watched:
        began_s = time.monotonic()
        while "l1_a" not in watched.look().known.figures:
            mosquitto.say("got", "100")
        assert watched.look().measured is None
        mosquitto.say("given", "350")
        measured = watched.until(lambda seen: seen.measured).measured
        assert measured
        assert measured.grid_w == -250
        assert 0 < measured.delay_s < time.monotonic() - began_s


def test_what_the_broker_had_kept_is_of_unknown_age(metered: Metered, mosquitto: Broker) -> None:
    mosquitto.say("power", "5000", retain=True)
    with metered.watching(mqtt(mosquitto.port, 'grid_w = "power"')) as watched:
        assert "so far only what the broker had kept of power, and who knows how old" in watched.trouble()
        assert watched.look().measured is None
        mosquitto.say("power", "6000", retain=True)
        assert watched.grid_w() == 6000


def test_rubbish_is_told_of_and_passed_over(metered: Metered, mosquitto: Broker) -> None:
    name = f"mqtt://127.0.0.1:{mosquitto.port}: power: "
    with metered.watching(mqtt(mosquitto.port, 'grid_w = "power", pv_w = "power2#x"')) as watched:
        while "power" not in watched.look().trouble.get("grid", ""):
            mosquitto.say("power", "offline")
        assert watched.look().trouble["grid"] == f"{name}'offline' is not a number"
        mosquitto.say("power", None)
        watched.until(lambda seen: seen.trouble.get("grid") == f"{name}'' is not a number")
        mosquitto.say("power2", b"\xff\xfe{")
        watched.until(lambda seen: "power2: " in seen.trouble.get("grid", ""))
        mosquitto.say("power", "nan")
        watched.until(lambda seen: seen.why_not == "grid_w is not a number")
        mosquitto.say("power", "7")
        assert watched.grid_w() == 7


def test_a_topic_that_stays_silent(metered: Metered, mosquitto: Broker) -> None:
    with metered.watching(mqtt(mosquitto.port, 'grid_w = "pwoer"', "stale_after_s = 1")) as watched:
        assert watched.trouble() == f"mqtt://127.0.0.1:{mosquitto.port}: nothing has come of pwoer for 1 s"


def test_a_broker_that_goes_and_comes_again(metered: Metered, mosquitto: Broker) -> None:
    with metered.watching(mqtt(mosquitto.port, 'grid_w = "power"')) as watched:
        says(watched, mosquitto, "grid_w", power="1")
        mosquitto.stop()
        watched.until(lambda seen: "grid" in seen.trouble)
        mosquitto.start()
        deadline_s = time.monotonic() + 30
        while (measured := watched.look().measured) is None or measured.grid_w != 2:
            assert time.monotonic() < deadline_s, watched.look()
            mosquitto.say("power", "2")


def test_a_wrong_password(metered: Metered, mosquitto: Broker, capfd: pytest.CaptureFixture[str]) -> None:
    with metered.watching(mqtt(mosquitto.port, 'grid_w = "power"', 'user = "a"\npassword = "b"')) as watched:
        assert watched.trouble().startswith(f"mqtt://127.0.0.1:{mosquitto.port}: ")
        assert "uthori" in watched.trouble()
    assert capfd.readouterr().err == ""


def test_one_that_is_no_broker(metered: Metered, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with metered.watching(mqtt(port, 'grid_w = "power"')) as watched:
            assert watched.trouble() == f"mqtt://127.0.0.1:{port} has not answered within 3 s"
    with metered.watching(mqtt(port, 'grid_w = "power"')) as watched:
        assert watched.trouble() == f"mqtt://127.0.0.1:{port}: Connection refused"
    assert capfd.readouterr().err == ""


CONNECTED = b"\x20\x02\x00\x00"
SAID = {
    "nothing of MQTT": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "has not answered within 3 s"),
    "a topic that is no text": (CONNECTED + b"\x30\x05\x00\x02\xff\xfe1", "says a topic that is no text"),
    "a packet without an end": (CONNECTED + b"\x30\xff\xff\xff\xff\xff", "error"),
    "a topic longer than its packet": (CONNECTED + b"\x30\x03\xff\xff1", "error"),
}


@pytest.mark.parametrize(("said", "words"), SAID.values(), ids=SAID)
def test_a_broker_that_talks_nonsense(
    metered: Metered, said: bytes, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    def talk(line: socket.socket) -> None:
        line.recv(1000)
        line.sendall(said)

    with answering(talk) as port, metered.watching(mqtt(port, 'grid_w = "power"')) as watched:
        told = watched.trouble()
        assert told.startswith(f"mqtt://127.0.0.1:{port}")
        assert words in told
    assert capfd.readouterr().err == ""


def test_what_was_not_asked_for_is_nothing_to_us(metered: Metered) -> None:
    def talk(line: socket.socket) -> None:
        line.recv(1000)
        line.sendall(CONNECTED + b"\x30\x04\x00\x01a9" + b"\x31\x04\x00\x01a9" + b"\x30\x08\x00\x05power7")
        line.recv(1000)

    with answering(talk) as port, metered.watching(mqtt(port, 'grid_w = "power"')) as watched:
        watched.until(lambda seen: seen.news)
        assert watched.look().trouble == {}
        assert watched.grid_w() == 7


def test_it_ends_at_once(metered: Metered, mosquitto: Broker) -> None:
    with metered.watching(mqtt(mosquitto.port, 'grid_w = "power"')) as watched:
        says(watched, mosquitto, "grid_w", power="1")
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 30


def test_without_the_package(metered: Metered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tinyocpp.meters.mqtt", raising=False)
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with metered.watching(mqtt(1, 'grid_w = "power"')) as watched:
        assert watched.trouble() == "kind 'mqtt' needs the package paho-mqtt: pip install 'tinyocpp[mqtt]'"
