"""Many answers decoded together: for evaluation, and for the samples a round of training ranks.

    for index, completion in complete_many(model, prompts, options, width=32, seed=1): ...

Up to `width` answers share each pass, every one with its own position, draft tree, random numbers and
stop. When one is over its place is taken by the next, and it is yielded at once: answers come in the
order in which they end. Prompts that occur several times, as for samples, are read once.

An answer is the one `decoding.complete` gives for the same prompt, options and seed, whatever else is
in the batch and however wide it is; only rounding, which may depend on the width, can break a tie of two
tokens differently. The time budget of an answer counts from when it takes its place.

Drafts save passes but make each one dearer, and a wide batch fills a processor without them. With the
embedded model and its compiled step (`python -m benchmarks.sampling`), drafts make one answer at a time half
as fast again; from width 8 on plain decoding (`options.speculative` False) is the fastest, 2.7 times one
answer at a time. Under lossless acceptance the text is the same, so the choice is one of speed only.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor

from engine import viability
from engine.answer import Answer
from engine.api import Completion, DecodingOptions, Prompt
from engine.cache import TreeCache
from engine.decoding import acceptor, prompt_ids
from engine.drafts import Draft, Drafter, draft_size
from engine.model import MedusaModel
from engine.passes import forward, guess, prefill
from engine.prompts import typed_blank
from engine.sampling import Sampler, pick


@dataclass(frozen=True)
class Request:
    """One answer to decode: its prompt's ids, and the rest as for `decoding.complete`."""

    ids: tuple[int, ...]
    options: DecodingOptions
    typed: str = ""
    source: Prompt | None = None


def complete_many(
    model: MedusaModel,
    prompts: Sequence[Prompt],
    options: DecodingOptions,
    *,
    width: int = 32,
    seed: int = 0,
    nodes: int | None = None,
    on_step: Callable[[int], None] | None = None,
) -> Iterator[tuple[int, Completion]]:
    """Complete every prompt; yields (its index, its completion) as they end.

    Prompt i is sampled with `sample_seed(seed, i)`; `options.seed` is not used. A prompt that is too long
    is cut as everywhere (`prompts.encode`), and an empty one is completed. For `width`, `nodes` and
    `on_step` see `decode_many`.
    """
    ids = {prompt: tuple(prompt_ids(model, prompt, options)) for prompt in set(prompts)}
    requests = [
        Request(
            ids[prompt],
            replace(options, seed=sample_seed(seed, index)),
            typed_blank(prompt.prefix),
            prompt,
        )
        for index, prompt in enumerate(prompts)
    ]
    return decode_many(model, requests, width=width, nodes=nodes, on_step=on_step)


def sample_seed(seed: int, index: int) -> int:
    """The seed of the answer at `index` of a call."""
    return random.Random(f"{seed} {index}").getrandbits(32)


def decode_many(
    model: MedusaModel,
    requests: Sequence[Request],
    *,
    width: int = 32,
    nodes: int | None = None,
    on_step: Callable[[int], None] | None = None,
) -> Iterator[tuple[int, Completion]]:
    """Decode every request; yields (its index, its completion) as they end.

    At most `width` are decoded at a time, with draft trees of at most `nodes` nodes (None: the model's
    own). `on_step` is told after each pass how many tokens it added. A prompt that leaves no room in the
    window gets an empty answer. Raises ValueError, before anything is decoded, if a request has no
    ids or if the requests' options differ in more than budgets, stop and seed.
    """
    for done in passes(model, requests, width=width, nodes=nodes):
        if on_step and done.tokens:
            on_step(done.tokens)
        yield from done.ended


@dataclass(frozen=True)
class Pass:
    """What one pass of a batch did: the tokens it added, how many characters of text they made
    visible, and the answers that it ended, each with its index."""

    tokens: int
    characters: int
    ended: tuple[tuple[int, Completion], ...]


def passes(
    model: MedusaModel, requests: Sequence[Request], *, width: int = 32, nodes: int | None = None
) -> Iterator[Pass]:
    """`decode_many`, pass by pass: for those who have other things to do in between."""
    if width < 1:
        raise ValueError(f"width must be at least 1, not {width}")
    if not requests:
        return
    options = _common(requests)
    waiting: deque[int] = deque()
    for index in _equal_prompts_together(requests):
        answer = _answer(model, requests[index])
        if answer.finish is None:
            waiting.append(index)
        else:
            yield Pass(0, 0, ((index, answer.completion({})),))
    longest = max((_end(model, requests[index]) for index in waiting), default=0)
    batch = _Batch(model, options, nodes, min(width, len(waiting)), longest)
    while waiting or batch.rows:
        while waiting and len(batch.rows) < width:
            index = waiting.popleft()
            batch.admit(index, requests[index])
        tokens, characters = batch.step()
        yield Pass(tokens, characters, tuple(batch.leave()))


def _equal_prompts_together(requests: Sequence[Request]) -> list[int]:
    first: dict[tuple[int, ...], int] = {}
    for index, request in enumerate(requests):
        first.setdefault(request.ids, index)
    return sorted(range(len(requests)), key=lambda index: first[requests[index].ids])


def _answer(model: MedusaModel, request: Request) -> Answer:
    if not request.ids:
        raise ValueError("a request has no prompt ids")
    guard = viability.guard(model.tokenizer, request.source, request.options)
    return Answer(model, len(request.ids), request.options, request.typed, guard)


def _end(model: MedusaModel, request: Request) -> int:
    """Where in the window the request's answer ends at the latest."""
    return min(len(request.ids) + request.options.max_tokens, model.card.window)


def _common(requests: Sequence[Request]) -> DecodingOptions:
    """The options of all requests, but for budgets, stop and seed, which are the first one's."""
    first = requests[0].options
    own = ("max_tokens", "max_seconds", "stop", "seed")
    neutral = {name: value for name, value in asdict(first).items() if name in own}
    if any(replace(request.options, **neutral) != first for request in requests):
        raise ValueError("the requests of a batch may differ in budgets, stop and seed only")
    return first


@dataclass
class _Row:
    """An answer in the making, the token its next pass begins with, and the state [d] to draft from."""

    index: int
    answer: Answer
    drafter: Drafter
    sampler: Sampler
    root: int
    last: Tensor


class _Batch:
    """The answers being decoded. Row r of the cache is `rows[r]`'s; one more keeps the prompt read last."""

    def __init__(
        self,
        model: MedusaModel,
        options: DecodingOptions,
        nodes: int | None,
        width: int,
        longest: int,
    ) -> None:
        self.model = model
        self.options = options
        self.accept = acceptor(options)
        self.nodes = nodes
        self.size = draft_size(model, options, nodes)
        self.spare = width
        self.cache = TreeCache(model.depth, longest + self.size, width + 1)
        self.rows: list[_Row] = []
        self.read: tuple[int, ...] = ()

    def admit(self, index: int, request: Request) -> None:
        """Begin an answer in the first free row."""
        if request.ids != self.read:
            self.cache.lengths[self.spare] = 0
            self.last, self.logits = prefill(self.model, request.ids, self.cache, self.spare)
            self.read = request.ids
        self.cache.copy(self.spare, len(self.rows))
        answer = _answer(self.model, request)
        positions = answer.limit + self.size + 1
        sampler = Sampler(request.options, positions, self.model.device, answer.guard)
        root = sampler.first(answer.allowed(self.logits))
        drafter = Drafter(self.model, request.options, self.nodes)
        drafter.read(request.ids)
        self.rows.append(_Row(index, answer, drafter, sampler, root, self.last))

    def step(self) -> tuple[int, int]:
        """One pass for every row; returns how many tokens it added and characters it made visible."""
        last = torch.stack([row.last for row in self.rows])
        guesses = guess(self.model, last, self.rows[0].drafter.tree)
        drafts = [
            row.drafter.propose(row.root, own) for row, own in zip(self.rows, guesses, strict=True)
        ]
        hidden, logits = self._verify(drafts)
        logits = self.rows[0].answer.allowed(logits)
        accepted = self._accept(drafts, logits)
        paths, characters = [], 0
        for place, (row, (path, following)) in enumerate(zip(self.rows, accepted, strict=True)):
            draft, position = drafts[place], row.answer.tokens + 1
            path, following = row.sampler.vet(
                draft.tokens, logits[place], path, following, position
            )
            kept, row.root, shown = row.answer.add([draft.tokens[n] for n in path], following)
            row.last = hidden[place, path[kept - 1]]
            row.drafter.add(draft, path[:kept])
            paths.append(path[:kept])
            characters += sum(map(len, shown))
        self.cache.commit(paths)
        return sum(map(len, paths)), characters

    def _verify(self, drafts: list[Draft]) -> tuple[Tensor, Tensor]:
        """Hidden states [B, N, d] and logits [B, N, V] of the rows' drafts."""
        tokens = torch.tensor([draft.tokens for draft in drafts], device=self.model.device)
        depth = torch.stack([draft.layout.depth for draft in drafts])
        sees = torch.stack([draft.layout.sees for draft in drafts])
        return forward(self.model, tokens, depth, sees, self.cache)

    def _accept(self, drafts: list[Draft], logits: Tensor) -> list[tuple[list[int], int]]:
        """Each row's accepted path and the token that follows it, given logits [B, N, V]."""
        numbers = torch.stack(
            [
                row.sampler.at(row.answer.tokens + 1, draft.layout.depth)
                for row, draft in zip(self.rows, drafts, strict=True)
            ]
        )
        chosen = pick(logits, numbers, self.options.temperature, self.options.top_p).tolist()
        return [
            self.accept(draft.layout, draft.tokens, chosen[r], logits[r])
            for r, draft in enumerate(drafts)
        ]

    def leave(self) -> Iterator[tuple[int, Completion]]:
        """Yield the answers that are over; the last row takes the place of each."""
        for place in reversed(range(len(self.rows))):
            row = self.rows[place]
            if row.answer.finish is None:
                continue
            last = self.rows.pop()
            if last is not row:
                self.rows[place] = last
                self.cache.copy(len(self.rows), place)
            yield row.index, row.answer.completion(row.drafter.accepted)
