"""A headless Neovim with the plugin of this repository, against the real server process.

One session does everything a user would (neovim.lua); each test looks at one thing it saw. The engine
is the fake one, so that the ghost text is known.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trainer.references import open_store

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GHOST = "module ghost(input a, input b, output y);\n  assign y =\nendmodule\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def seen(tmp_path_factory, home):
    nvim = shutil.which("nvim")
    assert nvim, "this test needs Neovim: apt-get install neovim"
    folder = tmp_path_factory.mktemp("session")
    project = folder / "blinky"
    shutil.copytree(ROOT / "examples" / "blinky", project)
    (project / "rtl" / "ghost.v").write_text(GHOST)
    observed, log = folder / "observed.json", folder / "server.log"
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "VERIFRAG_HOME": str(home),
        "VERIFRAG_ENGINE_COMMAND": json.dumps([sys.executable, str(HERE / "fake_engine.py")]),
        "SERVER_PYTHON": sys.executable,
        "SERVER_LOG": str(log),
        "OBSERVED": str(observed),
    }
    runtime = f"set runtimepath+={ROOT / 'nvim'}"
    quiet = [nvim, "--headless", "-u", "NONE", "-i", "NONE", "-n"]
    session = subprocess.run(
        [*quiet, "--cmd", runtime, "-S", str(HERE / "neovim.lua")],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert observed.exists(), session.stderr
    result = json.loads(observed.read_text())
    tail = log.read_text()[-3000:] if log.exists() else "none"
    assert "problem" not in result, f"{result['problem']}\n{session.stderr}\nserver log: {tail}"
    return result


def test_diagnostics_appear_at_the_misspelt_name(seen):
    (diagnostic,) = [d for d in seen["diagnostics"] if "treshold" in d["message"]]
    line = (ROOT / "examples/blinky/rtl/alarm.v").read_text().split("\n")[diagnostic["line"]]
    assert diagnostic["source"] == "iverilog"
    assert line[diagnostic["column"] :].startswith("treshold")


def test_diagnostics_follow_the_unsaved_buffer(seen):
    assert seen["unsaved"]


def test_the_menu_offers_modules_of_other_files(seen):
    assert any("debouncer" in word for word in seen["menu"])


def test_ghost_text_is_drawn_at_the_cursor(seen):
    assert seen["ghost"] == {"line": 1, "column": len("  assign y = "), "text": "a & b;"}


def test_accepting_inserts_the_ghost_text(seen):
    assert seen["accepted"] == "  assign y = a & b;"
    assert seen["cursor"] == [2, len(seen["accepted"])]


def test_an_acceptance_reaches_the_store(seen, home):
    with open_store(home / "references.sqlite3") as store:
        (reference,) = [r for r in store.all() if r.kind == "fill"]
    assert reference.accepted == "a & b;"
    assert reference.uri.endswith("rtl/ghost.v")


def test_ghost_text_goes_when_insert_mode_ends(seen):
    assert seen["after_leaving_insert_mode"]


def test_the_code_action_writes_the_module_below_its_comment(seen):
    assert seen["actions"] == ["Verifrag: generate module from comment"]
    assert seen["generated"][0].startswith("// A 4-bit counter")
    assert seen["generated"][1].startswith("module from_comment")
