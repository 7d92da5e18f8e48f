"""Fragments of an answer: by [FRAG] tokens, and by a lexer in ordinary text."""

import copy
from dataclasses import replace

import pytest
from tiny_model import VERILOG, tiny_model, tiny_tokenizer

from engine import decoding, prompts
from engine.answer import whole
from engine.api import DecodingOptions, Prompt
from engine.boundaries import LexerBoundaries, TokenBoundaries, boundaries
from engine.verilog.fragments import fragments

TOKENIZER = tiny_tokenizer()
LEXER = DecodingOptions(boundaries="lexer")


def found(source, ids):
    return [fragment for token in ids for fragment in source.add(token)]


def by_lexer(text, tokenizer=TOKENIZER):
    source = LexerBoundaries(tokenizer)
    ids = [i for piece in fragments(text) for i in tokenizer.encode(piece)]
    return found(source, [*ids, tokenizer.end])


def test_tokens_are_believed():
    ids = TOKENIZER.encode_fragments(VERILOG)
    assert found(TokenBoundaries(TOKENIZER), ids) == fragments(VERILOG)


@pytest.mark.parametrize(
    "expected",
    [
        "assign y =| a;",
        "assign y =| (sel ==| 2'd1)| ?| a :| b;",
        "input wire [7:0]| a,\n|output reg q\n|);\n|endmodule",
        "always @(posedge clk or| negedge rst)| begin\n|q <=| d;\n|end\n|endmodule",
        ".clk(clk),\n|.d({a,| b})\n|);\n|",
        "case (s)\n|2'd0:| y =| a;\n|default:| y =| b;\n|endcase\n|",
        "// a, b; c\n|x =| 1;| /* d;\n|e; */ y =| 2;\n|",
        '$display("a; b");\n|',
    ],
)
def test_golden(expected):
    assert "|".join(by_lexer(expected.replace("|", ""))) == expected


def test_the_lexer_finds_most_of_what_a_parse_does():
    """But for white space: a line end ends a fragment before the indentation that follows is known."""
    parsed, lexed = fragments(VERILOG), by_lexer(VERILOG)
    assert "".join(lexed) == VERILOG

    def ends(pieces):
        return {len("".join("".join(pieces[: n + 1]).split())) for n in range(len(pieces))}

    assert len(ends(parsed) & ends(lexed)) > 0.9 * len(ends(parsed))


def test_a_character_in_two_tokens_is_whole():
    ids = [i for byte in ("// é €;\n".encode(),) for i in TOKENIZER.encode(byte.decode())]
    assert found(LexerBoundaries(TOKENIZER), ids) == ["// é €;\n"]


def test_a_copy_looks_ahead():
    source = LexerBoundaries(TOKENIZER)
    ids = TOKENIZER.encode("a = b; c")
    assert found(copy.copy(source), ids) == found(source, ids)


def test_whole_cuts_to_the_last_complete_fragment_but_never_to_nothing():
    ids, frag = TOKENIZER.encode("a b"), TOKENIZER.frag
    tokens = [ids[0], frag, ids[0], frag, ids[0]]
    assert whole(tokens, TokenBoundaries(TOKENIZER)) == 4
    assert whole(ids, TokenBoundaries(TOKENIZER)) == len(ids)
    line, more = TOKENIZER.encode("q <= d;\n"), TOKENIZER.encode("x")
    assert whole(line + more, LexerBoundaries(TOKENIZER)) == len(line)


def test_a_tokenizer_without_frag_has_the_lexer_only():
    bare = replace(TOKENIZER, frag=None)
    assert isinstance(boundaries(bare, DecodingOptions()), LexerBoundaries)
    assert isinstance(boundaries(TOKENIZER, LEXER), LexerBoundaries)
    assert isinstance(boundaries(TOKENIZER, DecodingOptions()), TokenBoundaries)


def run(model, **options):
    ids = prompts.encode(model.tokenizer, Prompt(VERILOG[:99]), 128)
    steps, generator = [], decoding.decode(model, ids, replace(LEXER, max_tokens=30, **options))
    while True:
        try:
            steps.append(next(generator))
        except StopIteration as end:
            return steps, end.value


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_frag_is_not_written_and_the_text_is_the_same_however_it_is_drafted(temperature):
    model = tiny_model()
    for seed in range(4):
        options = {"temperature": temperature, "seed": seed}
        steps, held = run(model, **options)
        assert all(step.accepted >= 1 for step in steps)
        assert "".join(part for step in steps for part in step.fragments) == held.text
        plain = run(model, **options, speculative=False)[1]
        discarded = run(model, **options, alignment="discard")[1]
        assert held.text == plain.text == discarded.text
        assert held.tokens == plain.tokens == discarded.tokens
