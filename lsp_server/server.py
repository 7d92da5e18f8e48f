"""The protocol, one handler a message: read the request, ask the module that knows, answer."""

from __future__ import annotations

import asyncio
import logging

from lsprotocol import types

from engine.api import EngineError
from lsp_server import completion, generate, inline, offers
from lsp_server.positions import Documents
from lsp_server.session import VerifragServer

logger = logging.getLogger(__name__)

server = VerifragServer()


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
    """Check again: what others include may have changed."""
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


# -- completion ------------------------------------------------------------------------------------


@server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
async def inline_completion(
    server: VerifragServer, params: types.InlineCompletionParams
) -> list[types.InlineCompletionItem]:
    """Ghost text at the cursor; a newer request for the document ends this one."""
    uri = params.text_document.uri
    return await server.inline_requests.run(uri, _ghost_text(server, params)) or []


async def _ghost_text(
    server: VerifragServer, params: types.InlineCompletionParams
) -> list[types.InlineCompletionItem]:
    uri = params.text_document.uri
    document = server.document(uri)
    if document is None or not server.settings.completion_enabled or not server.engine_serves():
        return []
    version = document.version
    at = inline.place(document.index, params)
    offer_id = server.offers.new_id()
    try:
        ghost = await inline.ghost_text(
            at,
            server.settings,
            server.engine,
            server.header_lookup(),
            lambda step: server.tell_step(offer_id, uri, step),
        )
    except EngineError as error:
        logger.warning("no ghost text: %s", error)
        return []
    server.tell_completed(offer_id, uri, ghost)
    if not ghost.shown or document.version != version:
        return []
    server.offers.remember(offer_id, inline.reference(ghost, uri))
    return [inline.item(ghost, at, offer_id)]


@server.command(inline.ACCEPT)
async def accept(server: VerifragServer, offer_id: str) -> None:
    """The user accepted an offer: keep it as training data, unless that is turned off."""
    reference = server.offers.take(offer_id)
    if reference is None:
        logger.info("offer %s is unknown, or was accepted before", offer_id)
    elif server.settings.references_enabled:
        await offers.store(reference)


@server.feature(
    types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[".", "`", "$"])
)
async def complete(server: VerifragServer, params: types.CompletionParams) -> types.CompletionList:
    """The menu of names and keywords."""
    document = server.document(params.text_document.uri)
    if document is None:
        return types.CompletionList(is_incomplete=False, items=[])
    offset = document.index.offset(params.position)
    items = await asyncio.to_thread(
        completion.menu, document.index, offset, server.index, server.knows_snippets()
    )
    return types.CompletionList(is_incomplete=False, items=items)


# -- generation ------------------------------------------------------------------------------------


@server.feature(
    types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=[generate.KIND])
)
def code_action(server: VerifragServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Offer to generate a module where the cursor is on a comment."""
    document = server.document(params.text_document.uri)
    if document is None or not server.settings.engine_enabled:
        return []
    if not generate.wanted(params.context):
        return []
    offset = document.index.offset(params.range.start)
    if generate.comment_at(document.source, offset) is None:
        return []
    return [generate.action(params.text_document.uri, params.range)]


@server.command(generate.GENERATE)
async def generate_module(server: VerifragServer, uri: str, place: types.Range) -> bool:
    """Write the module that a comment describes below it; whether that was done."""
    return bool(await server.generations.run(uri, generate.run(server, uri, place)))
