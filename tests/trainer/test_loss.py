"""Eq. 2 of paper 1 on packed rows."""

import math

import pytest
import torch
from tiny_model import VERILOG, tiny_model
from torch.nn import functional as F

from engine import prompts
from trainer import loss
from trainer.labels import IGNORE


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def row(model, *answers, length=160):
    t = model.tokenizer
    ids = []
    for answer in answers:
        ids += [*prompts.layout(t, t.encode("module m;")), *t.encode_fragments(answer), t.end]
    return torch.tensor([ids + [t.pad] * (length - len(ids))])


def test_lambda_grows_along_a_quarter_sine():
    assert loss.head_weight(0, 0.2) == 0
    assert loss.head_weight(0.5, 0.2) == pytest.approx(0.2 * math.sin(math.pi / 4))
    assert loss.head_weight(1, 0.2) == pytest.approx(0.2)


def test_combine_is_equation_2():
    heads = torch.tensor([1.0, 2.0])
    total = loss.combine(torch.tensor(3.0), heads, 0.1, 0.8)
    assert total.item() == pytest.approx(3 + 0.1 * (0.8 * 1 + 0.64 * 2))


def test_packed_samples_do_not_see_each_other(model):
    alone = row(model, "  wire a;\n")
    both = row(model, "  reg [7:0] other;\n", "  wire a;\n")
    start = int((both[0] == model.tokenizer.start).nonzero()[1])
    size = int((alone[0] != model.tokenizer.pad).sum())

    def hidden(ids):
        batch = loss.prepare(ids, model.tokenizer, 4, True, 8)
        return model.hidden(batch.ids, position_ids=batch.position, attention_mask=batch.mask)

    assert torch.allclose(hidden(alone)[0, :size], hidden(both)[0, start : start + size], atol=1e-4)


def test_losses_are_mean_cross_entropies_of_their_labels(model):
    batch = loss.prepare(row(model, VERILOG[:120]), model.tokenizer, 4, True, 30)
    base, heads = loss.losses(model, batch)
    hidden = model.hidden(batch.ids, position_ids=batch.position, attention_mask=batch.mask)
    flat = hidden.flatten(0, 1)
    kept = batch.base != IGNORE
    assert base.item() == pytest.approx(
        F.cross_entropy(model.logits(flat)[kept], batch.base[kept]).item(), rel=1e-4
    )
    logits = model.logits(model.heads(flat[batch.where]))
    kept = batch.heads[:, 0] != IGNORE
    expected = F.cross_entropy(logits[kept, 0], batch.heads[kept, 0]).item()
    assert heads[0].item() == pytest.approx(expected, rel=1e-4)


def test_heads_are_trained_where_they_have_a_label(model):
    batch = loss.prepare(row(model, VERILOG[:200]), model.tokenizer, 4, True, 20)
    assert (batch.heads != IGNORE).any(1).all()
