"""The directory of command sockets, wire logs and control's notes: ours alone, or shared with one group.

Whoever can reach it can start and stop a charge, so it is 0700, or 0750 with `[paths] group`, and what is in it 0600 or
0660. A directory that holds anything else is refused rather than closed to its other users. How files are called in it
is said here, for those who make them and those who look for them.
"""

from __future__ import annotations

import os

import msgspec

from tinyocpp.errors import ConfigError
from tinyocpp.identity import fold_identity

SOCKET = ".sock"  # behind the folded identity: a charger's command socket
WIRE_LOG = "wire.jsonl"  # the ring of a listener; behind an identity and a dot, that of one backend
CONTROL_NOTES = "control.json"  # what the control program does (companions/controlnotes.py)
OURS = (SOCKET, WIRE_LOG, f"{WIRE_LOG}.1", CONTROL_NOTES)


class RuntimeDirectory(msgspec.Struct, frozen=True):
    """As `prepare_runtime` left it. `group_id`: who else may use what is in it; None: nobody."""

    path: str
    group_id: int | None

    @property
    def file_mode(self) -> int:
        return 0o600 if self.group_id is None else 0o660

    def share(self, path: str) -> None:
        """Give a file that was made here its mode and group."""
        os.chmod(path, self.file_mode)
        if self.group_id is not None:
            os.chown(path, -1, self.group_id)


def socket_path(runtime: str, charger_id: str) -> str:
    """Where a charger's command socket is, for who listens and who asks."""
    return os.path.join(runtime, fold_identity(charger_id) + SOCKET)


def prepare_runtime(path: str, group: str) -> RuntimeDirectory:
    """Make the directory, or tighten the one that is there. Raises ConfigError."""
    group_id = _group_id(group)
    mode = 0o700 if group_id is None else 0o750
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        found = os.stat(path)
        if found.st_mode & 0o7777 != mode or group_id not in (None, found.st_gid):
            _refuse_if_shared(path)
            if group_id is not None:
                os.chown(path, -1, group_id)
            os.chmod(path, mode)
    except OSError as error:
        raise ConfigError(f"paths.runtime: {path}: {error.strerror}; name a directory this user may write") from None
    return RuntimeDirectory(path, group_id)


def _group_id(group: str) -> int | None:
    if not group:
        return None
    import grp

    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise ConfigError(f"paths.group: there is no group {group!r}; make it with: groupadd {group}") from None


def _refuse_if_shared(path: str) -> None:
    for name in os.listdir(path):
        if not name.endswith(OURS):
            raise ConfigError(f"paths.runtime: {path}: holds other files ({name!r}); name a directory of its own")
