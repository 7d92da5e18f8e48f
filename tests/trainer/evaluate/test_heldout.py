"""Figures on held-out rows, against the loss that training computes."""

import pytest
from tiny_data import rows
from tiny_model import tiny_model

from trainer import loss
from trainer.evaluate.heldout import evaluate


@pytest.mark.parametrize("heads", [3, 0])
def test_the_loss_is_that_of_training(heads):
    model = tiny_model(heads)
    held_out = rows(model.tokenizer, 4, "held out")
    batch = loss.prepare(held_out, model.tokenizer, heads, True, 64)
    base, _ = loss.losses(model, batch)
    figures = evaluate(model, held_out, enriched=True)
    assert figures.base_loss == pytest.approx(base.item(), rel=1e-5)
    assert len(figures.head_losses) == len(figures.hit_rate) == heads


def test_a_head_hits_where_its_guess_is_the_token():
    model = tiny_model(heads=1)
    with_every_guess = model.tokenizer.size
    held_out = rows(model.tokenizer, 2, "held out")
    [rates] = evaluate(model, held_out, enriched=False, ranks=with_every_guess).hit_rate
    assert sum(rates) == pytest.approx(1)  # some rank is right at every place
    assert rates[0] < 1


def test_the_backbone_reads_each_row_once(monkeypatch):
    model, read = tiny_model(), []
    hidden = model.hidden

    def noted(ids, **options):
        read.append(len(ids))
        return hidden(ids, **options)

    monkeypatch.setattr(model, "hidden", noted)
    evaluate(model, rows(model.tokenizer, 5, "held out"), enriched=True, batch_rows=2)
    assert read == [2, 2, 1]
