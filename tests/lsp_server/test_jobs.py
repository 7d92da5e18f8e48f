"""What there is to write at a cursor, and what of an answer goes there. | is the cursor."""

from __future__ import annotations

import pytest

from lsp_server import jobs
from lsp_server.prompt import Room

ROOM = Room(4000)
ABOVE_HEADER = "// A counter|\nmodule count(input clk, output reg [3:0] q);\nendmodule\n"
WHOLE = "// A counter|\n\nmodule other;\n  wire a;\nendmodule\n"
HALF = """module count(input clk, input rst, output reg [3:0] q);
  always @(posedge clk) begin
    q <= q + 1;
  end|
endmodule

module after;
endmodule
"""


def from_comment(drawn: str) -> jobs.Job | None:
    return jobs.from_comment(drawn.replace("|", "", 1), drawn.index("|"))


def from_module(drawn: str) -> jobs.Job | None:
    text = drawn.replace("|", "", 1)
    return jobs.from_module(text, drawn.index("|"), lambda name: None, ROOM)


def written(drawn: str, job: jobs.Job, answer: str) -> str:
    """The document with the answer in it."""
    text = drawn.replace("|", "", 1)
    offset = job.place(text)
    new = job.inserted(job.candidate(answer), text, offset)
    return text[:offset] + new + text[offset:]


def test_a_comment_above_nothing_asks_for_a_whole_module():
    job = from_comment("wire a;\n// A counter|\n")
    assert (job.prompt.instruction, job.prompt.prefix, job.before) == ("A counter", "", "")


def test_a_module_has_the_ports_that_its_comment_lists():
    """The body says which outputs are variables."""
    job = from_comment(
        "// Module: count\n// Inputs:\n//   clk: clock\n// Outputs:\n//   q[3:0]: value\n//   z: q is 0|"
    )
    header = "module count (\n    input clk,\n    output [3:0] q,\n    output z\n);\n"
    assert job.prompt.prefix == header
    body = "    always @(posedge clk) q <= q + 1;\n    assign z = q == 0;\nendmodule\n"
    assert (
        job.candidate(body)
        == header.replace("output [3:0] q", "output reg [3:0] q") + body.rstrip()
    )
    assert job.complaint(job.candidate(body), "") is None


def test_a_comment_above_a_blank_line_has_nothing_to_do_with_the_module_below():
    assert from_comment(WHOLE).before == ""


def test_a_comment_above_a_header_asks_for_the_body():
    job = from_comment(ABOVE_HEADER)
    header = "module count(input clk, output reg [3:0] q);"
    assert (job.prompt.instruction, job.prompt.prefix) == ("A counter", header)
    assert (
        written(ABOVE_HEADER, job, "\n  always @(posedge clk) q <= q + 1;\nendmodule\nmodule more;")
        == f"// A counter\n{header}\n  always @(posedge clk) q <= q + 1;\nendmodule\n"
    )


def test_a_header_without_its_endmodule_gets_it():
    drawn = "// A counter|\nmodule count(input clk, output reg q);\n"
    job = from_comment(drawn)
    text = written(drawn, job, "  always @(posedge clk) q <= ~q;\nendmodule\n\n")
    assert text.endswith("q);\n  always @(posedge clk) q <= ~q;\nendmodule\n")


def test_a_comment_above_a_module_that_has_its_body_is_no_task():
    assert from_comment("// A counter|\nmodule count;\n  wire a;\nendmodule\n") is None


def test_within_a_module_its_body_is_written_on():
    job = from_module(HALF)
    assert job.prompt.instruction == ""
    assert job.prompt.prefix.endswith("  end")
    assert job.prompt.suffix.startswith("\nendmodule")
    text = written(HALF, job, "\n  wire more;\nendmodule\n")
    assert "  end\n  wire more;\nendmodule\n\nmodule after;" in text


def test_a_module_too_long_to_parse_at_each_move_of_the_cursor_is_left_alone():
    long = "module m;\n" + "  wire a;\n" * 25_000 + "|\nendmodule\n"
    assert from_module(long) is None


def test_on_the_header_of_an_empty_module_the_comment_above_says_what_to_write():
    drawn = "// A counter\nmodule |count(input clk, output reg [3:0] q);\n\nendmodule\n"
    job = from_module(drawn)
    assert job.prompt.instruction == "A counter"
    assert job.before == "module count(input clk, output reg [3:0] q);"


@pytest.mark.parametrize(
    "drawn",
    [
        "|wire outside;\n",
        "module m;\n  // a comment's| prose\nendmodule\n",
        "module m;\nendmodule\n|\nmodule n;\nendmodule\n",
        "module m;\n  wire a;\nendmodule|\n",
        "",
    ],
)
def test_no_module_to_write_the_body_of(drawn):
    assert jobs.from_module(drawn.replace("|", ""), drawn.find("|") % 99, str, ROOM) is None


@pytest.mark.parametrize(
    ("candidate", "complaint"),
    [
        ("module c(input clk);\nendmodule", None),
        ("module other(input clk);\nendmodule", "it defines other again"),
        ("// nothing", "it defines no module"),
        ("", "it is empty"),
    ],
)
def test_complaint_about_a_whole_module(candidate, complaint):
    assert from_comment(WHOLE).complaint(candidate, WHOLE.replace("|", "")) == complaint


def test_a_candidate_that_does_not_parse_is_complained_about():
    assert from_comment(WHOLE).complaint("module c(;", WHOLE)
    assert from_module(HALF).complaint("  always @(", HALF)
    assert from_module(HALF).complaint("  wire more;", HALF) is None


def test_an_unfinished_module_must_be_finished():
    job = from_comment("// A counter|\nmodule count(input clk);\n")
    assert job.complaint("  wire a;", "") is not None
    assert job.complaint("  wire a;\nendmodule", "") is None


def test_outputs_that_nothing_drives_are_found():
    job = from_comment(WHOLE)
    ansi = "module c(input a, output y, output reg z);\n  assign y = a; // z\nendmodule"
    assert job.idle_outputs(ansi) == ["z"]
    old = "module c(a, y);\n  input a;\n  output y;\n  reg y;\nendmodule"
    assert job.idle_outputs(old) == ["y"]
    assert job.idle_outputs(old.replace("endmodule", "  always @* y = a;\nendmodule")) == []


def test_a_body_is_compiled_in_its_document_and_only_its_lines_count():
    text = "`define W 4\nwire;\n" + HALF.replace("|", "")
    job = jobs.from_module(text, text.index("  end\n"), lambda name: None, ROOM)
    whole, lines = job.to_compile("  wire more;", text)
    assert whole.startswith("`define W 4\n")
    assert (lines.start, whole.split("\n")[lines.start - 1][:12]) == (3, "module count")
    assert whole.split("\n")[lines.stop - 2] == "endmodule"


def test_the_place_is_found_again_after_edits_and_none_where_it_is_gone():
    job = from_comment(WHOLE)
    text = WHOLE.replace("|", "")
    assert job.place(text) == len("// A counter")
    assert job.place("wire a;\n" + text) == len("wire a;\n// A counter")
    assert job.place(text.replace("counter", "timer")) is None


@pytest.mark.parametrize(
    ("after", "text"),
    [("", "\nM"), ("\n", "\nM"), ("\n\nwire a;", "\nM"), ("\nwire a;", "\nM\n")],
)
def test_what_follows_stays_apart(after, text):
    job = from_comment("// c|")
    assert job.inserted("M", "// c" + after, 4) == text


def test_the_document_s_line_ends_are_kept():
    job = from_comment("// c|\r\n")
    assert job.inserted("module m;\nendmodule", "// c\r\n", 4) == "\r\nmodule m;\r\nendmodule"
