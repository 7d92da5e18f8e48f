"""Near-duplicates: MinHash finds the candidates, the exact Jaccard similarity decides.

Compared are sets of five lexemes in a row, without comments, so that layout and comments do not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from zlib import crc32

from datasketch import MinHash, MinHashLSH
from tqdm import tqdm

from engine.verilog.lexemes import lexemes

SIMILARITY = 0.85
"""Jaccard similarity from which on a module is a duplicate."""

CANDIDATE_SIMILARITY = 0.75  # lower, because MinHash only estimates
PERMUTATIONS = 128
GRAM = 5


def originals(texts: Sequence[str]) -> Iterator[int]:
    """The indices of the texts that are no near-duplicate of an earlier one that was kept."""
    index = MinHashLSH(threshold=CANDIDATE_SIMILARITY, num_perm=PERMUTATIONS)
    for number, text in enumerate(tqdm(texts, desc="de-duplicate", unit="module", leave=False)):
        grams = _grams(text)
        sketch = MinHash(num_perm=PERMUTATIONS, hashfunc=crc32)
        sketch.update_batch(["\0".join(gram).encode() for gram in grams])
        candidates = (_grams(texts[other]) for other in index.query(sketch))
        if not any(similarity(grams, other) >= SIMILARITY for other in candidates):
            index.insert(number, sketch)
            yield number


def similarity(a: frozenset[tuple[str, ...]], b: frozenset[tuple[str, ...]]) -> float:
    """Jaccard similarity of two sets that are not empty."""
    return len(a & b) / len(a | b)


@lru_cache(maxsize=256)  # families of copies stand side by side
def _grams(text: str) -> frozenset[tuple[str, ...]]:
    code = lexemes(text)
    count = max(len(code) - GRAM + 1, 1)  # what is shorter than a gram is one gram
    return frozenset(tuple(code[i : i + GRAM]) for i in range(count))
