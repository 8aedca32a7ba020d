"""Makes the clone's .venv: python3 _venv.py PROGRAM VENV ASKED [EXTRA]. Called by _fresh, never on the fast path.

One process makes it, others that start meanwhile wait for it. `made-for` is written last, so a half-made .venv is never
used and is made again. The one before comes back when the new one cannot be made. Only the standard library here.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

TOP = Path(__file__).resolve().parent.parent
EX_UNAVAILABLE = 69
EX_CANTCREAT = 73

# What pip writes when something is missing, and what to do about it: the first that is found counts.
COMPILER = "there is no ready-made wheel: `sudo apt install build-essential python3-dev` and start again"
OTHER_PYTHON = "nothing there fits this interpreter: name another with TINYOCPP_PYTHON=/path/to/python3"
REMEDIES = {
    "No space left": "the disk is full",
    "Python.h": COMPILER,
    "Failed building wheel": COMPILER,
    "Failed to build": COMPILER,
    "connection broken": "the package index cannot be reached: see to the network and start again",
    "No matching distribution": OTHER_PYTHON,
    "ResolutionImpossible": OTHER_PYTHON,
}


class Failed(Exception):
    """One line, and what to exit with."""

    def __init__(self, text: str, exit_code: int = EX_UNAVAILABLE) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def main(program: str, venv: Path, asked: str, extra: str = "") -> int:
    os.umask(0o022)  # made by root, used by a service's own user
    try:
        if not os.access(venv.parent, os.W_OK):
            return use_as_it_is(venv)
        with only_one(venv):
            if not is_fresh(venv, asked):
                say(f"{program}: making {venv} (once; a minute or so on a small machine)")
                with old_one_kept(venv):
                    make(venv, asked, extra)
    except Failed as failure:
        say(f"{program}: {failure}")
        return failure.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def use_as_it_is(venv: Path) -> int:
    """Who may not write here, a service for one, takes what the clone's owner made, for whatever interpreter."""
    if (venv / "made-for").exists() and same_pins(venv):
        return 0
    text = f"{venv} is missing or out of date, and this user may not make it"
    raise Failed(f"{text}: run {TOP}/bin/tinyocpp once as the owner of {TOP}", EX_CANTCREAT)


@contextmanager
def only_one(venv: Path) -> Iterator[None]:
    """The kernel lets go of this lock when its holder dies."""
    with open(f"{venv}.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def old_one_kept(venv: Path) -> Iterator[None]:
    """What worked is moved aside, and back when its successor cannot be made."""
    old = Path(f"{venv}.old")
    if (venv / "made-for").exists():
        shutil.rmtree(old, ignore_errors=True)
        venv.rename(old)
    else:
        shutil.rmtree(venv, ignore_errors=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(venv, ignore_errors=True)
        if old.exists():
            old.rename(venv)
        raise
    shutil.rmtree(old, ignore_errors=True)


def make(venv: Path, asked: str, extra: str) -> None:
    interpreter = real_interpreter()
    if run([interpreter, "-I", "-c", "import ensurepip, venv"], subprocess.DEVNULL):
        raise Failed(f"{interpreter} comes without venv: {venv_remedy()}")
    log = Path(f"{venv}.log")
    with log.open("w") as output:
        if run([interpreter, "-I", "-m", "venv", venv], output):
            raise Failed(f"{interpreter} -m venv failed: {venv_remedy()} (the whole story is in {log})")
        if install(venv, extra, output):
            remedy = pip_remedy(log.read_text(errors="replace"))
            raise Failed(f"pip could not install what tinyocpp needs: {remedy} (the whole story is in {log})")
    log.unlink()
    shutil.copy2(TOP / "constraints.txt", venv / "constraints.txt")  # with its time, which _fresh looks at
    (venv / "made-for").write_text(go_between(venv, asked) + "\n")


def install(venv: Path, extra: str, output: IO[str]) -> int:
    """What pyproject.toml asks for, in the pinned versions, and src/ by a path relative to the .venv."""
    python = venv / "bin" / "python"
    requirements = venv / "requirements.txt"
    requirements.write_text("".join(f"{line}\n" for line in wanted(extra)))
    pip: list[str | Path] = [python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    if not os.environ.get("HOME"):
        pip.append("--no-cache-dir")  # it would go to /.cache
    status = run([*pip, "-r", requirements, "-c", TOP / "constraints.txt"], output)
    run([python, "-I", "-m", "pip", "uninstall", "-y", "setuptools"], output)  # its hook would run at every start
    site_packages = next(venv.glob("lib/python3*/site-packages"))
    (site_packages / "tinyocpp.pth").write_text("../../../../src\n")
    run([python, "-I", "-m", "compileall", "-q", TOP / "src"], output)
    return status


def run(command: list[str | Path], output: IO[str] | int) -> int:
    finished = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=TOP)
    return finished.returncode


def is_fresh(venv: Path, asked: str) -> bool:
    """As _fresh asks, and the interpreter has not been removed."""
    stamp, inside = venv / "made-for", venv / "bin" / "python"
    if not (stamp.exists() and inside.exists() and same_pins(venv)):
        return False
    return go_between(venv, asked) in ("", stamp.read_text().rstrip("\n"))


def same_pins(venv: Path) -> bool:
    copy = venv / "constraints.txt"
    return copy.exists() and copy.read_bytes() == (TOP / "constraints.txt").read_bytes()


def go_between(venv: Path, asked: str) -> str:
    """The name asked for, where that is not the interpreter itself (a pyenv shim, a python3 that is too old)."""
    return "" if Path(asked).exists() and (venv / "bin" / "python").samefile(asked) else asked


def wanted(extra: str) -> list[str]:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *(project["optional-dependencies"][extra] if extra else ())]


def real_interpreter() -> str:
    """Not by way of a link: /usr/bin/python3 may lead to another version tomorrow, and that must be noticed."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def venv_remedy() -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if shutil.which("apt"):
        return f"`sudo apt install python{version}-venv` and start again"
    return f"install the venv and ensurepip modules of Python {version} and start again"


def pip_remedy(log: str) -> str:
    return next((remedy for sign, remedy in REMEDIES.items() if sign in log), "it says why in its last lines")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
