"""Eq. 2 of paper 1 on packed rows."""

import math

import pytest
import torch
from tiny_model import VERILOG, tiny_model
from torch.nn import functional as F

from engine import prompts
from trainer import loss
from trainer.attention import packed, wants_mask
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


@pytest.mark.parametrize("enriched", [False, True])
def test_a_samples_loss_does_not_change_with_its_neighbours(model, enriched):
    one, other = "  reg [7:0] other;\n  assign x = y;\n", "  wire a;\n"

    def sums(*answers):
        every = 160  # places for the heads: all of them
        return loss.sums(
            model, loss.prepare(row(model, *answers), model.tokenizer, 4, enriched, every)
        )

    assert sums(one, other).tolist() == pytest.approx((sums(one) + sums(other)).tolist(), rel=1e-4)


def test_a_token_sees_its_own_sample_up_to_itself():
    mask = loss.attention_mask(torch.tensor([[1, 1, 2, 0]]))[0, 0].int().tolist()
    assert mask == [
        [1, 0, 0, 0],
        [1, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
    ]


def test_attention_sample_by_sample_equals_attention_under_a_mask():
    model = tiny_model().requires_grad_(True)
    rows = torch.cat([row(model, "  reg [7:0] other;\n", "  wire a;\n"), row(model, VERILOG[:90])])
    batch = loss.prepare(rows, model.tokenizer, 4, True, 50)

    def sums_and_gradients():
        sums = loss.sums(model, batch)
        return [sums, *torch.autograd.grad(sums.sum(), list(model.parameters()))]

    masked = sums_and_gradients()
    with packed(model.backbone):
        assert not wants_mask(model.backbone)
        by_sample = sums_and_gradients()
    assert wants_mask(model.backbone)
    for one, other in zip(by_sample, masked, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-4)


def test_chunks_do_not_change_the_losses(model, monkeypatch):
    batch = loss.prepare(row(model, VERILOG[:120]), model.tokenizer, 4, True, 30)
    whole = loss.sums(model, batch)
    monkeypatch.setattr(loss, "CHUNK_BYTES", 4 * 7 * model.tokenizer.size)
    assert loss.sums(model, batch).tolist() == pytest.approx(whole.tolist(), rel=1e-5)


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


def test_heads_with_an_unembedding_of_their_own_lose_by_that(monkeypatch):
    model = tiny_model()
    batch = loss.prepare(row(model, VERILOG[:120]), model.tokenizer, 4, True, 30)
    shared = loss.sums(model, batch)
    model.heads.own_unembedding(model.backbone.get_output_embeddings().weight)
    assert loss.sums(model, batch).tolist() == pytest.approx(shared.tolist(), rel=1e-5)
    with torch.no_grad():
        model.heads.unembedding[2] *= 2
    monkeypatch.setattr(loss, "CHUNK_BYTES", 4 * 7 * model.tokenizer.size)
    same = (loss.sums(model, batch) - shared).abs() < 1e-3
    assert same.tolist() == [True, True, True, False, True]


def test_heads_are_trained_where_they_have_a_label(model):
    batch = loss.prepare(row(model, VERILOG[:200]), model.tokenizer, 4, True, 20)
    assert (batch.heads != IGNORE).any(1).all()
