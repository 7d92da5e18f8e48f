"""Compile Verilog with Icarus: the one place that starts iverilog.

Texts are given to it in a private folder (`overlay`); nothing is ever written next to the user's files.
Only `-t null` is used: the design is elaborated, no code is generated and nothing is simulated.

iverilog's preprocessor opens whatever file an `include names, absolute paths too. For a user's own
buffer that is right; text that a model wrote goes through `check_untrusted`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from engine.verilog import tools
from engine.verilog.overlay import Overlay
from engine.verilog.reading import needs_system_verilog

SYSTEM_VERILOG_SUFFIXES = (".sv", ".svh")
SYSTEM_VERILOG = ("2005-sv", "2009", "2012")


class IcarusMissing(Exception):  # noqa: N818 - a state of the machine more than an error
    """iverilog can't be started; the message says what to install or which setting to correct."""


@dataclass(frozen=True)
class Icarus:
    """How to call iverilog. Paths are absolute or relative to the working directory.

    `standard` is `1995` to `2012`, or empty to choose by suffix and text. `library_extensions` are the
    suffixes of files in `library_dirs`, `.v` and `.sv` where there are none.
    """

    path: str = "iverilog"
    include_dirs: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    library_files: tuple[str, ...] = ()
    library_dirs: tuple[str, ...] = ()
    library_extensions: tuple[str, ...] = ()
    top: tuple[str, ...] = ()
    standard: str = ""
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Related:
    """A place that a message points to, such as an earlier declaration, and what is there."""

    file: str
    line: int
    text: str


@dataclass(frozen=True)
class Message:
    """One thing a tool says. `line` and `column` count from 1, an unknown column is 0; `file` is a name
    as it was given to `check`, or for another file its path, absolute where `filename` is. `code` is
    the tool's own name for the kind of message, if it has one."""

    file: str
    line: int
    severity: Literal["error", "warning"]
    text: str
    related: tuple[Related, ...] = ()
    column: int = 0
    code: str = ""


async def check(
    icarus: Icarus,
    text: str,
    filename: str,
    others: Sequence[Path] = (),
    timeout_s: float = 10,
    unsaved: Mapping[Path, str] | None = None,
    before: Sequence[Path] = (),
) -> list[Message]:
    """What iverilog says about `text`, the content of `filename`, compiled after the files `before` and
    before `others`.

    `unsaved` is the text to use instead of the file for those files, and files included by any, that
    are being edited. What takes longer than `timeout_s` seconds is stopped, with a message that says
    so. Cancelling kills iverilog. Raises IcarusMissing.
    """
    # Writing and reading a large text would hold up the event loop.
    run = await asyncio.to_thread(_Run, icarus, text, filename, others, unsaved or {}, before)
    try:
        outcome = await tools.run(run.command, run.folder, timeout_s)
    except OSError as error:
        raise IcarusMissing(_missing(icarus, error)) from error
    finally:
        run.overlay.close()
    return run.messages(outcome, timeout_s)


def check_now(
    icarus: Icarus,
    text: str,
    filename: str,
    others: Sequence[Path] = (),
    timeout_s: float = 10,
    unsaved: Mapping[Path, str] | None = None,
    before: Sequence[Path] = (),
) -> list[Message]:
    """`check` for programs without an event loop."""
    run = _Run(icarus, text, filename, others, unsaved or {}, before)
    try:
        outcome = tools.run_now(run.command, run.folder, timeout_s)
    except OSError as error:
        raise IcarusMissing(_missing(icarus, error)) from error
    finally:
        run.overlay.close()
    return run.messages(outcome, timeout_s)


async def check_untrusted(
    icarus: Icarus,
    text: str,
    filename: str,
    others: Sequence[Path] = (),
    timeout_s: float = 10,
    unsaved: Mapping[Path, str] | None = None,
    before: Sequence[Path] = (),
) -> list[Message]:
    """`check` for text that a model wrote: with an `include, or what might become one, it is not
    compiled and the only message says why."""
    refusal = _refusal(text, filename)
    if refusal:
        return [refusal]
    return await check(icarus, text, filename, others, timeout_s, unsaved, before)


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
    """One call: its command line, the folder it runs in, and the texts it is given."""

    def __init__(
        self,
        icarus: Icarus,
        text: str,
        filename: str,
        others: Sequence[Path],
        unsaved: Mapping[Path, str],
        before: Sequence[Path],
    ) -> None:
        self.filename = filename
        self.path = Path(filename).absolute()
        self.overlay = Overlay({**_absolutes(unsaved), self.path: text})
        first, last = [list(map(Path.absolute, files)) for files in (before, others)]
        libraries = [Path(file).absolute() for file in icarus.library_files]
        folders = [self.path.parent, *map(Path, icarus.include_dirs)]
        folders += [path.parent for path in (*first, *last)]
        extensions = icarus.library_extensions or (".v", ".sv")
        # Searched first for an `include, as the folder of the text is.
        self.folder = self.overlay.mirrored(self.path.parent)
        self.command = [
            icarus.path,
            *("-t", "null", "-Wall", "-Wno-timescale"),
            f"-g{_standard(icarus, text, [self.path, *first, *last])}",
            *(f"-I{folder}" for folder in self.overlay.search(map(Path.absolute, folders))),
            *(f"-D{define}" for define in icarus.defines),
            *(f"-Y{extension}" for extension in extensions if icarus.library_dirs),
            *(f"-y{folder}" for folder in self.overlay.search(_paths(icarus.library_dirs))),
            *(argument for file in libraries for argument in ("-l", str(self.overlay.file(file)))),
            *(f"-s{module}" for module in icarus.top),
            *icarus.arguments,
            *(str(self.overlay.file(file)) for file in (*first, self.path, *last)),
        ]

    def messages(self, outcome: tools.Outcome, timeout_s: float) -> list[Message]:
        if outcome.status is None:
            text = f"not checked: iverilog took longer than {timeout_s:g} s and was stopped"
            return [Message(self.filename, 1, "warning", text)]
        output = self.overlay.real(outcome.output)
        if not output and outcome.status:
            text = f"iverilog failed without a message (exit status {outcome.status})"
            return [Message(self.filename, 1, "error", text)]
        found = parse(output, self.filename)
        return list(dict.fromkeys(self._named(message) for message in found))

    def _named(self, message: Message) -> Message:
        related = tuple(replace(one, file=self._name(one.file)) for one in message.related)
        return replace(message, file=self._name(message.file), related=related)

    def _name(self, file: str) -> str:
        found = os.path.normpath(self.path.parent / file)
        return self.filename if found == str(self.path) else found


def _standard(icarus: Icarus, text: str, files: Sequence[Path]) -> str:
    """The standard to compile by. A plain .v is compiled as Verilog-2005, as by iverilog itself:
    SystemVerilog would take `bit` for a keyword and let an assign drive a reg."""
    if any(file.suffix in SYSTEM_VERILOG_SUFFIXES for file in files):
        return icarus.standard if icarus.standard in SYSTEM_VERILOG else "2012"
    return icarus.standard or ("2012" if needs_system_verilog(text) else "2005")


def _paths(texts: Sequence[str]) -> list[Path]:
    return [Path(text).absolute() for text in texts]


def _absolutes(unsaved: Mapping[Path, str]) -> dict[Path, str]:
    return {path.absolute(): text for path, text in unsaved.items()}


_LOCATED = re.compile(r"(?P<file>.+?):(?P<line>\d+): ?(?P<text>.*)")
_CONTINUED = re.compile(r"\s+: ?(?P<text>.*)")
_SEVERITY = re.compile(r"(?P<severity>warning|error|sorry|internal error): ?")
# Sums and sighs. A file without a top level module, such as one of macros, has nothing wrong.
_NO_NEWS = re.compile(
    r"No top level modules|\d+ error\(s\) during|Elaboration failed|I give up|\*\*\*|\s"
)
# iverilog says this after it has said the same in other words.
_REPEATED = re.compile(r"Module \S+ was already declared here: ")


def parse(output: str, filename: str) -> list[Message]:
    """The messages in iverilog's `output`, each once, continuation lines folded in: those about
    another line are `related`.

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
        file, number, text = located["file"], int(located["line"]), located["text"]
        continued = _CONTINUED.fullmatch(text)
        if continued and found:
            found[-1] = _continued(found[-1], Related(file, number, continued["text"]))
        elif not _REPEATED.match(text):
            found.append(_message(file, number, text))
    if not found and unlocated:
        found = [Message(filename, 1, "error", "\n".join(unlocated))]
    return list(dict.fromkeys(found))


def _message(file: str, line: int, text: str) -> Message:
    severity = _SEVERITY.match(text)
    # `sorry` is a limit of iverilog, not a mistake of the user's: it keeps the word.
    kind = severity["severity"] if severity else "error"
    if severity and kind != "sorry":
        text = text[severity.end() :]
    return Message(file, line, "warning" if kind in ("warning", "sorry") else "error", text)


def _continued(message: Message, more: Related) -> Message:
    if (more.file, more.line) == (message.file, message.line):
        return replace(message, text=f"{message.text}\n{more.text}")
    return replace(message, related=(*message.related, more))


def _missing(icarus: Icarus, error: OSError) -> str:
    return (
        f"Icarus Verilog can't be started ({icarus.path}: {error.strerror}). Install it, for example "
        "with `apt-get install iverilog` or `brew install icarus-verilog`, or set "
        "verifrag.iverilog.path to the program."
    )
