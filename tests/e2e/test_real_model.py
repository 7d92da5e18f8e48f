"""The whole loop with nothing faked: real server, real engine, the model that ships, a real round."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine import model_store
from trainer.references import open_store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
ENGINE = [sys.executable, "-m", "engine.process"]
COUNTER = """module counter (
    input            clk,
    input            rst,
    output reg [7:0] count
);

    always @(posedge clk) begin
        if (rst)
            count <= |
    end

endmodule
"""


def run(module: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=os.environ | {"VERIFRAG_HOME": str(home), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=500,
    )


async def test_an_accepted_completion_becomes_a_new_model_in_service(start, tmp_path):
    home = tmp_path / "home"
    editor = await start(engine=ENGINE)
    await editor.ready()
    uri, position = editor.open("counter.v", COUNTER)
    [item] = await editor.ghost(uri, position)
    assert item.insert_text.strip()
    assert "[FRAG]" not in item.insert_text
    assert "".join(f for step in editor.steps for f in step.fragments).strip()
    await editor.execute(item.command)
    with open_store(home / "references.sqlite3") as store:
        assert [reference.accepted for reference in store.all()] == [item.insert_text]

    round_one = run("trainer.iterate", home, "--rounds", "1", "--epochs", "8")
    assert round_one.returncode == 0, round_one.stderr
    assert "promoted: the references' loss went" in round_one.stdout
    await editor.until(
        lambda: any("(round 1)" in message for message in editor.told), "the move to the new model"
    )
    editor.steps.clear()
    await editor.ghost(uri, position)
    assert editor.steps, "the new model decodes"
    files = {path.suffix for path in (home / "models" / "round-0001").iterdir()}
    assert files == {".json", ".safetensors"}


async def test_a_damaged_model_is_told_once_and_diagnostics_go_on(start, tmp_path):
    model = tmp_path / "damaged"
    shutil.copytree(model_store.EMBEDDED, model)
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    editor = await start(engine=ENGINE, settings={"model": str(model)})
    await editor.until(lambda: editor.told, "the message about the model")
    uri, position = editor.open("broken.v", "module m; assign y = ; |endmodule\n")
    await editor.until(lambda: editor.diagnostics.get(uri), "the diagnostic")
    assert await editor.ghost(uri, position) == []
    assert len(editor.told) == 1
    assert "cannot load the model" in editor.told[0]
    assert "leave it empty for the model that comes with Verifrag" in editor.told[0]


def test_the_demo_shows_everything_with_the_real_model(tmp_path):
    demo = run("demo", tmp_path)
    assert demo.returncode == 0, demo.stdout + demo.stderr


async def test_a_generated_module_has_the_ports_that_its_comment_lists(start):
    editor = await start(engine=ENGINE)
    await editor.ready()
    comment = (
        "// Module: both\n// Inputs:\n//   a: one\n//   b: other\n// Outputs:\n//   y: a AND b|\n"
    )
    uri, cursor = editor.open("both.v", comment)
    assert await editor.act(uri, cursor, "Verifrag: generate module from comment") is True
    header = r"module both \(\n    input a,\n    input b,\n    output (reg )?y\n\);\n"
    assert re.search(header, editor.texts[uri])
