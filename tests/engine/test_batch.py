"""Batched decoding: the answers are those of decoding one at a time, whatever shares the batch."""

from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_model import VERILOG, tiny_model

from engine import answer as answers
from engine import batch, decoding, model_store, passes, prompts
from engine import model as models
from engine.api import Completion, DecodingOptions, Prompt
from engine.batch import Request, complete_many, decode_many, sample_seed

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "blinky" / "rtl"


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def ragged(count):
    """Prompts of many lengths, an empty one and one that does not fit among them."""
    cursors = [29 * number % len(VERILOG) for number in range(count)]
    inside = [Prompt(VERILOG[:cursor], VERILOG[cursor:][:40]) for cursor in cursors]
    return [*inside, Prompt(""), Prompt(VERILOG * 5), Prompt("", instruction="an 8-bit counter")]


def alone(model, asked, options, seed=0):
    """What decoding one at a time answers."""
    answers = []
    for index, prompt in enumerate(asked):
        ids = decoding.prompt_ids(model, prompt, options)
        own = replace(options, seed=sample_seed(seed, index))
        answers.append(decoding.complete(model, ids, own, prompts.typed_blank(prompt.prefix)))
    return answers


def together(model, asked, options, **keywords):
    """What decoding in a batch answers, in the prompts' order."""
    found = list(complete_many(model, asked, options, **keywords))
    assert sorted(index for index, _ in found) == list(range(len(asked)))
    return [completion for _, completion in sorted(found, key=lambda pair: pair[0])]


def without_time(completions: list[Completion]) -> list[Completion]:
    return [replace(completion, milliseconds=0) for completion in completions]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"alignment": "discard"},
        {"speculative": False},
        {"stop": "line"},
        {"temperature": 0.7, "top_p": 0.9},
        {"temperature": 0.7, "speculative": False},
        {"temperature": 0.7, "alignment": "discard"},
        {"temperature": 0.7, "acceptance": "typical"},
    ],
    ids=str,
)
def test_answers_are_those_of_decoding_one_at_a_time(model, options):
    asked = ragged(6)
    wanted = DecodingOptions(max_tokens=16, **options)
    expected = alone(model, asked, wanted, seed=3)
    for width in (1, 3, 8):
        got = together(model, asked, wanted, width=width, seed=3)
        assert without_time(got) == without_time(expected)


@pytest.mark.slow
@pytest.mark.parametrize("speculative", [True, False])
def test_the_embedded_model_says_the_same_at_every_width(speculative):
    shipped = models.load(model_store.EMBEDDED, torch.device("cpu"))
    texts = [path.read_text() for path in sorted(EXAMPLE.glob("*.v"))]
    asked = [Prompt(text[:cut], text[cut:][:200]) for text in texts for cut in (60, 400)]
    asked.append(Prompt("", instruction="A 4-bit counter with reset"))
    options = DecodingOptions(max_tokens=16, speculative=speculative)
    expected = [answer.text for answer in alone(shipped, asked, options)]
    for width in (1, 3, 8):
        assert [
            answer.text for answer in together(shipped, asked, options, width=width)
        ] == expected


def test_sampling_with_drafts_has_the_backbones_distribution(model, monkeypatch):
    """Frequencies of the second token, which a draft may have supplied, against what the backbone's
    probabilities give: chi-square over the likelier tokens, the others taken together."""
    temperature, count = 0.7, 1500
    ids = tuple(prompts.encode(model.tokenizer, Prompt(VERILOG[:77]), 128))
    tokens = defaultdict(list)
    read = answers._Reader.read
    monkeypatch.setattr(
        answers._Reader,
        "read",
        lambda self, new: tokens[id(self), self.typed].extend(new) or read(self, new),
    )
    options = DecodingOptions(max_tokens=2, temperature=temperature)
    # What is "typed" tells the answers apart; this one never matches.
    requests = [Request(ids, replace(options, seed=n), f"?{n}") for n in range(count)]
    steps = [completion.steps for _, completion in decode_many(model, requests, width=64)]
    assert min(steps) == 1, "no draft was ever accepted"
    seconds = Counter(answer[1] for answer in tokens.values() if len(answer) == 2)

    expected = count * second_token_probabilities(model, ids, temperature)
    likely = (expected >= 8).nonzero()[:, 0].tolist()
    observed = [seconds[token] for token in likely]
    pairs = [*zip(observed, expected[likely].tolist(), strict=True)]
    pairs.append(
        (seconds.total() - sum(observed), expected.sum().item() - sum(e for _, e in pairs))
    )
    statistic = sum((o - e) ** 2 / e for o, e in pairs)
    freedom = len(pairs) - 1
    assert freedom > 10
    assert statistic < freedom + 4 * (2 * freedom) ** 0.5


def second_token_probabilities(model, ids, temperature):
    """[V], over all first tokens but the end of text, after which there is no second."""
    every = torch.arange(model.tokenizer.size)
    rows = torch.cat([torch.tensor([ids]).expand(len(every), -1), every[:, None]], dim=1)
    logits = model.logits(model.hidden(rows)[:, -2:]) / temperature
    first, second = logits[0, 0].softmax(-1), logits[:, 1].softmax(-1)
    first[model.tokenizer.end] = 0
    return first @ second


def test_samples_of_one_prompt_differ_and_another_seed_draws_anew(model):
    options = DecodingOptions(max_tokens=12, temperature=0.9)
    asked = [Prompt(VERILOG[:77])] * 6
    first, again = (together(model, asked, options, width=4, seed=1) for _ in range(2))
    assert without_time(first) == without_time(again)
    assert len({answer.text for answer in first}) > 3
    assert without_time(together(model, asked, options, width=4, seed=2)) != without_time(first)


def test_a_prompt_is_read_once_however_often_it_occurs(model, monkeypatch):
    read = []
    prefill = passes.prefill
    monkeypatch.setattr(
        batch, "prefill", lambda model, ids, *where: read.append(ids) or prefill(model, ids, *where)
    )
    first, second = Prompt(VERILOG[:40]), Prompt(VERILOG[:90])
    together(model, [first, second] * 5, DecodingOptions(max_tokens=6), width=3)
    assert len(read) == 2


def test_places_are_taken_again_as_they_become_free(model, monkeypatch):
    rows = []
    forward = passes.forward
    monkeypatch.setattr(
        batch,
        "forward",
        lambda model, ids, *rest: rows.append(len(ids)) or forward(model, ids, *rest),
    )
    budgets = [2, 9, 2, 9, 2, 9]
    ids = tuple(prompts.encode(model.tokenizer, Prompt(VERILOG[:40]), 128))
    plain = DecodingOptions(speculative=False, temperature=2.0)  # hardly ever the end of text
    requests = [Request(ids, replace(plain, max_tokens=b, seed=b)) for b in budgets]
    order = [index for index, _ in decode_many(model, requests, width=2)]
    assert order[0] == 0
    assert order != sorted(order)
    assert max(rows) == 2
    assert len(rows) < sum(budgets) * 0.7


def test_every_request_has_its_own_budget_and_stop(model):
    ids = tuple(prompts.encode(model.tokenizer, Prompt(VERILOG[:77]), 128))
    options = [
        DecodingOptions(max_tokens=30, stop="line"),
        DecodingOptions(max_tokens=5),
        DecodingOptions(max_tokens=30, max_seconds=0.0),
    ]
    requests = [Request(ids, each) for each in options]
    got = dict(decode_many(model, requests, width=3))
    expected = [decoding.complete(model, ids, each) for each in options]
    assert [got[index].text for index in range(3)] == [answer.text for answer in expected]


def test_fewer_nodes_and_more_passes_give_the_same_text(model):
    asked, options = ragged(6), DecodingOptions(max_tokens=16)
    whole = together(model, asked, options)
    for nodes in (1, 5):
        pruned = together(model, asked, options, nodes=nodes)
        assert [answer.text for answer in pruned] == [answer.text for answer in whole]
        assert sum(answer.steps for answer in pruned) > sum(answer.steps for answer in whole)


def test_every_pass_tells_how_many_tokens_it_added(model):
    told = []
    options = DecodingOptions(max_tokens=16)
    answers = together(model, ragged(6), options, width=3, on_step=told.append)
    assert sum(told) == sum(answer.tokens for answer in answers)


def test_requests_without_room_are_answered_and_the_others_decoded(model):
    fits = tuple(prompts.encode(model.tokenizer, Prompt(VERILOG[:40]), 128))
    too_long = fits * 20
    options = DecodingOptions(max_tokens=8)
    requests = [
        Request(too_long, options),
        Request(fits, options),
        Request(fits, replace(options, max_tokens=0)),
    ]
    got = dict(decode_many(model, requests))
    assert got[1].text == decoding.complete(model, fits, options).text
    for index in (0, 2):
        assert (got[index].text, got[index].finish, got[index].steps) == ("", "length", 0)


def test_nothing_asked_is_nothing_answered(model):
    assert list(complete_many(model, [], DecodingOptions())) == []


@pytest.mark.parametrize(
    ("requests", "keywords", "message"),
    [
        ([Request((), DecodingOptions())], {}, "no prompt ids"),
        (
            [Request((1,), DecodingOptions()), Request((1,), DecodingOptions(temperature=1.0))],
            {},
            "may differ in",
        ),
        ([Request((1,), DecodingOptions())], {"width": 0}, "width must be at least 1"),
    ],
)
def test_a_wrong_call_says_so_before_anything_is_decoded(model, requests, keywords, message):
    with pytest.raises(ValueError, match=message):
        next(decode_many(model, requests, **keywords))
