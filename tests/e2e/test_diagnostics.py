"""Diagnostics and quick fixes in a session with the real server: pushed, pulled, mended."""

from __future__ import annotations

import pytest
from lsprotocol import types

pytestmark = pytest.mark.slow

WRONG = "module top(input a, output y);\n  assign y = a & missing;\nendmodule\n"
RIGHT = WRONG.replace(" & missing", "")

PULLS = types.ClientCapabilities(
    workspace=types.WorkspaceClientCapabilities(
        configuration=True,
        diagnostics=types.DiagnosticWorkspaceClientCapabilities(refresh_support=True),
    ),
    text_document=types.TextDocumentClientCapabilities(
        diagnostic=types.DiagnosticClientCapabilities(),
    ),
)


async def pull(editor, uri, previous=None):
    document = types.TextDocumentIdentifier(uri)
    params = types.DocumentDiagnosticParams(document, previous_result_id=previous)
    return await editor.text_document_diagnostic_async(params)


async def quick_fixes(editor, uri, diagnostics):
    context = types.CodeActionContext(diagnostics, only=[types.CodeActionKind.QuickFix])
    document = types.TextDocumentIdentifier(uri)
    params = types.CodeActionParams(document, diagnostics[0].range, context)
    return await editor.text_document_code_action_async(params)


async def test_a_client_that_pulls_gets_the_diagnostics_of_the_newest_text(start):
    editor = await start(capabilities=PULLS)
    uri, _ = editor.open("top.v", WRONG)
    await editor.until(lambda: "indexed" in editor.log.read_text(), "the index")
    first = await pull(editor, uri)
    assert [one.code for one in first.items] == ["undeclared"]
    assert (await pull(editor, uri, first.result_id)).kind == "unchanged"
    editor.change(uri, RIGHT)
    second = await pull(editor, uri, first.result_id)
    assert (second.kind, list(second.items)) == ("full", [])
    assert not editor.diagnostics.get(uri)  # nothing is shown twice


async def test_a_client_that_is_pushed_diagnostics_pulls_none(start):
    editor = await start()
    uri, _ = editor.open("top.v", WRONG)
    await editor.until(lambda: editor.diagnostics.get(uri), "diagnostics")
    assert list((await pull(editor, uri)).items) == []


async def test_a_fix_from_the_editor_takes_the_squiggle_away(start):
    editor = await start()
    uri, _ = editor.open("top.v", WRONG)
    found = await editor.until(lambda: editor.diagnostics.get(uri), "diagnostics")
    (action,) = await quick_fixes(editor, uri, found)
    assert (action.title, list(action.diagnostics)) == ("Declare missing", list(found))
    (change,) = action.edit.document_changes
    (edit,) = change.edits
    assert edit.range.start == edit.range.end
    lines = editor.texts[uri].split("\n")
    at = edit.range.start
    lines[at.line] = lines[at.line][: at.character] + edit.new_text + lines[at.line][at.character :]
    editor.change(uri, "\n".join(lines))
    await editor.until(lambda: not editor.diagnostics[uri], "the end of diagnostics")


async def test_a_project_file_and_its_change_count_at_once(start):
    editor = await start()
    project = editor.folder / "verifrag.toml"
    uri, _ = editor.open("top.v", RIGHT.replace("= a", "= `GIVEN"))
    await editor.until(lambda: editor.diagnostics.get(uri), "diagnostics")
    project.write_text('defines = ["GIVEN=a"]\n')
    created = types.FileEvent(project.as_uri(), types.FileChangeType.Created)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([created]))
    await editor.until(lambda: not editor.diagnostics[uri], "the end of diagnostics")


async def test_what_is_shown_on_a_closed_file_is_that_file_s_own_once_it_is_opened(start):
    editor = await start()
    sub = editor.folder / "sub.v"
    sub.write_text("module sub(input x);\n  assign y = nn;\nendmodule\n")
    top, _ = editor.open("top.v", "module top(input a);\n  sub u0(.x(a));\nendmodule\n")
    await editor.until(lambda: editor.diagnostics.get(sub.as_uri()), "diagnostics of a closed file")
    uri, _ = editor.open("sub.v", sub.read_text().replace("nn", "x"))
    await editor.until(
        lambda: [one.code for one in editor.diagnostics[uri]] == ["implicit-net"], "its own"
    )
    assert not editor.diagnostics.get(top)


@pytest.mark.parametrize("folder", ["with space", "设计"])
async def test_folders_of_any_name(start, folder):
    editor = await start()
    (editor.folder / folder / "inc dir").mkdir(parents=True)
    (editor.folder / folder / "inc dir" / "w.vh").write_text("`define W 4\n")
    (editor.folder / folder / "sub.v").write_text("module sub(input x);\nendmodule\n")
    (editor.folder / folder / "files.f").write_text('top.v sub.v "+incdir+inc dir"\n')
    text = '`include "w.vh"\nmodule top(input [`W:0] a);\n  sub u0(.x(a[0]));\n  assign b = no;\nendmodule\n'
    uri, _ = editor.open(f"{folder}/top.v", text)
    found = await editor.until(lambda: editor.diagnostics.get(uri), "diagnostics")
    assert {one.range.start.line for one in found} == {3}


async def test_include_folders_of_a_project_count_for_navigation_with_diagnostics_off(
    start, tmp_path
):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "sizes.vh").write_text("`define W 4\n")
    editor = await start(settings={"diagnostics": {"enabled": False}})
    (editor.folder / "verifrag.toml").write_text('include_dirs = ["../far"]\n')
    uri, cursor = editor.open(
        "top.v", '`include "sizes.vh"\nmodule top(input [`|W:0] a);\nendmodule\n'
    )
    document = types.TextDocumentIdentifier(uri)
    hover = await editor.text_document_hover_async(types.HoverParams(document, cursor))
    assert "`define W 4" in hover.contents.value


async def test_the_settings_of_verilog_users_count(start):
    editor = await start()
    uri, _ = editor.open("top.v", RIGHT.replace("= a", "= `GIVEN"))
    await editor.until(lambda: editor.diagnostics.get(uri), "diagnostics")
    verilog = {"linting": {"iverilog": {"arguments": "-Wall -DGIVEN=a"}}}
    editor.set_configuration(verilog, section="verilog")
    settings = types.DidChangeConfigurationParams(settings=None)
    editor.workspace_did_change_configuration(settings)
    await editor.until(lambda: not editor.diagnostics[uri], "the end of diagnostics")
