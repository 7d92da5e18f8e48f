"""Reading code in a session with the real server: the requests as an editor sends them."""

from __future__ import annotations

import asyncio

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

pytestmark = pytest.mark.slow

COUNTER = "// Counts.\nmodule counter(input clk, output reg [7:0] q);\nendmodule\n"
TOP = "module top(input clk);\n  wire [7:0] n;\n  counter u0 (.c|lk(clk), .q(n));\nendmodule\n"


async def session(start, files=None):
    """An editor with the counter on disk and the top open: editor, uri, position of the cursor."""
    editor = await start()
    for name, text in (files or {"rtl/counter.v": COUNTER}).items():
        path = editor.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        changed = types.FileEvent(path.as_uri(), types.FileChangeType.Created)
        editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([changed]))
    uri, at = editor.open("top.v", TOP)
    await editor.until(lambda: "indexed" in editor.log.read_text(), "the scan")
    return editor, types.TextDocumentIdentifier(uri), at


def at_line(location: types.Location) -> str:
    start = location.range.start
    return f"{location.uri.rpartition('/')[2]}:{start.line}:{start.character}"


async def test_from_a_connection_to_its_port_and_its_signature(start):
    editor, document, at = await session(start)
    place = types.DefinitionParams(document, at)
    (found,) = await editor.text_document_definition_async(place)
    assert at_line(found) == "counter.v:1:21"
    context = types.ReferenceContext(include_declaration=False)
    uses = await editor.text_document_references_async(types.ReferenceParams(context, document, at))
    assert [at_line(one) for one in uses] == ["top.v:2:15"]
    marks = await editor.text_document_document_highlight_async(
        types.DocumentHighlightParams(document, types.Position(0, 17))
    )
    assert [one.range.start for one in marks] == [types.Position(0, 17), types.Position(2, 19)]
    shown = await editor.text_document_hover_async(types.HoverParams(document, at))
    assert "input clk" in shown.contents.value
    assert shown.range.start == types.Position(2, 15)
    typed = "module top;\n  counter u0 (a, \nendmodule\n"
    editor.change(document.uri, typed)
    params = types.SignatureHelpParams(document, types.Position(1, 16))
    found = await editor.text_document_signature_help_async(params)
    (one,) = found.signatures
    assert one.label == "counter (input clk, output reg [7:0] q)"
    start, end = one.parameters[found.active_parameter].label
    assert one.label[start:end] == "output reg [7:0] q"
    assert one.documentation.value == "Counts."


async def test_symbols_folds_and_colours(start):
    editor, document, _ = await session(start)
    can = editor.initialized_with.capabilities
    assert "variable" in can.semantic_tokens_provider.legend.token_types
    assert can.signature_help_provider.trigger_characters == ("(", ",")
    (top,) = await editor.text_document_document_symbol_async(types.DocumentSymbolParams(document))
    assert [one.name for one in top.children] == ["clk", "n", "u0"]
    found = await editor.workspace_symbol_async(types.WorkspaceSymbolParams("count"))
    assert [(one.name, at_line(one.location)) for one in found] == [("counter", "counter.v:1:7")]
    folds = await editor.text_document_folding_range_async(types.FoldingRangeParams(document))
    assert [(one.start_line, one.end_line) for one in folds] == [(0, 2)]
    tokens = await editor.text_document_semantic_tokens_full_async(
        types.SemanticTokensParams(document)
    )
    assert tuple(tokens.data[:3]) == (0, 7, 3)


async def test_a_port_is_renamed_in_both_files_and_found_where_it_has_moved(start):
    editor, document, at = await session(start)
    prepared = await editor.text_document_prepare_rename_async(
        types.PrepareRenameParams(document, at)
    )
    assert prepared.placeholder == "clk"
    params = types.RenameParams(document, at, "clock")
    edit = await editor.text_document_rename_async(params)
    by_file = {one.text_document.uri.rpartition("/")[2]: one for one in edit.document_changes}
    assert by_file["top.v"].text_document.version == 1
    assert [one.new_text for one in by_file["top.v"].edits] == ["clock"]
    assert by_file["counter.v"].text_document.version is None
    with pytest.raises(JsonRpcException, match="keyword"):
        await editor.text_document_rename_async(types.RenameParams(document, at, "wire"))
    with pytest.raises(JsonRpcException, match="nothing that the workspace declares"):
        nowhere = types.Position(3, 3)
        await editor.text_document_prepare_rename_async(
            types.PrepareRenameParams(document, nowhere)
        )
    path = editor.folder / "rtl" / "counter.v"
    path.write_text("\n\nmodule counter(input clk);\nendmodule\n")
    changed = types.FileEvent(path.as_uri(), types.FileChangeType.Changed)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([changed]))
    async with asyncio.timeout(60):
        places = set()
        while "counter.v:2:21" not in places:  # the file is read meanwhile
            params = types.DefinitionParams(document, at)
            places = set(map(at_line, await editor.text_document_definition_async(params)))


async def test_documents_that_are_not_open_or_hold_noise(start):
    editor, document, at = await session(start)
    unknown = types.TextDocumentIdentifier(editor.uri("none.v"))
    assert not await editor.text_document_definition_async(types.DefinitionParams(unknown, at))
    assert await editor.text_document_hover_async(types.HoverParams(unknown, at)) is None
    editor.change(document.uri, "\ud83d (((( `\\ \x00 begin .. :: module module `define")
    for line in range(3):
        place = types.Position(line, 7)
        await editor.text_document_hover_async(types.HoverParams(document, place))
        await editor.text_document_signature_help_async(types.SignatureHelpParams(document, place))
    await editor.text_document_document_symbol_async(types.DocumentSymbolParams(document))
    await editor.text_document_semantic_tokens_full_async(types.SemanticTokensParams(document))
    await editor.text_document_folding_range_async(types.FoldingRangeParams(document))
    assert "Traceback" not in editor.log.read_text()


async def test_files_left_out_are_not_indexed(start):
    editor = await start(settings={"index": {"exclude": ["sim"]}})
    (editor.folder / "sim").mkdir()
    path = editor.folder / "sim" / "counter.v"
    path.write_text(COUNTER)
    changed = types.FileEvent(path.as_uri(), types.FileChangeType.Created)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([changed]))
    await editor.until(lambda: "indexed" in editor.log.read_text(), "the scan")
    assert not await editor.workspace_symbol_async(types.WorkspaceSymbolParams("counter"))
