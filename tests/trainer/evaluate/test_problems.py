"""Each suite's problems: their prompts, and that the right module passes while a wrong one does not.

The real benchmarks are not part of this repository. With VERIFRAG_BENCHMARKS set to the folder that holds
vgen, rtllm_v1.1 and verilogeval_v1_machine, their reference solutions are examined too.
"""

import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from engine.api import EngineError, Prompt
from trainer.evaluate import problems
from trainer.evaluate.problems import SUITES, headed, load
from trainer.evaluate.verdict import judge

HEADER = "module invert(input a, output y);\n"
BODY = "assign y = ~a;\nendmodule"


def test_prompts(benchmarks, exam):
    def only(suite):
        (problem,) = load(suite, benchmarks, exam)
        return problem.id, problem.prompt, problem.given

    low = f"// An inverter\n{HEADER}// y is the inverse of a\n"
    assert only("vgen") == ("basic1", Prompt(low), low)
    assert only("vgen-medium")[1] == Prompt(f"// An inverter\n{HEADER}")
    assert only("rtllm") == ("invert", Prompt("", instruction="Module name:\n    invert"), "")
    assert only("rtlbench") == ("invert", Prompt("", instruction="Design an inverter."), "")
    asked = Prompt(HEADER, instruction="It inverts.")
    assert only("verilogeval") == ("invert", asked, HEADER)


def test_a_headed_suite_begins_with_the_header_that_the_description_spells_out(benchmarks):
    (vague,) = load("rtllm-headed", benchmarks, None)
    assert (vague.prompt.prefix, vague.given, vague.mended) == ("", "", False)
    told = "Module name:\n    invert\nInputs:\n    a: a bit\nOutputs:\n    y: its inverse"
    (clear,) = headed([replace(vague, suite="rtllm", prompt=Prompt("", instruction=told))])
    header = "module invert (\n    input a,\n    output y\n);\n"
    assert (clear.suite, clear.prompt) == ("rtllm-headed", Prompt(header, instruction=told))
    body = "    always @* y = ~a;\nendmodule"
    mended = header.replace("output y", "output reg y")
    assert clear.assemble(body) == f"{mended}{body}\n"


def test_prompts_of_the_exam(exam):
    line, comment = load("textbook-family", None, exam)
    assert (line.id, line.given) == ("inverter/1/line-1", "")
    assert line.prompt == Prompt("", instruction="An inverter.")
    assert comment.prompt == Prompt(f"// An inverter.\n{HEADER}")
    assert comment.given == comment.prompt.prefix


@pytest.mark.parametrize(
    "suite", ["vgen", "vgen-medium", "rtllm", "rtlbench", "verilogeval", "textbook-family"]
)
def test_the_right_module_passes_and_a_wrong_one_does_not(suite, benchmarks, exam):
    for problem in load(suite, benchmarks, exam):
        completion = BODY if problem.given else HEADER + BODY
        assert judge(problem.assemble(completion), problem.bench).reason == "passed"
        wrong = completion.replace("~", "")
        assert judge(problem.assemble(wrong), problem.bench).reason == "mismatch"


def test_what_is_missing_is_said(benchmarks, tmp_path):
    with pytest.raises(EngineError, match="the suite vgen needs --data FOLDER"):
        load("vgen", None, None)
    with pytest.raises(EngineError, match="the suite textbook-family needs --textbook FOLDER"):
        load("textbook-family", benchmarks, None)
    with pytest.raises(EngineError, match="there is no problem of the suite vgen-high"):
        load("vgen-high", benchmarks, None)  # the only one is a whole solution
    with pytest.raises(EngineError, match=r"cannot read the suite verilogeval .*No such file"):
        load("verilogeval", tmp_path / "none", None)


def test_a_bench_without_its_message_is_no_bench(benchmarks):
    file = benchmarks / "rtlbench" / "invert" / "tb_invert.v"
    file.write_text(file.read_text().replace("No Function Error", "fine"))
    with pytest.raises(EngineError, match="never says 'No Function Error'"):
        load("rtlbench", benchmarks, None)


@pytest.fixture
def real():
    if "VERIFRAG_BENCHMARKS" not in os.environ:
        pytest.skip("set VERIFRAG_BENCHMARKS to the folder of the benchmarks")
    return Path(os.environ["VERIFRAG_BENCHMARKS"])


@pytest.mark.slow
def test_sizes_of_the_real_suites(real):
    sizes = {suite: len(load(suite, real, None)) for suite in SUITES if "textbook" not in suite}
    assert sizes == {
        "vgen": 17,
        "vgen-medium": 17,
        "vgen-high": 16,
        "rtllm": 29,
        "rtlbench": 158,
        "verilogeval": 143,
    }


@pytest.mark.slow
def test_all_references_of_vgen_pass(real):
    folder = real / "vgen" / "prompts-and-testbenches"
    for problem in load("vgen", real, None):
        answers = [*(folder / problem.id).glob("answer_*.v")]
        # advanced3 has its solution in the prompt of high detail only.
        (answer,) = answers or (folder / problem.id).glob("prompt3_*.v")
        verdict = judge(answer.read_text(), problem.bench)
        assert verdict.reason == "passed", (problem.id, verdict)


@pytest.mark.slow
def test_27_references_of_rtllm_pass(real):
    ends = {}
    for problem in load("rtllm", real, None):
        (file,) = (real / "rtllm_v1.1" / problem.id).glob("verified_*.v")
        # Three references have a name that is not quite their design's.
        names = f"{problem.id}|adder_64bit|multi_pipe|booth4_mul"
        renamed = re.sub(rf"\bverified_(?:{names})\b", problem.id, file.read_text())
        ends[problem.id] = judge(renamed, problem.bench).reason
    assert Counter(ends.values()) == {"passed": 27, "syntax": 1, "mismatch": 1}
    assert (ends["asyn_fifo"], ends["radix2_div"]) == ("syntax", "mismatch")


@pytest.mark.slow
def test_all_references_of_verilogeval_pass(real):
    rows = problems._json_lines(real / "verilogeval_v1_machine/data/VerilogEval_Machine.jsonl")
    solutions = {row["task_id"]: row["canonical_solution"] for row in rows}
    for problem in load("verilogeval", real, None):
        verdict = judge(problem.assemble(solutions[problem.id]), problem.bench)
        assert verdict.reason == "passed", (problem.id, verdict)
