from dataclasses import replace

import pytest

from engine import model as models
from engine.prompts import typed_blank
from trainer import learn


def test_accepted_text_is_encoded_with_its_fragments_and_an_end(base, edits):
    tokenizer = models.load(base).tokenizer
    for edit in edits:
        ids = learn.encode_accepted(tokenizer, edit)
        assert ids[-2:] == [tokenizer.frag, tokenizer.end]
        assert tokenizer.decode(ids) == typed_blank(edit.prefix) + edit.accepted


def test_only_a_response_that_came_to_its_end_teaches_to_end(base, edits):
    edit, tokenizer = edits[-1], models.load(base).tokenizer
    assert not typed_blank(edit.prefix)
    row = {"fragments": ["assign y = ", "a;"], "finish": "stop"}
    complete = learn.encode_sample(tokenizer, edit, row)
    cut = learn.encode_sample(tokenizer, edit, row | {"finish": "length"})
    assert complete == [*cut, tokenizer.end]
    assert complete.count(tokenizer.frag) == 2
    assert learn.encode_sample(tokenizer, edit, {"fragments": [], "finish": "end"}) == [
        tokenizer.end
    ]


def test_a_blank_before_the_cursor_is_learned_with_the_answer(base, edits):
    tokenizer = models.load(base).tokenizer
    edit = replace(edits[0], prefix="assign y = ", accepted="a;")
    row = {"fragments": ["b", ";"], "finish": "length"}
    assert tokenizer.decode(learn.encode_accepted(tokenizer, edit)) == " a;"
    assert tokenizer.decode(learn.encode_sample(tokenizer, edit, row)) == " b;"


def test_all_responses_share_one_prompt_and_the_reference_comes_last(base, edits):
    model = models.load(base)
    edit = edits[0]
    samples = [
        {"reference": edit.id, "fragments": ["a", " & b;"], "finish": "end"},
        {"reference": edit.id, "fragments": [], "finish": "length"},  # nothing to learn from
        {"reference": 99, "fragments": ["another prompt's"], "finish": "end"},
    ]
    scores = [{"z": 0.5}, {"z": 0.0}, {"z": 0.1}]
    laid_out = learn.example(model, edit, samples, scores)
    prompt, _ = learn.encode_prompt(model, edit)
    assert laid_out.ids[:, : len(prompt)].tolist() == [prompt, prompt]
    assert model.tokenizer.decode(laid_out.ids[1, len(prompt) :].tolist()) == (
        typed_blank(edit.prefix) + edit.accepted
    )
    assert laid_out.z.tolist() == [0.5, 1.0]


def test_a_reference_longer_than_the_window_still_leaves_room_for_its_prompt(base, edits):
    model = models.load(base)
    long = replace(edits[0], accepted="assign y = a & b;\n" * 200, prefix="wire w;\n" * 200)
    laid_out = learn.example(model, long, [], [])
    assert model.card.window * 0.9 < laid_out.ids.shape[1] <= model.card.window
    assert (laid_out.ids == model.tokenizer.middle).sum() == 1


def test_log_probabilities_are_those_of_the_answer_alone(base, edits):
    """Against one row at a time without padding, token by token."""
    model = models.load(base)
    samples = [{"reference": edits[-1].id, "fragments": ["module", " m;"], "finish": "end"}]
    ids = learn.example(model, edits[-1], samples, [{"z": 0.0}]).ids
    prompt, _ = learn.encode_prompt(model, edits[-1])
    expected = []
    for padded in ids:
        row = padded[padded != model.tokenizer.pad]
        logs = model.logits(model.hidden(row[None]))[0].log_softmax(-1)
        answer = range(len(prompt), len(row))
        expected.append(sum(logs[place - 1, row[place]].item() for place in answer) / len(answer))
    found = learn.log_probabilities(model, ids)
    assert found.tolist() == pytest.approx(expected, rel=1e-4)
