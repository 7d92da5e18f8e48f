"""Muon for the backbone's matrices and AdamW for the rest, on float32 masters of a bfloat16 model.

The model computes in bfloat16 without autocast, whose casts cost a sixth of a step on a CPU. Gradients
are summed over micro batches in float32, and updates too small for bfloat16 are not lost.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.model import MedusaModel
from trainer.finetune.config import Config

BETAS = (0.9, 0.95)
EPS = 1e-10


class Optimizer:
    """Masters of the weights that `config` trains; turns all parameters of the model to bfloat16.

    The heads have their own learning rate; only the backbone's matrices decay, without its embedding.
    """

    def __init__(self, model: MedusaModel, config: Config) -> None:
        self.config = config
        self.weights = trained_weights(model, config)
        self.masters = {n: p.detach().clone().float() for n, p in self.weights.items()}
        for parameter in model.parameters():  # not the buffers: rotary frequencies stay exact
            parameter.data = parameter.data.to(torch.bfloat16)
        groups: dict[str, list[Tensor]] = {"matrix": [], "other": [], "head": []}
        for name, master in self.masters.items():
            groups[_kind(name, master)].append(master)
        adam = [_group("other", groups["other"]), _group("head", groups["head"])]
        matrices = {**_group("matrix", groups["matrix"]), "weight_decay": config.weight_decay}
        self.algorithms: list[torch.optim.Optimizer] = []
        if config.optimizer == "muon":
            # With this adjustment AdamW's learning rate and decay serve Muon too (arXiv 2502.16982).
            muon = torch.optim.Muon([matrices], adjust_lr_fn="match_rms_adamw")
            self.algorithms.append(muon)
        else:
            adam.append(matrices)
        self.algorithms.append(
            torch.optim.AdamW(adam, betas=BETAS, eps=EPS, weight_decay=0.0, fused=True)
        )

    @torch.no_grad()
    def accumulate(self) -> None:
        """Add the gradients that the model holds to the masters', and take them off the model."""
        for name, weight in self.weights.items():
            if weight.grad is None:
                continue
            master = self.masters[name]
            if master.grad is None:
                master.grad = weight.grad.float()
            else:
                master.grad += weight.grad
            weight.grad = None

    @torch.no_grad()
    def step(self, rate: float, head_rate: float | None = None) -> Tensor:
        """Apply the gradients at `rate` times the base rate; returns their norm before clipping.

        `head_rate` is the heads' share of their own rate, if it is not `rate`.
        """
        self.accumulate()
        norm = nn.utils.clip_grad_norm_(self.masters.values(), self.config.clip)
        for algorithm in self.algorithms:
            for group in algorithm.param_groups:
                if group["kind"] == "head":
                    share = rate if head_rate is None else head_rate
                    group["lr"] = self.config.lr * self.config.head_lr_factor * share
                else:
                    group["lr"] = self.config.lr * rate
            algorithm.step()
            algorithm.zero_grad()
        self.write_back()
        return norm

    @torch.no_grad()
    def write_back(self) -> None:
        """Round the masters into the model's weights."""
        for name, weight in self.weights.items():
            weight.copy_(self.masters[name])

    def state(self) -> dict[str, Tensor]:
        """Masters and moments by name: all that `restore` needs."""
        tensors = {f"master/{name}": master for name, master in self.masters.items()}
        for algorithm in self.algorithms:
            for name, master in self.masters.items():
                for key, value in algorithm.state.get(master, {}).items():
                    tensors[f"{key}/{name}"] = value
        return tensors

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from `state`."""
        owner = {
            id(master): algorithm
            for algorithm in self.algorithms
            for group in algorithm.param_groups
            for master in group["params"]
        }
        for key, value in tensors.items():
            part, _, name = key.partition("/")
            master = self.masters[name]
            if part == "master":
                master.copy_(value)
            else:
                owner[id(master)].state[master][part] = value.to(master.device)
        self.write_back()


def trained_weights(model: MedusaModel, config: Config) -> dict[str, nn.Parameter]:
    """The parameters a run changes: all, or heads alone, or heads and the adapters of `--lora`."""

    def trained(name: str) -> bool:
        if name.startswith("heads."):
            return True
        if config.freeze and config.head_start == 0:
            return False
        return not config.lora or "lora_" in name or "trainable_tokens" in name

    return {name: p for name, p in model.named_parameters() if p.numel() and trained(name)}


def _kind(name: str, master: Tensor) -> str:
    if name.startswith("heads."):
        return "head"
    vocabulary = "embed" in name or "lm_head" in name
    return "matrix" if master.dim() == 2 and not vocabulary else "other"


def _group(kind: str, tensors: list[Tensor]) -> dict[str, object]:
    return {"params": tensors, "kind": kind}
