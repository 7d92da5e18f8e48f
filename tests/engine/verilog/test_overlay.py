"""Overlays that a process has left behind. What an overlay is for is in `test_icarus`."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from engine.verilog import overlay
from engine.verilog.overlay import Overlay


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder for temporary files of this test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_one_that_is_closed_leaves_nothing(folder):
    one = Overlay({Path("/a/m.v"): "module m;"})
    assert (one.folder / "a/m.v").read_text() == "module m;"
    one.close()
    assert list(folder.iterdir()) == []


def test_old_ones_are_swept_and_what_is_in_use_or_another_s_stays(folder):
    left, used = Overlay({Path("/a/m.v"): ""}), Overlay({Path("/a/m.v"): ""})
    other = folder / "verifrag-1000"
    other.mkdir()
    long_ago = time.time() - 2 * overlay.STALE
    for one in (left.folder, other):
        os.utime(one, (long_ago, long_ago))
    overlay.sweep()
    assert set(folder.iterdir()) == {used.folder, other}
    used.close()
