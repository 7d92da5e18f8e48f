"""The commands of docs/training.md, run as they stand there but for fewer steps."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = ROOT / "engine" / "models" / "embedded"
FEWER = {
    "trainer.finetune": "--steps 1 --rows 1 --micro-rows 1 --no-compile",
    "trainer.evaluate": "--quick --places 2",
}
STAGE = """\
// Stage {n} of a delay line.
module stage{n} (input clk, input [{n}:0] d, output reg [{n}:0] q);
  reg [{n}:0] first;
  always @(posedge clk) begin
    first <= d;
    q <= first ^ {n};
  end
endmodule
"""


def test_the_documented_way_to_train_on_ones_own_code(tmp_path):
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    commands = re.findall(r"^python -m (trainer\.(?!iterate).*)$", text, re.MULTILINE)
    assert len(commands) == 4
    for folder in ("rtl", "ip"):
        (tmp_path / folder).mkdir()
        for n in range(2, 6):
            module = STAGE.format(n=n if folder == "rtl" else n + 10)
            (tmp_path / folder / f"stage{n}.v").write_text(module)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "VERIFRAG_HOME": str(tmp_path / "home")}
    for command in commands:
        words = shlex.split(command.replace("EMBEDDED", str(EMBEDDED)))
        words += shlex.split(FEWER.get(words[0], ""))
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert (tmp_path / "my-model" / "model.safetensors").exists()
    assert (tmp_path / "report" / "report.md").exists()
