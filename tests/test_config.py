"""Configuration: what a file says, where it is looked for, where data lives, what an owner reads after a typo."""

from __future__ import annotations

import grp
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tinyocpp.config import ChargerConfig, Config, TlsConfig, load
from tinyocpp.errors import ConfigError
from tinyocpp.localzone import system_zone
from tinyocpp.makers import differing
from tinyocpp.meterkinds import ExecConfig, FileConfig
from tinyocpp.places import configuration_directories, runtime_directories, state_directory

TLS = '[listener.tls]\ncertificate = ["a.pem"]\nkey = ["a.key"]\n'


def write(folder: Path, text: str) -> str:
    file = folder / "tinyocpp.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def read(folder: Path, text: str, **environ: str) -> Config:
    return load(write(folder, text), environ)


# --- what the file says


def test_without_a_file_the_defaults_work(tmp_path: Path) -> None:
    config = load(None, {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": "/run/user/7"})

    assert config.source is None
    assert (config.listener.host, config.listener.port, config.listener.tls) == ("", 9016, None)
    assert config.chargers.admit == "first"
    assert config.paths.accounting == f"{tmp_path}/.local/state/tinyocpp/accounting.sqlite3"
    assert config.paths.tags == f"{tmp_path}/.local/state/tinyocpp/tags.toml"
    assert config.paths.runtime == "/run/user/7/tinyocpp"


def test_everything_the_design_shows(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        """
        [listener]
        host = "::1"
        port = 9020
        [paths]
        tags = "tags.toml"
        accounting = "/srv/accounting.sqlite3"
        runtime = "run"
        group = ""
        [chargers]
        admit = ["garage", "carport"]
        [charger.Garage]
        security_profile = 3
        strict = true
        registration = "Pending"
        [listener.tls]
        port = 9017
        certificate = ["rsa.pem", "ecdsa.pem"]
        key = ["rsa.key", "/keys/ecdsa.key"]
        client_ca = "ca.pem"
        client_organisation = "Home"
        """,
    )

    assert config.listener.port == 9020
    assert config.paths.tags == f"{tmp_path}/tags.toml"
    assert config.paths.accounting == "/srv/accounting.sqlite3"
    assert config.last_good_tags == "/srv/tags.last-good.toml"
    assert config.paths.runtime == f"{tmp_path}/run"
    assert config.runtime_directories == (f"{tmp_path}/run",)
    assert config.chargers.admit == ("garage", "carport")
    assert config.listener.tls == TlsConfig(
        certificate=(f"{tmp_path}/rsa.pem", f"{tmp_path}/ecdsa.pem"),
        key=(f"{tmp_path}/rsa.key", "/keys/ecdsa.key"),
        client_ca=f"{tmp_path}/ca.pem",
        client_organisation="Home",
    )
    garage = ChargerConfig(security_profile=3, strict=True, registration="Pending")
    assert config.for_charger("gARAGE") == garage
    assert config.for_charger("carport") == ChargerConfig()


MISTAKES = {
    "a typo": ("[listener]\nprot = 1", "listener.prot: unknown key; did you mean 'port'?"),
    "no such table": ("[listner]\nport = 1", "listner: unknown key; did you mean 'listener'?"),
    "nothing like it": ("[tags]\nzzz = 1", "tags.zzz: unknown key; there is unknown, empty, local_list"),
    "a typo in TLS": (
        TLS + 'client_cs = "x"',
        "listener.tls.client_cs: unknown key; did you mean 'client_ca'?",
    ),
    "a typo for one charger": (
        "[charger.garage]\nstrikt = true",
        "charger.garage.strikt: unknown key; did you mean 'strict'?",
    ),
    "a number in quotes": ('[listener]\nport = "9016"', "listener.port: must be a whole number, not '9016'"),
    "true for a number": ("[listener]\nport = true", "listener.port: must be a whole number, not true"),
    "text that is long": (
        '[listener]\nport = "' + 60 * "9" + '"',
        "listener.port: must be a whole number, not '999999999999999999999999999999999999...",
    ),
    "one file for a list": (
        '[listener.tls]\ncertificate = "a.pem"',
        "listener.tls.certificate: must be a list in [ ], not 'a.pem'",
    ),
    "a number in a list": ("[chargers]\nadmit = [7]", "chargers.admit[0]: must be text in quotes, not 7"),
    "a value for a table": ("listener = 9016", "listener: must be a table, not 9016"),
    "no tables of chargers": ("charger = 1", "charger: must be a table, not 1"),
    "no table of a charger": ("[charger]\ngarage = 1", "charger.garage: must be a table, not 1"),
    "port 0": ("[listener]\nport = 0", "listener.port: must be a whole number >= 1, not 0"),
    "port 65536": ("[listener]\nport = 65536", "listener.port: must be a whole number <= 65535, not 65536"),
    "a port beyond all bounds": (
        "[listener]\nport = 99999999999999999999999",
        "listener.port: must be a whole number <= 65535, not 99999999999999999999999",
    ),
    "no number": ("[listener]\nport = nan", "listener.port: must be a whole number, not nan"),
    "profile 4": (
        "[charger.a]\nsecurity_profile = 4",
        "charger.a.security_profile: must be a whole number <= 3, not 4",
    ),
    "no such policy": (
        '[tags]\nunknown = "allow"',
        """tags.unknown: 'allow' is not possible; write "reject" or "accept\"""",
    ),
    "no such admission": (
        '[chargers]\nadmit = "all"',
        """chargers.admit: 'all' is not possible; write "first" or "any\"""",
    ),
    "admission of nonsense": (
        '[chargers]\nadmit = ["ok", "../x"]',
        "chargers.admit: '../x': not an identity; 1 to 48 of letters, digits, space and ._:+*=|@#- , not starting"
        " with a dot",
    ),
    "a charger that is a path": (
        '[charger."a/b"]\nstrict = true',
        "charger.'a/b': not an identity; 1 to 48 of letters, digits, space and ._:+*=|@#- , not starting with a dot",
    ),
    "a dot without quotes": (
        "[charger.a.b]\nstrict = true",
        'charger.a: an identity with a dot goes in quotes: [charger."a.b"]',
    ),
    "a quirk nobody knows": (
        "[charger.a.quirks]\nreply_delay = 1",
        "charger.a.quirks.reply_delay: unknown key; did you mean 'reply_delay_s'?",
    ),
    "a quirk that cannot be": (
        "[charger.a.quirks]\nreply_delay_s = -1",
        "charger.a.quirks.reply_delay_s: must be a number >= 0.0, not -1",
    ),
    "quirks that are no table": ("[charger.a]\nquirks = true", "charger.a.quirks: must be a table, not true"),
    "one charger twice": (
        "[charger.garage]\n[charger.GARAGE]",
        "charger.GARAGE: is the same charger as charger.garage; write one table",
    ),
    "profile 2 without TLS": (
        "[charger.a]\nsecurity_profile = 2",
        "charger.a.security_profile: 2 needs TLS; add a [listener.tls] table with certificate and key",
    ),
    "profile 3 without a CA": (
        TLS + "[charger.a]\nsecurity_profile = 3",
        "charger.a.security_profile: 3 needs listener.tls.client_ca, the CA that signs chargers' certificates",
    ),
    "TLS without a certificate": (
        "[listener.tls]",
        'listener.tls.certificate: is missing; write certificate = ["chain.pem"]',
    ),
    "TLS without a key": (
        '[listener.tls]\ncertificate = ["a.pem"]',
        "listener.tls.key: 0 for 1 certificates; name one key for each",
    ),
    "one port for both": (
        TLS + "port = 9016",
        "listener.tls.port: 9016 is listener.port too; wss needs a port of its own",
    ),
    "an organisation without a CA": (
        TLS + 'client_organisation = "x"',
        "listener.tls.client_organisation: is checked in chargers' certificates only; name their client_ca",
    ),
    "no ledger": ('[paths]\naccounting = ""', "paths.accounting: is empty; name a path, or leave the key out"),
    "a zero byte": ('[paths]\ntags = "a\\u0000b"', "paths.tags: no file can have a zero byte in its name"),
    "a zero byte in the log": ('[log]\nwire = "\\u0000"', "log.wire: no file can have a zero byte in its name"),
    "a zero byte in a key": (
        TLS.replace("a.key", "a\\u0000"),
        "listener.tls.key: no file can have a zero byte in its name",
    ),
    "PostgreSQL": (
        '[paths]\naccounting = "postgresql://db/tinyocpp"',
        "paths.accounting: postgresql is not supported by this version; name a file",
    ),
    "no such group": (
        '[paths]\ngroup = "no-such-group-here"',
        "paths.group: there is no group 'no-such-group-here'; make it with groupadd",
    ),
    "a zero byte in a group": (
        '[paths]\ngroup = "a\\u0000b"',
        "paths.group: there is no group 'a\\x00b'; make it with groupadd",
    ),
    "a current no car can be left with": (
        "[control]\nfallback_a = 3",
        "control.fallback_a: 3: no car can be offered less than 6 A; write 0 or 6",
    ),
    "no such zone": (
        '[report]\ntimezone = "Europe/Bärlin"',
        "report.timezone: 'Europe/Bärlin' is unknown here; write a name such as Europe/Berlin",
    ),
    "a folder of zones": (
        '[report]\ntimezone = "Europe"',
        "report.timezone: 'Europe' is unknown here; write a name such as Europe/Berlin",
    ),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_with_file_key_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path, text)

    with pytest.raises(ConfigError) as caught:
        load(file, {})

    assert str(caught.value) == f"{file}: {message}"
    assert caught.value.exit_code == 78


NOT_TOML = {
    "a value missing": (b"[listener]\nport =\n", ":2: not TOML: Invalid value"),
    "cut off": (b"[listener]\nport", ":2: not TOML: Expected '=' after a key in a key/value pair"),
    "Latin-1": (b"# caf\xe9\n", ":1: not UTF-8; save the file as UTF-8"),
    "a bomb": (b"a = " + 100_000 * b"[", ": nested too deeply to be meant"),
    "5,000 digits": (b"a = " + 5000 * b"9", ":1: not TOML: Exceeds the limit"),
}


@pytest.mark.parametrize(("data", "message"), NOT_TOML.values(), ids=NOT_TOML)
def test_what_is_not_toml_is_refused_with_its_line(tmp_path: Path, data: bytes, message: str) -> None:
    file = tmp_path / "tinyocpp.toml"
    file.write_bytes(data)

    with pytest.raises(ConfigError) as caught:
        load(str(file), {})

    assert str(caught.value).startswith(f"{file}{message}")


def test_an_editor_that_writes_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeff[listener]\nport = 1234").listener.port == 1234


# --- where the file is looked for


def test_the_first_file_found_wins(tmp_path: Path) -> None:
    places = {name: tmp_path / name / "tinyocpp" for name in ("option", "variable", "systemd", "xdg", "home/.config")}
    for number, place in enumerate(places.values(), 1):
        place.mkdir(parents=True)
        write(place, f"[listener]\nport = {number}")
    environ = {
        "TINYOCPP_CONFIG": str(places["variable"] / "tinyocpp.toml"),
        "CONFIGURATION_DIRECTORY": f"{places['systemd']}:/etc/else",
        "XDG_CONFIG_HOME": str(tmp_path / "xdg"),
        "HOME": str(tmp_path / "home"),
    }

    assert load(str(places["option"] / "tinyocpp.toml"), environ).listener.port == 1
    for port, variable in enumerate(environ, 2):
        assert load(None, environ).listener.port == port
        environ = {key: value for key, value in environ.items() if key != variable}
    assert configuration_directories({"XDG_CONFIG_HOME": "not/absolute"}) == ["/etc/tinyocpp"]


@pytest.mark.parametrize("named_by", ["option", "TINYOCPP_CONFIG"])
def test_a_file_that_is_named_must_be_there(tmp_path: Path, named_by: str) -> None:
    missing = str(tmp_path / "missing.toml")

    with pytest.raises(ConfigError) as caught:
        load(*(missing, {}) if named_by == "option" else (None, {named_by: missing}))

    assert str(caught.value) == f"{missing}: No such file or directory; name the configuration with --config"


def test_a_dangling_link_is_an_error_not_a_default(tmp_path: Path) -> None:
    (tmp_path / "tinyocpp").mkdir()
    (tmp_path / "tinyocpp/tinyocpp.toml").symlink_to(tmp_path / "gone")

    with pytest.raises(ConfigError, match="No such file or directory"):
        load(None, {"XDG_CONFIG_HOME": str(tmp_path)})


# --- where data lives

HOME = {"HOME": "/home/ann"}
STATES = {
    "no file": (None, HOME, "/home/ann/.local/state/tinyocpp", ""),
    "no file, XDG": (None, HOME | {"XDG_STATE_HOME": "/s"}, "/s/tinyocpp", "$XDG_STATE_HOME"),
    "no file, XDG relative": (None, HOME | {"XDG_STATE_HOME": "s"}, "/home/ann/.local/state/tinyocpp", ""),
    "no file, no home": (None, {}, "/var/lib/tinyocpp", ""),
    "systemd": (None, HOME | {"STATE_DIRECTORY": "/var/lib/t:/var/lib/u"}, "/var/lib/t", "$STATE_DIRECTORY"),
    "systemd and a file": ("/etc/x/t.toml", {"STATE_DIRECTORY": "/var/lib/t"}, "/var/lib/t", "$STATE_DIRECTORY"),
    "the system's file": ("/etc/tinyocpp/tinyocpp.toml", HOME, "/var/lib/tinyocpp", ""),
    "the user's file": ("/home/ann/.config/tinyocpp/tinyocpp.toml", HOME, "/home/ann/.local/state/tinyocpp", ""),
    "any other file": ("/srv/charger/tinyocpp.toml", HOME, "/srv/charger", ""),
}


@pytest.mark.parametrize(("source", "environ", "directory", "variable"), STATES.values(), ids=STATES)
def test_state_directory(source: str | None, environ: dict[str, str], directory: str, variable: str) -> None:
    assert state_directory(source, environ) == (directory, variable)


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub", '[paths]\ntags = "../cards.toml"\n[log]\nwire = "wire.jsonl"')
    monkeypatch.chdir(tmp_path)

    config = load("sub/tinyocpp.toml", {"STATE_DIRECTORY": "/var/lib/t"})

    assert config.source == f"{tmp_path}/sub/tinyocpp.toml"
    assert config.paths.tags == f"{tmp_path}/cards.toml"
    assert config.log.wire == f"{tmp_path}/sub/wire.jsonl"
    assert config.paths.accounting == "/var/lib/t/accounting.sqlite3"
    assert config.origins["paths.accounting"] == "$STATE_DIRECTORY"
    assert "paths.tags" not in config.origins


def test_a_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")

    assert read(tmp_path, '[paths]\ntags = "~/cards.toml"').paths.tags == "/home/ann/cards.toml"


def test_sockets_are_looked_for_wherever_a_listener_may_have_put_them() -> None:
    environ = {"RUNTIME_DIRECTORY": "/run/a:/run/b", "XDG_RUNTIME_DIR": "/run/user/7"}
    user = os.geteuid()

    assert list(runtime_directories("/state", environ).items())[:2] == [
        ("/run/a", "$RUNTIME_DIRECTORY"),
        ("/run/user/7/tinyocpp", "$XDG_RUNTIME_DIR"),
    ]
    without = list(runtime_directories("/state", {"XDG_RUNTIME_DIR": "relative"}))
    assert [place for place in without if place != "/run/tinyocpp"] == ["/state/run", f"/run/user/{user}/tinyocpp"]
    assert ("/run/tinyocpp" in without) == (user == 0 or os.path.isdir("/run/tinyocpp"))


# --- the owner's time zone

SUMMER, WINTER = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
ZONES = {
    "a name": ("Europe/Berlin", 2, 1),
    "a name after a colon": (":Europe/Berlin", 2, 1),
    "a file": (":/usr/share/zoneinfo/Europe/Berlin", 2, 1),
    "a POSIX rule": ("CET-1CEST,M3.5.0,M10.5.0/3", 2, 1),
    "an offset": ("<+0530>-5:30", 5.5, 5.5),
    "empty": ("", 0, 0),
    "nonsense": ("Ätherzeit", 0, 0),
    "a path out": ("../../etc/passwd", 0, 0),
    "no such file": ("/no/such/zone", 0, 0),
    "not a zone file": ("/etc/passwd", 0, 0),
}


@pytest.mark.parametrize(("tz", "summer_h", "winter_h"), ZONES.values(), ids=ZONES)
def test_the_system_zone_is_what_TZ_says(tz: str, summer_h: float, winter_h: float) -> None:
    zone = load(None, {"TZ": tz}).zone()

    assert SUMMER.astimezone(zone).utcoffset() == timedelta(hours=summer_h)
    assert WINTER.astimezone(zone).utcoffset() == timedelta(hours=winter_h)


def test_without_TZ_it_is_the_local_time_file_and_without_that_utc() -> None:
    assert SUMMER.astimezone(system_zone(None, "/usr/share/zoneinfo/Asia/Tokyo")).hour == 9
    assert SUMMER.astimezone(system_zone(None, "/no/such/file")).hour == 0


def test_the_end_of_the_calendar_is_the_end_everywhere() -> None:
    never = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    shown = never.astimezone(load(None, {"TZ": "Asia/Tokyo"}).zone())
    assert f"{shown:%Y-%m-%d %H:%M:%S}" == "9999-12-31 23:59:59"


def test_a_zone_in_the_file_is_stronger_than_the_systems(tmp_path: Path) -> None:
    zone = read(tmp_path, '[report]\ntimezone = "Europe/Berlin"', TZ="Asia/Tokyo").zone()

    assert str(zone) == "Europe/Berlin"
    before, after = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    local = [moment.astimezone(zone) for moment in (before, after)]
    assert [(moment.hour, moment.fold, moment.tzname()) for moment in local] == [(2, 0, "CEST"), (2, 1, "CET")]
    assert [moment.astimezone(UTC) for moment in local] == [before, after]
    assert local[0].dst() == timedelta(hours=1)


def test_a_group_that_exists_may_be_named(tmp_path: Path) -> None:
    name = grp.getgrgid(os.getgid()).gr_name

    assert read(tmp_path, f'[paths]\ngroup = "{name}"').paths.group == name


# --- size


def test_loading_imports_nothing_heavy(tmp_path: Path) -> None:
    file = write(tmp_path, TLS + '[charger.garage]\nsecurity_profile = 2\n[log]\nwire = "x"')
    heavy = {"pathlib", "zoneinfo", "difflib", "grp", "argparse", "logging", "asyncio", "ssl", "tomlkit"}
    code = f"import sys, tinyocpp.config as c; c.load({file!r}, {{}}).zone(); print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-SIc", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
        check=True,
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert heavy & set(loaded.stdout.split()) == set()


def test_quirks_are_the_makers_and_the_owners_on_top(tmp_path: Path) -> None:
    file = tmp_path / "tinyocpp.toml"
    file.write_text("[charger.Garage.quirks]\nread_all_keys = true\ncall_pause_s = 1\n")
    config = load(str(file), {})
    assert differing(config.quirks_of("garage", "ABB", "Terra AC", "1.8.21")) == {
        "never_read": ("MeterValuesSampledData",),
        "call_pause_s": 1.0,
        "stack_level": 0,
    }
    assert differing(config.quirks_of("carport", "Wallbe", "Pro", "1")) == {}


# --- meters


def test_a_house_without_a_meter_has_none(tmp_path: Path) -> None:
    assert read(tmp_path, "").meter is None


def test_meters(tmp_path: Path) -> None:
    meter = read(
        tmp_path,
        """
        [meter]
        kind = "exec"
        command = "./read.py 'a b' ~"
        scale = { grid_w = -1 }
        [meter.pv]
        kind = "file"
        path = "sun"
        stale_after_s = 120
        """,
    ).meter
    assert meter == ExecConfig(
        kind="exec",
        command=(f"{tmp_path}/read.py", "a b", "~"),
        scale={"grid_w": -1},
        pv=FileConfig(kind="file", path=f"{tmp_path}/sun", stale_after_s=120),
    )


WRONG_METERS = {
    "no kind": ("", "meter.kind: is missing; write one of exec, file, fronius, "),
    "a kind nobody knows": ('kind = "exce"', "meter.kind: unknown kind 'exce'; did you mean 'exec'?"),
    "a kind that is none": ("kind = 1", "meter.kind: unknown kind 1; there is exec, file, "),
    "nearly a kind": ('kind = "shely"', "meter.kind: unknown kind 'shely'; did you mean 'shelly'?"),
    "no url": ('kind = "http"\nurl = "meter"', "meter.url: 'meter' is no url such as http://192.168.1.20/status;"),
    "a password in a url": ('kind = "http"\nurl = "http://a:b@c/"', "meter.url: 'http://a:b@c/' is no url such as "),
    "a figure of http nobody knows": (
        'kind = "http"\nurl = "http://a"\nfigures = { gird_w = "a" }',
        "meter.figures.gird_w: unknown figure; did you mean 'grid_w'?",
    ),
    "a header of two lines": (
        'kind = "http"\nurl = "http://a"\nheaders = { A = "b\\r\\nC: d" }',
        "meter.headers.A: is no header",
    ),
    "no host": ('kind = "shelly"\nhost = "a/b"', "meter.host: 'a/b' is no name or address, such as 192.168.1.20 or "),
    "a host with a port": (
        'kind = "modbus"\nhost = "a:502x"',
        "meter.host: 'a:502x' is no name or address, such as 192.168.1.20; the port is a key",
    ),
    "a broker with a port": (
        'kind = "mqtt"\nhost = "a b"\nfigures = { grid_w = "a" }',
        "meter.host: 'a b' is no name or address, such as 192.168.1.20; the port is a key",
    ),
    "a register nobody can have": (
        'kind = "modbus"\nhost = "a"\nregisters = { grid_w = { address = 70000 } }',
        "meter.registers.grid_w.address: must be a whole number <= 65535, not 70000",
    ),
    "a register of a figure nobody knows": (
        'kind = "modbus"\nhost = "a"\nregisters = { grid = { address = 7 } }',
        "meter.registers.grid: unknown figure; did you mean 'grid_w'?",
    ),
    "a figure that is no text": (
        'kind = "mqtt"\nfigures = { pv_w = "a", grid_w = 5 }',
        "meter.figures.grid_w: must be text in quotes or a list in [ ], not 5",
    ),
    "a list of no text": (
        'kind = "mqtt"\nfigures = { grid_w = ["a", 5] }',
        "meter.figures.grid_w[1]: must be text in quotes, not 5",
    ),
    "a key of a register nobody knows": (
        'kind = "modbus"\nhost = "a"\nregisters = { grid_w = { adress = 7 } }',
        "meter.registers.grid_w.adress: unknown key; did you mean 'address'?",
    ),
    "a type of a register nobody knows": (
        'kind = "modbus"\nhost = "a"\nregisters = { grid_w = { address = 7, type = "int8" } }',
        "meter.registers.grid_w.type: 'int8' is not possible; write \"int16\" or ",
    ),
    "no topics": ('kind = "mqtt"\nfigures = {}', "meter.figures: names no topic; write figures = "),
    "a topic of many": (
        'kind = "mqtt"\nfigures = { grid_w = "a/+/b" }',
        "meter.figures.grid_w: 'a/+/b' is no topic, such as home/power or tele/meter#SML.Power",
    ),
    "an empty topic": ('kind = "mqtt"\nfigures = { grid_w = ["-#a"] }', "meter.figures.grid_w: '-#a' is no topic"),
    "a key of another kind": ('kind = "exec"\npath = "a"', "meter.path: does not go with kind 'exec'; leave it out"),
    "a key nobody knows": ('kind = "exec"\ncommnd = "a"', "meter.commnd: unknown key; did you mean 'command'?"),
    "a key that is missing": ('kind = "exec"', "meter: command is missing"),
    "a wrong type": ('kind = "file"\npath = 1', "meter.path: must be text in quotes, not 1"),
    "too often": ('kind = "file"\npath = "a"\ninterval_s = 0.1', "meter.interval_s: must be a number >= 0.5, not 0.1"),
    "asked more rarely than it is believed": (
        'kind = "file"\npath = "a"\ninterval_s = 60',
        "meter.interval_s: 60 is longer than stale_after_s, 30: most of the time there would be no figure",
    ),
    "asked more rarely than the sun waits": (
        'kind = "file"\npath = "a"\ninterval_s = 50\nstale_after_s = 90',
        "meter.interval_s: 50 is longer than solar.stale_after_s, 45: it would be taken for lost; write more there",
    ),
    "asked more rarely than the house waits": (
        'kind = "file"\npath = "a"\ninterval_s = 40\nstale_after_s = 90\n[sharing]\nlimit_a = 25',
        "meter.interval_s: 40 is longer than sharing.stale_after_s, 30: it would be taken for lost; write more there",
    ),
    "an open quote": ('kind = "exec"\ncommand = "a \'b"', "meter.command: cannot be split into words: No closing"),
    "no program": ('kind = "exec"\ncommand = []', "meter.command: names no program"),
    "an empty program": ('kind = "exec"\ncommand = " "', "meter.command: names no program"),
    "a zero byte": ('kind = "exec"\ncommand = "a\\u0000"', "meter.command: no program can be given a zero byte"),
    "no file": ('kind = "file"\npath = ""', "meter.path: name the file"),
    "a figure nobody knows": (
        'kind = "file"\npath = "a"\nscale = {grid = 1}',
        "meter.scale.grid: unknown figure; did you mean 'grid_w'?",
    ),
    "a factor that leaves nothing": (
        'kind = "file"\npath = "a"\nscale = {grid_w = 0}',
        "meter.scale.grid_w: 0 leaves nothing to read; write a factor such as 1000 or -1",
    ),
    "a part of a part": (
        'kind = "file"\npath = "a"\n[meter.pv]\nkind = "file"\npath = "b"\n[meter.pv.pv]\nkind = "file"',
        "meter.pv.pv: does not go inside [meter.pv]; leave it out",
    ),
    "a part that is wrong": (
        'kind = "file"\npath = "a"\n[meter.pv]\nkind = "fiel"',
        "meter.pv.kind: unknown kind 'fiel'; did you mean 'file'?",
    ),
}


@pytest.mark.parametrize(("text", "words"), WRONG_METERS.values(), ids=WRONG_METERS)
def test_a_meter_that_cannot_be_meant_is_refused(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, f"[meter]\n{text}")
    assert str(error.value).startswith(f"{tmp_path}/tinyocpp.toml: {words}")


def test_a_mistake_in_a_table_of_the_owners_naming_is_found(tmp_path: Path) -> None:
    good = '[data_transfer."a.b"]\nmessages = ["x"]\n'
    for text, words in {
        "data = 5": "data_transfer.com.vendor.data: must be text in quotes, not 5",
        "dta = 5": "data_transfer.com.vendor.dta: unknown key; did you mean 'data'?",
        "messages = [5]": "data_transfer.com.vendor.messages[0]: must be text in quotes, not 5",
        'status = "no"': 'data_transfer.com.vendor.status: \'no\' is not possible; write "Accepted" or "Rejected"',
    }.items():
        with pytest.raises(ConfigError) as error:
            read(tmp_path, f'{good}[data_transfer."com.vendor"]\n{text}')
        assert str(error.value) == f"{tmp_path}/tinyocpp.toml: {words}"


def test_a_meter_that_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="meter: must be a table, not 'shelly'"):
        read(tmp_path, 'meter = "shelly"')
