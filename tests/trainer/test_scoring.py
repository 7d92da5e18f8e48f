import pytest

from trainer.scoring import lexemes, quality, rouge_l

PREFIX = "module counter(input clk, output reg [3:0] q);\n  always @(posedge clk)\n    "
SUFFIX = "\nendmodule\n"
REFERENCE = "q <= q + 4'd1;"

MODULE = """// a two-input gate
module gate(input wire a, input wire b, output wire y);
  assign y = a & b;
endmodule
"""


def z(response, reference=REFERENCE, prefix=PREFIX, suffix=SUFFIX, parser="pyslang"):
    return quality(prefix, response, suffix, reference, parser).z


@pytest.mark.parametrize("parser", ["pyslang", "pyverilog"])
def test_the_reference_scores_one(parser):
    assert z(REFERENCE, parser=parser) == 1.0
    assert z(MODULE, reference=MODULE, prefix="", suffix="", parser=parser) == 1.0


def test_a_close_answer_scores_by_its_similarity():
    # q < = q + 4'd1 ;  against  q < = q - 4'd1 ;  : 6 of 7 lexemes in common
    assert z("q <= q - 4'd1;") == pytest.approx(6 / 7)


@pytest.mark.parametrize("parser", ["pyslang", "pyverilog"])
def test_a_syntax_error_of_its_own_scores_zero(parser):
    scored = quality(PREFIX, "q <= q + ;", SUFFIX, REFERENCE, parser)
    assert scored.z == 0
    assert scored.rouge_l > 0.5
    assert scored.errors


def test_an_error_that_was_there_before_is_not_held_against_it():
    broken = "module other(input a;\nendmodule\n" + PREFIX
    assert z("q <= q - 4'd1;", prefix=broken) == pytest.approx(6 / 7)


def test_a_module_that_does_not_parse_scores_zero():
    assert z(MODULE.replace("endmodule", ""), reference=MODULE, prefix="", suffix="") == 0


@pytest.mark.parametrize("response", ["", "  \n", "// nothing here", ";"])
def test_a_near_empty_answer_scores_zero(response):
    assert z(response) == 0


def test_an_empty_module_parses_and_still_scores_zero():
    scored = quality("", "module gate; endmodule", "", MODULE)
    assert scored.errors == ()
    assert scored.z == 0


def test_comments_neither_help_nor_hurt():
    assert z("// next state\n" + REFERENCE) == 1.0
    assert z(MODULE.replace("// a two-input gate\n", ""), MODULE, "", "") == 1.0


def test_a_reference_that_is_a_comment_is_compared_by_its_words():
    comment = "// counts rising edges"
    assert z(comment, reference=comment) == 1.0
    assert z("// counts falling edges", reference=comment) == 0.75


def test_layout_does_not_matter():
    assert z("q<=q\n  +4'd1 ;") == 1.0


def test_lexemes_keep_numbers_strings_and_macros_whole():
    text = "`WIDTH'd3 4'b10_01 $display(\"a // b\", x) // end"
    assert lexemes(text)[-6:] == ["$display", "(", '"a // b"', ",", "x", ")"]
    assert "4'b10_01" in lexemes(text)
    assert "`WIDTH" in lexemes(text)


def test_rouge_l_is_the_f1_of_the_longest_common_subsequence():
    candidate, reference = ["a", "x", "b"], ["a", "b", "c", "d"]
    precision, recall = 2 / 3, 2 / 4
    expected = 2 * precision * recall / (precision + recall)
    assert rouge_l(candidate, reference) == pytest.approx(expected)
    assert rouge_l([], reference) == rouge_l(candidate, []) == 0
