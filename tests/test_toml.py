"""What msgspec says of a document, in words for the owner of the file; the rest is in test_config and test_tagfile."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest

from tinyocpp.errors import ConfigError
from tinyocpp.toml import convert, parse


class Shape(msgspec.Struct):
    at: datetime
    ids: tuple[str, ...] = ()


SAID = {
    "an item of a list": ('at = 2026-06-01T12:00:00Z\nids = ["a", 2]', "x.toml: ids[1]: must be text in quotes, not 2"),
    "nothing": ("", "x.toml: at is missing"),
    "what has no words of ours": ('at = "noon"', "x.toml: at: Invalid RFC3339 encoded datetime"),
}


@pytest.mark.parametrize(("text", "said"), SAID.values(), ids=SAID)
def test_said(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        convert(parse(text.encode(), "x.toml"), Shape, "x.toml")

    assert str(caught.value) == said
