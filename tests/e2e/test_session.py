"""A session with the real server over stdio, as an editor has it: start to acceptance."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sqlite3
import sys
from pathlib import Path

import pytest
from lsprotocol import types
from pytest_lsp.client import make_test_lsp_client

ROOT = Path(__file__).resolve().parents[2]
TOP = "module top(input a, b, output y);\n  assign y = |\nendmodule\n"


def stored(editor) -> list[tuple]:
    """Kind, accepted text and prefix of every reference in the store."""
    path = editor.folder.parent / "home" / "references.sqlite3"
    if not path.exists():
        return []
    with sqlite3.connect(path) as database:
        return database.execute("SELECT kind, accepted, prefix FROM reference").fetchall()


async def test_the_server_says_what_it_can_do(start):
    editor = await start()
    can = editor.initialized_with.capabilities
    assert can.inline_completion_provider == types.InlineCompletionOptions()
    assert can.text_document_sync.change == types.TextDocumentSyncKind.Incremental
    assert {"verifrag.accept", "verifrag.generate"} <= set(can.execute_command_provider.commands)
    assert editor.initialized_with.server_info.name == "verifrag"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["utf-8", "utf-16"], "utf-8"), (["utf-16"], "utf-16"), (None, "utf-16")],
)
async def test_position_encoding_is_negotiated_and_kept(start, offered, chosen):
    general = types.GeneralClientCapabilities(position_encodings=offered)
    editor = await start(capabilities=types.ClientCapabilities(general=general))
    assert editor.initialized_with.capabilities.position_encoding == chosen
    await editor.ready()
    line = "/* 😀 */ assign y = "
    uri, _ = editor.open("a.v", f"module top(input a, b, output y);\n{line}\nendmodule\n")
    column = len(line.encode(chosen.replace("utf-16", "utf-16-le"))) // (1 + (chosen == "utf-16"))
    at = types.Position(1, column)
    (item,) = await editor.ghost(uri, at)
    assert item.insert_text == "a & b;"
    assert item.range == types.Range(at, at)


async def test_ghost_text_is_streamed_shown_accepted_and_stored(start):
    editor = await start()
    await editor.ready()
    uri, cursor = editor.open("top.v", TOP)
    (item,) = await editor.ghost(uri, cursor)
    assert item.insert_text == "a & b;"
    assert [list(step.fragments) for step in editor.steps] == [["a"], [" &"], [" b"], [";"]]
    assert editor.completed[0].shown == "a & b;"
    await editor.execute(item.command)
    assert stored(editor) == [("fill", "a & b;", TOP.partition("|")[0])]


async def test_nothing_is_stored_where_that_is_turned_off(start):
    editor = await start(settings={"references": {"enabled": False}})
    await editor.ready()
    (item,) = await editor.ghost(*editor.open("top.v", TOP))
    await editor.execute(item.command)
    assert stored(editor) == []


async def test_the_model_loads_under_a_progress_bar(start):
    editor = await start()
    await editor.ready()
    (reports,) = await editor.until(lambda: list(editor.progress_reports.values()), "progress")
    await editor.until(lambda: reports[-1].kind == "end", "the end of progress")
    assert reports[0].title == "Verifrag: loading the model"
    assert any(report.kind == "report" and report.percentage == 50 for report in reports)


async def test_while_the_model_loads_ghost_text_is_empty_at_once(start, fake_engine):
    editor = await start(engine=fake_engine("--load-seconds", "600"))
    assert await editor.ghost(*editor.open("top.v", TOP)) == []


async def test_a_cancelled_request_stops_the_decoder(start, fake_engine, tmp_path):
    received = tmp_path / "received.jsonl"
    editor = await start(engine=fake_engine("--log", str(received)))
    await editor.ready()
    uri, cursor = editor.open("top.v", "// engine: forever\n" + TOP)
    request = asyncio.ensure_future(
        editor.protocol.send_request_async(
            types.TEXT_DOCUMENT_INLINE_COMPLETION,
            types.InlineCompletionParams(
                types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic),
                types.TextDocumentIdentifier(uri),
                cursor,
            ),
            msg_id="to-be-cancelled",
        )
    )
    await editor.until(lambda: editor.steps, "decoding")
    editor.cancel_request(types.CancelParams("to-be-cancelled"))
    await editor.until(lambda: '"cancel"' in received.read_text(), "cancellation in the engine")
    with pytest.raises(Exception, match="cancel"):
        await request


async def test_a_newer_request_ends_the_older_one(start):
    editor = await start()
    await editor.ready()
    uri, cursor = editor.open("top.v", "// engine: forever\n" + TOP)
    older = asyncio.ensure_future(editor.ghost(uri, cursor))
    await editor.until(lambda: editor.steps, "decoding")
    editor.change(uri, editor.texts[uri].replace("forever", 'answer "b;"'))
    (item,) = await editor.ghost(uri, cursor)
    assert item.insert_text == "b;"
    assert await older == []


async def test_diagnostics_follow_the_unsaved_text(start):
    editor = await start()
    uri, _ = editor.open("top.v", "module top(output y);\n  assign y = missing;\nendmodule\n")
    (found,) = await editor.until(lambda: editor.diagnostics.get(uri), "diagnostics")
    assert found.source == "iverilog"
    assert found.range == types.Range(types.Position(1, 13), types.Position(1, 20))
    editor.change(uri, editor.texts[uri].replace("missing", "1'b0"))
    await editor.until(lambda: not editor.diagnostics[uri], "the end of diagnostics")


async def test_an_old_version_that_is_compared_does_not_stand_for_the_file(start):
    editor = await start()
    await editor.ready()
    uri, _ = editor.open("top.v", "module top(input a, output y);\nendmodule\n")
    old = uri.replace("file:", "git:") + "?HEAD"
    text = "module old;\nendmodule\n"
    item = types.TextDocumentItem(old, "verilog", 1, text)
    editor.text_document_did_open(types.DidOpenTextDocumentParams(item))
    assert await editor.ghost(old, types.Position(1, 0)) == []
    for _ in ("opened", "closed"):
        document = types.TextDocumentIdentifier(uri)
        found = await editor.text_document_document_symbol_async(
            types.DocumentSymbolParams(document)
        )
        assert [one.name for one in found] == ["top"]
        closed = types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(old))
        editor.text_document_did_close(closed)
    assert not editor.diagnostics.get(old)


@pytest.mark.slow
async def test_modules_of_other_files_are_known_and_followed(start):
    editor = await start()
    inverter = editor.folder / "inv.v"
    uri, _ = editor.open("top.v", "module top(input a);\n  inv i (.a(a));\nendmodule\n")
    (found,) = await editor.until(lambda: editor.diagnostics.get(uri), "diagnostics")
    assert "inv" in found.message
    inverter.write_text("module inv(input a);\nendmodule\n")
    created = types.FileEvent(inverter.as_uri(), types.FileChangeType.Created)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([created]))
    await editor.until(lambda: not editor.diagnostics[uri], "the end of diagnostics")
    other, _ = editor.open("inv.v", "module inv(input b);\nendmodule\n")  # not saved
    editor.change(uri, editor.texts[uri] + "\n")
    found = await editor.until(lambda: editor.diagnostics.get(uri), "diagnostics")
    assert any("port" in diagnostic.message for diagnostic in found)
    editor.close(other)


async def test_the_server_asks_to_be_told_of_changed_files(start):
    workspace = types.WorkspaceClientCapabilities(
        did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(
            dynamic_registration=True
        )
    )
    editor = await start(capabilities=types.ClientCapabilities(workspace=workspace))
    (registration,) = await editor.until(lambda: editor.registered, "a registration")
    assert registration.method == types.WORKSPACE_DID_CHANGE_WATCHED_FILES


async def test_the_menu_offers_modules_and_signals(start):
    editor = await start()
    (editor.folder / "inv.v").write_text("module inv(input a, output y);\nendmodule\n")
    uri, cursor = editor.open("top.v", "module top(input clk);\n  wire one;\n  |\nendmodule\n")

    async def labels() -> set[str]:
        params = types.CompletionParams(types.TextDocumentIdentifier(uri), cursor)
        answer = await editor.text_document_completion_async(params)
        return {item.label for item in answer.items}

    assert {"clk", "one", "top", "assign"} <= await labels()
    for _ in range(100):  # the index is built in the background
        if "inv" in await labels():
            break
    assert "inv" in await labels()


async def test_a_published_model_is_taken_into_service(start, tmp_path):
    editor = await start()
    await editor.ready()
    models = tmp_path / "home" / "models"
    (models / "round-0003").mkdir(parents=True)
    (models / ".new").write_text("round-0003\n")
    (models / ".new").rename(models / "CURRENT")
    await editor.until(lambda: editor.told, "a message")
    assert editor.told == ["Verifrag: now uses round-0003 (round 3)."]


async def test_settings_can_change_while_the_server_runs(start):
    editor = await start()
    await editor.ready()
    uri, cursor = editor.open("top.v", TOP)
    assert await editor.ghost(uri, cursor)
    editor.set_configuration({"completion": {"enabled": False}}, section="verifrag")
    editor.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))
    # The server asks for its configuration, so it takes a round trip until the change is there.
    for _ in range(100):
        if not (items := await editor.ghost(uri, cursor)):
            break
    assert items == []


async def test_over_tcp(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "VERIFRAG_HOME": str(tmp_path)}
    command = (sys.executable, "-m", "lsp_server", "--tcp", f"127.0.0.1:{port}")
    server = await asyncio.create_subprocess_exec(*command, env=environment, cwd=ROOT)
    client = make_test_lsp_client()
    for _ in range(500):
        with contextlib.suppress(ConnectionRefusedError):
            await client.start_tcp("127.0.0.1", port)
            break
        await asyncio.sleep(0.02)
    options = {"verifrag": {"engine": {"enabled": False}}}
    answer = await client.initialize_session(
        types.InitializeParams(types.ClientCapabilities(), initialization_options=options)
    )
    assert answer.server_info.name == "verifrag"
    await client.shutdown_session()
    assert await asyncio.wait_for(server.wait(), 20) == 0
