"""wss: certificates RSA and ECDSA side by side, the suites the security paper demands, and client certificates.

The certificates are made by the openssl program, which is also what an owner would use.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from listening import Site, basic, charger, status_of, within
from websockets.exceptions import InvalidStatus

from tinyocpp.dealings import CertificateState, IssuedCertificate
from tinyocpp.errors import ConfigError
from tinyocpp.passwords import hash_password

if TYPE_CHECKING:
    from pathlib import Path

    from tinyocpp.hosts.websocket import Listener

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
RSA = ["-newkey", "rsa:2048"]
TLS = '[listener.tls]\ncertificate = ["rsa.pem", "ec.pem"]\nkey = ["rsa.key", "ec.key"]\n'
ANY = '[chargers]\nadmit = "any"\n'


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


def certificate(folder: Path, name: str, subject: str, kind: list[str], *more: str) -> None:
    files = ["-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"]
    openssl("req", "-x509", "-nodes", "-days", "2", "-subj", subject, *kind, *files, *more)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    for name, kind in (("rsa", RSA), ("ec", EC)):
        certificate(folder, name, "/O=Home/CN=csms.test", kind, "-addext", "subjectAltName=IP:127.0.0.1")
    certificate(folder, "ca", "/CN=our chargers", EC)
    certificate(folder, "stranger_ca", "/CN=others", EC)
    for name, subject, ca in (
        ("garage", "/O=Home/CN=Garage", "ca"),
        ("carport", "/O=Home/CN=carport", "ca"),
        ("serial", "/O=Elsewhere/CN=SN-4711", "ca"),
        ("stranger", "/O=Home/CN=garage", "stranger_ca"),
    ):
        issue = ["-CA", f"{folder}/{ca}.pem", "-CAkey", f"{folder}/{ca}.key"]
        certificate(folder, name, subject, EC, *issue, "-addext", "subjectAltName=DNS:shed")
    files = [f"{folder}/expired.csr", f"{folder}/expired.key"]
    openssl("req", "-new", "-nodes", "-subj", "/O=Home/CN=garage", *EC, "-out", files[0], "-keyout", files[1])
    issue = ["-CA", f"{folder}/ca.pem", "-CAkey", f"{folder}/ca.key", "-CAcreateserial", "-days", "-1"]
    openssl("x509", "-req", "-in", files[0], *issue, "-out", f"{folder}/expired.pem")
    openssl("pkey", "-in", f"{folder}/rsa.key", "-aes128", "-passout", "pass:secret", "-out", f"{folder}/locked.key")
    return folder


@pytest.fixture
def site(tmp_path: Path, pki: Path) -> Site:
    for file in pki.iterdir():
        (tmp_path / file.name).symlink_to(file)
    return Site(tmp_path, ANY + TLS)


def client(pki: Path, suite: str | None = None, shown: str | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(pki / "rsa.pem")
    context.load_verify_locations(pki / "ec.pem")
    if suite is not None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suite)
    if shown is not None:
        context.load_cert_chain(pki / f"{shown}.pem", pki / f"{shown}.key")
    return context


@pytest.mark.parametrize(
    ("suite", "kind"),
    [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", "ec"),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", "ec"),
        ("AES128-GCM-SHA256", "rsa"),
        ("AES256-GCM-SHA384", "rsa"),
        (None, "rsa or ec"),
    ],
)
@within(20)
async def test_the_suites_of_the_security_paper(site: Site, pki: Path, suite: str | None, kind: str) -> None:
    async with site.listening() as listener, charger(listener, ssl=client(pki, suite)) as garage:
        assert (await garage.boot())["status"] == "Accepted"
        tls: Any = garage.socket.transport.get_extra_info("ssl_object")
        assert tls.cipher()[0] == suite or (suite is None and tls.version() == "TLSv1.3")
        shown = ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True))
        assert any(shown in (pki / f"{name}.pem").read_text() for name in kind.split(" or "))


@within(20)
async def test_plain_ws_stays_beside_it(site: Site) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        assert (await garage.boot())["status"] == "Accepted"
        assert [url.partition(":")[0] for url in listener.urls()] == sorted(["ws", "wss"] * (len(listener.urls()) // 2))


@within(20)
async def test_profile_2_wants_tls_and_a_password(site: Site, pki: Path) -> None:
    site.write(ANY + TLS + "[charger.garage]\nsecurity_profile = 2\n")
    async with site.listening() as listener:
        listener.store.begin()
        listener.store.register.set_password("garage", hash_password("correct horse"))
        listener.store.commit()
        right = basic("garage", b"correct horse")
        assert await status_of(listener, "/garage", right) == 403
        assert await refused(listener, "garage", ssl=client(pki)) == 401
        async with charger(listener, ssl=client(pki), additional_headers=right) as garage:
            assert (await garage.boot())["status"] == "Accepted"


async def refused(listener: Listener, identity: str, **options: Any) -> int:
    with pytest.raises(InvalidStatus) as answer:
        async with charger(listener, identity, **options):
            pass
    return answer.value.response.status_code


PROFILE_3 = ANY + TLS + 'client_ca = "ca.pem"\n{more}\n[charger.garage]\nsecurity_profile = 3\n'


@within(20)
async def test_profile_3_wants_a_certificate_that_names_the_charger(site: Site, pki: Path) -> None:
    site.write(PROFILE_3.format(more='client_organisation = "Home"'))
    async with site.listening() as listener:
        assert await status_of(listener, "/garage") == 403
        assert await refused(listener, "garage", ssl=client(pki)) == 403
        assert await refused(listener, "garage", ssl=client(pki, shown="carport")) == 403
        async with charger(listener, "garage", ssl=client(pki, shown="garage")) as garage:
            assert (await garage.boot())["status"] == "Accepted"
        assert await refused(listener, "shed", ssl=client(pki, shown="garage")) == 403, "its DNS name is no identity"
        known = listener.store.register.find("garage")
        assert known is not None
        assert known.connected_profile == 3
        assert known.certificate_expires_at is not None
        issue(listener, known.certificate_serial, "garage", CertificateState.REVOKED)
        assert await refused(listener, "garage", ssl=client(pki, shown="garage")) == 403, "it was revoked"


def issue(listener: Listener, serial: str | None, charger_id: str, state: CertificateState, pem: str = "") -> None:
    """As if our authority had made this certificate."""
    now = listener.clock.now()
    made = IssuedCertificate(
        serial=serial or "", charger_id=charger_id, issued_at=now, expires_at=now, pem=pem, state=state
    )
    listener.store.begin()
    listener.store.ledger.certificate_issued(made)
    listener.store.commit()


@within(20)
async def test_a_certificate_our_authority_made_may_go_by_the_serial_number(site: Site, pki: Path) -> None:
    site.write(PROFILE_3.format(more=""))
    pem = (pki / "serial.pem").read_text()
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-serial", "-in", pki / "serial.pem"], capture_output=True, text=True, timeout=60
    )
    serial = shown.stdout.strip().partition("=")[2].lstrip("0")
    async with site.listening() as listener:
        assert await refused(listener, "garage", ssl=client(pki, shown="serial")) == 403
        issue(listener, serial, "garage", CertificateState.INSTALLED, "another")
        assert await refused(listener, "garage", ssl=client(pki, shown="serial")) == 403, "another's with that number"
        issue(listener, serial, "garage", CertificateState.INSTALLED)
        listener.store.begin()
        listener.store.ledger._db.run("UPDATE certificates SET pem = ?", f"{pem}\n")
        listener.store.commit()
        assert await refused(listener, "carport", ssl=client(pki, shown="serial")) == 403
        async with charger(listener, "garage", ssl=client(pki, shown="serial")) as garage:
            assert (await garage.boot())["status"] == "Accepted"


@within(20)
async def test_a_certificate_that_is_shown_must_fit_whatever_the_profile(site: Site, pki: Path) -> None:
    site.write(PROFILE_3.format(more='client_organisation = "Home"'))
    async with site.listening() as listener:
        assert await refused(listener, "attic", ssl=client(pki, shown="carport")) == 403
        assert await refused(listener, "SN-4711", ssl=client(pki, shown="serial")) == 403
        async with charger(listener, "attic", ssl=client(pki)) as attic:
            assert (await attic.boot())["status"] == "Accepted"


@within(20)
async def test_a_certificate_of_a_stranger_ends_the_handshake(site: Site, pki: Path) -> None:
    site.write(PROFILE_3.format(more=""))
    async with site.listening() as listener:
        with pytest.raises((ssl.SSLError, OSError, EOFError)):
            async with charger(listener, "garage", ssl=client(pki, "ECDHE+AESGCM", shown="stranger")):
                pass
        async with charger(listener, "garage", ssl=client(pki, shown="garage")) as garage:
            assert (await garage.boot())["status"] == "Accepted"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@within(20)
async def test_old_tls_is_refused(site: Site, pki: Path) -> None:
    context = client(pki)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with site.listening() as listener:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            async with charger(listener, ssl=context):
                pass


def knock(port: int, context: ssl.SSLContext | None) -> None:
    """As a device does it, which says why when it gives up; asyncio's client does not."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        sock = context.wrap_socket(plain, server_hostname="127.0.0.1") if context else plain
        sock.sendall(b"GET /garage HTTP/1.1\r\n\r\n")
        sock.recv(100)


def with_old_tls(pki: Path) -> ssl.SSLContext:
    context = client(pki)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("context", "why"),
    [
        pytest.param(with_old_tls, "TLS: unsupported protocol", id="old TLS"),
        pytest.param(lambda pki: client(pki, "AES128-SHA"), "TLS: no shared cipher", id="a cipher too old"),
        pytest.param(lambda _: None, "TLS: http request", id="plain HTTP"),
        pytest.param(lambda _: ssl.create_default_context(), "TLS: tlsv1 alert unknown ca", id="it knows another CA"),
        pytest.param(
            lambda pki: client(pki, shown="stranger"),
            "TLS: its certificate: unable to get local issuer certificate",
            id="its certificate is of another CA",
        ),
        pytest.param(
            lambda pki: client(pki, shown="expired"),
            "TLS: its certificate: certificate has expired",
            id="its certificate has run out",
        ),
    ],
)
@within(20)
async def test_a_tls_handshake_that_fails_is_one_line_in_the_log(
    site: Site, pki: Path, capsys: Any, context: Any, why: str
) -> None:
    site.write(PROFILE_3.format(more=""))
    async with site.listening() as listener:
        for _ in range(2):
            with contextlib.suppress(OSError):  # some of them hear of it only when they read
                await asyncio.to_thread(knock, listener.ports["wss"], context(pki))
        async with charger(listener, "garage", ssl=client(pki, shown="garage")) as garage:
            assert await garage.boot()
    lines = [line for line in capsys.readouterr().err.splitlines() if "event=no_handshake" in line]
    assert lines == [f'event=no_handshake address=127.0.0.1 why="{why}" more=0']


@within(20)
async def test_whoever_says_nothing_over_tls_has_an_address_too(site: Site, pki: Path, capsys: Any) -> None:
    async with site.listening() as listener:
        _, writer = await asyncio.open_connection("127.0.0.1", listener.ports["wss"], ssl=client(pki))
        writer.close()
        await writer.wait_closed()
        async with charger(listener, "garage", ssl=client(pki)) as garage:
            assert await garage.boot()
    assert 'event=no_handshake address=127.0.0.1 why="did not receive a valid HTTP request"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('certificate = ["rsa.pem"]\nkey = ["ec.key"]', "do key and certificate belong together"),
        ('certificate = ["rsa.pem"]\nkey = ["locked.key"]', "has a passphrase"),
        ('certificate = ["nowhere.pem"]\nkey = ["ec.key"]', "nowhere.pem"),
        ('certificate = ["rsa.pem"]\nkey = ["rsa.key"]\nclient_ca = "rsa.key"', "listener.tls.client_ca"),
    ],
)
@within(20)
async def test_files_that_do_not_fit_are_named(site: Site, table: str, said: str) -> None:
    site.write(f"[listener.tls]\n{table}")
    with pytest.raises(ConfigError, match=said):
        async with site.listening():
            pass
