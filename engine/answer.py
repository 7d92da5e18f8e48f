"""One answer in the making: which accepted tokens are kept, what of them is shown, when it is over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

from engine import stops
from engine.api import Completion, DecodingOptions
from engine.model import MedusaModel
from engine.tokenizer import FragmentTokenizer

Finish = Literal["end", "stop", "length", "time"]


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
