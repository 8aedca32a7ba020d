"""The compliance tool's cases about who may connect: passwords, TLS, client certificates, profiles, subprotocols.

Everything is set up as docs/security.md tells an owner: `tinyocpp ca init --write`, and words from there on.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from listening import basic, within
from ocpp.v16 import call, call_result
from websockets.exceptions import InvalidHandshake

from compliance.certificates import Authority, Keyring
from compliance.secure import ORGANISATION, SERVER_NAME, over_tls, password, refusal_of

if TYPE_CHECKING:
    from compliance.charge_point import ChargePoint
    from compliance.programs import Listener
    from compliance.secure import SecureSite

OLD = "00112233445566778899aabbccddeeff01020304"


async def log_in_with(secure: SecureSite, identity: str, key: str) -> dict[str, Any]:
    """Set the charger's password; how it logs in."""
    assert (await secure.tinyocpp("charger", "password", identity, stdin=key)).code == 0
    return password(identity, key)


@within(30)
async def test_tc_073_another_password(secure: SecureSite, secure_listener: Listener) -> None:
    """Brought to the charger while it is connected; then the old one is refused, and the new one is nowhere to read."""
    old = await log_in_with(secure, "TC_073", OLD)
    async with secure_listener.charge_point("TC_073", **old) as cp:
        await cp.boot()
        rotating = await secure.tinyocpp("charger", "password", "--rotate", "TC_073")
        asked = await cp.called("ChangeConfiguration")
        new = asked["value"]
        assert (rotating.code, asked["key"]) == (0, "AuthorizationKey")
        assert re.fullmatch(r"([0-9a-fA-F]{2}){16,20}", new)
        assert await refusal_of(secure_listener.charge_point("TC_073", **old)) == 401
        await cp.ask(call.Heartbeat())
    for shown in (bytes.fromhex(new), new.encode(), new.upper().encode()):  # chargers do all of it (quirk H12)
        async with secure_listener.charge_point("TC_073", additional_headers=basic("TC_073", shown)) as cp:
            await cp.ask(call.Heartbeat())
    told = (secure.runtime / "wire.jsonl").read_text() + secure_listener.log
    assert "AuthorizationKey" in told
    assert new.lower() not in told.lower()
    assert bytes.fromhex(new) not in (secure.folder / "accounting.sqlite3").read_bytes()


@within(30)
async def test_a_new_password_whose_answer_is_lost(secure: SecureSite, secure_listener: Listener) -> None:
    """Whether the charger has taken it, nobody knows: both count until it comes with the new one (A01)."""
    old = await log_in_with(secure, "lost", OLD)
    async with secure_listener.plain("lost", **old) as charger:
        await charger.boot()
        rotating = asyncio.create_task(secure.tinyocpp("charger", "password", "--rotate", "lost"))
        _, action, asked = await charger.next_call()
        assert (action, asked["key"]) == ("ChangeConfiguration", "AuthorizationKey")
    assert (await rotating).code == 69
    async with secure_listener.charge_point("lost", **old) as cp:
        await cp.ask(call.Heartbeat())
    async with secure_listener.charge_point("lost", **password("lost", asked["value"])) as cp:
        assert await refusal_of(secure_listener.charge_point("lost", **old)) == 401
        await cp.ask(call.Heartbeat())


@pytest.mark.parametrize("status", ["Rejected", "NotSupported"])
@within(30)
async def test_a_new_password_that_is_refused(secure: SecureSite, secure_listener: Listener, status: str) -> None:
    """The old one stays (A01.FR.04)."""
    old = await log_in_with(secure, f"refused-{status}", OLD)
    async with secure_listener.charge_point(f"refused-{status}", **old) as cp:
        await cp.boot()
        cp.will(call_result.ChangeConfiguration(status))
        said = await secure.tinyocpp("charger", "password", "--rotate", cp.id)
        assert (said.code, "old" in said.err) == (1, True)
        new = password(cp.id, (await cp.called("ChangeConfiguration"))["value"])
        assert await refusal_of(secure_listener.charge_point(cp.id, **new)) == 401
    async with secure_listener.charge_point(cp.id, **old) as cp:
        await cp.ask(call.Heartbeat())


@within(30)
async def test_tc_085_basic_authentication(secure: SecureSite, secure_listener: Listener) -> None:
    said = await secure.tinyocpp("charger", "password", "TC_085")
    made = next(line.split()[1] for line in said.out.splitlines() if line.startswith("password:"))
    right, wrong = password("TC_085", made), password("TC_085", OLD)
    assert await refusal_of(secure_listener.charge_point("TC_085")) == 401
    assert await refusal_of(secure_listener.charge_point("tc_085")) == 401
    for charge_point in (
        secure_listener.charge_point("TC_085", **right),
        over_tls(secure_listener, "TC_085", secure.trust(), **right),
    ):
        async with charge_point as cp:
            assert (await cp.boot()).status == "Accepted"
            assert await refusal_of(secure_listener.charge_point("TC_085", **wrong)) == 401
            await cp.ask(call.Heartbeat())


# ------------------------------------------------------------------------------------------------------------------ TLS


@pytest.mark.parametrize(
    ("suite", "kind"),
    [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa"),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", "ecdsa"),
        ("AES128-GCM-SHA256", "rsa"),
        ("AES256-GCM-SHA384", "rsa"),
    ],
)
@within(30)
async def test_tc_086_the_four_suites(secure: SecureSite, secure_listener: Listener, suite: str, kind: str) -> None:
    context = secure.trust()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    async with over_tls(secure_listener, "TC_086", context) as cp:
        assert (await cp.boot()).status == "Accepted"
        tls = cp.socket.transport.get_extra_info("ssl_object")
        assert tls.cipher()[:2] == (suite, "TLSv1.2")
        shown = tls.getpeercert(binary_form=True)
        assert ssl.DER_cert_to_PEM_cert(shown) == (secure.folder / "ca" / f"{kind}.pem").read_text()
        assert faults_of_a_server_certificate(x509.load_der_x509_certificate(shown)) == []


def faults_of_a_server_certificate(certificate: x509.Certificate) -> list[str]:
    """What the tool looks at (security paper, A00.FR.502 to 511)."""
    key = certificate.public_key()
    enough = {rsa.RSAPublicKey: 2048, ec.EllipticCurvePublicKey: 224}
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    organisations = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    good = {
        "key length": any(isinstance(key, kind) and key.key_size >= bits for kind, bits in enough.items()),
        "serial number": certificate.serial_number > 0,
        "common name": [name.value for name in names] == [SERVER_NAME],
        "organisation": [name.value for name in organisations] == [ORGANISATION],
        "hash": isinstance(certificate.signature_hash_algorithm, hashes.SHA256),
    }
    return [what for what, fits in good.items() if not fits]


@within(30)
async def test_tc_086_the_newest_tls_and_none_of_the_old(secure: SecureSite, secure_listener: Listener) -> None:
    async with over_tls(secure_listener, "TC_086", secure.trust()) as cp:
        assert cp.socket.transport.get_extra_info("ssl_object").version() == "TLSv1.3"
        await cp.ask(call.Heartbeat())
    old = secure.trust()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        await over_tls(secure_listener, "TC_086", old).__aenter__()


@within(30)
async def test_tc_087_client_certificates(secure: SecureSite, secure_listener: Listener) -> None:
    """Its own, and nobody else's: another charger's, of another organisation, of a stranger's authority, or none."""
    own = await issued(secure, "TC_087")
    stranger = Authority(secure.folder / "stranger")
    stranger.issue("forged", f"/O={ORGANISATION}/CN=TC_087")
    async with over_tls(secure_listener, "TC_087", own) as cp:
        assert (await cp.boot()).status == "Accepted"
        for context in (
            secure.trust(),
            secure.forge("anothers", f"/O={ORGANISATION}/CN=TC_088"),
            secure.forge("elsewhere", "/O=Somebody/CN=TC_087"),
        ):
            assert await refusal_of(over_tls(secure_listener, "TC_087", context)) == 403
        assert await refusal_of(secure_listener.charge_point("TC_087")) == 403
        with pytest.raises((OSError, InvalidHandshake)):  # in TLS 1.3 the client learns it only when it reads
            await over_tls(secure_listener, "TC_087", stranger.trusting(secure.root, "forged")).__aenter__()
        await cp.ask(call.Heartbeat())  # and nobody has taken its place


@within(30)
async def test_tc_087_a_certificate_that_was_revoked(secure: SecureSite, secure_listener: Listener) -> None:
    own = await issued(secure, "stolen")
    async with over_tls(secure_listener, "stolen", own) as cp:
        await cp.boot()
    assert (await secure.tinyocpp("ca", "revoke", "stolen")).code == 0
    assert await refusal_of(over_tls(secure_listener, "stolen", own)) == 403


async def issued(secure: SecureSite, identity: str) -> ssl.SSLContext:
    """A charger that shows what `tinyocpp ca issue` has made for it."""
    assert (await secure.tinyocpp("ca", "issue", identity)).code == 0
    return Keyring(secure.folder / "ca" / "chargers").trusting(secure.root, identity)


# ------------------------------------------------------------------------------------------------------ moving up (A05)


@pytest.mark.parametrize("profile", [1, 2, 3])
@within(60)
async def test_tc_083_a_higher_security_profile(secure: SecureSite, secure_listener: Listener, profile: int) -> None:
    """Both are let in until it has come with the new one; from then on the old one is refused, whatever happens."""
    identity = f"TC_083-{profile}"
    key = OLD if profile > 1 else ""
    if key:
        await log_in_with(secure, identity, key)
    own = await issued(secure, identity) if profile == 3 else None

    def coming_with(profile: int) -> ChargePoint:
        tls = {"ssl": own if profile == 3 else secure.trust(), "server_hostname": SERVER_NAME}
        shown = password(identity, key) if profile in (1, 2) else {}
        return secure_listener.charge_point(identity, **shown, **(tls if profile > 1 else {}))

    async with coming_with(profile - 1) as cp:
        await cp.boot()
        if profile == 1:
            assert (await secure.tinyocpp("charger", "password", "--rotate", identity)).code == 0
            key = cp.calls.pop()[1]["value"]
        if profile == 2:
            assert (await cp.typed("certificate", "install")).code == 0
            cp.will(call_result.GetInstalledCertificateIds("Accepted", [ROOT]))
        moving = asyncio.create_task(secure.tinyocpp("charger", "security", identity, str(profile), "--reset"))
        assert await cp.called("ChangeConfiguration") == {"key": "SecurityProfile", "value": str(profile)}
        assert await cp.called("Reset") == {"type": "Hard"}
    async with coming_with(profile - 1) as cp:  # it could not connect the new way, and falls back (A05.FR.08)
        await cp.boot()
    async with coming_with(profile) as cp:
        assert (await cp.boot()).status == "Accepted"
        said = await moving
        assert (said.code, "nothing below" in said.out) == (0, True), said
        assert await refusal_of(coming_with(profile - 1)) == (401 if profile == 1 else 403)
        await cp.ask(call.Heartbeat())


ROOT = {"hashAlgorithm": "SHA256", "issuerNameHash": "a" * 64, "issuerKeyHash": "b" * 64, "serialNumber": "FFF"}


@within(30)
async def test_a_profile_that_cannot_work_is_asked_of_nobody(secure: SecureSite, secure_listener: Listener) -> None:
    """It would accept, and never be seen again."""
    async with secure_listener.charge_point("unready") as cp:
        await cp.boot()
        assert (await secure.tinyocpp("charger", "security", "unready", "2")).code == 1  # it has no password
        await secure.tinyocpp("charger", "password", "unready", stdin=OLD)
        assert (await secure.tinyocpp("charger", "security", "unready", "2")).code == 1  # it does not trust us
        assert "ChangeConfiguration" not in dict(cp.calls)


# ---------------------------------------------------------------------------------------------------------- subprotocol


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["ocpp0.1", "ocpp1.6"], "ocpp1.6"), (["ocpp1.6", "ocpp1.5"], "ocpp1.6"), (None, None)]
)
@within(30)
async def test_tc_088_subprotocols(secure_listener: Listener, offered: Any, chosen: str | None) -> None:
    async with secure_listener.charge_point("TC_088", subprotocols=offered) as cp:
        assert cp.socket.subprotocol == chosen
        assert (await cp.boot()).status == "Accepted"


@within(30)
async def test_tc_088_no_subprotocol_of_ours(secure_listener: Listener) -> None:
    assert await refusal_of(secure_listener.charge_point("TC_088", subprotocols=["ocpp0.1"])) == 400
