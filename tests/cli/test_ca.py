"""`tinyocpp ca`, as typed: what it makes, what it says, and what it refuses."""

from __future__ import annotations

import json
import os
import ssl
import stat
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from signing_requests import request

from tinyocpp.certificates import read_certificates
from tinyocpp.cli.writing import writing
from tinyocpp.config import load
from tinyocpp.dealings import CertificateState
from tinyocpp.hosts.tls import server_context
from tinyocpp.storage import open_reader
from tinyocpp.storage.authority import FileAuthority, read_certificate

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import House, Plugged

    from tinyocpp.dealings import IssuedCertificate

HOSTS = ("--host", "csms.test", "--host", "192.0.2.1")


@pytest.fixture
def ca(house: House) -> FileAuthority:
    """Made with --write, so the configuration has it."""
    code, _, err = house.type("ca", "init", "--write", *HOSTS)
    assert (code, err) == (0, "")
    return FileAuthority(str(house.folder / "ca"))


# --- init


def test_init_prints_the_table_and_what_is_next(house: House) -> None:
    code, out, err = house.type("ca", "init", *HOSTS, "--organisation", "My house", "--name", "Me", "--years", "3")
    assert (code, err) == (0, "")
    folder = house.folder / "ca"
    table = out[out.index("[listener.tls]") : out.index("\n\nWhat is next")]
    assert table.splitlines()[1:] == [
        f'certificate = ["{folder}/rsa.pem", "{folder}/ecdsa.pem"]',
        f'key = ["{folder}/rsa.key", "{folder}/ecdsa.key"]',
        f'client_ca = "{folder}/root.pem"',
        'client_organisation = "My house"',
    ]
    assert "tinyocpp charger certificate install" in out
    assert house.config().listener.tls is None
    root = read_certificate(str(folder / "root.pem"))
    assert (root.common_name, root.organisation) == ("Me", "My house")
    assert root.not_after - datetime.now(UTC) < timedelta(days=3 * 365)
    house.configuration.write_text(house.configuration.read_text() + table)  # as it is told
    assert server_context_of(house).get_ca_certs()[0]["serialNumber"].lstrip("0") == root.serial


def server_context_of(house: House) -> ssl.SSLContext:
    tls = house.config().listener.tls
    assert tls
    return server_context(tls)


def test_init_writes_the_table_and_keeps_the_comments(house: House) -> None:
    house.configuration.write_text(
        "# mine\n[listener]\nport = 9999 # not the usual one\n" + house.configuration.read_text()
    )
    code, out, _ = house.type("ca", "init", "--write", *HOSTS)
    assert code == 0
    assert f"[listener.tls] is in {house.configuration} now" in out
    text = house.configuration.read_text()
    assert "# mine" in text
    assert "# not the usual one" in text
    assert house.config().listener.port == 9999
    assert server_context_of(house)
    assert house.type("config", "check")[0] == 0


def test_init_makes_a_configuration_where_there_is_none(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tinyocpp.cli import main

    monkeypatch.setenv("XDG_CONFIG_HOME", str(house.folder / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(house.folder / "state"))
    monkeypatch.delenv("TINYOCPP_CONFIG", raising=False)
    monkeypatch.setattr("tinyocpp.places.SYSTEM_CONFIGURATION", str(house.folder / "none"))
    assert main(["ca", "init", "--write"]) == 0
    written = house.folder / "config" / "tinyocpp" / "tinyocpp.toml"
    assert str(written) in capsys.readouterr().out
    tls = load(str(written), {}).listener.tls
    assert tls
    assert tls.client_ca == str(house.folder / "state" / "tinyocpp" / "ca" / "root.pem")
    names = ssl.create_default_context(cafile=tls.client_ca)
    assert names.cert_store_stats()["x509_ca"] == 1


def test_without_hosts_this_machine_is_named(house: House) -> None:
    house.type("ca", "init")
    assert set(FileAuthority(str(house.folder / "ca")).renew([], datetime.now(UTC))) >= {
        "localhost",
        "127.0.0.1",
        "::1",
    }


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--host", "no name"), 64, "neither a host's name nor an address"),
        (("--host", "x" * 65), 64, "1 to 64 characters"),
        (("--organisation", ""), 64, "the organisation '' in a certificate has 1 to 64 characters"),
        (("--years", "0"), 64, "a whole number from 1 to 100"),
        (("--years", "many"), 64, "a whole number from 1 to 100"),
    ],
)
def test_what_cannot_be_made_leaves_nothing(house: House, words: tuple[str, ...], code: int, said: str) -> None:
    answered, out, err = house.type("ca", "init", *words)
    assert (answered, out) == (code, "")
    assert said in err
    assert not [name for name in os.listdir(house.folder) if name.startswith("ca")]


def test_init_never_overwrites(house: House, ca: FileAuthority) -> None:
    before = ca.certificate("root")
    code, _, err = house.type("ca", "init")
    assert (code, err) == (
        1,
        f"tinyocpp: there is an authority in {ca.folder}, and it is never overwritten; see: tinyocpp ca show\n",
    )
    assert ca.certificate("root") == before


@pytest.mark.parametrize(
    "words", [("show",), ("renew",), ("issue", "garage")], ids=lambda words: words[0] if words else ""
)
def test_without_an_authority_the_remedy_is_named(house: House, words: tuple[str, ...]) -> None:
    code, _, err = house.type("ca", *words)
    assert code == 1
    assert err.endswith("make one with: tinyocpp ca init\n")


def test_without_the_package_the_remedy_is_named(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    import tinyocpp.storage

    monkeypatch.delattr(tinyocpp.storage, "signing", raising=False)
    monkeypatch.delitem(sys.modules, "tinyocpp.storage.signing", raising=False)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    code, _, err = house.type("ca", "init")
    assert code == 69
    assert "-m pip install cryptography" in err


# --- show, renew


def test_show(house: House, ca: FileAuthority) -> None:
    house.type("ca", "issue", "garage")
    code, out, _ = house.type("ca", "show")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["for", "tinyocpp", "csms.test", "csms.test", "garage"]
    rows = json.loads(house.type("ca", "show", "--json")[1])
    assert [row["serial"] for row in rows[:3]] == [ca.certificate(name).serial for name in ("root", "rsa", "ecdsa")]
    assert {row["soon"] for row in rows} == {""}
    assert rows[3]["state"] == "installed"


def test_renew(house: House, ca: FileAuthority) -> None:
    before = ca.certificate("rsa")
    code, out, _ = house.type("ca", "renew")
    assert code == 0
    assert "name csms.test, 192.0.2.1" in out
    assert "SIGHUP" in out
    assert before.serial != ca.certificate("rsa").serial
    assert "name other.test\n" in house.type("ca", "renew", "--host", "other.test")[1]
    assert server_context_of(house)


# --- chargers


def test_a_key_and_a_certificate_for_a_charger(house: House, ca: FileAuthority) -> None:
    code, out, _ = house.type("ca", "issue", "Garage")
    assert code == 0
    files = {ending: house.folder / "ca" / "chargers" / f"Garage.{ending}" for ending in ("pem", "key")}
    assert all(str(path) in out for path in files.values())
    assert [stat.S_IMODE(path.stat().st_mode) for path in files.values()] == [0o600, 0o600]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(files["pem"], files["key"])
    (kept,) = issued(house)
    assert (kept.state, kept.serial) == ("installed", read_certificate(str(files["pem"])).serial)
    code, _, err = house.type("ca", "issue", "Garage")
    assert (code, err) == (1, f"tinyocpp: {files['pem']} is there already; move it away first\n")
    assert house.type("ca", "issue", "no/name")[0] == 64


def test_a_request_in_a_file(house: House, ca: FileAuthority) -> None:
    (house.folder / "garage.csr").write_text(request("garage"))
    code, out, err = house.type("ca", "sign", "--charger", "garage", str(house.folder / "garage.csr"))
    assert code == 0
    assert "for garage, until" in err
    (made,) = read_certificates(out.encode())
    assert (made.common_name, made.organisation) == ("garage", "Home")
    assert [one.serial for one in issued(house)] == [made.serial]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (request("carport"), "for CN 'carport', which is not garage"),
        ("hello", "the request cannot be read"),
        (None, "there is no file"),
    ],
    ids=["another's", "no request", "no file"],
)
def test_a_bad_request_in_a_file(house: House, ca: FileAuthority, text: str | None, said: str) -> None:
    path = house.folder / "garage.csr"
    if text is not None:
        path.write_text(text)
    code, out, err = house.type("ca", "sign", "--charger", "garage", str(path))
    assert (code, out) == (64, "")
    assert str(path) in err
    assert said in err
    assert issued(house) == []


def test_a_charger_that_is_forgotten_may_have_a_certificate(house: House, ca: FileAuthority) -> None:
    house.type("charger", "admit", "garage")
    house.type("ca", "issue", "garage")
    revoke = "Its certificate would open the door to the next garage: tinyocpp ca revoke garage\n"
    assert house.type("charger", "forget", "garage")[1].endswith(revoke)
    house.type("ca", "revoke", "garage")
    house.type("charger", "admit", "garage")
    assert "certificate" not in house.type("charger", "forget", "garage")[1]


def test_revoke_one_or_all(house: House, ca: FileAuthority, plug: Callable[..., Plugged]) -> None:
    for name in ("garage", "carport"):
        house.type("ca", "issue", name)
    (house.folder / "ca" / "chargers").rename(house.folder / "away")
    house.type("ca", "issue", "garage")
    serials = [one.serial for one in issued(house) if one.charger_id == "carport"]
    code, out, _ = house.type("ca", "revoke", serials[0].lower())
    assert (code, out) == (0, f"{serials[0]} of carport: refused from its next connection on\n")
    assert states(house) == [("carport", "revoked"), ("garage", "installed"), ("garage", "installed")]
    assert house.type("ca", "revoke", "GARAGE")[0] == 0
    assert states(house) == [("carport", "revoked"), ("garage", "revoked"), ("garage", "revoked")]
    plug("carport")
    assert house.type("ca", "revoke", "carport")[1].endswith(
        "It is connected and stays so until its connection ends.\n"
    )
    code, _, err = house.type("ca", "revoke", "attic")
    assert (code, err) == (1, "tinyocpp: our authority has signed nothing for attic; see: tinyocpp ca show\n")


def states(house: House) -> list[tuple[str, str]]:
    return sorted((one.charger_id, one.state) for one in issued(house))


def issued(house: House) -> list[IssuedCertificate]:
    with closing(open_reader(house.config())) as reader:
        return reader.certificates()


# --- what runs out


def test_what_runs_out_is_in_status_and_doctor(house: House) -> None:
    made = FileAuthority(str(house.folder / "ca"))
    made.create("Root", "Home", ["a.test"], datetime.now(UTC) - timedelta(days=5 * 365 - 20), 20)
    files = [f'{key} = ["ca/rsa.{ending}"]' for key, ending in (("certificate", "pem"), ("key", "key"))]
    with house.configuration.open("a") as file:
        file.write("\n".join(["[listener.tls]", *files]))
    house.type("ca", "issue", "garage")
    _let_run_out(house, "garage", timedelta(days=3))
    lines = house.type("status")[1].splitlines()
    assert (
        "! garage: its certificate runs out in 2 days; tinyocpp charger certificate renew --charger garage"
        in lines[-2:]
    )
    assert any(line.startswith(f"- {made.path('rsa')}: the certificate a.test runs out in 19 days;") for line in lines)
    told = house.type("doctor")[1]
    assert f"look  certificates    {made.path('rsa')}: the certificate a.test runs out in 19 days" in told
    assert "wrong chargers        garage: its certificate runs out in 2 days" in told
    house.type("ca", "renew")
    assert "a.test" not in house.type("status")[1]


def test_a_key_that_everybody_can_read_is_in_doctor(house: House, ca: FileAuthority) -> None:
    for name in ("root", "rsa"):
        os.chmod(ca.path(name, "key"), 0o604)
    told = house.type("doctor")[1]
    for name in ("root", "rsa"):
        assert f"wrong certificates    {ca.path(name, 'key')} can be read by everybody here\n" in told
    assert ca.path("ecdsa", "key") not in told


def _let_run_out(house: House, charger_id: str, left: timedelta) -> None:
    """It was shown at the last connection."""
    with writing(house.config()) as store:
        now = datetime.now(UTC)
        store.register.admit(charger_id, now)
        store.register.connected(charger_id, "192.0.2.7", now)
        (issued,) = store.ledger.certificates(charger_id)
        store.ledger.certificate_state(issued.serial, CertificateState.REVOKED)
        store.register.came_with(charger_id, 3, "TLSv1.3", (issued.serial, now + left))


def test_a_refused_request_is_in_status(house: House, plug: Callable[..., Plugged]) -> None:
    garage = plug("garage")
    assert garage.say("SignCertificate", csr=request("garage")) == {"status": "Rejected"}
    assert "- garage: has asked for a certificate, and was refused: there is no authority in" in house.type("status")[1]
