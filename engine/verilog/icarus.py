"""Compile Verilog with Icarus: the one place that starts iverilog.

Text goes in through standard input and nothing is ever written next to the user's files. Only
`-t null` is used: the design is elaborated, no code is generated and nothing is simulated.

iverilog's preprocessor opens whatever file an `include names, absolute paths too. For a user's own
buffer that is right; text that a model wrote goes through `check_untrusted`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal

from engine.verilog.reading import needs_system_verilog

SYSTEM_VERILOG_SUFFIXES = (".sv", ".svh")
MAX_OUTPUT = 1 << 20  # bytes of what iverilog says; a broken netlist can make it say much more

MAX_MEMORY = 4 << 30  # bytes for each process that iverilog starts


class IcarusMissing(Exception):  # noqa: N818 - a state of the machine more than an error
    """iverilog can't be started; the message says what to install or which setting to correct."""


@dataclass(frozen=True)
class Icarus:
    """How to call iverilog. Paths are absolute or relative to the working directory."""

    path: str = "iverilog"
    include_dirs: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    library_files: tuple[str, ...] = ()
    library_dirs: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Message:
    """One thing iverilog says. `line` counts from 1; `file` is a name as it was given to `check`, or
    for an included file the path that iverilog found it under, absolute where `filename` is."""

    file: str
    line: int
    severity: Literal["error", "warning"]
    text: str


async def check(
    icarus: Icarus,
    text: str,
    filename: str,
    others: Sequence[Path] = (),
    timeout_s: float = 10,
    unsaved: Mapping[Path, str] | None = None,
) -> list[Message]:
    """What iverilog says about `text`, the content of `filename`, compiled along with `others`.

    `unsaved` is the text to use instead of the file for those of `others` that are being edited.
    What takes longer than `timeout_s` seconds is stopped, with a message that says so. Cancelling
    kills iverilog. Raises IcarusMissing.
    """
    # Reading a large text would hold up the event loop.
    run = await asyncio.to_thread(_Run, icarus, text, filename, others, unsaved or {})
    with run.files() as files:
        try:
            process = await asyncio.create_subprocess_exec(*run.command, **run.options(files))
        except OSError as error:
            raise IcarusMissing(_missing(icarus, error)) from error
        _limit_memory(process.pid)
        try:
            await asyncio.wait_for(process.wait(), timeout_s)
        except TimeoutError:
            return [run.too_long(timeout_s)]
        finally:
            if process.returncode is None:
                _kill(process.pid)
                await process.wait()
        return run.messages(files, process.returncode)


def check_now(
    icarus: Icarus,
    text: str,
    filename: str,
    others: Sequence[Path] = (),
    timeout_s: float = 10,
    unsaved: Mapping[Path, str] | None = None,
) -> list[Message]:
    """`check` for programs without an event loop."""
    run = _Run(icarus, text, filename, others, unsaved or {})
    with run.files() as files:
        try:
            process = subprocess.Popen(run.command, **run.options(files))
        except OSError as error:
            raise IcarusMissing(_missing(icarus, error)) from error
        _limit_memory(process.pid)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return [run.too_long(timeout_s)]
        finally:
            if process.returncode is None:
                _kill(process.pid)
                process.wait()
        return run.messages(files, process.returncode)


async def check_untrusted(
    icarus: Icarus,
    text: str,
    filename: str,
    others: Sequence[Path] = (),
    timeout_s: float = 10,
    unsaved: Mapping[Path, str] | None = None,
) -> list[Message]:
    """`check` for text that a model wrote: with an `include, or what might become one, it is not
    compiled and the only message says why."""
    refusal = _refusal(text, filename)
    return [refusal] if refusal else await check(icarus, text, filename, others, timeout_s, unsaved)


def check_untrusted_now(
    icarus: Icarus, text: str, filename: str, others: Sequence[Path] = (), timeout_s: float = 10
) -> list[Message]:
    """`check_untrusted` for programs without an event loop."""
    refusal = _refusal(text, filename)
    return [refusal] if refusal else check_now(icarus, text, filename, others, timeout_s)


def _refusal(text: str, filename: str) -> Message | None:
    # A macro can put a directive together from the word and a backtick of its own.
    suspect = re.search(r"`\s*include\b", text)
    if not suspect and "`define" in text:
        suspect = re.search(r"\binclude\b|`\s*/[/*]", text)
    if suspect is None:
        return None
    line = text.count("\n", 0, suspect.start()) + 1
    return Message(filename, line, "error", "`include is not compiled in text that a model wrote")


class _Run:
    """One call: its command line, its input, and the names iverilog knows the texts by."""

    def __init__(
        self,
        icarus: Icarus,
        text: str,
        filename: str,
        others: Sequence[Path],
        unsaved: Mapping[Path, str],
    ) -> None:
        self.filename = filename
        self.folder = Path(filename).absolute().parent
        saved = [str(path.absolute()) for path in others if path not in unsaved]
        edited = [path for path in others if path in unsaved]
        self.names = {filename: filename} | {
            f"unsaved-{number}": str(path) for number, path in enumerate(edited)
        }
        parts = [text] + [
            f'\n`line 1 "{name}" 0\n{unsaved[path]}'
            for name, path in zip(list(self.names)[1:], edited, strict=True)
        ]
        self.text = "".join(parts)
        suffixes = {Path(name).suffix for name in (filename, *map(str, others))}
        system_verilog = suffixes & set(SYSTEM_VERILOG_SUFFIXES) or needs_system_verilog(text)
        folders = [self.folder, *(path.absolute().parent for path in others)]
        self.command = [
            icarus.path,
            *("-t", "null", "-Wall", "-Wno-timescale"),
            # A plain .v is compiled as Verilog-2005, as by iverilog itself: SystemVerilog would take
            # `bit` for a keyword and let an assign drive a reg.
            "-g2012" if system_verilog else "-g2005",
            *(f"-I{_absolute(folder)}" for folder in [folders[0], *icarus.include_dirs]),
            *(f"-I{folder}" for folder in dict.fromkeys(folders[1:])),
            *(f"-D{define}" for define in icarus.defines),
            *(f"-y{_absolute(folder)}" for folder in icarus.library_dirs),
            *icarus.arguments,
            *(_STDIN, *saved, *map(_absolute, icarus.library_files)),
        ]

    @contextlib.contextmanager
    def files(self) -> Iterator[_Files]:
        """The standard input and output. Files, not pipes: nothing can block, nothing fills up
        memory, and they have no name that could be left behind."""
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as said:
            source.write(self.text.encode("utf-8", "replace"))
            source.seek(0)
            yield _Files(source, said)

    def options(self, files: _Files) -> dict[str, Any]:
        return {
            "stdin": files.source,
            "stdout": files.said,
            "stderr": files.said,
            "cwd": self.folder if self.folder.is_dir() else None,
            "start_new_session": True,  # a group of its own, so that its children are killed too
        }

    def too_long(self, timeout_s: float) -> Message:
        text = f"not checked: iverilog took longer than {timeout_s:g} s and was stopped"
        return Message(self.filename, 1, "warning", text)

    def messages(self, files: _Files, status: int | None) -> list[Message]:
        files.said.seek(0)
        output = files.said.read(MAX_OUTPUT).decode("utf-8", "replace")
        found = parse(output.replace(_STDIN, self.filename), self.filename)
        if not output and status:
            text = f"iverilog failed without a message (exit status {status})"
            found = [Message(self.filename, 1, "error", text)]
        return [replace(message, file=self._name(message.file)) for message in found]

    def _name(self, file: str) -> str:
        return self.names.get(file) or os.path.normpath(self.folder / file)


@dataclass(frozen=True)
class _Files:
    source: IO[bytes]
    said: IO[bytes]


_STDIN = "/dev/stdin"  # iverilog takes no `-`
_LOCATED = re.compile(r"(?P<file>.+?):(?P<line>\d+): ?(?P<text>.*)")
_CONTINUED = re.compile(r"\s+: ?(?P<text>.*)")
_SEVERITY = re.compile(r"(?P<severity>warning|error|sorry|internal error): ?")
# Sums and sighs. A file without a top level module, such as one of macros, has nothing wrong.
_NO_NEWS = re.compile(r"No top level modules|\d+ error\(s\) during|I give up|\*\*\*|\s")


def parse(output: str, filename: str) -> list[Message]:
    """The messages in iverilog's `output`, each once, continuation lines folded in.

    Lines without a place are kept only if nothing else was said, as an error at the first line of
    `filename`.
    """
    found: list[Message] = []
    unlocated = []
    for line in output.splitlines():
        located = _LOCATED.fullmatch(line)
        if not located:
            if line and not _NO_NEWS.match(line):
                unlocated.append(line)
            continue
        text = located["text"]
        continued = _CONTINUED.fullmatch(text)
        if continued and found:
            found[-1] = replace(found[-1], text=f"{found[-1].text}\n{continued['text']}")
            continue
        severity = _SEVERITY.match(text)
        # `sorry` is a limit of iverilog, not a mistake of the user's: it keeps the word.
        kind = severity["severity"] if severity else "error"
        if severity and kind != "sorry":
            text = text[severity.end() :]
        level = "warning" if kind in ("warning", "sorry") else "error"
        found.append(Message(located["file"], int(located["line"]), level, text))
    if not found and unlocated:
        found = [Message(filename, 1, "error", "\n".join(unlocated))]
    return list(dict.fromkeys(found))


def _absolute(path: str | Path) -> str:
    return str(Path(path).absolute())


def _limit_memory(pid: int) -> None:
    """Keep a loop that generates without end from filling the memory before the time is up. Only
    Linux can limit a process from outside; what iverilog starts inherits it."""
    if sys.platform == "linux":
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _missing(icarus: Icarus, error: OSError) -> str:
    return (
        f"Icarus Verilog can't be started ({icarus.path}: {error.strerror}). Install it, for example "
        "with `apt-get install iverilog` or `brew install icarus-verilog`, or set "
        "verifrag.iverilog.path to the program."
    )
