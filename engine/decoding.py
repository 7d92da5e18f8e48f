"""The decoder: draft with the Medusa heads, verify a tree in one pass, accept, cut at a whole fragment.

    for step in decode(model, prompt_ids, options): show(step.fragments)

A step always adds at least one token. Cancelling is closing the generator, or not asking it for more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence

from torch import Tensor

from engine import acceptance, prompts
from engine.answer import Answer
from engine.api import Completion, DecodingOptions, Prompt, Step
from engine.cache import TreeCache
from engine.model import MedusaModel
from engine.passes import forward, guess, prefill
from engine.sampling import Sampler
from engine.tree import DraftTree, build

Accept = Callable[[DraftTree, Tensor, Tensor, acceptance.Choose], tuple[list[int], int]]


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


def acceptor(options: DecodingOptions) -> Accept:
    """The acceptance rule the options ask for, with the arguments of `acceptance.lossless`."""
    if options.acceptance == "lossless":
        return acceptance.lossless
    return lambda tree, tokens, logits, choose: acceptance.typical(
        tree, tokens, logits, choose, options.temperature, options.epsilon, options.delta
    )
