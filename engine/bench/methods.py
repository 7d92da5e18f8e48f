"""The methods that are compared, in words, importable without torch; `engine.bench.decoders` makes them.

Ours are settings of the engine. Plain Medusa is the engine too, so that it has the same fast step: its
public static tree, no look-up, its typical acceptance where it samples; with heads of its own training if
there are any. A second one gets the best of that tree, as many nodes as ours, which suits a CPU better.
Holding fragments back is left on: under lossless acceptance that costs no step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from engine.api import Prompt

NAMES = (
    "fragment",
    "fragment-lexer",
    "medusa",
    "medusa-small",
    "plain",
    "generate",
    "prompt-lookup",
    "llama.cpp",
)
SAMPLINGS = {"greedy": 0.0, "0.8": 0.8}
"""Temperatures, those of paper 1's measurement of speed."""
LOOKUP_TOKENS = 10  # transformers' own example and its benchmarks use 10


@dataclass(frozen=True)
class Method:
    """How to make a decoder, in words that travel to its process.

    `model` is a model folder, or the GGUF file for llama.cpp. `options` are of `DecodingOptions` for the
    engine and of `generate` for transformers. The engine's `tree` is the model's own, tuned one, or
    Medusa's static one, whole or as many of its best nodes as the tuned one has.
    """

    name: str
    kind: Literal["engine", "generate", "llama.cpp"]
    model: str
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    tree: Literal["tuned", "static", "static, cut"] = "tuned"
    acceptance: Literal["lossless", "typical"] = "lossless"
    """The engine's at a temperature above 0; greedy answers are always lossless."""
    compiled: bool = True
    """Whether the engine may use its compiled step, where there is one."""
    dtype: Literal["", "float32", "bfloat16"] = ""
    """Empty: what the engine chooses."""
    tokenizer: str = ""
    """For llama.cpp: the model folder whose vocabulary the GGUF file goes with."""
    window: int = 0
    """For llama.cpp: tokens of its context."""


@dataclass(frozen=True)
class Request:
    """One answer of at most `tokens` tokens after prompt `ids`, which were made of `source`."""

    ids: tuple[int, ...]
    tokens: int
    temperature: float = 0.0
    seed: int = 0
    source: Prompt | None = None


@dataclass(frozen=True)
class Task:
    """A prompt to be answered in some way."""

    prompt: int
    sampling: str
    request: Request


@dataclass(frozen=True)
class Trace:
    """One answer in detail: its visible text and the ids each step added; of ours also milliseconds of each
    part of the decoder, and how many tokens each source had drafted."""

    text: str
    steps: tuple[tuple[int, ...], ...]
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    drafted: Mapping[str, int] = field(default_factory=dict)

    @property
    def ids(self) -> list[int]:
        return [token for step in self.steps for token in step]


def compared(model: str, medusa: str, dtype: str = "") -> list[Method]:
    """Ours, and rivals in torch, all but llama.cpp. `medusa` is the folder that plain Medusa's heads are
    taken from."""
    lookup = {"prompt_lookup_num_tokens": LOOKUP_TOKENS}
    return [
        Method("fragment", "engine", model, dtype=dtype),
        Method("fragment-lexer", "engine", model, {"boundaries": "lexer"}, dtype=dtype),
        *(
            Method(name, "engine", medusa, {"lookup": False}, tree, "typical", dtype=dtype)
            for name, tree in (("medusa", "static"), ("medusa-small", "static, cut"))
        ),
        Method("plain", "engine", model, {"speculative": False}, dtype=dtype),
        Method("generate", "generate", model, dtype=dtype),
        Method("prompt-lookup", "generate", model, lookup, dtype=dtype),
    ]


def ablation(model: str) -> list[Method]:
    """Ours, and ours with one part at a time turned off; viability, which is off, is turned on."""
    return [
        Method("fragment", "engine", model),
        Method("alignment: discard", "engine", model, {"alignment": "discard"}),
        Method("tree: static", "engine", model, tree="static"),
        Method("tree: static, cut", "engine", model, tree="static, cut"),
        Method("look-up: off", "engine", model, {"lookup": False}),
        Method("acceptance: typical", "engine", model, acceptance="typical"),
        Method("compiled step: off", "engine", model, compiled=False),
        Method("viability: syntax", "engine", model, {"viability": "syntax"}),
        Method("drafts: none", "engine", model, {"speculative": False}),
    ]


def llama_cpp(file: Path, model: str, window: int) -> Method:
    return Method("llama.cpp", "llama.cpp", str(file), tokenizer=model, window=window)
