"""`python -m demo` with the fake engine: the whole story is told, and a failure is a failure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def run_demo(*engine_arguments: str) -> subprocess.CompletedProcess[str]:
    engine = [sys.executable, str(HERE / "fake_engine.py"), *engine_arguments]
    return subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=ROOT,
        env=os.environ | {"VERIFRAG_ENGINE_COMMAND": json.dumps(engine), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def told():
    demo = run_demo("--fill", "count + 1;")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    return demo.stdout


def test_the_error_is_shown_at_its_place_and_gone_after_the_fix(told):
    line = "    34 │         else if (presses > treshold)\n"
    assert line + "       │                            ^^^^^^^^ Unable to bind" in told
    assert told.index("treshold)") < told.index("presses > threshold)") < told.index("no problems")


def test_ghost_text_is_drawn_with_its_fragments_and_its_cost(told):
    assert "    22 │             count <= ▌count┊ +┊ 1┊;┊\n" in told
    assert "4 tokens in 4 steps (1 + 1 + 1 + 1), 1.0 a step" in told


def test_the_generated_module_is_shown_below_its_comment(told):
    comment, module = told.index("│ // A 4-bit counter"), told.index("│ module from_comment (")
    assert comment < told.index("of 24 candidates checked") < module


def test_the_acceptance_is_read_back_from_the_store(told):
    assert "reference 1, top.v, from model fake:\n       │ count + 1\n" in told


def test_a_missing_engine_ends_the_demo_with_the_reason():
    demo = run_demo("--fatal", "torch is not installed")
    assert demo.returncode == 1
    assert "The demo failed: the server said:" in demo.stdout
    assert "torch is not installed" in demo.stdout
