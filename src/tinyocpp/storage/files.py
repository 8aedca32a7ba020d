"""Files that are whole after a power cut: the owner's tags, the copy of them, backups.

What is in them is others' business. Raises OSError, which the caller turns into words.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time


def read_whole(path: str) -> bytes:
    """What is in a file. A pipe of that name is refused: it would keep us waiting for what it may say some day."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "Is not a file")
        return file.read()


def write_whole(path: str, data: bytes, *, mode: int) -> None:
    """Replace a file by another in one step that a power cut cannot halve. An existing one keeps its mode, its owner
    where we may give files away, and the link that leads to it; `mode` is for a new one."""
    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            _dress_as(path, file.fileno())
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync(folder)


def sync(path: str) -> None:
    """What is in the file, or which names are in the folder, is on disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _dress_as(path: str, descriptor: int) -> None:
    with contextlib.suppress(FileNotFoundError, PermissionError):
        known = os.stat(path)
        os.fchmod(descriptor, known.st_mode & 0o7777)
        os.fchown(descriptor, known.st_uid, known.st_gid)
