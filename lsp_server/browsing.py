"""The protocol of reading code, one handler a message: symbols, definition, references, hover and the
like. What they answer is found on a thread, so that a large workspace keeps nobody waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.uris import from_fs_path, to_fs_path

from engine.verilog.source import Source
from lsp_server import (
    capabilities,
    folding,
    hover,
    navigation,
    rename,
    semantic,
    signature,
    symbols,
)
from lsp_server.files import normal
from lsp_server.navigation import Target, Use
from lsp_server.positions import LineIndex
from lsp_server.session import VerifragServer
from lsp_server.workspace import Index

REQUEST_FAILED = -32803  # the protocol's code for "I can't, and here is why"

T = TypeVar("T")
At = types.TextDocumentPositionParams


class InDocument(Protocol):
    """Parameters of a request about a whole document."""

    text_document: types.TextDocumentIdentifier


def register(server: VerifragServer) -> None:
    """Make `server` answer what is below."""
    features = (
        (types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, document_symbol, None),
        (types.WORKSPACE_SYMBOL, workspace_symbol, None),
        (types.TEXT_DOCUMENT_DEFINITION, definition, None),
        (types.TEXT_DOCUMENT_REFERENCES, references, None),
        (types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, document_highlight, None),
        (types.TEXT_DOCUMENT_HOVER, show_hover, None),
        (types.TEXT_DOCUMENT_SIGNATURE_HELP, signature_help, _SIGNATURE_OPTIONS),
        (types.TEXT_DOCUMENT_PREPARE_RENAME, prepare_rename, None),
        (types.TEXT_DOCUMENT_RENAME, rename_symbol, types.RenameOptions(prepare_provider=True)),
        (types.TEXT_DOCUMENT_FOLDING_RANGE, folding_range, None),
        (types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, semantic_tokens, semantic.LEGEND),
        (types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE, semantic_tokens_range, semantic.LEGEND),
    )
    for method, handler, options in features:
        server.feature(method, options)(handler)


_SIGNATURE_OPTIONS = types.SignatureHelpOptions(
    trigger_characters=["(", ","], retrigger_characters=["."]
)


# -- places ----------------------------------------------------------------------------------------


def _path(uri: str) -> Path:
    return normal(Path(to_fs_path(uri) or uri))


def _lines(server: VerifragServer, path: Path) -> LineIndex:
    return LineIndex(server.index.text(path), server.workspace.position_encoding)


def _uri(server: VerifragServer, path: Path) -> str:
    """The name of a file: the editor's own where it has it open."""
    for document in server.documents():
        if _path(document.uri) == path:
            return document.uri
    return from_fs_path(str(path))


def _locations(server: VerifragServer, uses: Iterable[Use]) -> list[types.Location]:
    """Uses as the protocol has them; those of one file stand together."""
    found, path, uri, lines = [], None, "", None
    for use in uses:
        if use.path != path:
            path, uri, lines = use.path, _uri(server, use.path), _lines(server, use.path)
        found.append(types.Location(uri, lines.range(use.start, use.end)))
    return found


def _use(target: Target) -> Use:
    return Use(target.path, target.start, target.declaration.name_end)


def _declares(use: Use, target: Target) -> bool:
    return use.path == target.path and use.end == target.declaration.name_end


async def _at(
    server: VerifragServer, params: At, find: Callable[[Index, Path, int], T | None]
) -> T | None:
    """What `find` finds at the place of a request, on a thread; None where the document is not open."""
    document = server.document(params.text_document.uri)
    if document is None:
        return None
    path, offset = _path(document.uri), document.index.offset(params.position)
    return await asyncio.to_thread(find, server.index, path, offset)


async def _in(
    server: VerifragServer, params: InDocument, find: Callable[[Source, LineIndex], list[T]]
) -> list[T]:
    """What `find` finds in a document, on a thread; nothing where it is not open."""
    document = server.document(params.text_document.uri)
    if document is None:
        return []
    path = _path(document.uri)
    return await asyncio.to_thread(lambda: find(server.index.source(path), _lines(server, path)))


# -- handlers --------------------------------------------------------------------------------------


async def document_symbol(
    server: VerifragServer, params: types.DocumentSymbolParams
) -> list[types.DocumentSymbol]:
    """The declarations of a document, as a tree."""
    return await _in(server, params, symbols.document_symbols)


async def workspace_symbol(
    server: VerifragServer, params: types.WorkspaceSymbolParams
) -> list[types.WorkspaceSymbol]:
    """What the workspace declares, by a part of its name."""

    def find() -> list[types.WorkspaceSymbol]:
        found = symbols.matching(params.query, server.index.symbols())
        uses = [Use(path, one.start, one.start + len(one.name)) for path, one in found]
        return [
            types.WorkspaceSymbol(
                location, one.name, symbols.KINDS[one.kind], container_name=one.container
            )
            for (_, one), location in zip(found, _locations(server, uses), strict=True)
        ]

    return await asyncio.to_thread(find)


async def definition(server: VerifragServer, params: At) -> list[types.Location]:
    """Where a name is declared."""
    target = await _at(server, params, navigation.target_at)
    return _locations(server, [_use(target)]) if target else []


async def references(server: VerifragServer, params: types.ReferenceParams) -> list[types.Location]:
    """Where a name is used, in all files."""
    target = await _at(server, params, navigation.target_at)
    if not target:
        return []
    found: list[Use] = []
    for path in server.index.paths():  # one by one: a cancelled request ends here
        found += await asyncio.to_thread(navigation.references, server.index, path, target)
    if not params.context.include_declaration:
        found = [use for use in found if not _declares(use, target)]
    return _locations(server, found)


async def document_highlight(server: VerifragServer, params: At) -> list[types.DocumentHighlight]:
    """Where a name is used in the document."""
    target = await _at(server, params, navigation.target_at)
    if not target:
        return []
    path = _path(params.text_document.uri)
    found = await asyncio.to_thread(navigation.references, server.index, path, target)
    return [types.DocumentHighlight(one.range) for one in _locations(server, found)]


async def show_hover(server: VerifragServer, params: At) -> types.Hover | None:
    """The declaration of a name, with its comment."""
    found = await _at(server, params, hover.hover)
    if not found:
        return None
    text, start, end = found
    content = types.MarkupContent(types.MarkupKind.Markdown, text)
    return types.Hover(content, _lines(server, _path(params.text_document.uri)).range(start, end))


async def signature_help(
    server: VerifragServer, params: types.SignatureHelpParams
) -> types.SignatureHelp | None:
    """The ports, parameters or arguments of the list that the cursor is in."""
    found = await _at(server, params, signature.signature)
    if not found:
        return None
    units = LineIndex(found.label).units  # labels are always counted in UTF-16
    parts = [
        types.ParameterInformation((units(found.label[:start]), units(found.label[:end])))
        for start, end in found.parts
    ]
    active = len(parts) if found.active is None else found.active
    comment = types.MarkupContent(types.MarkupKind.PlainText, found.documentation)
    one = types.SignatureInformation(found.label, comment, parts, active)
    return types.SignatureHelp([one], active_signature=0, active_parameter=active)


async def prepare_rename(
    server: VerifragServer, params: types.PrepareRenameParams
) -> types.PrepareRenamePlaceholder | None:
    """Whether the name under the cursor can be renamed; an error says why not."""
    prepared = await _prepared(server, params)
    if prepared is None:
        return None
    target, start, end = prepared
    lines = _lines(server, _path(params.text_document.uri))
    return types.PrepareRenamePlaceholder(lines.range(start, end), target.name)


async def rename_symbol(
    server: VerifragServer, params: types.RenameParams
) -> types.WorkspaceEdit | None:
    """Rename what is under the cursor in all files, or say why that is not safe."""
    prepared = await _prepared(server, params)
    if prepared is None:
        return None
    try:
        edits = await asyncio.to_thread(rename.rename, server.index, prepared[0], params.new_name)
    except rename.RenameError as error:
        raise JsonRpcException(str(error), REQUEST_FAILED) from error
    return server.workspace_edit(
        {
            _uri(server, path): [
                types.TextEdit(lines.range(one.start, one.end), one.text) for one in found
            ]
            for path, found in edits.items()
            if (lines := _lines(server, path))
        }
    )


async def _prepared(server: VerifragServer, params: At) -> tuple[Target, int, int] | None:
    if not server.scans.finished:
        raise JsonRpcException("the workspace is still being indexed", REQUEST_FAILED)
    try:
        return await _at(server, params, rename.prepare)
    except rename.RenameError as error:
        raise JsonRpcException(str(error), REQUEST_FAILED) from error


async def folding_range(
    server: VerifragServer, params: types.FoldingRangeParams
) -> list[types.FoldingRange]:
    """What can be folded."""
    return await _in(server, params, folding.folding_ranges)


async def semantic_tokens(
    server: VerifragServer, params: types.SemanticTokensParams
) -> types.SemanticTokens:
    """What each name is, in the whole document."""
    return types.SemanticTokens(await _in(server, params, _tokens(server)))


async def semantic_tokens_range(
    server: VerifragServer, params: types.SemanticTokensRangeParams
) -> types.SemanticTokens:
    """What each name is, in a part of the document."""
    return types.SemanticTokens(await _in(server, params, _tokens(server, params.range)))


def _tokens(
    server: VerifragServer, part: types.Range | None = None
) -> Callable[[Source, LineIndex], list[int]]:
    def find(source: Source, lines: LineIndex) -> list[int]:
        start = lines.offset(part.start) if part else 0
        end = lines.offset(part.end) if part else len(source.text)
        found = list(semantic.coloured(source, start, end))
        if capabilities.has_no_grammar(server.client_capabilities):
            found += semantic.lexical(source, start, end)
        return semantic.encoded(found, lines)

    return find
