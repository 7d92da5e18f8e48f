"""A model small enough to build in a test: random weights, random heads, a vocabulary from a few lines."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engine import answer, decoding
from engine.api import DecodingOptions
from engine.model import MedusaModel
from engine.tokenizer import FragmentTokenizer
from trainer import vocabulary
from trainer.finetune import Config, build

VERILOG = """module counter #(parameter WIDTH = 8) (
    input  wire clk,
    input  wire rst_n,
    output reg  [WIDTH-1:0] count
);
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n)
            count <= {WIDTH{1'b0}};
        else
            count <= count + 1'b1;
    end
endmodule
"""


def tiny_tokenizer() -> FragmentTokenizer:
    return vocabulary.train([VERILOG] * 4, size=320)


def tiny_model(heads: int = 4, window: int = 256, seed: int = 0) -> MedusaModel:
    """float32, on the CPU. The unembedding is random rather than tied, or the model would only repeat
    itself, and [FRAG] is made likely enough for fragments to end."""
    torch.manual_seed(seed)
    tokenizer = tiny_tokenizer()
    config = Config(layers=2, hidden=64, attention_heads=2, kv_heads=1, inner=96, heads=heads)
    model = build(config, tokenizer, window)
    model.backbone.lm_head.weight = torch.nn.Parameter(torch.randn(tokenizer.size, 64) * 0.3)
    model.backbone.config.tie_word_embeddings = False
    with torch.no_grad():
        model.heads.weight.normal_(std=0.02)
        model.backbone.lm_head.weight[tokenizer.frag] *= 3
    # Several guesses a head, so that the random model's drafts are accepted now and then.
    paths = [[a] for a in range(8)] + [[a, b] for a in range(4) for b in range(4)]
    model.card.tree = [*paths, [0, 0, 0], [0, 1, 0], [1, 0, 0]][: 8 + 16 + (3 if heads > 2 else 0)]
    return model.eval().requires_grad_(False)


def plain_greedy(model: MedusaModel, ids: list[int], tokens: int) -> str:
    """What transformers' own greedy generation says, cut at its last complete fragment."""
    out = model.backbone.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids)),
        max_new_tokens=tokens,
        do_sample=False,
        pad_token_id=model.tokenizer.pad,
        eos_token_id=model.tokenizer.end,
    )[0, len(ids) :].tolist()
    ends = [i for i, t in enumerate(out) if t in (model.tokenizer.frag, model.tokenizer.end)]
    return model.tokenizer.decode(out[: ends[-1]]) if ends else ""


def accepted_by_step(
    model: MedusaModel, ids: list[int], monkeypatch: pytest.MonkeyPatch, **options: Any
) -> list[list[int]]:
    """Token ids, [FRAG] included, that each step of a completion added."""
    steps: list[list[int]] = []
    read = answer._Reader.read
    with monkeypatch.context() as patch:
        patch.setattr(
            answer._Reader, "read", lambda self, new: steps.append(new) or read(self, new)
        )
        decoding.complete(model, ids, DecodingOptions(**options))
    return steps
