"""Live diagnostics: what the tools say about the unsaved text, published where the user looks.

`Diagnoser` decides when to check and what may be published; `checking` asks the tools, `placing` makes
diagnostics of their answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types

from engine.verilog.filelist import Note
from engine.verilog.icarus import IcarusMissing, Message
from engine.verilog.verilator import Verilator
from lsp_server.checking import Context, Said, Unit, checked_unit, said
from lsp_server.placing import Encode, not_text, syntax_diagnostics, to_diagnostics
from lsp_server.settings import Settings

logger = logging.getLogger(__name__)

LARGE = 2_000_000  # characters; a document of that size is checked only after a longer pause
LARGE_DELAY = 2.0  # seconds
MAX_FILES = 20  # closed files that one check may say something about
MAX_SHOWN = 300  # diagnostics of one file; more would only keep the editor busy

T = TypeVar("T")
Diagnostics = list[types.Diagnostic]


@dataclass(frozen=True)
class Snapshot:
    """An open document at one moment."""

    text: str
    version: int | None
    path: Path
    encode: Encode


@dataclass(frozen=True)
class Report:
    """The result of a check: its generation, the document's own diagnostics, those of the other files
    it was compiled with, and which these are."""

    generation: int
    own: Diagnostics = field(default_factory=list)
    elsewhere: dict[Path, Diagnostics] = field(default_factory=dict)
    files: frozenset[Path] = frozenset()


class Diagnoser:
    """Checks documents when they rest, and publishes what was found.

    Every `check` of a document is a new generation of it: the older run ends, its tools are killed, and
    only the newest may publish. An open document shows what its own check found; a closed file shows
    the errors that checks of open ones met in it, until none of them does. `get` returns None for a
    document that is not open. `notify` tells the user, once, what keeps a tool from starting. Belongs
    to one event loop.
    """

    def __init__(
        self,
        get: Callable[[str], Snapshot | None],
        publish: Callable[[str, int | None, Diagnostics], None],
        notify: Callable[[str], None],
        settings: Callable[[], Settings],
        context: Callable[[Path], Context],
    ) -> None:
        self._get = get
        self._publish = publish
        self._notify = notify
        self._settings = settings
        self._context = context
        self._generation = 0
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._reports: dict[str, Report] = {}
        self._told: set[str] = set()
        # Parsing a large file takes a while: one at a time, so that nothing piles up.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="diagnostics")

    def check(self, uri: str, changed: bool = False) -> None:
        """Check the document once it has rested, and if it has `changed`, then the open documents that
        use it."""
        self._cancel(uri)
        self._generation += 1
        run = asyncio.create_task(self._run(uri, self._generation, changed))
        self._runs[uri] = run
        run.add_done_callback(lambda done: self._finished(uri, done))

    async def report(self, uri: str) -> Report:
        """The report of a document, once it and the open documents it uses have been checked."""
        while runs := self._awaited(uri):
            await asyncio.wait(runs)
        return self._reports.get(uri, Report(0))

    def _awaited(self, uri: str) -> list[asyncio.Task[None]]:
        used = self._reports.get(uri, Report(0)).files
        documents = {one: self._get(one) for one in self._runs}
        return [
            self._runs[one]
            for one, document in documents.items()
            if one == uri or (document is not None and document.path in used)
        ]

    def close(self, uri: str) -> None:
        """The document was closed: what its check found is no longer shown. Errors in it that other
        checks met are."""
        self._cancel(uri)
        gone = self._reports.pop(uri, Report(0))
        self._publish(uri, None, [])
        self._publish_closed([*gone.elsewhere, *self._met(uri)])

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

    async def _run(self, uri: str, generation: int, changed: bool) -> None:
        document = self._get(uri)
        large = document is not None and len(document.text) > LARGE
        delay = self._settings().diagnostics_delay / 1000
        await asyncio.sleep(max(delay, LARGE_DELAY) if large else delay)
        document = self._get(uri)
        if document is None:
            return
        report = Report(generation)
        if self._settings().diagnostics_enabled:
            report = await self._diagnose(document, generation)
        before = self._reports.get(uri, Report(0))
        self._reports[uri] = report
        if report.files != before.files:
            others = ", ".join(sorted(map(str, report.files - {document.path})))
            logger.info("%s is checked with %s", document.path, others or "no other file")
        self._publish(uri, document.version, report.own)
        self._publish_closed([*before.elsewhere, *report.elsewhere])
        users = [one for one, other in self._reports.items() if document.path in other.files]
        for user in users if changed else ():
            if user != uri and user not in self._runs:
                self.check(user)

    async def _diagnose(self, document: Snapshot, generation: int) -> Report:
        text, path, encode = document.text, document.path, document.encode
        if "\0" in text:
            return Report(generation, [not_text(text, path, encode)])
        now = self._settings()
        verilator = Verilator(now.verilator_path, now.verilator_arguments)
        context, unit = await self._threaded(self._prepared, document)
        notes = _noted(context.listing.notes)
        if unit is None:
            return Report(generation, [], notes)
        try:
            found = await said(unit, path, context, verilator if now.verilator_enabled else None)
        except IcarusMissing as error:
            self._tell(f"{error} Until then only syntax errors are shown.")
            own = await self._threaded(syntax_diagnostics, text, path, encode)
            return Report(generation, own, notes)
        if found.missing:
            self._tell(found.missing)
        if not now.diagnostics_warnings:
            found = _without_warnings(found)
        own, elsewhere = await self._threaded(_placed, found, document, context)
        return Report(generation, own, {**elsewhere, **notes}, unit.files)

    def _prepared(self, document: Snapshot) -> tuple[Context, Unit | None]:
        context = self._context(document.path)
        return context, checked_unit(document.text, document.path, context)

    def _met(self, uri: str) -> list[Path]:
        """The file of `uri`, if checks of others found errors in it."""
        met = (path for report in self._reports.values() for path in report.elsewhere)
        return [path for path in dict.fromkeys(met) if path.as_uri() == uri]

    def _publish_closed(self, paths: Iterable[Path]) -> None:
        """What the checks of open documents found in closed files, each thing once."""
        for path in dict.fromkeys(paths):
            uri = path.as_uri()
            if self._get(uri) is not None:
                continue
            found: Diagnostics = []
            for report in self._reports.values():
                found += [one for one in report.elsewhere.get(path, ()) if one not in found]
            self._publish(uri, None, found)

    def _tell(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self._notify(message)

    async def _threaded(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)


def _placed(
    found: Said, document: Snapshot, context: Context
) -> tuple[Diagnostics, dict[Path, Diagnostics]]:
    """The diagnostics of a document and of other files."""
    text, path, encode = document.text, document.path, document.encode
    linted = _not_said(found.verilator, found.icarus)
    own = to_diagnostics(found.icarus, text, path, encode)
    own += to_diagnostics(linted, text, path, encode, "verilator")
    return _bounded(own), _others(found.icarus, document, context)


def _others(
    messages: Sequence[Message], document: Snapshot, context: Context
) -> dict[Path, Diagnostics]:
    """The errors in other files that are on disk, each where it is."""
    own = str(document.path)
    wrong = [one for one in messages if one.severity == "error" and one.file != own]
    files = [Path(file) for file in dict.fromkeys(one.file for one in wrong)]
    return {
        file: _bounded(to_diagnostics(wrong, context.index.text(file), file, document.encode))
        for file in files[:MAX_FILES]
        if file.is_file()
    }


def _bounded(found: Diagnostics) -> Diagnostics:
    """The first `MAX_SHOWN` of `found`, errors before all others; the last one says how many more there
    are."""
    if len(found) <= MAX_SHOWN:
        return found
    found = sorted(found, key=lambda one: (one.severity, one.range.start))
    *shown, last = found[:MAX_SHOWN]
    more = f"{len(found) - len(shown)} more problems follow and are not shown"
    return [*shown, types.Diagnostic(last.range, more, last.severity, "more", source="verifrag")]


def _without_warnings(found: Said) -> Said:
    def errors(messages: Sequence[Message]) -> list[Message]:
        return [one for one in messages if one.severity == "error"]

    return replace(found, icarus=errors(found.icarus), verilator=errors(found.verilator))


def _not_said(linted: Sequence[Message], compiled: Sequence[Message]) -> list[Message]:
    """Verilator's messages, without errors in lines where iverilog has found one."""
    known = {(one.file, one.line) for one in compiled if one.severity == "error"}
    return [one for one in linted if one.severity == "warning" or (one.file, one.line) not in known]


def _noted(notes: Iterable[Note]) -> dict[Path, Diagnostics]:
    """What is wrong in project files, on them."""
    found: dict[Path, Diagnostics] = {}
    for note in notes:
        place = types.Range(types.Position(note.line - 1, 0), types.Position(note.line, 0))
        one = types.Diagnostic(
            place, note.text, types.DiagnosticSeverity.Warning, "project-file", source="verifrag"
        )
        found.setdefault(note.file, []).append(one)
    return found
