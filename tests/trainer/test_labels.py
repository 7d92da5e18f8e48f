"""Labels: the whole algorithm against plain loops, and by example which places carry a loss."""

import random
import re

import pytest
import torch
from tiny_model import VERILOG

from engine import prompts
from trainer import vocabulary
from trainer.labels import IGNORE, describe, enriched_labels, shifted


@pytest.fixture(scope="module")
def tokenizer():
    return vocabulary.train([f"// counts up\n\n//\n{VERILOG}// end"] * 4, size=320)


# ---- against plain loops


def random_sample(t, rng):
    """Any sample the layout allows, with text of ids 20 to 49, comments, and [FRAG] here and there."""
    comments = [i for i in range(t.size) if {"//", "\n"} & set(re.findall("//|\n", t.decode([i])))]

    def text(most):
        return [
            rng.choice(comments) if rng.random() < 0.3 else rng.randrange(20, 50)
            for _ in range(rng.randint(0, most))
        ]

    prompt = prompts.layout(t, text(6), text(4), text(4) if rng.random() < 0.5 else ())
    often = rng.choice((0, 1, 1))
    answer = [rng.choice((*[t.frag] * often, *range(20, 29))) for _ in range(rng.randint(0, 20))]
    return [*prompt, *answer, *([t.end] if rng.random() < 0.9 else [])]


def random_rows(t, seed, length=96, count=4):
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        row = []
        while len(row) + 40 < length:
            row += random_sample(t, rng)
        rows.append([*row, *[t.pad] * (length - len(row))])
    return torch.tensor(rows)


def looped_labels(t, row, heads):
    """Plain Medusa labels of one row, one place and one predictor at a time."""
    labels = [[IGNORE] * (heads + 1) for _ in row]
    starts = [i for i, token in enumerate(row) if token == t.start]
    filled = max(i for i, token in enumerate(row) if token != t.pad) + 1
    for start, stop in zip(starts, [*starts[1:], filled], strict=True):
        sample = row[start:stop]
        middle = sample.index(t.middle)
        markers = {t.start, t.instruction, t.suffix, t.prefix, t.middle}
        comment = looped_comment(t, sample, markers)
        for place in range(len(sample)):
            for k in range(heads + 1):
                target = place + 1 + k
                if target >= len(sample):
                    continue
                in_answer = target > middle
                told = t.instruction not in sample and not comment[target]
                if in_answer or (k == 0 and told):
                    token = sample[target]
                    if token not in markers:
                        labels[start + place][k] = token
    return labels


def looped_comment(t, sample, markers):
    """Whether each token of a sample stands in a line comment that an earlier one began."""
    inside, open_now = [], False
    for token in sample:
        inside.append(open_now)
        for mark in re.findall("//|\n", t.decode([token])):
            open_now = mark == "//"
        open_now = open_now and token not in markers
    return inside


def looped_enriched(labels, ends, sample_of):
    """Fig. 4 of paper 1, one place at a time; sample_of is the sample of each place of the row."""
    out = [list(row) for row in labels]
    # All but the sample's last token, where heads learn it: the label of the place before.
    ended = {
        sample_of[place]
        for place, row in enumerate(labels)
        if row[0] in ends
        and place + 2 < len(sample_of)
        and sample_of[place + 2] == sample_of[place]
    }
    for place, row in enumerate(out):
        if sample_of[place] not in ended:
            continue
        last = 0
        for k, token in enumerate(row):
            if token in ends:
                last = k
        for k in range(last + 1, len(row)):
            row[k] = IGNORE
    return out


@pytest.mark.parametrize("heads", [0, 1, 10])
@pytest.mark.parametrize("seed", range(15))
def test_labels_agree_with_plain_loops(tokenizer, seed, heads):
    ids = random_rows(tokenizer, seed)
    ends = (tokenizer.frag, tokenizer.end)
    rows = describe(ids, tokenizer)
    plain, cut = shifted(rows, heads), enriched_labels(rows, heads, ends)
    each = zip(ids.tolist(), rows.segment.tolist(), plain, cut, strict=True)
    for row, sample_of, got, got_cut in each:
        wanted = looped_labels(tokenizer, row, heads)
        assert got.tolist() == wanted
        assert got_cut.tolist() == looped_enriched(wanted, ends, sample_of)


def test_heads_learn_up_to_the_last_fragment_of_their_window_and_the_backbone_everything(tokenizer):
    t = tokenizer
    sample = [*prompts.layout(t, []), 20, 21, t.frag, 22, 23, 24, 25, t.frag, t.end]
    labels = enriched_labels(describe(torch.tensor([sample]), t), 3, (t.frag, t.end))[0]
    x = IGNORE
    assert labels[2:].tolist() == [
        [20, 21, t.frag, x],  # [MIDDLE]: 22 is no whole fragment
        [21, t.frag, x, x],
        [t.frag, x, x, x],
        [22, x, x, x],  # [FRAG] is one place too far
        [23, 24, 25, t.frag],
        [24, 25, t.frag, t.end],
        [25, t.frag, t.end, x],
        [t.frag, t.end, x, x],
        [t.end, x, x, x],
        [x, x, x, x],
    ]


def test_heads_learn_all_of_an_answer_in_ordinary_text(tokenizer):
    t = tokenizer
    sample = [*prompts.layout(t, []), 20, 21, 22, t.end]
    rows = describe(torch.tensor([sample]), t)
    labels = enriched_labels(rows, 2, (t.frag, t.end))
    assert torch.equal(labels, shifted(rows, 2))
    assert labels[0, 2].tolist() == [20, 21, 22]


# ---- by example


def draw(tokenizer, sample, heads=2):
    """The tokens of one sample and, under each, which predictors learn it: `0` the backbone, `1` and
    so on the heads, `.` none."""
    ids = torch.tensor([sample])
    labels = shifted(describe(ids, tokenizer), heads)[0]
    lines = []
    for place, token in enumerate(sample):
        learners = [
            str(k)
            for k in range(heads + 1)
            if place - 1 - k >= 0 and labels[place - 1 - k, k] != IGNORE
        ]
        name = tokenizer.backend.id_to_token(token)
        lines.append(f"{name} {''.join(learners) or '.'}")
    return lines


def words(tokenizer, text):
    return [tokenizer.backend.token_to_id(letter) for letter in text]


def test_the_loss_of_an_instruction_sample_is_on_its_answer_alone(tokenizer):
    t = tokenizer
    prompt = prompts.layout(t, words(t, "m"), instruction=words(t, "ab"))
    assert draw(t, [*prompt, *words(t, "xy"), t.frag, t.end]) == [
        "[START] .",
        "[INSTRUCTION] .",
        "a .",
        "b .",
        "[PREFIX] .",
        "m .",
        "[MIDDLE] .",
        "x 012",
        "y 012",
        "[FRAG] 012",
        "[END] 012",
    ]


def test_the_loss_of_a_fill_sample_is_on_all_its_text_but_never_on_markers(tokenizer):
    t = tokenizer
    prompt = prompts.layout(t, words(t, "ab"), suffix=words(t, "s"))
    assert draw(t, [*prompt, *words(t, "x"), t.frag, t.end]) == [
        "[START] .",
        "[SUFFIX] .",
        "s 0",
        "[PREFIX] .",
        "a 0",
        "b 0",
        "[MIDDLE] .",
        "x 012",
        "[FRAG] 012",
        "[END] 012",
    ]


def test_what_a_comment_of_a_prompt_says_is_not_learnt(tokenizer):
    t = tokenizer
    prompt = prompts.layout(t, t.encode("// up\nm//"), suffix=t.encode("s // up"))
    ids = torch.tensor([[*prompt, *t.encode("// on"), t.end]])
    rows = describe(ids, t)
    assert t.decode(ids[rows.learnt].tolist()) == "s ////m//// on"


def packed(tokenizer):
    """Two samples and padding in one row, with their lengths."""
    t = tokenizer
    first = [*prompts.layout(t, [20, 21], suffix=[22]), 23, t.frag, 24, t.frag, t.end]
    second = [*prompts.layout(t, [], instruction=[30, 31]), 32, t.frag, t.end]
    return torch.tensor([[*first, *second, t.pad, t.pad]]), len(first), len(second)


def test_segments_positions_and_answers_of_a_packed_row(tokenizer):
    ids, first, second = packed(tokenizer)
    rows = describe(ids, tokenizer)
    assert rows.segment[0].tolist() == [1] * first + [2] * second + [0, 0]
    assert rows.position[0, : first + second].tolist() == [*range(first), *range(second)]
    names = ids[0].tolist()
    assert [names[i] for i in rows.answer[0].nonzero().flatten()] == [
        *(23, tokenizer.frag, 24, tokenizer.frag, tokenizer.end),
        *(32, tokenizer.frag, tokenizer.end),
    ]


def test_no_label_crosses_into_another_sample_or_padding(tokenizer):
    ids, first, second = packed(tokenizer)
    labels = shifted(describe(ids, tokenizer), 3)
    assert labels[0, first - 1].tolist() == [IGNORE] * 4  # [END] of the first predicts nothing
    assert labels[0, first - 2].tolist() == [tokenizer.end, IGNORE, IGNORE, IGNORE]
    assert (labels[0, first + second - 1 :] == IGNORE).all()
