"""A newly published model is noticed."""

from __future__ import annotations

import asyncio
import logging

import pytest

from engine import model_store
from lsp_server import model_watch
from lsp_server.model_watch import ModelWatch


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VERIFRAG_HOME", str(tmp_path))
    return tmp_path


async def test_published_models_are_reported_each_once(home):
    changes = asyncio.Queue()
    watch = ModelWatch(changes.put_nowait)
    watch.start()
    for name in ("round-0001", "round-0002"):
        folder = model_store.models_dir() / name
        folder.mkdir()
        model_store.publish(folder)
        assert await asyncio.wait_for(changes.get(), 10) == folder
    watch.stop()
    assert changes.empty()


async def test_looking_at_the_current_model_is_no_change(monkeypatch):
    looks = []
    current = model_store.current
    monkeypatch.setattr(model_store, "current", lambda: looks.append(1) or current())
    changed = asyncio.Event()
    watch = ModelWatch(lambda folder: changed.set())
    watch.start()
    folder = model_store.models_dir() / "round-0001"
    folder.mkdir()
    model_store.publish(folder)
    await asyncio.wait_for(changed.wait(), 10)
    looks.clear()
    for _ in range(20):
        model_store.current()
        await asyncio.sleep(0.01)
    watch.stop()
    assert len(looks) < 30  # each look that caused another would make it endless


async def test_where_nothing_can_be_watched_the_log_says_so(monkeypatch, caplog):
    def out_of_watches(*_):
        raise OSError("inotify watch limit reached")

    monkeypatch.setattr(model_watch.Observer, "schedule", out_of_watches)
    watch = ModelWatch(lambda folder: None)
    with caplog.at_level(logging.WARNING):
        watch.start()
    watch.stop()
    assert "inotify watch limit reached" in caplog.text
