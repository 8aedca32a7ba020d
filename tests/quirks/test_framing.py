"""Section F: frames that are no frames of the standard. Each call that can be read at all gets its answer."""

from __future__ import annotations

import json

import pytest
from listening import Site, masked_frame, raw_request, within

from quirks.garage import Garage
from tinyocpp.commands import agreed
from tinyocpp.messages.frames import ErrorCode
from tinyocpp.tags import Tag


def test_F1_a_stray_comma() -> None:
    """ZJ Beny BCP, every sample."""
    garage = Garage()
    number = garage.start(130_000)
    answer = garage.answers(
        f'[2,"9lmha8x2","MeterValues",{{"connectorId":1,"transactionId":{number},"meterValue":[{{"timestamp":'
        f'"{garage.now}","sampledValue":[,{{"value":"139955","context":"Sample.Periodic","measurand":'
        '"Energy.Active.Import.Register","format":"Raw","unit":"Wh"},{"value":"1380","measurand":'
        '"Power.Active.Import","format":"Raw","unit":"W"}]}]}]'
    )
    assert answer == {}
    assert garage.booked() == [f"{number} 04A2 9955 Wh open"]
    assert garage.shown().power_w == 1380


def test_F2_an_answer_cut_off() -> None:
    """Grizzl-E Smart 05.43: the call it answers has ended, and does not block the next."""
    garage = Garage()
    _, ended = garage.ask("GetConfiguration", "{}", '[3,"*",{"configurationKey":[]')
    assert json.loads(ended) == {"configurationKey": []}
    assert garage.ask("ClearCache", "{}", '[3,"*",{"status":"Accepted"}]')[1] == '{"status":"Accepted"}'


def test_F3_no_value_after_the_colon() -> None:
    """AEFA Home, every sample: it is booked to what runs there."""
    garage = Garage()
    number = garage.start(0)
    frame = (
        '[2,"1","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[{"timestamp":"2026-06-01T12:00:45.377",'
        '"sampledValue":[{"value":"1500","measurand":"Energy.Active.Import.Register","unit":"Wh"}]}]}]'
    )
    assert garage.answers(frame) == {}
    assert garage.booked() == [f"{number} 04A2 1500 Wh open"]


def test_F4_a_nul_in_a_text() -> None:
    """Wallbe Pro."""
    assert Garage().answers('[2,"1","Authorize",{"idTag":"04\0A2\0"}]')["idTagInfo"]["status"] == "Accepted"


@pytest.mark.parametrize("rest", ["\x10\x0e", "\\u0010\\u000e"], ids=["raw", "escaped"])
def test_F5_an_overread_buffer(rest: str) -> None:
    """Ocular LTE Plus V3: the tag is known all the same."""
    garage = Garage(Tag("BA86I250X5G6MOD5DLKD", name="Anna"))
    answer = garage.answers(f'[2,"1","Authorize",{{"idTag":"BA86I250X5G6MOD5DLKD{rest}"}}]')
    assert answer["idTagInfo"]["status"] == "Accepted"


def test_F6_tabs_newlines_spaces() -> None:
    """Grizzl-E in calls, ABL in answers."""
    garage = Garage()
    frame = (
        '[2,"9","StatusNotification",{\n\t"connectorId":\t1,\r\n\t"errorCode": "NoError",\n\t"status":\t"Charging"}]\n'
    )
    assert garage.answers(frame) == {}
    assert garage.shown().status == "Charging"
    ended = garage.ask("RemoteStopTransaction", '{"transactionId":1}', '[3, "*" ,{"status":"Rejected"}]')[1]
    assert ended == '{"status":"Rejected"}'


@pytest.mark.parametrize("payload", [",null", ""], ids=["null", "missing"])
def test_F7_no_payload(payload: str) -> None:
    garage = Garage()
    assert "currentTime" in garage.answers(f'[2,"1","Heartbeat"{payload}]')
    assert garage.ask("UnlockConnector", '{"connectorId":1}', f'[3,"*"{payload}]')[1] == "{}"


@pytest.mark.parametrize("frame", ["", " ", "\r\n", "\0"])
def test_F8_an_empty_frame(frame: str) -> None:
    garage = Garage()
    assert garage.says(frame) == []
    assert not garage.session.closing


@pytest.mark.parametrize(
    "message_id", ['"1"', '"70"', "28240181849166013077", '"SLPsY0eiqwkVs5XResWERsqicZ0xrKi0JlXU"']
)
def test_F9_message_ids_of_any_form(message_id: str) -> None:
    """Grizzl-E and EN+ count from 1 after each boot, Legrand to 20 digits: echoed as they came, numbers as numbers."""
    garage = Garage()
    for _ in range(2):  # with the next boot the same id comes again
        (answer,) = garage.says(f'[2,{message_id},"Heartbeat",{{}}]')
        assert answer.startswith(f'[3,{message_id},{{"currentTime"')


def test_F10_the_same_message_four_times() -> None:
    """MicroOcpp: one charge, one number."""
    garage = Garage()
    start = {"connectorId": 1, "idTag": "04A2", "meterStart": 100, "timestamp": garage.now}
    frame = json.dumps([2, "1000004", "StartTransaction", start])
    answers = {garage.says(frame)[0] for _ in range(4)}
    assert answers == {'[3,"1000004",{"idTagInfo":{"status":"Accepted"},"transactionId":1}]'}
    assert garage.booked() == ["1 04A2 0 Wh open"]
    # The same id with another payload is another call.
    assert garage.says(frame.replace("StartTransaction", "Authorize"))[0].endswith(
        '{"idTagInfo":{"status":"Accepted"}}]'
    )


def test_F11_an_error_with_another_id() -> None:
    """Phihong EA702C puts a character before it."""
    garage = Garage()
    ended = garage.ask(
        "TriggerMessage",
        '{"requestedMessage":"Heartbeat"}',
        '[4,"5*","FormationViolation","Unable to process action",{}]',
    )[1]
    assert ended == "error FormationViolation"


def test_F12_an_answer_after_a_minute() -> None:
    """Mennekes 4Business; and one that comes too late harms nobody."""
    garage = Garage()
    garage.call("TriggerMessage", b'{"requestedMessage":"MeterValues"}')
    (sent,) = garage.session.text_to_send()
    assert garage.wait(61) == []
    garage.says(f'[3,"{json.loads(sent)[1]}",{{"status":"Accepted"}}]')
    (ended,) = garage.session.results_received()
    assert ended.outcome == "result"

    garage.wait(1)
    garage.call("ClearCache")
    (sent,) = garage.session.text_to_send()
    assert [answer.outcome for answer in garage.wait(90)] == ["timeout"]
    garage.wait(1)
    garage.call("ClearCache")
    (next_one,) = garage.session.text_to_send()
    garage.says(f'[3,"{json.loads(sent)[1]}",{{"status":"Rejected"}}]')
    assert garage.session.results_received() == []
    garage.says(f'[3,"{json.loads(next_one)[1]}",{{"status":"Accepted"}}]')
    (ended,) = garage.session.results_received()
    assert agreed(ended.payload)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('[2,"1","Authorize",{"idTag":["04A2"]}]', '[4,"1","TypeConstraintViolation","'),
        ('[2,"1","DataTransfer",7]', '[4,"1","FormationViolation","'),
    ],
)
def test_F13_error_codes_as_the_standard_misspells_them(frame: str, code: str) -> None:
    """Those that want them repeat a call for ever that is refused in better English; the details are an object."""
    (answer,) = Garage(strict=True).says(frame)
    assert answer.startswith(code)
    assert answer.endswith(",{}]")
    assert ErrorCode("OccurenceConstraintViolation")


def test_F14_a_no_in_words_of_its_own() -> None:
    """EM2GO EM022AS0OCPP."""
    ended = Garage().ask("ClearCache", "{}", '[3,"*",{"status":"NotImplemented"}]')[1]
    assert not agreed(ended.encode())


def test_F15_speaks_before_it_boots() -> None:
    """EN+, Alfen, Wallbox: an admitted charger is answered from its first frame."""
    garage = Garage()
    payload = '{"vendorId":"EN+","messageId":"gatewayInfo","data":"{}"}'
    assert garage.answers(f'[2,"1","DataTransfer",{payload}]') == {"status": "UnknownVendorId"}
    assert garage.status("Charging") == {}
    number = garage.start()
    garage.stop(number, 3000)
    garage.boot()
    assert garage.booked() == [f"{number} 04A2 2000 Wh measured"]


@pytest.mark.parametrize(
    "frame", ['\ufeff[2,"1","Heartbeat",{}]', '[2,"1","Heartbeat",{}]\0\0#', ' [2,"1","Heartbeat",{}]]']
)
def test_F16_text_around_the_frame(frame: str) -> None:
    assert "currentTime" in Garage().answers(frame)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@within(10)
async def test_F16_binary_frames(tmp_path: object, encoding: str) -> None:
    site = Site(tmp_path, '[chargers]\nadmit = "any"')  # type: ignore[arg-type]
    async with site.listening() as listener:
        _, _, reader, writer = await raw_request(listener, "/garage")
        writer.write(masked_frame('[2,"1","Heartbeat",{}]'.encode(encoding), opcode=2))
        head = await reader.readexactly(2)
        assert (await reader.readexactly(head[1])).startswith(b'[3,"1",{"currentTime"')
        writer.close()
