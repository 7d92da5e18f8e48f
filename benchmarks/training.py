"""Our loop against transformers' Trainer: `python -m benchmarks.training`.

The same Llama model from scratch, the same packed rows in the same batches, next-token training with
AdamW, no heads. Both keep samples of a row apart. They take turns on one thread, and the times are CPU
time, so that what else the machine does hardly matters; each has taken two steps before (ours compiles
then). Prints tokens per second of each turn and the ratios of the medians; the Trainer runs as it comes
(float32) and with `bf16=True` (autocast).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from transformers import PreTrainedModel, PrinterCallback, Trainer, TrainingArguments
from transformers.modeling_outputs import CausalLMOutput

from engine import tokenizer as tokenizers
from engine.api import EngineError
from engine.tokenizer import FragmentTokenizer
from trainer import dataset, loss
from trainer.attention import packed
from trainer.finetune import Config, Optimizer, build
from trainer.finetune.loop import make_objective, prepare_step, train_step

Turn = Callable[[int], float]


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        tokenizer = tokenizers.load(args.data)
        rows = dataset.load_rows(args.data, "train")[: args.rows * args.steps]
    except (EngineError, OSError) as error:
        print(f"{args.data} holds no data of trainer.dataset: {error}", file=sys.stderr)
        return 1
    torch.set_num_threads(1)
    config = Config(
        method="ntp",
        optimizer="adamw",
        layers=args.layers,
        hidden=args.hidden,
        attention_heads=args.hidden // 64,
        inner=64 * round(args.hidden * 2.75 / 64),
        rows=args.rows,
        micro_rows=args.micro_rows,
        steps=1000,
    )
    turns: dict[str, Turn] = {
        "ours": ours(config, tokenizer, rows),
        "Trainer": theirs(config, tokenizer, rows, bf16=False),
        "Trainer, bf16": theirs(config, tokenizer, rows, bf16=True),
    }
    speeds: dict[str, list[float]] = {name: [] for name in turns}
    for name, turn in turns.items():
        print(f"{name}: {turn(2):.0f} tokens/s in its first two steps, not counted", flush=True)
    for _ in range(args.turns):
        for name, turn in turns.items():
            speeds[name].append(turn(args.steps))
            print(f"{name}: {speeds[name][-1]:.0f} tokens/s", flush=True)
    medians = {name: statistics.median(each) for name, each in speeds.items()}
    for name in ("Trainer", "Trainer, bf16"):
        print(f"ours is {medians['ours'] / medians[name]:.2f} times as fast as {name}")
    return 0


def ours(config: Config, tokenizer: FragmentTokenizer, rows: Tensor) -> Turn:
    """Steps of `trainer.finetune`, as its loop takes them."""
    torch.manual_seed(config.seed)
    model = build(config, tokenizer, rows.shape[1])
    optimizer = Optimizer(model, config)
    objective = make_objective(model, compiled=True)
    accelerator = Accelerator(cpu=True)

    def turn(steps: int) -> float:
        began = time.process_time()
        with packed(model.backbone):
            for step in range(steps):
                batches = prepare_step(model, rows, config, step, accelerator)
                train_step(objective, optimizer, batches, config, step, accelerator)
        return steps * config.rows * rows.shape[1] / (time.process_time() - began)

    return turn


class Packed(nn.Module):
    """What the Trainer trains: a causal language model on packed rows, with labels made beforehand."""

    def __init__(self, backbone: PreTrainedModel) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(
        self, input_ids: Tensor, position_ids: Tensor, segment: Tensor, labels: Tensor
    ) -> CausalLMOutput:
        logits = self.backbone(
            input_ids=input_ids,
            position_ids=position_ids,
            attention_mask=loss.attention_mask(segment),
            use_cache=False,
        ).logits
        value = nn.functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
        return CausalLMOutput(loss=value)


def theirs(config: Config, tokenizer: FragmentTokenizer, rows: Tensor, bf16: bool) -> Turn:
    """Steps of transformers' Trainer."""
    torch.manual_seed(config.seed)
    backbone = build(config, tokenizer, rows.shape[1]).backbone
    samples = [_sample(row, tokenizer) for row in rows]

    def turn(steps: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            trainer = _trainer(Packed(backbone), samples, config, steps, bf16, Path(folder))
            trainer.remove_callback(PrinterCallback)
            began = time.process_time()
            trainer.train()
            return steps * config.rows * rows.shape[1] / (time.process_time() - began)

    return turn


def _sample(row: Tensor, tokenizer: FragmentTokenizer) -> dict[str, Tensor]:
    batch = loss.prepare(row[None], tokenizer, 0, False, 0)
    return {
        "input_ids": row,
        "position_ids": batch.position[0],
        "segment": batch.segment[0],
        "labels": batch.base,
    }


def _trainer(
    model: nn.Module,
    samples: Sequence[dict[str, Tensor]],
    config: Config,
    steps: int,
    bf16: bool,
    folder: Path,
) -> Trainer:
    return Trainer(
        model,
        TrainingArguments(
            output_dir=str(folder),
            max_steps=steps,
            per_device_train_batch_size=config.micro_rows,
            gradient_accumulation_steps=config.rows // config.micro_rows,
            learning_rate=config.lr,
            weight_decay=config.weight_decay,
            max_grad_norm=config.clip,
            bf16=bf16,
            use_cpu=True,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            logging_strategy="no",
            remove_unused_columns=False,
            label_names=["labels"],
        ),
        train_dataset=list(samples),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training",
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("data", type=Path, help="folder that trainer.dataset wrote")
    add("--layers", type=int, default=5)
    add("--hidden", type=int, default=256)
    add("--rows", type=int, default=8, help="a step")
    add("--micro-rows", type=int, default=4, help="at once")
    add("--steps", type=int, default=3, help="of a turn")
    add("--turns", type=int, default=3)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
