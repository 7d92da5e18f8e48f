"""Labels: syntax-enriched ones against a plain loop, and what is masked in packed rows."""

import pytest
import torch
from tiny_model import tiny_tokenizer

from engine import prompts
from trainer.labels import IGNORE, describe, shifted, syntax_enriched


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


def plain_loop(labels, ends):
    """Fig. 4 of paper 1, one position at a time."""
    out = [list(row) for row in labels]
    for row in out:
        last = 0
        for k, token in enumerate(row):
            if token in ends:
                last = k
        for k in range(last + 1, len(row)):
            row[k] = IGNORE
    return out


@pytest.mark.parametrize("seed", range(20))
def test_enriched_labels_agree_with_a_plain_loop(seed):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 6, (40, 11), generator=generator)
    labels[torch.rand(40, 11, generator=generator) < 0.1] = IGNORE
    enriched = syntax_enriched(labels, torch.tensor([3, 5]))
    assert enriched.tolist() == plain_loop(labels.tolist(), {3, 5})


def test_the_backbones_label_is_never_ignored():
    labels = torch.tensor([[7, 8, 9], [7, 3, 9], [3, 8, 9]])
    ends = torch.tensor([3])
    assert syntax_enriched(labels, ends).tolist() == [
        [7, IGNORE, IGNORE],
        [7, 3, IGNORE],
        [3, IGNORE, IGNORE],
    ]


def packed(tokenizer):
    """Two samples and padding in one row, with the ids of their parts."""
    t = tokenizer
    first = [*prompts.layout(t, [20, 21], suffix=[22]), 23, t.frag, 24, t.frag, t.end]
    second = [*prompts.layout(t, [], instruction=[30, 31]), 32, t.frag, t.end]
    return torch.tensor([[*first, *second, t.pad, t.pad]]), len(first), len(second)


def test_segments_positions_and_parts_of_a_packed_row(tokenizer):
    ids, first, second = packed(tokenizer)
    rows = describe(ids, tokenizer)
    assert rows.segment[0].tolist() == [1] * first + [2] * second + [0, 0]
    assert rows.position[0, : first + second].tolist() == [*range(first), *range(second)]
    names = ids[0].tolist()
    assert [names[i] for i in rows.answer[0].nonzero().flatten()] == [
        *(23, tokenizer.frag, 24, tokenizer.frag, tokenizer.end),
        *(32, tokenizer.frag, tokenizer.end),
    ]
    assert [names[i] for i in rows.instruction[0].nonzero().flatten()] == [30, 31]


def test_no_label_crosses_into_another_sample_or_padding(tokenizer):
    ids, first, second = packed(tokenizer)
    labels = shifted(describe(ids, tokenizer), 3)
    assert labels[0, first - 1].tolist() == [IGNORE] * 4  # [END] of the first predicts nothing
    assert labels[0, first - 2].tolist() == [tokenizer.end, IGNORE, IGNORE, IGNORE]
    assert (labels[0, first + second - 1 :] == IGNORE).all()


def test_descriptions_are_not_learnt_and_heads_learn_answers_only(tokenizer):
    ids, first, _ = packed(tokenizer)
    labels = shifted(describe(ids, tokenizer), 2)
    learnt = labels[0, :, 0]
    assert not {30, 31} & set(learnt.tolist())
    assert {20, 21, 22} <= set(learnt.tolist())  # prefix and suffix are text like any other
    assert not {20, 21, 22, 30, 31} & set(labels[0, :, 1:].flatten().tolist())
    assert labels[0, 0].tolist()[0] == tokenizer.suffix
    assert labels[0, first].tolist()[0] == tokenizer.instruction
