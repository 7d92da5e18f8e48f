"""The tree of declarations, drawn: `kind name` with what is within in parentheses."""

from __future__ import annotations

import pytest

from engine.verilog.outline import outline


def drawn(one):
    inner = f" ({', '.join(map(drawn, one.children))})" if one.children else ""
    return f"{one.kind} {one.name}".strip() + inner


def tree(text):
    return [drawn(one) for one in outline(text).children]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("module m #(parameter A = 1, B = 2) (input a, b); endmodule",
         ["module m (parameter A, parameter B, port a, port b)"]),
        ("module m(a); input a; reg a; endmodule", ["module m (port a)"]),
        ("module m(.x(a)); input a; endmodule", ["module m (port x, signal a)"]),
        ("module m; wire [1:0] a = 1, b; localparam C = 0; endmodule",
         ["module m (signal a, signal b, localparam C)"]),
        ("module m; sub #(1) u0 (), u1 (); and g (a, b); endmodule",
         ["module m (instance u0, instance u1, instance g)"]),
        ("module m; always @* begin : l reg r; end initial x = 1; endmodule",
         ["module m (process (block l (signal r)), process)"]),
        ("module m; for (genvar i = 0; i < 2; i++) begin : g wire w; end endmodule",
         ["module m (loop (genvar i, block g (signal w)))"]),
        ("module m; task t(input a, output b); int c; endtask endmodule",
         ["module m (task t (argument a, argument b, signal c))"]),
        ("module m; struct { logic a; struct { logic b; } c; } s; endmodule",
         ["module m (signal s (field a, field c (field b)))"]),
        ("package p; typedef enum {A, B} t; endpackage",
         ["package p (enumerator A, enumerator B, typedef t)"]),
        ("interface i(input c); logic d; modport s(input d), m(output d); endinterface",
         ["interface i (port c, signal d, modport s, modport m)"]),
        ("class c; int x; function new(int y); endfunction endclass",
         ["class c (field x, function new (argument y))"]),
        ("primitive p(o, a); output o; input a; table 0 : 1; endtable endprimitive", ["primitive p"]),
        ("int x; function f; endfunction", ["signal x", "function f"]),
        ("", []),
    ],
)  # fmt: skip
def test_declarations(text, expected):
    assert tree(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "module a(input x);\n wire y;\nmodule b;\n wire z;\nendmodule\n",
        "module a(input x);\n wire y;\nendmodule\nmodule b;\n wire z;\n",
        "module a(input x);\n wire y;\nendmodule\nmodule b;\n wire z; assign z = ((;\nendmodule\n",
    ],
)
def test_broken_text_keeps_its_declarations(text):
    assert tree(text) == ["module a (port x, signal y)", "module b (signal z)"]
    first, second = outline(text).children
    assert text[first.start :].startswith("module a") and text[second.start :].startswith(
        "module b"
    )
    assert first.end <= second.start


def test_a_header_that_is_still_open():
    text = "module a(input x,\n\nmodule b;\n wire z;\nendmodule\n"
    found = outline(text)
    assert [one.name for one in found.children] == ["a", "b"]
    assert text[found.members["b"].members["z"].name_start :].startswith("z;")


def test_what_a_declaration_says():
    text = "module m(input wire [1:0] a, b, output q);\n  reg signed [3:0] x = 1, y;\nendmodule\n"
    module = outline(text).members["m"]
    said = {name: one.described(text) for name, one in module.members.items()}
    assert said == {
        "a": "input wire [1:0] a",
        "b": "input wire [1:0] b",
        "q": "output q",
        "x": "reg signed [3:0] x = 1",
        "y": "reg signed [3:0] y",
    }
    assert module.described(text) == text[: text.index(";") + 1]


def test_the_innermost_scope():
    text = "module a; wire x; endmodule module b; always begin : l int i; end task t; endtask endmodule"
    found = {word: outline(text).innermost(text.index(word)).name for word in ("x;", "i;", "t;")}
    assert found == {"x;": "a", "i;": "l", "t;": "t"}
    assert outline(text).innermost(len(text)).name in ("", "b")


def test_deep_nesting_and_noise_are_survived():
    deep = "module m; initial " + "begin " * 900 + "int x; " + "end " * 900 + "endmodule"
    assert sum(1 for _ in outline(deep).walk()) == 903
    chain = "module m; always @* " + "if (a) b = 1; else " * 400 + "begin int x; end endmodule"
    assert any(one.name == "x" for one in outline(chain).walk())
    assert tree("module m; initial " + "begin " * 5000) == []
    outline("".join(map(chr, range(1, 300))) * 20)
