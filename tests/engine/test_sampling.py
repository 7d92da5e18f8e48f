"""Choosing tokens: greedy, the nucleus, and one random number for each position."""

import pytest
import torch
from tiny_model import VERILOG, tiny_model

from engine import prompts
from engine.api import DecodingOptions, EngineError, Prompt
from engine.decoding import complete
from engine.sampling import Sampler, pick

P = torch.tensor([0.1, 0.4, 0.2, 0.3])


def picked(number, temperature=1.0, top_p=1.0):
    return int(pick(P.log(), torch.tensor(number), temperature, top_p))


def test_temperature_0_is_greedy():
    assert [picked(number, temperature=0) for number in (0.0, 0.5, 0.99)] == [1, 1, 1]


def test_a_number_is_looked_up_in_the_cumulative_distribution():
    numbers = (0.0, 0.09, 0.11, 0.49, 0.51, 0.69, 0.71, 0.999999)
    assert [picked(number) for number in numbers] == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(("top_p", "kept"), [(0.3, {1}), (0.6, {1, 3}), (0.71, {1, 2, 3})])
def test_top_p_keeps_the_fewest_tokens_with_that_much_probability(top_p, kept):
    assert {picked(number / 100, top_p=top_p) for number in range(100)} == kept


def test_a_nucleus_of_many_tokens_is_found_too():
    """Wider than what is looked at first."""
    logits = torch.linspace(0, 1, 1000)
    p = logits.softmax(-1)
    nucleus = (p.flip(0).cumsum(0) < 0.5).sum() + 1
    tokens = pick(logits.expand(500, -1), torch.arange(500) / 500, 1.0, 0.5)
    assert nucleus > 300
    assert tokens.min() == 1000 - nucleus


def test_rows_are_picked_as_if_alone():
    logits = torch.randn(5, 300, generator=torch.Generator().manual_seed(0))
    numbers = torch.rand(5, generator=torch.Generator().manual_seed(1))
    rows = [int(pick(logits[row], numbers[row], 0.8, 0.9)) for row in range(5)]
    assert pick(logits, numbers, 0.8, 0.9).tolist() == rows


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("temperature", [0, 1.0])
def test_logits_of_which_one_is_no_number_are_an_error(value, temperature):
    logits = torch.zeros(2, 4)
    logits[1, 2] = value
    with pytest.raises(EngineError, match="not numbers"):
        pick(logits, torch.tensor([0.5, 0.5]), temperature, 1.0)


def test_a_position_is_decided_the_same_way_whenever_it_is():
    sampler = Sampler(DecodingOptions(temperature=1.0, seed=1), 50, torch.device("cpu"))
    flat = torch.zeros(1000)
    chain = sampler.pick(flat.expand(50, -1), 0, torch.arange(50)).tolist()
    tokens = [int(sampler.pick(flat[None], place, torch.tensor([0]))) for place in range(50)]
    assert chain == tokens
    assert len(set(tokens)) > 40


def test_neither_drafts_nor_alignment_change_what_a_seed_samples():
    model = tiny_model()
    ids = prompts.encode(model.tokenizer, Prompt(VERILOG[:77]), 128)

    def text(seed, **options):
        own = DecodingOptions(max_tokens=16, temperature=0.7, seed=seed, **options)
        return complete(model, ids, own).text

    for seed in range(8):
        assert text(seed) == text(seed, alignment="discard") == text(seed, speculative=False)
