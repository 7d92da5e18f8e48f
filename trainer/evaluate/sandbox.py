"""Run a tool on untrusted text: no network, no home, nothing of this machine but /usr, read-only.

Verilog that a model wrote can, once simulated, read and write any file, fill the memory or never end.
`run` starts a command under bubblewrap, in namespaces of its own: it sees /usr, an empty /proc and /dev,
and the files it was given, in a small /tmp that vanishes with it. There is no way to run it without
the sandbox: where that can't be had, `SandboxMissing` says what to do.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PATIENCE = 4  # times the limit on CPU time that the clock may take: for what sleeps
SCRATCH = 64 << 20  # bytes of /tmp
NOBODY = 65534


class SandboxMissing(Exception):  # noqa: N818 - a state of the machine more than an error
    """Nothing can be sandboxed here; the message says why and what to do."""


@dataclass(frozen=True)
class Limits:
    """What each process of the command may use. More is answered by its end, not by waiting."""

    seconds: int = 10
    """CPU time, so that a busy machine changes no verdict; the wall clock stops it at 4 times that."""
    memory: int = 1 << 30
    """Bytes of address space."""
    output: int = 48 << 20
    """Bytes of each file it writes, standard output and standard error among them. (A bench of
    VerilogEval dumps 19 MB of waves.)"""
    processes: int = 16


STANDARD = Limits()


@dataclass(frozen=True)
class Outcome:
    """How a command ended. `exit` is 128 + the signal's number for one that was killed."""

    exit: int
    stdout: bytes
    stderr: bytes
    timed_out: bool
    """It used up its CPU time or the clock's."""
    flooded: bool
    """It wrote more than it may, and was stopped for it."""

    @property
    def said(self) -> str:
        """Standard error as text."""
        return self.stderr.decode("utf-8", "replace")


def run(
    argv: Sequence[str], files: Mapping[str, str | bytes], limits: Limits = STANDARD
) -> Outcome:
    """Run `argv` in a folder that holds `files` (plain names, read-only), and nothing else.

    All it started is killed with it. Raises SandboxMissing.
    """
    bubblewrap = shutil.which("bwrap")
    if bubblewrap is None:
        raise SandboxMissing(_missing("bwrap is not installed"))
    with contextlib.ExitStack() as stack:
        stdout, stderr, status = (_memory_file(stack) for _ in range(3))
        inputs = {name: _memory_file(stack, content) for name, content in files.items()}
        try:
            process = subprocess.Popen(
                [bubblewrap, *_namespaces(inputs, status), *_limited(limits), *argv],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                # Not ours: bubblewrap's own environment can be read inside, under /proc.
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp"},
                pass_fds=(status, *inputs.values()),
                start_new_session=True,
                **_nobody(),
            )
        except OSError as error:
            raise SandboxMissing(_missing(str(error))) from error
        timed_out = _wait(process, PATIENCE * limits.seconds)
        outcome = Outcome(
            exit=process.returncode,
            stdout=_content(stdout),
            stderr=_content(stderr),
            timed_out=timed_out or process.returncode == 128 + signal.SIGXCPU,
            flooded=process.returncode == 128 + signal.SIGXFSZ,
        )
        # bubblewrap notes an exit code only if there was a command to have one.
        if not timed_out and b"exit-code" not in _content(status):
            raise SandboxMissing(_missing(outcome.said.strip()))
        if outcome.exit == 127 and outcome.said.startswith("prlimit: failed to execute"):
            raise SandboxMissing(f"there is no {argv[0]} under /usr: install it there")
        return outcome


def _nobody() -> dict[str, Any]:
    """Whom to run as: the kernel exempts root from the limit on processes."""
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": ()}


def _namespaces(inputs: Mapping[str, int], status: int) -> list[str]:
    given = [part for name, fd in inputs.items() for part in _given(name, fd)]
    return [
        *("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *("--json-status-fd", str(status), "--ro-bind", "/usr", "/usr"),
        *(part for name in ("bin", "lib", "lib64") for part in _symlink(name)),
        *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
        *("--size", str(SCRATCH), "--tmpfs", "/tmp", *given, "--remount-ro", "/"),
        *("--chdir", "/tmp", "--"),
    ]


def _symlink(name: str) -> tuple[str, ...]:
    return ("--symlink", f"usr/{name}", f"/{name}")


def _given(name: str, fd: int) -> tuple[str, ...]:
    return ("--ro-bind-data", str(fd), f"/tmp/{name}")


def _limited(limits: Limits) -> list[str]:
    """Set inside the sandbox, where the count of processes begins anew."""
    return [
        "prlimit",
        f"--cpu={limits.seconds}:{limits.seconds + 1}",  # SIGXCPU first, then SIGKILL
        f"--as={limits.memory}",
        f"--fsize={limits.output}",
        f"--nproc={limits.processes}",
        "--core=0",
        "--",
    ]


def _wait(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for the end, or bring it about; whether that was needed."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    finally:  # Ctrl-C too
        if process.poll() is None:
            # Killing bubblewrap kills the first process of its namespace, and so all of them.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return False


def _memory_file(stack: contextlib.ExitStack, content: str | bytes = b"") -> int:
    """A file in memory, without a name."""
    fd = os.memfd_create("sandbox")
    stack.callback(os.close, fd)
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    with os.fdopen(os.dup(fd), "wb") as file:
        file.write(data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _content(fd: int) -> bytes:
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        return file.read()


def _missing(why: str) -> str:
    return (
        f"untrusted Verilog can't be sandboxed here ({why}). Install bubblewrap, for example with "
        "`apt-get install bubblewrap`, and allow unprivileged user namespaces (sysctl "
        "user.max_user_namespaces above 0; on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0; "
        "in a container a seccomp profile that permits them)"
    )
