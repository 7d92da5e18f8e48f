"""A causal language model with Medusa heads: load, save, and the few things a decoder asks of it.

A model folder is laid out as transformers does it, plus

    medusa_heads.safetensors   engine.heads
    verifrag.json              engine.card: number of heads, window, draft tree, training record

A folder without these two is an ordinary model: it is served without heads. Only safetensors are read;
nothing is unpickled and no code from a model folder is run.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from engine import backbone as backbones
from engine import heads as medusa
from engine import tokenizer as tokenizers
from engine.api import EngineError
from engine.card import CARD_FILE, Card, ordinary_card, read_card, sight, write_card
from engine.heads import HEADS_FILE, MedusaHeads
from engine.tokenizer import FragmentTokenizer, TextTokenizer

if TYPE_CHECKING:
    from engine.compiled import CompiledStep
    from engine.graph import GraphStep

__all__ = [
    "CARD_FILE",
    "HEADS_FILE",
    "Card",
    "MedusaHeads",
    "MedusaModel",
    "choose_threads",
    "load",
    "load_ours",
    "read_card",
    "save",
]

SMALL = 50e6  # parameters


class MedusaModel(nn.Module):
    """Backbone, heads and tokenizer of one model folder.

    A decoder asks it for `hidden`, `logits` and `head_logits` only. An encoder-decoder would have its
    decoder answer these, and take the prompt into its encoder where `engine.passes` reads it.
    """

    def __init__(
        self,
        backbone: PreTrainedModel,
        heads: MedusaHeads,
        tokenizer: TextTokenizer,
        card: Card,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = heads
        self.tokenizer = tokenizer
        self.card = card
        self.compiled: CompiledStep | GraphStep | None = None  # see engine.compiled

    @property
    def device(self) -> torch.device:
        return self.heads.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.heads.weight.dtype

    @property
    def depth(self) -> int:
        """Layers of the backbone."""
        return self.backbone.config.num_hidden_layers

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.parameters())

    def hidden(self, ids: Tensor, **kwargs: Any) -> Tensor:
        """ids [B, T] -> the backbone's last hidden states [B, T, d]; kwargs go to its body."""
        return self.backbone.base_model(input_ids=ids, **kwargs).last_hidden_state

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden [..., d] -> the backbone's logits [..., V]."""
        return self.backbone.get_output_embeddings()(hidden)

    def head_logits(self, states: Tensor) -> Tensor:
        """States of the first heads [..., h, d] -> their logits [..., h, V]."""
        own = self.heads.unembedding
        if own is None:
            return self.logits(states)
        return torch.einsum("...hd,hvd->...hv", states, own[: states.shape[-2]])


def choose_threads(model: MedusaModel) -> None:
    """Set this process's threads. A small model gains nothing from a second one, and loses much when
    another process keeps that one waiting: every product waits for its slowest part."""
    small = model.parameter_count() < SMALL
    torch.set_num_threads(1 if small else max(1, os.cpu_count() or 1))


def load(
    name: str | Path,
    device: torch.device | str | None = None,
    dtype: torch.dtype | str | None = None,
) -> MedusaModel:
    """Load a model folder, or a hub name, which is downloaded to the hub's own cache first.

    Device and dtype are chosen by `engine.backbone` from what the machine has unless they are given, here
    or in the environment. Raises EngineError with what to do.
    """
    folder = backbones.find(name)
    device = backbones.choose_device(device)
    dtype = backbones.choose_dtype(dtype, device, folder)
    ours = (folder / CARD_FILE).exists() or (folder / HEADS_FILE).exists()
    card = read_card(folder) if ours else None
    tokenizer = tokenizers.load_any(folder)
    backbone = backbones.load(folder, dtype)
    card = card or ordinary_card(Path(name).name or folder.resolve().name, backbone.config)
    vocabulary, hidden = backbone.get_output_embeddings().weight.shape
    heads = medusa.load(folder, card.heads, hidden, vocabulary)
    _check_fit(folder, card, tokenizer, backbone)
    model = MedusaModel(backbone, heads.to(dtype), tokenizer, card)
    model = model.to(device).eval().requires_grad_(False)
    backbones.probe(folder, model.backbone, model.logits)
    return model


def load_ours(name: str | Path) -> MedusaModel:
    """`load`, for who needs [FRAG] and our markers; raises EngineError for a model without them."""
    model = load(name)
    if not isinstance(model.tokenizer, FragmentTokenizer):
        raise EngineError(
            f"{name} has no [FRAG] token: make it a model of Verifrag's first (python -m "
            f"trainer.dataset --tokenizer {name}, then python -m trainer.finetune --init {name})"
        )
    return model


def _check_fit(
    folder: Path, card: Card, tokenizer: TextTokenizer, backbone: PreTrainedModel
) -> None:
    rows = backbone.get_input_embeddings().num_embeddings
    if tokenizer.highest >= rows:
        raise EngineError(
            f"the tokenizer in {folder} has tokens up to {tokenizer.highest}, but the model embeds only "
            f"{rows}: they do not belong together"
        )
    if card.window > sight(backbone.config):
        raise EngineError(
            f"{folder / CARD_FILE} has a window of {card.window} tokens, but the model sees "
            f"{sight(backbone.config)}"
        )
    ranks = max((rank for path in card.tree for rank in path), default=0)
    if ranks >= rows:
        raise EngineError(
            f"{folder / CARD_FILE} is damaged: its tree has rank {ranks}, the vocabulary {rows} entries"
        )


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
    # Weights that are tied stay one tensor, or they would be written twice.
    weights = model.backbone.state_dict()
    stored = {weight.data_ptr(): weight.to(torch.bfloat16) for weight in weights.values()}
    tensors = {name: stored[weight.data_ptr()] for name, weight in weights.items()}
    model.backbone.save_pretrained(folder, state_dict=tensors)
    model.backbone.config.dtype = torch.bfloat16
    model.backbone.config.save_pretrained(folder)
    medusa.save(model.heads, folder)
    model.tokenizer.save(folder)
    write_card(model.card, folder)
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
