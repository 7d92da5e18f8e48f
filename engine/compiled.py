"""The compiled verification step: `engine.lean` as a C++ library (`step/`) made for this machine's CPU.

`python -m engine.compile` builds the library into the user's cache folder, under a name made from all
that it depends on: its source, the compiler's flags, the CPU. It holds no weights and fits every
Llama-family model in float32; they are packed for it when a model is loaded. What is there but can't be
trusted is not used, and the log says why.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
from collections.abc import Sequence
from ctypes import POINTER, Structure, c_bool, c_float, c_int32, c_int64, c_void_p
from pathlib import Path
from typing import Protocol

import platformdirs
import torch
from torch import Tensor

from engine import lean
from engine.model import SMALL, MedusaModel

SOURCES = Path(__file__).with_name("step")
NATIVE = "-mcpu=native" if platform.machine() in ("arm64", "aarch64") else "-march=native"
FLAGS = ("-O3", NATIVE, "-std=c++17", "-pthread", "-shared", "-fPIC")
# One that computes and one that helps, which saves a third of a step where a core is free.
THREADS = min(2, os.cpu_count() or 1)
BEYOND = 256  # positions behind a model's window: the last tree's
# Most that its logits may differ from `engine.lean`'s, relative to the largest.
CLOSE, CLOSE_ROUNDED = 1e-3, 5e-2


class UnfitError(Exception):
    """The compiled step can't be used; the message says why."""


class Step(Protocol):
    """What stands in for `lean.verify`."""

    def verify(
        self, ids: Tensor, depth: Tensor, sees: Tensor, past: Tensor, wanted: int
    ) -> tuple[Tensor, Tensor, Tensor]: ...


def attach(model: MedusaModel, rounded: bool = True) -> str:
    """Let `model` verify by the compiled step, if there is a good one for it; returns words for the log.

    Its weights must not change any more, nor may it be moved. `rounded` as for `CompiledStep`. A model on a
    GPU gets the step of `engine.graph`.
    """
    if model.device.type == "cuda":
        from engine import graph  # not above: it builds on this module

        return graph.attach(model)
    try:
        model.compiled = load(model, rounded=rounded)
    except UnfitError as reason:
        return f"no compiled step: {reason}"
    products = "bfloat16" if model.compiled.rounded else "float32"
    return f"compiled step, products of {products}: {library()}"


def load(model: MedusaModel, path: Path | None = None, rounded: bool = False) -> CompiledStep:
    """The compiled step in the library at `path` (default: `library()`) for `model`. Raises UnfitError."""
    path = path or library()
    check_suits(model)
    try:
        content, digest = path.read_bytes(), checksum(path).read_text(encoding="ascii")
    except FileNotFoundError as error:
        reason = "none has been built for this CPU and version (python -m engine.compile)"
        raise UnfitError(reason) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnfitError(f"{path} can't be read ({error})") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise UnfitError(f"{path} is damaged: build it anew with python -m engine.compile")
    try:
        step = CompiledStep(ctypes.CDLL(str(path)), model, rounded)
    except (OSError, AttributeError) as error:
        raise UnfitError(f"{path} can't be loaded ({error})") from error
    check_agrees(model, step, CLOSE_ROUNDED if step.rounded else CLOSE)
    return step


def check_suits(model: MedusaModel) -> None:
    """Raise UnfitError unless `model` is one that the compiled step is for."""
    check_family(model)
    if model.device.type != "cpu" or model.dtype != torch.float32:
        raise UnfitError(f"it is for float32 on a CPU, not for {model.dtype} on {model.device}")
    if model.parameter_count() >= SMALL:
        raise UnfitError(f"it uses {THREADS} cores, and a model of this size wants all of them")


def check_family(model: MedusaModel) -> None:
    """Raise UnfitError unless `lean` computes what `model` does."""
    if not lean.suits(model.backbone):
        raise UnfitError(f"a model of the kind {model.backbone.config.model_type} goes another way")


@torch.no_grad()
def check_agrees(model: MedusaModel, step: Step, close: float) -> None:
    """Raise UnfitError unless `step` computes what `lean` does, behind texts of several lengths.

    `close` is what logits may differ by, relative to the largest.
    """
    ids = torch.arange(4, device=model.device)
    sees = ids[:, None] >= ids
    past = lean.nothing(model)
    for _ in range(3):
        inputs = ids, ids, sees, past, len(ids)
        _, expected, new = lean.verify(model, *inputs)
        _, found, _ = step.verify(*inputs)
        if not (found - expected).abs().max() <= close * expected.abs().max():
            raise UnfitError("it does not compute what it should")
        past = torch.cat([past, new], 3)


def library() -> Path:
    """Where the library for this source and this CPU is, or would be."""
    sources = b"".join(path.read_bytes() for path in sorted(SOURCES.glob("*.[ch]*")))
    machine = repr((FLAGS, platform.system(), platform.machine(), _cpu())).encode()
    return folder() / f"step-{hashlib.sha256(sources + machine).hexdigest()[:16]}.so"


def folder() -> Path:
    """Where compiled steps are: $VERIFRAG_HOME, or the user's cache folder."""
    home = os.environ.get("VERIFRAG_HOME") or platformdirs.user_cache_dir(
        "verifrag", appauthor=False
    )
    return Path(home) / "compiled"


def checksum(path: Path) -> Path:
    """The file with the SHA-256 of a library: one that is damaged would take the process with it."""
    return path.with_suffix(".sha256")


def _cpu() -> str:
    """What the CPU can do, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


class _Matrix(Structure):
    _fields_ = [
        ("panels", c_void_p),
        ("bias", c_void_p),
        ("outputs", c_int32),
        ("inputs", c_int32),
        ("form", c_int32),
    ]


class _Layer(Structure):
    _fields_ = [
        *((name, _Matrix) for name in ("qkv", "o", "gate_up", "down")),
        ("attention_norm", c_void_p),
        ("mlp_norm", c_void_p),
    ]


class _Model(Structure):
    _fields_ = [
        ("layers", POINTER(_Layer)),
        *((name, c_void_p) for name in ("embedding", "norm", "cos", "sin")),
        ("unembedding", _Matrix),
        *((name, c_int32) for name in ("depth", "hidden", "inner", "heads", "kv_heads", "d_head")),
        ("epsilon", c_float),
    ]


_FLOATS, _HALVES, _PAIRS = range(3)  # `Form` of products.h


class CompiledStep:
    """`lean.verify` and `lean.guess` of one model; its weights are packed copies.

    `rounded` asks for products of bfloat16, which get two of them done in the time of one: what is
    multiplied is rounded, and so are the keys and values it makes; sums stay in float32. They take place
    where the CPU can and the weights are bfloat16 anyway. What a token gets is the same to the bit in
    whatever pass, so drafts change no text.
    """

    reads_prompts = True
    takes_rows = True
    # Of any draft, unless the model was tuned: a further node costs a fifth of the first here, and a
    # twentieth in PyTorch. From two to eight nodes speed differs by a fifth.
    nodes = 4

    def __init__(self, library: ctypes.CDLL, model: MedusaModel, rounded: bool = False) -> None:
        self._library = library
        self._lanes = library.lanes()
        self.rounded = rounded and bool(library.takes_pairs())
        self._kept: list[object] = []  # what the structures point to
        backbone, body = model.backbone, model.backbone.base_model
        config, attention = backbone.config, body.layers[0].self_attn
        layers = (_Layer * len(body.layers))(*map(self._layer, body.layers))
        self.positions = model.card.window + BEYOND
        positions = torch.arange(self.positions)[None]
        cos, sin = body.rotary_emb(body.embed_tokens.weight, positions)
        unembedding = backbone.get_output_embeddings()
        self._model = _Model(
            layers=layers,
            embedding=self._pointer(body.embed_tokens.weight),
            norm=self._pointer(body.norm.weight),
            cos=self._pointer(cos),
            sin=self._pointer(sin),
            unembedding=self._matrix(unembedding.weight, unembedding.bias),
            depth=len(layers),
            hidden=config.hidden_size,
            inner=config.intermediate_size,
            heads=config.num_attention_heads,
            kv_heads=config.num_key_value_heads,
            d_head=attention.head_dim,
            epsilon=body.norm.variance_epsilon,
        )
        # With rounded products so are keys and values: behind a long text they outweigh the weights.
        kind = torch.bfloat16 if self.rounded else torch.float32
        shape = len(layers), 2, config.num_key_value_heads, 0, attention.head_dim
        self.nothing = torch.empty(shape, dtype=kind)  # what `lean.nothing` is, as it is kept here
        heads = model.heads
        own = [self._model.unembedding]
        if heads.unembedding is not None:
            own = [self._matrix(weight) for weight in heads.unembedding]
        blocks = [self._matrix(*both) for both in zip(heads.weight, heads.bias, strict=True)]
        self._blocks = (_Matrix * len(blocks))(*blocks)
        self._unembeddings = (_Matrix * len(own))(*own)
        self._kept.append(layers)
        self.use_threads(THREADS)

    def use_threads(self, count: int) -> None:
        """Compute by so many threads from now on, here and in every step of this process."""
        self._library.hire(count - 1)

    def _layer(self, layer: torch.nn.Module) -> _Layer:
        attention, mlp = layer.self_attn, layer.mlp
        return _Layer(
            self._together(attention.q_proj, attention.k_proj, attention.v_proj),
            self._together(attention.o_proj),
            self._together(mlp.gate_proj, mlp.up_proj),
            self._together(mlp.down_proj),
            self._pointer(layer.input_layernorm.weight),
            self._pointer(layer.post_attention_layernorm.weight),
        )

    def _together(self, *linears: torch.nn.Linear) -> _Matrix:
        """Several layers that read the same, as one."""
        biases = [
            linear.weight.new_zeros(linear.out_features) if linear.bias is None else linear.bias
            for linear in linears
        ]
        bias = None if all(linear.bias is None for linear in linears) else torch.cat(biases)
        return self._matrix(torch.cat([linear.weight for linear in linears]), bias)

    def _matrix(self, weight: Tensor, bias: Tensor | None = None) -> _Matrix:
        """weight [outputs, inputs], packed in panels [outputs / lanes, inputs, lanes]."""
        outputs, inputs = weight.shape
        missing = -outputs % self._lanes
        panels = torch.nn.functional.pad(weight, (0, 0, 0, missing))
        panels = panels.view(-1, self._lanes, inputs).transpose(1, 2).contiguous()
        # Weights that were stored in bfloat16 stay so, which halves what a step reads and loses nothing.
        half = panels.bfloat16()
        form = _HALVES if torch.equal(half.float(), panels) else _FLOATS
        if form == _HALVES and self.rounded and inputs % 2 == 0:
            form = _PAIRS
            half = half.unflatten(1, (-1, 2)).transpose(2, 3)  # [.., inputs / 2, lanes, 2]
        if bias is not None:
            bias = torch.nn.functional.pad(bias, (0, missing))
        return _Matrix(
            self._pointer(panels if form == _FLOATS else half),
            None if bias is None else self._pointer(bias),
            outputs,
            inputs,
            form,
        )

    def _pointer(self, tensor: Tensor) -> int:
        tensor = tensor.contiguous()
        self._kept.append(tensor)
        return tensor.data_ptr()

    def reaches(self, length: int) -> bool:
        """Whether a sequence may have so many tokens."""
        return length <= self.positions

    def verify(
        self, ids: Tensor, depth: Tensor, sees: Tensor, past: Tensor, wanted: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """`lean.verify`, of sequences that it `reaches`."""
        length = past.shape[3]
        room = past.new_empty(*past.shape[:3], len(ids), past.shape[4])
        states = torch.cat([past, room], 3).to(self.nothing.dtype)
        nodes = ids[None], depth[None], sees[None]
        made = self.verify_rows(*nodes, states.unsqueeze(2), [length], wanted)
        return *made, states[..., length:, :]

    def verify_rows(
        self,
        ids: Tensor,
        depth: Tensor,
        sees: Tensor,
        states: Tensor,
        lengths: Sequence[int],
        wanted: int,
    ) -> tuple[Tensor, Tensor]:
        """Run N nodes in each of B rows at a time: ids and depth [B, N], sees [B, N, N].

        The rows' keys and values are `states` [layers, 2, B, kv_heads, slots, d_head], of the type of
        `nothing`, of which the first lengths [B] slots count; the nodes' own are written into the next N.
        Returns hidden states [B * N, d] and logits [wanted, V] of the last of them.
        """
        (rows, n), model = ids.shape, self._model
        if states.dtype != self.nothing.dtype:
            raise ValueError(f"the compiled step has keys and values of {self.nothing.dtype}")
        if states.shape[4] < max(lengths) + n:
            raise ValueError("the compiled step has no room for the keys and values it makes")
        if states.stride()[4:] != (states.shape[5], 1):
            raise ValueError("the compiled step wants the slots of a head side by side")
        hidden = torch.empty(rows * n, model.hidden)
        logits = torch.empty(wanted, model.unembedding.outputs)
        ids, depth, sees = ids.contiguous(), depth.contiguous(), sees.contiguous()
        self._library.verify(
            c_bool(states.dtype == torch.bfloat16),
            ctypes.byref(model),
            rows,
            n,
            *(c_void_p(tensor.data_ptr()) for tensor in (ids, depth, sees)),
            (c_int64 * rows)(*lengths),
            c_void_p(states.data_ptr()),
            (c_int64 * 4)(*states.stride()[:4]),
            wanted,
            *(c_void_p(tensor.data_ptr()) for tensor in (hidden, logits)),
        )
        return hidden, logits

    def guess(self, last: Tensor, heads: int, ranks: int) -> Tensor:
        """`lean.guess` for one state [d]."""
        last = last.contiguous()
        found = torch.empty(heads, ranks, dtype=torch.long)
        self._library.guess(
            heads,
            self._blocks,
            len(self._unembeddings),
            self._unembeddings,
            c_void_p(last.data_ptr()),
            ranks,
            c_void_p(found.data_ptr()),
        )
        return found
