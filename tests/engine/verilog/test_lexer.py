"""What of a text is complete while its end is still to come."""

import pytest

from engine.verilog.lexer import lexemes


def split(text):
    """The sources of the complete lexemes, blanks left out, and of what is not complete."""
    found, rest = lexemes(text)
    return [one.source for one in found if one.kind != "blank"], rest.source if rest else None


@pytest.mark.parametrize(
    ("text", "complete", "rest"),
    [
        ("", [], None),
        ("assign y", ["assign"], "y"),
        ("y = ", ["y", "="], None),
        ("y <", ["y"], "<"),
        ("a <= b;", ["a", "<=", "b", ";"], None),
        ("8'", [], "8'"),
        ("8'hF", [], "8'hF"),
        ("8'hFF)", ["8'hFF", ")"], None),
        ("en", [], "en"),
        ("x // not yet", ["x"], "// not yet"),
        ("x // done\n", ["x"], None),
        ("/* not; yet", [], "/* not; yet"),
        ("/* done */ a;", ["a", ";"], None),
        ('"not yet', [], '"not yet'),
        ('"done"', ['"done"'], None),
        ("@(", [], "@("),
        ("@(*", [], "@(*"),
        ("@(*)", ["@(*)"], None),
        ("@(posedge", ["@("], "posedge"),
        ("(* keep", [], "(* keep"),
        ("(* keep *) reg", [], "reg"),
        ("`define A 1", [], "`define A 1"),
        ("`define A 1\n`A", ["`define A 1"], "`A"),
        ("\\odd+name ;", ["\\odd+name", ";"], None),
    ],
)
def test_what_more_text_could_change_is_not_complete(text, complete, rest):
    assert split(text) == (complete, rest)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("wire", "keyword"),
        ("wires", "name"),
        ("\\wire", "name"),
        ("$display", "system"),
        ("`W", "macro"),
        ("`include\n", "directive"),
        ("4'b1x", "number"),
        ("'0", "number"),
        ("===", "mark"),
    ],
)
def test_kinds(source, kind):
    found = lexemes(source + " ")[0][0]
    assert (found.source, found.kind) == (source.rstrip(), kind)


def test_the_lexemes_are_the_text():
    text = 'module m(input a); // é\n\tassign \\b+c = `X ? 8 \'hF : "s\\"" ; (* x *) endmodule\0'
    found, rest = lexemes(text)
    assert "".join(one.source for one in found) + (rest.source if rest else "") == text
    assert all(text[one.start : one.end] == one.source for one in found)
