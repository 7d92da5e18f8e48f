"""Medusa heads and the file they are kept in.

    medusa_heads.safetensors   weight [heads, hidden, hidden], bias [heads, hidden]
                               and, from format 2 on, perhaps unembedding [heads, vocabulary, hidden]

The format stands in the file's metadata; a file without it has format 1.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.api import EngineError

FORMAT = 2
HEADS_FILE = "medusa_heads.safetensors"


class MedusaHeads(nn.Module):
    """`count` heads; head i (from 1) predicts the token i+1 places after the last one.

    A residual block x + SiLU(Wx + b) each, then the backbone's own unembedding: a private one per head
    would cost more parameters than a small backbone has. W starts at zero, so an untrained head
    repeats the backbone's prediction. With `vocabulary` each head has an unembedding of its own, as in
    the papers (Medusa, arXiv 2401.10774, 2.1.1), which `own_unembedding` starts as the backbone's.
    """

    def __init__(self, count: int, hidden: int, vocabulary: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(count, hidden, hidden))
        self.bias = nn.Parameter(torch.zeros(count, hidden))
        own = nn.Parameter(torch.zeros(count, vocabulary, hidden)) if vocabulary else None
        self.register_parameter("unembedding", own)

    @property
    def count(self) -> int:
        return self.weight.shape[0]

    def forward(self, hidden: Tensor, first: int | None = None) -> Tensor:
        """hidden [..., d] -> one state per head [..., heads, d]; of the `first` ones only, if given."""
        weight, bias = self.weight[:first], self.bias[:first]
        inner = torch.einsum("...d,hed->...he", hidden, weight) + bias
        return hidden.unsqueeze(-2) + nn.functional.silu(inner)

    def own_unembedding(self, backbone: Tensor) -> None:
        """Give each head a copy of the backbone's unembedding [V, d]."""
        self.unembedding = nn.Parameter(backbone.detach().expand(self.count, -1, -1).clone())


def save(heads: MedusaHeads, folder: Path) -> None:
    """Write the heads' file into `folder`, in bfloat16."""
    tensors = {k: v.to(torch.bfloat16).contiguous() for k, v in heads.state_dict().items()}
    # One key only: of several, safetensors writes now one first and now another.
    save_file(tensors, folder / HEADS_FILE, metadata={"version": str(FORMAT)})


def load(folder: Path, count: int, hidden: int, vocabulary: int) -> MedusaHeads:
    """The heads in `folder`, for a backbone of `hidden` states and `vocabulary` tokens.

    No file is needed for `count` 0. Raises EngineError if they are missing, damaged, written by a newer
    Verifrag, or do not fit the backbone.
    """
    path = folder / HEADS_FILE
    if not count and not path.exists():
        return MedusaHeads(0, hidden)
    try:
        with safe_open(path, "pt") as file:
            version = (file.metadata() or {}).get("version", "1")
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise EngineError(
            f"cannot load the model in {folder}: {path.name}: {error}. Copy the folder anew, or train "
            "heads with python -m trainer.finetune"
        ) from error
    if version not in map(str, range(1, FORMAT + 1)):
        raise EngineError(
            f"{path} has format {version}, this Verifrag reads {FORMAT}: update Verifrag"
        )
    heads = MedusaHeads(count, hidden, vocabulary if "unembedding" in state else 0)
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    wanted = {name: tuple(tensor.shape) for name, tensor in heads.state_dict().items()}
    if found != wanted:
        raise EngineError(
            f"{path} holds {found}, but this model needs {wanted}: these heads were trained for "
            "another backbone"
        )
    heads.load_state_dict(state)
    return heads
