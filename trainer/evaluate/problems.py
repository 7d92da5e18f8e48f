"""The problems of each suite, read from the benchmarks' own files and the textbook's exam.

A problem is a prompt, what of the module it gives already, and the bench that judges the whole. How each
benchmark compiles, orders and limits is its own (VerilogEval v1, RTLLM v1.1, VGen, RTLBench); a bench's
message of success gets a secret, see `trainer.evaluate.verdict`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.api import EngineError, Prompt
from engine.verilog import repairs, specification
from trainer.evaluate.verdict import NONCE, Bench
from trainer.textbook import store as textbook

VGEN_LEVELS = {"vgen": 1, "vgen-medium": 2, "vgen-high": 3}  # paper 1 uses the low-level prompts
RTLLM_TIME_SCALE = {"timescale.f": "+timescale+1ns/1ns\n"}  # for sources that set none
RTLBENCH_UNUSABLE = {
    "i2c_master_8bit",  # its bench does not compile under Icarus 11
    "restoring_divider_16bit",  # its bench has no message of success
}


@dataclass(frozen=True)
class Problem:
    """One thing to write. `given` is the part of the module that the prompt has already; where it declares
    outputs as nets and may be told to, what is written is `mended`."""

    suite: str
    id: str
    prompt: Prompt
    bench: Bench
    given: str = ""
    mended: bool = False

    def assemble(self, completion: str) -> str:
        """The candidate: the whole text to be compiled with the bench."""
        candidate = f"{self.given}{completion}\n"
        return repairs.outputs_as_variables(candidate) if self.mended else candidate


def load(suite: str, data: Path | None, exam: Path | None) -> list[Problem]:
    """The problems of `suite`, one of `SUITES`; `data` is the folder of benchmarks, `exam` a textbook.

    Raises EngineError if what the suite needs is not there.
    """
    folder, option = (exam, "--textbook") if suite in _EXAMS else (data, "--data")
    if folder is None:
        raise EngineError(f"the suite {suite} needs {option} FOLDER")
    try:
        found = SUITES[suite](folder)
    except (OSError, KeyError, ValueError) as error:
        raise EngineError(f"cannot read the suite {suite} in {folder}: {error}") from error
    if not found:
        raise EngineError(f"there is no problem of the suite {suite} in {folder}")
    return found


def vgen(data: Path, suite: str = "vgen") -> list[Problem]:
    """VGen's 17 problems, prompted by comment and header; compiled = the compiler says nothing. Unlike
    upstream's script, nothing is mended: an `end` that a completion lacks is lacking."""
    level = VGEN_LEVELS[suite]
    found = []
    for bench in sorted(data.glob("vgen/prompts-and-testbenches/*/tb_*.v")):
        (path,) = bench.parent.glob(f"prompt{level}_*.v")
        # Many prompts end within a comment, where whatever is written would be comment.
        given = path.read_text(encoding="utf-8").rstrip() + "\n"
        if re.search(r"^endmodule", given, re.MULTILINE):
            continue  # advanced3's prompt of high detail is the whole solution
        judge = Bench(
            text=_sealed(bench, "all tests passed"),
            passes=rf"{NONCE} all tests passed\s*\Z",
            flags=(),
            silent=True,
        )
        found.append(Problem(suite, bench.parent.name, Prompt(prefix=given), judge, given))
    return found


def rtllm(data: Path) -> list[Problem]:
    """RTLLM v1.1's 29 designs, prompted by their descriptions. div_16bit has the bench of v2.0, which
    compiles; asyn_fifo's bench uses `break`, which Icarus 11 has not, so nothing passes it."""
    folder = data / "rtllm_v1.1"
    repaired = {"div_16bit": folder / "_from_v2.0" / "div_16bit_testbench.v"}
    found = []
    for description in sorted(folder.glob("*/design_description.txt")):
        name = description.parent.name
        bench = Bench(
            text=_sealed(repaired.get(name, description.parent / "testbench.v"), "Design Passed"),
            passes=f"{NONCE} Design Passed",
            flags=("-g2012", "-f", "timescale.f"),
            files=RTLLM_TIME_SCALE
            | {
                path.name: path.read_text(encoding="utf-8")
                for path in description.parent.iterdir()
                if path.suffix in (".dat", ".txt") and path != description
            },
            seconds=8,
        )
        text = description.read_text(encoding="utf-8").strip()
        found.append(Problem("rtllm", name, Prompt("", instruction=text), bench))
    return found


def rtlbench(data: Path) -> list[Problem]:
    """RTLBench's 158 usable tasks, prompted by their descriptions. It has no references."""
    found = []
    for description in sorted(data.glob("rtlbench/*/desc.txt")):
        name = description.parent.name
        if name not in RTLBENCH_UNUSABLE:
            bench = Bench(
                text=_sealed(description.parent / f"tb_{name}.v", "No Function Error"),
                passes=f"{NONCE} No Function Error",
            )
            text = description.read_text(encoding="utf-8").strip()
            found.append(Problem("rtlbench", name, Prompt("", instruction=text), bench))
    return found


def headed(problems: Iterable[Problem]) -> list[Problem]:
    """The problems as the editor asks them (`lsp_server.jobs`): where a description spells out the
    module's header, the prompt begins with it, and outputs become variables where the body needs it."""
    found = []
    for one in problems:
        given = specification.header(one.prompt.instruction)
        prompt = replace(one.prompt, prefix=given)
        suite = f"{one.suite}-headed"
        found.append(replace(one, suite=suite, prompt=prompt, given=given, mended=bool(given)))
    return found


def verilogeval(data: Path) -> list[Problem]:
    """VerilogEval v1 Machine's 143 problems: detailed description and header."""
    folder = data / "verilogeval_v1_machine"
    rows = _json_lines(folder / "descriptions" / "VerilogDescription_Machine.jsonl")
    descriptions = {row["task_id"]: row["detail_description"].strip() for row in rows}
    found = []
    for row in _json_lines(folder / "data" / "VerilogEval_Machine.jsonl"):
        bench = Bench(
            text=row["test"].replace('"Mismatches:', f'"{NONCE} Mismatches:'),
            passes=rf"^{NONCE} Mismatches: 0 in [1-9]\d* samples$",
            flags=("-Wall", "-Winfloop", "-Wno-timescale", "-g2012", "-s", "tb"),
            first=True,
            silent=True,
            seconds=30,
        )
        prompt = Prompt(row["prompt"], instruction=descriptions[row["task_id"]])
        found.append(Problem("verilogeval", row["task_id"], prompt, bench, row["prompt"]))
    return found


def textbook_exam(folder: Path, held_out: str) -> list[Problem]:
    """The textbook's exam: each prompt of each item of held-out families, or of held-out wordings. Ids are
    family/item/wording."""
    found = []
    for item in textbook.read_exam(folder):
        if item.held_out != held_out:
            continue
        bench = Bench(item.bench, rf"^VERDICT {NONCE} 0 [1-9]\d*\s*\Z")
        for prompt in item.prompts:
            text, is_prefix = prompt["text"], prompt["form"] == "prefix"
            found.append(
                Problem(
                    suite=f"textbook-{held_out}",
                    id=f"{item.family}/{item.id}/{prompt['wording']}",
                    prompt=Prompt(text) if is_prefix else Prompt("", instruction=text),
                    bench=bench,
                    given=text if is_prefix else "",
                )
            )
    return found


_EXAMS = ("textbook-family", "textbook-wording")

SUITES: dict[str, Callable[[Path], list[Problem]]] = {
    "vgen": vgen,
    "vgen-medium": lambda data: vgen(data, "vgen-medium"),
    "vgen-high": lambda data: vgen(data, "vgen-high"),
    "rtllm": rtllm,
    "rtllm-headed": lambda data: headed(rtllm(data)),
    "rtlbench": rtlbench,
    "rtlbench-headed": lambda data: headed(rtlbench(data)),
    "verilogeval": verilogeval,
    "textbook-family": lambda folder: textbook_exam(folder, "family"),
    "textbook-wording": lambda folder: textbook_exam(folder, "wording"),
}


def _sealed(bench: Path, phrase: str) -> str:
    """The text of `bench`, which puts a secret before its `phrase` of success."""
    text = bench.read_text(encoding="utf-8")
    if phrase not in text:
        raise ValueError(f"{bench} never says {phrase!r}")
    return text.replace(phrase, f"{NONCE} {phrase}")


def _json_lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]
