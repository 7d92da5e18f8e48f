"""The menu without a model. | is the cursor."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types

from lsp_server.completion import menu
from lsp_server.positions import LineIndex
from lsp_server.workspace import Index

LIBRARY = Index()
LIBRARY.update(
    Path("library.v"),
    "module counter #(parameter WIDTH = 8) (input wire clk, output reg [7:0] q);\nendmodule\n"
    "module bare;\nendmodule\n",
)


def items(drawn: str, snippets: bool = True) -> dict[str, types.CompletionItem]:
    index = LineIndex(drawn.replace("|", "", 1))
    found = menu(index, drawn.index("|"), LIBRARY, snippets)
    return {item.label: item for item in found}


def test_names_of_the_module_being_written_and_keywords():
    found = items(
        "module other;\n  wire far;\nendmodule\n"
        "module m #(parameter N = 2) (input a);\n  wire [3:0] near;\n  |\nendmodule\n"
    )
    assert {"a", "N", "near", "assign", "counter"} <= set(found)
    assert "far" not in found
    assert "input" in found["a"].detail


def test_a_module_comes_with_its_ports():
    item = items("module m;\n  cou|\nendmodule\n")["counter"]
    assert item.insert_text == "counter ${1:u_counter} (\n  .clk(${2:clk}),\n  .q(${3:q})\n);"
    assert item.insert_text_format is types.InsertTextFormat.Snippet


def test_without_snippets_or_ports_only_its_name():
    assert items("module m;\n  |\nendmodule\n", snippets=False)["counter"].insert_text is None
    assert items("module m;\n  |\nendmodule\n")["bare"].insert_text is None


def test_after_a_dot_the_ports_not_yet_connected():
    found = items("module m;\n  counter c (.clk(clk), .|\nendmodule\n")
    assert list(found) == ["q"]
    assert found["q"].detail == "output reg [7:0]"


def test_after_a_dot_behind_parameters_too():
    drawn = "module m;\n  counter #(.WIDTH(f(4)))\n  c (\n    .q(q),\n    .c|\n  );\nendmodule\n"
    assert list(items(drawn)) == ["clk"]


def test_in_the_parameter_list_the_parameters():
    assert list(items("module m;\n  counter #(.|\nendmodule\n")) == ["WIDTH"]


def test_after_a_dot_elsewhere_nothing():
    assert items("module m;\n  assign a = b.|;\nendmodule\n") == {}
    assert items("module m;\n  unknown u (.|);\nendmodule\n") == {}


def test_after_a_backtick_directives_and_macros():
    found = items("`define WIDTH 8\nmodule m;\n  wire [`|\nendmodule\n")
    assert {"WIDTH", "include", "ifdef"} <= set(found)
    assert "assign" not in found


def test_after_a_dollar_system_tasks_replace_the_dollar():
    item = items("initial $dis|")["$display"]
    assert item.text_edit.new_text == "$display"
    assert item.text_edit.range == types.Range(types.Position(0, 8), types.Position(0, 12))


def test_binary_noise():
    noise = "".join(chr(code) for code in range(1, 256))
    assert isinstance(items(noise * 10 + "|" + noise), dict)
