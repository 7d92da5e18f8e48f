"""One answer in the making: which accepted tokens are kept, what of them is shown, when it is over."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from typing import Literal

from torch import Tensor

from engine import stops
from engine.api import Completion, DecodingOptions
from engine.boundaries import Boundaries, boundaries
from engine.model import MedusaModel
from engine.tokenizer import TextTokenizer
from engine.viability import Guard

Finish = Literal["end", "stop", "length", "time"]

_NEVER = -1e9  # a logit; minus infinity would make the entropy of typical acceptance no number


def whole(tokens: Sequence[int], found: Boundaries) -> int:
    """How many of the accepted tokens make whole fragments (paper 1, III-B), after what `found` has seen.

    A token within which a fragment ends is kept. A step that completes no fragment keeps everything: to
    throw it away would be to stand still.
    """
    ahead = copy.copy(found)
    complete = [number for number, token in enumerate(tokens, 1) if ahead.add(token)]
    return complete[-1] if complete else len(tokens)


class Answer:
    """One answer in the making: what has been accepted, what of it is shown, why it is over.

    `finish` is None until it is over: the model or a stop condition ended it, or a budget. The time
    budget counts from here.
    """

    def __init__(
        self,
        model: MedusaModel,
        prompt_length: int,
        options: DecodingOptions,
        typed: str,
        guard: Guard | None = None,
    ) -> None:
        self.began = time.monotonic()
        self.model = model.card.name
        self.options = options
        self.limit = min(options.max_tokens, model.card.window - prompt_length)
        self.guard = guard
        self.reader = _Reader(model.tokenizer, options, typed)
        self.banned = model.tokenizer.frag if options.boundaries == "lexer" else None
        self.steps = self.tokens = 0
        self.finish: Finish | None = "length" if self.limit <= 0 else None

    def add(self, accepted: Sequence[int], following: int) -> tuple[int, int, tuple[str, ...]]:
        """Take the tokens that a pass accepted and the one that follows them.

        Returns how many were kept, at least one, the token to go on with, and the fragments that
        became visible.
        """
        kept = min(len(accepted), self.limit - self.tokens)
        if self.options.alignment == "discard":
            kept = whole(accepted[:kept], self.reader.found)
        kept = next((i + 1 for i, t in enumerate(accepted[:kept]) if t in self.reader.over), kept)
        if kept < len(accepted):
            following = accepted[kept]
        self.steps, self.tokens = self.steps + 1, self.tokens + kept
        shown = self.reader.read(accepted[:kept])
        self.finish = self._finish()
        return kept, following, shown

    def allowed(self, logits: Tensor) -> Tensor:
        """logits [..., V], in which [FRAG] is out of the question where the lexer finds the fragments."""
        if self.banned is not None:
            logits[..., self.banned] = _NEVER
        return logits

    def _finish(self) -> Finish | None:
        if self.reader.ended:
            return "end"
        if self.reader.stopped:
            return "stop"
        if time.monotonic() - self.began > self.options.max_seconds:
            return "time"
        return "length" if self.tokens >= self.limit else None

    def completion(self, drafted: Mapping[str, int]) -> Completion:
        return Completion(
            text="".join(self.reader.shown),
            finish=self.finish,
            steps=self.steps,
            tokens=self.tokens,
            milliseconds=1000 * (time.monotonic() - self.began),
            model=self.model,
            fragments=tuple(self.reader.shown),
            drafted=dict(drafted),
            vetoes=self.guard.vetoes(self.tokens) if self.guard else 0,
            overruled=sum(self.guard.overruled[: self.tokens]) if self.guard else 0,
        )


class _Reader:
    """Turns accepted tokens into what the user sees: whole fragments, up to the stop condition."""

    def __init__(self, tokenizer: TextTokenizer, options: DecodingOptions, typed: str) -> None:
        self.over = tokenizer.ends
        self.found = boundaries(tokenizer, options)
        self.stop = options.stop
        self.typed = typed
        self.shown: list[str] = []
        self.stopped = self.ended = False

    def read(self, tokens: Sequence[int]) -> tuple[str, ...]:
        """Add tokens; returns the fragments that became visible."""
        before = len(self.shown)
        for token in tokens:
            for fragment in self.found.add(token):
                self._show(fragment)
            self.ended = self.ended or token in self.over
            if self.stopped or self.ended:
                break
        return tuple(self.shown[before:])

    def _show(self, fragment: str) -> None:
        if self.stopped:
            return
        fragment, self.typed = fragment.removeprefix(self.typed), ""
        text = "".join(self.shown)
        cut = stops.find(text + fragment, len(text), self.stop)
        if cut is not None:
            fragment, self.stopped = fragment[: max(0, cut - len(text))], True
        if fragment:
            self.shown.append(fragment)
