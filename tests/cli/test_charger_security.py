"""`tinyocpp charger security`: shown, moved up with a charger that really comes back, refused beforehand, lowered."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from listening import Charger, Site, basic, charger, status_of, within

from tinyocpp.cli import main
from tinyocpp.passwords import Keys, hash_password

if TYPE_CHECKING:
    from pathlib import Path

    from tinyocpp.hosts.websocket import Listener

ANY = '[chargers]\nadmit = "any"\n'
TLS = '[listener.tls]\ncertificate = ["ec.pem"]\nkey = ["ec.key"]\n'
RIGHT = hash_password("correct horse")
HEADER = basic("garage", b"correct horse")
ACCEPTED = {"status": "Accepted"}
ROOT = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1"}
TRUSTS = {"status": "Accepted", "certificateHashData": [ROOT]}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=csms.test", "-newkey", "ec"]
    files = ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", f"{tmp_path}/ec.key", "-out", f"{tmp_path}/ec.pem"]
    subprocess.run([*command, *files], check=True, capture_output=True, timeout=60)
    return Site(tmp_path, ANY + TLS)


def trusting_anybody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def give(listener: Listener, keys: Keys, profile: int = 0) -> None:
    store = listener.store
    store.begin()
    store.register.admit("garage", listener.clock.now())
    store.register.set_keys("garage", keys)
    store.register.set_profile("garage", profile)
    store.commit()


def profiles_of(listener: Listener) -> tuple[int, int | None, int | None]:
    """Proven, asked, and that of the last connection."""
    known = listener.store.register.find("garage")
    assert known is not None
    return known.security_profile, known.security_profile_next, known.connected_profile


class Typed:
    """`tinyocpp charger security ...` in a thread of its own, while the charger is spoken to here."""

    def __init__(self, site: Site, capsys: pytest.CaptureFixture[str], *words: str) -> None:
        self._capsys = capsys
        capsys.readouterr()
        typed = ["--config", str(site.file), "charger", "security", *words]
        self._code = asyncio.ensure_future(asyncio.to_thread(self._run, typed))

    @staticmethod
    def _run(typed: list[str]) -> int:
        try:
            return main(typed)
        except SystemExit as stop:  # argparse: a misuse
            return int(stop.code or 0)

    async def ended(self) -> tuple[int, str, str]:
        code = await self._code
        out, err = self._capsys.readouterr()
        return code, out, err


async def answers(garage: Charger, *rows: tuple[str, object]) -> None:
    """The charger is asked these, in this order, and answers so."""
    for action, answer in rows:
        message_id, asked, _ = await garage.next_call()
        assert asked == action
        if isinstance(answer, str):
            await garage.socket.send(json.dumps([4, message_id, answer, "", {}]))
        else:
            await garage.socket.send(json.dumps([3, message_id, answer]))


@within(30)
async def test_up_to_a_password(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    async with site.listening() as listener:
        async with charger(listener) as garage:
            give(listener, Keys(None, (RIGHT,)))  # it was brought to it a moment ago
            typed = Typed(site, capsys, "garage", "1", "--timeout", "20")
            await answers(garage, ("ChangeConfiguration", ACCEPTED))
        async with charger(listener, additional_headers=HEADER):
            code, out, _ = await typed.ended()
        assert (code, profiles_of(listener)) == (0, (1, None, 1))
        assert "from now on nothing below 1 is let in" in out
        assert await status_of(listener, "/garage") == 401
        assert await status_of(listener, "/garage", HEADER) == 101


@within(30)
async def test_up_to_tls_with_a_restart_and_a_detour(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """TC_083: it restarts, falls back once (A05.FR.08), and comes with the new one."""
    async with site.listening() as listener:
        give(listener, Keys(RIGHT))
        async with charger(listener, additional_headers=HEADER) as garage:
            typed = Typed(site, capsys, "garage", "2", "--reset", "--timeout", "20")
            await answers(
                garage,
                ("GetInstalledCertificateIds", TRUSTS),
                ("ChangeConfiguration", {"status": "RebootRequired"}),
                ("Reset", ACCEPTED),
            )
        async with charger(listener, additional_headers=HEADER) as garage:
            await garage.boot()
            assert profiles_of(listener) == (0, 2, 1)
        async with charger(listener, additional_headers=HEADER, ssl=trusting_anybody()):
            code, out, _ = await typed.ended()
        assert (code, profiles_of(listener)) == (0, (2, None, 2))
        assert "came with security profile 2 (TLSv1.3 " in out
        assert "wss://" in out
        assert await status_of(listener, "/garage", HEADER) == 403


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"status": "Rejected"}, 1, "AuthorizationKey of 16 to 20 bytes"),
        ({"status": "NotSupported"}, 1, "in its own menu"),
        ("NotSupported", 76, "NotSupported"),
        (ACCEPTED, 75, "tinyocpp charger reset hard --charger garage"),
    ],
)
@within(30)
async def test_what_may_come_of_asking(
    site: Site, capsys: pytest.CaptureFixture[str], answer: Any, code: int, said: str
) -> None:
    async with site.listening() as listener, charger(listener, additional_headers=HEADER) as garage:
        give(listener, Keys(RIGHT))
        typed = Typed(site, capsys, "garage", "1", "--timeout", "0.5")
        await answers(garage, ("ChangeConfiguration", answer))
        found, _, err = await typed.ended()
        assert found == code
        assert said in err
        proven, asked, _ = profiles_of(listener)
        assert proven == 0
        assert asked == (None if code == 1 else 1)


@within(30)
async def test_asked_again_for_what_it_may_have(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """It agreed, and stayed on ws as it has no other URL. It is pinned all the same once it comes over TLS."""
    async with site.listening() as listener:
        give(listener, Keys(RIGHT))
        async with charger(listener, additional_headers=HEADER) as garage:
            for answer, code in ((ACCEPTED, 75), ({"status": "Rejected"}, 1)):
                typed = Typed(site, capsys, "garage", "2", "--timeout", "0.5", "--anyway")
                await answers(garage, ("ChangeConfiguration", answer))
                assert (await typed.ended())[0] == code
        async with charger(listener, additional_headers=HEADER, ssl=trusting_anybody()):
            assert profiles_of(listener) == (2, None, 2)


@pytest.mark.parametrize(
    ("profile", "keys", "settings", "said"),
    [
        ("1", Keys(), "", "tinyocpp charger password --rotate garage"),
        ("2", Keys(), TLS, "tinyocpp charger password --rotate garage"),
        ("2", Keys(RIGHT), "", "tinyocpp ca init"),
        ("3", Keys(RIGHT), TLS, "client_ca is not set"),
    ],
)
@within(30)
async def test_what_cannot_work_is_not_asked(
    site: Site, capsys: pytest.CaptureFixture[str], profile: str, keys: Keys, settings: str, said: str
) -> None:
    site.write(ANY + settings)
    async with site.listening() as listener, charger(listener, additional_headers=HEADER) as garage:
        give(listener, keys)
        code, out, err = await Typed(site, capsys, "garage", profile, "--anyway").ended()
        assert (code, out) == (1, "")
        assert said in err
        assert "currentTime" in await garage.ask("Heartbeat", {})
        assert garage.calls == []


@pytest.mark.parametrize(
    ("profile", "rows", "said"),
    [
        ("2", [("GetInstalledCertificateIds", {"status": "NotFound"})], "tinyocpp charger certificate install"),
        ("2", [("GetInstalledCertificateIds", "NotImplemented")], "cannot say whether it trusts"),
        ("3", [("GetInstalledCertificateIds", TRUSTS)], "tinyocpp charger certificate renew"),
    ],
)
@within(30)
async def test_what_the_charger_may_lack_is_said_before_it_is_asked(
    site: Site, capsys: pytest.CaptureFixture[str], profile: str, rows: list[tuple[str, object]], said: str
) -> None:
    site.write(ANY + TLS + 'client_ca = "ec.pem"\n')
    async with site.listening() as listener, charger(listener, additional_headers=HEADER) as garage:
        give(listener, Keys(RIGHT))
        typed = Typed(site, capsys, "garage", profile)
        await answers(garage, *rows)
        code, out, err = await typed.ended()
        assert (code, out) == (1, "")
        assert said in err
        assert "--anyway" in err
        assert profiles_of(listener)[1] is None
        typed = Typed(site, capsys, "garage", profile, "--anyway", "--timeout", "0.3")
        await answers(garage, ("ChangeConfiguration", ACCEPTED))
        assert (await typed.ended())[0] == 75


@within(30)
async def test_a_charger_that_is_on_tls_trusts_us(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    async with site.listening() as listener:
        give(listener, Keys(RIGHT))
        async with charger(listener, additional_headers=HEADER, ssl=trusting_anybody()) as garage:
            typed = Typed(site, capsys, "garage", "2", "--timeout", "20")
            await answers(garage, ("ChangeConfiguration", ACCEPTED))
        async with charger(listener, additional_headers=HEADER, ssl=trusting_anybody()):
            assert (await typed.ended())[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["garage", "2"], 0, "before; nothing was sent"),
        (["garage", "1"], 64, "--lower 1"),
        (["garage", "0"], 64, "invalid choice"),
        (["garage", "3", "--lower", "1"], 64, "Say one of them"),
        (["garage", "--lower", "2"], 64, "no more than 2"),
        (["carport", "1"], 69, "there is no charger carport"),
        (["carport"], 69, "there is no charger carport"),
        (["a/b"], 64, "not an identity"),
        (["garage", "3"], 1, "client_ca is not set"),
    ],
)
@within(30)
async def test_what_is_refused_or_needs_nothing(
    site: Site, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    async with site.listening() as listener:
        give(listener, Keys(RIGHT), 2)
    found, out, err = await Typed(site, capsys, *words).ended()
    assert found == code
    assert said in out + err


@within(30)
async def test_nobody_to_ask(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    async with site.listening() as listener:
        give(listener, Keys(RIGHT))
        code, out, err = await Typed(site, capsys, "garage", "1").ended()
    assert (code, out) == (69, "")
    assert "not connected" in err


@within(30)
async def test_down_by_the_owner_s_word_only(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    async with site.listening() as listener:
        give(listener, Keys(RIGHT), 2)
        assert await status_of(listener, "/garage", HEADER) == 403
        code, out, _ = await Typed(site, capsys, "garage", "--lower", "1").ended()
        assert code == 0
        assert "let in with security profile 1 again: a password" in out
        assert "tinyocpp charger password --remove garage" in out
        assert "in its own menu only" in out
        assert await status_of(listener, "/garage", HEADER) == 101
        assert await status_of(listener, "/garage") == 401
    site.write(f"{ANY}{TLS}[charger.garage]\nsecurity_profile = 2\n")
    async with site.listening() as listener:
        _, out, _ = await Typed(site, capsys, "garage", "--lower", "0").ended()
        assert "let in with security profile 0 again: its password" in out
        assert "charger.garage.security_profile = 2 stands in the configuration" in out
        assert await status_of(listener, "/garage", HEADER) == 403


@within(30)
async def test_shown(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    async with site.listening() as listener:
        give(listener, Keys(RIGHT, ("next",)), 1)
        assert await status_of(listener, "/garage") == 401
        async with charger(listener, additional_headers=HEADER, ssl=trusting_anybody()):
            code, out, _ = await Typed(site, capsys, "garage", "--json").ended()
        (row,) = json.loads(out)
        assert code == 0
        assert (
            row
            | {
                "charger_id": "garage",
                "connected": True,
                "least_profile": 1,
                "configured_profile": 0,
                "proven_profile": 1,
                "asked_profile": None,
                "connected_profile": 2,
                "password": "on its way",
                "refused_why": "no password was sent",
                "refused_from": "127.0.0.1",
            }
            == row
        )
        assert row["connected_with"].startswith("TLSv1.3 ")
        _, out, _ = await Typed(site, capsys).ended()
        assert RIGHT not in out
        assert "no password was sent" in out
    site.write(ANY)
    async with site.listening():
        pass
    assert (await Typed(site, capsys).ended())[0] == 0
