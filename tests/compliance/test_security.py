"""The compliance tool's cases about security: passwords, TLS, client certificates, subprotocols."""

from __future__ import annotations

import ssl
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from listening import basic, within
from ocpp.v16 import call
from websockets.exceptions import InvalidHandshake, InvalidStatus

from compliance.certificates import ORGANISATION, RSA, SERVER_NAME, Authority
from compliance.programs import ANY, Installation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compliance.charge_point import ChargePoint
    from compliance.programs import Listener

OLD, NEW = "00112233445566778899aabbccddeeff01020304", "ffeeddccbbaa99887766554433221100ffeeddcc"
TLS = f"""
{ANY}
[listener.tls]
certificate = ["rsa.pem", "elliptic.pem"]
key = ["rsa.key", "elliptic.key"]
client_ca = "ca.pem"
client_organisation = "{ORGANISATION}"
"""
PROFILE_3 = "".join(f"[charger.{case}]\nsecurity_profile = 3\n" for case in ("TC_074", "TC_087"))


class SecureSite(Installation):
    """An installation with TLS, the authority behind its certificates, and its listener."""

    def __init__(self, folder: Any) -> None:
        super().__init__(folder, TLS + PROFILE_3)
        self.authority = Authority(folder)
        server = f"/O={ORGANISATION}/CN={SERVER_NAME}"
        self.certificates = {
            "RSA": self.authority.issue("rsa", server, RSA, names=f"DNS:{SERVER_NAME}"),
            "ECDSA": self.authority.issue("elliptic", server, names=f"DNS:{SERVER_NAME}"),
        }


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> SecureSite:
    return SecureSite(tmp_path_factory.mktemp("secure"))


@pytest.fixture(scope="module")
def listener(secure: SecureSite) -> Iterator[Listener]:
    with secure.listener() as listener:
        yield listener


def over_tls(listener: Listener, identity: str, context: ssl.SSLContext, **options: Any) -> ChargePoint:
    return listener.charge_point(identity, ssl=context, server_hostname=SERVER_NAME, **options)


def password(identity: str, key: str) -> dict[str, Any]:
    """The header a conformant charger sends: the key's bytes."""
    return {"additional_headers": basic(identity, bytes.fromhex(key))}


async def refusal_of(charge_point: ChargePoint) -> int:
    """The HTTP status the upgrade is refused with."""
    with pytest.raises(InvalidStatus) as refused:
        await charge_point.__aenter__()
    return refused.value.response.status_code


@within(30)
async def test_tc_073_another_password(secure: SecureSite, listener: Listener) -> None:
    assert (await secure.tinyocpp("charger", "password", "TC_073", stdin=OLD)).code == 0
    async with listener.charge_point("TC_073", **password("TC_073", OLD)) as cp:
        await cp.boot()
        assert (await secure.tinyocpp("charger", "password", "TC_073", stdin=NEW)).code == 0
        answered = await cp.commanded("ChangeConfiguration", key="AuthorizationKey", value=NEW)
        assert answered == (0, {"status": "Accepted"})
    async with listener.charge_point("TC_073", **password("TC_073", NEW)) as cp:
        await cp.ask(call.Heartbeat())
        assert await refusal_of(listener.charge_point("TC_073", **password("TC_073", OLD))) == 401
    told = (secure.runtime / "wire.jsonl").read_text() + listener.log
    assert "AuthorizationKey" in told
    assert NEW not in told
    assert bytes.fromhex(NEW) not in (secure.folder / "accounting.sqlite3").read_bytes()


@within(30)
async def test_tc_085_basic_authentication(secure: SecureSite, listener: Listener) -> None:
    said = await secure.tinyocpp("charger", "password", "TC_085")
    made = next(line.split()[1] for line in said.out.splitlines() if line.startswith("password:"))
    assert await refusal_of(listener.charge_point("TC_085")) == 401
    assert await refusal_of(listener.charge_point("tc_085")) == 401
    async with over_tls(listener, "TC_085", secure.authority.trust(), **password("TC_085", made)) as cp:
        assert (await cp.boot()).status == "Accepted"
        assert await refusal_of(listener.charge_point("TC_085", **password("TC_085", OLD))) == 401
        await cp.ask(call.Heartbeat())


@pytest.mark.parametrize(
    ("suite", "kind"),
    [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDSA"),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDSA"),
        ("AES128-GCM-SHA256", "RSA"),
        ("AES256-GCM-SHA384", "RSA"),
    ],
)
@within(30)
async def test_tc_086_the_four_suites(secure: SecureSite, listener: Listener, suite: str, kind: str) -> None:
    context = secure.authority.trust()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    async with over_tls(listener, "TC_086", context) as cp:
        assert (await cp.boot()).status == "Accepted"
        tls = cp.socket.transport.get_extra_info("ssl_object")
        assert tls.cipher()[:2] == (suite, "TLSv1.2")
        shown = ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True))
        assert shown == secure.certificates[kind].read_text()


@within(30)
async def test_tc_086_the_newest_tls_and_none_of_the_old(secure: SecureSite, listener: Listener) -> None:
    async with over_tls(listener, "TC_086", secure.authority.trust()) as cp:
        assert cp.socket.transport.get_extra_info("ssl_object").version() == "TLSv1.3"
        await cp.ask(call.Heartbeat())
    old = secure.authority.trust()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        await over_tls(listener, "TC_086", old).__aenter__()


@within(30)
async def test_tc_087_client_certificates(secure: SecureSite, listener: Listener) -> None:
    issue, trust = secure.authority.issue, secure.authority.trust
    issue("own", f"/O={ORGANISATION}/CN=TC_087")
    issue("anothers", f"/O={ORGANISATION}/CN=TC_088")
    issue("elsewhere", "/O=Somebody/CN=TC_087")
    Authority(secure.folder, "stranger").issue("forged", f"/O={ORGANISATION}/CN=TC_087")
    async with over_tls(listener, "TC_087", trust("own")) as cp:
        assert (await cp.boot()).status == "Accepted"
        for shown in ("", "anothers", "elsewhere"):
            assert await refusal_of(over_tls(listener, "TC_087", trust(shown))) == 403
        assert await refusal_of(listener.charge_point("TC_087")) == 403
        with pytest.raises((OSError, InvalidHandshake)):  # in TLS 1.3 the client learns it only when it reads
            await over_tls(listener, "TC_087", trust("forged")).__aenter__()
        await cp.ask(call.Heartbeat())  # and nobody has taken its place


@within(30)
async def test_tc_074_a_new_client_certificate(secure: SecureSite, listener: Listener) -> None:
    """The owner is the authority: nothing of ours signs, so the request is answered so, and the certificate typed."""
    authority = secure.authority
    authority.issue("before", f"/O={ORGANISATION}/CN=TC_074")
    async with over_tls(listener, "TC_074", authority.trust("before")) as cp:
        await cp.boot()
        triggered = await cp.commanded("ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate")
        assert triggered == (0, {"status": "Accepted"})
        csr = authority.request("after", f"/O={ORGANISATION}/CN=TC_074")
        assert (await cp.ask(call.SignCertificate(csr))).status == "Rejected"
        chain = authority.sign("after")
        assert await cp.commanded("CertificateSigned", certificateChain=chain) == (0, {"status": "Accepted"})
    async with over_tls(listener, "TC_074", authority.trust("after")) as cp:
        await cp.ask(call.Heartbeat())


@within(30)
async def test_tc_083_a_higher_security_profile(secure: SecureSite, listener: Listener) -> None:
    """Both are allowed until the owner has seen it work and says the least it may use; then the old one is refused."""
    await secure.tinyocpp("charger", "password", "TC_083", stdin=OLD)
    async with listener.charge_point("TC_083", **password("TC_083", OLD)) as cp:
        await cp.boot()
        assert (await cp.commanded("ChangeConfiguration", key="SecurityProfile", value="2"))[0] == 0
        assert (await cp.commanded("Reset", type="Hard"))[0] == 0
    async with over_tls(listener, "TC_083", secure.authority.trust(), **password("TC_083", OLD)) as cp:
        assert (await cp.boot()).status == "Accepted"
        secure.write(f"{TLS}{PROFILE_3}[charger.TC_083]\nsecurity_profile = 2\n")
        listener.reload()
        await listener.logged("event=reloaded")
        assert await refusal_of(listener.charge_point("TC_083", **password("TC_083", OLD))) == 403
        await cp.ask(call.Heartbeat())


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["ocpp0.1", "ocpp1.6"], "ocpp1.6"), (["ocpp1.6", "ocpp1.5"], "ocpp1.6"), (None, None)]
)
@within(30)
async def test_tc_088_subprotocols(listener: Listener, offered: Any, chosen: str | None) -> None:
    async with listener.charge_point("TC_088", subprotocols=offered) as cp:
        assert cp.socket.subprotocol == chosen
        assert (await cp.boot()).status == "Accepted"


@within(30)
async def test_tc_088_no_subprotocol_of_ours(listener: Listener) -> None:
    assert await refusal_of(listener.charge_point("TC_088", subprotocols=["ocpp0.1"])) == 400
