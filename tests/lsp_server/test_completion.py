"""The menu without a model. | is the cursor."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from lsp_server import completion, words
from lsp_server.completion import Asked
from lsp_server.positions import LineIndex
from lsp_server.workspace import Index

FOLDER = Path("/project")
LIBRARY = (
    "// Counts up.\n"
    "module counter #(parameter WIDTH = 8) (input wire clk, output reg [7:0] q);\nendmodule\n"
    "module bare;\nendmodule\n"
    "package sizes;\n  localparam DEPTH = 16; // entries\nendpackage\n"
)


@pytest.fixture
def index():
    made = Index()
    made.update(FOLDER / "library.sv", LIBRARY)
    made.update(FOLDER / "defs.vh", "`define BITS 8\n`define MAX(a, b) ((a) > (b) ? (a) : (b))\n")
    return made


@pytest.fixture
def menu(index):
    def ask(drawn: str, snippets: bool = True) -> dict[str, types.CompletionItem]:
        text, path = drawn.replace("|", "", 1), FOLDER / "top.sv"
        index.update(path, text)
        asked = Asked(LineIndex(text), drawn.index("|"), path, snippets)
        return {item.label: item for item in completion.menu(asked, index).items}

    return ask


# -- names and keywords ----------------------------------------------------------------------------


def test_names_of_the_module_being_written_and_keywords(menu):
    found = menu(
        "module other;\n  wire far;\nendmodule\n"
        "module m #(parameter N = 2) (input a);\n  wire [3:0] near;\n  |\nendmodule\n"
    )
    assert {"a", "N", "near", "assign", "counter"} <= set(found)
    assert "far" not in found
    assert found["a"].detail == "input a"
    assert found["near"].sort_text < found["counter"].sort_text < found["assign"].sort_text


def test_names_of_the_function_and_of_the_block_one_is_in(menu):
    function = "function [7:0] twice(input [7:0] x);\n    reg t;\n    begin |end\n  endfunction\n"
    found = menu(f"module m;\n  {function}endmodule\n")
    assert {"x", "t", "begin"} <= set(found)
    outside = menu(f"module m;\n  {function.replace('|', '')}  assign y = |;\nendmodule\n")
    assert {"twice"} <= set(outside)
    assert not {"x", "t"} & set(outside)


@pytest.mark.parametrize(
    ("drawn", "there", "not_there"),
    [
        ("|", {"module", "package"}, {"assign", "begin"}),
        ("module m(|);\nendmodule\n", {"input", "logic"}, {"assign", "module"}),
        ("module m #(|) ();\nendmodule\n", {"parameter"}, {"input"}),
        ("module m;\n  |\nendmodule\n", {"assign", "always_ff", "endmodule"}, {"posedge"}),
        ("module m;\n  always @(|) x = 1;\nendmodule\n", {"posedge"}, {"begin", "counter"}),
        (
            "module m;\n  always @* begin\n    |\n  end\nendmodule\n",
            {"if", "case"},
            {"module", "counter"},
        ),
        ("module m(input a);\n  assign y = |;\nendmodule\n", {"a"}, {"always", "counter"}),
        ("module m;\nendmodule\n|\n", {"module"}, {"always"}),
    ],
)
def test_keywords_and_modules_where_they_can_stand(menu, drawn, there, not_there):
    found = set(menu(drawn))
    assert there <= found
    assert not not_there & found


def test_every_keyword_has_a_place():
    from engine.verilog.lexemes import KEYWORDS

    assert set(KEYWORDS) <= set().union(*words.KEYWORDS.values())


@pytest.mark.parametrize(
    "drawn", ["// a |", "/* a | */", 'module m; initial $display("|");', "assign y = 8'|;"]
)
def test_nothing_in_comments_strings_and_numbers(menu, drawn):
    assert menu(drawn) == {}


# -- modules and their ports -----------------------------------------------------------------------


def test_a_module_comes_with_its_parameters_and_ports(menu):
    item = menu("module m;\n  cou|\nendmodule\n")["counter"]
    assert item.insert_text == (
        "counter #(\n\t.WIDTH(${1:8})\n) ${2:u_counter} (\n\t.clk(${3:clk}),\n\t.q(${4:q})\n);"
    )
    assert item.insert_text_format is types.InsertTextFormat.Snippet


def test_without_snippets_or_ports_only_its_name(menu):
    assert menu("module m;\n  |\nendmodule\n", snippets=False)["counter"].insert_text is None
    assert menu("module m;\n  |\nendmodule\n")["bare"].insert_text is None


def test_only_its_name_where_the_instance_is_there_already(menu):
    assert menu("module m;\n  cou| u (.clk(clk));\nendmodule\n")["counter"].insert_text is None


def test_after_a_dot_the_ports_not_yet_connected(menu):
    found = menu("module m;\n  counter c (.clk(clk), .|\nendmodule\n")
    assert list(found) == ["q"]
    assert found["q"].detail == "output reg [7:0]"
    assert found["q"].insert_text == "q(${1:q})"


def test_ports_connected_further_down_count(menu):
    drawn = "module m;\n  counter c (\n    .|\n    .q(q) // .clk(clk)\n  );\nendmodule\n"
    assert list(menu(drawn)) == ["clk"]


def test_a_port_whose_parenthesis_is_there_is_only_named(menu):
    assert menu("module m;\n  counter c (.c|(clk));\nendmodule\n")["clk"].insert_text is None


def test_after_a_dot_behind_parameters_too(menu):
    drawn = "module m;\n  counter #(.WIDTH(f(4)))\n  c (\n    .q(q),\n    .c|\n  );\nendmodule\n"
    assert list(menu(drawn)) == ["clk"]


def test_in_the_parameter_list_the_parameters(menu):
    found = menu("module m;\n  counter #(.|\nendmodule\n")
    assert list(found) == ["WIDTH"]
    assert found["WIDTH"].insert_text == "WIDTH(${1:8})"


def test_after_a_dot_elsewhere_nothing(menu):
    assert menu("module m;\n  assign a = b.|;\nendmodule\n") == {}
    assert menu("module m;\n  unknown u (.|);\nendmodule\n") == {}


def test_of_very_many_modules_those_that_match(menu, index):
    many = "".join(f"module cell_{n};\nendmodule\n" for n in range(completion.MOST_MODULES + 50))
    index.update(FOLDER / "cells.v", many)
    assert "cell_249" in menu("module m;\n  ce49|\nendmodule\n")
    asked = Asked(LineIndex("module m;\n  "), 12, FOLDER / "top.sv", True)
    assert completion.menu(asked, index).is_incomplete


# -- macros, system tasks, packages ----------------------------------------------------------------


def test_after_a_backtick_directives_and_macros_also_of_included_files(menu):
    found = menu('`include "defs.vh"\n`define WIDTH 8\nmodule m;\n  wire [`|\nendmodule\n')
    assert {"WIDTH", "BITS", "MAX", "include", "ifdef"} <= set(found)
    assert "assign" not in found
    assert found["BITS"].detail == "`define BITS 8"
    assert found["MAX"].insert_text == "MAX(${1:a}, ${2:b})"


def test_macros_of_files_that_are_not_included_are_not_offered(menu):
    assert "BITS" not in menu("module m;\n  wire [`|\nendmodule\n")


def test_after_a_dollar_system_tasks_replace_the_dollar(menu):
    item = menu("module m; initial $dis|\nendmodule\n")["$display"]
    assert item.text_edit.new_text == "$display"
    assert item.text_edit.range == types.Range(types.Position(0, 18), types.Position(0, 22))


def test_after_two_colons_what_the_package_has(menu):
    assert list(menu("module m;\n  wire [sizes::|] a;\nendmodule\n")) == ["DEPTH"]


# -- documentation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawn", "label", "said"),
    [
        (
            "module m;\n  wire [3:0] near; // close\n  assign |\nendmodule\n",
            "near",
            "wire [3:0] near",
        ),
        ("module m;\n  wire [3:0] near; // close\n  assign |\nendmodule\n", "near", "close"),
        ("module m;\n  |\nendmodule\n", "counter", "output reg [7:0] q"),
        ("module m;\n  |\nendmodule\n", "counter", "Counts up."),
        ("module m;\n  counter c (.|);\nendmodule\n", "q", "output reg [7:0] q"),
        ("module m;\n  counter #(.|) c ();\nendmodule\n", "WIDTH", "parameter WIDTH = 8"),
        ("module m;\n  wire [sizes::|] a;\nendmodule\n", "DEPTH", "entries"),
    ],
)
def test_resolve_gives_the_declaration(menu, index, drawn, label, said):
    item = completion.resolve(menu(drawn)[label], index)
    assert said in item.documentation.value


def test_resolve_leaves_keywords_alone(menu, index):
    assert completion.resolve(menu("|")["module"], index).documentation is None


def test_binary_noise(menu):
    noise = "".join(chr(code) for code in range(1, 256))
    assert isinstance(menu(noise * 10 + "|" + noise), dict)
