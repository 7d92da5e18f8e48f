"""Train backbone and Medusa heads on packed rows: `python -m trainer.finetune DATA OUT`.

    --method fragment   heads with syntax-enriched labels (paper 1, III-C)
    --method medusa     heads with plain shifted labels
    --method ntp        no heads

The loss is eq. 2 of paper 1: gamma 0.8, lambda growing along a sine from 0 to 0.2, the heads at four
times the base learning rate and, since ten heads everywhere would cost three times the backbone, on a
sample of the positions. Weights are bfloat16 with float32 masters in AdamW.

RUN keeps config.json, log.jsonl and a checkpoint that is renewed every few minutes; the same command
goes on where a stopped run left off. At the end the model is measured on held-out rows, its draft tree
is grown from what the heads got right, and the model folder OUT is written.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm
from transformers import AutoConfig, LlamaConfig, LlamaForCausalLM

from engine import model as models
from engine import tokenizer as tokenizers
from engine import tree
from engine.api import EngineError
from engine.model import Card, MedusaHeads, MedusaModel
from engine.tokenizer import FragmentTokenizer
from trainer import dataset, loss
from trainer.evaluate import evaluate

CHECKPOINT_SECONDS = 240
HELD_OUT_ROWS = 256


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run computes; kept with the run."""

    method: str = "fragment"
    name: str = "verifrag"
    layers: int = 6
    hidden: int = 320
    attention_heads: int = 5
    kv_heads: int = 1
    inner: int = 896
    heads: int = 10
    steps: int = 2000
    rows: int = 32  # a step
    micro_rows: int = 16  # at once
    lr: float = 2e-3
    head_lr_factor: float = 4.0
    weight_decay: float = 0.1
    warmup: int = 60  # steps
    warmdown: float = 0.6  # share of the steps, at the end, over which the rate falls linearly
    gamma: float = 0.8
    head_weight: float = 0.2
    head_positions: float = 0.15  # share of the tokens on which heads are trained
    clip: float = 1.0
    tree_nodes: int = 16
    seed: int = 1
    init: str = ""  # model folder to go on from; its shape counts

    def rate(self, step: int) -> float:
        """Learning rate of a step as a share of `lr`."""
        left = (self.steps - step) / max(1.0, self.steps * self.warmdown)
        return min((step + 1) / self.warmup, 1.0, 0.05 + 0.95 * max(0.0, left))


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
    count = 0 if config.method == "ntp" else config.heads
    card = Card(config.name, count, length, [[0] * depth for depth in range(1, count + 1)])
    return MedusaModel(backbone, MedusaHeads(count, config.hidden), tokenizer, card)


def shaped_like(config: Config, folder: Path) -> Config:
    """`config` with the shape of the model in `folder`, so that a run's record is true."""
    heads = models.read_card(folder).heads  # first: it says clearly what is wrong with a folder
    shape = AutoConfig.from_pretrained(folder)
    return replace(
        config,
        layers=shape.num_hidden_layers,
        hidden=shape.hidden_size,
        attention_heads=shape.num_attention_heads,
        kv_heads=shape.num_key_value_heads,
        inner=shape.intermediate_size,
        heads=heads,
    )


def start_from(folder: Path, tokenizer: FragmentTokenizer, config: Config) -> MedusaModel:
    """A trained model to go on with. Raises EngineError if its vocabulary is not that of the data."""
    model = models.load(folder, dtype=torch.float32)
    if model.tokenizer.backend.to_str() != tokenizer.backend.to_str():
        raise EngineError(
            f"{folder} has another vocabulary than the data: build the data set with it"
        )
    model.card.name = config.name
    return model.requires_grad_(True).train()


class Optimizer:
    """AdamW on float32 masters of a bfloat16 model, in three groups: matrices, vectors, heads."""

    def __init__(self, model: MedusaModel, config: Config) -> None:
        self.config = config
        self.weights = {n: p for n, p in model.named_parameters() if p.numel()}
        self.masters = {n: p.detach().clone().float() for n, p in self.weights.items()}
        model.to(torch.bfloat16)
        groups: dict[str, list[Tensor]] = {"matrix": [], "vector": [], "head": []}
        for name, master in self.masters.items():
            kind = (
                "head" if name.startswith("heads.") else "matrix" if master.dim() > 1 else "vector"
            )
            groups[kind].append(master)
        factor = {"matrix": 1.0, "vector": 1.0, "head": config.head_lr_factor}
        self.adam = torch.optim.AdamW(
            [
                {
                    "params": tensors,
                    "factor": factor[kind],
                    "weight_decay": config.weight_decay if kind == "matrix" else 0.0,
                }
                for kind, tensors in groups.items()
            ],
            betas=(0.9, 0.95),
            eps=1e-10,
        )

    @torch.no_grad()
    def step(self, rate: float) -> float:
        """Apply the gradients the model holds; returns their norm before clipping."""
        for name, parameter in self.weights.items():
            self.masters[name].grad = None if parameter.grad is None else parameter.grad.float()
            parameter.grad = None
        norm = torch.nn.utils.clip_grad_norm_(self.masters.values(), self.config.clip).item()
        for group in self.adam.param_groups:
            group["lr"] = self.config.lr * group["factor"] * rate
        self.adam.step()
        self.write_back()
        return norm

    @torch.no_grad()
    def write_back(self) -> None:
        """Round the masters into the model's weights."""
        for name, parameter in self.weights.items():
            parameter.copy_(self.masters[name])

    def save(self, path: Path, step: int) -> None:
        """Masters and moments in one safetensors file, replaced atomically."""
        tensors = {}
        for name, master in self.masters.items():
            state = self.adam.state[master]
            tensors[f"master/{name}"] = master
            tensors[f"exp_avg/{name}"] = state["exp_avg"]
            tensors[f"exp_avg_sq/{name}"] = state["exp_avg_sq"]
        temporary = path.with_suffix(".partial")
        save_file(tensors, temporary, metadata={"step": str(step)})
        temporary.replace(path)

    @torch.no_grad()
    def restore(self, path: Path) -> int:
        """Continue from `save`; returns the number of steps done."""
        with safe_open(path, "pt") as file:
            step = int(file.metadata()["step"])
            for name, master in self.masters.items():
                master.copy_(file.get_tensor(f"master/{name}"))
                self.adam.state[master] = {
                    "step": torch.tensor(float(step)),
                    "exp_avg": file.get_tensor(f"exp_avg/{name}").to(master.device),
                    "exp_avg_sq": file.get_tensor(f"exp_avg_sq/{name}").to(master.device),
                }
        self.write_back()
        return step


def batch_rows(rows: Tensor, step: int, config: Config) -> Tensor:
    """Rows of one step: each epoch is a permutation seeded by its number, so a resumed run agrees."""
    per_epoch = max(1, len(rows) // config.rows)
    epoch, index = divmod(step, per_epoch)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(config.seed + epoch))
    return rows[order[index * config.rows : (index + 1) * config.rows]]


def train(
    model: MedusaModel, rows: Tensor, config: Config, run: Path, stop_at: float, compiled: bool
) -> bool:
    """Train until `config.steps` or the clock reaches `stop_at`; True if all steps are done.

    Raises FloatingPointError, naming the step, when a loss is not finite; the checkpoint before it stays.
    """
    optimizer = Optimizer(model, config)
    checkpoint = run / "checkpoint.safetensors"
    first = optimizer.restore(checkpoint) if checkpoint.exists() else 0
    heads = model.heads.count
    enriched = config.method == "fragment"

    def objective(batch: loss.Batch, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        base, each = loss.losses(model, batch)
        return loss.combine(base, each, weight, config.gamma), base.detach(), each.detach()

    step_function = torch.compile(objective, dynamic=False) if compiled else objective
    saved = time.monotonic()
    micro = config.rows // config.micro_rows
    positions = int(config.head_positions * config.micro_rows * rows.shape[1])
    bar = tqdm(range(first, config.steps), initial=first, total=config.steps, unit="step")
    log_file = run / "log.jsonl"
    if log_file.exists():  # steps after the checkpoint were lost, and will be logged again
        kept = log_file.read_text(encoding="utf-8").splitlines(keepends=True)[:first]
        log_file.write_text("".join(kept), encoding="utf-8")
    with log_file.open("a", encoding="utf-8") as log:
        for step in bar:
            began = time.monotonic()
            generator = torch.Generator().manual_seed(config.seed * 100_003 + step)
            weight = loss.head_weight(step / config.steps, config.head_weight)
            weight = torch.tensor(weight, device=model.device)
            totals = torch.zeros(2)
            for part in batch_rows(rows, step, config).split(config.micro_rows):
                batch = loss.prepare(part, model.tokenizer, heads, enriched, positions, generator)
                batch = loss.Batch(*(x.to(model.device) for x in batch))
                total, base, each = step_function(batch, weight)
                (total / micro).backward()
                totals += torch.tensor([base.item(), each.mean().item() if heads else 0.0]) / micro
            if not torch.isfinite(totals).all():
                raise FloatingPointError(
                    f"loss is {totals.tolist()} at step {step} (seed {config.seed})"
                )
            norm = optimizer.step(config.rate(step))
            record = {
                "step": step + 1,
                "base_loss": round(totals[0].item(), 4),
                "head_loss": round(totals[1].item(), 4),
                "norm": round(norm, 3),
                "tokens_per_second": round(
                    config.rows * rows.shape[1] / (time.monotonic() - began)
                ),
            }
            log.write(json.dumps(record) + "\n")
            log.flush()
            bar.set_postfix(loss=record["base_loss"], heads=record["head_loss"])
            out_of_time = time.monotonic() >= stop_at
            if time.monotonic() - saved > CHECKPOINT_SECONDS or out_of_time:
                optimizer.save(checkpoint, step + 1)
                saved = time.monotonic()
            if out_of_time and step + 1 < config.steps:
                return False
    optimizer.save(checkpoint, config.steps)
    return True


def finish(model: MedusaModel, data: Path, config: Config, out: Path) -> None:
    """Measure, grow the draft tree, and write the model folder."""
    model.requires_grad_(False).eval()
    held_out = dataset.load_rows(data, "held_out")[:HELD_OUT_ROWS]
    figures = evaluate(model, held_out, config.method == "fragment")
    if model.heads.count:
        model.card.tree = [list(path) for path in tree.grow(figures.hit_rate, config.tree_nodes)]
    model.card.training = {"config": asdict(config), "held_out": asdict(figures)}
    models.save(model, out)
    print(f"wrote {out}: held-out loss {figures.base_loss:.3f} nats a token")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.finetune", description=__doc__.split("\n")[0]
    )
    parser.add_argument("data", type=Path, help="folder that trainer.dataset wrote")
    parser.add_argument("out", type=Path, help="model folder to write; must not exist")
    parser.add_argument("--run", type=Path, default=Path("runs/finetune"))
    parser.add_argument("--minutes", type=float, default=1e6, help="stop cleanly after this long")
    parser.add_argument("--no-compile", action="store_true", help="eager: slower, starts at once")
    for option in fields(Config):
        flag = "--" + option.name.replace("_", "-")
        choices = ("fragment", "medusa", "ntp") if option.name == "method" else None
        kind = type(option.default)
        parser.add_argument(flag, type=kind, default=option.default, choices=choices)
    args = parser.parse_args(argv)
    if args.out.exists():
        parser.error(f"{args.out} exists already: choose another folder")
    config = Config(**{option.name: getattr(args, option.name) for option in fields(Config)})
    if config.rows % config.micro_rows:
        parser.error("--rows must be a multiple of --micro-rows")
    args.run.mkdir(parents=True, exist_ok=True)
    if config.init:
        config = shaped_like(config, Path(config.init))
    kept = args.run / "config.json"
    if kept.exists() and json.loads(kept.read_text()) != asdict(config):
        parser.error(f"{kept} holds another configuration: give another --run, or the same options")
    kept.write_text(json.dumps(asdict(config), indent=1) + "\n")
    command = shlex.join(["python", "-m", "trainer.finetune", *(argv or sys.argv[1:])])
    (args.run / "command.txt").write_text(command + "\n")

    stop_at = time.monotonic() + 60 * args.minutes
    tokenizer = tokenizers.load(args.data)
    rows = dataset.load_rows(args.data, "train")
    torch.manual_seed(config.seed)
    model = (
        start_from(Path(config.init), tokenizer, config)
        if config.init
        else build(config, tokenizer, rows.shape[1])
    )
    model.to(models.choose_device())
    print(
        f"{model.parameter_count() / 1e6:.1f}M parameters, {rows.numel() / 1e6:.1f}M tokens of data"
    )
    try:
        done = train(model, rows, config, args.run, stop_at, not args.no_compile)
    except KeyboardInterrupt:
        print("interrupted: start the same command again to go on from the last checkpoint")
        return 130
    if not done:
        print("out of time: start the same command again to go on")
        return 3
    finish(model, args.data, config, args.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
