"""The protocol, one handler a message: read the request, ask the module that knows, answer."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from lsprotocol import types

from lsp_server import browsing, capabilities, completion, generate, inline, quick_fixes, state
from lsp_server.completion import Asked
from lsp_server.positions import Documents
from lsp_server.session import VerifragServer

logger = logging.getLogger(__name__)

server = VerifragServer()
browsing.register(server)


# -- life ------------------------------------------------------------------------------------------


@server.feature(types.INITIALIZE)
def initialize(server: VerifragServer, params: types.InitializeParams) -> None:
    """Answered at once: everything slow waits for `initialized`."""
    # pygls has no public way to say what kind of documents it should keep.
    server.protocol._workspace = Documents(
        server.workspace.root_uri,
        workspace_folders=params.workspace_folders,
        position_encoding=server.workspace.position_encoding,
    )
    server.initial_options = params.initialization_options


@server.feature(types.INITIALIZED)
async def initialized(server: VerifragServer, params: types.InitializedParams) -> None:
    """Read the settings, start the engine, index the workspace."""
    await server.start()


@server.feature(types.SHUTDOWN)
async def shutdown(server: VerifragServer, params: None) -> None:
    """End the engine process and everything in flight."""
    await server.close()


# -- documents and settings ------------------------------------------------------------------------


@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
def did_open(server: VerifragServer, params: types.DidOpenTextDocumentParams) -> None:
    """Index and check a document."""
    server.document_changed(params.text_document.uri)


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
def did_change(server: VerifragServer, params: types.DidChangeTextDocumentParams) -> None:
    """Index and check a document again."""
    server.document_changed(params.text_document.uri)


@server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
def did_close(server: VerifragServer, params: types.DidCloseTextDocumentParams) -> None:
    """Drop a document's requests and diagnostics; the file on disk counts again."""
    server.document_closed(params.text_document.uri)


@server.feature(types.TEXT_DOCUMENT_DID_SAVE)
def did_save(server: VerifragServer, params: types.DidSaveTextDocumentParams) -> None:
    """Check again, for what others include may have changed; judge what was accepted."""
    server.hints.saved(params.text_document.uri)
    server.check_all()


@server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
async def did_change_watched_files(
    server: VerifragServer, params: types.DidChangeWatchedFilesParams
) -> None:
    """Follow files that others changed."""
    await server.files_changed(params.changes)


@server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
async def did_change_workspace_folders(
    server: VerifragServer, params: types.DidChangeWorkspaceFoldersParams
) -> None:
    """Index the folders that are now open."""
    await server.scan()


@server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
async def did_change_configuration(
    server: VerifragServer, params: types.DidChangeConfigurationParams
) -> None:
    """Take new settings, asked for where the client can be asked, else those sent along."""
    await server.settings_changed(params.settings)


# -- diagnostics -----------------------------------------------------------------------------------


@server.feature(
    types.TEXT_DOCUMENT_DIAGNOSTIC,
    types.DiagnosticOptions(
        inter_file_dependencies=True, workspace_diagnostics=False, identifier="verifrag"
    ),
)
async def pull_diagnostics(
    server: VerifragServer, params: types.DocumentDiagnosticParams
) -> types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport:
    """The diagnostics of the text as it is now, once they are known."""
    if not capabilities.pulls_diagnostics(server.client_capabilities):  # it is pushed them
        return types.RelatedFullDocumentDiagnosticReport(items=[])
    report = await server.diagnoser.report(params.text_document.uri)
    version = str(report.generation)
    if params.previous_result_id == version:
        return types.RelatedUnchangedDocumentDiagnosticReport(result_id=version)
    return types.RelatedFullDocumentDiagnosticReport(items=report.own, result_id=version)


# -- completion ------------------------------------------------------------------------------------


@server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
async def inline_completion(
    server: VerifragServer, params: types.InlineCompletionParams
) -> list[types.InlineCompletionItem]:
    """Ghost text at the cursor; a newer request for the document ends this one."""
    return await server.hints.answer(params)


@server.command(inline.ACCEPT)
async def accept(server: VerifragServer, offer_id: str) -> None:
    """The user accepted an offer: keep it as training data, unless that is turned off."""
    await server.hints.accepted(offer_id)


@server.command(inline.ACCEPT_PART)
def accept_part(server: VerifragServer, offer_id: str, units: int) -> None:
    """The user accepted the first so many UTF-16 units of an offer, up to now."""
    server.hints.accepted_part(offer_id, units)


@server.feature(
    types.TEXT_DOCUMENT_COMPLETION,
    types.CompletionOptions(trigger_characters=[".", "`", "$", ":"], resolve_provider=True),
)
async def complete(server: VerifragServer, params: types.CompletionParams) -> types.CompletionList:
    """The menu of names and keywords."""
    document = server.document(params.text_document.uri)
    if document is None:
        return types.CompletionList(is_incomplete=False, items=[])
    lines = document.index
    snippets = capabilities.knows_snippets(server.client_capabilities)
    asked = Asked(lines, lines.offset(params.position), Path(document.path), snippets)
    return await asyncio.to_thread(completion.menu, asked, server.index)


@server.feature(types.COMPLETION_ITEM_RESOLVE)
async def resolve(server: VerifragServer, item: types.CompletionItem) -> types.CompletionItem:
    """The declaration of an entry of the menu."""
    return await asyncio.to_thread(completion.resolve, item, server.index)


# -- generation ------------------------------------------------------------------------------------


@server.feature(
    types.TEXT_DOCUMENT_CODE_ACTION,
    types.CodeActionOptions(code_action_kinds=[quick_fixes.KIND, generate.KIND]),
)
async def code_action(
    server: VerifragServer, params: types.CodeActionParams
) -> list[types.CodeAction]:
    """Fixes for the problems in the range, and what the model could write there."""
    server.hints.rests(params.text_document.uri, params.range.end)  # editors ask where it rests
    written = await asyncio.to_thread(generate.actions, server, params)
    return [*await _quick_fixes(server, params), *written]


async def _quick_fixes(
    server: VerifragServer, params: types.CodeActionParams
) -> list[types.CodeAction]:
    document = server.document(params.text_document.uri)
    if document is None or not quick_fixes.wanted(params.context):
        return []
    lines = document.index
    path, index = Path(document.path), server.index
    found = await asyncio.to_thread(
        quick_fixes.fixes,
        lines,
        index.source(path),
        params,
        index.module,
        lambda macro: index.header_with(macro, path),
    )
    return [
        types.CodeAction(
            title=fix.title,
            kind=quick_fixes.KIND,
            diagnostics=[fix.diagnostic] if fix.diagnostic else None,
            edit=server.workspace_edit({document.uri: fix.text_edits(lines)}),
        )
        for fix in found
    ]


@server.command(generate.GENERATE)
async def generate_module(server: VerifragServer, uri: str, place: types.Range) -> bool:
    """Write the module that a comment describes below it; whether that was done."""
    work = generate.run(server, generate.GENERATE, uri, place)
    return bool(await server.generations.run(uri, work))


@server.command(generate.BODY)
async def write_body(server: VerifragServer, uri: str, place: types.Range) -> bool:
    """Write on in the body of the module at a place; whether that was done."""
    return bool(await server.generations.run(uri, generate.run(server, generate.BODY, uri, place)))


# -- the engine ------------------------------------------------------------------------------------


@server.feature(state.REQUEST)
async def engine_status(server: VerifragServer, params: None) -> dict[str, Any]:
    """What the engine is doing, and what it takes."""
    return await state.status(server)


@server.command(state.RESTART)
async def restart_engine(server: VerifragServer) -> bool:
    """Start the engine process anew, for all windows; whether it serves."""
    return await state.restart(server)
