"""Reuse of the prompt's beginning, measured."""

from tiny_model import VERILOG, tiny_model

from engine import decoding, passes
from engine.bench import retyping


def test_long_file_has_its_lines():
    text = retyping.long_file([VERILOG, "// end\n"])
    assert text.count("\n") == retyping.LINES
    assert text.startswith(VERILOG + "// end\n" + VERILOG)


def test_the_second_request_reads_only_what_is_new(monkeypatch):
    read = []

    def counting(model, prompt, cache, *rest):
        read.append(len(prompt))
        return passes.prefill(model, prompt, cache, *rest)

    monkeypatch.setattr(decoding, "prefill", counting)
    found = retyping.measure(tiny_model(), VERILOG)
    assert len(read) == 2 * retyping.REPEATS
    assert all(second < 4 < first / 4 for first, second in zip(read[::2], read[1::2], strict=True))
    assert found.first_ms > 0 and found.second_ms > 0


def test_the_bar_is_judged():
    assert "5.0 times as cheap (bar 5, reached)" in str(retyping.Retyping(50.0, 10.0))
    assert "(bar 5, not reached)" in str(retyping.Retyping(49.0, 10.0))
