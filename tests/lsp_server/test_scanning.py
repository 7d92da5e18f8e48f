"""Scans in the background: progress where one takes long, one at a time, stopped when asked."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lsp_server import scanning
from lsp_server.scanning import Scans


class SlowIndex:
    """Reports a file of three, then waits to be stopped, or to be let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.ended: list[str] = []

    def scan(self, folders, exclude, limit, report, stopped):
        report(1, 3)
        while not (self.go.is_set() or stopped.wait(0.005)):
            pass
        self.ended.append("stopped" if stopped.is_set() else "whole")


@pytest.fixture
def bars(monkeypatch):
    """What is shown; a `cancel` callback is kept as its last element."""
    shown: list[object] = []

    @asynccontextmanager
    async def work_done(server, title, on_cancel):
        shown.extend((title, on_cancel))
        yield lambda message, fraction: shown.insert(-1, message)

    monkeypatch.setattr(scanning, "work_done", work_done)
    monkeypatch.setattr(scanning, "BETWEEN_REPORTS", 0.01)
    return shown


async def test_a_long_scan_shows_how_far_it_is_and_can_be_cancelled(bars, monkeypatch):
    monkeypatch.setattr(scanning, "QUIET", 0.01)
    index = SlowIndex()
    scans = Scans(None, index)
    run = asyncio.create_task(scans.run([Path("/a")], (), 10))
    while "1 of 3 files" not in bars:
        await asyncio.sleep(0.005)
    assert not scans.finished
    bars[-1]()
    await run
    assert index.ended == ["stopped"]
    assert scans.finished  # the user does not want more of it


async def test_a_short_scan_shows_nothing(bars):
    index = SlowIndex()
    index.go.set()
    scans = Scans(None, index)
    await scans.run([], (), 10)
    assert (bars, index.ended, scans.finished) == ([], ["whole"], True)


async def test_a_newer_scan_ends_the_older(bars):
    index = SlowIndex()
    scans = Scans(None, index)
    first = asyncio.create_task(scans.run([], (), 10))
    await asyncio.sleep(0.02)
    second = asyncio.create_task(scans.run([], (), 10))
    await first
    assert (index.ended, scans.finished) == (["stopped"], False)
    index.go.set()
    await second
    assert (index.ended, scans.finished) == (["stopped", "whole"], True)
