"""The model a run starts with: a new one, or one from a folder, with the heads and tokens it lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import peft
import torch
from transformers import AutoConfig, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from engine import backbone as backbones
from engine import model as models
from engine.api import EngineError
from engine.model import CARD_FILE, Card, MedusaHeads, MedusaModel
from engine.tokenizer import FragmentTokenizer
from trainer import vocabulary
from trainer.finetune.config import Config
from trainer.finetune.grow import grow


def build(config: Config, tokenizer: FragmentTokenizer, length: int) -> MedusaModel:
    """A model from scratch, with zero-initialised heads."""
    backbone = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=tokenizer.size,
            hidden_size=config.hidden,
            num_hidden_layers=config.layers,
            num_attention_heads=config.attention_heads,
            num_key_value_heads=config.kv_heads,
            head_dim=config.hidden // config.attention_heads,
            intermediate_size=config.inner,
            max_position_embeddings=length,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad,
            bos_token_id=tokenizer.start,
            eos_token_id=tokenizer.end,
            attn_implementation="sdpa",
        )
    )
    heads, card = _new_heads(config, backbone, length)
    return MedusaModel(backbone, heads, tokenizer, card)


def go_on(config: Config, tokenizer: FragmentTokenizer, length: int) -> MedusaModel:
    """The model in the folder `config.init`, ready to be trained on rows of `length`.

    A folder without verifrag.json is an ordinary model of transformers: rows are added to its embedding
    for the markers that its tokenizer lacks. Heads are added, or dropped, as the method wants. Raises
    EngineError if the folder cannot be read or the data was encoded with another vocabulary.
    """
    folder = Path(config.init)
    if vocabulary.adopt(folder).backend.get_vocab() != tokenizer.backend.get_vocab():
        raise EngineError(
            f"{folder} has another vocabulary than the data: build the data set with its tokenizer "
            f"(python -m trainer.dataset --tokenizer {folder})"
        )
    if (folder / CARD_FILE).exists():
        model = models.load(folder, torch.device("cpu"), torch.float32)
    else:
        model = _ordinary(folder, tokenizer, config)
    if config.grow_layers or config.grow_kv_heads:
        model.backbone = grow(model.backbone, config.grow_layers, config.grow_kv_heads)
    if (config.method == "ntp") != (model.heads.count == 0):
        model.heads, card = _new_heads(config, model.backbone, length)
        model.card.heads, model.card.tree, model.card.nodes = card.heads, card.tree, 0
    elif config.own_unembedding and model.heads.unembedding is None:
        model.heads.own_unembedding(model.backbone.get_output_embeddings().weight)
    model.tokenizer = tokenizer
    model.card.name = config.name
    model.card.window = max(model.card.window, length)
    shape = model.backbone.config
    shape.max_position_embeddings = max(shape.max_position_embeddings, length)
    return model.requires_grad_(True).train()


def shaped_like_init(config: Config) -> Config:
    """`config` with the shape of the model it goes on from, so that the record of the run is true."""
    folder = Path(config.init)
    count = models.read_card(folder).heads if (folder / CARD_FILE).exists() else 0
    shape = _read_shape(folder)
    return replace(
        config,
        layers=config.grow_layers or shape.num_hidden_layers,
        hidden=shape.hidden_size,
        attention_heads=shape.num_attention_heads,
        kv_heads=config.grow_kv_heads or shape.num_key_value_heads,
        inner=shape.intermediate_size,
        heads=0 if config.method == "ntp" else count or config.heads,
    )


# --- adapters ------------------------------------------------------------------------------------


def adapt(model: MedusaModel, config: Config) -> peft.LoraModel:
    """Put LoRA adapters on every linear layer of the backbone, as paper 1 has them: alpha half of the
    rank, dropout 0.05. Of the rest only the heads and the embeddings of the markers are trained."""
    lora = peft.LoraConfig(
        r=config.lora,
        lora_alpha=max(1, config.lora // 2),
        lora_dropout=0.05,
        target_modules="all-linear",
        trainable_token_indices=sorted(model.tokenizer.special_ids),
    )
    return peft.LoraModel(model.backbone, lora, "default")


def merge(model: MedusaModel, adapters: peft.LoraModel) -> None:
    """Add the adapters into the weights they adapt, in float32, and remove them."""
    model.float()
    model.backbone = adapters.merge_and_unload()


# --- parts ---------------------------------------------------------------------------------------


def _new_heads(config: Config, backbone: PreTrainedModel, window: int) -> tuple[MedusaHeads, Card]:
    """Zero-initialised heads as the method wants them, and a card whose tree is a chain."""
    count = 0 if config.method == "ntp" else config.heads
    tree = [[0] * depth for depth in range(1, count + 1)]
    heads = MedusaHeads(count, backbone.config.hidden_size)
    if config.own_unembedding and count:
        heads.own_unembedding(backbone.get_output_embeddings().weight)
    return heads, Card(config.name, count, window, tree)


def _ordinary(folder: Path, tokenizer: FragmentTokenizer, config: Config) -> MedusaModel:
    """A causal language model of transformers that has never been ours."""
    backbone = backbones.load(folder, torch.float32)
    if tokenizer.size > backbone.get_input_embeddings().num_embeddings:
        backbone.resize_token_embeddings(tokenizer.size)
    backbone.config.pad_token_id = tokenizer.pad
    backbone.config.bos_token_id = tokenizer.start
    backbone.config.eos_token_id = tokenizer.end
    heads, card = _new_heads(config, backbone, 0)
    return MedusaModel(backbone, heads, tokenizer, card)


def _read_shape(folder: Path) -> LlamaConfig:
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError) as error:
        raise EngineError(f"{folder} is not a model folder: {error}") from error
