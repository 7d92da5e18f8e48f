"""Prompts from held-out rows, and the figures of what was decoded."""

import pytest
from tiny_data import rows
from tiny_model import tiny_model

from engine.api import Completion
from trainer import speed


def test_prompts_end_where_the_answer_begins_and_fit_the_window():
    model = tiny_model()
    held_out = rows(model.tokenizer, 3, "held out")
    prompts = speed.held_out_prompts(model, held_out, 5)
    assert len(prompts) == 5  # of six samples
    text = held_out.tolist()
    for ids in prompts:
        assert (ids[0], ids[-1]) == (model.tokenizer.start, model.tokenizer.middle)
        assert len(ids) + speed.TOKENS <= model.card.window
        assert any(ids == row[i : i + len(ids)] for row in text for i in range(len(row)))


def test_contenders_take_turns_at_each_prompt(monkeypatch):
    asked = []

    def complete(model, ids, options):
        asked.append((model, ids))
        return Completion("x", "end", 1, 1, 1.0)

    monkeypatch.setattr(speed, "complete", complete)
    contenders = {"a": ("model a", speed.HEADS), "b": ("model b", speed.HEADS)}
    answers = speed.decode_in_turn(contenders, [[1], [2]])
    assert asked == [("model a", [1]), ("model b", [1]), ("model a", [2]), ("model b", [2])]
    assert {name: len(of) for name, of in answers.items()} == {"a": 2, "b": 2}


def test_figures_are_totals_divided_by_totals():
    answers = [
        Completion("wire a;", "end", steps=2, tokens=6, milliseconds=500.0),
        Completion("b", "length", steps=6, tokens=6, milliseconds=1500.0),
    ]
    figures = speed.speed(answers)
    assert figures == speed.Speed(
        prompts=2,
        tokens_per_second=6.0,
        characters_per_second=4.0,
        tokens_per_step=pytest.approx(1.5),
        characters_per_step=pytest.approx(1.0),
    )
