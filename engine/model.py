"""A causal language model with Medusa heads: load, save, and the three things a decoder asks of it.

A model folder is laid out as transformers does it, plus

    medusa_heads.safetensors   weight [heads, hidden, hidden], bias [heads, hidden]
    verifrag.json              format version, number of heads, window, draft tree, training record

Only safetensors are read; nothing is unpickled and no code from a model folder is run.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging as transformers_logging

from engine import tokenizer as tokenizers
from engine.api import EngineError
from engine.tokenizer import FragmentTokenizer

FORMAT = 1
SMALL = 50e6  # parameters
HEADS_FILE = "medusa_heads.safetensors"
CARD_FILE = "verifrag.json"


class MedusaHeads(nn.Module):
    """`count` heads; head i (from 1) predicts the token i+1 places after the last one.

    A residual block x + SiLU(Wx + b) each, then the backbone's own unembedding: a private one per head
    would cost more parameters than a small backbone has. W starts at zero, so an untrained head
    repeats the backbone's prediction.
    """

    def __init__(self, count: int, hidden: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(count, hidden, hidden))
        self.bias = nn.Parameter(torch.zeros(count, hidden))

    @property
    def count(self) -> int:
        return self.weight.shape[0]

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden [..., d] -> one state per head [..., heads, d]."""
        inner = torch.einsum("...d,hed->...he", hidden, self.weight) + self.bias
        return hidden.unsqueeze(-2) + nn.functional.silu(inner)


@dataclass
class Card:
    """What verifrag.json holds."""

    name: str
    heads: int
    window: int
    """Longest sequence, in tokens, the model was trained on."""
    tree: list[list[int]]
    """Draft tree: each path lists, from head 1 on, the rank of the head's prediction that it takes."""
    round: int = 0
    training: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT


class MedusaModel(nn.Module):
    """Backbone, heads and tokenizer of one model folder."""

    def __init__(
        self,
        backbone: PreTrainedModel,
        heads: MedusaHeads,
        tokenizer: FragmentTokenizer,
        card: Card,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = heads
        self.tokenizer = tokenizer
        self.card = card

    @property
    def device(self) -> torch.device:
        return self.heads.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.heads.weight.dtype

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.parameters())

    def hidden(self, ids: Tensor, **kwargs: Any) -> Tensor:
        """ids [B, T] -> the backbone's last hidden states [B, T, d]; kwargs go to its body."""
        return self.backbone.base_model(input_ids=ids, **kwargs).last_hidden_state

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden [..., d] -> logits [..., V]; of the backbone, or of the heads if given their states."""
        return self.backbone.get_output_embeddings()(hidden)


def choose_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_threads(model: MedusaModel) -> None:
    """Set this process's threads. A small model gains nothing from a second one, and loses much when
    another process keeps that one waiting: every product waits for its slowest part."""
    small = model.parameter_count() < SMALL
    torch.set_num_threads(1 if small else max(1, os.cpu_count() or 1))


def load(
    name: str | Path, device: torch.device | None = None, dtype: torch.dtype | None = None
) -> MedusaModel:
    """Load a model folder, or a hub name, which is downloaded to the hub's own cache first.

    The default dtype is float32 on a CPU, where rounding of bfloat16 would let a verified row differ
    from the same row computed alone, and bfloat16 on a GPU. Raises EngineError with what to do.
    """
    folder = _folder(name)
    device = device or choose_device()
    dtype = dtype or (torch.bfloat16 if device.type == "cuda" else torch.float32)
    card = read_card(folder)
    tokenizer = tokenizers.load(folder)
    transformers_logging.disable_progress_bar()
    try:
        backbone = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            attn_implementation="sdpa",
        )
        state = load_file(folder / HEADS_FILE)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise EngineError(
            f"cannot load the model in {folder}: {error}. Point the setting verifrag.model at a complete "
            "model folder, or leave it empty for the model that comes with Verifrag"
        ) from error
    hidden = backbone.config.hidden_size
    heads = MedusaHeads(card.heads, hidden)
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    wanted = {key: tuple(value.shape) for key, value in heads.state_dict().items()}
    if shapes != wanted:
        raise EngineError(f"{folder / HEADS_FILE} holds {shapes}, but this model needs {wanted}")
    heads.load_state_dict(state)
    model = MedusaModel(backbone, heads.to(dtype), tokenizer, card)
    return model.to(device).eval().requires_grad_(False)


def save(model: MedusaModel, folder: Path) -> None:
    """Write a model folder: into a temporary neighbour first, synced, then renamed.

    Raises FileExistsError if `folder` exists: a served model is never overwritten. Weights are stored
    in bfloat16.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists already")
    temporary = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    temporary.mkdir(parents=True)
    try:
        _write(model, temporary)
        temporary.rename(folder)
    except BaseException:  # Ctrl-C too: nothing half written stays behind
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write(model: MedusaModel, folder: Path) -> None:
    backbone = {k: v.to(torch.bfloat16) for k, v in model.backbone.state_dict().items()}
    model.backbone.config.dtype = torch.bfloat16
    model.backbone.save_pretrained(folder, state_dict=backbone)
    heads = {k: v.to(torch.bfloat16).contiguous() for k, v in model.heads.state_dict().items()}
    save_file(heads, folder / HEADS_FILE, metadata={"format": "pt"})
    model.tokenizer.save(folder)
    card = json.dumps(asdict(model.card), indent=1) + "\n"
    (folder / CARD_FILE).write_text(card, encoding="utf-8")
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def read_card(folder: Path) -> Card:
    """verifrag.json of `folder`; raises EngineError if it is missing, damaged or too new."""
    path = folder / CARD_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        card = Card(**data)
    except FileNotFoundError as error:
        raise EngineError(
            f"{folder} is not a Verifrag model folder ({CARD_FILE} is missing): train one with "
            "python -m trainer.finetune, or leave the setting verifrag.model empty"
        ) from error
    except (ValueError, TypeError, OSError) as error:
        raise EngineError(f"{path} is damaged: {error}") from error
    if card.format != FORMAT:
        raise EngineError(
            f"{path} has format {card.format}, this Verifrag reads {FORMAT}: update Verifrag"
        )
    return card


def _folder(name: str | Path) -> Path:
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.is_absolute() or str(name).startswith("."):
        raise EngineError(f"there is no model folder {path}: check the setting verifrag.model")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(str(name), allow_patterns=["*.json", "*.safetensors"]))
    except (OSError, ValueError) as error:
        raise EngineError(
            f"{name} is no folder here, and could not be fetched from the hub ({type(error).__name__}): "
            "check the setting verifrag.model"
        ) from error
