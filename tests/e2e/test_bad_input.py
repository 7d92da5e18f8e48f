"""What goes wrong around the server: one clear message or an empty answer, and it goes on serving."""

from __future__ import annotations

import asyncio
import random

import pytest
from lsprotocol import types

pytestmark = pytest.mark.slow

GOOD = "module top(input a, b, output y);\n  assign y = |\nendmodule\n"
UNDECLARED = "module top(output y);\n  assign y = undeclared;\nendmodule\n"


async def serves(editor) -> None:
    """The server still completes."""
    items = await editor.ghost(*editor.open("good.v", GOOD))
    assert [item.insert_text for item in items] == ["a & b;"]


async def diagnosed(editor, uri: str) -> list[types.Diagnostic]:
    """The next non-empty diagnostics of a document."""
    return await editor.until(lambda: editor.diagnostics.get(uri), f"diagnostics of {uri}")


async def test_missing_iverilog(start):
    editor = await start(settings={"iverilog": {"path": "/no/such/iverilog"}})
    await editor.ready()
    uri, _ = editor.open("a.v", "module a(;\nendmodule\n")
    other, _ = editor.open("b.v", "module b(;\nendmodule\n")
    assert (await diagnosed(editor, uri))[0].source == "slang"
    await diagnosed(editor, other)
    (message,) = editor.told
    assert "/no/such/iverilog" in message and "verifrag.iverilog.path" in message
    await serves(editor)


@pytest.mark.parametrize("model", ["corrupt", "missing-corrupt"])
async def test_a_model_that_does_not_load(start, tmp_path, model):
    if model == "corrupt":
        (tmp_path / model).mkdir()
    editor = await start(settings={"model": str(tmp_path / model)})
    await editor.until(lambda: editor.told, "a message")
    assert await editor.ghost(*editor.open("top.v", GOOD)) == []
    uri, _ = editor.open("bad.v", UNDECLARED)
    await diagnosed(editor, uri)
    (message,) = editor.told
    assert "config.json" in message and "verifrag.model" in message


async def test_the_engine_is_not_installed(start, fake_engine):
    editor = await start(engine=fake_engine("--fatal", "run pip install 'verifrag[engine]'"))
    await editor.until(lambda: editor.told, "a message")
    assert await editor.ghost(*editor.open("top.v", GOOD)) == []
    (message,) = editor.told
    assert "pip install 'verifrag[engine]'" in message


async def test_an_engine_that_dies_answers_again_later(start):
    editor = await start()
    await editor.ready()
    assert await editor.ghost(*editor.open("die.v", "// engine: die\n" + GOOD)) == []
    assert await editor.ghost(*editor.open("top.v", GOOD)) == []  # starts it again
    await editor.until(lambda: editor.log.read_text().count("engine ready") == 2, "a new engine")
    await serves(editor)
    assert editor.told == []


async def test_files_that_are_not_utf_8(start):
    folder = (await start()).folder
    (folder / "latin1.v").write_bytes(b"// \xe4\xf6\nmodule latin1(input a);\nendmodule\n")
    editor = await start()
    await editor.ready()
    use = "module top(input a);\n  latin1 l(.a(a));\n  assign broken = 1;\nendmodule\n"
    uri, _ = editor.open("top.v", use)
    messages = [diagnostic.message for diagnostic in await diagnosed(editor, uri)]
    assert not any("Unknown module" in message for message in messages)
    await serves(editor)


async def test_a_netlist_of_five_megabytes(start):
    editor = await start()
    await editor.ready()
    gates = "".join(f"  nand g{n} (n{n}, a, n{n - 1});\n" for n in range(1, 170_000))
    netlist = f"module net(input a, input n0);\n{gates}|\nendmodule\n"
    assert len(netlist) > 5_000_000
    uri, cursor = editor.open("net.v", netlist)
    assert isinstance(await editor.ghost(uri, cursor), list)
    params = types.CompletionParams(types.TextDocumentIdentifier(uri), cursor)
    assert (await editor.text_document_completion_async(params)).items
    place = types.Range(cursor, cursor)
    context = types.CodeActionContext(diagnostics=[])
    actions = types.CodeActionParams(types.TextDocumentIdentifier(uri), place, context)
    assert not await editor.text_document_code_action_async(actions)
    await serves(editor)


async def test_a_buffer_of_binary_noise(start):
    editor = await start()
    await editor.ready()
    noise = bytes(random.Random(1).randrange(256) for _ in range(50_000)).decode("latin-1")
    uri, _ = editor.open("noise.v", noise.replace("|", ""))
    for position in (types.Position(0, 0), types.Position(20, 5)):
        assert isinstance(await editor.ghost(uri, position), list)
        params = types.CompletionParams(types.TextDocumentIdentifier(uri), position)
        await editor.text_document_completion_async(params)
    await serves(editor)
    assert editor.told == []


async def test_a_document_closed_while_its_completion_is_decoded(start, fake_engine, tmp_path):
    received = tmp_path / "received.jsonl"
    editor = await start(engine=fake_engine("--log", str(received)))
    await editor.ready()
    uri, cursor = editor.open("top.v", "// engine: forever\n" + GOOD)
    request = asyncio.ensure_future(editor.ghost(uri, cursor))
    await editor.until(lambda: editor.steps, "decoding")
    editor.close(uri)
    assert await request == []
    await editor.until(lambda: '"cancel"' in received.read_text(), "cancellation in the engine")
    await serves(editor)


async def test_an_unknown_setting_and_one_of_the_wrong_type(start):
    editor = await start(settings={"modle": "x", "diagnostics": {"delay": "soon"}})
    await editor.ready()
    (message,) = editor.told
    assert "did you mean verifrag.model?" in message
    assert "verifrag.diagnostics.delay: expected a whole number" in message
    await serves(editor)


async def test_positions_past_the_end(start):
    editor = await start()
    await editor.ready()
    uri, _ = editor.open("top.v", GOOD)
    for position in (types.Position(1, 9999), types.Position(9999, 0)):
        assert isinstance(await editor.ghost(uri, position), list)
        params = types.CompletionParams(types.TextDocumentIdentifier(uri), position)
        await editor.text_document_completion_async(params)
    await serves(editor)


async def test_messages_that_the_protocol_does_not_know(start):
    editor = await start()
    await editor.ready()
    for body in (
        '{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"nonsense": 1}}',
        '{"jsonrpc": "2.0", "id": 7, "method": "textDocument/completion", "params": null}',
        '{"jsonrpc": "2.0", "method": "no/suchThing", "params": {}}',
        "no JSON at all",
    ):
        editor.protocol.writer.write(f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
    await serves(editor)
    assert editor.told == []


async def test_requests_for_documents_that_are_not_open(start):
    editor = await start()
    await editor.ready()
    here = types.Position(0, 0)
    uri = editor.uri("never-opened.v")
    assert await editor.ghost(uri, here) == []
    params = types.CompletionParams(types.TextDocumentIdentifier(uri), here)
    assert not (await editor.text_document_completion_async(params)).items
    command = types.Command("", "verifrag.generate", arguments=[uri, types.Range(here, here)])
    assert await editor.execute(command) is False
    assert await editor.execute(types.Command("", "verifrag.accept", arguments=["x"])) is None
    await serves(editor)


async def test_an_engine_that_fails_while_generating(start):
    editor = await start()
    await editor.ready()
    text = '// engine: error "out of memory"|\n'
    uri, cursor = editor.open("c.v", text)
    place = types.Range(cursor, cursor)
    command = types.Command("", "verifrag.generate", arguments=[uri, place])
    assert await editor.execute(command) is False
    assert editor.told == ["Verifrag: no module was generated: out of memory"]


async def test_generating_without_a_model_says_so_once_more(start, tmp_path):
    editor = await start(settings={"model": str(tmp_path / "corrupt")})
    await editor.until(lambda: editor.told, "a message")
    uri, cursor = editor.open("c.v", "// A counter|\n")
    arguments = [uri, types.Range(cursor, cursor)]
    assert (
        await editor.execute(types.Command("", "verifrag.generate", arguments=arguments)) is False
    )
    assert len(editor.told) == 2 and len(set(editor.told)) == 1


async def test_generating_with_the_engine_turned_off(start):
    editor = await start(settings={"engine": {"enabled": False}})
    uri, cursor = editor.open("c.v", "// A counter|\n")
    arguments = [uri, types.Range(cursor, cursor)]
    command = types.Command("", "verifrag.generate", arguments=arguments)
    await editor.until(lambda: editor.log.exists() and "indexed" in editor.log.read_text(), "start")
    assert await editor.execute(command) is False
    assert "verifrag.engine.enabled" in editor.told[0]
