"""`tinyocpp charger certificate`: with the real listener and the simulated charger from plain ws up to its own
certificate, and with a charger that answers from a table for everything that goes wrong."""

from __future__ import annotations

import json
import shutil
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from signing_requests import request
from test_simulate import Listening

from tinyocpp.certificates import hash_data, read_certificates
from tinyocpp.cli import main
from tinyocpp.messages.payload import encode_payload
from tinyocpp.messages.security import HashAlgorithm
from tinyocpp.storage import signing
from tinyocpp.storage.authority import FileAuthority

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import House, Plugged

    Plug = Callable[..., Plugged]

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
ACCEPTED = {"status": "Accepted"}


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `ca init` makes, once: to find large primes takes half a second."""
    folder = tmp_path_factory.mktemp("new")
    (folder / "tinyocpp.toml").touch()
    assert main(["--config", str(folder / "tinyocpp.toml"), "ca", "init", "--write", "--host", "127.0.0.1"]) == 0
    return folder


@pytest.fixture
def ca(house: House, new: Path) -> FileAuthority:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    table = (new / "tinyocpp.toml").read_text().replace(str(new), str(house.folder))
    with house.configuration.open("a") as configuration:
        configuration.write(table.replace("[listener.tls]", f"\n[listener.tls]\nport = {port}"))
    shutil.copytree(new / "ca", house.folder / "ca")
    return FileAuthority(str(house.folder / "ca"))


def test_from_plain_ws_to_a_certificate_of_its_own(house: House, ca: FileAuthority) -> None:
    """Security profile 0 to 3, with nothing typed into the charger."""
    listening = Listening(house)
    listening.start()
    try:
        with listening.simulating("--idle", "--charger", "simulator"):
            until_connected(house)
            for words, code, said in STORY:
                answered = house.type("charger", *words.split())
                assert answered[0] == code, (words, answered)
                assert said in "".join(answered[1:]), words
            rows = [row for row in json.loads(house.type("ca", "show", "--json")[1]) if row["file"] == ""]
            assert [(row["common_name"], row["state"]) for row in rows] == [("simulator", "installed")] * 2
            (shown,) = json.loads(house.type("charger", "security", "simulator", "--json")[1])
            assert shown["certificate_serial"] in [
                row["serial"] for row in rows
            ]  # the newer one, once it has come back
    finally:
        listening.kill()


STORY = [
    ("certificate list", 0, "it has none"),
    ("certificate renew --timeout 20", 0, "simulator has its new certificate"),
    ("get CpoName", 0, "Home"),
    ("security simulator 3 --timeout 3 --anyway", 1, "Rejected"),
    ("certificate install", 0, "it trusts tinyocpp now"),
    ("certificate list", 0, "csms"),
    ("certificate delete AFFE", 64, "simulator has none that AFFE could mean"),
    ("security simulator 3 --timeout 30", 0, "3"),
    ("certificate renew --timeout 20", 0, "it shows it when it next connects"),
]


def until_connected(house: House) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if any(one["connected"] for one in json.loads(house.type("status", "--json")[1])):
            return
    raise AssertionError("the simulator has not connected")


# --- list and delete


def named(path: str, algorithm: HashAlgorithm = HashAlgorithm.SHA256) -> dict[str, Any]:
    """As a charger names a root."""
    (root,) = read_certificates(open(path, "rb").read())  # noqa: SIM115
    data: dict[str, Any] = json.loads(encode_payload(hash_data(root, root, algorithm)))
    return data


def ids(*csms: dict[str, Any], manufacturer: tuple[dict[str, Any], ...] = ()) -> Callable[[Any], dict[str, Any]]:
    """Its answer to GetInstalledCertificateIds."""

    def answer(payload: Any) -> dict[str, Any]:
        found = csms if payload["certificateType"].startswith("Central") else manufacturer
        return {"status": "Accepted", "certificateHashData": list(found)} if found else {"status": "NotFound"}

    return answer


STRANGER = {
    "hashAlgorithm": "SHA512",
    "issuerNameHash": "AB" * 64,
    "issuerKeyHash": "CD" * 64,
    "serialNumber": "00ff",
}


@pytest.mark.parametrize("algorithm", HashAlgorithm)
def test_what_it_trusts_is_named_as_we_know_it(
    house: House, ca: FileAuthority, plug: Plug, algorithm: HashAlgorithm
) -> None:
    plug("garage", GetInstalledCertificateIds=ids(named(ca.path("root"), algorithm), manufacturer=(STRANGER,)))
    code, out, _ = house.type("charger", "certificate", "list")
    assert code == 0
    ours, theirs = out.splitlines()[1:]
    root = ca.certificate("root")
    assert ours.split()[:3] == ["csms", "tinyocpp", root.serial]
    assert "yes" in ours
    assert theirs.split() == ["manufacturer", "unknown", "here", "00ff", "CDCDCDCDCDCD.."]
    first, second = json.loads(house.type("charger", "certificate", "list", "--json")[1])
    assert (first["use"], first["in_use"], first["hash_algorithm"]) == ("csms", True, algorithm)
    assert datetime.fromisoformat(first["expires_at"]) == root.not_after
    assert (second["serial_number"], second["in_use"], "common_name" in second) == ("00ff", False, False)


@pytest.mark.parametrize("which", ["FF", "0xff", "cdcdcd", "ABABABAB"])
def test_one_is_deleted_as_the_charger_has_named_it(house: House, ca: FileAuthority, plug: Plug, which: str) -> None:
    installed = ids(named(ca.path("root")), manufacturer=(STRANGER,))
    garage = plug("garage", GetInstalledCertificateIds=installed, DeleteCertificate=ACCEPTED)
    code, out, _ = house.type("charger", "certificate", "delete", which)
    assert (code, out) == (0, "garage answered Accepted: certificate 00ff is deleted\n")
    assert garage.asked[-1] == ("DeleteCertificate", {"certificateHashData": STRANGER})


@pytest.mark.parametrize(
    ("which", "said"),
    [
        ("1234", "has none that 1234 could mean; see: tinyocpp charger certificate list --charger garage"),
        ("cdcd", "has none that cdcd could mean"),
        ("root", "tinyocpp is the one the charger knows us by; delete it all the same with --anyway"),
    ],
)
def test_what_must_not_be_deleted_is_refused_before(
    house: House, ca: FileAuthority, plug: Plug, which: str, said: str
) -> None:
    garage = plug("garage", GetInstalledCertificateIds=ids(named(ca.path("root")), STRANGER))
    which = ca.certificate("root").serial if which == "root" else which
    code, _, err = house.type("charger", "certificate", "delete", which)
    assert code == 64
    assert said in err
    assert "DeleteCertificate" not in [action for action, _ in garage.asked]


def test_the_last_one_is_kept_unless_anyway(house: House, plug: Plug) -> None:
    plug("garage", GetInstalledCertificateIds=ids(STRANGER), DeleteCertificate={"status": "Failed"})
    code, _, err = house.type("charger", "certificate", "delete", "FF")
    assert (code, "is the last one the charger could know us by" in err) == (64, True)
    code, _, err = house.type("charger", "certificate", "delete", "FF", "--anyway")
    assert (code, err) == (
        1,
        "tinyocpp: garage answered Failed: certificate 00ff stays; it is in use there, or cannot be deleted at all\n",
    )


def test_two_of_one_name_are_told_apart_by_a_hash(house: House, plug: Plug) -> None:
    other = STRANGER | {"issuerKeyHash": "EF" * 64}
    plug("garage", GetInstalledCertificateIds=ids(STRANGER, other), DeleteCertificate=ACCEPTED)
    assert "has several that FF could mean" in house.type("charger", "certificate", "delete", "FF")[2]
    assert house.type("charger", "certificate", "delete", "EFEFEF")[0] == 0


def test_an_answer_that_is_none(house: House, plug: Plug) -> None:
    plug("garage", GetInstalledCertificateIds={"certificateHashData": [{"serialNumber": 7}]})
    code, _, err = house.type("charger", "certificate", "list")
    assert (code, "the charger's answer cannot be understood" in err) == (1, True)


def test_a_charger_without_certificates_says_so(house: House, ca: FileAuthority, plug: Plug) -> None:
    plug("garage")
    for words in (("list",), ("install",), ("delete", "FF")):
        code, _, err = house.type("charger", "certificate", *words)
        assert code == 76
        assert "this charger does not do" in err


# --- install


def write(folder: Path, name: str, *certificates: signing.Made) -> str:
    path = folder / name
    path.write_bytes(b"".join(map(signing.certificate_pem, certificates)))
    return str(path)


def test_our_own_root_is_installed(house: House, ca: FileAuthority, plug: Plug) -> None:
    garage = plug("garage", InstallCertificate=ACCEPTED)
    code, out, _ = house.type("charger", "certificate", "install")
    assert (code, out) == (0, "garage answered Accepted: it trusts tinyocpp now\n")
    pem = ca.certificate("root").pem
    asked = {"certificateType": "CentralSystemRootCertificate", "certificate": pem}
    assert garage.asked == [("InstallCertificate", asked)]


def test_a_makers_root_from_a_file_in_der(house: House, plug: Plug) -> None:
    garage = plug("garage", InstallCertificate={"status": "Rejected"})
    root = signing.make_root("Wallbe", "Wallbe", NOW, NOW + 9 * DAY).certificate
    (house.folder / "maker.cer").write_bytes(root.public_bytes(signing.serialization.Encoding.DER))
    path = str(house.folder / "maker.cer")
    code, _, err = house.type("charger", "certificate", "install", path, "--type", "manufacturer")
    assert (code, "it does not take Wallbe; its clock may be wrong" in err) == (1, True)
    ((_, payload),) = garage.asked
    sent = {"certificateType": "ManufacturerRootCertificate", "certificate": signing.certificate_pem(root).decode()}
    assert payload == sent


def test_one_that_wants_the_old_ones_signature(house: House, ca: FileAuthority, plug: Plug) -> None:
    key = {"key": "AdditionalRootCertificateCheck", "readonly": True, "value": "true"}
    told = {"configurationKey": [key]}
    plug("garage", InstallCertificate={"status": "Rejected"}, GetConfiguration=told)
    house.type("charger", "get", "AdditionalRootCertificateCheck")
    err = house.type("charger", "certificate", "install")[2]
    assert "this charger takes a new root only if the old one has signed it" in err


def wrong_files(folder: Path) -> dict[str, tuple[str, str]]:
    """What is typed, and what is said."""
    root = signing.make_root("Other", "Home", NOW, NOW + 9 * DAY)
    over = signing.make_root("Over", "Home", NOW - 9 * DAY, NOW - 2 * DAY)
    early = signing.make_root("Early", "Home", NOW + 9 * DAY, NOW + 99 * DAY)
    leaf = signing.issue_client(root, "x", "Home", signing.make_key("ecdsa").public_key(), NOW, NOW + DAY)
    (folder / "words.pem").write_text("hello")
    (folder / "key.pem").write_bytes(signing.key_pem(root.key))
    return {
        "no file": (str(folder / "nowhere.pem"), "there is no file"),
        "no certificate": (str(folder / "words.pem"), "there is no certificate in it"),
        "a key": (str(folder / "key.pem"), "there is no certificate in it"),
        "two": (write(folder, "two.pem", root.certificate, over.certificate), "2 certificates in it"),
        "over": (write(folder, "over.pem", over.certificate), "it ran out 2 days ago; send it all the same"),
        "early": (write(folder, "early.pem", early.certificate), "it is valid only from"),
        "no authority": (write(folder, "leaf.pem", leaf), "it is no authority's: it may not sign others"),
        "another's": (write(folder, "other.pem", root.certificate), "not the one our server's certificates come from"),
    }


def test_what_makes_no_sense_is_refused_before_anything_is_sent(house: House, ca: FileAuthority, plug: Plug) -> None:
    garage = plug("garage", InstallCertificate=ACCEPTED)
    files = wrong_files(house.folder)
    for what, (path, said) in files.items():
        code, _, err = house.type("charger", "certificate", "install", path)
        assert (code, said in err) == (64, True), (what, err)
    assert garage.asked == []
    assert house.type("charger", "certificate", "install", files["another's"][0], "--anyway")[0] == 0


def test_one_that_is_too_long_is_never_sent(house: House, plug: Plug) -> None:
    garage = plug("garage", InstallCertificate=ACCEPTED)
    x509 = signing.x509
    key = signing.make_key("ecdsa")
    name = signing._name("Long", "Home")
    names = x509.SubjectAlternativeName([x509.DNSName(f"host-{n}.example.net") for n in range(300)])
    builder = signing._builder(name, name, key.public_key(), NOW, NOW + DAY).add_extension(names, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    path = write(house.folder, "long.pem", builder.sign(key, signing.hashes.SHA256()))
    code, _, err = house.type("charger", "certificate", "install", path, "--anyway")
    assert (code, "a charger takes 5500" in err, garage.asked) == (64, True, [])


def test_without_a_root_the_remedy_is_named(house: House) -> None:
    assert house.type("charger", "certificate", "install")[2].endswith("make one with: tinyocpp ca init\n")
    assert house.type("charger", "certificate", "renew")[2].endswith("make one with: tinyocpp ca init\n")


# --- renew


def told(value: str | None) -> dict[str, Any]:
    """Its answer to GetConfiguration CpoName."""
    if value is None:
        return {"unknownKey": ["CpoName"]}
    return {"configurationKey": [{"key": "CpoName", "readonly": False, "value": value}]}


class Asking:
    """A charger that asks for a certificate when it is made to."""

    def __init__(self, plugged: Plugged, csr: str | None, **answers: Any) -> None:
        self.plugged = plugged
        self.csr = csr
        plugged.answers |= {"ExtendedTriggerMessage": self._triggered, **answers}

    def _triggered(self, payload: Any) -> dict[str, str]:
        assert payload == {"requestedMessage": "SignChargePointCertificate"}
        if self.csr is not None:
            self.plugged.tell("SignCertificate", csr=self.csr)
        return ACCEPTED

    def actions(self) -> list[str]:
        return [action for action, _ in self.plugged.asked]


@pytest.mark.parametrize(("cpo_name", "sets"), [("Home", False), ("", True), (None, False)])
def test_a_certificate_of_its_own(
    house: House, ca: FileAuthority, plug: Plug, cpo_name: str | None, sets: bool
) -> None:
    garage = Asking(
        plug("garage", GetConfiguration=told(cpo_name), ChangeConfiguration=ACCEPTED, CertificateSigned=ACCEPTED),
        request("garage"),
    )
    code, out, _ = house.type("charger", "certificate", "renew")
    assert code == 0
    assert "garage has its new certificate, " in out
    changes = [payload for action, payload in garage.plugged.asked if action == "ChangeConfiguration"]
    assert changes == ([{"key": "CpoName", "value": "Home"}] if sets else [])
    assert garage.actions()[-1] == "CertificateSigned"


@pytest.mark.parametrize(
    ("csr", "answers", "code", "said"),
    [
        pytest.param(request("carport"), {}, 1, "was refused: the request is for CN 'carport'", id="a bad request"),
        pytest.param(
            request("garage"),
            {"CertificateSigned": {"status": "Rejected"}},
            1,
            "did not take its new certificate; the one it has stays in use",
            id="not taken",
        ),
        pytest.param(None, {}, 75, "agreed, but has asked for no certificate", id="nothing follows"),
        pytest.param(
            request("garage"), {"CertificateSigned": ...}, 75, "has not answered; the old one", id="no answer"
        ),
        pytest.param(
            request("garage"),
            {"GetConfiguration": told("Other")},
            64,
            "its CpoName is 'Other', and",
            id="another owner",
        ),
        pytest.param(
            None, {"ExtendedTriggerMessage": {"status": "NotImplemented"}}, 1, "cannot be made to send", id="cannot"
        ),
    ],
)
def test_what_goes_wrong_is_told(
    house: House, ca: FileAuthority, plug: Plug, csr: str | None, answers: dict[str, Any], code: int, said: str
) -> None:
    Asking(plug("garage", GetConfiguration=told("Home"), CertificateSigned=ACCEPTED), csr, **answers)
    answered, _, err = house.type("charger", "certificate", "renew", "--timeout", "4")
    assert (answered, said in err) == (code, True), err
