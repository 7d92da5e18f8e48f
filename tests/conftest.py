"""What several test packages share: the fake engine's command, and an editor for the real server."""

from __future__ import annotations

import os

# Models of the tests are so small that a second thread costs more than it brings; before torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Union

import pytest
from lsprotocol import types
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient
from pytest_lsp.client import register_lsp_features

# Neither the user's models nor a step compiled for this machine have a part in tests.
_HOME = tempfile.TemporaryDirectory(prefix="verifrag-home-")
os.environ["VERIFRAG_HOME"] = _HOME.name

ROOT = Path(__file__).resolve().parent.parent
FAKE_ENGINE = Path(__file__).parent / "e2e" / "fake_engine.py"
PATIENCE = 60  # seconds until something that should happen is taken not to happen

CAPABILITIES = types.ClientCapabilities(
    workspace=types.WorkspaceClientCapabilities(
        apply_edit=True,
        configuration=True,
        workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True),
    ),
    window=types.WindowClientCapabilities(work_done_progress=True),
    experimental={"verifragSteps": True},
)


def converter() -> Any:
    """pygls' converter, which takes a code action that has a command for a mere command."""
    made = default_converter()

    def structure(action: dict[str, Any], _: type) -> types.Command | types.CodeAction:
        mere_command = isinstance(action.get("command"), str)
        return made.structure(action, types.Command if mere_command else types.CodeAction)

    made.register_structure_hook(Union[types.Command, types.CodeAction], structure)  # noqa: UP007
    return made


class Editor(LanguageClient):
    """A client that keeps its documents as an editor does. A `|` in a text is the cursor."""

    def __init__(self, folder: Path) -> None:
        super().__init__(converter_factory=converter)
        self.folder = folder
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.edits: list[types.ApplyWorkspaceEditParams] = []
        self.registered: list[types.Registration] = []
        self.steps: list[Any] = []
        self.completed: list[Any] = []
        self.log = folder.parent / "server.log"
        register_lsp_features(self)
        self.feature(types.WORKSPACE_APPLY_EDIT)(lambda params: self._apply(params))
        self.feature(types.CLIENT_REGISTER_CAPABILITY)(
            lambda params: self.registered.extend(params.registrations)
        )
        self.feature("verifrag/step")(lambda step: self.steps.append(step))
        self.feature("verifrag/completed")(lambda done: self.completed.append(done))

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def open(self, name: str, text: str) -> tuple[str, types.Position]:
        """Open a document, on disk or not; the uri, and the position of the cursor drawn in it."""
        uri, before = self.uri(name), text.partition("|")[0]
        self.texts[uri], self.versions[uri] = text.replace("|", "", 1), 1
        item = types.TextDocumentItem(uri, "verilog", 1, self.texts[uri])
        self.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return uri, types.Position(before.count("\n"), len(before.rpartition("\n")[2]))

    def change(self, uri: str, text: str) -> None:
        """Replace the whole text."""
        self.texts[uri] = text
        self.versions[uri] += 1
        identifier = types.VersionedTextDocumentIdentifier(uri=uri, version=self.versions[uri])
        changes = [types.TextDocumentContentChangeWholeDocument(text=text)]
        self.text_document_did_change(types.DidChangeTextDocumentParams(identifier, changes))

    def close(self, uri: str) -> None:
        identifier = types.TextDocumentIdentifier(uri)
        self.text_document_did_close(types.DidCloseTextDocumentParams(identifier))

    async def ghost(self, uri: str, position: types.Position) -> list[types.InlineCompletionItem]:
        params = types.InlineCompletionParams(
            types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic),
            types.TextDocumentIdentifier(uri),
            position,
        )
        return await self.text_document_inline_completion_async(params)

    async def execute(self, command: types.Command) -> Any:
        params = types.ExecuteCommandParams(command.command, arguments=command.arguments)
        return await self.workspace_execute_command_async(params)

    async def act(self, uri: str, cursor: types.Position, title: str) -> Any:
        """Do the code action of this title, which is a command."""
        params = types.CodeActionParams(
            types.TextDocumentIdentifier(uri),
            types.Range(cursor, cursor),
            types.CodeActionContext(diagnostics=[]),
        )
        actions = await self.text_document_code_action_async(params)
        (action,) = (action for action in actions if action.title == title)
        return await self.execute(action.command)

    async def until(self, happened: Callable[[], Any], what: str, patience: int = PATIENCE) -> Any:
        """Wait until `happened()` is true and return it; fail the test if it is not within
        `patience` seconds."""
        for _ in range(patience * 50):
            if result := happened():
                return result
            await asyncio.sleep(0.02)
        pytest.fail(f"{what} did not happen; messages: {self.told}; log:\n{self.log.read_text()}")

    async def ready(self, patience: int = PATIENCE) -> None:
        """Wait for the engine to serve its model."""
        ready = "engine ready"
        await self.until(lambda: ready in self.log.read_text(), "the engine's start", patience)

    @property
    def told(self) -> list[str]:
        """What the user was shown so far."""
        return [message.message for message in self.messages]

    def _apply(self, params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        self.edits.append(params)
        for change in params.edit.document_changes or []:
            uri, edit = change.text_document.uri, change.edits[0]
            if change.text_document.version != self.versions[uri]:
                return types.ApplyWorkspaceEditResult(False, "the document has changed")
            lines = self.texts[uri].split("\n")
            line, column = edit.range.start.line, edit.range.start.character
            lines[line] = lines[line][:column] + edit.new_text + lines[line][column:]
            self.change(uri, "\n".join(lines))
        return types.ApplyWorkspaceEditResult(True)


@pytest.fixture
def fake_engine() -> Callable[..., list[str]]:
    """The command of an engine that needs no model; see `tests/e2e/fake_engine.py`."""

    def command(*arguments: str) -> list[str]:
        return [sys.executable, str(FAKE_ENGINE), *arguments]

    return command


@pytest.fixture
async def start(tmp_path, fake_engine):
    """Starts the real server over stdio, with the fake engine and nothing of the user's, and
    returns an `Editor` for it. `server` is the command of another server than this checkout's."""
    editors: list[Editor] = []

    async def start_editor(
        engine: list[str] | None = None,
        settings: dict[str, Any] | None = None,
        capabilities: types.ClientCapabilities = CAPABILITIES,
        server: Sequence[str] = (sys.executable, "-m", "lsp_server"),
    ) -> Editor:
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        editor = Editor(folder)
        editors.append(editor)
        editor.set_configuration(settings, section="verifrag")
        environment = {
            **os.environ,
            "VERIFRAG_HOME": str(tmp_path / "home"),
            "VERIFRAG_ENGINE_COMMAND": json.dumps(engine or fake_engine()),
        }
        command = (*server, "--stdio", "--log-file", str(editor.log))
        await editor.start_io(*command, cwd=ROOT, env=environment)
        params = types.InitializeParams(capabilities=capabilities, root_uri=folder.as_uri())
        editor.initialized_with = await editor.initialize_session(params)
        return editor

    yield start_editor
    for editor in editors:
        await asyncio.wait_for(editor.shutdown_session(), PATIENCE)
        await editor.stop()
