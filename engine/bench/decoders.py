"""A decoder for each method: ids in, visible text out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from transformers.generation.streamers import BaseStreamer

from engine import compiled, decoding
from engine.api import Completion, DecodingOptions
from engine.bench.methods import Method, Request, Trace
from engine.bench.record import recording
from engine.model import MedusaModel, load

# mc_sim_7b_63 of the public Medusa code (its default), a digit a head's rank, likeliest first.
MEDUSA_TREE = """0 00 1 01 2 000 10 02 3 03 4 04 20 05 001 5 06 6 07 010 11 7 08 002 30 09 8 9 100 020 12 003
40 21 004 005 0000 011 006 030 50 13 007 008 009 60 040 14 70 012 200 31 22 80 050 15 101 021 90 060 0001
16 070"""


class Decoder(Protocol):
    """A method that is ready to decode."""

    def run(self, request: Request) -> str:
        """The visible text, as fast as it can be had."""

    def trace(self, request: Request) -> Trace:
        """The same answer, in detail."""

    def set_threads(self, count: int) -> None: ...


def open_decoder(method: Method) -> Decoder:
    """A decoder in torch; raises EngineError if the model cannot be loaded."""
    dtype = getattr(torch, method.dtype) if method.dtype else None
    model = load(method.model, dtype=dtype)
    if method.kind == "generate":
        return Generate(model, method.options)
    if method.compiled:
        compiled.attach(model, rounded=not method.dtype)
    if method.tree == "static":
        model.card.tree = static_tree(model.heads.count)
        model.card.nodes = len(model.card.tree) + 1  # all of it, whatever is best here
    elif method.tree == "static, cut":
        model.card.tree = static_tree(model.heads.count)[: len(model.card.tree)]
    return Engine(model, method)


def static_tree(heads: int) -> list[list[int]]:
    """The paths of Medusa's static tree that ask for no more than `heads` heads, likeliest first."""
    paths = [[int(rank) for rank in path] for path in MEDUSA_TREE.split()]
    return [path for path in paths if len(path) <= heads]


class Engine:
    """Our decoder, set as the method says."""

    def __init__(self, model: MedusaModel, method: Method) -> None:
        self.model, self.method = model, method

    def run(self, request: Request) -> str:
        return self._complete(request).text

    def trace(self, request: Request) -> Trace:
        with recording() as record:
            found = self._complete(request)
        return Trace(found.text, tuple(record.steps), record.milliseconds, found.drafted)

    def set_threads(self, count: int) -> None:
        torch.set_num_threads(count)
        if isinstance(self.model.compiled, compiled.CompiledStep):
            self.model.compiled.use_threads(count)

    def _complete(self, request: Request) -> Completion:
        options = DecodingOptions(
            max_tokens=request.tokens,
            max_seconds=float("inf"),
            temperature=request.temperature,
            seed=request.seed,
            acceptance=self.method.acceptance if request.temperature > 0 else "lossless",
            **self.method.options,
        )
        return decoding.complete(self.model, request.ids, options, source=request.source)


class Generate:
    """transformers' own `generate` on the same backbone."""

    def __init__(self, model: MedusaModel, options: Mapping[str, Any]) -> None:
        self.backbone, self.tokenizer = model.backbone, model.tokenizer
        self.options = options

    def run(self, request: Request) -> str:
        return self.tokenizer.decode(self._generate(request))

    def trace(self, request: Request) -> Trace:
        steps = _Steps()
        ids = self._generate(request, streamer=steps)
        return Trace(self.tokenizer.decode(ids), tuple(steps.added))

    def set_threads(self, count: int) -> None:
        torch.set_num_threads(count)

    def _generate(self, request: Request, **extra: object) -> list[int]:
        torch.manual_seed(request.seed)
        ids = torch.tensor([request.ids], device=self.backbone.device)
        sampled = {"temperature": request.temperature, "top_k": 0, "top_p": 1.0}
        answer = self.backbone.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=request.tokens,
            do_sample=request.temperature > 0,
            **(sampled if request.temperature > 0 else {}),
            pad_token_id=min(self.tokenizer.ends, default=0),  # one answer is never padded
            eos_token_id=sorted(self.tokenizer.ends) or None,
            **self.options,
            **extra,
        )
        return answer[0, len(request.ids) :].tolist()


class _Steps(BaseStreamer):
    """Notes what `generate` adds in each pass; what comes first is the prompt."""

    def __init__(self) -> None:
        self.added: list[tuple[int, ...]] = []
        self.prompt = True

    def put(self, value: torch.Tensor) -> None:
        if not self.prompt:
            self.added.append(tuple(value.flatten().tolist()))
        self.prompt = False

    def end(self) -> None:
        pass
