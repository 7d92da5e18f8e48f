"""Steps side by side."""

from tiny_model import tiny_tokenizer

from engine.bench import trace
from engine.bench.methods import Trace


def test_steps_are_drawn_with_their_fragments():
    tokenizer = tiny_tokenizer()
    module, wire = tokenizer.encode("module a"), tokenizer.encode("\n  b")
    steps = Trace("", ((*module, tokenizer.frag), (*wire, tokenizer.end)))
    assert trace.step_texts(tokenizer, steps) == ["module a|", "\\n  b[END]"]


def test_columns_stand_side_by_side_and_long_steps_are_wrapped():
    tokenizer = tiny_tokenizer()
    long, short = tuple(tokenizer.encode("abcdefghijkl")), tuple(tokenizer.encode("xy"))
    traces = {"fragment": Trace("", (long,)), "plain": Trace("", (short, short))}
    assert trace.side_by_side(tokenizer, traces, width=8).splitlines() == [
        "     fragment  plain",
        "     1 steps   2 steps",
        "     --------  --------",
        "   1 abcdefgh  xy",
        "     ijkl",
        "   2           xy",
    ]
