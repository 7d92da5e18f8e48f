"""Live diagnostics: what iverilog says about the unsaved text, put where the user looks for it.

`to_diagnostics` is pure: messages in, diagnostics out. `Diagnoser` decides when to check and what may
be published. Icarus knows lines only; columns are found by the names its messages quote, and for
syntax errors by slang, which also takes over (source `slang`) where iverilog is missing.
"""

from __future__ import annotations

import asyncio
import logging
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types

from engine.verilog.icarus import Icarus, IcarusMissing, Message, check
from engine.verilog.syntax import SyntaxProblem, modules, problems
from lsp_server.settings import Settings
from lsp_server.workspace import INCLUDE, Index

logger = logging.getLogger(__name__)

TIME_LIMIT = 10.0  # seconds for one run of iverilog
LARGE = 2_000_000  # characters; a document of that size is checked only after a longer pause
LARGE_DELAY = 2.0  # seconds
IGNORE_MISSING = "-i"  # iverilog's switch to be silent about unknown modules
STATEMENT_LINES = 50  # how far below the line that iverilog names its token is searched

T = TypeVar("T")

Encode = Callable[[str, int], int]
"""The column `column` (in characters) of a line, in the units agreed on with the client."""


@dataclass(frozen=True)
class Snapshot:
    """An open document at one moment."""

    text: str
    version: int | None
    path: Path
    encode: Encode


class Diagnoser:
    """Checks documents when they rest, and publishes what was found.

    A newer `check` of a document cancels the older one, whose iverilog is killed; so at any time one
    run a document may publish. `get` returns None for a document that is not open. `notify` tells the
    user, once, that iverilog can't be started. Belongs to one event loop.
    """

    def __init__(
        self,
        get: Callable[[str], Snapshot | None],
        publish: Callable[[str, int | None, list[types.Diagnostic]], None],
        notify: Callable[[str], None],
        settings: Callable[[], Settings],
        icarus: Callable[[], Icarus],
        index: Index,
    ) -> None:
        self._get = get
        self._publish = publish
        self._notify = notify
        self._settings = settings
        self._icarus = icarus
        self._index = index
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._told = ""
        # Parsing a large file takes a while: one at a time, so that nothing piles up.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="diagnostics")

    def check(self, uri: str) -> None:
        """Check the document once it has rested; called at every change."""
        self._cancel(uri)
        run = asyncio.create_task(self._run(uri))
        self._runs[uri] = run
        run.add_done_callback(lambda done: self._finished(uri, done))

    def close(self, uri: str) -> None:
        """The document was closed: nothing more is said about it."""
        self._cancel(uri)
        self._publish(uri, None, [])

    def stop(self) -> None:
        """End every run."""
        for uri in list(self._runs):
            self._cancel(uri)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _cancel(self, uri: str) -> None:
        run = self._runs.pop(uri, None)
        if run is not None:
            run.cancel()

    def _finished(self, uri: str, run: asyncio.Task[None]) -> None:
        if self._runs.get(uri) is run:
            del self._runs[uri]
        if not run.cancelled() and run.exception() is not None:
            logger.error("checking %s failed", uri, exc_info=run.exception())

    async def _run(self, uri: str) -> None:
        document = self._get(uri)
        large = document is not None and len(document.text) > LARGE
        delay = self._settings().diagnostics_delay / 1000
        await asyncio.sleep(max(delay, LARGE_DELAY) if large else delay)
        document = self._get(uri)
        if document is None:
            return
        found = await self._diagnose(document) if self._settings().diagnostics_enabled else []
        self._publish(uri, document.version, found)

    async def _diagnose(self, document: Snapshot) -> list[types.Diagnostic]:
        if "\0" in document.text:
            return [_not_text(document)]
        if not await self._threaded(_stands_alone, document.text, document.path):
            return []
        try:
            messages = await self._messages(document)
        except IcarusMissing as error:
            if self._told != str(error):
                self._told = str(error)
                self._notify(f"{error} Until then only syntax errors are shown.")
            return await self._threaded(syntax_diagnostics, document.text, document.encode)
        return await self._threaded(
            to_diagnostics, messages, document.text, document.path, document.encode
        )

    async def _messages(self, document: Snapshot) -> list[Message]:
        """What iverilog says about the document, compiled along with what it needs."""
        text, path = document.text, document.path
        icarus = self._icarus()
        libraries = [Path(library) for library in icarus.library_files]
        folders = await self._threaded(self._index.include_folders, text, path)
        icarus = replace(icarus, include_dirs=(*icarus.include_dirs, *map(str, folders)))
        wanted: set[str] = set()
        while True:
            others = await self._threaded(self._index.dependencies, text, path, libraries, wanted)
            unsaved = self._index.unsaved(others)
            messages = await check(icarus, text, str(path), others, TIME_LIMIT, unsaved)
            # The index, which opens no include, may have missed an instance within an `ifdef.
            missing = {found[1] for one in messages if (found := _UNKNOWN_MODULE.match(one.text))}
            if wanted >= missing.intersection(self._index.names()):
                break
            wanted |= missing
        errors = [message for message in messages if message.severity == "error"]
        if not (others or libraries) or not errors or any(one.file == str(path) for one in errors):
            return messages
        # An error elsewhere can keep iverilog from looking at this file: look at it alone.
        logger.info("%s is checked alone, because of %s", path, errors[0])
        alone = replace(icarus, library_files=(), arguments=(*icarus.arguments, IGNORE_MISSING))
        return await check(alone, text, str(path), (), TIME_LIMIT)

    async def _threaded(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)


def to_diagnostics(
    messages: Sequence[Message], text: str, path: Path, encode: Encode
) -> list[types.Diagnostic]:
    """The diagnostics of the document `path`, which holds `text`, from iverilog's messages.

    Of messages about other files only errors in a file that this one includes are kept, one for each
    `include. After a syntax error warnings are left out, as the error may be their only cause; so is
    what merely follows from another message of the same line. What falls on the same place becomes
    one diagnostic.
    """
    page = _Page(text, encode)
    own = [message for message in messages if message.file == str(path)]
    if any(message.text == SYNTAX_ERROR for message in own):
        own = [message for message in own if message.severity == "error"]
    own = [message for message in own if not _follows(message, own)]
    placed = [page.place(message) for message in own]
    placed += page.earlier_problems(placed)
    placed += page.included([message for message in messages if message.file != str(path)])
    merged: dict[tuple[int, int], _Placed] = {}
    for one in placed:
        before = merged.get((one.start, one.end))
        merged[one.start, one.end] = before.joined(one) if before else one
    return [page.diagnostic(one, "iverilog") for one in sorted(merged.values(), key=_by_place)]


def _follows(message: Message, all_of_them: Sequence[Message]) -> bool:
    """Whether `message` only says that something cannot be elaborated, and another says why."""
    return message.text.startswith("Unable to elaborate") and any(
        other.line == message.line and not other.text.startswith("Unable to elaborate")
        for other in all_of_them
    )


def syntax_diagnostics(text: str, encode: Encode) -> list[types.Diagnostic]:
    """slang's syntax errors, for when there is no iverilog to ask."""
    page = _Page(text, encode)
    return [page.diagnostic(page.syntax(problem), "slang") for problem in problems(text)]


SYNTAX_ERROR = "syntax error"

_UNKNOWN_MODULE = re.compile(r"Unknown module type: (\S+)")
_LINE_END = re.compile(r"\r\n|\n|\r")
_MISSING_INCLUDE = re.compile(r"Include file (.+) not found")
_NAMED = re.compile(
    r"`+([^`']+)'+"  # `foo', ``foo''
    r"|'([^']+)'"
    r"|: ([A-Za-z_][\w$.]*)\.?$"  # Unknown module type: foo
    r"|\b(?:parameter|reg|variable|module|task|function) ([A-Za-z_][\w$]*)\b"
)
_NO_CODE = re.compile(r'//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\\n])*"', re.DOTALL)


@dataclass(frozen=True)
class _Placed:
    """A message and the part of the text that it is about."""

    start: int
    end: int
    severity: str
    text: str

    def joined(self, other: _Placed) -> _Placed:
        severity = min(self.severity, other.severity)  # "error" comes before "warning"
        lines = dict.fromkeys([*self.text.splitlines(), *other.text.splitlines()])
        return replace(self, severity=severity, text="\n".join(lines))


def _by_place(placed: _Placed) -> tuple[int, int]:
    return placed.start, placed.end


class _Page:
    """A text by lines, and what is found in it."""

    def __init__(self, text: str, encode: Encode) -> None:
        self.text = text
        self.encode = encode
        self.starts = [0, *(end.end() for end in _LINE_END.finditer(text))]
        self.code = _NO_CODE.sub(lambda match: re.sub(r"[^\r\n]", " ", match.group()), text)
        self.problems: list[SyntaxProblem] | None = None

    def place(self, message: Message) -> _Placed:
        """Find what a message of this file is about."""
        number = min(max(message.line, 1), len(self.starts)) - 1
        if message.text == SYNTAX_ERROR:
            problem = self._problem_at(number)
            if problem is not None:
                return replace(self.syntax(problem), text=f"{SYNTAX_ERROR}: {problem.message}")
        missing = _MISSING_INCLUDE.match(message.text)
        if missing:
            found = self._include(missing[1], number)
        else:
            found = self._token(message.text.splitlines()[0], number)
        start, end = found or self._line(number)
        return _Placed(start, end, message.severity, message.text)

    def earlier_problems(self, placed: Sequence[_Placed]) -> list[_Placed]:
        """slang's problems before iverilog's first syntax error: likely what it stumbled over."""
        errors = [one.start for one in placed if one.text.startswith(SYNTAX_ERROR)]
        if not errors or self.problems is None:
            return []
        earlier = [problem for problem in self.problems if problem.offset < min(errors)]
        return [
            replace(self.syntax(problem), text=f"{SYNTAX_ERROR}: {problem.message}")
            for problem in earlier
        ]

    def included(self, messages: Sequence[Message]) -> Iterator[_Placed]:
        """The first error in each file that is included here, at the `include."""
        errors = [message for message in messages if message.severity == "error"]
        for directive in INCLUDE.finditer(self.text):
            name = Path(directive[1]).name
            error = next((one for one in errors if Path(one.file).name == name), None)
            if error is not None:
                text = f"in {error.file}, line {error.line}: {error.text}"
                yield _Placed(*directive.span(1), "error", text)

    def syntax(self, problem: SyntaxProblem) -> _Placed:
        """A problem of slang's; one without an extent covers the word there or the one before."""
        start, end = problem.offset, problem.end
        if start == end:
            word = re.compile(r"[\w$]+|\S").match(self.text, start)
            start_of_line = self.starts[bisect_right(self.starts, start) - 1]
            before = re.search(r"(?:[\w$]+|[^\w\s])$", self.text[start_of_line:start].rstrip())
            if word:
                start, end = word.span()
            elif before:
                start, end = start_of_line + before.start(), start_of_line + before.end()
        return _Placed(start, end, "error", problem.message)

    def diagnostic(self, placed: _Placed, source: str) -> types.Diagnostic:
        severity = types.DiagnosticSeverity
        return types.Diagnostic(
            range=types.Range(self._position(placed.start), self._position(placed.end)),
            severity=severity.Error if placed.severity == "error" else severity.Warning,
            source=source,
            message=placed.text,
        )

    def _position(self, offset: int) -> types.Position:
        number = bisect_right(self.starts, offset) - 1
        start = self.starts[number]
        line = self.text[start : self._stop(number)]
        return types.Position(number, self.encode(line, min(offset - start, len(line))))

    def _stop(self, number: int) -> int:
        """Where line `number` ends, its line end not counted."""
        if number + 1 == len(self.starts):
            return len(self.text)
        return self.starts[number] + len(
            self.text[self.starts[number] : self.starts[number + 1]].rstrip("\r\n")
        )

    def _line(self, number: int) -> tuple[int, int]:
        """Line `number` from its first to its last character that is not blank."""
        start, stop = self.starts[number], self._stop(number)
        line = self.text[start:stop]
        return start + len(line) - len(line.lstrip()), start + len(line.rstrip())

    def _token(self, message: str, number: int) -> tuple[int, int] | None:
        """The first name of `message` that the statement at line `number` has, its last part where it
        is a path through the hierarchy."""
        start = self.starts[number]
        last = min(number + STATEMENT_LINES, len(self.starts) - 1)
        semicolon = self.code.find(";", self._stop(number), self._stop(last))
        stop = self._stop(number) if semicolon < 0 else semicolon
        for names in _NAMED.findall(message):
            name = next(filter(None, names)).rpartition(".")[2]
            found = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])").search(
                self.code, start, stop
            )
            if found:
                return found.span()
        return None

    def _include(self, name: str, number: int) -> tuple[int, int] | None:
        """The `include of `name` at line `number` or before: iverilog reports one line late."""
        named = [
            one for one in INCLUDE.finditer(self.text, 0, self._stop(number)) if one[1] == name
        ]
        return named[-1].span(1) if named else None

    def _problem_at(self, number: int) -> SyntaxProblem | None:
        """The syntax problem behind the `syntax error` that iverilog reports at line `number`: the
        last one up to there with no line of code after it, as iverilog notices an error only at the
        next token."""
        if self.problems is None:
            self.problems = problems(self.text)
        index = bisect_right(self.problems, self._stop(number), key=lambda one: one.offset) - 1
        if index < 0:
            return None
        problem = self.problems[index]
        line = bisect_right(self.starts, problem.offset) - 1
        between = self.code[self._stop(line) : self.starts[number]] if line < number else ""
        return None if between.strip() else problem


def _stands_alone(text: str, path: Path) -> bool:
    """Whether a file can be checked by itself: a header without a module is part of other files."""
    return path.suffix not in (".vh", ".svh") or bool(modules(text))


def _not_text(document: Snapshot) -> types.Diagnostic:
    page = _Page(document.text[: document.text.index("\0")], document.encode)
    text = "this is not text (it has NUL characters), so it is not checked"
    return page.diagnostic(_Placed(len(page.text), len(page.text), "warning", text), "verifrag")
