"""Does each reference module pass its own test bench? Many are compiled and simulated in one go.

These texts are written by our own families, so they are run as they are, in a scratch folder and under
a time limit. What a model writes goes through `trainer.evaluate.sandbox` instead.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

_SECONDS = 20
_MODULE = re.compile(r"(?m)^module\s+(\w+)")


@dataclass(frozen=True)
class Trial:
    """A module and its bench, whose top module is `top` and which prints `top` as its nonce."""

    text: str
    bench: str
    top: str


def renamed(text: str, suffix: str) -> str:
    """`text` with `suffix` added to the names of its modules, so that equal names fit one lot."""
    names = "|".join(re.escape(name) for name in _MODULE.findall(text))
    return re.sub(rf"(?<![\w$.`])({names})(?![\w$])", rf"\1{suffix}", text)


def passing(trials: Sequence[Trial]) -> list[bool]:
    """Which of `trials` compile as Verilog-2005, without a warning worth the name, and pass.

    Raises FileNotFoundError if Icarus Verilog is not installed.
    """
    if shutil.which("iverilog") is None or shutil.which("vvp") is None:
        raise FileNotFoundError(
            "the textbook needs Icarus Verilog: install iverilog and put it on PATH"
        )
    if not trials:
        return []
    passed = _simulate(trials)
    if passed is not None:
        return [trial.top in passed for trial in trials]
    if len(trials) == 1:
        return [False]
    half = len(trials) // 2  # one bad module spoils a whole compilation: look for it
    return [*passing(trials[:half]), *passing(trials[half:])]


def _simulate(trials: Sequence[Trial]) -> set[str] | None:
    """The tops that passed, or None if the lot could not be compiled or did not end."""
    with TemporaryDirectory(prefix="verifrag-textbook-") as folder:
        source, binary = Path(folder, "lot.v"), Path(folder, "lot.vvp")
        source.write_text("\n".join(t.text + t.bench for t in trials), encoding="utf-8")
        tops = [option for trial in trials for option in ("-s", trial.top)]
        try:
            compiled = _run(["iverilog", "-g2005", "-Wall", *tops, "-o", str(binary), str(source)])
            if compiled.returncode or _suspicious(compiled.stderr):
                return None
            output = _run(["vvp", "-n", str(binary)]).stdout
        except subprocess.TimeoutExpired:
            return None
    verdicts = [line.split() for line in output.splitlines() if line.startswith("VERDICT ")]
    return {top for _, top, mismatches, checks in verdicts if mismatches == "0" and checks != "0"}


def _suspicious(warnings: str) -> bool:
    """Warnings that a careful engineer would not leave, as against those about time scales."""
    return any(
        "warning" in line and "timescale" not in line and "sensitive to all" not in line
        for line in warnings.splitlines()
    )


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=_SECONDS, stdin=subprocess.DEVNULL
    )
