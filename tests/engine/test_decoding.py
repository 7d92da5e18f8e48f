"""The decoder: what it says, how it cuts, when it stops."""

import pytest
import torch
from tiny_model import VERILOG, accepted_by_step, plain_greedy, tiny_model

from engine import decoding, prompts
from engine.api import DecodingOptions, Prompt
from engine.decoding import decode
from engine.model import MedusaModel


@pytest.fixture(scope="module")
def model() -> MedusaModel:
    return tiny_model()


def run(model: MedusaModel, ids: list[int], **options):
    """All steps and the completion."""
    steps = []
    generator = decode(model, ids, DecodingOptions(**options))
    while True:
        try:
            steps.append(next(generator))
        except StopIteration as end:
            return steps, end.value


def prompt_ids(model: MedusaModel, number: int) -> list[int]:
    cursor = 7 * number % len(VERILOG)
    return prompts.encode(model.tokenizer, Prompt(VERILOG[:cursor], VERILOG[cursor:][:40]), 128)


@pytest.mark.parametrize("number", range(50))
def test_greedy_text_is_that_of_plain_greedy_decoding(model, number):
    ids = prompt_ids(model, number)
    expected = plain_greedy(model, ids, 20)
    assert run(model, ids, max_tokens=20)[1].text == expected
    if number % 5 == 0:
        assert run(model, ids, max_tokens=20, alignment="discard")[1].text == expected
        assert run(model, ids, max_tokens=20, speculative=False)[1].text == expected


def test_drafts_are_accepted_at_all(model):
    """Or the tests here would only see trees that are never followed."""
    options = {"max_tokens": 20}
    steps = [step for n in range(8) for step in run(model, prompt_ids(model, n), **options)[0]]
    longest = max(step.accepted for step in steps)
    assert longest > 1


def test_steps_show_whole_fragments_and_together_the_text(model):
    for number in range(8):
        steps, completion = run(model, prompt_ids(model, number), max_tokens=30)
        shown = [fragment for step in steps for fragment in step.fragments]
        assert "".join(shown) == completion.text
        assert tuple(shown) == completion.fragments
        assert sum(step.accepted for step in steps) == completion.tokens <= 30
        assert all(step.accepted >= 1 for step in steps)
        assert "[FRAG]" not in completion.text


def sampled(model: MedusaModel, seed: int, monkeypatch, **options) -> list[int]:
    """Token ids, [FRAG] included, of one sampled completion."""
    ids = prompt_ids(model, 11)
    steps = accepted_by_step(model, ids, monkeypatch, temperature=0.7, seed=seed, **options)
    return [token for step in steps for token in step]


def test_sampling_differs_between_seeds_and_repeats_with_one(model, monkeypatch):
    answers = [sampled(model, seed, monkeypatch, max_tokens=12) for seed in (1, 2, 3, 4, 1)]
    assert answers[0] == answers[4]
    assert len({tuple(answer) for answer in answers}) == 4


def test_sampling_with_drafts_has_the_distribution_of_plain_sampling(model, monkeypatch):
    """Frequencies of the second token, which a draft may have supplied, over many seeds."""

    def frequencies(seeds: range, speculative: bool) -> torch.Tensor:
        counts = torch.zeros(model.tokenizer.size)
        for seed in seeds:
            options = {"max_tokens": 2, "speculative": speculative}
            counts[sampled(model, seed, monkeypatch, **options)[-1]] += 1
        return counts / len(seeds)

    drafted = frequencies(range(150), True)
    plain, again = frequencies(range(150, 300), False), frequencies(range(300, 450), False)
    noise = (plain - again).abs().sum()
    assert (drafted - plain).abs().sum() < 1.3 * noise + 0.1


def test_typical_acceptance_follows_its_threshold(model):
    """With epsilon 0 every draft passes eq. 1, with a threshold of 1 none does."""
    options = {"max_tokens": 30, "acceptance": "typical", "temperature": 0.8, "seed": 1}
    _, everything = run(model, prompt_ids(model, 2), epsilon=0.0, **options)
    _, nothing = run(model, prompt_ids(model, 2), epsilon=1.0, delta=1e9, **options)
    assert everything.tokens_per_step > 2
    assert nothing.tokens_per_step == 1


def test_time_budget_ends_a_completion(model):
    _, completion = run(model, prompt_ids(model, 1), max_seconds=0.0)
    assert (completion.finish, completion.steps) in {("time", 1), ("end", 1)}


def test_closing_the_generator_ends_decoding(model):
    generator = decode(model, prompt_ids(model, 1), DecodingOptions())
    next(generator)
    generator.close()
    with pytest.raises(StopIteration):
        next(generator)


def test_what_is_typed_already_is_not_shown_again(model):
    ids = prompt_ids(model, 3)
    _, whole_answer = run(model, ids, max_tokens=20)
    typed = whole_answer.text[:1]
    assert (
        decoding.complete(model, ids, DecodingOptions(max_tokens=20), typed).text
        == (whole_answer.text[1:])
    )
