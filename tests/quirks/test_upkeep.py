"""Section B: boot, configuration, maintenance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from listening import Site, charger, within

from quirks.garage import Garage, obeying, typed
from tinyocpp.admission import Standing
from tinyocpp.commands import agreed
from tinyocpp.errands import booting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BOOT_PLEASE = ["TriggerMessage", {"requestedMessage": "BootNotification"}]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, '[chargers]\nadmit = "any"')


def test_B1_no_boot_on_reconnect() -> None:
    """Wallbox Pulsar Pro 6, Ocular IQ Home Solar: an admitted one needs none; one we know nothing of is asked, once."""
    stranger = Garage(standing=Standing.CANDIDATE)
    stranger.session.opened(stranger.clock.seconds)
    assert stranger.asked_within(29) == []
    assert stranger.asked_within(5) == [BOOT_PLEASE]
    assert stranger.boot("Wallbox", "Pulsar Pro")["status"] == "Accepted"
    stranger.status("Preparing")
    stranger.start()
    assert stranger.booked() == ["1 04A2 0 Wh open"]

    known = Garage()
    known.boot("Wallbox", "Pulsar Pro")
    known.session.connection_lost()
    known.session.opened(known.clock.seconds)
    assert known.asked_within(600) == []
    assert known.start() == 1


@within(10)
async def test_B1_a_stranger_at_the_listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is adopted for the BootNotification it was asked for."""
    monkeypatch.setattr(booting, "BY_ITSELF_S", 0.1)
    async with Site(tmp_path).listening() as listener, charger(listener) as garage:
        message_id, *call = await garage.next_call()
        assert call == BOOT_PLEASE
        await garage.answer(message_id, {"status": "Accepted"})
        assert (await garage.boot())["status"] == "Accepted"
        assert listener.store.register.anyone_admitted()


def test_B2_dies_of_being_asked_to_boot() -> None:
    """StarCharge, MG: learnt at boot, and remembered beyond the connection."""
    garage = Garage()
    garage.boot("StarCharge", "Artemis")
    garage.session.connection_lost()
    garage.charger.standing = Standing.CANDIDATE  # forgotten by the owner since
    garage.session.opened(garage.clock.seconds)
    assert garage.asked_within(600) == []


def test_B3_availability_is_left_alone() -> None:
    """EN+ hangs on ChangeAvailability(0), others refuse or schedule it: none is sent by itself. Scheduled is a yes."""
    garage = Garage()
    garage.session.opened(garage.clock.seconds)
    garage.boot("EN+", "37", "1.1.805")
    garage.status("Available", connector=0)
    garage.status("Available")
    number = garage.start()
    garage.stop(number, 2000)
    assert garage.asked_within(3600) == []
    assert agreed(b'{"status":"Scheduled"}')


def test_B8_triggered_and_nothing_follows() -> None:
    """What is asked for by us is not waited for: the next call goes out."""
    garage = Garage()
    call, ended = garage.ask("TriggerMessage", '{"requestedMessage":"MeterValues"}', '[3,"*",{"status":"Accepted"}]')
    assert (call[0], ended) == ("TriggerMessage", '{"status":"Accepted"}')
    assert garage.ask("ClearCache", "{}", '[3,"*",{"status":"Accepted"}]')[1] == '{"status":"Accepted"}'


def test_B11_heartbeats_lost_or_never_sent() -> None:
    """Any frame is a sign of life."""
    garage = Garage()
    garage.boot()
    for _ in range(10):
        garage.clock.pass_(1000)
        garage.status("Available")
    assert garage.findings() == []
    garage.clock.pass_(1000)
    assert [found.partition(" since")[0] for found in garage.findings()] == ["garage: connected but silent"]


@pytest.mark.parametrize(
    ("action", "payload", "answer"),
    [
        ("SecurityEventNotification", {"type": "StartupOfTheDevice", "timestamp": "2026-06-01T12:00:00Z"}, {}),
        ("SecurityEventNotification", {"type": "SettingSystemTime", "timestamp": "0"}, {}),
        ("LogStatusNotification", {"status": "Idle"}, {}),
        ("SignedFirmwareStatusNotification", {"status": "Idle"}, {}),
        ("SignCertificate", {"csr": "-----BEGIN CERTIFICATE REQUEST-----"}, {"status": "Rejected"}),
        ("FirmwareStatusNotification", {"status": "Idle"}, {}),
        ("DiagnosticsStatusNotification", {"status": "Idle"}, {}),
    ],
)
def test_B12_messages_of_the_security_extension(action: str, payload: dict[str, Any], answer: dict[str, Any]) -> None:
    assert Garage().asks(action, **payload) == answer


def test_B12_an_unknown_action_closes_nothing() -> None:
    garage = Garage()
    (answer,) = garage.says('[2,"1","NotifyEVChargingNeeds",{}]')
    assert answer.startswith('[4,"1","NotImplemented",')
    assert not garage.session.closing


def test_B13_a_flood_of_data_transfers() -> None:
    """EN+, every few seconds: answered, and neither disk nor log fills with it."""
    garage = Garage()
    for number in range(1000):
        answer = garage.asks("DataTransfer", vendorId="EN+", messageId="cpChargingParameterRpt", data=f"{number}")
        assert answer == {"status": "UnknownVendorId"}
    ((kept,),) = garage.database.rows("SELECT count(*) FROM calls WHERE action = 'DataTransfer'")
    assert 0 < int(str(kept)) <= 300
    assert garage.findings() == []


def test_B15_stuck_inoperative() -> None:
    """The owner is told what to type, and it is a word that there is."""
    garage = Garage()
    garage.status("Unavailable")
    (found,) = garage.findings()
    assert found.startswith("garage: connector 1 is out of service; tinyocpp")
    assert "perative" in found


def test_B17_no_call_before_our_answer() -> None:
    """What a person asks while a charger waits for us goes out behind the answer."""
    garage = Garage()
    garage.session.receive_text('[2,"1","Heartbeat",{}]', garage.clock.seconds)
    garage.call("ClearCache")
    answer, call = garage.session.text_to_send()
    assert answer.startswith('[3,"1",')
    assert json.loads(call)[2] == "ClearCache"


def test_B18_calls_that_come_too_fast() -> None:
    """One at a time, and a breath between two."""
    garage = Garage()
    garage.call("ClearCache")
    garage.call("GetLocalListVersion")
    (first,) = garage.session.text_to_send()
    assert garage.says(f'[3,"{json.loads(first)[1]}",{{"status":"Accepted"}}]') == []
    garage.wait(0.1)
    assert garage.session.text_to_send() == []
    garage.wait(0.1)
    (second,) = garage.session.text_to_send()
    assert json.loads(second)[2] == "GetLocalListVersion"


# ----------------------------------------------------------------------------------------------- words that are typed


def keys_told(**values: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A charger's own keys, as GetConfiguration asks for them."""

    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        wanted = payload.get("key") or list(values)
        known = [
            {"key": key, "readonly": key.startswith("Number"), "value": values[key]} for key in wanted if key in values
        ]
        return {"configurationKey": known, "unknownKey": [key for key in wanted if key not in values]}

    return answer


ABB = {"chargePointVendor": "ABB", "chargePointModel": "TACW22-4-0000-G1", "firmwareVersion": "1.8.21"}


@within(20)
async def test_B4_all_keys_at_once(site: Site, capsys: Any) -> None:
    """ABB Terra AC 1.8.21 crashes of it: asked for by their names, a few at a time."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.ask("BootNotification", ABB)
        keys = keys_told(HeartbeatInterval="300", GetConfigurationMaxKeys="4", NumberOfConnectors="1")
        async with obeying(garage, GetConfiguration=keys) as asked, typed(site, "charger", "get") as typing:
            pass
        assert typing.code == 0
        assert "HeartbeatInterval" in capsys.readouterr().out
        assert {action for action, _ in asked} == {"GetConfiguration"}
        assert all(payload["key"] for _, payload in asked)
        assert len(asked) > 1
        async with typed(site, "doctor"):
            pass
        minded = 'garage is connected; minded with it: never_read = ["MeterValuesSampledData"], read_all_keys = false'
        assert minded in capsys.readouterr().out


@within(20)
async def test_M20_a_key_it_reboots_over(site: Site) -> None:
    """ABB Terra AC up to 1.8.21 and MeterValuesSampledData: it is not asked for, whoever types it."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.ask("BootNotification", ABB)
        keys = keys_told(HeartbeatInterval="300")
        words = ("charger", "get", "MeterValuesSampledData", "HeartbeatInterval")
        async with obeying(garage, GetConfiguration=keys) as asked, typed(site, *words):
            pass
        async with obeying(garage, GetConfiguration=keys) as asked_for_all, typed(site, "charger", "get"):
            pass
    names = [name for _, payload in asked + asked_for_all for name in payload["key"]]
    assert "HeartbeatInterval" in names
    assert "MeterValuesSampledData" not in names


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [("RebootRequired", 0, "reset"), ("Accepted", 0, "now"), ("Rejected", 1, "MeterValuesSampledData")],
)
@within(20)
async def test_M22_lists_refused_and_reboots_required(
    site: Site, capsys: Any, status: str, code: int, said: str
) -> None:
    """Etrel, EVBox Elvi: a RebootRequired is kept, a refusal is one line, and a shorter list can be tried at once."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        keys = keys_told(MeterValuesSampledData="Energy.Active.Import.Register")
        changing = obeying(garage, GetConfiguration=keys, ChangeConfiguration={"status": status})
        words = ("charger", "set", "MeterValuesSampledData", "Energy.Active.Import.Register,Temperature")
        async with changing as asked, typed(site, *words) as typing:
            pass
    assert typing.code == code
    assert asked[-1][0] == "ChangeConfiguration"
    out, err = capsys.readouterr()
    assert said in out + err


@within(20)
async def test_B5_restarts_at_every_write(site: Site) -> None:
    """So what is so already is not written."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        keys = keys_told(MeterValueSampleInterval="60")
        obedient = obeying(garage, GetConfiguration=keys, ChangeConfiguration={"status": "Accepted"})
        async with obedient as asked:
            async with typed(site, "charger", "set", "MeterValueSampleInterval", "60") as typing:
                pass
            assert (typing.code, [action for action, _ in asked]) == (0, ["GetConfiguration"])
            async with typed(site, "charger", "set", "MeterValueSampleInterval", "30"):
                pass
    assert asked[-1] == ["ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "30"}]


@within(20)
async def test_B6_nothing_else_until_it_has_rebooted(site: Site, capsys: Any) -> None:
    """Mennekes 4Business: the owner is told what to type next."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        obedient = obeying(
            garage,
            GetConfiguration=keys_told(LocalPreAuthorize="false"),
            ChangeConfiguration={"status": "RebootRequired"},
        )
        async with obedient, typed(site, "charger", "set", "LocalPreAuthorize", "true") as typing:
            pass
    assert typing.code == 0
    assert "tinyocpp charger reset" in capsys.readouterr().out


@pytest.mark.parametrize("wants", [True, False], ids=["with", "without"])
@within(20)
async def test_B7_triggers_with_or_without_a_connector(site: Site, wants: bool) -> None:
    """ABL refuses one that names none, others one that names one: both are tried where there is but one connector."""

    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        return {"status": "Accepted" if ("connectorId" in payload) is wants else "Rejected"}

    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        await garage.ask("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        words = ("charger", "trigger", "StatusNotification", "--timeout", "1")
        async with obeying(garage, TriggerMessage=answer) as asked, typed(site, *words):
            pass
    assert any(answer(payload)["status"] == "Accepted" for _, payload in asked)


@within(20)
async def test_B8_the_owner_is_told_that_nothing_followed(site: Site, capsys: Any) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        words = ("charger", "trigger", "MeterValues", "--connector", "1", "--timeout", "1")
        async with obeying(garage, TriggerMessage={"status": "Accepted"}), typed(site, *words) as typing:
            pass
    out, err = capsys.readouterr()
    assert typing.code != 0
    assert "MeterValues" in out + err


@within(20)
async def test_B10_keys_that_cannot_be_written(site: Site, capsys: Any) -> None:
    """Morek: said in words, with the key."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        keys = keys_told(NumberOfConnectors="1")
        obedient = obeying(garage, GetConfiguration=keys, ChangeConfiguration={"status": "Rejected"})
        async with obedient, typed(site, "charger", "set", "NumberOfConnectors", "2") as typing:
            pass
    assert typing.code == 1
    assert "NumberOfConnectors" in capsys.readouterr().err


def test_B16_a_connector_99() -> None:
    """A vendor's own figure is no second socket: what names none still belongs to the only one."""
    garage = Garage()
    garage.status("Available", connector=99)
    garage.status("Charging", connector=1)
    number = garage.start(1000, connector=0)
    garage.sample({"value": "3000"}, connector=0)
    assert garage.booked() == [f"{number} 04A2 2000 Wh open"]
    assert garage.shown(1).energy_wh == 2000
