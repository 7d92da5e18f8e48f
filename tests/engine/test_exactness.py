"""Sampling with drafts has exactly the backbone's distribution: chi-square over many seeds, against
probabilities written down; and the bugs that would spoil it are seen."""

from collections import Counter
from dataclasses import replace
from itertools import product

import pytest
import torch
from tiny_model import tiny_model

from engine import acceptance, answer, batch, sampling
from engine.api import DecodingOptions
from engine.batch import Request, decode_many

SAMPLES, LENGTH = 2500, 8
LIMIT = 4  # standard deviations
TABLE = (
    torch.tensor(  # of logits: row, then column; the first token is [FRAG], likely after the second
        [[-1.0, 1.0, 1.3, 0.6], [2.5, 0.0, 0.5, 0.0], [-1.0, 1.2, 0.8, 0.6], [0.2, 0.9, 1.2, 0.0]]
    )
)
OPTIONS = DecodingOptions(temperature=0.8, max_tokens=LENGTH, max_seconds=600)


@pytest.fixture(scope="module")
def chain():
    """A model that is a Markov chain over four tokens, and these. Every layer leaves its input as it is,
    so what comes next depends on the last token alone, by `TABLE`."""
    model = tiny_model()
    tokens = [model.tokenizer.frag, *model.tokenizer.encode("abc")]
    width = model.backbone.config.hidden_size
    with torch.no_grad():
        for layer in model.backbone.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        embedding = model.backbone.get_input_embeddings()
        embedding.weight = torch.nn.Parameter(torch.zeros_like(embedding.weight))
        embedding.weight[tokens, range(4)] = 1.0
        model.backbone.lm_head.weight[:] = -40 / width**0.5
        model.backbone.lm_head.weight[tokens, :4] = (
            TABLE.T / width**0.5
        )  # the norm makes it that long
        model.heads.weight.zero_()
    # Some places of the heads' tree go to look-up.
    few = [[a, b] for a in range(3) for b in range(3)]
    deep = [list(path) for path in product(range(2), repeat=3)]
    model.card.tree = [*([a] for a in range(4)), *few, *deep]
    return model, tokens


def probabilities(top_p):
    """[4, 4] of what follows each token: softmax at the options' temperature, then the nucleus."""
    p = (TABLE / OPTIONS.temperature).softmax(-1)
    best, order = p.sort(descending=True)
    kept = best.cumsum(-1) - best < top_p
    p = p * torch.zeros_like(kept).scatter(-1, order, kept)
    return p / p.sum(-1, keepdim=True)


def answers(chain, monkeypatch, options):
    """Many sampled answers, a token its place in `TABLE`; and how many each source has drafted."""
    model, tokens = chain
    written, drafted = {}, Counter()
    add = answer.Answer.add

    def noted(self, accepted, following):
        kept, *rest = add(self, accepted, following)
        written.setdefault(id(self), (self, []))[1].extend(accepted[:kept])
        return kept, *rest

    prompt = (model.tokenizer.start, *tokens[1:], *tokens[:2])
    requests = [Request(prompt, replace(options, seed=seed)) for seed in range(SAMPLES)]
    with monkeypatch.context() as patch:
        patch.setattr(answer.Answer, "add", noted)
        for _, completion in decode_many(model, requests, width=200):
            drafted += Counter(completion.drafted)
    return [tuple(map(tokens.index, each)) for _, each in written.values()], drafted


def surprise(found, top_p):
    """Chi-square of `found`'s tokens, three in a row at a time: by how many standard deviations it is
    above its mean, at most."""
    p = probabilities(top_p)
    first, worst = p[1], 0.0  # the prompt's last token is that of row 1
    for start in range(LENGTH - 2):
        expected = SAMPLES * first[:, None, None] * p[:, :, None] * p[None]
        seen = Counter(each[start : start + 3] for each in found)
        pairs = [(seen[three], expected[three].item()) for three in product(range(4), repeat=3)]
        assert not any(o for o, e in pairs if e == 0), "a token outside the nucleus"
        likely = [(o, e) for o, e in pairs if e >= 5]
        rare = (SAMPLES - sum(o for o, _ in likely), SAMPLES - sum(e for _, e in likely))
        terms = [*likely, rare] if rare[1] >= 5 else likely
        statistic = sum((o - e) ** 2 / e for o, e in terms)
        freedom = len(terms) - 1
        worst = max(worst, (statistic - freedom) / (2 * freedom) ** 0.5)
        first = first @ p
    return worst


@pytest.mark.slow
@pytest.mark.parametrize(
    ("alignment", "top_p"), [("hold", 1.0), ("discard", 1.0), ("discard", 0.8)]
)
def test_sampling_with_drafts_is_sampling(chain, monkeypatch, alignment, top_p):
    options = replace(OPTIONS, alignment=alignment, top_p=top_p)
    found, drafted = answers(chain, monkeypatch, options)
    assert {len(each) for each in found} == {LENGTH}
    assert min(drafted["heads"], drafted["lookup"]) > 100
    assert surprise(found, top_p) < LIMIT


def greedy_first(self, logits):
    return int(logits.argmax())


def greedy_after_drafts(_options):
    def accept(tree, tokens, chosen, logits):
        path, _ = acceptance.lossless(tree, tokens, chosen)
        return path, int(logits[path[-1]].argmax())

    return accept


def drawn_anew(self, position, depth):
    return torch.rand(len(depth))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("owner", "name", "bug", "alignment"),
    [
        (sampling.Sampler, "first", greedy_first, "hold"),
        (batch, "acceptor", greedy_after_drafts, "hold"),
        (sampling.Sampler, "at", drawn_anew, "discard"),
    ],
    ids=["the first token greedy", "a step's own token greedy", "discarded tokens drawn anew"],
)
def test_the_bugs_that_spoil_sampling_are_seen(chain, monkeypatch, owner, name, bug, alignment):
    torch.manual_seed(0)
    monkeypatch.setattr(owner, name, bug)
    found, _ = answers(chain, monkeypatch, replace(OPTIONS, alignment=alignment))
    assert surprise(found, 1.0) > 1.5 * LIMIT
