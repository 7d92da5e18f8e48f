"""The command line: `python -m trainer.finetune DATA... OUT`, and the model folder at the end.

RUN keeps config.json, log.jsonl, loss.png and the last two checkpoints; the same command goes on where
a stopped run left off. At the end the model is measured on held-out rows, its draft tree is grown
from what the heads got right, and the model folder OUT is written. `--write-now` does that with the
newest checkpoint of a run that is not finished. Of several data sets the rows are mixed, and the first
that has held-out rows gives those.

On several processes: `torchrun --nproc-per-node N -m -- trainer.finetune DATA OUT ...`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import torch
from accelerate import Accelerator

from engine import model as models
from engine import tokenizer as tokenizers
from engine import tree
from engine.api import EngineError
from engine.model import CARD_FILE, MedusaModel
from trainer import dataset, files
from trainer.evaluate.heldout import evaluate
from trainer.evaluate.sampling import fingerprint
from trainer.finetune import checkpoint, start
from trainer.finetune.checkpoint import CheckpointError
from trainer.finetune.config import Config
from trainer.finetune.loop import Data, Sitting, train
from trainer.finetune.optimizer import Optimizer

HELD_OUT = ("held_out", "textbook_held_out")
WATCHED_ROWS = 32  # of each, while training
FINAL_ROWS = 256

FINISHED, FAILED, OUT_OF_TIME = 0, 1, 3


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when the model is written, 3 when a stopped run wants to go on."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.out.exists():
        parser.error(f"{args.out} exists already: choose another folder")
    try:
        config = Config(**{option.name: getattr(args, option.name) for option in fields(Config)})
    except ValueError as error:
        parser.error(str(error))
    try:
        return _run(args, config, argv or sys.argv[1:])
    except (EngineError, CheckpointError, FloatingPointError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED


def _run(args: argparse.Namespace, config: Config, words: Sequence[str]) -> int:
    began = time.monotonic()
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    if config.init:
        config = start.shaped_like_init(config)
    if (config.rows // config.micro_rows) % accelerator.num_processes:
        raise EngineError(
            f"{config.rows // config.micro_rows} micro batches a step do not spread evenly over "
            f"{accelerator.num_processes} processes: change --rows or --micro-rows"
        )
    identity = _identity(args.data)
    tokenizer = tokenizers.load(args.data[0])
    data = _load(args.data, accelerator.device)
    length = data.train.shape[1]
    record = {**asdict(config), "length": length, "data": identity}
    parent = _parent(Path(config.init)) if config.init else {}
    if accelerator.is_main_process:
        _keep(args.run, record, words)
    torch.manual_seed(config.seed)
    begin = start.go_on if config.init else start.build
    model = begin(config, tokenizer, length)
    adapters = start.adapt(model, config) if config.lora else None
    model.to(accelerator.device)
    accelerator.print(
        f"{model.parameter_count() / 1e6:.1f}M parameters, {data.train.numel() / 1e6:.1f}M tokens of data"
    )
    sitting = Sitting(
        deadline=began + 60 * args.minutes,
        compiled=not args.no_compile,
        log_every=args.log_every or (10 if accelerator.device.type == "cuda" else 1),
        evaluate_every=args.evaluate_every,
        checkpoint_seconds=args.checkpoint_seconds,
    )
    if args.write_now:
        record["steps_done"] = _restore(model, config, args.run)
    elif not train(model, data, config, args.run, sitting, accelerator):
        accelerator.print("stopped: start the same command again to go on")
        return OUT_OF_TIME
    if accelerator.is_main_process:
        if adapters is not None:
            start.merge(model, adapters)
        _finish(model, args.data, record, parent, args.out)
    accelerator.wait_for_everyone()
    return FINISHED


def _restore(model: MedusaModel, config: Config, run: Path) -> int:
    """Give the model the weights of the run's newest checkpoint; returns the number of steps done."""
    steps, tensors = checkpoint.load(run)
    if not steps:
        raise EngineError(f"{run} has no checkpoint yet: train first, without --write-now")
    Optimizer(model, config).restore(tensors)
    return steps


def _parent(folder: Path) -> dict[str, str]:
    """What a model says about the one it goes on from, whose folder means nothing elsewhere."""
    named = (folder / CARD_FILE).exists()
    name = models.read_card(folder).name if named else folder.resolve().name
    return {"name": name, "fingerprint": fingerprint(folder)}


def _finish(
    model: MedusaModel,
    data: Sequence[Path],
    record: dict[str, Any],
    parent: dict[str, str],
    out: Path,
) -> None:
    """Measure, grow the draft tree, and write the model folder."""
    model.requires_grad_(False).eval()
    enriched = record["method"] == "fragment"
    measured = {
        name: evaluate(model, dataset.load_rows(folder, name)[:FINAL_ROWS], enriched)
        for name, folder in _held_out(data).items()
    }
    if model.heads.count and measured:
        first = next(iter(measured.values()))
        model.card.tree = [list(path) for path in tree.grow(first.hit_rate, record["tree_nodes"])]
        model.card.nodes = 0  # it was measured with another tree, if at all
    figures = {name: asdict(each) for name, each in measured.items()}
    told = {key: value for key, value in record.items() if key != "init"}
    model.card.training = {"config": told, **({"parent": parent} if parent else {}), **figures}
    models.save(model, out)
    losses = ", ".join(f"{name} {each.base_loss:.3f}" for name, each in measured.items())
    print(f"wrote {out}: nats a token: {losses}")


def _keep(run: Path, record: dict[str, Any], words: Sequence[str]) -> None:
    """Leave configuration and command in the run's folder. Raises EngineError if others are there."""
    run.mkdir(parents=True, exist_ok=True)
    path = run / "config.json"
    if path.exists():
        # A run begun before an option was there has its default.
        kept = asdict(Config()) | json.loads(path.read_text(encoding="utf-8"))
        differing = sorted(key for key in kept | record if kept.get(key) != record.get(key))
        if differing:
            raise EngineError(
                f"{path} holds another configuration ({', '.join(differing)}): give another --run, or "
                "the same options and data"
            )
        return
    command = shlex.join(["python", "-m", "trainer.finetune", *words])
    files.write(run / "command.txt", command + "\n")
    files.write(path, json.dumps(record, indent=1) + "\n")


def _held_out(folders: Sequence[Path]) -> dict[str, Path]:
    """The first folder that has each kind of held-out rows."""
    has = {
        name: [folder for folder in folders if (folder / f"{name}.safetensors").exists()]
        for name in HELD_OUT
    }
    return {name: found[0] for name, found in has.items() if found}


def _load(folders: Sequence[Path], device: torch.device) -> Data:
    """Rows on the device, where a whole data set is a few tens of megabytes.

    Raises EngineError if the data sets do not fit together.
    """
    held_out = {
        name: dataset.load_rows(folder, name)[:WATCHED_ROWS].to(device, torch.int32)
        for name, folder in _held_out(folders).items()
    }
    parts = [dataset.load_rows(folder, "train") for folder in folders]
    vocabularies = {files.sha256(folder / "tokenizer.json") for folder in folders}
    if len(vocabularies) > 1 or len({part.shape[1] for part in parts}) > 1:
        raise EngineError(
            f"{', '.join(map(str, folders))} do not fit together: build them with the same --tokenizer "
            "and --length"
        )
    repositories = {
        tuple(_manifest(folder).get("held_out_repositories") or ()) for folder in folders
    }
    if len(repositories - {()}) > 1:
        raise EngineError(
            f"{', '.join(map(str, folders))} hold out different repositories, so what one holds out is "
            "trained on by way of the other: build them from one corpus, or with the same --held-out"
        )
    return Data(torch.cat(parts).to(device, torch.int32), held_out)


def _manifest(folder: Path) -> dict[str, Any]:
    """What `trainer.dataset` says about a folder; nothing for rows from elsewhere."""
    path = folder / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _identity(folders: Sequence[Path]) -> str:
    """A hash of rows and tokenizers: a run goes on only with the data it began with."""
    digest = hashlib.sha256()
    for path in (f / name for f in folders for name in ("train.safetensors", "tokenizer.json")):
        if not path.exists():
            raise EngineError(f"{path} is missing: build the data with python -m trainer.dataset")
        digest.update(bytes.fromhex(files.sha256(path)))
    return digest.hexdigest()[:16]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.finetune",
        description="Train backbone and Medusa heads on packed rows; stops and resumes.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("data", type=Path, nargs="+", help="folder that trainer.dataset wrote; more are mixed in")
    add("out", type=Path, help="model folder to write; must not exist")
    add("--run", type=Path, default=Path("runs/finetune"), help="log and checkpoints")
    add("--minutes", type=float, default=float("inf"), help="stop cleanly after this long")
    add("--write-now", action="store_true", help="no training: OUT from the newest checkpoint")
    add("--no-compile", action="store_true", help="eager: slower, starts at once")
    add("--log-every", type=int, default=0, help="steps; 0: 1 on a CPU, 10 on a GPU")
    add("--evaluate-every", type=int, default=Sitting.evaluate_every, help="steps")
    add("--checkpoint-seconds", type=float, default=Sitting.checkpoint_seconds, help="at least")
    kinds = get_type_hints(Config, include_extras=True)
    for option in fields(Config):
        flag = "--" + option.name.replace("_", "-")
        kind, text = get_args(kinds[option.name])
        if kind is bool:
            add(flag, action="store_true", help=text)
        elif get_args(kind):
            add(flag, choices=get_args(kind), default=option.default, help=text)
        else:
            add(flag, type=kind, default=option.default, help=text)
    return parser
