"""Models that are not ours, small enough to build in a test: folders as transformers' save_pretrained
leaves them, one for each family, with a tokenizer in the style of that family."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from tiny_model import VERILOG
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

SHAPE = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "intermediate_size": 96,
    "max_position_embeddings": 512,
}
PIECES = Regex(r" ?[A-Za-z_]+| ?[0-9]| ?[^\sA-Za-z0-9_]+|\s+")


# --- tokenizers ----------------------------------------------------------------------------------


def sentencepiece(specials: tuple[str, ...] = ()) -> Tokenizer:
    """As converted from Llama's: a blank before the text, bytes for what is not in the vocabulary."""
    learned = Tokenizer(models.BPE())
    learned.normalizer = normalizers.Replace(" ", "▁")
    learned.pre_tokenizer = pre_tokenizers.Split(Regex("▁?[^▁]+|▁"), "isolated")
    trainer = trainers.BpeTrainer(vocab_size=150, show_progress=False)
    learned.train_from_iterator([VERILOG] * 4, trainer)
    model = json.loads(learned.to_str())["model"]
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *model["vocab"]]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={name: i for i, name in enumerate(names)},
            merges=[tuple(pair) for pair in model["merges"]],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.add_special_tokens(
        [AddedToken(name, normalized=False) for name in ("<unk>", "<s>", "</s>", *specials)]
    )
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


def code_llama() -> Tokenizer:
    return sentencepiece(("▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"))


def byte_level(end: str, holes: tuple[str, ...]) -> Tokenizer:
    """As GPT-2's, with the markers of a hole as added tokens that are not special."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(PIECES, "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([VERILOG] * 4, trainer)
    tokenizer.add_special_tokens([AddedToken(end, normalized=False)])
    tokenizer.add_tokens([AddedToken(name, normalized=False) for name in holes])
    return tokenizer


def qwen() -> Tokenizer:
    return byte_level("<|endoftext|>", ("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"))


def deepseek() -> Tokenizer:
    holes = ("<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>", "<｜begin▁of▁sentence｜>")
    tokenizer = byte_level("<｜end▁of▁sentence｜>", holes)
    start = ("<｜begin▁of▁sentence｜>", tokenizer.token_to_id("<｜begin▁of▁sentence｜>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        f"{start[0]} $A", special_tokens=[start]
    )
    return tokenizer


# --- models --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Family:
    """How to build a tiny model of a family; `end` is its token at the end of a text."""

    tokenizer: Callable[[], Tokenizer]
    end: str
    model: type[PreTrainedModel]
    config: type[LlamaConfig]
    heads: int = 4
    kv_heads: int = 4
    tied: bool = False

    def folder(self, parent: Path) -> Path:
        """A folder as save_pretrained makes it, with random weights."""
        tokenizer = self.tokenizer()
        end = tokenizer.token_to_id(self.end)
        torch.manual_seed(5)
        backbone = self.model(
            self.config(
                **SHAPE,
                vocab_size=tokenizer.get_vocab_size() + 3,  # padded, as is usual
                num_attention_heads=self.heads,
                num_key_value_heads=self.kv_heads,
                tie_word_embeddings=self.tied,
                eos_token_id=end,
                initializer_range=0.2,  # or a tied model only repeats the last token
            )
        )
        folder = parent / f"tiny-{self.config.model_type}"
        backbone.eval().save_pretrained(folder)
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=self.end).save_pretrained(
            folder
        )
        return folder


FAMILIES = {
    "Llama": Family(sentencepiece, "</s>", LlamaForCausalLM, LlamaConfig),
    "CodeLlama": Family(code_llama, "</s>", LlamaForCausalLM, LlamaConfig, kv_heads=2),
    "DeepSeek-Coder": Family(
        deepseek, "<｜end▁of▁sentence｜>", LlamaForCausalLM, LlamaConfig, kv_heads=1
    ),
    "Qwen2": Family(qwen, "<|endoftext|>", Qwen2ForCausalLM, Qwen2Config, kv_heads=2, tied=True),
    "Mistral": Family(sentencepiece, "</s>", MistralForCausalLM, MistralConfig, kv_heads=1),
}
