"""What lies behind a door: one file to be fetched, or one place where files are brought. Knows no protocol.

Several may come at once, from several threads. An Offer is the file as it was when the door opened, whatever happens to
its name. What is brought to an Inbox grows in a hidden file beside its place and gets its name when it is complete and
on disk; its name is ours to choose, so there is no way out of the folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import threading

import msgspec

from tinyocpp.storage.files import sync

MOST_NAME = 64
MOST_FILES = 20  # one charger's one upload, with all its retries
LOOK_EVERY_BYTES = 1 << 20  # how often the room on the disk is looked at
LEAVE_FREE_BYTES = 64 << 20  # a ledger lives there too


def clean_name(name: str, default: str) -> str:
    """A file name that every charger and every shell can live with: no space, no path, not hidden."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    clean = re.sub(r"[^A-Za-z0-9._-]+", "-", last).lstrip(".-")
    stem, dot, ending = clean.rpartition(".")
    if len(clean) > MOST_NAME and dot and len(ending) < 10:
        clean = f"{stem[: MOST_NAME - len(ending) - 1]}.{ending}"
    return clean[:MOST_NAME] or default


class Offer:
    """One file. `sent_bytes` is how far into it anybody has got, `visits` how often it was begun."""

    def __init__(self, path: str) -> None:
        """Raises OSError, also for what is no file or has nothing in it."""
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        self.status = os.fstat(self._descriptor)
        if not stat.S_ISREG(self.status.st_mode) or not self.status.st_size:
            self.close()
            raise OSError(errno.EINVAL, "Is empty" if stat.S_ISREG(self.status.st_mode) else "Is not a file")
        self.name = clean_name(os.path.basename(path), "firmware.bin")
        self.size = self.status.st_size
        self.sent_bytes = 0
        self.visits = 0

    @property
    def mark(self) -> str:
        """Tells this file from another of its name, so that a download is not resumed in the wrong one."""
        return f"{self.size:x}-{self.status.st_mtime_ns:x}"

    def read(self, at: int, most: int) -> bytes:
        """What stands there; less than there should be if somebody has cut the file meanwhile."""
        return os.pread(self._descriptor, most, at)

    def sent(self, upto: int) -> None:
        self.sent_bytes = max(self.sent_bytes, upto)

    def close(self) -> None:
        os.close(self._descriptor)


class Arrived(msgspec.Struct, frozen=True):
    """A file that is here, whole."""

    path: str
    size: int


class Inbox:
    """`place` is a folder, where a file is named as the charger names it and takes no other's place; or the name of the
    file, which is replaced. `most_bytes` is for everything that is brought, together."""

    def __init__(self, place: str, most_bytes: int) -> None:
        self.is_folder = place.endswith("/") or os.path.isdir(place)
        self._folder, self._name = (place, "") if self.is_folder else os.path.split(os.path.abspath(place))
        self.most_bytes = most_bytes
        self.default_name = "upload"  # of what comes without one
        self.arrived: list[Arrived] = []
        self.received_bytes = 0
        self.visits = 0
        self._lock = threading.Lock()
        self._open: set[Upload] = set()
        self._closed = False

    def begin(self, name: str, length: int | None = None) -> Upload:
        """Take a file in, of this length if that is known. Raises OSError: EFBIG, ENOSPC, or what the disk says."""
        with self._lock:
            self.visits += 1
            if self._closed or self.visits > MOST_FILES:
                raise OSError(errno.EMFILE, "Too many files")
            self._has_room(length or 0)
            upload = Upload(self, self._folder, self._name or clean_name(name, ""), self.visits)
            self._open.add(upload)
        return upload

    def close(self) -> None:
        """What is not complete is thrown away, and nothing more is taken in."""
        with self._lock:
            self._closed = True
            unfinished = list(self._open)
        for upload in unfinished:
            upload.close()

    def _has_room(self, more: int) -> None:
        if self.received_bytes + more > self.most_bytes:
            raise OSError(errno.EFBIG, "File too large")
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize < more + LEAVE_FREE_BYTES:
            raise OSError(errno.ENOSPC, "No space left on device")

    def _count(self, more: int) -> None:
        with self._lock:
            then = self.received_bytes + more
            if then > self.most_bytes or then // LOOK_EVERY_BYTES > self.received_bytes // LOOK_EVERY_BYTES:
                self._has_room(more)
            self.received_bytes = then

    def _settle(self, upload: Upload, arrived: Arrived | None) -> None:
        with self._lock:
            self._open.discard(upload)
            if arrived is not None:
                self.arrived.append(arrived)


class Upload:
    """One file on its way in: `write` it, then `keep` it, then `close`; closed without `keep` it never was."""

    def __init__(self, inbox: Inbox, folder: str, name: str, number: int) -> None:
        self._given_name = name
        self.size = 0
        self._inbox = inbox
        self._folder = folder
        self._temporary = os.path.join(folder, f".{self.name}.{os.getpid()}-{number}")
        self._file = open(os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")  # noqa: SIM115

    @property
    def name(self) -> str:
        return self._given_name or clean_name(self._inbox.default_name, "upload")

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, data: bytes) -> None:
        """Raises OSError: EFBIG, ENOSPC, or what the disk says."""
        self._inbox._count(len(data))
        if self.closed:
            raise OSError(errno.ECANCELED, "Operation canceled")  # by whoever closed the door
        self._file.write(data)
        self.size += len(data)

    def keep(self) -> Arrived:
        """It is complete: on disk, and under its name, when this returns."""
        self._file.flush()
        os.fsync(self._file.fileno())
        path = self._own_name() if self._inbox.is_folder else os.path.join(self._folder, self.name)
        os.replace(self._temporary, path)
        sync(self._folder)
        self._file.close()
        arrived = Arrived(os.path.normpath(path), self.size)
        self._inbox._settle(self, arrived)
        return arrived

    def close(self) -> None:
        if not self._file.closed:
            with contextlib.suppress(OSError):  # of a full disk, while the rest is written
                self._file.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._temporary)
        self._inbox._settle(self, None)

    def _own_name(self) -> str:
        """One that nobody has, and that nobody can take from us before we use it."""
        stem, ending = os.path.splitext(self.name)
        for number in range(1, 1000):
            path = os.path.join(self._folder, f"{stem}-{number}{ending}" if number > 1 else self.name)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                return path
        raise OSError(errno.EEXIST, "File exists")
