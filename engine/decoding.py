"""The decoder: draft with the Medusa heads, verify a tree in one pass, accept, cut at a whole fragment.

    for step in decode(model, prompt_ids, options): show(step.fragments)

A step always adds at least one token. Cancelling is closing the generator, or not asking it for more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence

import torch
from torch import Tensor

from engine import acceptance, stops
from engine.api import Completion, DecodingOptions, Step
from engine.cache import TreeCache
from engine.model import MedusaModel
from engine.tokenizer import FragmentTokenizer
from engine.tree import DraftTree, build


@torch.no_grad()
def forward(
    model: MedusaModel, ids: Tensor, depth: Tensor, sees: Tensor, cache: TreeCache
) -> tuple[Tensor, Tensor]:
    """Run ids [N] after what `cache` holds; depth [N] and sees [N, N] as in `DraftTree`.

    Returns hidden states [N, d] and logits [N, V]. The new rows are not committed.
    """
    past = sees.new_ones(len(ids), cache.length)
    mask = torch.cat([past, sees], dim=1)[None, None]  # [1, 1, N, length + N]
    hidden = model.hidden(
        ids[None],
        position_ids=(cache.length + depth)[None],
        attention_mask=mask,
        past_key_values=cache,
        use_cache=True,
    )[0]
    return hidden, model.logits(hidden)


def chooser(options: DecodingOptions, device: torch.device) -> acceptance.Choose:
    """Greedy at temperature 0, else top-p sampling with the options' seed."""
    if options.temperature == 0:
        return lambda logits: int(logits.argmax())
    generator = torch.Generator(device)
    if options.seed is None:
        generator.seed()
    else:
        generator.manual_seed(options.seed)

    def sample(logits: Tensor) -> int:
        p, order = torch.softmax(logits.float() / options.temperature, -1).sort(descending=True)
        p[(p.cumsum(-1) - p) >= options.top_p] = 0  # the first is always kept
        return int(order[torch.multinomial(p, 1, generator=generator)])

    return sample


def decode(
    model: MedusaModel, prompt: Sequence[int], options: DecodingOptions, typed: str = ""
) -> Generator[Step, None, Completion]:
    """Decode after prompt ids; yields a `Step` for each verification pass, returns the `Completion`.

    `typed` is what the reader has of the answer already (`prompts.typed_blank`); it is not shown.
    """
    began = time.monotonic()
    device, tokenizer = model.device, model.tokenizer
    tree = draft_tree(model, options)
    room = model.card.window - len(prompt)
    limit = min(options.max_tokens, room)
    cache = TreeCache(model.backbone.config.num_hidden_layers, model.card.window + tree.size)
    choose = chooser(options, device)
    accept = _acceptance(options)
    depth, sees = tree.depth.to(device), tree.sees.to(device)

    ids = torch.tensor(list(prompt), device=device)
    causal = torch.ones(len(ids), len(ids), dtype=torch.bool, device=device).tril()
    hidden, logits = forward(model, ids, torch.arange(len(ids), device=device), causal, cache)
    cache.commit(range(len(ids)))
    last, root = hidden[-1], choose(logits[-1])

    reader = _Reader(tokenizer, options.stop, typed)
    steps = tokens = 0
    finish = "length"
    mark = began
    while tokens < limit:
        drafted = tree.tokens(root, guess(model, last, tree))
        hidden, logits = forward(model, drafted, depth, sees, cache)
        path, following = accept(tree, drafted, logits, choose)
        path = path[: limit - tokens]
        accepted = drafted[path].tolist()
        kept = whole(accepted, reader.ends) if options.alignment == "discard" else len(accepted)
        if tokenizer.end in accepted[:kept]:
            kept = accepted.index(tokenizer.end) + 1
        if kept < len(accepted):
            following = accepted[kept]
        cache.commit(path[:kept])
        last, root = hidden[path[kept - 1]], following
        steps, tokens = steps + 1, tokens + kept
        shown = reader.read(accepted[:kept])
        now = time.monotonic()
        yield Step(shown, kept, 1000 * (now - mark))
        mark = time.monotonic()
        if reader.stopped or reader.ended:
            finish = "end" if reader.ended else "stop"
            break
        if now - began > options.max_seconds:
            finish = "time"
            break
    return Completion(
        text="".join(reader.shown),
        finish=finish,
        steps=steps,
        tokens=tokens,
        milliseconds=1000 * (time.monotonic() - began),
        model=model.card.name,
        fragments=tuple(reader.shown),
    )


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


def draft_tree(model: MedusaModel, options: DecodingOptions) -> DraftTree:
    """The model's tree, or a single root when decoding plainly."""
    return build(model.card.tree if options.speculative and model.heads.count else [])


@torch.no_grad()
def guess(model: MedusaModel, last: Tensor, tree: DraftTree) -> Tensor:
    """Ranked guesses [heads, ranks] of the heads the tree asks for, from the last hidden state [d]."""
    if tree.size == 1:
        return last.new_empty(0, 0, dtype=torch.long)
    states = model.heads(last)[: tree.heads]
    return model.logits(states).topk(tree.ranks, dim=-1).indices


def whole(tokens: Sequence[int], ends: frozenset[int]) -> int:
    """How many of the accepted tokens make whole fragments (paper 1, III-B).

    A step that completes no fragment keeps everything: to throw it away would be to stand still.
    """
    complete = max((i + 1 for i, token in enumerate(tokens) if token in ends), default=0)
    return complete or len(tokens)


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


def _acceptance(options: DecodingOptions) -> Callable:
    if options.acceptance == "lossless":
        return acceptance.lossless
    return lambda tree, tokens, logits, choose: acceptance.typical(
        tree, tokens, logits, choose, options.temperature, options.epsilon, options.delta
    )
