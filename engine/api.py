"""What goes to the engine and what comes back: plain data, importable without torch.

The language server builds these, `engine.client` sends them as JSON lines, `engine.process` answers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

Stop = Literal["line", "block", "end", "module", "none"]
"""Where a completion may end early: `line` at the first line end after some text, `block` at the
blank line or dedent that closes what the cursor is in, `end` after the `end` or bracket that closes it,
`module` after `endmodule`, `none` only at the model's own end of text or the budget."""


@dataclass(frozen=True)
class Prompt:
    """One thing to complete.

    With `instruction` empty this is fill-in-the-middle: the model writes what stands between
    `prefix` and `suffix`. Otherwise it is comment-to-module: `instruction` is the description in
    plain English (comment markers removed) and `prefix` whatever of the module is already there
    (usually nothing, or its header). `context` is other Verilog worth knowing (headers of modules in
    reach), placed before everything else. The engine cuts all of them to the model's window: prefix
    from the left, suffix from the right, context last in and first out.
    """

    prefix: str
    suffix: str = ""
    context: str = ""
    instruction: str = ""

    def __post_init__(self) -> None:
        for part in fields(self):
            if not isinstance(getattr(self, part.name), str):
                raise EngineError(f"the prompt's {part.name} must be a text")


_COLDEST = 1e-3  # logits divided by less are no numbers any more
_RANGES = {
    "max_tokens": (0, math.inf),
    "max_seconds": (0, math.inf),
    "temperature": (0, 1000),
    "top_p": (1e-6, 1),
    "epsilon": (0, 1),
    "delta": (0, math.inf),
}


@dataclass(frozen=True)
class DecodingOptions:
    """How to decode.

    temperature 0 is greedy. `acceptance` is how drafts are judged: `lossless` follows the backbone's own
    choice (greedy, or its sample at temperature > 0), so the text is the backbone's; `typical` is paper
    1, eq. 1, with its epsilon and delta. `alignment` says what happens to tokens verified beyond the
    last complete fragment: `discard` throws them away and decodes them again (paper 1, III-B), `hold`
    keeps them in the cache and only holds them back from the reader until their fragment is whole.
    Under lossless acceptance both give the same text. `speculative` False is plain decoding, `lookup`
    False drafts with the heads alone.

    `boundaries` says where fragments end: after the model's [FRAG] tokens (`tokens`), or where a lexer
    sees it in the text, with [FRAG] kept from being written (`lexer`; always so for a model without it).
    `viability` vetoes tokens after which no text could be valid: by its `syntax`, or also by its `names`
    (`engine.verilog.viability`).

    A budget of 0 is one that is used up at once. Raises EngineError for what is out of range.
    """

    max_tokens: int = 96
    max_seconds: float = 10.0
    stop: Stop = "none"
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    acceptance: Literal["lossless", "typical"] = "lossless"
    epsilon: float = 0.09
    delta: float = 0.3
    alignment: Literal["hold", "discard"] = "hold"
    speculative: bool = True
    boundaries: Literal["tokens", "lexer"] = "tokens"
    viability: Literal["off", "syntax", "names"] = "off"
    lookup: bool = True

    def __post_init__(self) -> None:
        for name, choices in _choices(type(self)).items():
            if getattr(self, name) not in choices:
                allowed = ", ".join(map(repr, choices))
                raise EngineError(f"{name} must be one of {allowed}, not {getattr(self, name)!r}")
        for name, (least, most) in _RANGES.items():
            _check_number(name, getattr(self, name), least, most)
        if type(self.max_tokens) is not int:
            raise EngineError(f"max_tokens must be a whole number, not {self.max_tokens!r}")
        if 0 < self.temperature < _COLDEST:
            raise EngineError(f"temperature must be 0 (greedy) or at least {_COLDEST}")
        if self.seed is not None and (
            type(self.seed) is not int or not -(2**63) <= self.seed < 2**64
        ):
            raise EngineError(f"seed must be a whole number of 64 bits, not {self.seed!r}")


@dataclass(frozen=True)
class Step:
    """What one verification step made visible: whole fragments, in order, without [FRAG]."""

    fragments: tuple[str, ...]
    accepted: int
    """Tokens the step added, [FRAG] included; at least 1."""
    milliseconds: float
    drafted: Mapping[str, int] = field(default_factory=dict)
    """How many of them each source had drafted, as in `Completion`."""


@dataclass(frozen=True)
class Completion:
    """The whole answer. `text` is the concatenation of every fragment shown."""

    text: str
    finish: Literal["end", "stop", "length", "time"]
    steps: int
    tokens: int
    milliseconds: float
    model: str = ""
    fragments: tuple[str, ...] = field(default=())
    vetoes: int = 0
    """Tokens kept out of it by `viability`."""
    overruled: int = 0
    """Tokens that stand although they were vetoed, for want of others."""
    drafted: Mapping[str, int] = field(default_factory=dict)
    """How many of the tokens each source had drafted: "heads", "lookup", or "both" the same. The others are
    the backbone's own, one a step."""

    @property
    def tokens_per_step(self) -> float:
        return self.tokens / self.steps if self.steps else 0.0


DEFAULT_WINDOW = 512  # tokens


@dataclass(frozen=True)
class ModelInfo:
    """What `load` answers: enough for a status line and the log."""

    name: str
    path: str
    round: int
    parameters: int
    heads: int
    device: str
    dtype: str
    window: int = DEFAULT_WINDOW
    """Tokens it sees, prompt and answer together."""
    step: str = ""
    """What verifies its drafts, or why the compiled step does not."""


class EngineError(Exception):
    """The engine could not do what was asked; the message says why and what to do."""


@cache
def _choices(options: type) -> dict[str, tuple[Any, ...]]:
    """What each field that is a choice may be."""
    kinds = get_type_hints(options)
    return {name: get_args(kind) for name, kind in kinds.items() if get_origin(kind) is Literal}


def _check_number(name: str, value: Any, least: float, most: float) -> None:
    if not isinstance(value, (int, float)) or not least <= value <= most:  # not so for NaN
        limits = f"at least {least:g}" if most == math.inf else f"between {least:g} and {most:g}"
        raise EngineError(f"{name} must be a number {limits}, not {value!r}")
