"""Samples and packing: nothing lost, answers fragmented, holes where an editor asks."""

import random

import pytest
import torch
from tiny_model import VERILOG, tiny_tokenizer

from engine.verilog.fragments import boundaries
from trainer import dataset
from trainer.corpus import Item


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


def between(ids, start, stop):
    return ids[ids.index(start) + 1 : ids.index(stop)]


@pytest.mark.parametrize("seed", range(30))
def test_a_fill_sample_is_a_piece_of_the_text_in_another_order(tokenizer, seed):
    t = tokenizer
    ids = dataset.fill(VERILOG, boundaries(VERILOG), t, random.Random(seed))
    prefix = t.decode(between(ids, t.prefix, t.middle))
    answer = t.decode(between(ids, t.middle, t.end))
    suffix = t.decode(between(ids, t.suffix, t.prefix)) if t.suffix in ids else ""
    assert answer
    assert prefix + answer + suffix in VERILOG
    assert ids[-2:] == [t.frag, t.end]


@pytest.mark.parametrize("seed", range(30))
def test_a_hole_lies_within_its_window(seed):
    rng = random.Random(seed)
    begin, end = dataset.hole(VERILOG, 10, 150, boundaries(VERILOG), rng)
    assert 10 <= begin < end <= 150


def test_an_instruct_sample_answers_with_the_whole_module(tokenizer):
    t = tokenizer
    item = Item(VERILOG, "an 8-bit counter", "me", "counter.v", "", "MIT")
    ids = dataset.instruct(item, t.encode_fragments(VERILOG), t)
    assert t.decode(between(ids, t.instruction, t.prefix)) == "an 8-bit counter"
    assert t.decode(between(ids, t.middle, t.end)) == VERILOG


def test_packing_keeps_every_sample_whole_and_once(tokenizer):
    rng = random.Random(1)
    samples = [[tokenizer.start, *range(20, 20 + rng.randint(1, 40))] for _ in range(100)]
    rows = dataset.pack(iter(samples), tokenizer, 64, rng)
    assert rows.shape[1] == 64
    unpacked = []
    for row in rows.tolist():
        while row and row[-1] == tokenizer.pad:
            row.pop()
        starts = [i for i, x in enumerate(row) if x == tokenizer.start]
        unpacked += [row[a:b] for a, b in zip(starts, [*starts[1:], len(row)], strict=True)]
    assert sorted(unpacked) == sorted(samples)
    assert (rows != tokenizer.pad).float().mean() > 0.75


def test_rows_survive_the_file(tokenizer, tmp_path):
    from safetensors.torch import save_file

    rows = torch.randint(0, 4096, (3, 8))
    save_file({"ids": rows.to(torch.int16)}, tmp_path / "train.safetensors")
    assert torch.equal(dataset.load_rows(tmp_path, "train"), rows)
