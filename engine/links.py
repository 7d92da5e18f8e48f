"""Ways to an engine process: a child of one's own, or the process that all windows share.

A link is a pair of byte streams with something alive at the other end. What is said over it is
`engine.connection`'s business.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine import runtime
from engine.api import EngineError
from engine.process import LONGEST_LINE

STOP_SECONDS = 0.7
START_SECONDS = 30.0  # until a new process listens: without the tensor library, so even a slow disk
HELLO_SECONDS = 20.0  # until one that listens greets; it does so whatever it is computing

LISTEN = (sys.executable, "-m", "engine.listen")

# The process runs where the package lies, so that a folder `engine` in the user's project can't
# stand in for it.
FOLDER = runtime.PACKAGE.parent


@dataclass(frozen=True)
class Limits:
    """What a process that is started may take: `idle` seconds without a request until it ends,
    `memory` in megabytes (0: half of the machine's)."""

    idle: float = 900.0
    memory: int = 0


class Link(Protocol):
    """One engine process as a client holds it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    pid: int
    log: Path | None

    def kill(self) -> None:
        """End the process at once, whatever it is doing."""

    async def close(self) -> None:
        """Let go of it, within a second."""

    async def ended(self) -> str:
        """After `reader` has ended: how it died, in a clause."""


class Child:
    """A process of one's own, spoken to over its standard input and output."""

    log = None

    def __init__(self, process: asyncio.subprocess.Process, on_log: Callable[[str], None]) -> None:
        self.reader, self.writer, self.pid = process.stdout, process.stdin, process.pid
        self._process = process
        self._on_log = on_log
        self._last_line = ""
        self._stderr = asyncio.create_task(read_lines(process.stderr, self._said))

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    async def close(self) -> None:
        self.writer.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            self.kill()
            await self._process.wait()
        await self._stderr

    async def ended(self) -> str:
        await self._stderr
        code = await self._process.wait()
        words = f": {self._last_line}" if self._last_line else ""
        return f"the engine process died (exit code {code}){words}"

    def _said(self, line: str) -> None:
        # A traceback's last line names what the child died of.
        self._last_line = line.strip() or self._last_line
        self._on_log(line)


class Shared:
    """A connection to the process that all windows of this user share."""

    def __init__(
        self,
        place: runtime.Place,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pid: int,
    ) -> None:
        self.reader, self.writer, self.pid = reader, writer, pid
        self.log = place.log
        self._place = place

    def kill(self) -> None:
        runtime.kill(self._place.lock)

    async def close(self) -> None:
        self.writer.close()

    async def ended(self) -> str:
        words = runtime.last_line(self._place.log)
        return f"the engine process died{f': {words}' if words else ''} (log: {self._place.log})"


async def child(command: Sequence[str], on_log: Callable[[str], None]) -> Child:
    """Start `command` as a child. Raises EngineError."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            cwd=FOLDER,
        )
    except OSError as error:
        raise EngineError(f"the engine could not be started: {error}") from error
    return Child(process, on_log)


async def shared(place: runtime.Place, limits: Limits) -> Shared:
    """Connect to the process that serves at `place`; start it if there is none. Raises EngineError.

    When several windows start one at the same time, the one that gets the lock stays.
    """
    loop = asyncio.get_running_loop()
    until, pause = loop.time() + START_SECONDS, 0.02
    started: subprocess.Popen[bytes] | None = None
    while loop.time() < until:
        link = await _connect(place)
        if link is not None:
            return link
        if started is not None and started.poll():
            raise EngineError(f"the engine could not be started: {runtime.last_line(place.log)}")
        if started is None or started.returncode is not None:
            started = _start(place, limits)
        await asyncio.sleep(pause)
        pause = min(1.0, 1.2 * pause)
    raise EngineError(f"the engine did not start within {START_SECONDS:g} s (log: {place.log})")


async def _connect(place: runtime.Place) -> Shared | None:
    """A link to the process at `place`, or None where none listens or it is just ending.

    One that listens but does not greet hangs: it is killed, and None returned.
    """
    try:
        reader, writer = await asyncio.open_unix_connection(place.socket, limit=LONGEST_LINE)
    except (FileNotFoundError, ConnectionError):
        return None
    except OSError as error:
        raise EngineError(f"the engine's socket can't be used: {error}") from error
    try:
        hello = json.loads(await asyncio.wait_for(reader.readline(), HELLO_SECONDS))
        return Shared(place, reader, writer, int(hello["pid"]))
    except TimeoutError:
        runtime.kill(place.lock)
    except (ValueError, KeyError, TypeError, ConnectionError):
        pass  # it ended meanwhile
    writer.close()
    return None


def _start(place: runtime.Place, limits: Limits) -> subprocess.Popen[bytes]:
    """Start a process that outlives this one."""
    allowed = ("--idle", f"{limits.idle:g}", "--max-memory", str(limits.memory))
    with place.log.open("ab") as log:
        process = subprocess.Popen(
            (*LISTEN, str(place.base), *allowed),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=FOLDER,
            start_new_session=True,  # what ends this window's processes is not for it
        )
    threading.Thread(target=process.wait, daemon=True).start()  # no zombie when it ends
    return process


async def read_lines(stream: asyncio.StreamReader, handle: Callable[[str], None]) -> None:
    """Call `handle` with each line of `stream` until it ends; one without its end is half a line and
    dropped, and so is one of more than `LONGEST_LINE` bytes."""
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            continue
        except ConnectionError:
            return
        if not line:
            return
        handle(line.decode("utf-8", errors="replace").rstrip("\r\n"))
