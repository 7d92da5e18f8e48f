"""Syntax problems and declarations, on text as it stands in an editor."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.verilog.reading import MAX_PROBLEMS, needs_system_verilog
from engine.verilog.syntax import Parameter, Port, Signal, header, is_valid, modules, problems

COUNTER = """\
module counter #(parameter WIDTH = 8, parameter LIMIT = 1 << WIDTH, localparam TOP = LIMIT - 1) (
    input  wire clk, rst,
    output reg  [WIDTH-1:0] count
);
    wire [3:0] low = count[3:0], high;
    localparam IDLE = 2'd0;
    always @(posedge clk) count <= rst ? 0 : count + 1;
endmodule
"""

OLD_STYLE = """\
module adder(a, b, sum, .carry(c));
    parameter N = 4;
    input [N-1:0] a, b;
    output reg signed [N:0] sum;
    output c;
    full_adder #(.N(N)) u0 (.a(a));
    generate
        if (N > 4) begin : wide
            carry_chain u1 ();
            full_adder u2 ();
        end else
            ripple u3 ();
        genvar i;
        for (i = 0; i < N; i = i + 1) begin bit_cell u4 (); end
        case (N) 1: tiny u5 (); default: begin big u6 (); end endcase
    endgenerate
    and (x, y, z);
endmodule
"""


def marked(text):
    """`text` with each problem in brackets, for reading."""
    for problem in reversed(problems(text)):
        inside = text[problem.offset : problem.end]
        text = f"{text[: problem.offset]}[{inside}]{text[problem.end :]}"
    return text


# -- problems --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [
        "module m(input a);\n  assign b = []; // no value\nendmodule\n",
        "module m(input a);\n  wire b[]\n  wire c;\nendmodule\n",
        "module m;\n  wire [3:0] x = 4'b01[]21;\nendmodule\n",
        "module m;[]\n  // as yet unfinished\n",
        "// 中文 é 😀\nmodule m; /* ñ */ assign b = []; endmodule\n",
    ],
)
def test_a_problem_is_where_the_text_goes_wrong(broken):
    assert marked(broken.replace("[]", "")) == broken


@pytest.mark.parametrize(
    "fine",
    [
        "",
        "// only a comment",
        COUNTER,
        OLD_STYLE,
        "module m;\n  logic a;\n  always_comb a = 1;\nendmodule",
        "module m;\n  integer do;\n  reg bit;\nendmodule",  # Verilog-2005 names
        "primitive p(o, a); output o; input a; table 0 : 1; endtable endprimitive",
        "module m; `default_nettype none\nendmodule",
    ],
)
def test_verilog_and_system_verilog_have_no_problems(fine):
    assert problems(fine) == []


@pytest.mark.parametrize(
    "alone",
    [
        '`include "x.vh"\nmodule m(input [`W-1:0] a);\nassign x = `FOO + 1;\nendmodule',
        'module m(\n`include "ports.vh"\n);\nendmodule',
        "module m;\n`DECLARE(a, b)\n`ENTRY\nendmodule",
        "module m(input a, `PORTS output b);\nalways @(`CLK) if (`C) `S else x <= 1;\nendmodule",
        "`define REG(n) reg n;\nmodule m;\n`REG(a)\n`REG(b)\nendmodule",
        "module m;\nsub #(`P) u(`Q);\ninitial `LOOP begin x = 1; end\nendmodule",
    ],
)
def test_a_lone_file_with_unknown_macros_and_includes_has_no_problems(alone):
    assert problems(alone) == []


def test_a_problem_two_lines_from_an_unknown_macro_still_counts():
    assert problems("module m;\n`ENTRY\n\nwire a;\nassign = 1;\nendmodule")


def test_includes_are_not_opened(tmp_path, monkeypatch):
    (tmp_path / "broken.vh").write_text("module ( ;")
    monkeypatch.chdir(tmp_path)
    for include in ('"broken.vh"', f'"{tmp_path}/broken.vh"', "<broken.vh>"):
        assert problems(f"`include {include}\nmodule m; endmodule") == []


def test_a_comment_or_string_may_speak_of_directives():
    text = 'module m; initial $display("no `include here"); // `define x "\nendmodule'
    assert problems(text) == []


# Text that takes slang, left alone, down or ages. In a process of its own: a crash would end pytest.
HOSTILE = {
    "generate blocks": "'module m;' + 'if (1) begin ' * 100_000",
    "else if": "'module m;' + 'if (1) ; else ' * 100_000",
    "modules": "'module m;' * 100_000",
    "structs": "'struct {' * 100_000",
    "exponential macros": r"'`define A0 x x\n' + "
    r"''.join(f'`define A{i+1} `A{i} `A{i}\n' for i in range(40)) + '`A40\n'",
    "nested macro calls": r"'`define A(x) x\n' + '`A(' * 100_000",
    "binary noise": "bytes(i * 7919 % 256 for i in range(1_000_000)).decode('latin-1')",
    "lone surrogates": r"'module m; \ud800 \udfff endmodule'",
    "errors without end": r"'assign = ;\n' * 100_000",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_survived(text):
    code = "from engine.verilog.syntax import modules, problems\n"
    code += f"text = {text}\nprint(len(problems(text)), len(modules(text)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) <= MAX_PROBLEMS


@pytest.mark.slow
def test_a_netlist_of_5_mb_is_read():
    cells = "".join(
        f"  NAND2 u{i} (.A(n{i}), .B(n{i + 1}), .Y(n{i + 2}));\n" for i in range(100_000)
    )
    text = f"module netlist;\n{cells}endmodule\n"
    assert len(text) > 4_500_000
    assert problems(text) == []
    assert modules(text)[0].instances == ("NAND2",)


# -- parsers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("parser", ["pyslang", "pyverilog"])
def test_both_parsers_agree_on_plain_verilog(parser, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sized = "`define W 8\nmodule m(input [`W-1:0] a, output b);\n assign b = ^a;\nendmodule\n"
    assert is_valid(sized, parser)
    assert not is_valid(sized.replace("^a", ""), parser)
    assert list(tmp_path.iterdir()) == []


def test_pyverilog_rejects_what_the_papers_say_it_rejects():
    text = "module m;\n  reg a = 1'b0, b;\nendmodule\n"
    assert is_valid(text)
    assert not is_valid(text, "pyverilog")


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("module m; logic a; endmodule", True),
        ("module m; always_ff @(posedge c) q <= d; endmodule", True),
        ("module m; wire a; endmodule", False),
        ("module m; integer do; reg bit; endmodule", False),
        ("module m; wire a; // logic\nendmodule", False),
    ],
)
def test_system_verilog_is_told_by_its_keywords(text, needed):
    assert needs_system_verilog(text) is needed


# -- declarations ----------------------------------------------------------------------------------


def test_an_ansi_header():
    (module,) = modules(COUNTER)
    assert module.name == "counter"
    assert COUNTER[module.start : module.end] == COUNTER.rstrip()
    assert module.ports == (
        Port("clk", "input", "wire"),
        Port("rst", "input", "wire"),
        Port("count", "output", "reg [WIDTH-1:0]"),
    )
    assert module.parameters == (Parameter("WIDTH", "8"), Parameter("LIMIT", "1 << WIDTH"))
    assert module.signals == (
        Signal("low", "wire [3:0] low = count[3:0]"),
        Signal("high", "wire [3:0] high"),
        Signal("IDLE", "localparam IDLE = 2'd0"),
    )


def test_ports_declared_in_the_body():
    (module,) = modules(OLD_STYLE)
    assert module.ports == (
        Port("a", "input", "[N-1:0]"),
        Port("b", "input", "[N-1:0]"),
        Port("sum", "output", "reg signed [N:0]"),
        Port("carry", "", ""),
    )
    assert module.parameters == (Parameter("N", "4"),)


def test_instances_in_generate_blocks_count_and_gates_do_not():
    (module,) = modules(OLD_STYLE)
    assert module.instances == (
        *("full_adder", "carry_chain", "ripple", "bit_cell", "tiny", "big"),
    )


def test_offsets_count_characters():
    text = "// 中文 é 😀\n" + COUNTER
    (module,) = modules(text)
    assert text[module.start : module.end] == COUNTER.rstrip()


def test_macros_keep_their_names():
    text = "`define W 8\nmodule m(input [`W-1:0] a, input [`X:0] b);\nendmodule"
    (module,) = modules(text)
    assert [port.type_text for port in module.ports] == ["[`W-1:0]", "[`X:0]"]


def test_a_module_being_typed_ends_where_the_next_begins():
    text = "module first(input a, output\n\nmodule second(input b);\nendmodule\n"
    first, second = modules(text)
    assert (first.name, second.name) == ("first", "second")
    assert text[second.start :] == "module second(input b);\nendmodule\n"
    text = "module first(input a);\n  sub u ();\n  wire\n" + COUNTER
    first, second = modules(text)
    assert first.instances == ("sub",)
    assert first.end <= second.start
    assert text[second.start :] == COUNTER


def test_branches_that_the_files_own_macros_select():
    text = (
        "`define FAST\n`ifdef FAST\nmodule fast; endmodule\n`else\nmodule slow; endmodule\n`endif"
    )
    assert [module.name for module in modules(text)] == ["fast"]


def test_interfaces_and_primitives_are_declarations_too():
    text = "interface bus; endinterface\nprimitive inv(o, i); output o; input i;\n"
    text += "table 0 : 1; endtable\nendprimitive\n"
    assert [module.name for module in modules(text)] == ["bus", "inv"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (COUNTER, COUNTER[: COUNTER.index(";") + 1]),
        ("module m; endmodule", "module m;"),
        (
            'module m #(parameter P = ";") (input a /* ; */);\nendmodule',
            'module m #(parameter P = ";") (input a /* ; */);',
        ),
        ("module m(input a,\n  output b\n\n  // more to come\n", "module m(input a,\n  output b"),
    ],
)
def test_header(text, expected):
    assert header(text, modules(text)[0]) == expected


def test_noise_declares_nothing():
    assert modules("") == []
    assert modules("\x00\x01\x02 not Verilog") == []
    assert modules("hello, world") == []
