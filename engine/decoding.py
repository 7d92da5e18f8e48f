"""The decoder: draft with the Medusa heads, verify a tree in one pass, accept, cut at a whole fragment.

    for step in decode(model, prompt_ids, options): show(step.fragments)

A step always adds at least one token. Cancelling is closing the generator, or not asking it for more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from typing import Literal

import torch
from torch import Tensor

from engine import acceptance, prompts, stops
from engine.api import Completion, DecodingOptions, Prompt, Step
from engine.cache import TreeCache
from engine.model import MedusaModel
from engine.sampling import Sampler
from engine.tokenizer import FragmentTokenizer
from engine.tree import DraftTree, build

Accept = Callable[[DraftTree, Tensor, Tensor, acceptance.Choose], tuple[list[int], int]]
Finish = Literal["end", "stop", "length", "time"]


@torch.no_grad()
def forward(
    model: MedusaModel, ids: Tensor, depth: Tensor, sees: Tensor, cache: TreeCache
) -> tuple[Tensor, Tensor]:
    """Run ids [B, N] after what the first B rows of `cache` hold; depth [N], sees [N, N] as in `DraftTree`.

    Returns hidden states [B, N, d] and logits [B, N, V]. The new slots are not committed.
    """
    hidden = _states(model, ids, depth, sees, cache, 0)
    return hidden, model.logits(hidden)


@torch.no_grad()
def prefill(
    model: MedusaModel, prompt: Sequence[int], cache: TreeCache, row: int = 0
) -> tuple[Tensor, Tensor]:
    """Append prompt ids to a row of `cache`; returns the last hidden state [d] and its logits [V]."""
    ids = torch.tensor([list(prompt)], device=model.device)
    depth = torch.arange(len(prompt), device=model.device)
    last = _states(model, ids, depth, depth[:, None] >= depth, cache, row)[0, -1]
    cache.commit([range(len(prompt))])
    return last, model.logits(last)


def _states(
    model: MedusaModel, ids: Tensor, depth: Tensor, sees: Tensor, cache: TreeCache, row: int
) -> Tensor:
    """Hidden states [B, N, d] of ids [B, N], after what the rows of `cache` from `row` on hold."""
    cache.aim(row, (ids.shape[0], ids.shape[1]), ids.device)
    return model.hidden(
        ids,
        position_ids=cache.slots[:, :1] + depth,
        attention_mask=cache.mask(sees),
        past_key_values=cache,
        use_cache=True,
    )


def prompt_ids(model: MedusaModel, prompt: Prompt, options: DecodingOptions) -> list[int]:
    """Ids of `prompt`, cut to leave room for the answer: at most half of what the model can see."""
    answer = min(options.max_tokens, model.card.window // 2)
    return prompts.encode(model.tokenizer, prompt, model.card.window - answer)


def decode(
    model: MedusaModel,
    prompt: Sequence[int],
    options: DecodingOptions,
    typed: str = "",
    cache: TreeCache | None = None,
) -> Generator[Step, None, Completion]:
    """Decode after prompt ids; yields a `Step` for each verification pass, returns the `Completion`.

    `typed` is what the reader has of the answer already (`prompts.typed_blank`); it is not shown.
    `cache` may hold the beginning of the prompt already, but not all of it (`engine.reuse`).
    """
    answer = Answer(model, len(prompt), options, typed)
    mark = answer.began
    tree = draft_tree(model, options)
    depth, sees = tree.depth.to(model.device), tree.sees.to(model.device)
    if cache is None:
        cache = TreeCache(len(prompt) + max(0, answer.limit) + tree.size)
    sampler = Sampler(options, max(0, answer.limit) + tree.size + 1, model.device)
    accept = acceptor(options)

    last, logits = prefill(model, prompt[cache.lengths[0] :], cache)
    root = sampler.at(0)(logits)
    while answer.finish is None:
        drafted = tree.tokens(root, guess(model, last, tree))
        (hidden,), (logits,) = forward(model, drafted[None], depth, sees, cache)
        choose = sampler.at(answer.tokens + 1)
        path, following = accept(tree, drafted, logits, choose)
        kept, root, shown = answer.add(drafted[path].tolist(), following)
        cache.commit([path[:kept]])
        last = hidden[path[kept - 1]]
        now = time.monotonic()
        yield Step(shown, kept, 1000 * (now - mark))
        mark = time.monotonic()
    return answer.completion()


def complete(
    model: MedusaModel, prompt: Sequence[int], options: DecodingOptions, typed: str = ""
) -> Completion:
    """`decode` to the end."""
    steps = decode(model, prompt, options, typed)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def draft_tree(model: MedusaModel, options: DecodingOptions, nodes: int | None = None) -> DraftTree:
    """The model's tree, or a single root when decoding plainly.

    `nodes` is the most it may have, root included: its first ones, which are its likeliest.
    """
    paths = model.card.tree if options.speculative and model.heads.count else []
    return build(paths if nodes is None else paths[: nodes - 1])


@torch.no_grad()
def guess(model: MedusaModel, last: Tensor, tree: DraftTree) -> Tensor:
    """Ranked guesses [..., heads, ranks] of the heads the tree asks for, from last hidden states [..., d]."""
    if tree.size == 1:
        return last.new_empty(*last.shape[:-1], 0, 0, dtype=torch.long)
    states = model.heads(last)[..., : tree.heads, :]
    return model.logits(states).topk(tree.ranks, dim=-1).indices


def whole(tokens: Sequence[int], ends: frozenset[int]) -> int:
    """How many of the accepted tokens make whole fragments (paper 1, III-B).

    A step that completes no fragment keeps everything: to throw it away would be to stand still.
    """
    complete = max((i + 1 for i, token in enumerate(tokens) if token in ends), default=0)
    return complete or len(tokens)


class Answer:
    """One answer in the making: what has been accepted, what of it is shown, why it is over.

    `finish` is None until it is over: the model or a stop condition ended it, or a budget. The time
    budget counts from here.
    """

    def __init__(
        self, model: MedusaModel, prompt_length: int, options: DecodingOptions, typed: str
    ) -> None:
        self.began = time.monotonic()
        self.model = model.card.name
        self.options = options
        self.limit = min(options.max_tokens, model.card.window - prompt_length)
        self.reader = _Reader(model.tokenizer, options.stop, typed)
        self.steps = self.tokens = 0
        self.finish: Finish | None = "length" if self.limit <= 0 else None

    def add(self, accepted: Sequence[int], following: int) -> tuple[int, int, tuple[str, ...]]:
        """Take the tokens that a pass accepted and the one that follows them.

        Returns how many were kept, at least one, the token to go on with, and the fragments that
        became visible.
        """
        kept = min(len(accepted), self.limit - self.tokens)
        if self.options.alignment == "discard":
            kept = whole(accepted[:kept], self.reader.ends)
        if self.reader.end in accepted[:kept]:
            kept = accepted.index(self.reader.end) + 1
        if kept < len(accepted):
            following = accepted[kept]
        self.steps, self.tokens = self.steps + 1, self.tokens + kept
        shown = self.reader.read(accepted[:kept])
        self.finish = self._finish()
        return kept, following, shown

    def _finish(self) -> Finish | None:
        if self.reader.ended:
            return "end"
        if self.reader.stopped:
            return "stop"
        if time.monotonic() - self.began > self.options.max_seconds:
            return "time"
        return "length" if self.tokens >= self.limit else None

    def completion(self) -> Completion:
        return Completion(
            text="".join(self.reader.shown),
            finish=self.finish,
            steps=self.steps,
            tokens=self.tokens,
            milliseconds=1000 * (time.monotonic() - self.began),
            model=self.model,
            fragments=tuple(self.reader.shown),
        )


class _Reader:
    """Turns accepted tokens into what the user sees: whole fragments, up to the stop condition."""

    def __init__(self, tokenizer: FragmentTokenizer, stop: stops.Stop, typed: str) -> None:
        self.ends = frozenset((tokenizer.frag, tokenizer.end))
        self.end = tokenizer.end
        self.decode = tokenizer.decode
        self.stop = stop
        self.typed = typed
        self.held: list[int] = []
        self.shown: list[str] = []
        self.stopped = self.ended = False

    def read(self, tokens: Sequence[int]) -> tuple[str, ...]:
        """Add tokens; returns the fragments that became visible."""
        before = len(self.shown)
        for token in tokens:
            if token not in self.ends:
                self.held.append(token)
                continue
            fragment, self.held = self.decode(self.held), []
            fragment, self.typed = fragment.removeprefix(self.typed), ""
            self.ended = token == self.end
            text = "".join(self.shown)
            cut = stops.find(text + fragment, len(text), self.stop)
            if cut is not None:
                fragment, self.stopped = fragment[: max(0, cut - len(text))], True
            if fragment:
                self.shown.append(fragment)
            if self.stopped or self.ended:
                break
        return tuple(self.shown[before:])


def acceptor(options: DecodingOptions) -> Accept:
    """The acceptance rule the options ask for, with the arguments of `acceptance.lossless`."""
    if options.acceptance == "lossless":
        return acceptance.lossless
    return lambda tree, tokens, logits, choose: acceptance.typical(
        tree, tokens, logits, choose, options.temperature, options.epsilon, options.delta
    )
