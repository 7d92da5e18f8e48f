"""llama.cpp through llama-cpp-python, at its lowest level: the loop does nothing but decode and sample.

Its `Llama` class copies logits and keeps text in every step, which takes a fair part of a small model's
millisecond; the rival is llama.cpp, not that class.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine import extras, tokenizer
from engine.api import EngineError
from engine.bench.methods import Method, Request, Trace

MISSING = (
    f"llama-cpp-python is missing: {extras.hint('bench')} (it builds llama.cpp, for which it needs "
    "cmake, a C++ compiler and some minutes)"
)


class LlamaCpp:
    """Decodes with the GGUF file that the method names. Raises EngineError if that cannot be."""

    def __init__(self, method: Method) -> None:
        try:
            import llama_cpp as api
        except (ImportError, OSError, RuntimeError) as error:
            raise EngineError(MISSING) from error
        self.api = api
        # Kept, because llama.cpp calls it for as long as the process lives.
        self.silence = api.llama_log_callback(lambda level, text, data: None)
        api.llama_log_set(self.silence, ctypes.c_void_p(0))
        api.llama_backend_init()
        self.tokenizer = tokenizer.load_any(Path(method.tokenizer))
        path = method.model.encode()
        self.model = api.llama_model_load_from_file(path, api.llama_model_default_params())
        if not self.model:
            raise EngineError(f"llama.cpp cannot load {method.model}")
        settings = api.llama_context_default_params()
        settings.n_ctx = settings.n_batch = settings.n_ubatch = method.window
        self.context = api.llama_init_from_model(self.model, settings)
        if not self.context:
            raise EngineError(
                f"llama.cpp gives {method.model} no context of {method.window} tokens"
            )

    def run(self, request: Request) -> str:
        return self.tokenizer.decode(self._generate(request))

    def trace(self, request: Request) -> Trace:
        ids = self._generate(request)
        return Trace(self.tokenizer.decode(ids), tuple((token,) for token in ids))

    def set_threads(self, count: int) -> None:
        self.api.llama_set_n_threads(self.context, count, count)

    def _generate(self, request: Request) -> list[int]:
        self.api.llama_memory_clear(self.api.llama_get_memory(self.context), False)
        answer: list[int] = []
        with self._sampler(request) as sampler:
            self._decode(request.ids)
            while True:
                answer.append(self.api.llama_sampler_sample(sampler, self.context, -1))
                if answer[-1] in self.tokenizer.ends or len(answer) == request.tokens:
                    return answer
                self._decode(answer[-1:])

    def _decode(self, ids: tuple[int, ...] | list[int]) -> None:
        tokens = (self.api.llama_token * len(ids))(*ids)
        batch = self.api.llama_batch_get_one(tokens, len(ids))
        if status := self.api.llama_decode(self.context, batch):
            raise EngineError(f"llama.cpp could not decode: status {status}")

    @contextmanager
    def _sampler(self, request: Request) -> Iterator[object]:
        api = self.api
        chain = api.llama_sampler_chain_init(api.llama_sampler_chain_default_params())
        if request.temperature > 0:
            api.llama_sampler_chain_add(chain, api.llama_sampler_init_temp(request.temperature))
            api.llama_sampler_chain_add(chain, api.llama_sampler_init_dist(request.seed))
        else:
            api.llama_sampler_chain_add(chain, api.llama_sampler_init_greedy())
        try:
            yield chain
        finally:
            api.llama_sampler_free(chain)
