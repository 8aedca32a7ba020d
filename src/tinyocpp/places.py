"""Where on this machine things are when no setting names them, by the rules of XDG and systemd.

No directory is made here: whoever puts the first file into one makes it. Variables come as an argument, so that a test,
or a service started by something odd, sees exactly what it was given.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SYSTEM_CONFIGURATION = "/etc/tinyocpp"
SYSTEM_STATE = "/var/lib/tinyocpp"
SYSTEM_RUNTIME = "/run/tinyocpp"


def install_command(package: str) -> str:
    """What is typed to have an optional package where we run from: a clone's .venv, a pipx, the system."""
    return f"{sys.executable} -m pip install {package}"


def configuration_directories(environ: Mapping[str, str]) -> list[str]:
    """Where to look for a configuration file, the first one found wins."""
    folders = (
        _listed(environ, "CONFIGURATION_DIRECTORY"),
        _user_directory(environ, "XDG_CONFIG_HOME", ".config"),
        SYSTEM_CONFIGURATION,
    )
    return [folder for folder in folders if folder]


def state_directory(source: str | None, environ: Mapping[str, str]) -> tuple[str, str]:
    """Where data lives that no setting names, and the variable that decided it ("" for none).

    The user's file and the system's file speak for data that was there before them: writing the first setting must not
    make the ledger seem empty. Any other file keeps its data beside itself.
    """
    if given := _listed(environ, "STATE_DIRECTORY"):
        return given, "$STATE_DIRECTORY"
    folder = os.path.dirname(source) if source else None
    if folder == SYSTEM_CONFIGURATION:
        return SYSTEM_STATE, ""
    if folder is not None and folder != _user_directory(environ, "XDG_CONFIG_HOME", ".config"):
        return folder, ""
    variable = "$XDG_STATE_HOME" if os.path.isabs(environ.get("XDG_STATE_HOME", "")) else ""
    return _user_directory(environ, "XDG_STATE_HOME", ".local/state") or SYSTEM_STATE, variable


def runtime_directories(state: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Where a listener may have its sockets, with the variable that says so. Ours is the first; a program that looks
    for a charger tries them all."""
    user = os.geteuid()
    own = environ.get("XDG_RUNTIME_DIR", "")
    places = (
        (_listed(environ, "RUNTIME_DIRECTORY"), "$RUNTIME_DIRECTORY", True),
        (os.path.join(own, "tinyocpp") if os.path.isabs(own) else "", "$XDG_RUNTIME_DIR", True),
        (SYSTEM_RUNTIME, "", user == 0 or os.path.isdir(SYSTEM_RUNTIME)),
        (os.path.join(state, "run"), "", True),
        (f"/run/user/{user}/tinyocpp", "", True),  # seen from cron, which has no $XDG_RUNTIME_DIR
    )
    found: dict[str, str] = {}
    for place, variable, exists in places:
        if place and exists:
            found.setdefault(place, variable)
    return found


def under(folder: str, path: str) -> str:
    """The path as seen from the folder, `~` understood; an empty one stays empty."""
    return os.path.normpath(os.path.join(folder, os.path.expanduser(path))) if path else ""


def _listed(environ: Mapping[str, str], variable: str) -> str:
    """systemd separates several directories by colons; ours is the first."""
    first = environ.get(variable, "").partition(":")[0]
    return first if os.path.isabs(first) else ""


def _user_directory(environ: Mapping[str, str], variable: str, below_home: str) -> str | None:
    """By the XDG rules, where a relative value counts as none."""
    base, home = environ.get(variable, ""), environ.get("HOME", "")
    if os.path.isabs(base):
        return os.path.join(base, "tinyocpp")
    return os.path.join(home, below_home, "tinyocpp") if os.path.isabs(home) else None
