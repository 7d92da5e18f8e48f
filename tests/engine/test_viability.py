"""Vetoes while decoding: other tokens in proportion, and the same text however it is drafted."""

from dataclasses import replace

import pytest
import torch
from tiny_model import VERILOG, tiny_model

from engine import decoding
from engine.api import DecodingOptions, EngineError, Prompt
from engine.batch import complete_many, sample_seed
from engine.sampling import Sampler
from engine.viability import TRIES, Guard

PROMPT = Prompt(VERILOG[:150])
OPTIONS = DecodingOptions(max_tokens=24, viability="names")


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def complete(model, prompt=PROMPT, **options):
    own = replace(OPTIONS, **options)
    ids = decoding.prompt_ids(model, prompt, own)
    return decoding.complete(model, ids, own, source=prompt)


class Without:
    """A guard that vetoes some tokens, wherever they are."""

    def __init__(self, *vetoed):
        self.vetoed, self.noted, self.forced = set(vetoed), {}, []

    def admits(self, token, position):
        return token not in self.vetoed

    def force(self, token, position):
        self.forced.append(token)

    def note(self, position, refused):
        self.noted[position] = refused


def sampler(guard, **options):
    return Sampler(DecodingOptions(**options), 4000, torch.device("cpu"), guard)


def test_greedy_takes_the_next_best():
    logits = torch.tensor([0.1, 0.5, 0.2, 0.4])
    guard = Without(1, 3)
    assert sampler(guard).first(logits) == 2
    assert guard.noted == {0: 2}


@pytest.mark.parametrize("options", [{"temperature": 1.0}, {"temperature": 0.5}])
def test_the_others_get_a_vetoed_tokens_probability_in_proportion(options):
    logits = torch.tensor([0.05, 0.4, 0.3, 0.05, 0.2]).log()
    draw = sampler(Without(1, 3), seed=1, **options)
    count = torch.zeros(5)
    for position in range(4000):
        chosen = int(draw.pick(logits[None], position, torch.tensor([0])))
        count[draw.replace(chosen, logits, position)] += 1
    wanted = (logits / options["temperature"]).softmax(-1)
    wanted[[1, 3]] = 0
    assert torch.allclose(count / 4000, wanted / wanted.sum(), atol=0.03)


def test_outside_of_the_nucleus_is_drawn_only_when_nothing_in_it_is_left():
    logits = torch.tensor([0.5, 0.3, 0.1, 0.1]).log()
    for seed in range(50):
        one = sampler(Without(0), seed=seed, temperature=1.0, top_p=0.5)
        assert one.first(logits) == 1
        three = sampler(Without(0, 1), seed=seed, temperature=1.0, top_p=0.5)
        assert three.first(logits) in (2, 3)


def test_when_too_many_are_vetoed_the_first_choice_stands():
    logits = torch.linspace(1, 0, 2 * TRIES)
    guard = Without(*range(TRIES + 9))
    assert sampler(guard).first(logits) == 0
    assert (guard.forced, guard.noted) == ([0], {0: TRIES})


def test_an_accepted_path_is_cut_at_the_first_veto():
    tokens, logits = [5, 1, 2, 3], torch.eye(8)[[1, 2, 3, 4]]
    vet = sampler(Without(2)).vet
    path, following = vet(tokens, logits, [0, 1, 2, 3], 4, 1)
    assert path == [0, 1]
    assert following != 2
    assert vet(tokens, logits, [0, 1], 7, 1) == ([0, 1], 7)


def text_of(model, guard):
    """What of the guard's prompt and tokens has been judged, for a comparison."""
    return guard.texts[-1].item + guard.texts[-1].rest


def test_a_guard_knows_the_text_after_each_token(model):
    guard = Guard(model.tokenizer, Prompt("module m(input clk, output q);\nassign q ="), OPTIONS)
    ids = model.tokenizer.encode(" clk;\n")
    for position, token in enumerate(ids):
        assert guard.admits(token, position)
    assert text_of(model, guard).split() == ["assign", "q", "=", "clk;"]

    other = model.tokenizer.encode(" rst")
    assert not all(guard.admits(token, n) for n, token in enumerate(other))  # decided again
    guard.force(other[0], 0)
    assert (len(guard.texts), guard.overruled) == (2, [True])


def test_the_blank_that_was_typed_is_not_read_twice(model):
    typed = Guard(model.tokenizer, Prompt("module m(input clk);\nwire x = "), OPTIONS)
    for piece in (" clk", "clk"):
        for position, token in enumerate(model.tokenizer.encode(piece)):
            assert typed.admits(token, position)
        assert text_of(model, typed).endswith("wire x = clk")


def test_an_answer_with_nothing_after_it_ends_the_module(model):
    end = model.tokenizer.end
    prompt = Prompt("module m;\n")
    assert not Guard(model.tokenizer, prompt, OPTIONS).admits(end, 0)
    assert Guard(model.tokenizer, replace(prompt, suffix="endmodule"), OPTIONS).admits(end, 0)
    assert Guard(model.tokenizer, prompt, replace(OPTIONS, stop="line")).admits(end, 0)
    assert Guard(model.tokenizer, Prompt("module m;\nendmodule\n"), OPTIONS).admits(end, 0)


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_the_text_is_the_same_however_it_is_drafted(model, temperature):
    for seed in range(4):
        options = {"temperature": temperature, "seed": sample_seed(7, seed)}
        one = complete(model, **options)
        assert one.vetoes > 0  # the model writes at random
        for drafted in ({"alignment": "discard"}, {"speculative": False}):
            again = complete(model, **options, **drafted)
            assert (again.text, again.vetoes) == (one.text, one.vetoes)
        for speculative in (True, False):
            together = replace(OPTIONS, temperature=temperature, speculative=speculative)
            for index, answer in complete_many(model, [PROMPT] * 4, together, seed=7, width=3):
                if index == seed:
                    assert (answer.text, answer.vetoes) == (one.text, one.vetoes)


@pytest.mark.parametrize("viability", ["syntax", "names"])
@pytest.mark.parametrize("acceptance", ["lossless", "typical"])
def test_what_is_not_overruled_is_viable(model, viability, acceptance):
    from engine.verilog import viability as verilog

    for seed in range(4):
        options = {"temperature": 0.8, "seed": seed, "acceptance": acceptance}
        answer = complete(model, viability=viability, **options)
        if answer.overruled:
            continue
        text = verilog.begin(PROMPT.prefix, by_name=viability == "names")
        for fragment in answer.fragments:
            text = text.after(fragment)
            assert text is not None


def test_without_viability_nothing_is_vetoed(model):
    assert complete(model, viability="off").vetoes == 0


def test_viability_needs_the_text_of_the_prompt(model):
    with pytest.raises(EngineError, match="text of the prompt"):
        decoding.complete(model, [1, 2, 3], OPTIONS)
