"""What a run computes: one typed record, kept in the run's folder and in the model it makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

Method = Literal["fragment", "medusa", "ntp"]


@dataclass(frozen=True)
class Config:
    """The options of `python -m trainer.finetune`: every field is a flag, with its help beside the type.

    Raises ValueError where options contradict each other.
    """

    method: Annotated[Method, "labels of the heads; ntp: no heads"] = "fragment"
    name: Annotated[str, "of the model"] = "verifrag"
    init: Annotated[str, "model folder to go on from; its shape counts"] = ""
    grow_layers: Annotated[int, "deepen the model of --init to so many layers"] = 0
    grow_kv_heads: Annotated[int, "give the model of --init so many heads of keys and values"] = 0
    layers: Annotated[int, "of a model from scratch, as the next four"] = 6
    hidden: Annotated[int, "width"] = 320
    attention_heads: Annotated[int, "of queries"] = 5
    kv_heads: Annotated[int, "of keys and values"] = 1
    inner: Annotated[int, "width of the feed-forward layers"] = 896
    heads: Annotated[int, "Medusa heads of a model that has none yet"] = 10
    own_unembedding: Annotated[
        bool, "give each head its own, as the papers have it, which begins as the backbone's"
    ] = False
    steps: Annotated[int, "in all, stopped and resumed runs together"] = 2000
    rows: Annotated[int, "a step, over all processes"] = 32
    micro_rows: Annotated[int, "at once, in one process"] = 16
    lr: Annotated[float, "peak rate of the backbone"] = 2e-3
    head_lr_factor: Annotated[float, "times lr for the heads"] = 4.0
    warmup: Annotated[int, "steps; the heads have their own when they come in"] = 60
    warmdown: Annotated[float, "share of the steps, at the end, over which the rate falls"] = 0.6
    optimizer: Annotated[
        Literal["muon", "adamw"], "of the backbone's matrices; the rest is always AdamW's"
    ] = "muon"
    weight_decay: Annotated[float, "on the backbone's matrices"] = 0.1
    clip: Annotated[float, "largest norm of the gradient"] = 1.0
    heads_from: Annotated[float, "share of the steps after which heads are trained"] = 0.0
    head_positions: Annotated[float, "share of the tokens on which heads are trained"] = 0.15
    head_weight: Annotated[float, "lambda of eq. 2 at its end"] = 0.2
    gamma: Annotated[float, "decay of eq. 2 from head to head"] = 0.8
    freeze: Annotated[bool, "once heads are trained, leave the backbone as it is (Medusa-1)"] = (
        False
    )
    lora: Annotated[int, "rank of the backbone's adapters; 0: train it all"] = 0
    tree_nodes: Annotated[int, "of the draft tree, its root included"] = 16
    seed: Annotated[int, "of weights, order and draws"] = 1

    def __post_init__(self) -> None:
        if min(self.steps, self.rows, self.micro_rows, self.warmup) < 1:
            raise ValueError("--steps, --rows, --micro-rows and --warmup are at least 1")
        if self.rows % self.micro_rows:
            raise ValueError("--rows must be a multiple of --micro-rows")
        if not 0 <= self.heads_from < 1:
            raise ValueError("--heads-from is a share of the steps: at least 0, less than 1")
        if not 0 < self.head_positions <= 1:
            raise ValueError("--head-positions is a share of the tokens: more than 0, at most 1")
        if self.freeze and self.method == "ntp":
            raise ValueError("--freeze leaves nothing to train with --method ntp")
        if self.lora and not self.init:
            raise ValueError("--lora adapts a model: name it with --init")
        if (self.grow_layers or self.grow_kv_heads) and not self.init:
            raise ValueError("--grow-... enlarges a model: name it with --init")

    @property
    def head_start(self) -> int:
        """The first step on which heads are trained."""
        return self.steps if self.method == "ntp" else round(self.heads_from * self.steps)

    def rate(self, step: int, since: int = 0) -> float:
        """Learning rate of a step as a share of `lr`, for what is trained from step `since` on."""
        left = (self.steps - step) / max(1.0, self.steps * self.warmdown)
        return min((step - since + 1) / self.warmup, 1.0, 0.05 + 0.95 * max(0.0, left))

    def head_rate(self, step: int) -> float:
        """`rate` of the heads, which warm up when they come in; 0 before."""
        return max(0.0, self.rate(step, self.head_start))

    def head_progress(self, step: int) -> float:
        """How far the heads' part of the run has come, in [0, 1]."""
        return (step - self.head_start) / max(1, self.steps - self.head_start)
