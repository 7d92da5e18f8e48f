"""What the handlers share: settings, open documents, index, engine, offers and requests in flight.

Nothing here blocks the event loop: the engine and iverilog are processes, the index and the store
run on threads.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Coroutine, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from engine import model_store
from engine.api import DEFAULT_WINDOW, EngineError
from engine.client import EngineClient, EngineState
from engine.links import Limits
from engine.verilog import overlay
from engine.verilog.icarus import IcarusMissing, check_untrusted
from lsp_server import __version__, capabilities
from lsp_server import prompt as prompts
from lsp_server import state as states
from lsp_server.checking import Context, configured, set_up, unit
from lsp_server.diagnostics import Diagnoser, Snapshot
from lsp_server.hints import Hints
from lsp_server.latest import Latest
from lsp_server.model_watch import ModelWatch
from lsp_server.placing import in_words
from lsp_server.positions import Document
from lsp_server.progress import NoAnswerError, Report, ask, nobody, work_done
from lsp_server.project import WATCHED as WATCHED_PROJECTS
from lsp_server.project import Projects
from lsp_server.scanning import Scans
from lsp_server.settings import SECTION, Settings, chosen, parse
from lsp_server.settings_carried import SECTION as CARRIED
from lsp_server.workspace import Index

logger = logging.getLogger(__name__)
engine_logger = logging.getLogger("engine.process")

# For tests: a JSON list, the command of a stand-in for the engine process.
ENGINE_COMMAND = "VERIFRAG_ENGINE_COMMAND"
WATCHED = "**/*.{v,vh,sv,svh}"
EDITED = ("file", "untitled")  # the schemes of uris whose documents are edited


class VerifragServer(LanguageServer):
    """The server of one client, for the life of the process."""

    def __init__(self) -> None:
        super().__init__("verifrag", __version__)
        command = os.environ.get(ENGINE_COMMAND)
        self.settings = Settings()
        self.index = Index(self._include_dirs)
        self.scans = Scans(self, self.index)
        self.projects = Projects()
        self.diagnoser = Diagnoser(
            get=self._snapshot,
            publish=self._publish,
            notify=self.tell,
            settings=lambda: self.settings,
            context=self.context,
        )
        self.hints = Hints(self)
        self.generations = Latest()
        self.engine = EngineClient(
            model_store.resolve(""),
            command=json.loads(command) if command else None,
            on_state=self._engine_changed,
            on_log=engine_logger.info,
            version=__version__,
        )
        self.initial_options: Any = None
        self._told_problems: list[str] = []
        self._wanted_model: str | None = None
        self._has_served = False
        self._model_watch: ModelWatch | None = None
        self._report_load: Report = nobody
        self._background: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Everything that takes time and that `initialize` must not wait for."""
        self._model_watch = ModelWatch(self._model_published)
        self._model_watch.start()
        self._register()
        await asyncio.to_thread(overlay.sweep)
        await self.settings_changed(self.initial_options)
        await self.scan()

    async def scan(self) -> None:
        """Index the workspace folders, then check what is open against them."""
        now = self.settings
        await self.scans.run(self.folders(), now.index_exclude, now.index_max_files)
        self.check_all()

    def _register(self) -> None:
        """Ask to be told of changed files and settings, where that can be asked for."""
        workspace = self.client_capabilities.workspace or types.WorkspaceClientCapabilities()
        wanted: list[types.Registration] = []
        watched, configured = workspace.did_change_watched_files, workspace.did_change_configuration
        if watched and watched.dynamic_registration:
            options = types.DidChangeWatchedFilesRegistrationOptions(
                [types.FileSystemWatcher(WATCHED), types.FileSystemWatcher(WATCHED_PROJECTS)]
            )
            method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
            wanted.append(types.Registration("watched-files", method, options))
        if configured and configured.dynamic_registration:
            section = types.DidChangeConfigurationRegistrationOptions(SECTION)
            method = types.WORKSPACE_DID_CHANGE_CONFIGURATION
            wanted.append(types.Registration("configuration", method, section))
        if wanted:
            self.client_register_capability(types.RegistrationParams(wanted))

    async def close(self) -> None:
        """End the engine process and everything in flight."""
        if self._model_watch is not None:
            self._model_watch.stop()
        self.diagnoser.stop()
        self.scans.stop()
        for task in self._background:
            task.cancel()
        await self.engine.stop()

    def tell(self, message: str, kind: types.MessageType = types.MessageType.Error) -> None:
        """Show the user a message: only for what they must know."""
        logger.info("told the user: %s", message)
        self.window_show_message(types.ShowMessageParams(kind, f"Verifrag: {message}"))

    def report_server_error(self, error: Exception, source: type[Exception]) -> None:
        """Internal errors are for the log; pygls would show each of them to the user."""
        logger.error("%s: %s", source.__name__, error)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run `work` in the background; a failure is logged."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("a background task failed", exc_info=task.exception())

    # -- documents and modules -----------------------------------------------------------------

    def documents(self) -> list[Document]:
        """The open documents, but for those that are no file's text as it is edited: what `git:` names
        is an old version, shown for comparison."""
        opened = self.workspace.text_documents.values()
        return [one for one in opened if _is_edited(one.uri)]

    def document(self, uri: str) -> Document | None:
        """The one of `documents` called `uri`, or None."""
        found = self.workspace.text_documents.get(unquote(uri))
        return found if _is_edited(uri) else None

    def folders(self) -> list[Path]:
        """The workspace folders on this machine."""
        uris = list(self.workspace.folders) or [self.workspace.root_uri or ""]
        return [Path(path) for uri in uris if (path := to_fs_path(uri))]

    def _snapshot(self, uri: str) -> Snapshot | None:
        document = self.document(uri)
        if document is None:
            return None
        index = document.index
        return Snapshot(
            text=document.source,
            version=document.version,
            path=Path(document.path).absolute(),
            encode=lambda line, column: index.units(line[:column]),
        )

    def _publish(self, uri: str, version: int | None, diagnostics: list[types.Diagnostic]) -> None:
        """Show diagnostics of a document that is open, at `version`, or of a closed file. Where the
        client asks for those of open documents, they are not sent a second time."""
        if version is not None and capabilities.pulls_diagnostics(self.client_capabilities):
            diagnostics = []
        elif not capabilities.shows_related(self.client_capabilities):
            diagnostics = list(map(in_words, diagnostics))
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri, diagnostics, version)
        )

    def document_changed(self, uri: str) -> None:
        """A document was opened or changed: index and check it."""
        document = self.document(uri)
        if document is None:
            return
        self.hints.changed(uri, document.source)
        self.index.update(Path(document.path), document.source)
        if self.scans.finished:  # before, modules of other files would seem unknown
            self.diagnoser.check(uri, changed=True)

    def document_closed(self, uri: str) -> None:
        """A document was closed: end its requests, and let the file on disk count again."""
        if not _is_edited(uri):
            return
        self.hints.closed(uri)
        self.generations.cancel(uri)
        if path := to_fs_path(uri):
            self.index.close(Path(path))
        self.diagnoser.close(uri)

    async def files_changed(self, changes: Sequence[types.FileEvent]) -> None:
        """Files changed on disk: index them and check what may depend on them."""
        for change in changes:
            if path := to_fs_path(change.uri):
                await asyncio.to_thread(self.index.refresh, Path(path))
        self.projects.forget()
        self.check_all()

    def header_lookup(self) -> prompts.Header:
        """The headers of the modules that there are now."""

        @cache
        def known() -> set[str]:  # asked for on a thread: the index may have to parse
            return set(self.index.names())

        return lambda name: self.index.header(name) if name in known() else None

    async def compile_error(self, uri: str, text: str, lines: range | None = None) -> str | None:
        """Why iverilog refuses `text`, written by the model for the document `uri`; None where it
        compiles, or where there is no iverilog to ask. With `lines`, only errors there count."""
        path = Path(self.document(uri).path)
        context = await asyncio.to_thread(self.context, path)
        given = await asyncio.to_thread(unit, text, path, context)
        try:
            messages = await check_untrusted(
                given.icarus,
                text,
                str(path),
                given.others,
                unsaved=given.unsaved,
                before=given.before,
            )
        except IcarusMissing as error:
            logger.warning("a generated module was only parsed: %s", error)
            return None
        errors = (message for message in messages if message.severity == "error")
        if lines is not None:
            errors = (one for one in errors if one.file == str(path) and one.line in lines)
        return next((message.text for message in errors), None)

    def context(self, path: Path) -> Context:
        """What `path` is checked with, by the settings and its project. Reads files."""
        listing = self.projects.find(path, self.folders(), self.settings.project_file_lists)
        root = next(iter(self.folders()), Path.cwd())
        return Context(self.index, set_up(self.settings, root), listing)

    def _include_dirs(self, path: Path) -> list[Path]:
        context = self.context(path)
        return list(map(Path, configured(context.icarus, context.listing).include_dirs))

    def check_all(self) -> None:
        """Check every open document again, once the index knows the workspace."""
        if not self.scans.finished:
            return
        for document in self.documents():
            self.diagnoser.check(document.uri)
        if capabilities.pulls_diagnostics(self.client_capabilities):
            self.workspace_diagnostic_refresh(None)

    def workspace_edit(self, edits: dict[str, list[types.TextEdit]]) -> types.WorkspaceEdit:
        """The edits of several documents, by their uris, tied to the versions of those that are open
        where the client knows versions."""
        if not capabilities.knows_versions(self.client_capabilities):
            return types.WorkspaceEdit(changes=edits)
        changes = []
        for uri, found in edits.items():
            document = self.document(uri)
            version = document.version if document else None
            identifier = types.OptionalVersionedTextDocumentIdentifier(uri, version)
            changes.append(types.TextDocumentEdit(identifier, found))
        return types.WorkspaceEdit(document_changes=changes)

    # -- settings ------------------------------------------------------------------------------

    async def settings_changed(self, sent: Any) -> None:
        """Take the client's settings: those it answers with where it can be asked, else `sent`."""
        asked = await self._ask_settings()
        before = self.settings
        ours, carried = asked or (sent, sent.get(CARRIED) if isinstance(sent, dict) else None)
        self.settings, problems = parse(ours, carried)
        if problems and problems != self._told_problems:  # clients send the same settings twice
            self.tell("\n".join(problems), types.MessageType.Warning)
        self._told_problems = problems
        if self.settings != before:
            logger.info("settings: %s", chosen(self.settings) or "the defaults")
            self.hints.start_over()
            self.check_all()
        if _indexed_by(self.settings) != _indexed_by(before):
            self.spawn(self.scan())
        self.engine.limits = Limits(
            60.0 * self.settings.engine_idle_minutes, self.settings.engine_max_memory
        )
        wanted = self.settings.model if self.settings.engine_enabled else None
        if wanted != self._wanted_model:
            self._wanted_model = wanted
            self.spawn(self._follow_model())
        states.tell(self)

    async def _ask_settings(self) -> tuple[Any, Any] | None:
        """The client's sections `verifrag` and `verilog`; None where it can't be asked."""
        if not capabilities.tells_settings(self.client_capabilities):
            return None
        items = [types.ConfigurationItem(section=section) for section in (SECTION, CARRIED)]
        request = self.workspace_configuration_async(types.ConfigurationParams(items))
        try:
            answer = await ask(request)
        except NoAnswerError as error:
            logger.warning("the editor did not tell its settings: %s", error)
            return None
        return (answer[0], answer[-1] if len(answer) > 1 else None) if answer else None

    async def _follow_model(self) -> None:
        if self._wanted_model is None:
            await self.engine.stop()
        else:
            folder = next(iter(self.folders()), Path.cwd())
            await self.load_model(model_store.resolve(self._wanted_model, folder))

    # -- the engine ----------------------------------------------------------------------------

    def engine_serves(self) -> bool:
        """Whether the engine can answer at once. One that died is started again for next time."""
        state = self.engine.state
        died = state.kind == "stopped" and self._has_served
        if died and self._wanted_model is not None:
            self.spawn(self._restart_engine())
        return state.info is not None

    def model_window(self) -> int:
        """How many tokens the model in service sees."""
        info = self.engine.state.info
        return info.window if info else DEFAULT_WINDOW

    async def _restart_engine(self) -> None:
        try:
            await self.engine.load()
        except EngineError as error:
            logger.warning("%s", error)

    async def load_model(self, model: str) -> bool:
        """Put `model` into service, with progress. A failure is told to the user and leaves the
        model in service, if any."""
        async with work_done(self, "Verifrag: loading the model") as self._report_load:
            try:
                info = await self.engine.load(model)
            except EngineError as error:
                serving = self.engine.state.info
                if self.engine.state.kind != "failed":  # else `_engine_changed` has said so
                    self.tell(f"{error}. {serving.name} stays in use." if serving else str(error))
                return False
            finally:
                self._report_load = nobody
        logger.info("serving %s", info)
        self.hints.start_over()
        return True

    def _engine_changed(self, state: EngineState) -> None:
        logger.info("engine %s: %s", state.kind, state.message)
        states.tell(self)
        self._has_served = self._has_served or state.kind == "ready"
        if state.kind == "loading":
            self._report_load(state.message, state.fraction)
        elif state.kind == "failed":
            self.tell(f"no completions for now: {state.message}. Diagnostics go on.")

    def _model_published(self, folder: Path) -> None:
        if self.settings.engine_enabled and not self.settings.model:
            self.spawn(self._switch(folder))

    async def _switch(self, folder: Path) -> None:
        if await self.load_model(str(folder)):
            info = self.engine.state.info
            self.tell(f"now uses {info.name} (round {info.round}).", types.MessageType.Info)


def _is_edited(uri: str) -> bool:
    return urlparse(uri).scheme in EDITED


def _indexed_by(settings: Settings) -> tuple[object, ...]:
    return settings.index_exclude, settings.index_max_files
