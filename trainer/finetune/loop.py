"""The steps of a run, on one process or several.

What a step computes follows from the configuration, its number and the rows alone: a run that was stopped
and goes on, or that is spread over more processes (`torchrun`, `accelerate launch`), makes the same
model. Each process takes its share of a step's micro batches; gradients, already divided by the labels
of the whole step, are summed over processes in float32. (The wrapper of torch's DDP would sum them in
the weights' bfloat16, and takes heads that join late for an error.)

Losses are read from the device once in `log_every` steps, because a GPU has to be waited for each time;
then a run may also stop or write a checkpoint, and so a checkpoint is only written of finite losses.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FrameType

import torch
from accelerate import Accelerator
from torch import Tensor
from tqdm import trange

from engine.model import MedusaModel
from trainer import loss
from trainer.attention import packed
from trainer.finetune import checkpoint, journal
from trainer.finetune.config import Config
from trainer.finetune.optimizer import Optimizer

Objective = Callable[[loss.Batch, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Sitting:
    """How a run is driven, which does not change what it computes."""

    deadline: float = math.inf  # of time.monotonic
    compiled: bool = True
    log_every: int = 1
    evaluate_every: int = 200
    checkpoint_seconds: float = 240.0


@dataclass(frozen=True)
class Data:
    """Packed rows [N, T] on the device: those to train on, and those held out, by name."""

    train: Tensor
    held_out: dict[str, Tensor]


def train(
    model: MedusaModel,
    data: Data,
    config: Config,
    run: Path,
    sitting: Sitting,
    accelerator: Accelerator,
) -> bool:
    """Train until `config.steps`, the end of the sitting, Ctrl-C or SIGTERM; True if all steps are done.

    Goes on from the newest checkpoint in `run` and leaves one. Raises FloatingPointError, naming the step
    and its data, when a loss is not finite, and CheckpointError when the disk is full; the checkpoint
    before stays in both cases.
    """
    optimizer = Optimizer(model, config)
    first, tensors = checkpoint.load(run)
    optimizer.restore(tensors)
    objective = make_objective(model, sitting.compiled)
    main = accelerator.is_main_process
    log = journal.Journal(run, first, config.rows * data.train.shape[1]) if main else None
    saved = time.monotonic()
    pending: list[Tensor] = []
    done = first
    bar = trange(first, config.steps, initial=first, total=config.steps, disable=not main)
    with stop_requests() as stop, packed(model.backbone):
        for step in bar:
            if config.freeze and step >= config.head_start:
                model.backbone.requires_grad_(False)
            batches = prepare_step(model, data.train, config, step, accelerator)
            pending.append(train_step(objective, optimizer, batches, config, step, accelerator))
            done = step + 1
            if done % sitting.log_every and done < config.steps:
                continue
            values = [figures.tolist() for figures in pending]
            pending.clear()
            begin = done - len(values)
            check_finite(values, begin, data.train, model, config, run)
            stopping = agreed(stop.is_set() or time.monotonic() > sitting.deadline, accelerator)
            if log is not None:
                bar.set_postfix(log.steps(begin, values, config))
                if done // sitting.evaluate_every > begin // sitting.evaluate_every:
                    log.held_out(done, held_out_losses(model, data.held_out, config))
                overdue = time.monotonic() - saved > sitting.checkpoint_seconds
                if stopping or overdue or done == config.steps:
                    checkpoint.save(run, done, optimizer.state())
                    log.draw()
                    saved = time.monotonic()
            if stopping:
                break
    return done == config.steps


# --- one step ------------------------------------------------------------------------------------


def make_objective(model: MedusaModel, compiled: bool) -> Objective:
    """Eq. 2 of a micro batch: (batch, weights [1 + heads]) -> loss, sum of each predictor's losses."""

    def objective(batch: loss.Batch, weights: Tensor) -> tuple[Tensor, Tensor]:
        sums = loss.sums(model, batch)
        return (sums * weights).sum(), sums.detach()

    return torch.compile(objective, dynamic=False) if compiled else objective


def prepare_step(
    model: MedusaModel, rows: Tensor, config: Config, step: int, accelerator: Accelerator
) -> dict[int, loss.Batch]:
    """This process's micro batches of a step, by their seeds."""
    heads = model.heads.count if step >= config.head_start else 0
    positions = int(config.head_positions * config.micro_rows * rows.shape[1])
    parts = step_rows(len(rows), step, config).split(config.micro_rows)
    batches = {}
    for number in range(accelerator.process_index, len(parts), accelerator.num_processes):
        seed = (config.seed * 100_003 + step) * 1_009 + number
        draw = torch.Generator(rows.device).manual_seed(seed)
        ids = rows[_sent(parts[number], rows.device)].long()
        enriched = config.method == "fragment"
        batches[seed] = loss.prepare(ids, model.tokenizer, heads, enriched, positions, draw)
    return batches


def train_step(
    objective: Objective,
    optimizer: Optimizer,
    batches: dict[int, loss.Batch],
    config: Config,
    step: int,
    accelerator: Accelerator,
) -> Tensor:
    """Take one step; returns the mean loss of each predictor, then the gradient's norm [1 + heads + 1]."""
    counts = torch.stack([loss.counts(batch) for batch in batches.values()]).sum(0)
    counts = summed(counts, accelerator).clamp(min=1)
    weight = loss.head_weight(config.head_progress(step), config.head_weight)
    weights = loss.coefficients(len(counts) - 1, weight, config.gamma, counts.device) / counts
    sums = torch.zeros_like(weights)
    for seed, batch in batches.items():
        torch.manual_seed(seed)  # for dropout
        total, each = objective(batch, weights)
        total.backward()
        optimizer.accumulate()
        sums += each
    for master in optimizer.masters.values():
        if master.grad is not None:
            master.grad = summed(master.grad, accelerator)
    norm = optimizer.step(config.rate(step), config.head_rate(step))
    return torch.cat([summed(sums, accelerator) / counts, norm[None]])


def _sent(indices: Tensor, device: torch.device) -> Tensor:
    """`indices` on the device, without waiting for what a GPU is still doing."""
    if device.type == "cpu":
        return indices
    return indices.pin_memory().to(device, non_blocking=True)


@lru_cache(maxsize=2)
def _permutation(count: int, seed: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def step_rows(count: int, step: int, config: Config) -> Tensor:
    """Indices of a step's rows: the rows are shuffled anew for each pass over them, none is left out."""
    places = torch.arange(step * config.rows, (step + 1) * config.rows)
    order = [_permutation(count, config.seed + epoch) for epoch in (places // count).tolist()]
    return torch.stack([each[p] for each, p in zip(order, (places % count).tolist(), strict=True)])


# --- around the steps ----------------------------------------------------------------------------


@torch.no_grad()
def held_out_losses(
    model: MedusaModel, held_out: dict[str, Tensor], config: Config
) -> dict[str, float]:
    """The backbone's loss in nats a token on rows held out, by name."""
    model.eval()
    losses = {}
    for name, rows in held_out.items():
        total = torch.zeros(2, device=rows.device)
        for part in rows.split(config.micro_rows):
            batch = loss.prepare(part.long(), model.tokenizer, 0, False, 0)
            total += torch.cat([loss.sums(model, batch), loss.counts(batch)])
        losses[name] = round((total[0] / total[1]).item(), 4)
    model.train()
    return losses


def check_finite(
    values: list[list[float]],
    begin: int,
    rows: Tensor,
    model: MedusaModel,
    config: Config,
    run: Path,
) -> None:
    """Raise FloatingPointError for the first step whose figures are not all finite; failure.json in `run`
    then names its rows and shows how their texts begin."""
    for step, figures in enumerate(values, begin):
        if all(map(math.isfinite, figures)):
            continue
        indices = step_rows(len(rows), step, config).tolist()
        path = journal.report_failure(run, step + 1, figures, model.tokenizer, rows, indices)
        raise FloatingPointError(
            f"loss or gradient is not finite at step {step + 1}: {path} names its data. The checkpoint "
            "before it is kept: make a model of it with --write-now, and go on from that with --init, a "
            "lower --lr and another --run"
        )


def summed(tensor: Tensor, accelerator: Accelerator) -> Tensor:
    """The sum over processes."""
    return tensor if accelerator.num_processes == 1 else accelerator.reduce(tensor, "sum")


def agreed(flag: bool, accelerator: Accelerator) -> bool:
    """True in every process if `flag` is in one."""
    return bool(summed(torch.tensor(int(flag), device=accelerator.device), accelerator))


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """An event set by the first Ctrl-C or SIGTERM; a second one has its usual effect."""
    stop = threading.Event()
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in usual.items():
            signal.signal(number, handler)

    def request(number: int, frame: FrameType | None) -> None:
        stop.set()
        restore()

    for number in usual:
        signal.signal(number, request)
    try:
        yield stop
    finally:
        restore()
