"""The data set: packed rows of token ids, made by `python -m trainer.dataset`.

    sources   modules with what is said about them, from corpora and textbooks
    samples   prompts with their answers, as `engine.prompts` lays them out
    packing   samples into rows of one length
    work      all of it over several processes

A row holds whole samples back to back, each opened by [START], padded at its end: segments, loss masks
and labels all follow from the ids (`trainer.labels`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def load_rows(folder: Path, name: str) -> Tensor:
    """`ids` of `train`, `held_out` or `textbook_held_out` in a data folder as int64 [rows, T]."""
    from safetensors.torch import (
        load_file,
    )  # not above: the processes that make samples need no torch

    return load_file(folder / f"{name}.safetensors")["ids"].long()
