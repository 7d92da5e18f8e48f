"""Caches kept between completions: the same answers, fewer tokens read, bounded memory."""

import pytest
from tiny_model import VERILOG, tiny_model

from engine import decoding, reuse
from engine.api import DecodingOptions, Prompt
from engine.reuse import PromptCaches

OPTIONS = DecodingOptions(max_tokens=12)


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture
def read(monkeypatch):
    """How many tokens each prompt took to read."""
    counts = []
    prefill = decoding.prefill
    monkeypatch.setattr(
        decoding,
        "prefill",
        lambda model, ids, *to: counts.append(len(ids)) or prefill(model, ids, *to),
    )
    return counts


def ids(model, typed, suffix="\nendmodule\n"):
    return decoding.prompt_ids(model, Prompt(VERILOG[:typed], suffix), OPTIONS)


def finish(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_answers_while_typing_are_those_of_a_fresh_decoder(model, read):
    caches = PromptCaches(model)
    lengths = []
    for typed in [*range(120, 160), 90, 91, 140]:  # forward, then back, then forward again
        prompt = ids(model, typed)
        answer = finish(caches.decode(prompt, OPTIONS))
        lengths.append(read[-1])
        assert answer.text == decoding.complete(model, prompt, OPTIONS).text
    assert lengths[0] == len(ids(model, 120))
    assert max(lengths[1:40]) < 10


def test_the_same_prompt_again_reads_one_token(model, read):
    caches = PromptCaches(model)
    first, second = (finish(caches.decode(ids(model, 150), OPTIONS)) for _ in range(2))
    assert read[1:] == [1]
    assert first.text == second.text


def test_a_cancelled_completions_cache_serves_the_next(model, read):
    caches = PromptCaches(model)
    steps = caches.decode(ids(model, 150), OPTIONS)
    next(steps)
    steps.close()
    answer = finish(caches.decode(ids(model, 151), OPTIONS))
    assert read[-1] < 5
    assert answer.text == decoding.complete(model, ids(model, 151), OPTIONS).text


def test_completions_in_flight_together_do_not_share_a_cache(model):
    caches = PromptCaches(model)
    finish(caches.decode(ids(model, 150), OPTIONS))
    first, second = (caches.decode(ids(model, typed), OPTIONS) for typed in (151, 152))
    next(first)
    next(second)
    answers = finish(first), finish(second)
    for answer, typed in zip(answers, (151, 152), strict=True):
        assert answer.text == decoding.complete(model, ids(model, typed), OPTIONS).text


def test_another_file_does_not_take_the_cache(model, read):
    caches = PromptCaches(model)
    other = ids(model, 150, suffix="  // something else\n")
    for prompt in (ids(model, 150), other, ids(model, 151)):
        finish(caches.decode(prompt, OPTIONS))
    assert read[1] == len(other)
    assert read[2] < 5


def test_a_failed_completions_cache_is_dropped(model, monkeypatch):
    caches = PromptCaches(model)
    finish(caches.decode(ids(model, 150), OPTIONS))

    def fail(*_):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(decoding, "prefill", fail)
        finish(caches.decode(ids(model, 151), OPTIONS))
    assert caches.kept == []


@pytest.mark.parametrize(("room_for", "kept"), [(0, 1), (1, 1), (2, 2), (5, 3)])
def test_memory_is_bounded_but_the_last_cache_stays(model, monkeypatch, room_for, kept):
    caches = PromptCaches(model)
    finish(caches.decode(ids(model, 150, "// a different beginning\n"), OPTIONS))
    size = caches.kept[0][1].size
    assert size > 0
    monkeypatch.setattr(reuse, "MEMORY", room_for * size)
    for suffix in ("endmodule // first\n", "always @* begin end\n"):
        finish(caches.decode(ids(model, 150, suffix), OPTIONS))
    assert len(caches.kept) == kept
    assert caches.kept[-1][0] == tuple(ids(model, 150, "always @* begin end\n"))
