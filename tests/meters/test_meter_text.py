"""meters/text.py: what a program prints."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyocpp.measuring import FIGURES, Reading
from tinyocpp.meters import MeterTrouble
from tinyocpp.meters.text import read_text

SAID = {
    "a number": (" 1234.5\n", Reading({"grid_w": 1234.5})),
    "exported": ("-12", Reading({"grid_w": -12})),
    "with an exponent": ("1.2e3", Reading({"grid_w": 1200})),
    "pairs": ("grid_w=1234 pv_w=3000 battery_soc=55", Reading({"grid_w": 1234, "pv_w": 3000, "battery_soc": 55})),
    "a pair alone": ("battery_w=-5", Reading({"battery_w": -5})),
    "pairs, otherwise apart": ("l1_a=1, l2_a=2;\nl3_a=3", Reading({"l1_a": 1, "l2_a": 2, "l3_a": 3})),
    "others' keys": ("grid_w=1 name=P1", Reading({"grid_w": 1})),
    "JSON": ('{"grid_w": 1234, "pv_w": "12.5"}', Reading({"grid_w": 1234, "pv_w": 12.5})),
    "JSON over lines": ('{\n"grid_w": 1\n}\n', Reading({"grid_w": 1})),
    "JSON with what is not there": ('{"grid_w": 1, "pv_w": null}', Reading({"grid_w": 1})),
    "with a BOM": ('\ufeff{"grid_w": 1}', Reading({"grid_w": 1})),
    "how old": ("grid_w=1 delay_s=12", Reading({"grid_w": 1}, delay_s=12)),
}


@pytest.mark.parametrize(("said", "meant"), SAID.values(), ids=SAID)
def test_what_can_be_read(said: str, meant: Reading) -> None:
    assert read_text(said, "grid_w") == meant


def test_a_number_stands_for_what_the_meter_is_for() -> None:
    assert read_text("700", "pv_w") == Reading({"pv_w": 700})


def test_nan_is_told_and_refused_elsewhere() -> None:
    assert math.isnan(read_text("NaN", "grid_w").figures["grid_w"])
    assert math.isnan(read_text("grid_w=nan", "grid_w").figures["grid_w"])


WRONG = {
    "nothing": (" \n", "is empty"),
    "a word": ("hello", "'hello' is not a number"),
    "a unit": ("1234 W", "'1234 W' is neither a number, nor key=value pairs, nor a JSON object"),
    "a comma": ("1,5", "'1,5' is neither a number, nor key=value pairs, nor a JSON object"),
    "a pair without a number": ("grid_w=high", "'high' is not a number"),
    "half JSON": ('{"grid_w": 1', "'{\"grid_w\": 1' is not JSON: Input data was truncated"),
    "JSON with true": ('{"grid_w": true}', "True is not a number"),
    "JSON with a list": ('{"grid_w": [1]}', "[1] is not a number"),
    "a number without an end": ('{"grid_w": 1' + "0" * 400 + "}", " is not a number"),
    "a misspelt key": ("gird_w=5", "'gird_w=5' has none of grid_w, pv_w, battery_w"),
    "nested beyond measure": ("{" + '"a":{' * 5000, " is not JSON: "),
}


@pytest.mark.parametrize(("said", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_is_said_in_words(said: str, words: str) -> None:
    with pytest.raises(MeterTrouble) as trouble:
        read_text(said, "grid_w")
    assert words in str(trouble.value)
    assert len(str(trouble.value)) < 300


def test_a_misspelt_key_is_guessed() -> None:
    with pytest.raises(MeterTrouble, match="did you mean 'grid_w'"):
        read_text("gird_w=5", "grid_w")


figures = st.dictionaries(st.sampled_from([*FIGURES]), st.floats(allow_nan=False, allow_infinity=False), min_size=1)


@given(figures)
def test_what_is_written_is_read(values: dict[str, float]) -> None:
    assert read_text(json.dumps(values), "grid_w") == Reading(values)
    assert read_text(" ".join(f"{key}={value!r}" for key, value in values.items()), "grid_w") == Reading(values)


@given(st.one_of(st.text(), st.text(alphabet='{}[]":,=. -0123456789eEgrid_wNan\n')))
def test_any_text_is_a_reading_or_words(said: str) -> None:
    try:
        assert read_text(said, "grid_w").figures
    except MeterTrouble as trouble:
        assert str(trouble)
