"""Section X: transactions with numbers that are none, repeated, lost, late or refused. Each Wh is booked, and once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from listening import ACCEPTED, Site, charger, within

from quirks.garage import ENERGY, Garage, obeying, typed
from tinyocpp.makers import Quirks
from tinyocpp.tags import Tag

if TYPE_CHECKING:
    from pathlib import Path

AVAILABLE = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


def register(register_wh: float) -> dict[str, Any]:
    return {"value": f"{register_wh}", "measurand": ENERGY}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "tags.toml").write_text('[[tag]]\nid = "04A2"\nname = "Anna"\n')
    return Site(tmp_path, '[chargers]\nadmit = "any"')


# ---------------------------------------------------------------------------------------------- numbers that are none


@pytest.mark.parametrize("number", [0, -1, -42])
def test_X1_no_number_in_samples(number: int) -> None:
    """It belongs to what runs on the connector, and to nothing where nothing runs."""
    garage = Garage()
    garage.sample(register(500), transactionId=number)
    garage.start(1000)
    garage.sample(register(2500), transactionId=number)
    assert garage.booked() == ["1 04A2 1500 Wh open"]


def test_X2_minus_one_after_an_offline_start() -> None:
    """EVerest Tarragon, open-ocpp: in the stop too."""
    garage = Garage()
    garage.start(1000, timestamp=garage.at(-60))
    garage.sample(register(2500), transactionId=-1)
    garage.stop(-1, 4000, idTag="04A2")
    assert garage.booked() == ["1 04A2 3000 Wh measured"]


@pytest.mark.parametrize(
    ("quirk", "number"),
    [
        pytest.param("tktev 7-22 kW", 0, id="X3"),
        pytest.param("the start had failed", None, id="X4"),
        pytest.param("two to the 63rd, less one", 9223372036854775807, id="X5"),
    ],
)
def test_X3_X4_X5_a_stop_without_a_number(quirk: str, number: int | None) -> None:
    garage = Garage()
    garage.start(1000)
    answer = garage.stop(number, 4000)
    assert answer == {}, quirk
    assert garage.booked() == ["1 04A2 3000 Wh measured"]
    garage.stop(number, 4000)
    assert garage.booked() == ["1 04A2 3000 Wh measured"]


@within(20)
async def test_X6_a_negative_number_of_its_own(site: Site, capsys: Any) -> None:
    """Etrel Inch, for what it has authorised itself: one charge. A remote stop of it takes the only number there is
    for us, which the charger refuses; then the owner is told so."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        number = await begin(garage)
        await garage.ask("MeterValues", samples(2500, -1764332))
        async with typed(site, "stop") as typing:
            message_id, _, payload = await garage.next_call()
            assert payload == {"transactionId": number}
            await garage.answer(message_id, {"status": "Rejected"})
        assert typing.code == 1
        assert "Rejected" in capsys.readouterr().err
        await garage.ask("StopTransaction", {"transactionId": -1764332, "meterStop": 4000, "timestamp": now()})
        async with typed(site, "report", "--by", "transaction", "--json"):
            pass
    (booked,) = json.loads(capsys.readouterr().out)
    assert (booked["id_tag"], booked["energy_wh"], booked["quality"]) == ("04A2", 3000, "measured")


@within(20)
async def test_X7_a_number_of_its_own(site: Site, capsys: Any) -> None:
    """EN+, Huawei: its samples teach it, and a remote stop names it."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        number = await begin(garage)
        await garage.ask("MeterValues", samples(2500, 9))
        async with typed(site, "stop"):
            message_id, action, payload = await garage.next_call()
            assert (action, payload) == ("RemoteStopTransaction", {"transactionId": 9})
            await garage.answer(message_id, ACCEPTED)
            await garage.ask("StopTransaction", {"transactionId": 9, "meterStop": 4000, "timestamp": now()})
        assert f"transaction {number} has ended: 3.000 kWh" in capsys.readouterr().out


def test_X8_an_unknown_stop_for_ever() -> None:
    """Metron ME3 every 10 s, Wallbox: answered, so that it ends, and what it shows beyond the register is kept once."""
    garage = Garage()
    garage.start(1000)
    garage.stop(1, 4000)
    garage.clock.pass_(3600)
    stated = garage.at(-3)
    for _ in range(3):
        assert garage.stop(4711, 6500, timestamp=stated) == {}
        garage.clock.pass_(10)
    assert garage.booked() == ["1 04A2 3000 Wh measured", "2 - 2500 Wh orphan"]


def test_X9_a_stop_repeated_20_days_later() -> None:
    garage = Garage()
    garage.start(1000)
    stated = garage.now
    garage.clock.pass_(20 * 86_400)
    garage.stop(1, 4000, timestamp=stated)
    assert garage.booked() == ["1 04A2 3000 Wh measured"]
    (booked,) = garage.reader.bookings(None, None)
    assert f"{booked.stopped_at:%Y-%m-%dT%H:%M:%SZ}" == stated


def test_X10_the_start_again() -> None:
    """With a new id, after a week and a restart: its first answer."""
    garage = Garage()
    start = {"connectorId": 1, "idTag": "04A2", "meterStart": 1000, "timestamp": garage.now}
    first = garage.asks("StartTransaction", **start)
    garage.stop(1, 4000)
    garage.clock.pass_(8 * 86_400)
    garage.boot()
    assert (
        garage.asks("StartTransaction", **start) == first == {"idTagInfo": {"status": "Accepted"}, "transactionId": 1}
    )
    assert garage.booked() == ["1 04A2 3000 Wh measured"]


def test_X11_two_starts_without_a_stop() -> None:
    garage = Garage()
    garage.start(1000)
    garage.clock.pass_(600)
    garage.start(4000, "04B7")
    assert garage.booked() == ["1 04A2 3000 Wh estimated", "2 04B7 0 Wh open"]


def test_X12_available_and_never_a_stop() -> None:
    """Booked as far as it was seen; a late stop sets it right."""
    garage = Garage()
    number = garage.start(1000)
    garage.sample(register(3500))
    garage.clock.pass_(60)
    garage.status("Available")
    assert garage.booked() == ["1 04A2 2500 Wh estimated"]
    assert garage.asks("Authorize", idTag="04A2")["idTagInfo"]["status"] == "Accepted"
    garage.clock.pass_(3600)
    garage.stop(number, 4000, timestamp=garage.at(-60))
    assert garage.booked() == ["1 04A2 3000 Wh measured"]


def test_X13_a_reboot_amid_a_charge() -> None:
    """Grizzl-E comes back in Preparing, and begins anew; one whose samples go on has not ended."""
    garage = Garage()
    garage.start(1000)
    garage.sample(register(3500))
    garage.boot("United Chargers", "Grizzl-E Smart")
    garage.status("Preparing")
    assert garage.booked() == ["1 04A2 2500 Wh estimated"]

    garage.start(4000, connector=2)
    garage.boot("United Chargers", "Grizzl-E Smart")
    garage.sample(register(4500), connector=2, transactionId=2)
    assert garage.booked()[1] == "2 04A2 500 Wh open"


def test_X14_charges_despite_concurrent_tx() -> None:
    """Hager Witty Park, given 0 for a number, stops -1 and the old charge never ends: so it is given one."""
    garage = Garage()
    garage.start(1000, connector=1)
    start = {"connectorId": 2, "idTag": "04A2", "meterStart": 51880, "timestamp": garage.now}
    answer = garage.asks("StartTransaction", **start)
    assert answer == {"idTagInfo": {"status": "ConcurrentTx"}, "transactionId": 2}
    garage.stop(2, 52880)
    garage.stop(1, 3000)
    assert garage.booked() == ["1 04A2 2000 Wh measured", "2 04A2 1000 Wh measured"]


def test_X15_moved_from_another_server_amid_a_charge() -> None:
    """Samples with its number are answered; what flows is kept, as nobody knows whose it is."""
    garage = Garage()
    garage.start(1000)
    garage.stop(1, 2000)
    garage.clock.pass_(60)
    for register_wh in (2500, 3000, 3000):
        assert garage.sample(register(register_wh), transactionId=1665164407) == {}
    assert garage.booked() == ["1 04A2 1000 Wh measured", "2 - 1000 Wh orphan"]
    garage.stop(1665164407, 3500, idTag="04B7")
    assert garage.booked()[1] == "2 04B7 1500 Wh orphan"


def test_X16_no_tag_no_reason() -> None:
    garage = Garage()
    number = garage.start(1000)
    assert garage.stop(number, 4000, idTag=None, reason=None) == {}
    (booked,) = garage.reader.bookings(None, None)
    assert (booked.id_tag, booked.reason, booked.energy_wh) == ("04A2", "Local", 3000)


@within(20)
async def test_X17_an_empty_tag(tmp_path: Path, capsys: Any) -> None:
    """Schneider in free vending, openWB: the owner says whose it is."""
    (tmp_path / "tags.toml").write_text('[[tag]]\nid = "04A2"\nname = "Anna"\n')
    site = Site(tmp_path, '[chargers]\nadmit = "any"\n[tags]\nempty = "Anna"')
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        assert (await garage.ask("Authorize", {"idTag": ""}))["idTagInfo"]["status"] == "Accepted"
        number = await begin(garage, "")
        await garage.ask("StopTransaction", {"transactionId": number, "meterStop": 4000, "timestamp": now()})
        async with typed(site, "report", "--json"):
            pass
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["name"], row["energy_wh"]) == ("Anna", 3000)


def test_X18_one_card_in_many_spellings() -> None:
    """Case does not count; each other spelling is a line of the file with the same name."""
    garage = Garage(Tag("04A2B3C4", name="Anna"), Tag("C4B3A204", name="Anna"))
    for spelled in ("04a2b3c4", "04A2B3C4", "c4b3a204"):
        assert garage.asks("Authorize", idTag=spelled)["idTagInfo"]["status"] == "Accepted"
    number = garage.start(0, "04a2b3c4")
    garage.stop(number, 1000, idTag="04A2B3C4")
    assert garage.booked() == ["1 04A2B3C4 1000 Wh measured"]


def test_X19_charges_though_refused() -> None:
    """It is booked, and after a minute of delivering ended, once; what only stays plugged in is left alone."""
    garage = Garage()
    garage.boot()
    start = {"connectorId": 1, "idTag": "STRANGER", "meterStart": 1000, "timestamp": garage.now}
    assert garage.asks("StartTransaction", **start)["idTagInfo"]["status"] == "Invalid"
    assert garage.asked_within(120) == []
    garage.sample(register(1500), transactionId=1)
    assert garage.asked_within(600) == [["RemoteStopTransaction", {"transactionId": 1}]]
    garage.stop(1, 2000)
    assert garage.booked() == ["1 STRANGER 1000 Wh measured"]


def test_X19_a_start_said_again_and_again_is_ended_once() -> None:
    garage = Garage()
    garage.boot()
    start = {"connectorId": 1, "idTag": "STRANGER", "meterStart": 1000, "timestamp": garage.now}
    for _ in range(3):
        garage.asks("StartTransaction", **start)
    garage.sample(register(1500), transactionId=1)
    assert garage.asked_within(600) == [["RemoteStopTransaction", {"transactionId": 1}]]
    garage.stop(1, 2000)
    assert garage.asked_within(600) == []

    garage.start(2000, "STRANGER")
    garage.sample(register(2500), transactionId=2)
    assert garage.asked_within(600) == [["RemoteStopTransaction", {"transactionId": 2}]]


def test_X19_a_tag_that_charges_elsewhere_is_left_alone() -> None:
    """The other charge may be one whose stop was lost; nobody's car is to stand empty for it."""
    garage = Garage()
    garage.start(1000, connector=1)
    garage.start(1000, connector=2)
    garage.sample(register(1500), connector=2, transactionId=2)
    assert garage.asked_within(600) == []


def test_X19_the_owner_may_let_it() -> None:
    garage = Garage()
    garage.charger.quirks = Quirks(stop_refused=False)
    garage.start(1000, "STRANGER")
    garage.sample(register(1500), transactionId=1)
    assert garage.asked_within(600) == []


# ------------------------------------------------------------------------------------------------- asked from afar


@within(20)
async def test_X20_takes_only_tags_it_knows(site: Site, capsys: Any) -> None:
    """Alfen: the owner names the tag it wants, id or name, and it goes out as it stands in the file."""
    (site.folder / "tags.toml").write_text('[[tag]]\nid = "0123456789ABCDEF"\nname = "Alfen"\n\n[[tag]]\nid = "04A2"\n')
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        async with typed(site, "start", "--tag", "Alfen"):
            message_id, _, payload = await garage.next_call()
            assert payload == {"connectorId": 1, "idTag": "0123456789ABCDEF"}
            await garage.answer(message_id, ACCEPTED)
            await begin(garage, "0123456789ABCDEF")
        assert "has begun" in capsys.readouterr().out


@within(20)
async def test_X21_X22_a_start_with_a_connector_and_no_profile(site: Site) -> None:
    """1,500 stations want the connector (X21), Wallbox Pulsar Plus no profile (X22)."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        async with typed(site, "start") as typing:
            message_id, _, payload = await garage.next_call()
            assert payload == {"connectorId": 1, "idTag": "04A2"}
            await garage.answer(message_id, {"status": "Rejected"})
        assert typing.code == 1


@within(20)
async def test_X24_a_start_refused_in_finishing(site: Site, capsys: Any) -> None:
    """Ocular, Autel: the owner is told what to do."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        await garage.ask("StatusNotification", AVAILABLE | {"status": "Finishing"})
        async with typed(site, "start") as typing:
            message_id, _, _ = await garage.next_call()
            await garage.answer(message_id, {"status": "Rejected"})
        assert typing.code == 1
        assert "unplug and plug in again" in capsys.readouterr().err


@within(20)
async def test_X23_a_start_that_comes_too_late(site: Site, capsys: Any) -> None:
    """EN+ goes from Preparing to Finishing when its ConnectionTimeOut is over: accepted, but nothing begins. The owner
    sees what the connector does meanwhile, and the next start, in time, is booked."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        async with typed(site, "start", "--timeout", "1") as typing:
            message_id, _, _ = await garage.next_call()
            await garage.answer(message_id, ACCEPTED)
            await garage.ask("StatusNotification", AVAILABLE | {"status": "Finishing"})
        assert typing.code == 75
        err = capsys.readouterr().err
        assert "connector 1: Finishing" in err
        assert "is the cable plugged in" in err
        async with typed(site, "start"):
            message_id, _, _ = await garage.next_call()
            await garage.answer(message_id, ACCEPTED)
            await begin(garage)
        assert "has begun" in capsys.readouterr().out


@pytest.mark.parametrize(("vendor", "clears"), [("Huawei", True), ("Wallbe", False)])
@within(20)
async def test_X25_stops_at_once_for_an_old_limit(site: Site, capsys: Any, vendor: str, clears: bool) -> None:
    """Huawei SCharger-22KT with 0 A left by a server before us: cleared first. Others' limits are theirs."""
    async with site.listening() as listener, charger(listener) as garage:
        boot = {"chargePointVendor": vendor, "chargePointModel": "SCharger" if clears else "Pro"}
        await garage.ask("BootNotification", boot)
        async with typed(site, "start"):
            message_id, action, payload = await garage.next_call()
            if clears:
                assert (action, payload) == ("ClearChargingProfile", {"chargingProfilePurpose": "TxDefaultProfile"})
                await garage.answer(message_id, {"status": "Unknown"})
                message_id, action, payload = await garage.next_call()
            assert action == "RemoteStartTransaction"
            await garage.answer(message_id, ACCEPTED)
            await begin(garage)
        assert "has begun" in capsys.readouterr().out


@within(20)
async def test_X26_a_stop_by_the_other_number(site: Site, capsys: Any) -> None:
    """The number its samples carried was another server's after all."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        number = await begin(garage)
        await garage.ask("MeterValues", samples(2500, 9))

        def knows(payload: dict[str, Any]) -> dict[str, str]:
            return {"status": "Accepted" if payload["transactionId"] == number else "Rejected"}

        async with obeying(garage, RemoteStopTransaction=knows) as asked, typed(site, "stop", "--timeout", "1"):
            pass
        assert [payload["transactionId"] for _, payload in asked] == [9, number]


@within(20)
async def test_X26_a_remote_stop_refused(site: Site, capsys: Any) -> None:
    """ZJ Beny 1.0.34: said at once, and the charge goes on as far as anybody knows."""
    async with site.listening() as listener, charger(listener) as garage:
        await garage.boot()
        number = await begin(garage)
        async with typed(site, "stop") as typing:
            message_id, _, _ = await garage.next_call()
            await garage.answer(message_id, {"status": "Rejected"})
        assert typing.code == 1
        assert "Rejected" in capsys.readouterr().err
        async with typed(site, "status", "--json"):
            pass
    (shown,) = json.loads(capsys.readouterr().out)
    assert shown["connectors"][0]["transaction_id"] == number


# -------------------------------------------------------------------------------------------------------- statuses


def test_X27_odd_statuses() -> None:
    """Charging before the start (MicroOcpp), connector 0 Available while 1 is SuspendedEV (Autel), SuspendedEVSE right
    after the card (Hager), Preparing again and again (ZJ Beny): none of them begins or ends a charge."""
    garage = Garage()
    garage.status("Charging")
    assert garage.booked() == []
    number = garage.start(1000)
    garage.status("SuspendedEVSE")
    garage.status("SuspendedEV")
    garage.status("Available", connector=0)
    garage.status("Preparing")
    garage.status("Preparing")
    assert garage.booked() == [f"{number} 04A2 0 Wh open"]
    garage.stop(number, 2000)
    assert garage.booked() == [f"{number} 04A2 1000 Wh measured"]


def test_X28_available_first_the_stop_last() -> None:
    """A soft reset amid a charge."""
    garage = Garage()
    number = garage.start(250_000)
    garage.status("Available")
    garage.sample({"value": 251.500, "context": "Transaction.End", "unit": "kWh"}, transactionId=number)
    garage.status("Preparing")
    garage.stop(number, 251_500, reason="SoftReset")
    assert garage.booked() == [f"{number} 04A2 1500 Wh measured"]


def test_X29_small_numbers() -> None:
    """From 1 upwards, across chargers and deletions never twice."""
    garage = Garage()
    numbers = []
    for _ in range(3):
        numbers.append(garage.start(0))
        garage.stop(numbers[-1], 100)
        garage.clock.pass_(60)
    assert numbers == [1, 2, 3]


def test_X30_another_car_at_once() -> None:
    """Unplugged and plugged in within the same minute, the same tag: two charges."""
    garage = Garage()
    garage.start(1000)
    garage.stop(1, 4000)
    garage.start(4000)
    garage.stop(2, 5000, timestamp=garage.at(1))
    assert garage.booked() == ["1 04A2 3000 Wh measured", "2 04A2 1000 Wh measured"]


def now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def begin(garage: Any, id_tag: str = "04A2") -> int:
    payload = {"connectorId": 1, "idTag": id_tag, "meterStart": 1000, "timestamp": now()}
    return int((await garage.ask("StartTransaction", payload))["transactionId"])


def samples(register_wh: int, number: int) -> dict[str, Any]:
    bucket = {"timestamp": now(), "sampledValue": [register(register_wh)]}
    return {"connectorId": 1, "transactionId": number, "meterValue": [bucket]}
