"""Which texts can still become valid Verilog: every beginning of what is valid, and not of what is not."""

import itertools
import random
from pathlib import Path

import pytest

from engine.verilog import viability

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").rglob("*.v"))

HEADER = "module m(input clk, input [7:0] d, output reg [7:0] q, output y);\n"
CLOCKED = HEADER + "always @(posedge clk) begin\n"

VALID = {
    "old header": "module m(clk, q); input clk; output q; reg q; always @(posedge clk) q <= ~q; endmodule\n",
    "output given its type later": "module m(output [3:0] q); reg [3:0] q; initial q = 0; endmodule\n",
    "parameters": """module m #(parameter W = 8, D = W * 2)(input [W-1:0] a, b, output [D-1:0] y);
        localparam signed [W-1:0] K = {W{1'b1}}; assign y = {a, b} + K; endmodule\n""",
    "state machine": HEADER
    + """localparam [1:0] IDLE = 0, RUN = 1;
        reg [1:0] state, next;
        always @(*) begin : decide
            integer i;
            next = state;
            case (state)
                IDLE, RUN: for (i = 0; i < 2; i = i + 1) if (d[i]) next = RUN; else next = IDLE;
                default: begin end
            endcase
        end
        assign y = state == RUN ? d[0] : 1'b0;
        always @* if (clk) q = d; else q = 0;
        endmodule\n""",
    "functions and tasks": HEADER
    + """function automatic [7:0] swap(input [7:0] x); swap = {x[3:0], x[7:4]}; endfunction
        task show; input [7:0] x; begin $display("%d;", x); end endtask
        initial begin q = swap(d); show(q); #10 q[0] <= @(posedge clk) 1; end
        endmodule\n""",
    "instances": HEADER
    + """wire [7:0] t; and (u, d[0], d[1]), g2(v, u, clk);
        sub #(.W(8), .N(2)) u0 (.a(d), .b(carry), .y(t)), u1 (.a(t), .b(), .y(y));
        assign w = u0.count[3] & carry & u;
        endmodule\n""",
    "generate": HEADER
    + """genvar g; generate for (g = 0; g < 8; g = g + 1) begin : bits
            wire t; if (g > 0) begin assign t = d[g-1]; end else assign t = d[g];
        end endgenerate
        assign y = bits[0].t; endmodule : m\n""",
    "two loops with a variable of the same name": HEADER
    + "for (genvar i = 0; i < 2; i++) begin end for (genvar i = 0; i < 2; i++) begin end endmodule\n",
    "delays, and types of instances like keywords": """module tb; localparam period = 20; reg clk;
        initial begin #period clk = 0; #(period / 2) clk = 1; end
        wire_and UUT(.a(clk)); left_rotator U2(.a(clk)); endmodule\n""",
    "attributes, comments, strings": """(* top *) module m; // input clk, input clk
        (* keep = "x" *) wire a; /* wire a; */ initial $display("wire a; // %s", "\\"b"); endmodule\n""",
    "two modules": "module a(input x); wire t; endmodule\nmodule b(input x); wire t; endmodule\n",
    "macros and conditions": """`timescale 1ns/1ps
        `define W 8
        module m(input [`W-1:0] a);
        `ifdef FAST
        reg r;
        `else
        reg r;
        `endif
        wire x = `ELSEWHERE(q); endmodule\n""",
    "types from elsewhere": """module m import p::*; (input p::t a, b, output word_t y);
        typedef enum {A, B} e; e s; state_t n; always_comb begin s = A; n = f(a); end endmodule\n""",
    "names that are SystemVerilog's words": "module m(input bit, output do); assign do = bit; endmodule\n",
}


def pieces(text, seed=0):
    """`text` cut at random places, between and within its words."""
    rng = random.Random(seed)
    cuts = sorted({0, len(text), *(rng.randrange(len(text)) for _ in range(len(text) // 3))})
    return [text[a:b] for a, b in itertools.pairwise(cuts)]


def dies(prefix, piece, **options):
    """Whether `piece` is rejected after `prefix`, which is not."""
    text = viability.begin("", **options).after(prefix)
    assert text is not None, f"dead before: {prefix}"
    return text.after(piece) is None


@pytest.mark.parametrize("name", VALID)
def test_every_beginning_of_a_valid_text_is_viable(name):
    for seed in range(5):
        text, so_far = viability.begin(""), ""
        for piece in pieces(VALID[name], seed):
            longer = text.after(piece)
            assert longer is not None, f"{so_far} <<{piece}>>"
            text, so_far = longer, so_far + piece
        assert text.ends()
        assert not text.open


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_viable_up_to_their_errors(path):
    """One of them has a misspelt name, for diagnostics to find."""
    source = path.read_text(encoding="utf-8")
    sound, error, _ = source.partition("treshold")
    text = viability.begin("")
    for piece in pieces(sound):
        text = text.after(piece)
        assert text is not None
    assert text.after(error + " ") is None or not error


@pytest.mark.parametrize(
    ("prefix", "piece"),
    [
        ("module m(input clk,", ")"),
        (HEADER, "q <= d;"),
        (HEADER + "assign y = d", " y2"),
        (HEADER + "assign y", ";"),
        (HEADER, "end "),
        (CLOCKED, "endmodule"),
        (CLOCKED + "if (clk) q <= d; end ", "else"),
        (CLOCKED + "case (d) ", "endmodule"),
        (CLOCKED + "q <= ", "= d"),
        (CLOCKED + "q <= d ", "8"),
        ("module m(input clk", "output"),
    ],
)
def test_an_error_of_syntax_is_seen_at_once(prefix, piece):
    assert dies(prefix, piece, by_name=False)


@pytest.mark.parametrize(
    ("prefix", "piece"),
    [
        ("module m(input a, input a", ","),
        ("module m(a); input a; input a", ";"),
        (HEADER + "reg q", ";"),
        (HEADER + "wire t = d[0]; wire t", " "),
        (HEADER + "localparam A = 1, A", " ="),
        ("module m #(parameter W = 1)(input W", ","),
        (HEADER + "sub clk", " ("),
        (HEADER + "function f; input f1, f1", ";"),
    ],
)
def test_nothing_is_declared_twice(prefix, piece):
    assert dies(prefix, piece)
    assert not dies(prefix, "_2")
    assert not dies(prefix, piece, by_name=False)


@pytest.mark.parametrize(
    ("prefix", "name"),
    [
        (CLOCKED + "q <= ", "count"),
        (CLOCKED, "count"),
        (CLOCKED + "{q, ", "count"),
        (CLOCKED + "if (", "count"),
        (CLOCKED + "case (d) ", "IDLE"),
        (CLOCKED + "q[", "count"),
        (HEADER + "assign y = ", "count"),
        (HEADER + "always @(posedge ", "count"),
        (HEADER + "wire t = ", "count"),
        (HEADER + "wire [", "WIDTH"),
        (HEADER + "function f; input x; f = x; endfunction assign y = ", "x "),
    ],
)
def test_a_name_that_is_used_is_declared(prefix, name):
    assert dies(prefix, name)
    assert not dies(prefix, name, suffix=f"reg {name};\nendmodule")
    assert not dies(prefix, name, by_name=False)


@pytest.mark.parametrize(
    ("prefix", "piece"),
    [
        (CLOCKED, "y <="),  # a net
        (CLOCKED, "d["),  # an input
        (CLOCKED + "{q, ", "clk}"),
        (HEADER + "parameter P = 1; assign ", "P ="),
    ],
)
def test_nets_and_variables_have_their_own_assignments(prefix, piece):
    assert dies(prefix, piece)


def test_the_beginning_of_a_name_is_viable_if_a_name_begins_so():
    text = viability.begin(CLOCKED + "q <= ")
    assert text.after("cl") is not None
    assert text.after("cl").ends() is False
    assert text.after("cl").after("k").ends() is True
    assert text.after("cl").after("ock") is None


def test_a_keyword_that_comes_in_one_piece_excuses_no_other_beginning():
    assert viability.begin(CLOCKED).after("ti") is not None  # `time`
    whole = viability.begin(CLOCKED, solid=["time"])
    assert whole.after("ti") is None
    assert whole.after("time") is not None


def test_nets_are_implied_unless_that_is_forbidden():
    port = "module m(input a); sub u (.x("
    assert not dies(port, "undeclared")
    assert dies("`default_nettype none\n" + port, "undeclared")
    assert not dies("module m(input a); assign ", "undeclared = a;")


def test_what_is_wrong_already_is_not_held_against_what_follows():
    broken = viability.begin(HEADER + "assign = ; wire y, y; always @(posedge clk) begin q <= ")
    assert broken.after("d;\nend\nassign y = d") is not None
    assert broken.after("d;\nend\nassign y = undeclared") is None

    spoilt = viability.begin(CLOCKED).despite("nonsense <= 1;")
    assert spoilt.after("q <= ) d;") is not None  # the item is given up
    after = spoilt.after("end\nassign y = ")
    assert after.after("d;") is not None
    assert after.after("undeclared") is None


def test_the_file_before_the_module_does_not_count():
    before = "`define ONE 1\nmodule other(input a; wire wire\nendmodule\n"
    text = viability.begin(before + HEADER)
    assert text.after("assign y = `ONE & a;") is None
    assert text.after("assign y = `ONE & d[0];") is not None


def test_a_word_that_may_still_become_another_is_waited_for():
    waiting = viability.begin(HEADER).after("end")
    assert waiting.after("module") is not None
    assert waiting.after("\n") is None
    assert viability.begin(HEADER, solid=["endmodule"]).after("end") is None


def test_no_text_is_too_much():
    rng = random.Random(1)
    parts = [
        "(",
        "begin ",
        "`x",
        "\\",
        '"',
        "/*",
        "'",
        "é",
        "\ufffd",
        "\0",
        "module ",
        "endmodule",
        "@(*",
    ]
    for _ in range(200):
        text = viability.begin("".join(rng.choices(parts, k=rng.randrange(5))))
        for _ in range(20):
            piece = rng.choice(parts)
            text = text.after(piece) or text.despite(piece)
    assert viability.begin("").after("module m; " + "begin " * 20_000) is not None
    assert viability.begin("{" * 100_000).after("{") is not None
