"""One engine process for all windows: who starts it, who may reach it, what ends it.

A window is a client here, or a process of its own. The model is a toy (`toy_listen`), but for one slow
test with the model that ships.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from engine import connection, links, model_store, runtime
from engine.api import DecodingOptions, EngineError, Prompt
from engine.client import EngineClient
from engine.links import Limits

ROOT = Path(__file__).resolve().parents[2]
TOY = (sys.executable, str(Path(__file__).with_name("toy_listen.py")))
REAL = links.LISTEN
OPTIONS = DecodingOptions(max_tokens=12)
ENDLESS = DecodingOptions(max_tokens=10**6)
PATIENCE = 60


@pytest.fixture
def model(tmp_path):
    return model_folder(tmp_path / "model")


def model_folder(folder: Path) -> str:
    folder.mkdir()
    (folder / "verifrag.json").write_text("{}")
    return str(folder)


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setattr(links, "LISTEN", TOY)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(autouse=True)
def private(monkeypatch):
    """A runtime folder for this test; whatever serves there ends with it."""
    with tempfile.TemporaryDirectory(
        prefix="vf"
    ) as folder:  # short: a socket's path has little room
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder) / "verifrag"
        for lock in Path(folder).glob("verifrag/*.lock"):
            runtime.kill(lock)
            wait_until(lambda lock=lock: runtime.holder(lock) is None)


@pytest.fixture
async def window(model):
    """Makes clients, each as a window of its own."""
    made = []

    def make(name: str = model, version: str = "1", limits: Limits | None = None) -> EngineClient:
        client = EngineClient(name, version=version)
        client.limits = limits or Limits()
        made.append(client)
        return client

    yield make
    for client in made:
        await client.stop()


def wait_until(happened):
    until = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.01)


async def eventually(happened):
    await asyncio.wait_for(_poll(happened), PATIENCE)


async def _poll(happened):
    while not happened():
        await asyncio.sleep(0.01)


def process_state(process: int) -> str:
    command = ["ps", "-o", "stat=", "-p", str(process)]
    return subprocess.run(command, capture_output=True, text=True).stdout


async def running(client: EngineClient) -> int:
    status = await client._connection.call("status", {}, lambda event: None, PATIENCE)
    return status["running"]


async def pid(client: EngineClient) -> int:
    while (status := await client.status()) is None:  # it does not wait for a busy process
        await asyncio.sleep(0.1)
    return status.pid


async def test_windows_that_start_at_once_share_one_process(window, private):
    first, second, third = window(), window(), window()
    await asyncio.gather(first.load(), second.load(), third.load())
    assert await pid(first) == await pid(second) == await pid(third)
    assert (await first.status()).clients == 3
    texts = await asyncio.gather(
        *(one.complete(Prompt("module m;\n"), OPTIONS) for one in (first, second, third))
    )
    assert len({text.text for text in texts}) == 1
    assert private.stat().st_mode & 0o777 == 0o700


async def test_another_version_or_model_is_another_process(window, model, tmp_path):
    other = model_folder(tmp_path / "other")
    first, newer, elsewhere = window(), window(version="2"), window(other)
    await asyncio.gather(first.load(), newer.load(), elsewhere.load())
    assert len({await pid(first), await pid(newer), await pid(elsewhere)}) == 3


async def test_it_survives_the_window_that_started_it(window, model):
    script = f"""
import asyncio
from engine import links
from engine.client import EngineClient
links.LISTEN = {TOY!r}
async def main():
    client = EngineClient({model!r}, version="1")
    await client.load()
    print((await client.status()).pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    starter = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True
    )
    served_by = int(await asyncio.to_thread(starter.stdout.readline))
    client = window()
    await client.load()
    os.killpg(starter.pid, signal.SIGKILL)
    starter.communicate()
    assert (await client.complete(Prompt("module m;\n"), OPTIONS)).steps
    assert await pid(client) == served_by


async def test_a_window_that_vanishes_takes_its_decodings_along(window):
    vanishing, staying = window(), window()
    await asyncio.gather(vanishing.load(), staying.load())
    started = asyncio.Event()
    decoding = asyncio.create_task(
        vanishing.complete(Prompt("module m;\n"), ENDLESS, lambda step: started.set())
    )
    await started.wait()
    vanishing._connection.link.writer.transport.abort()
    with pytest.raises(EngineError):
        await decoding

    async def nothing_runs():
        while await running(staying):
            await asyncio.sleep(0.01)

    await asyncio.wait_for(nothing_runs(), PATIENCE)


async def test_a_killed_process_is_replaced_and_its_stale_socket_is_no_hindrance(window):
    client = window()
    await client.load()
    first = await pid(client)
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: client.state.kind == "stopped")
    assert "died" in client.state.message
    assert runtime.place(client.model, "1").socket.exists()
    assert (await client.complete(Prompt("module m;\n"), OPTIONS)).steps
    assert await pid(client) != first


@pytest.mark.slow
async def test_a_process_that_hangs_is_killed_by_the_next_window(window, monkeypatch):
    client = window()
    await client.load()
    hanging = await pid(client)
    os.kill(hanging, signal.SIGSTOP)
    await eventually(lambda: process_state(hanging).startswith("T"))
    monkeypatch.setattr(links, "HELLO_SECONDS", 2.0)
    other = window()
    await other.load()
    assert await pid(other) != hanging


async def test_it_ends_when_idle_and_starts_again_when_needed(window):
    client = window(limits=Limits(idle=0.2))
    await client.load()
    first = await pid(client)
    await eventually(lambda: client.state.kind == "stopped")
    assert client.state.message == "the engine has ended: it had nothing to do"
    for _ in range(3):  # ending so is no death: no pause before the next
        assert (await client.complete(Prompt("module m;\n"), OPTIONS)).steps
        await eventually(lambda: client.state.kind == "stopped")
    assert runtime.holder(runtime.place(client.model, "1").lock) != first


async def test_a_restart_is_for_all_windows(window):
    first, second = window(), window()
    await asyncio.gather(first.load(), second.load())
    before = await pid(first)
    await first.restart()
    await eventually(lambda: second.state.kind == "stopped")
    await second.load()
    assert await pid(first) == await pid(second) != before


async def test_a_restart_ends_a_process_that_does_not_mind(window, monkeypatch):
    monkeypatch.setenv("TOY_IS_DEAF", "1")
    monkeypatch.setattr(connection, "QUIT_SECONDS", 0.1)
    client = window()
    await client.load()
    before = await pid(client)
    await client.restart()
    assert await pid(client) != before


async def test_a_restart_ends_a_process_that_hangs_while_it_loads(window, model, monkeypatch):
    monkeypatch.setenv("TOY_LOADS_FOR", "600")
    monkeypatch.setattr(connection, "QUIT_SECONDS", 0.1)
    client, lock = window(), runtime.place(model, "1").lock
    loading = asyncio.create_task(client.load())
    await eventually(lambda: client.state.message == "reading")
    before = runtime.holder(lock)
    monkeypatch.delenv("TOY_LOADS_FOR")
    await client.restart()
    assert await pid(client) != before
    with pytest.raises(EngineError, match="stopped"):
        await loading


async def test_a_model_beyond_the_memory_limit_is_refused_with_what_to_do(window):
    client = window(limits=Limits(memory=10))
    with pytest.raises(EngineError, match=r"more than the 10 MB allowed.*engine\.maxMemory"):
        await client.load()


async def test_a_model_written_anew_is_served_by_a_new_process(window, model):
    before, after = window(), window()
    await before.load()
    os.utime(Path(model) / "verifrag.json", (1, 1))
    await after.load()
    assert await pid(before) != await pid(after)


async def test_babble_on_the_socket_disturbs_nobody(window):
    client = window()
    await client.load()
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(runtime.place(client.model, "1").socket))
        stream = raw.makefile("rb")
        assert json.loads(stream.readline())["event"] == "hello"
        raw.sendall(b'garbage\n[1]\n7\n{"method": "complete"}\n{"id": 1, "method": "comp')
        assert json.loads(stream.readline())["event"] == "error"
    assert (await client.complete(Prompt("module m;\n"), OPTIONS)).steps


@pytest.mark.slow
async def test_the_model_that_ships_serves_two_windows(window, monkeypatch):
    monkeypatch.setattr(links, "LISTEN", REAL)
    first, second = window(str(model_store.EMBEDDED)), window(str(model_store.EMBEDDED))
    await asyncio.gather(first.load(), second.load())
    assert await pid(first) == await pid(second)
    asked, ended = Prompt("", instruction="A 4-bit counter with reset"), []
    sampled = DecodingOptions(max_tokens=24, temperature=0.5, stop="module")
    await first.sample(asked, sampled, 3, lambda index, one: ended.append(index))
    assert sorted(ended) == [0, 1, 2]
    assert (await second.complete(Prompt("module m;\n"), OPTIONS)).steps


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_folder_that_others_can_enter_is_refused(private, mode):
    private.mkdir()
    private.chmod(mode)
    with pytest.raises(EngineError, match="chmod 700"):
        runtime.folder()


def test_a_link_in_place_of_the_folder_is_refused(private, tmp_path):
    private.symlink_to(tmp_path)
    with pytest.raises(EngineError, match="must be a folder of yours"):
        runtime.folder()


def test_another_user_s_folder_is_refused(private, monkeypatch):
    private.mkdir(mode=0o700)
    monkeypatch.setattr(runtime.os, "getuid", lambda: 4711)
    with pytest.raises(EngineError, match="must be a folder of yours"):
        runtime.folder()


def test_where_a_path_is_too_long_for_a_socket_a_shorter_folder_serves(monkeypatch, private):
    deep = private.parent / ("x" * 90)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    monkeypatch.setattr(tempfile, "tempdir", str(private.parent))
    folder = runtime.place("model", "1").socket.parent
    assert folder == private.parent / f"verifrag-{os.getuid()}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_where_every_path_is_too_long_the_user_is_told(monkeypatch):
    monkeypatch.setattr(runtime, "LONGEST_SOCKET", 20)
    with pytest.raises(EngineError, match="set XDG_RUNTIME_DIR to a shorter folder"):
        runtime.place("model", "1")
