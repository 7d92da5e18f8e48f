"""Emacs with eglot, set up as docs/clients.md says, against the real server process.

One session (emacs.el) does what a user would; each test looks at one thing it saw.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
INSTALL = "this test needs Emacs with eglot: apt-get install emacs-nox elpa-eglot"


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    emacs = shutil.which("emacs")
    assert emacs, INSTALL
    folder = tmp_path_factory.mktemp("emacs")
    project = folder / "blinky"
    shutil.copytree(ROOT / "examples" / "blinky", project)
    (project / ".git").mkdir()  # eglot's root of the project
    observed, log = folder / "observed.json", folder / "server.log"
    environment = os.environ | {
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "VERIFRAG_HOME": str(folder / "verifrag"),
        "VERIFRAG_ENGINE_COMMAND": json.dumps([sys.executable, str(HERE / "fake_engine.py")]),
        "SERVER_PYTHON": sys.executable,
        "SERVER_LOG": str(log),
        "OBSERVED": str(observed),
    }
    session = subprocess.run(
        [emacs, "--batch", "--no-init-file", "--load", str(HERE / "emacs.el")],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert observed.exists(), f"{INSTALL}\n{session.stderr}"
    result = json.loads(observed.read_text())
    tail = log.read_text()[-3000:] if log.exists() else "none"
    assert "problem" not in result, f"{result['problem']}\n{session.stderr}\nserver log: {tail}"
    return result


def test_diagnostics_appear(seen):
    assert any("treshold" in message for message in seen["diagnostics"])


def test_diagnostics_follow_the_unsaved_buffer(seen):
    assert seen["unsaved"]


def test_completion_offers_modules_of_other_files(seen):
    assert any("debouncer" in word for word in seen["completions"])


def test_definitions_are_found_in_other_files(seen):
    assert seen["definition"].endswith("rtl/pwm.v")


def test_a_module_is_written_below_its_comment(seen):
    assert seen["action"] == "Verifrag: generate module from comment"
    assert seen["generated"]
