"""Names in ghost text that nobody has declared; | is the cursor."""

from __future__ import annotations

import pytest

from engine.api import Completion, DecodingOptions, Prompt
from lsp_server.inline import Place, Question, declared_part, ghost_text, new_names

MODULE = "module m(input clk, output reg [7:0] count);\n  |\nendmodule\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("count <= count + 1;", set()),
        ("count <= total;", {"total"}),
        ("wire [7:0] total = count;\n  assign y = total;", {"y"}),
        ("inv u_inv (.a(clk), .y(count));", set()),
        ("unknown u (.a(clk));", {"unknown"}),
        ("always @(posedge clk) begin : step\n count <= 8'hff; end", set()),
        ("// the total\n  count <= 0;", set()),
        ('$display("total");', set()),
        ("count <= `TOTAL;", set()),
        ("wire [TOP:0] next = total + 1, last = next;", {"TOP", "total"}),
    ],
)
def test_new_names(text, names):
    prefix, suffix = MODULE.split("|")
    at = Place(prefix, suffix, len(prefix), len(prefix))
    assert new_names(at, text, {"inv"}.__contains__) == names


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("wire [7:0] ", "total;"),
        ("input wire clk,\n  output reg ", "total"),
        ("inv ", "u_inv (.a(clk));"),
        ("inv #(.W(1)) ", "u_inv"),
        ("localparam ", "IDLE = 0, RUN = 1;"),
    ],
)
def test_a_declaration_may_begin_before_the_cursor(typed, text):
    prefix, suffix = MODULE.replace("|", typed + "|").split("|")
    at = Place(prefix, suffix, len(prefix), len(prefix))
    assert new_names(at, text, {"inv"}.__contains__) == set()


@pytest.mark.parametrize("line", ['`include "names.vh"\n', "import names::*;\n"])
def test_what_is_included_or_imported_may_declare_any_name(line):
    prefix, suffix = (line + MODULE).split("|")
    at = Place(prefix, suffix, len(prefix), len(prefix))
    assert new_names(at, "count <= total;", lambda name: False) == set()


@pytest.mark.parametrize(
    ("typed", "fragments", "shown"),
    [
        ("", ["count <=", " count + 1;"], "count <= count + 1;"),
        ("", ["count <=", " 8'hff;", "\n  total <=", " 1;"], "count <= 8'hff;"),
        ("", ["count <=", " total", " + 1;"], "count <="),
        ("", ["// the total\n", "count <=", " total;"], "// the total\ncount <="),
        ("", ["count <= next;", "\n  wire next;"], "count <= next;\n  wire next;"),
        ("cou", ["nter", " <= 1;"], ""),
        ("cou", ["nt", " <= 1;"], "nt <= 1;"),
    ],
)
def test_what_comes_before_the_first_undeclared_name(typed, fragments, shown):
    prefix, suffix = MODULE.replace("|", typed + "|").split("|")
    at = Place(prefix, suffix, len(prefix), len(prefix))
    assert "".join(declared_part(at, fragments, lambda name: False)) == shown


def test_half_a_name_counts_with_what_completes_it():
    prefix, suffix = MODULE.replace("|", "cou|").split("|")
    at = Place(prefix, suffix, len(prefix), len(prefix))
    assert new_names(at, "nt <= 0;", lambda name: False) == set()
    assert new_names(at, "sin <= 0;", lambda name: False) == {"cousin"}


RESET = "always @(posedge clk) count <= 0; // again"


class Says:
    """An engine that always says the same."""

    def __init__(self, text):
        self.text = text

    async def complete(self, prompt, options, on_step):
        return Completion(self.text, "stop", steps=1, tokens=1, milliseconds=1.0)


@pytest.mark.parametrize(
    ("text", "unasked"),
    [(RESET, RESET), ("// counts", ""), ("/* counts */", "")],
)
async def test_remarks_come_only_to_those_who_ask(text, unasked):
    prefix, suffix = MODULE.split("|")
    at = Place(prefix, suffix, len(prefix), len(prefix))
    for known, shown in ((lambda name: None, unasked), (None, text)):
        asked = Question(at, Prompt(prefix, suffix), DecodingOptions(), known)
        assert (await ghost_text(asked, Says(text))).shown.text == shown
