"""docs/configuration.md: every key of every table with its default, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from tinyocpp import config, toml
from tinyocpp.makers import Quirks
from tinyocpp.meterkinds import KINDS, MeterConfig, Register
from tinyocpp.modes import ControlConfig, SharingConfig, SolarConfig
from tinyocpp.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parent.parent / "docs" / "configuration.md").read_text(encoding="utf-8")

TABLES: dict[str, type[msgspec.Struct]] = {
    "`[listener]`": config.ListenerConfig,
    "`[listener.tls]`": config.TlsConfig,
    "`[paths]`": config.PathsConfig,
    "`[chargers]`": config.ChargersConfig,
    "`[charger.ID]`": config.ChargerConfig,
    "`[charger.ID.quirks]`": Quirks,
    "`[tags]`": config.TagsConfig,
    "`[data_transfer.VENDOR]`": config.VendorConfig,
    "`[log]`": config.LogConfig,
    "`[report]`": config.ReportConfig,
    "`[control]`": ControlConfig,
    "`[solar]`": SolarConfig,
    "`[meter]`": MeterConfig,
    **{f"`[meter]` of kind `{kind}`": table for kind, table in KINDS.items()},
    "`[sharing]`": SharingConfig,
    "`[meter.registers]`": Register,
    "The tags file": Tag,
}


def documented(section: str) -> dict[str, str]:
    """Key and default of each row under a heading."""
    _, _, after = PAGE.partition(f"\n## {section}")
    rows = re.findall(r"^\| `(\w+)` \|(.*?)\|", after.partition("\n## ")[0], re.MULTILINE)
    return {key: default.strip() for key, default in rows}


def settings(table: type[msgspec.Struct]) -> Iterator[tuple[str, str]]:
    for field in msgspec.structs.fields(table):
        if field.name in ("tls", "quirks"):
            continue  # a table of its own
        if table is not MeterConfig and field.name in MeterConfig.__struct_fields__ and issubclass(table, MeterConfig):
            continue  # said once
        default = None if field.required else field.default
        if default is msgspec.NODEFAULT:
            default = field.default_factory()
        yield field.name, "" if default is None else f"`{msgspec.json.encode(default).decode()}`"


@pytest.mark.parametrize("section", TABLES)
def test_every_key_is_documented_with_its_default(section: str) -> None:
    assert documented(section) == dict(settings(TABLES[section]))


def test_every_table_is_documented() -> None:
    of_the_owners_naming = {"`[charger.ID]`", "`[data_transfer.VENDOR]`"}
    named = {f"`[{name}]`" for name in config.Tables.__struct_fields__} - {"`[data_transfer]`"} | of_the_owners_naming

    kinds = {f"`[meter]` of kind `{kind}`" for kind in KINDS}
    assert named | kinds | {"`[listener.tls]`", "`[charger.ID.quirks]`", "`[meter.registers]`", "The tags file"} == set(
        TABLES
    )


def test_every_bound_is_documented() -> None:
    for table in TABLES.values():
        for field in msgspec.structs.fields(table):
            for meta in getattr(field.type, "__metadata__", ()):
                assert {str(meta.ge), str(meta.le)} <= set(re.findall(r"\d+", PAGE)) | set(
                    re.findall(r"\d+\.\d+", PAGE)
                ), field.name


@pytest.mark.parametrize("example", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL), ids=["configuration", "tags"])
def test_the_examples_can_be_copied(example: str, tmp_path: Path) -> None:
    from tinyocpp.storage.tagfile import parse

    if "[[tag]]" in example:
        assert len(parse(example.encode(), "tags.toml")) == 2
    else:
        (tmp_path / "tinyocpp.toml").write_text(example)
        assert config.load(str(tmp_path / "tinyocpp.toml"), {}).for_charger("garage").security_profile == 1
    assert toml.parse(example.encode(), "example")


VARIABLES = [
    "TINYOCPP_CONFIG",
    "CONFIGURATION_DIRECTORY",
    "STATE_DIRECTORY",
    "RUNTIME_DIRECTORY",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    "TZ",
]


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_variable_is_documented(variable: str) -> None:
    assert f"${variable}" in PAGE
