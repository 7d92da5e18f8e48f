"""Key-value caches kept between completions: a prompt that begins like an earlier one is not read anew.

While one types, a prompt differs from the last in its end only (`engine.prompts` orders it so), and what
is left to compute is the last tokens instead of hundreds.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

from engine import decoding
from engine.api import Completion, DecodingOptions, Prompt, Step
from engine.cache import TreeCache
from engine.drafts import draft_size
from engine.model import MedusaModel

MEMORY = (
    256 * 2**20
)  # bytes that the caches of ended completions may take, though one is always kept
WORTH_REUSING = 16  # tokens; a shorter beginning is shared by prompts that have nothing in common


class PromptCaches:
    """The caches of one model's last prompts, for one completion each at a time."""

    def __init__(self, model: MedusaModel) -> None:
        self.model = model
        self.capacity = model.card.window + draft_size(model, DecodingOptions())
        self.kept: list[tuple[tuple[int, ...], TreeCache]] = []  # the last one used stands last

    def decode(
        self,
        prompt: Sequence[int],
        options: DecodingOptions,
        typed: str = "",
        source: Prompt | None = None,
    ) -> Generator[Step, None, Completion]:
        """`decoding.decode`, after what a kept cache has of the prompt."""
        with self._lent(tuple(prompt)) as cache:
            return (yield from decoding.decode(self.model, prompt, options, typed, cache, source))

    def clear(self) -> None:
        """Forget every prompt, for the memory."""
        self.kept.clear()

    @contextmanager
    def _lent(self, prompt: tuple[int, ...]) -> Iterator[TreeCache]:
        """A cache that holds the beginning of `prompt`; afterwards it is kept with all of it.

        A completion that fails may have left the cache half written, so that one is dropped.
        """
        cache = self._take(prompt)
        try:
            yield cache
        except GeneratorExit:  # cancelled between two steps
            self._keep(prompt, cache)
            raise
        self._keep(prompt, cache)

    def _take(self, prompt: tuple[int, ...]) -> TreeCache:
        shared = [_common(prompt, earlier) for earlier, _ in self.kept]
        longest = max(shared, default=0)
        if longest < WORTH_REUSING:
            return TreeCache(self.model.depth, self.capacity)
        _, cache = self.kept.pop(shared.index(longest))
        # The last token is read again, for the state that the first step starts from.
        cache.lengths[0] = min(longest, len(prompt) - 1)
        return cache

    def _keep(self, prompt: tuple[int, ...], cache: TreeCache) -> None:
        self.kept.append((prompt, cache))
        while len(self.kept) > 1 and len(self.kept) * cache.size > MEMORY:
            del self.kept[0]


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two prompts have in common at their beginnings."""
    for count, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return count
    return min(len(a), len(b))
