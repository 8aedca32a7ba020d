"""tinyocpp-command, typed while a real listener has a charger: what it prints, and every exit code it promises."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

import pytest
from listening import ACCEPTED, Charger, Site, charger, within

from tinyocpp.cli.command import main

if TYPE_CHECKING:
    from pathlib import Path

REJECTED = {"status": "Rejected"}
ANY = '[chargers]\nadmit = "any"'


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, ANY)


async def typed(site: Site, *words: str) -> int:
    def run() -> int:
        try:
            return main(["--config", str(site.file), *words])
        except SystemExit as stop:
            return int(stop.code or 0)

    return await asyncio.to_thread(run)


async def answered(garage: Charger, payload: object) -> tuple[str, Any]:
    """Answer the next call: with a result, or with the CALLERROR a list stands for."""
    message_id, action, asked = await garage.next_call()
    answer = [4, message_id, *payload] if isinstance(payload, list) else [3, message_id, payload]
    await garage.socket.send(json.dumps(answer))
    return action, asked


@pytest.mark.parametrize(
    ("words", "sent", "answer", "code", "printed"),
    [
        (
            ["RemoteStartTransaction", '{"idTag":"00000000"}'],
            ("RemoteStartTransaction", {"idTag": "00000000"}),
            ACCEPTED,
            0,
            '{"status":"Accepted"}\n',
        ),
        (["Reset", '{"type":"Soft"}'], ("Reset", {"type": "Soft"}), ACCEPTED, 0, '{"status":"Accepted"}\n'),
        (["Reset", '{"type":"Hard"}'], ("Reset", {"type": "Hard"}), REJECTED, 1, '{"status":"Rejected"}\n'),
        (["ClearCache"], ("ClearCache", {}), {"status": "NotImplemented"}, 1, '{"status":"NotImplemented"}\n'),
        (["GetLocalListVersion"], ("GetLocalListVersion", {}), {"listVersion": 3}, 0, '{"listVersion":3}\n'),
        (["--raw", "Levitate", '{"a":1}'], ("Levitate", {"a": 1}), {}, 0, "{}\n"),
        (["--charger", "GARAGE", "ClearCache"], ("ClearCache", {}), ["NotSupported", "no", {}], 76, ""),
    ],
    ids=["as the README types it", "soft", "refused", "outside the standard", "no status", "raw", "CALLERROR"],
)
@within(10)
async def test_an_answer(
    site: Site, capsys: Any, words: list[str], sent: tuple[str, Any], answer: object, code: int, printed: str
) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        ending = asyncio.create_task(typed(site, *words))
        assert await answered(garage, answer) == sent
        assert await ending == code
        out, err = capsys.readouterr()
        assert out == printed
        assert ("NotSupported: no" in err) is (code == 76)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Levitate"], "no such action"),
        (["reset", '{"type":"Soft"}'], "did you mean 'Reset'?"),
        (["Reset", "soft"], "not a JSON object"),
        (["Reset", '{"type":"Sofft"}'], "type"),
        (["Reset", '{"type":"Soft"}', "more"], "unrecognized"),
        (["--timeout", "0", "ClearCache"], "--timeout"),
        ([], "ACTION"),
    ],
)
@within(10)
async def test_64_malformed_and_nothing_sent(site: Site, capsys: Any, words: list[str], said: str) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        assert await typed(site, *words) == 64
        assert said in capsys.readouterr().err
        assert "currentTime" in await garage.ask("Heartbeat", {})
        assert garage.calls == []


@within(10)
async def test_69_nobody_there_or_several(site: Site, capsys: Any) -> None:
    assert await typed(site, "ClearCache") == 69
    async with site.listening() as listener, charger(listener, "a"), charger(listener, "b"):
        assert await typed(site, "ClearCache") == 69
        assert "--charger (a, b)" in capsys.readouterr().err
        assert await typed(site, "--charger", "c", "ClearCache") == 69
        assert "connected: a, b" in capsys.readouterr().err


@within(10)
async def test_69_when_the_charger_goes_before_it_answers(site: Site) -> None:
    async with site.listening() as listener:
        async with charger(listener) as garage:
            ending = asyncio.create_task(typed(site, "ClearCache"))
            await garage.next_call()
        assert await ending == 69


@within(10)
async def test_75_no_answer_in_time(site: Site, capsys: Any) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        assert await typed(site, "--timeout", "0.1", "ClearCache") == 75
        assert "no answer to ClearCache within 0.1 s" in capsys.readouterr().err
        await garage.next_call()


@within(10)
async def test_76_says_code_and_description(site: Site, capsys: Any) -> None:
    async with site.listening() as listener, charger(listener) as garage:
        ending = asyncio.create_task(typed(site, "ClearCache"))
        await answered(garage, ["InternalError", "flash worn out", {}])
        assert await ending == 76
        out, err = capsys.readouterr()
        assert (out, err) == ("", "tinyocpp-command: garage: InternalError: flash worn out\n")


def test_78_a_wrong_configuration(site: Site, capsys: Any) -> None:
    site.file.write_text("[listener]\nprot = 9016\n")
    assert main(["--config", str(site.file), "ClearCache"]) == 78
    assert "listener.prot" in capsys.readouterr().err


NOBODY = 65534
WITHOUT_RIGHTS = """
import grp, os, pwd, stat, sys
from tinyocpp.companions.commandclient import open_charger
from tinyocpp.cli.program import run_program
os.setgroups([]), os.setgid({user}), os.setuid({user})
sys.exit(run_program("tinyocpp-command", lambda: open_charger([{runtime!r}], {charger!r}) and 0))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try as somebody else")
@pytest.mark.parametrize(("group", "said"), [("", "only root may"), ("daemon", "only the group daemon may")])
@pytest.mark.parametrize("name", ["garage", None])
@within(20)
async def test_77_names_who_may(site: Site, group: str, said: str, name: str | None) -> None:
    for folder in [site.folder, *site.folder.parents]:
        if str(folder) == gettempdir():
            break
        folder.chmod(0o755)  # pytest closes its folders to others
    site.file.write_text(f'{ANY}\n[paths]\nruntime = "run"\ngroup = "{group}"\n')
    async with site.listening() as listener, charger(listener):
        script = WITHOUT_RIGHTS.format(user=NOBODY, runtime=str(site.runtime), charger=name)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script),
            stderr=asyncio.subprocess.PIPE,
            env={"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        _, err = await process.communicate()
        assert (process.returncode, said in err.decode()) == (77, True), err
