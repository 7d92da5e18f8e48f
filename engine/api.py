"""What goes to the engine and what comes back: plain data, importable without torch.

The language server builds these, `engine.client` sends them as JSON lines, `engine.process` answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Stop = Literal["line", "block", "module", "none"]
"""Where a completion may end early: `line` at the first line end after some text, `block` at the
blank line or dedent that closes what the cursor is in, `module` after `endmodule`, `none` only at the
model's own end of text or the budget."""


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


@dataclass(frozen=True)
class DecodingOptions:
    """How to decode.

    temperature 0 is greedy. `acceptance` is how drafts are judged: `lossless` follows the backbone's own
    choice (greedy, or its sample at temperature > 0), so the text is the backbone's; `typical` is paper
    1, eq. 1, with its epsilon and delta. `alignment` says what happens to tokens verified beyond the
    last complete fragment: `discard` throws them away and decodes them again (paper 1, III-B), `hold`
    keeps them in the cache and only holds them back from the reader until their fragment is whole.
    Under lossless acceptance both give the same text. `speculative` False is plain decoding.
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


@dataclass(frozen=True)
class Step:
    """What one verification step made visible: whole fragments, in order, without [FRAG]."""

    fragments: tuple[str, ...]
    accepted: int
    """Tokens the step added, [FRAG] included; at least 1."""
    milliseconds: float


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


class EngineError(Exception):
    """The engine could not do what was asked; the message says why and what to do."""
