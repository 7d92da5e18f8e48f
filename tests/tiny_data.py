"""A data folder and the options of a run, small enough to train on in a test."""

from __future__ import annotations

import random
from pathlib import Path

import torch
from safetensors.torch import save_file
from tiny_model import VERILOG

from engine import prompts
from engine.tokenizer import FragmentTokenizer

LENGTH = 192
TINY = {"layers": 1, "hidden": 32, "attention-heads": 2, "kv-heads": 1, "inner": 48, "heads": 3}
QUICK = {"rows": 4, "micro-rows": 2, "warmup": 2, "lr": 1e-2, "tree-nodes": 6}
OPTIONS = [f"--{name}={value}" for name, value in {**TINY, **QUICK}.items()]


def rows(tokenizer: FragmentTokenizer, count: int, seed: str) -> torch.Tensor:
    """Rows of two samples each: the rest of the module from some place on."""
    t, rng, made = tokenizer, random.Random(seed), torch.full((count, LENGTH), tokenizer.pad)
    for row in made:
        ids = []
        for _ in range(2):
            place = rng.randrange(20, len(VERILOG) - 20)
            answer = t.encode_fragments(VERILOG[place:])[:70]
            prefix = t.encode(VERILOG[:place])[-20:]
            ids += [*prompts.layout(t, prefix), *answer, t.end]
        row[: len(ids)] = torch.tensor(ids)
    return made


def write_data(folder: Path, tokenizer: FragmentTokenizer) -> Path:
    folder.mkdir(exist_ok=True)
    tokenizer.save(folder)
    for name, count in (("train", 11), ("held_out", 3), ("textbook_held_out", 2)):
        made = rows(tokenizer, count, name)
        save_file({"ids": made.to(torch.int16)}, folder / f"{name}.safetensors")
    return folder
