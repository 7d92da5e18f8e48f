"""Where diagnostics are put, and what they say. iverilog is really started."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from lsprotocol import types

from engine.verilog.icarus import Icarus, Message, Related, check_now
from lsp_server.placing import in_words, syntax_diagnostics, to_diagnostics


@pytest.fixture(scope="module", autouse=True)
def _iverilog():
    if shutil.which("iverilog") is None:
        pytest.fail("these tests need iverilog: apt-get install iverilog")


def utf16(line, column):
    return len(line[:column].encode("utf-16-le")) // 2


def characters(line, column):
    return column


def marked(text, found):
    """`text` with what each diagnostic covers in brackets (columns in characters)."""
    lines = text.split("\n")
    for one in reversed(found):
        start, end = one.range.start, one.range.end
        lines[end.line] = lines[end.line][: end.character] + "]" + lines[end.line][end.character :]
        line = lines[start.line]
        lines[start.line] = line[: start.character] + "[" + line[start.character :]
    return "\n".join(lines)


def checked(text, path="/designs/m.v"):
    """What the user would see in a file of its own."""
    return to_diagnostics(check_now(Icarus(), text, path), text, Path(path), characters)


# -- places ----------------------------------------------------------------------------------------

# A file with what is underlined in brackets, and a part of the message expected there.
GOLDEN = {
    "an undeclared name": (
        "module m(input a, output b);\n  assign b = a & [foo]; // foo\nendmodule\n",
        "Unable to bind wire/reg/memory `foo'",
    ),
    "only whole words": (
        "module m(input a, output b);\n  wire foo_bar;\n  assign b = foo_bar & [foo];\nendmodule\n",
        "`foo'",
    ),
    "an unknown module": (
        "module m(input a);\n  [missing] u0 (.a(a));\nendmodule\n",
        "Unknown module type: missing",
    ),
    "a port that is not there, some lines down": (
        "module m(input a);\n  sub u0 (\n    .x(a),\n    .[zz](a)\n  );\nendmodule\n"
        "module sub(input x);\nendmodule\n",
        "``zz'' is not a port",
    ),
    "an implicit wire": (
        "module m(input a);\n  assign [q] = a;\nendmodule\n",
        "implicit definition of wire 'q'",
    ),
    "a register driven by an assign": (
        "module m;\n  reg r;\n  assign [r] = 1;\nendmodule\n",
        "cannot be driven",
    ),
    "a name declared twice": (
        "module m;\n  reg z;\n  reg [z];\nendmodule\n",
        "already been declared",
    ),
    "an include that is not there": (
        'module m;\n`include "[nowhere.vh]"\nendmodule\n',
        "Include file nowhere.vh not found",
    ),
    "a missing semicolon, noticed a line later": (
        "module m(input a);\n  wire [b]\n\n  // a comment\n  wire c;\nendmodule\n",
        "syntax error: expected ';'",
    ),
    "a missing value": (
        "module m(input a, output b);\n  assign b = [;]\nendmodule\n",
        "syntax error: expected expression",
    ),
    "a path through the hierarchy": (
        "module m(output b);\n  assign b = u0.[inner];\n  sub u0();\nendmodule\n"
        "module sub;\nendmodule\n",
        "`u0.inner'",
    ),
    "characters of several bytes": (
        "module m(output b);\n  /* 中文 😀 */ assign b = [no_no];\nendmodule\n",
        "`no_no'",
    ),
}


@pytest.mark.parametrize(("golden", "message"), GOLDEN.values(), ids=GOLDEN)
def test_a_message_is_put_at_the_token_it_names(golden, message):
    text = re.sub(r"\[(?!\d)([^\]]*)\]", r"\1", golden)
    found = [one for one in checked(text) if message in one.message]
    assert marked(text, found) == golden
    assert all(one.source == "iverilog" for one in found)


def test_a_message_without_a_name_takes_the_line():
    message = Message("/m.v", 2, "error", "Something is wrong.")
    text = "module m;\n   wire a;  \nendmodule\n"
    found = to_diagnostics([message], text, Path("/m.v"), characters)
    assert marked(text, found) == "module m;\n   [wire a;]  \nendmodule\n"


@pytest.mark.parametrize("line", [0, 99])
def test_a_line_that_is_not_there_is_the_nearest(line):
    message = Message("/m.v", line, "error", "Something is wrong.")
    (found,) = to_diagnostics([message], "a\nb", Path("/m.v"), characters)
    assert found.range.start.line == (0 if line == 0 else 1)


def test_columns_are_in_the_clients_units():
    text = "module m(output b);\n/* 😀 */ assign b = nn;\nendmodule\n"
    messages = check_now(Icarus(), text, "/m.v")
    (wide,) = to_diagnostics(messages, text, Path("/m.v"), utf16)
    (plain,) = to_diagnostics(messages, text, Path("/m.v"), characters)
    assert wide.range.start.character == plain.range.start.character + 1


def test_consequences_are_not_shown():
    text = "module m(input a\noutput b);\n  assign c = a;\nendmodule\n"
    assert all("implicit" not in one.message for one in checked(text))
    (one,) = checked("module m(output b);\n  assign b = nn;\nendmodule\n")
    assert one.message == "Unable to bind wire/reg/memory `nn'"


def test_an_error_in_an_included_file_is_shown_at_the_include(tmp_path):
    (tmp_path / "bad.vh").write_text("wire a = ;\nwire b = ;\n")
    text = 'module m;\n`include "bad.vh"\nendmodule\n'
    path = tmp_path / "m.v"
    found = to_diagnostics(check_now(Icarus(), text, str(path)), text, path, characters)
    assert marked(text, found) == 'module m;\n`include "[bad.vh]"\nendmodule\n'
    assert "this file has an error in line 1: " in found[0].message
    (there,) = found[0].related_information
    assert there.location.uri == (tmp_path / "bad.vh").as_uri()


def test_messages_about_other_files_are_dropped():
    messages = [
        Message("/other.v", 1, "error", "syntax error"),
        Message("/x.vh", 1, "warning", "unused"),
    ]
    text = '`include "x.vh"\nmodule m; endmodule\n'
    assert to_diagnostics(messages, text, Path("/m.v"), characters) == []


def test_slangs_own_diagnostics():
    text = "module m(input a);\n  wire b\n  assign c = ;\nendmodule\n"
    found = syntax_diagnostics(text, Path("/m.v"), characters)
    assert marked(text, found) == text.replace("wire b", "wire [b]").replace("= ;", "= [;]")
    assert {one.source for one in found} == {"slang"}


CODES = {
    "undeclared": "module m(output b);\n  assign b = nn[2];\nendmodule\n",
    "implicit-net": "module m(input a);\n  assign q = a;\nendmodule\n",
    "unknown-module": "module m;\n  sub u();\nendmodule\n",
    "unknown-port": "module m;\n  sub u(.z(1'b0));\nendmodule\nmodule sub(input a);\nendmodule\n",
    "unconnected-port": "module m;\n  sub u();\nendmodule\nmodule sub(input a);\nendmodule\n",
    "port-width": "module m;\n  sub u(.a(2'd1));\nendmodule\nmodule sub(input a);\nendmodule\n",
    "not-a-variable": "module m(input a, output q);\n  always @(a) q = a;\nendmodule\n",
    "not-a-net": "module m(input a);\n  reg r;\n  assign r = a;\nendmodule\n",
    "duplicate": "module m;\n  reg a;\n  reg a;\nendmodule\n",
    "include": '`include "gone.vh"\nmodule m;\nendmodule\n',
    "undefined-macro": "module m;\n  wire [`W:0] a;\nendmodule\n",
    "syntax": "module m;\n  wire a\nendmodule\n",
}


@pytest.mark.parametrize(("code", "text"), CODES.items(), ids=CODES)
def test_every_message_has_a_code(code, text):
    assert code in [one.code for one in checked(text)]


def test_where_a_message_points_elsewhere_is_related_information():
    text = "module m;\n  reg z;\n  wire a;\n  reg z;\nendmodule\n"
    (found,) = checked(text)
    (there,) = found.related_information
    assert there.message == "It was declared here as a variable."
    assert there.location.range == types.Range(types.Position(1, 2), types.Position(1, 8))
    assert in_words(found).message == f"{found.message}\n{there.message} (m.v:2)"


def test_a_message_of_several_instances_is_one():
    messages = [
        Message("/m.v", 2, "error", f"Unable to bind wire/reg/memory `nn' in `top.u{number}'")
        for number in range(3)
    ]
    text = "module m(output b);\n  assign b = nn;\nendmodule\n"
    (found,) = to_diagnostics(messages, text, Path("/m.v"), characters)
    assert found.message == "Unable to bind wire/reg/memory `nn'"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        # One missing `;`, for which iverilog reports a syntax error and a malformed statement.
        (
            'module m;\n  initial begin\n    $display("a")\n    $display("b");\n  end\nendmodule\n',
            [2],
        ),
        ("module m;\n  wire a\n  wire b;\n  always @(a) begin\n  end\nendmodule\n", [1]),
        # slang has two complaints about this line.
        ("module m;\n  case (a)\n  1: b = 2;\n  endcase\nendmodule\n", [2]),
        # Only iverilog minds.
        ("module m(input a,\n  output b,\n);\nendmodule\n", [1]),
        # What is missing is the macro.
        ("module m;\n  wire [`W:0] a;\n  wire b;\nendmodule\n", [1]),
    ],
)
def test_one_mistake_is_one_error(text, places):
    assert [one.range.start.line for one in checked(text)] == places


def test_a_column_that_a_tool_knows_counts():
    message = Message("/m.v", 2, "warning", "Signal is not used: 'b'", (), 8, "UNUSEDSIGNAL")
    text = "module m;\n  wire bb, b;\nendmodule\n"
    (found,) = to_diagnostics([message], text, Path("/m.v"), characters, "verilator")
    assert marked(text, [found]) == "module m;\n  wire [bb], b;\nendmodule\n"
    assert (found.code, found.source) == ("UNUSEDSIGNAL", "verilator")


def test_a_related_place_in_another_file_is_its_line():
    related = (Related("/with space/n.v", 7, "declared here"),)
    message = Message("/m.v", 1, "error", "Something is wrong.", related)
    (found,) = to_diagnostics([message], "module m;\nendmodule\n", Path("/m.v"), characters)
    (there,) = found.related_information
    assert (there.location.uri, there.location.range.start.line) == ("file:///with%20space/n.v", 6)


def test_the_cause_of_a_syntax_error_is_shown_where_it_is():
    """iverilog reports line 2 only, although the `;` is missing on line 1."""
    found = checked("module bad(input a, output b)\n  assign b = foo(a;\nendmodule\n")
    assert [(one.range.start.line, one.message) for one in found] == [
        (0, "syntax error: expected ';'"),
        (1, "syntax error: expected ')'"),
    ]
