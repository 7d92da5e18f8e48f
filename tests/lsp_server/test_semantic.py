"""Semantic tokens, drawn in the text as `name:type`, and as the numbers of the protocol."""

from __future__ import annotations

from itertools import pairwise

import pytest

from engine.verilog.source import Source
from lsp_server import semantic
from lsp_server.positions import LineIndex


def drawn(text: str) -> str:
    for one in reversed(list(semantic.coloured(Source(text)))):
        text = f"{text[: one.end]}:{semantic.LEGEND.token_types[one.type]}{text[one.end :]}"
    return text


@pytest.mark.parametrize(
    "text",
    [
        "module m:class #(parameter W:enumMember) (input a:parameter); wire x:variable; endmodule",
        "module m:class; sub:class u0:variable (.clk:property(x)); endmodule",
        "`define W:macro 8\nwire [`W:macro] x:variable; // W",
        "package p:namespace; typedef enum {A:enumMember} t:type; endpackage",
        "module m:class; function f:function; input a:parameter; f:function = a:parameter; "
        "endfunction assign y = f:function(unknown); endmodule",
    ],
)
def test_names_are_known_by_what_they_are(text):
    plain = text
    for kind in semantic.LEGEND.token_types:
        plain = plain.replace(f":{kind}", "")
    assert drawn(plain) == text


def test_the_numbers_count_from_the_one_before_in_utf16():
    text = "/* 😀 */ module m; wire\n  x, y; endmodule"
    data = semantic.encoded(semantic.coloured(Source(text)), LineIndex(text))
    variable = semantic.LEGEND.token_types.index("variable")
    assert data[:2] == [0, 16]
    assert data[5:] == [1, 2, 1, variable, 1, 0, 3, 1, variable, 1]


def test_a_part_of_a_text():
    text = "module m; wire a;\nwire b;\nwire c; endmodule"
    part = semantic.coloured(Source(text), text.index("wire b"), text.index("wire c"))
    assert [text[one.start : one.end] for one in part] == ["b"]


def test_an_editor_without_a_grammar_is_told_what_one_would_colour():
    text = '`timescale 1ns/1ps\n/* two\nlines */ wire a = 8\'hff; // $b\ninitial $display("c");'
    stretches = sorted(semantic.lexical(Source(text)), key=lambda one: one.start)
    assert [(text[s.start : s.end], semantic.LEGEND.token_types[s.type]) for s in stretches] == [
        ("1ns", "number"),
        ("1ps", "number"),
        ("/* two", "comment"),
        ("lines */", "comment"),
        ("wire", "keyword"),
        ("8'hff", "number"),
        ("// $b", "comment"),
        ("initial", "keyword"),
        ("$display", "function"),
        ('"c"', "string"),
    ]


def test_what_a_grammar_would_colour_does_not_overlap_the_names():
    text = "`define W 8\nmodule m(input [`W-1:0] a); wire b = a; endmodule // m"
    source = Source(text)
    found = [*semantic.coloured(source), *semantic.lexical(source)]
    spans = sorted((one.start, one.end) for one in found)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
