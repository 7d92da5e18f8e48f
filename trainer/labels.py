"""Labels for the backbone and its Medusa heads, all derived from packed rows of ids.

Index k of the last dimension is the predictor: 0 the backbone (next token), k the k-th head (k tokens
further). IGNORE marks what no loss is computed on.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.tokenizer import FragmentTokenizer

IGNORE = -100


class Rows(NamedTuple):
    """What training needs to know about packed rows ids [B, T]."""

    ids: Tensor
    segment: Tensor  # [B, T] number of the sample within its row, 0 for padding
    position: Tensor  # [B, T] place within the sample
    answer: Tensor  # [B, T] bool: token belongs to an answer, [END] included
    instruction: Tensor  # [B, T] bool: token belongs to a description


def describe(ids: Tensor, tokenizer: FragmentTokenizer) -> Rows:
    """Derive segments, positions and parts of packed rows ids [B, T]."""
    starts = ids == tokenizer.start
    padding = ids == tokenizer.pad
    segment = starts.cumsum(1).masked_fill(padding, 0)
    index = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    first = torch.where(starts, index, 0).cummax(1).values
    # A part runs from its marker to the next marker: compare the places where each was last seen.
    last_middle = torch.where(ids == tokenizer.middle, index, -1).cummax(1).values
    last_instruction = torch.where(ids == tokenizer.instruction, index, -1).cummax(1).values
    others = (ids == tokenizer.suffix) | (ids == tokenizer.prefix) | (ids == tokenizer.middle)
    last_other = torch.where(others | starts, index, -1).cummax(1).values
    answer = (last_middle > first) & (index > last_middle) & ~padding
    instruction = (last_instruction > last_other) & (index > last_instruction) & ~padding
    return Rows(ids, segment, index - first, answer, instruction)


def shifted(rows: Rows, heads: int) -> Tensor:
    """Plain Medusa labels [B, T, heads + 1]: token t + 1 + k of the same sample, else IGNORE.

    The backbone learns every token but descriptions; heads learn answers only.
    """
    ids, segment = rows.ids, rows.segment
    length = ids.shape[1]
    pad = (0, heads + 1)
    target = torch.nn.functional.pad(ids, pad)[:, 1:].unfold(1, heads + 1, 1)[:, :length]
    same = torch.nn.functional.pad(segment, pad)[:, 1:].unfold(1, heads + 1, 1)[:, :length]
    valid = (same == segment.unsqueeze(-1)) & (segment > 0).unsqueeze(-1)
    answer = torch.nn.functional.pad(rows.answer, pad)[:, 1:].unfold(1, heads + 1, 1)[:, :length]
    described = torch.nn.functional.pad(rows.instruction, pad)[:, 1 : length + 1]
    learn = answer.clone()
    learn[..., 0] = ~described
    return target.masked_fill(~(valid & learn), IGNORE)


def syntax_enriched(labels: Tensor, ends: Tensor) -> Tensor:
    """Paper 1, III-C and Fig. 4: labels [..., heads + 1] with everything a head would predict beyond the
    last complete fragment of its window set to IGNORE.

    `ends` are the ids that complete a fragment ([FRAG], and [END]). The backbone's label stays.
    """
    predictors = torch.arange(labels.shape[-1], device=labels.device)
    last = torch.where(torch.isin(labels, ends), predictors, 0).amax(-1, keepdim=True)
    return labels.masked_fill(predictors > last, IGNORE)
