"""An editor without a screen: unsaved buffers and a real LSP client around the real server process.

The server runs as a subprocess and is spoken to over its standard input and output. Columns are
counted in characters (utf-32), so that they are indices into a line.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient
from pygls.protocol import default_converter

GENERATE_TITLE = "generate module from comment"
REPLY_SECONDS = 60

CAPABILITIES = types.ClientCapabilities(
    general=types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf32]),
    text_document=types.TextDocumentClientCapabilities(
        code_action=types.CodeActionClientCapabilities(
            code_action_literal_support=types.ClientCodeActionLiteralOptions(
                types.ClientCodeActionKindOptions([types.CodeActionKind.Refactor])
            )
        )
    ),
    window=types.WindowClientCapabilities(work_done_progress=True),
    workspace=types.WorkspaceClientCapabilities(
        apply_edit=True,
        workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True),
    ),
    experimental={"verifragSteps": True},
)


class DemoError(Exception):
    """Something that the demo has to show did not happen; the message says what."""


@dataclass
class Buffer:
    """An open file as the editor holds it: unsaved, with the server's last word on it."""

    path: Path
    text: str
    version: int = 1
    checked_version: int = 0
    diagnostics: list[types.Diagnostic] = field(default_factory=list)

    @property
    def uri(self) -> str:
        return self.path.as_uri()

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def position(self, offset: int) -> types.Position:
        before = self.text[:offset]
        return types.Position(before.count("\n"), offset - before.rfind("\n") - 1)

    def offset(self, position: types.Position) -> int:
        starts = sum(len(line) + 1 for line in self.lines[: position.line])
        return starts + position.character


def _converter() -> Converter:
    converter = default_converter()
    # lsprotocol reads every code action as the Command that it could also have been.
    converter.register_structure_hook(
        types.Command | types.CodeAction,
        lambda action, _: converter.structure(action, types.CodeAction),
    )
    return converter


class _Client(LanguageClient):
    on_exit: Callable[[], None]

    async def server_exit(self, server: asyncio.subprocess.Process) -> None:
        self.on_exit()


class Editor:
    """Starts the server in `folder`; use `start` first and `stop` last."""

    def __init__(self, folder: Path, log_file: Path) -> None:
        self.folder = folder
        self.log_file = log_file
        self.buffers: dict[str, Buffer] = {}
        self.on_step: Callable[[Any], None] = lambda step: None
        self.on_progress: Callable[[str], None] = lambda message: None
        self._finished_ghost: Any = None
        self._applied: Buffer | None = None
        self._progress_titles: dict[str, str] = {}
        self._finished_titles: list[str] = []
        self._changed = asyncio.Event()
        self._failures: list[str] = []
        self._client = _Client("verifrag-demo", "1", converter_factory=_converter)
        self._client.on_exit = lambda: self._fail("the server has ended")
        self._listen()

    async def start(self) -> None:
        await self._client.start_io(
            sys.executable, "-m", "lsp_server", "--stdio", "--log-file", str(self.log_file)
        )
        folder = types.WorkspaceFolder(uri=self.folder.as_uri(), name=self.folder.name)
        await self._reply(
            self._client.initialize_async(
                types.InitializeParams(
                    process_id=None,
                    root_uri=self.folder.as_uri(),
                    workspace_folders=[folder],
                    capabilities=CAPABILITIES,
                )
            )
        )
        self._client.initialized(types.InitializedParams())

    async def stop(self) -> None:
        if not self._client.stopped:
            await self._reply(self._client.shutdown_async(None))
            self._client.exit(None)
        await self._client.stop()

    async def model_loaded(self) -> None:
        """Wait until the server's progress bar for the model has come and gone."""
        await self._until(
            lambda: any("model" in title for title in self._finished_titles), "the model to load"
        )

    def open(self, name: str) -> Buffer:
        path = self.folder / name
        buffer = Buffer(path, path.read_text(encoding="utf-8"))
        self.buffers[buffer.uri] = buffer
        item = types.TextDocumentItem(buffer.uri, "verilog", buffer.version, buffer.text)
        self._client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return buffer

    def change(self, buffer: Buffer, text: str) -> None:
        """Type: the buffer's text is now `text`; the file on disk stays as it is."""
        buffer.text = text
        buffer.version += 1
        self._client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(buffer.version, buffer.uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    async def diagnostics(self, buffer: Buffer) -> list[types.Diagnostic]:
        """What the server says about the text as it is now."""
        await self._until(
            lambda: buffer.checked_version >= buffer.version, f"diagnostics for {buffer.path.name}"
        )
        return buffer.diagnostics

    async def ghost_text(
        self, buffer: Buffer, offset: int
    ) -> tuple[types.InlineCompletionItem | None, Any]:
        """The item offered at `offset`, if any, and the server's account of how it was decoded."""
        self._finished_ghost = None
        answer = await self._reply(
            self._client.text_document_inline_completion_async(
                types.InlineCompletionParams(
                    context=types.InlineCompletionContext(
                        types.InlineCompletionTriggerKind.Automatic
                    ),
                    text_document=types.TextDocumentIdentifier(buffer.uri),
                    position=buffer.position(offset),
                )
            )
        )
        items = answer.items if isinstance(answer, types.InlineCompletionList) else answer
        await self._until(lambda: self._finished_ghost, "the account of how ghost text was decoded")
        return (items[0] if items else None), self._finished_ghost

    async def accept(self, buffer: Buffer, offset: int, item: types.InlineCompletionItem) -> None:
        """Take ghost text that was offered at `offset`: insert it, then run its command."""
        text = buffer.text
        self.change(buffer, text[:offset] + item.insert_text + text[offset:])
        await self._run(item.command)

    async def _run(self, command: types.Command) -> None:
        await self._reply(
            self._client.workspace_execute_command_async(
                types.ExecuteCommandParams(command.command, command.arguments)
            )
        )

    async def generate_module(self, buffer: Buffer, offset: int) -> None:
        """Choose the code action for the comment at `offset` and wait for its edit."""
        cursor = buffer.position(offset)
        place = types.Range(cursor, cursor)
        actions = await self._reply(
            self._client.text_document_code_action_async(
                types.CodeActionParams(
                    types.TextDocumentIdentifier(buffer.uri), place, types.CodeActionContext([])
                )
            )
        )
        wanted = [action for action in actions or [] if GENERATE_TITLE in action.title]
        if not wanted:
            raise DemoError(f"no code action to generate a module was offered at {cursor}")
        self._applied = None
        await self._run(wanted[0].command)
        await self._until(lambda: self._applied, "a generated module")

    # --- what the server says and asks ----------------------------------------------------------

    def _listen(self) -> None:
        self._on(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, self._on_diagnostics)
        self._on(types.WINDOW_WORK_DONE_PROGRESS_CREATE, lambda params: None)
        self._on(types.PROGRESS, self._on_progress)
        self._on(types.WINDOW_SHOW_MESSAGE, self._on_message)
        self._on(types.WINDOW_LOG_MESSAGE, lambda params: None)
        self._on(types.WORKSPACE_APPLY_EDIT, self._on_edit)
        self._on("verifrag/step", lambda step: self.on_step(step))
        self._on("verifrag/completed", self._on_completed)

    def _on(self, method: str, handler: Callable[[Any], Any]) -> None:
        # pygls notes things on the function it is given, which a bound method doesn't allow.
        self._client.feature(method)(lambda params: handler(params))

    def _on_diagnostics(self, params: types.PublishDiagnosticsParams) -> None:
        buffer = self.buffers.get(params.uri)
        if buffer is not None:
            buffer.diagnostics = list(params.diagnostics)
            buffer.checked_version = params.version or buffer.version
            self._changed.set()

    def _on_progress(self, params: types.ProgressParams) -> None:
        progress, token = params.value, str(params.token)
        if progress["kind"] == "begin":
            self._progress_titles[token] = progress["title"]
        elif progress["kind"] == "report":
            self.on_progress(progress.get("message") or "")
        else:
            self._finished_titles.append(self._progress_titles[token])
            self._changed.set()

    def _on_message(self, params: types.ShowMessageParams) -> None:
        if params.type in (types.MessageType.Error, types.MessageType.Warning):
            self._fail(f"the server said: {params.message}")

    def _fail(self, reason: str) -> None:
        self._failures.append(reason)
        self._changed.set()

    def _on_edit(self, params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        for change in params.edit.document_changes or []:
            buffer = self.buffers[change.text_document.uri]
            text = buffer.text
            for edit in reversed(change.edits):
                start, end = buffer.offset(edit.range.start), buffer.offset(edit.range.end)
                text = text[:start] + edit.new_text + text[end:]
            self.change(buffer, text)
            self._applied = buffer
        self._changed.set()
        return types.ApplyWorkspaceEditResult(applied=True)

    def _on_completed(self, completed: Any) -> None:
        self._finished_ghost = completed
        self._changed.set()

    # --- waiting --------------------------------------------------------------------------------

    async def _until(self, happened: Callable[[], Any], what: str) -> None:
        """Wait for `happened()`. A message of the server's or its end is a failure."""
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                while True:
                    if self._failures:
                        raise DemoError(self._failures[0])
                    if happened():
                        return
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise DemoError(f"waited {REPLY_SECONDS} s in vain for {what}") from None

    async def _reply(self, request: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                return await request
        except (TimeoutError, JsonRpcException, RuntimeError) as error:
            raise DemoError(f"a request got no answer: {error!r}") from error
