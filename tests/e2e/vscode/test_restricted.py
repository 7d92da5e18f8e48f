"""Restricted Mode: what the manifest promises of a workspace that nobody has trusted."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


def test_no_program_of_the_workspace_is_run_and_ghost_text_works(open_window):
    with open_window() as window:
        python = window.folder / ".venv" / "bin" / "python"
        ran = window.folder / "ran"
        window.write(".venv/bin/python", f"#!/bin/sh\ntouch '{ran}'\n")
        python.chmod(0o755)
        window.write(".vscode/settings.json", f'{{"verifrag.python": "{python}"}}')
        window.open("top.v", "module top (input a, b, output y);\n    assign y =|\nendmodule\n")
        expect(window.page.locator(".statusbar-item", has_text="Restricted Mode")).to_be_visible()
        window.until_status("Ready")
        window.type(" ")
        window.until_ghost("a & b;")
        expect(window.errors).to_have_count(0)  # of the missing expression: it was not checked
        assert not ran.exists()
