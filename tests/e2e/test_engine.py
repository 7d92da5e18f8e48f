"""The engine as a client sees it: its state, its process, and what happens when that dies."""

from __future__ import annotations

import json
import os
import signal

import pytest
from lsprotocol import types

pytestmark = pytest.mark.slow

TOP = "module top(input a, b, output y);\n  assign y = |\nendmodule\n"


async def watched(start, **options):
    """An editor that wants to know the engine's state, and the states it is told."""
    capabilities = types.ClientCapabilities(
        workspace=types.WorkspaceClientCapabilities(configuration=True),
        experimental={"verifragState": True},
    )
    editor = await start(capabilities=capabilities, **options)
    states = []
    editor.feature("verifrag/state")(lambda state: states.append(state))
    return editor, states


async def status(editor):
    return await editor.protocol.send_request_async("verifrag/status", None)


async def test_the_state_follows_the_engine(start):
    editor, states = await watched(start)
    await editor.ready()
    await editor.until(lambda: states and states[-1].kind == "ready", "the state")
    assert states[-1].model
    found = await status(editor)
    assert (found.kind, found.model, found.rss) == ("ready", states[-1].model, 1 << 20)
    assert found.version == editor.initialized_with.server_info.version


async def test_an_engine_that_is_turned_off_is_off(start):
    editor, states = await watched(start, settings={"engine": {"enabled": False}})
    await editor.until(lambda: states and states[-1].kind == "off", "the state")
    found = await status(editor)
    assert (found.kind, found.pid, found.model) == ("off", None, "")


async def test_a_killed_engine_serves_again_and_the_state_says_so(start):
    editor, states = await watched(start)
    await editor.ready()
    first = (await status(editor)).pid
    os.kill(first, signal.SIGKILL)
    await editor.until(lambda: states and states[-1].kind == "stopped", "the death")
    assert "died" in states[-1].message
    uri, cursor = editor.open("top.v", TOP)
    assert await editor.ghost(uri, cursor) == []  # this request starts it for the next
    await editor.until(lambda: states[-1].kind == "ready", "the recovery")
    assert await editor.ghost(uri, cursor)
    assert (await status(editor)).pid != first
    assert editor.told == []


async def test_the_engine_can_be_restarted(start):
    editor, _ = await watched(start)
    await editor.ready()
    first = (await status(editor)).pid
    assert await editor.execute(types.Command("", "verifrag.restartEngine")) is True
    found = await status(editor)
    assert (found.kind, found.pid != first) == ("ready", True)


async def test_a_client_that_did_not_ask_is_not_told(start):
    editor = await start()
    states = []
    editor.feature("verifrag/state")(lambda state: states.append(state))
    await editor.ready()
    assert (await status(editor)).kind == "ready"
    assert states == []


async def test_a_relative_model_is_looked_for_in_the_workspace(start, fake_engine, tmp_path):
    (tmp_path / "work" / "trained").mkdir(parents=True)
    log = tmp_path / "received.jsonl"
    editor = await start(fake_engine("--log", str(log)), settings={"model": "trained"})
    await editor.ready()
    loaded = json.loads(log.read_text().splitlines()[0])
    assert loaded["params"]["model"] == str(editor.folder / "trained")
