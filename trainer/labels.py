"""Labels for the backbone and its Medusa heads, all derived from packed rows of ids.

Index k of the last dimension is the predictor: 0 the backbone (next token), k the k-th head (k tokens
further). IGNORE marks what no loss is computed on. Everything is a handful of tensor operations on
whole rows: `python -m benchmarks.labels` compares them with a plain loop.

What the backbone learns follows from the markers of a sample (`engine.prompts`):

- with [INSTRUCTION], the answer alone: English, and what somebody else has written, is given;
- without, every token of text, the prefix and the suffix too: that is pre-training;
- never what a line comment of a prompt says, a sixth of such tokens: a small model need not learn to
  write its own task;
- never a marker of a prompt: whoever asks puts it there, and its place carries no information.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.tokenizer import FragmentTokenizer

IGNORE = -100


class Rows(NamedTuple):
    """What training needs to know about packed rows ids [B, T]."""

    ids: Tensor
    segment: Tensor  # [B, T] number of the sample within its row, 0 for padding
    position: Tensor  # [B, T] place within the sample
    answer: Tensor  # [B, T] bool: token belongs to an answer, [END] included
    learnt: Tensor  # [B, T] bool: token is a label of the backbone


def describe(ids: Tensor, tokenizer: FragmentTokenizer) -> Rows:
    """Derive segments, positions and parts of packed rows ids [B, T]."""
    length = ids.shape[1]
    starts = ids == tokenizer.start
    padding = ids == tokenizer.pad
    segment = starts.cumsum(1).masked_fill(padding, 0)
    index = torch.arange(length, device=ids.device).expand_as(ids)
    first = torch.where(starts, index, 0).cummax(1).values
    middle = ids == tokenizer.middle
    last_middle = torch.where(middle, index, -1).cummax(1).values
    answer = (last_middle > first) & (index > last_middle) & ~padding
    # In an instruction sample, [INSTRUCTION] follows [START] directly.
    instructed = ids.gather(1, (first + 1).clamp(max=length - 1)) == tokenizer.instruction
    marker = starts | middle | (ids == tokenizer.instruction)
    marker |= (ids == tokenizer.suffix) | (ids == tokenizer.prefix)
    told = ~instructed & ~_in_line_comment(ids, marker, tokenizer)
    learnt = (answer | told) & ~marker & ~padding
    return Rows(ids, segment, index - first, answer, learnt)


def _in_line_comment(ids: Tensor, marker: Tensor, tokenizer: FragmentTokenizer) -> Tensor:
    """bool [B, T]: token stands behind the `//` of its line. Markers end a line."""
    opens, ends = (table.to(ids.device)[ids] for table in _comment_tables(tokenizer))
    index = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    opened = torch.where(opens, index, -1).cummax(1).values
    ended = torch.where(ends | marker, index, -1).cummax(1).values
    return F.pad((opened >= 0) & (opened >= ended), (1, -1))  # `//` itself does not


@lru_cache(maxsize=4)
def _comment_tables(tokenizer: FragmentTokenizer) -> tuple[Tensor, Tensor]:
    """Which ids leave their line in a comment that they begin, and which end a line: bool [V] each."""
    texts = [tokenizer.decode([token]) for token in range(tokenizer.highest + 1)]
    opens = [text.rfind("//") > text.rfind("\n") for text in texts]
    return torch.tensor(opens), torch.tensor(["\n" in text for text in texts])


def shifted(rows: Rows, heads: int) -> Tensor:
    """Plain Medusa labels [B, T, heads + 1]: token t + 1 + k of the same sample, else IGNORE.

    The backbone learns `rows.learnt`; heads draft answers, so they learn those only.
    """
    return _labels(rows, heads, _sample_end(rows))


def enriched_labels(rows: Rows, heads: int, ends: Iterable[int]) -> Tensor:
    """Syntax-enriched labels (paper 1, III-C and Fig. 4): as `shifted`, and everything a head would
    predict beyond the last complete fragment of its window set to IGNORE: [B, T, heads + 1].

    `ends` are the ids that complete a fragment ([FRAG], and [END]). The backbone's labels stay. An answer
    in ordinary text, which has no fragments but itself, keeps its labels.
    """
    index, sample_end = _index(rows), _sample_end(rows)
    complete = torch.zeros_like(rows.answer)
    for end in ends:
        complete |= rows.ids == end
    # Where the last fragment up to here was complete, then the same for the last place of a window.
    inner = complete & rows.answer
    last = torch.where(inner, index, -1).cummax(1).values
    window_end = torch.minimum(index + heads + 1, sample_end).long()
    limit = last.gather(1, window_end)
    # Where a sample's last fragment ends, its end aside: before its beginning if it has none.
    fragment = torch.where(inner & (index < sample_end), index, -1).cummax(1).values
    plain = fragment.gather(1, sample_end.long()) < index - rows.position
    return _labels(rows, heads, torch.where(plain, window_end, limit))


def _labels(rows: Rows, heads: int, limit: Tensor) -> Tensor:
    """Labels [B, T, heads + 1] of which heads keep those up to the place `limit` [B, T], which must
    lie in the same sample. In memory the predictors come first: long stretches make it fast."""
    answers = torch.where(rows.answer, rows.ids, IGNORE)
    windows = F.pad(answers, (0, heads + 1))[:, 1:].unfold(1, heads + 1, 1).permute(2, 0, 1)
    predictors = torch.arange(heads + 1, dtype=torch.int32, device=limit.device)
    target = _index(rows) + 1 + predictors.view(-1, 1, 1)  # [heads + 1, 1, T]
    labels = torch.where(target <= limit, windows, IGNORE)
    # No sample begins with a token that is learnt, so this one does not reach into the next either.
    learnt = torch.where(rows.learnt, rows.ids, IGNORE)
    labels[0] = F.pad(learnt, (0, 1), value=IGNORE)[:, 1:]
    return labels.permute(1, 2, 0)


def _sample_end(rows: Rows) -> Tensor:
    """The last place of the sample that each place belongs to [B, T]; padding counts as one."""
    last = F.pad(rows.segment[:, 1:] != rows.segment[:, :-1], (0, 1), value=True)
    beyond = rows.ids.shape[1]
    return torch.where(last, _index(rows), beyond).flip(1).cummin(1).values.flip(1)


def _index(rows: Rows) -> Tensor:
    """Places [T], in the small type that the arithmetic on them is fast in."""
    return torch.arange(rows.ids.shape[1], dtype=torch.int32, device=rows.ids.device)
