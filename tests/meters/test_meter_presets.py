"""meters/shelly.py and meters/fronius.py, against a server that answers as their documents show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_meter import say, web_meter

from tinyocpp.measuring import Reading
from tinyocpp.meters import MeterTrouble
from tinyocpp.meters.fronius import power_flow
from tinyocpp.meters.shelly import PAGES

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

    from metered import Metered

PRO_3EM = {
    "id": 0,
    "a_current": 4.029, "a_voltage": 236.1, "a_act_power": 951.2, "a_aprt_power": 951.9, "a_pf": 1, "a_freq": 50,
    "b_current": 4.027, "b_voltage": 236.2, "b_act_power": -951.1, "b_aprt_power": 951.8, "b_pf": 1, "b_freq": 50,
    "c_current": 3.03, "c_voltage": 236.4, "c_act_power": 715.4, "c_aprt_power": 716.2, "c_pf": 1, "c_freq": 50,
    "n_current": None, "total_current": 11.083, "total_act_power": 715.5, "total_aprt_power": 2484.782,
    "user_calibrated_phase": [],
}  # fmt: skip
EM1 = {"id": 1, "current": 2.598, "voltage": 234.9, "act_power": -501.8, "aprt_power": 612.4, "pf": 0.84, "freq": 50}


def clamp(power_w: float, **more: object) -> dict[str, object]:
    return {"power": power_w, "pf": 0.9, "current": 2.5, "voltage": 230.1, "is_valid": True, "total": 1.0} | more


OLD_3EM = {"emeters": [clamp(100), clamp(-200), clamp(350.5)], "total_power": 250.5}
OLD_EM = {"emeters": [{"power": 500.0, "is_valid": True}, {"power": -70.0, "is_valid": True}]}


def shelly(host: str, more: str = "") -> str:
    return f'kind = "shelly"\nhost = "{host}"\ninterval_s = 0.5\n{more}'


def test_a_pro_3em(metered: Metered) -> None:
    pages = {"/rpc/EM.GetStatus?id=0": json.dumps(PRO_3EM)}
    with web_meter(pages) as web, metered.watching(shelly(web.host)) as watched:
        measured = watched.until(lambda seen: seen.measured).measured
        assert measured
        assert (measured.grid_w, measured.currents_a) == (715.5, (4.029, -4.027, 3.03))


def test_a_3em_of_the_first_generation(metered: Metered) -> None:
    """It is found by what it answers, and asked only that from then on."""
    with web_meter({"/status": json.dumps(OLD_3EM)}) as web, metered.watching(shelly(web.host)) as watched:
        measured = watched.until(lambda seen: seen.news >= 2).measured
        assert measured
        assert (measured.grid_w, measured.currents_a) == (250.5, (2.5, -2.5, 2.5))
        assert web.asked[:4] == [page.format(channel=0) for page in PAGES] + ["/status"]


def test_a_single_clamp(metered: Metered) -> None:
    pages = {"/rpc/EM1.GetStatus?id=1": json.dumps(EM1)}
    with web_meter(pages) as web, metered.watching(shelly(web.host, "channel = 1")) as watched:
        measured = watched.until(lambda seen: seen.measured).measured
        assert measured
        assert (measured.grid_w, measured.currents_a) == (-501.8, None)
    with web_meter({"/status": json.dumps(OLD_EM)}) as web, metered.watching(shelly(web.host)) as watched:
        assert watched.grid_w() == 500


def test_one_that_measures_the_sun(metered: Metered) -> None:
    (metered.folder / "grid").write_text("1")
    with web_meter({"/rpc/EM.GetStatus?id=0": json.dumps(PRO_3EM)}) as web:
        sun = shelly(web.host).replace('kind = "shelly"', '[meter.pv]\nkind = "shelly"')
        with metered.watching(f'kind = "file"\npath = "grid"\n{sun}') as watched:
            measured = watched.until(lambda seen: seen.measured and seen.measured.pv_w).measured
            assert measured
            assert (measured.grid_w, measured.pv_w) == (1, 715.5)


def test_its_password(metered: Metered) -> None:
    def page(request: BaseHTTPRequestHandler) -> None:
        if 'username="admin"' in request.headers.get("Authorization", ""):
            say(request, 200, json.dumps(PRO_3EM))
        else:
            say(request, 401, WWW_Authenticate='Digest qop="auth", realm="s", nonce="1", algorithm=SHA-256')

    with web_meter({"/rpc/EM.GetStatus?id=0": page}) as web:
        with metered.watching(shelly(web.host, 'password = "pass"')) as watched:
            assert watched.grid_w() == 715.5
        with metered.watching(shelly(web.host)) as watched:
            assert watched.trouble().endswith("answered 401 Unauthorized; write user and password")


WRONG_SHELLYS = {
    "none": ({}, "answers, but not as an energy meter of Shelly does"),
    "a plug": ({"/status": '{"meters": []}'}, "/status: there is no emeters in it; there is meters"),
    "without clamps": ({"/status": '{"emeters": []}'}, "/status: it has no emeters"),
    "another channel": ({"/status": json.dumps(OLD_EM)}, "/status: it has 2 channels, and none is 5"),
    "not valid": (
        {"/status": json.dumps({"emeters": [clamp(1), clamp(1, is_valid=False), clamp(1)]})},
        "/status: it says itself that its figures are not valid",
    ),
    "broken": (
        {"/rpc/EM.GetStatus?id=0": '{"errors": ["power_meter_failure"], "total_act_power": null}'},
        "/rpc/EM.GetStatus?id=0: it tells of power_meter_failure",
    ),
    "null": (
        {"/rpc/EM.GetStatus?id=0": json.dumps(PRO_3EM | {"total_act_power": None})},
        "/rpc/EM.GetStatus?id=0: None is not a number",
    ),
}


@pytest.mark.parametrize(("pages", "words"), WRONG_SHELLYS.values(), ids=WRONG_SHELLYS)
def test_one_that_is_none_or_broken(metered: Metered, pages: dict[str, str], words: str) -> None:
    with web_meter(pages) as web, metered.watching(shelly(web.host, "channel = 5")) as watched:
        assert watched.trouble().endswith(words)


# --- Fronius


def flow(inverters: object = None, code: int = 0, reason: str = "", **site: object) -> dict[str, object]:
    """As 42,0410,2012 shows it."""
    return {
        "Body": {"Data": {"Inverters": inverters or {"1": {"DT": 99, "P": 500}}, "Site": site, "Version": "12"}},
        "Head": {"RequestArguments": {}, "Status": {"Code": code, "Reason": reason, "UserMessage": ""}},
    }


FLOWS = {
    "by day, with a battery": (
        flow({"1": {"SOC": 55.5, "P": 1}}, P_Akku=-1200.5, P_Grid=-800, P_Load=-300, P_PV=2300.5),
        {"grid_w": -800, "pv_w": 2300.5, "battery_w": 1200.5, "battery_soc": 55.5},
    ),
    "by night": (flow(P_Akku=None, P_Grid=414.6, P_PV=None), {"grid_w": 414.6, "pv_w": 0}),
    "two inverters": (
        flow({"1": {"P": 1}, "2": {"SOC": 99}}, P_Akku=58.2, P_Grid=1, P_PV=0),
        {"grid_w": 1, "pv_w": 0, "battery_w": -58.2, "battery_soc": 99},
    ),
    "a battery that does not tell": (flow(P_Akku=0, P_Grid=1), {"grid_w": 1, "pv_w": 0, "battery_w": 0}),
}


@pytest.mark.parametrize(("answer", "figures"), FLOWS.values(), ids=FLOWS)
def test_the_power_flow(answer: object, figures: dict[str, float]) -> None:
    assert power_flow(answer) == figures


def test_a_fronius(metered: Metered) -> None:
    answer = json.dumps(FLOWS["by day, with a battery"][0])
    with (
        web_meter({"/solar_api/v1/GetPowerFlowRealtimeData.fcgi": answer}) as web,
        metered.watching(f'kind = "fronius"\nhost = "{web.host}"') as watched,
    ):
        measured = watched.until(lambda seen: seen.measured).measured
        assert measured
        assert (measured.grid_w, measured.pv_w, measured.battery_w, measured.battery_soc) == (
            -800,
            2300.5,
            1200.5,
            55.5,
        )


WRONG_FRONIUS = {
    "without a Smart Meter": (flow(P_Grid=None), "P_Grid is null: the inverter has no Smart Meter"),
    "refuses": (flow(code=255, reason="API is disabled"), "it refuses: API is disabled"),
    "is none": ({"hello": 1}, "there is no Head.Status.Code in it; there is hello"),
    "text": (flow(P_Grid="much"), "'much' is not a number"),
}


@pytest.mark.parametrize(("answer", "words"), WRONG_FRONIUS.values(), ids=WRONG_FRONIUS)
def test_one_that_has_nothing_to_go_by(metered: Metered, answer: object, words: str) -> None:
    with (
        web_meter({"/solar_api/v1/GetPowerFlowRealtimeData.fcgi": json.dumps(answer)}) as web,
        metered.watching(f'kind = "fronius"\nhost = "{web.host}"') as watched,
    ):
        assert words in watched.trouble()


document = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Head", "Status", "Code", "Body", "Data", "Site", "P_Grid", "Inverters", "emeters", "power"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@given(document)
def test_any_document_is_figures_or_words(said: object) -> None:
    for read in (power_flow, *(lambda it, read=read: read(it, 0) for read in PAGES.values())):
        try:
            found = read(said)
        except MeterTrouble as trouble:
            assert str(trouble)
        else:
            assert isinstance(found, dict | tuple)


def test_a_reading_is_what_is_told() -> None:
    assert Reading(power_flow(flow(P_Grid=1))).delay_s == 0
