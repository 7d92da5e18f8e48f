"""Lexemes: what is compared when two pieces of Verilog are."""

from engine.verilog.lexemes import lexemes


def test_names_numbers_strings_and_marks_without_comments():
    text = "assign y = `W'd3 + 4'hF; // why\n/* a\n b */ $display(\"a // b\", a$1);"
    assert lexemes(text) == [
        *("assign", "y", "=", "`W", "'", "d3", "+", "4'hF", ";"),
        *("$display", "(", '"a // b"', ",", "a$1", ")", ";"),
    ]


def test_broken_text_has_lexemes_too():
    assert lexemes('/* open "quote') == ["/", "*", "open", '"', "quote"]
