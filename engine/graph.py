"""The verification step for a GPU: `engine.lean` as one CUDA graph, made by torch.compile.

A pass for one sequence is hundreds of small kernels, which take longer to launch than to run. A graph
launches them at once, but its shapes and addresses are fixed: so it sees all the slots there may be, of
which `length` count, and works on buffers of its own. Prompts, each of another length, go through
transformers' layers.

`python -m engine.compile MODEL` tries it on the GPU and leaves a note where it is right; without that note
it is not used. torch keeps what it has compiled in its own cache.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from engine import lean
from engine.compiled import (
    BEYOND,
    CLOSE,
    CLOSE_ROUNDED,
    UnfitError,
    check_agrees,
    check_family,
    folder,
)
from engine.model import MedusaModel

OPTIONS: dict[str, object] = {"mode": "reduce-overhead"}
"""Of torch.compile; this mode is the one with CUDA graphs."""

# One for each number of nodes: `engine.tune` tries many.
torch._dynamo.config.recompile_limit = max(64, torch._dynamo.config.recompile_limit)


class GraphStep:
    """`lean.verify` and `lean.guess` of one model, whose weights must not move any more."""

    reads_prompts = False
    takes_rows = False
    nodes = None  # a tree of any size costs a GPU about the same

    def __init__(self, model: MedusaModel) -> None:
        self.model = model
        self.positions = model.card.window + BEYOND
        empty = lean.nothing(model)
        layers, both, kv_heads, _, d = empty.shape
        self._past = empty.new_zeros(layers, both, kv_heads, self.positions, d)
        self._length = torch.zeros((), dtype=torch.long, device=model.device)
        self._verify = torch.compile(lean.verify, dynamic=False, fullgraph=True, **OPTIONS)

    def reaches(self, length: int) -> bool:
        """Whether a sequence may have so many tokens."""
        return length <= self.positions

    @torch.no_grad()
    def verify(
        self, ids: Tensor, depth: Tensor, sees: Tensor, past: Tensor, wanted: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """`lean.verify`, of sequences that it `reaches`; compiles once for each number of nodes."""
        length = past.shape[3]
        self._past[..., :length, :].copy_(past)
        self._length.fill_(length)
        torch.compiler.cudagraph_mark_step_begin()
        made = self._verify(self.model, ids, depth, sees, self._past, wanted, self._length)
        # The next pass writes where this one did.
        hidden, logits, added = (each.clone() for each in made)
        return hidden, logits, added

    @torch.no_grad()
    def guess(self, last: Tensor, heads: int, ranks: int) -> Tensor:
        """`lean.guess` for one state [d]."""
        return lean.guess(self.model, last, heads, ranks)


def attach(model: MedusaModel) -> str:
    """Let `model`, which is on a GPU, verify by the graph, if it was found to be right here; returns words
    for the log."""
    try:
        check_family(model)
        if not note(model).exists():
            return (
                "no graph: none was tried with this model and GPU (python -m engine.compile MODEL)"
            )
        model.compiled = _make(model)
    except UnfitError as reason:
        return f"no graph: {reason}"
    return f"graph of torch.compile on {model.device}"


def try_out(model: MedusaModel) -> GraphStep:
    """The step, with the note left that it is right. Raises UnfitError if it is not."""
    check_family(model)
    step = _make(model)
    note(model).parent.mkdir(parents=True, exist_ok=True)
    note(model).write_text("agrees with PyTorch\n", encoding="ascii")
    return step


def _make(model: MedusaModel) -> GraphStep:
    """The step, if it is right. Raises UnfitError."""
    step = GraphStep(model)
    try:
        check_agrees(model, step, CLOSE if model.dtype == torch.float32 else CLOSE_ROUNDED)
    except UnfitError:
        raise
    except Exception as error:  # torch.compile says in many ways what it lacks
        raise UnfitError(f"torch.compile failed: {error}") from error
    return step


def note(model: MedusaModel) -> Path:
    """The file that says that the graph is right for this kind of model on this GPU."""
    cuda = model.device.type == "cuda"
    gpu = torch.cuda.get_device_name(model.device) if cuda else model.device.type
    sources = b"".join(Path(one).read_bytes() for one in (__file__, lean.__file__))
    made_of = (torch.__version__, gpu, str(model.dtype), model.backbone.config.to_json_string())
    digest = hashlib.sha256(sources + repr(made_of).encode()).hexdigest()[:16]
    return folder() / f"graph-{digest}.txt"
