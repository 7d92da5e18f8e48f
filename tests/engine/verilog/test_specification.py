"""Headers that descriptions spell out, and descriptions that leave something in doubt."""

import pytest

from engine.verilog import specification, syntax

COUNTER = """module counter (
    input clk,
    input rst_n,
    input [3:0] step,
    output [7:0] count,
    output full
);
"""

TITLES = """Implement a counter.

Module name:
    counter

Input ports:
    clk: Clock input.
    rst_n: Active-low reset.
    step[3:0]: how far to count.

Output ports:
    count: 8-bit value of the counter.
    full: High for one cycle when the counter wraps.

Implementation:
On each rising edge count grows by step.
"""

BULLETS = """Build a module counter with these ports (one bit unless a range is given):
 - input clk
 - input rst_n
 - input [3:0] step
 - output [7:0] count
 - output full

It counts.
"""

TIGHT = """Module: counter
Inputs:
  clk - clock
  `rst_n` - reset, active low
  step - 4 bits, the increment
Outputs:
  count - the value (8 bits)
  full - wrapped
Function:
  It counts up.
"""

SENTENCE = (
    "Design a counter. Module counter, ports: input clk, input rst_n, input [3:0] step, "
    "output [7:0] count, output full."
)

SIDES = (
    "Write a module named counter. The inputs are clk, rst_n (reset) and step (4 bits); the "
    "outputs are count (8 bits, the value) and full. It counts."
)


@pytest.mark.parametrize("text", [TITLES, BULLETS, TIGHT, SENTENCE, SIDES])
def test_ports_are_read_in_the_forms_that_people_write(text):
    assert specification.header(text) == COUNTER


def test_verilog_is_taken_as_it_stands():
    text = f"Fill this in: it counts up.\n\n{COUNTER}\nBe careful with wrapping."
    assert specification.header(text) == COUNTER


def test_names_that_share_a_line_are_ports_of_their_own():
    text = "Module: light\nInputs:\n  clk: clock\nOutputs:\n  red, yellow, green: the lamps\n"
    (module,) = syntax.modules(specification.header(text) + "endmodule\n")
    assert [port.name for port in module.ports] == ["clk", "red", "yellow", "green"]


def test_parameters_that_ranges_depend_on_come_with_their_values():
    text = """Module: hold
    Parameters: WIDTH = 8, UNUSED = 3
    Inputs:
      d[WIDTH-1:0]: signal to hold
      en: hold it
    Outputs:
      q[WIDTH-1:0]: what is held
    """
    assert specification.header(text) == (
        "module hold #(\n    parameter WIDTH = 8\n) (\n"
        "    input [WIDTH-1:0] d,\n    input en,\n    output [WIDTH-1:0] q\n);\n"
    )
    assert specification.header(text.replace("WIDTH = 8", "a WIDTH")) == ""


def test_signed_ports():
    text = "Module: neg\nInputs:\n  a (signed 8 bits): operand\nOutputs:\n  input_range: 1 bit\n"
    assert "input signed [7:0] a" in specification.header(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "An 8-bit counter with enable and reset",
        "the output is high if the input a is",
        TITLES.replace("counter\n", "\n").replace("Module name:", ""),  # no name
        TITLES.replace("full:", "count:"),  # a name twice
        TITLES.replace("full:", "reg:"),  # a keyword
        TITLES.replace("count: 8-bit value of", "count: value of"),  # a value of how many bits?
        TITLES.replace("    full: High for", "    then, high for"),  # no port, and no title either
        TITLES[: TITLES.index("Output")],  # nothing comes out
        COUNTER + "endmodule\n",  # a module, not a description of one
        COUNTER + COUNTER,
        SIDES.replace("clk,", "the clock,"),
        TITLES.replace("step[3:0]", "step[see below]"),
        "An 8-bit ALU.\nModule: alu\nInputs:\n  a, b, op\nOutputs:\n  y\n",  # which of them?
    ],
)
def test_in_doubt_there_is_no_header(text):
    assert specification.header(text) == ""


@pytest.mark.parametrize(
    ("said", "width"),
    [
        ("a 16-bit input", "[15:0] "),
        ("operand with a data width of 8 bits", "[7:0] "),
        ("mask, 4 bits wide", "[3:0] "),
        ("high if at least 2 bits are set", ""),
        ("1-bit data", ""),
        ("serial data", ""),
    ],
)
def test_widths_in_words(said, width):
    text = f"Module: m\nInputs:\n  a: {said}\nOutputs:\n  y: the answer\n"
    assert f"    input {width}a,\n" in specification.header(text)


def test_every_header_found_parses():
    for text in (TITLES, BULLETS, TIGHT, SENTENCE, SIDES):
        assert not syntax.problems(specification.header(text) + "endmodule\n")


def test_a_long_description_is_read_in_good_time():
    """No pattern goes back and forth over megabytes."""
    assert specification.header("input " * 20_000) == ""
    assert specification.header("a, " * 20_000 + ":") == ""
    assert specification.header("Inputs:\n" + "(" * 20_000) == ""
    assert specification.header("The inputs are " + "a (" * 5_000) == ""
