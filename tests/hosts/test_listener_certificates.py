"""The listener's certificates: taken anew without dropping anybody, told of before they run out, and one made for one
charger and shown by another."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime, timedelta
from shutil import rmtree
from typing import TYPE_CHECKING, Any

import pytest
from listening import Charger, Site, charger, within
from signing_requests import key, request
from websockets.exceptions import InvalidStatus

from tinyocpp.dealings import CertificateState, IssuedCertificate
from tinyocpp.errors import ConfigError
from tinyocpp.hosts.expiry import FETCH, NEW_ROOT, RENEW, Ending, endings
from tinyocpp.storage import Registered, signing
from tinyocpp.storage.authority import FileAuthority, read_certificate

if TYPE_CHECKING:
    from pathlib import Path

    from tinyocpp.hosts.websocket import Listener

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
TLS = """
[chargers]
admit = "any"
[listener.tls]
certificate = ["ca/rsa.pem", "ca/ecdsa.pem"]
key = ["ca/rsa.key", "ca/ecdsa.key"]
client_ca = "ca/root.pem"
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    authority(tmp_path).create("Root", "Home", ["127.0.0.1"], NOW, 20)
    return Site(tmp_path, TLS)


def authority(folder: Path) -> FileAuthority:
    return FileAuthority(str(folder / "ca"))


def trust(site: Site) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(site.folder / "ca" / "root.pem"))


def shown_to(one: Charger) -> bytes | None:
    tls: Any = one.socket.transport.get_extra_info("ssl_object")
    shown: bytes | None = tls.getpeercert(binary_form=True)
    return shown


@within(20)
async def test_new_certificates_are_taken_and_nobody_is_dropped(site: Site) -> None:
    async with site.listening() as listener, charger(listener, ssl=trust(site)) as before:
        authority(site.folder).renew([], NOW + DAY)
        listener.reload(site.config())
        async with charger(listener, "carport", ssl=trust(site)) as after:
            assert (await before.boot())["status"] == (await after.boot())["status"] == "Accepted"
            in_file = {read_certificate(str(site.folder / "ca" / f"{kind}.pem")).pem for kind in ("rsa", "ecdsa")}
            assert ssl.DER_cert_to_PEM_cert(shown_to(after) or b"") in in_file
            assert shown_to(before) != shown_to(after)


@within(20)
async def test_certificates_that_do_not_fit_change_nothing(site: Site) -> None:
    async with site.listening() as listener:
        os.replace(site.folder / "ca" / "rsa.key", site.folder / "ca" / "ecdsa.key")
        with pytest.raises(ConfigError, match=r"ecdsa\.pem|rsa\.key"):
            listener.reload(site.config())
        async with charger(listener, ssl=trust(site)) as garage:
            assert (await garage.boot())["status"] == "Accepted"


@within(20)
async def test_the_log_names_what_runs_out(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    rmtree(site.folder / "ca")
    authority(site.folder).create("Root", "Home", ["127.0.0.1"], NOW - 5 * 365 * DAY + 5 * DAY, 20)
    async with site.listening():
        pass
    lines = [line for line in capsys.readouterr().err.splitlines() if "event=certificate" in line]
    assert ["127.0.0.1 runs out in 4 days" in line for line in lines] == [True, True]
    assert all('remedy="tinyocpp ca renew, then have the listener take them' in line for line in lines)


# --- made for one, shown by another


def client(site: Site, common_name: str, made_for: str) -> tuple[ssl.SSLContext, IssuedCertificate]:
    """A charger's TLS with a certificate our authority has made."""
    ours = authority(site.folder)
    signed = ours.sign(made_for, common_name, request(common_name), NOW)
    private: Any = key()
    (site.folder / "client.pem").write_bytes(signed.chain_pem.encode() + signing.key_pem(private))
    context = trust(site)
    context.load_cert_chain(site.folder / "client.pem")
    return context, IssuedCertificate(
        serial=signed.serial,
        charger_id=made_for,
        issued_at=NOW,
        expires_at=signed.expires_at,
        pem=signed.chain_pem,
        state=CertificateState.INSTALLED,
    )


async def refusal(listener: Listener, identity: str, context: ssl.SSLContext) -> str:
    with pytest.raises(InvalidStatus) as answer:
        async with charger(listener, identity, ssl=context):
            pass
    return f"{answer.value.response.status_code} {bytes(answer.value.response.body or b'').decode().strip()}"


@within(20)
async def test_a_certificate_lets_in_whom_it_was_made_for(site: Site) -> None:
    """By its serial number too, which must not be another's identity: a charger says of its serial number what it
    likes."""
    async with site.listening() as listener:
        context, issued = client(site, "garage", made_for="carport")
        listener.store.begin()
        listener.store.ledger.certificate_issued(issued)
        listener.store.commit()
        assert await refusal(listener, "garage", context) == "403 the certificate names another charger"
        async with charger(listener, "carport", ssl=context) as carport:
            assert (await carport.boot())["status"] == "Accepted"
        listener.store.begin()
        listener.store.ledger.certificate_state(issued.serial, CertificateState.REVOKED)
        listener.store.commit()
        assert await refusal(listener, "carport", context) == "403 the certificate was revoked"


# --- what runs out


def registered(shown_until: datetime | None = None, *, connected: bool = True) -> Registered:
    return Registered(
        charger_id="garage", certificate_expires_at=shown_until, connected_at=NOW - DAY if connected else None
    )


def issued(until: datetime, state: CertificateState = CertificateState.INSTALLED) -> IssuedCertificate:
    return IssuedCertificate(serial="1", charger_id="Garage", issued_at=NOW, expires_at=until, pem="", state=state)


RENEW_GARAGE = "tinyocpp charger certificate renew --charger garage"


@pytest.mark.parametrize(
    ("charger_", "own", "said"),
    [
        pytest.param(registered(NOW + 40 * DAY), [], None, id="long enough"),
        pytest.param(registered(NOW + 20 * DAY), [], ("its certificate runs out in 20 days", False), id="soon"),
        pytest.param(registered(NOW + 3 * DAY), [], ("its certificate runs out in 3 days", True), id="very soon"),
        pytest.param(registered(NOW - 3 * DAY), [], ("its certificate ran out 3 days ago", True), id="over"),
        pytest.param(registered(NOW + 3 * DAY), [issued(NOW + 700 * DAY)], None, id="it has a new one"),
        pytest.param(
            registered(NOW + 3 * DAY),
            [issued(NOW + 700 * DAY, CertificateState.REFUSED)],
            ("its certificate runs out in 3 days", True),
            id="it did not take the new one",
        ),
        pytest.param(registered(), [issued(NOW + 3 * DAY)], None, id="it comes without one"),
        pytest.param(
            registered(connected=False),
            [issued(NOW + 20 * DAY)],
            ("its certificate runs out in 20 days", False),
            id="handed over and never shown",
        ),
    ],
)
def test_a_chargers_certificate_runs_out(
    tmp_path: Path, charger_: Registered, own: list[IssuedCertificate], said: tuple[str, bool] | None
) -> None:
    expected = [Ending("garage", said[0], RENEW_GARAGE, said[1])] if said else []
    assert endings(Site(tmp_path).config(), [charger_], own, NOW) == expected


def test_our_own_certificates_run_out(tmp_path: Path) -> None:
    """Made by us, brought from elsewhere, and the root."""
    root = signing.make_root("Root", "Home", NOW, NOW + 29 * DAY)
    ours = authority(tmp_path)
    ours.create("Root", "Home", ["a.test"], NOW, 20)
    (tmp_path / "ca" / "root.pem").write_bytes(signing.certificate_pem(root.certificate))
    for name, days in (("ca/rsa", 20), ("elsewhere", 2)):
        private = signing.make_key("ecdsa")
        made = signing.issue_server(root, [f"{days}.test"], private, NOW, NOW + days * DAY)
        (tmp_path / f"{name}.pem").write_bytes(signing.certificate_pem(made))
        (tmp_path / f"{name}.key").write_bytes(signing.key_pem(private))
    files = '"ca/rsa.pem", "elsewhere.pem", "nowhere.pem", "ca/rsa.key"'
    site = Site(tmp_path, f"[listener.tls]\ncertificate = [{files}]\nkey = [{files}]\n")
    folder = str(tmp_path)
    assert endings(site.config(), [], [], NOW) == [
        Ending("", f"{folder}/ca/rsa.pem: the certificate 20.test runs out in 20 days", RENEW, False),
        Ending("", f"{folder}/elsewhere.pem: the certificate 2.test runs out in 2 days", FETCH, True),
        Ending("", f"{folder}/ca/root.pem: the certificate Root runs out in 29 days", NEW_ROOT, False),
    ]
