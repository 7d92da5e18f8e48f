"""The decoder: draft with heads and look-up, verify a tree in one pass, accept, cut at a whole fragment.

    for step in decode(model, prompt_ids, options): show(step.fragments)

A step always adds at least one token. Cancelling is closing the generator, or not asking it for more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence

import torch
from torch import Tensor

from engine import acceptance, prompts, viability
from engine.answer import Answer
from engine.api import Completion, DecodingOptions, Prompt, Step
from engine.cache import TreeCache
from engine.drafts import Drafter
from engine.model import MedusaModel
from engine.passes import forward, guess, prefill
from engine.sampling import Sampler
from engine.tree import Layout

Accept = Callable[[Layout, Sequence[int], Sequence[int], Tensor], tuple[list[int], int]]
"""(tree, tokens [N], chosen [N], logits [N, V]) -> accepted path, and the token that follows it."""


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
    source: Prompt | None = None,
) -> Generator[Step, None, Completion]:
    """Decode after prompt ids; yields a `Step` for each verification pass, returns the `Completion`.

    `typed` is what the reader has of the answer already (`prompts.typed_blank`); it is not shown.
    `cache` may hold the beginning of the prompt already, but not all of it (`engine.reuse`). `source` is
    what the ids were made of; only viability needs it, and raises EngineError without it.
    """
    guard = viability.guard(model.tokenizer, source, options)
    answer = Answer(model, len(prompt), options, typed, guard)
    mark = answer.began
    drafter = Drafter(model, options)
    if cache is None:
        cache = TreeCache(model.depth, len(prompt) + max(0, answer.limit) + drafter.size)
    sampler = Sampler(options, max(0, answer.limit) + drafter.size + 1, model.device, guard)
    accept = acceptor(options)

    last, logits = prefill(model, prompt[cache.lengths[0] :], cache)
    drafter.read(prompt)
    root = sampler.first(answer.allowed(logits))
    while answer.finish is None:
        draft = drafter.propose(root, guess(model, last, drafter.tree))
        ids, layout = torch.tensor([draft.tokens], device=model.device), draft.layout
        hidden, logits = forward(model, ids, layout.depth, layout.sees, cache)
        hidden, logits, position = hidden[0], answer.allowed(logits[0]), answer.tokens + 1
        chosen = sampler.pick(logits, position, layout.depth).tolist()
        path, following = accept(layout, draft.tokens, chosen, logits)
        path, following = sampler.vet(draft.tokens, logits, path, following, position)
        kept, root, shown = answer.add([draft.tokens[n] for n in path], following)
        cache.commit([path[:kept]])
        drafted = drafter.add(draft, path[:kept])
        last = hidden[path[kept - 1]]
        now = time.monotonic()
        yield Step(shown, kept, 1000 * (now - mark), dict(drafted))
        mark = time.monotonic()
    return answer.completion(drafter.accepted)


def complete(
    model: MedusaModel,
    prompt: Sequence[int],
    options: DecodingOptions,
    typed: str = "",
    source: Prompt | None = None,
) -> Completion:
    """`decode` to the end."""
    steps = decode(model, prompt, options, typed, source=source)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def acceptor(options: DecodingOptions) -> Accept:
    """The acceptance rule the options ask for."""
    if options.acceptance == "lossless":
        return lambda tree, tokens, chosen, _logits: acceptance.lossless(tree, tokens, chosen)
    return lambda tree, tokens, chosen, logits: acceptance.typical(
        tree, tokens, chosen, logits, options.temperature, options.epsilon, options.delta
    )
