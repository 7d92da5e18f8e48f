"""Samples of many modules, made by several processes and handed back in order."""

from __future__ import annotations

import functools
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from tokenizers import Tokenizer
from tqdm import tqdm

from engine.tokenizer import FragmentTokenizer, wrap
from trainer.dataset import samples
from trainer.dataset.samples import Module, Window

In = TypeVar("In")
Out = TypeVar("Out")

CHUNK = 64  # items handed to a process at once


@dataclass(frozen=True)
class Recipe:
    """All that decides which samples a module gives; `tokenizer` is the text of tokenizer.json."""

    tokenizer: str
    length: int
    passes: int
    seed: int
    plain: float = 0.0


def sample(recipe: Recipe, module: Module) -> list[tuple[str, np.ndarray]]:
    """Kind and ids of each of the module's samples."""
    tokenizer = _tokenizer(recipe.tokenizer)
    small = tokenizer.size <= np.iinfo(np.int16).max + 1
    window = Window(tokenizer, recipe.length, recipe.plain)
    made = samples.of_module(module, window, recipe.passes, recipe.seed)
    return [(kind, np.array(ids, np.int16 if small else np.int32)) for kind, ids in made]


def spread(
    function: Callable[[In], Out], items: Sequence[In], jobs: int, title: str
) -> Iterator[Out]:
    """`function` of each item, in order, by `jobs` processes; by this one if that is 1."""
    bar = functools.partial(tqdm, desc=title, total=len(items), unit="module", leave=False)
    if jobs == 1:
        yield from bar(map(function, items))
        return
    # Spawned, not forked: the threads of the tokenizer would not survive a fork.
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _one_thread)
    try:
        yield from bar(pool.map(function, items, chunksize=CHUNK))
    finally:
        pool.shutdown(cancel_futures=True)


def _one_thread() -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


@functools.lru_cache(maxsize=1)
def _tokenizer(text: str) -> FragmentTokenizer:
    return wrap(Tokenizer.from_str(text))
