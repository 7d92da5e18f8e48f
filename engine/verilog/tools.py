"""Start a program that checks Verilog: bounded in time, memory and what it may say.

It is the leader of a process group, which is killed when the time is up or the caller is cancelled:
iverilog starts others. OSError says that the program can't be started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

MAX_OUTPUT = 1 << 20  # bytes of what a tool says; a broken netlist can make it say much more
MAX_MEMORY = 4 << 30  # bytes for each process that a tool starts


@dataclass(frozen=True)
class Outcome:
    """What a program said and its exit status, None where its time was up."""

    output: str
    status: int | None


async def run(command: Sequence[str], folder: Path, timeout_s: float) -> Outcome:
    """Run `command` in `folder` for at most `timeout_s` seconds. Cancelling kills it."""
    with tempfile.TemporaryFile() as said:
        process = await asyncio.create_subprocess_exec(*command, **_options(folder, said))
        limit_memory(process.pid)
        try:
            await asyncio.wait_for(process.wait(), timeout_s)
        except TimeoutError:
            return Outcome("", None)
        finally:
            if process.returncode is None:
                kill(process.pid)
                await process.wait()
        return Outcome(_read(said), process.returncode)


def run_now(command: Sequence[str], folder: Path, timeout_s: float) -> Outcome:
    """`run` for programs without an event loop."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, **_options(folder, said))
        limit_memory(process.pid)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return Outcome("", None)
        finally:
            if process.returncode is None:
                kill(process.pid)
                process.wait()
        return Outcome(_read(said), process.returncode)


def _options(folder: Path, said: IO[bytes]) -> dict[str, Any]:
    # A file, not a pipe: nothing can block, nothing fills up memory.
    return {
        "stdin": subprocess.DEVNULL,
        "stdout": said,
        "stderr": said,
        "cwd": folder,
        "start_new_session": True,
    }


def _read(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read(MAX_OUTPUT).decode("utf-8", "replace")


def limit_memory(pid: int) -> None:
    """Keep a loop that generates without end from filling the memory before the time is up. Only
    Linux can limit a process from outside; what it starts inherits the limit."""
    if sys.platform == "linux":
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))


def kill(pid: int) -> None:
    """End the process group of `pid`."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
