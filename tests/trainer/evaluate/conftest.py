"""Benchmarks of one problem each, laid out as the real ones are, and a textbook's exam."""

import json

import pytest

from trainer.textbook import store
from trainer.textbook.store import ExamItem

HEADER = "module invert(input a, output y);\n"
INVERT = HEADER + "assign y = ~a;\nendmodule\n"


def bench(top, success, declare=""):
    """A test bench for `invert`."""
    return f"""`timescale 1ns/1ps
module {top};
    reg a; wire y; {declare}
    integer errors;
    invert dut (.a(a), .y(y));
    initial begin
        errors = 0;
        a = 0; #1 if (y !== 1) errors = errors + 1;
        a = 1; #1 if (y !== 0) errors = errors + 1;
        {success}
        $finish;
    end
endmodule
"""


def passed(message):
    return f'if (errors == 0) $display("{message}"); else $display("failed");'


@pytest.fixture
def benchmarks(tmp_path):
    """A folder with VGen, RTLLM, RTLBench and VerilogEval, each with the one problem `invert`."""

    def put(path, text):
        file = tmp_path / "benchmarks" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    vgen = "vgen/prompts-and-testbenches/basic1"
    put(f"{vgen}/prompt1_invert.v", f"// An inverter\n{HEADER}// y is the inverse of a")
    put(f"{vgen}/prompt2_invert.v", f"// An inverter\n{HEADER}")
    put(f"{vgen}/prompt3_invert.v", INVERT)
    put(f"{vgen}/tb_invert.v", bench("tb", passed("all tests passed")))
    put("rtllm_v1.1/invert/design_description.txt", "Module name:\n    invert\n")
    put("rtllm_v1.1/invert/wanted.dat", "1\n0\n")
    reads = '$readmemh("wanted.dat", wanted); if (wanted[0] !== 1) errors = 9; '
    text = bench("tb", reads + passed("==Your Design Passed=="), "reg [3:0] wanted [0:1];")
    put("rtllm_v1.1/invert/testbench.v", text)
    put("rtlbench/invert/desc.txt", "Design an inverter.")
    put("rtlbench/invert/tb_invert.v", bench("tb", passed("No Function Error")))
    put("rtlbench/i2c_master_8bit/desc.txt", "Its bench does not compile.")
    machine = "verilogeval_v1_machine"
    description = {"task_id": "invert", "detail_description": " It inverts. "}
    put(f"{machine}/descriptions/VerilogDescription_Machine.jsonl", json.dumps(description) + "\n")
    counts = '$display("Mismatches: %1d in %1d samples", errors, 2);'
    row = {"task_id": "invert", "prompt": HEADER, "test": bench("tb", counts)}
    put(f"{machine}/data/VerilogEval_Machine.jsonl", json.dumps(row) + "\n")
    return tmp_path / "benchmarks"


@pytest.fixture
def exam(tmp_path):
    """A textbook with an exam of one item."""
    folder = tmp_path / "textbook"
    folder.mkdir()
    says = 'if ($value$plusargs("nonce=%s", nonce)) $display("VERDICT %0s %0d 2", nonce, errors);'
    item = ExamItem(
        id="1",
        family="inverter",
        held_out="family",
        name="invert",
        header=HEADER,
        text=INVERT,
        bench=bench("testbench", says, "reg [255:0] nonce;"),
        prompts=[
            {"kind": "line", "wording": "line-1", "text": "An inverter.", "form": "instruction"},
            {
                "kind": "comment",
                "wording": "comment-1",
                "text": f"// An inverter.\n{HEADER}",
                "form": "prefix",
            },
        ],
    )
    store.write(folder, [], [item], {})
    return folder
