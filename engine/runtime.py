"""Where the engine process of a user can be found: a lock, a socket and a log in a private folder.

    $XDG_RUNTIME_DIR/verifrag/       or, without one or where that is too long for a socket's path,
                                     <temporary folder>/verifrag-<user id>/
        <key>.lock                   held by the process for as long as it lives; holds its id
        <key>.sock                   where it listens
        <key>.log                    what it has to say; begins anew with each process

The key stands for everything that two windows must agree on to share a process: Verifrag's version and
place, the Python that runs it, and the model. Whoever holds the lock owns the socket, so a socket
without a holder is a left-over. Unix only: Windows has neither `flock` nor these sockets.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import signal
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.api import EngineError

PACKAGE = Path(__file__).resolve().parent
LONGEST_SOCKET = 103  # bytes; macOS has the least room for the path of a socket
KEY = 16  # characters


@dataclass(frozen=True)
class Place:
    """The three files of one engine process; `base` is their path without a suffix."""

    base: Path

    @property
    def socket(self) -> Path:
        return self.base.with_suffix(".sock")

    @property
    def lock(self) -> Path:
        return self.base.with_suffix(".lock")

    @property
    def log(self) -> Path:
        return self.base.with_suffix(".log")


def folder() -> Path:
    """The user's private folder, made if it is not there.

    Raises EngineError if it is not a folder of this user's that nobody else can enter.
    """
    path = _short_folder()
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise EngineError(
            f"{path}, the folder of the engine's socket, can't be used ({error.strerror}): set "
            "XDG_RUNTIME_DIR to a folder of yours"
        ) from error
    private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    if not private or found.st_uid != os.getuid():
        raise EngineError(
            f"{path}, the folder of the engine's socket, must be a folder of yours that nobody else "
            f"can enter: remove it, or run chmod 700 {path}"
        )
    return path


def _short_folder() -> Path:
    """The first folder whose sockets' paths are not too long. Raises EngineError if there is none."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    of_user = f"verifrag-{os.getuid()}"
    folders = [Path(given) / "verifrag"] if given else []
    folders += [Path(tempfile.gettempdir()) / of_user, Path("/tmp") / of_user]
    for folder in folders:
        if len(os.fsencode(Place(folder / ("x" * KEY)).socket)) <= LONGEST_SOCKET:
            return folder
    raise EngineError(
        f"{folders[0]} is too long for a socket's path: set XDG_RUNTIME_DIR to a shorter folder"
    )


def place(model: str, version: str) -> Place:
    """The files of the process that serves `model` for this installation, which is `version`.

    Another model, or one written anew at the same path, is another process. Raises EngineError.
    """
    parts = (version, str(PACKAGE), sys.executable, model, _written(Path(model)))
    name = hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:KEY]
    return Place(folder() / name)


def _written(model: Path) -> str:
    """When the model folder was last written, or "" for what is no folder."""
    for name in ("verifrag.json", "config.json"):  # a model that is not ours has only the latter
        with contextlib.suppress(OSError):
            return str((model / name).stat().st_mtime_ns)
    return ""


def take(lock: Path) -> IO[str] | None:
    """The lock, held until the file is closed or the process ends; None where another holds it."""
    file = lock.open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def holder(lock: Path) -> int | None:
    """The process that holds the lock, if one does."""
    if not lock.exists():
        return None
    with lock.open(encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(file.read() or 0) or None  # 0: it has only just taken it
    return None


def kill(lock: Path) -> None:
    """End the process that holds the lock, whatever it is doing."""
    process = holder(lock)
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def last_line(log: Path) -> str:
    """The last line of the log: after a death, what it died of."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
