"""Repeat the comparison of paper 1 on data of your own:

    python -m trainer.compare OUT --corpus C --textbook T --data BENCHMARKS --steps 2000

Twins are trained that differ in one thing: next-token prediction alone (ntp), Medusa heads with plain labels
(medusa), or with syntax-enriched ones (fragment); each on 1/4, 1/2, 3/4 and all of the data, with steps in
proportion. Then all of them are examined, those of the largest part decode the same held-out prompts
in turn, and OUT receives report.md and report.json, with the paper's Tables I and II and what of its
claims they bear out, and quality.png, its Fig. 6.

The work is that of trainer.dataset, trainer.finetune and trainer.evaluate, whose outputs stay in OUT/data-*,
OUT/runs, OUT/models and OUT/exam. What is there is not made again, so that it can be done in pieces: with
--minutes 9 each call ends after about that long, with status 3 as long as something is left to do, and
the same command goes on. Ctrl-C loses as little. OUT may move to another machine between two calls.

Options not listed here go to trainer.finetune: model size, learning rate, --init.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from torch import Tensor

from engine import compiled
from engine import model as models
from engine.api import EngineError
from engine.drafts import draft_size
from trainer import dataset, files, speed
from trainer.compare import report
from trainer.compare.report import METHODS, Twin
from trainer.dataset import __main__ as making
from trainer.evaluate import __main__ as evaluate
from trainer.evaluate.sampling import fingerprint
from trainer.finetune import command as finetune
from trainer.speed import Speed

INTERRUPTED = 130  # what a command returns after Ctrl-C


def main(argv: list[str] | None = None) -> int:
    """0 when the report is written, 3 when time is up; else the exit status of the stage that failed."""
    args, passed_on = _parser().parse_known_args(argv)
    deadline = time.monotonic() + 60 * args.minutes
    twins = [Twin(m, s) for s in sorted(set(args.shares), reverse=True) for m in args.methods]
    try:
        return (
            _train(args, twins, passed_on, deadline)
            or _examine(args, twins, deadline)
            or _report(args, twins)
        )
    except KeyboardInterrupt:
        print("stopped: the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    except (EngineError, OSError, ValueError) as error:
        print(f"trainer.compare: {error}", file=sys.stderr)
        return 1


def _train(
    args: argparse.Namespace, twins: Sequence[Twin], passed_on: list[str], deadline: float
) -> int:
    for twin in twins:
        data, model = args.out / f"data-{twin.share:g}", args.out / "models" / twin.name
        if not data.exists() and (status := _make_data(args, twin.share, data)):
            return status
        steps = max(1, round(args.steps * twin.share))
        words = [str(data), str(model), "--run", str(args.out / "runs" / twin.name)]
        words += ["--method", twin.method, "--name", twin.name, "--steps", str(steps), *passed_on]
        words += ["--minutes", str(max(0.0, deadline - time.monotonic()) / 60)]
        if not model.exists() and (status := finetune.main(words)):
            return status
    return 0


def _make_data(args: argparse.Namespace, share: float, data: Path) -> int:
    """Rows of a part of the data, in the vocabulary of the largest part, which is made first."""
    words = [str(data), "--share", f"{share:g}", "--length", str(args.length)]
    for option, folders in (("--corpus", args.corpus), ("--textbook", args.textbook)):
        words += [word for folder in folders for word in (option, str(folder))]
    largest = args.out / f"data-{max(args.shares):g}"
    tokenizer = args.tokenizer or (largest if largest.exists() else None)
    if tokenizer:
        words += ["--tokenizer", str(tokenizer)]
    return making.main(words)


def _examine(args: argparse.Namespace, twins: Sequence[Twin], deadline: float) -> int:
    folders = [str(args.out / "models" / twin.name) for twin in twins]
    words = [*folders, "--out", str(args.out / "exam"), "--samples", str(args.samples)]
    words += ["--temperatures", *map(str, args.temperatures), "--limit", str(args.limit)]
    words += ["--places", str(args.places)]
    suites = []
    if args.data:
        words += ["--data", str(args.data)]
        suites += ["vgen", "rtllm"]
    if args.textbook:
        words += ["--textbook", str(args.textbook[0])]
        suites.append("textbook")
    if args.corpus:
        held_out = args.out / f"data-{max(args.shares):g}"
        words += ["--held-out", str(held_out), "--corpus", *map(str, args.corpus)]
        suites.append("fill")
    with _interrupted_at(deadline):
        status = evaluate.main([*words, "--suites", *suites])
    out_of_time = status == INTERRUPTED and time.monotonic() > deadline
    return finetune.OUT_OF_TIME if out_of_time else status


@contextmanager
def _interrupted_at(deadline: float) -> Iterator[None]:
    """Ctrl-C at `deadline`, if the block has not ended by then."""
    if math.isinf(deadline):
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    usual = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, max(1e-3, deadline - time.monotonic()))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)


def _report(args: argparse.Namespace, twins: Sequence[Twin]) -> int:
    folders = {twin: args.out / "models" / twin.name for twin in twins}
    names = {fingerprint(folder): twin for twin, folder in folders.items()}
    verdicts = files.read_lines(args.out / "exam" / evaluate.VERDICTS)
    lines = files.read_lines(args.out / "exam" / evaluate.NEXT_LINES)
    found = report.find(names, verdicts, lines, *_speeds(args, folders))
    report.write(args.out, found)
    print((args.out / "report.md").read_text(encoding="utf-8"))
    return 0


def _speeds(args: argparse.Namespace, folders: dict[Twin, Path]) -> tuple[dict[str, Speed], str]:
    """Of each method's twin of the largest part, and how they were decoded; measured once, and again if one
    of them is another or they are decoded differently here."""
    largest = max(args.shares)
    of_one = {twin.method: path for twin, path in folders.items() if twin.share == largest}
    loaded = {method: models.load(folder) for method, folder in of_one.items()}
    one = next(iter(loaded.values()))
    models.choose_threads(one)
    steps = {compiled.attach(model).partition(":")[0] for model in loaded.values()}
    nodes = (f"{method} {draft_size(model, speed.HEADS)}" for method, model in loaded.items())
    decoded = f"Decoded with {' and '.join(sorted(steps))}; nodes a draft: {', '.join(nodes)}."
    prints = {method: fingerprint(folder) for method, folder in of_one.items()}
    path, measured = args.out / "speed.json", {"models": prints, "decoded": decoded}
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept.items() >= measured.items():
            return {method: Speed(**figures) for method, figures in kept["speeds"].items()}, decoded
    rows = _held_out_rows(args.out / f"data-{largest:g}")
    prompts = speed.held_out_prompts(one, rows, args.prompts)
    if not prompts:
        return {}, decoded
    contenders = {method: (model, speed.HEADS) for method, model in loaded.items()}
    answers = speed.decode_in_turn(contenders, prompts)
    speeds = {method: speed.speed(of) for method, of in answers.items()}
    measured["speeds"] = {method: asdict(each) for method, each in speeds.items()}
    files.write(path, json.dumps(measured, indent=1) + "\n")
    return speeds, decoded


def _held_out_rows(data: Path) -> Tensor:
    """Rows of repositories held out, or of the textbook's families where there is no corpus."""
    name = next(name for name in finetune.HELD_OUT if (data / f"{name}.safetensors").exists())
    return dataset.load_rows(data, name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.compare",
        allow_abbrev=False,  # or an option of trainer.finetune could be taken for one of these
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("out", type=Path)
    add("--corpus", type=Path, action="append", default=[], help="of trainer.corpus; repeatable")
    add("--textbook", type=Path, action="append", default=[], help="of trainer.textbook")
    add("--data", type=Path, help="folder with vgen and rtllm_v1.1; without it, only the exam")
    add("--minutes", type=float, default=math.inf, help="end this call after about that long")
    add("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    quarters = [0.25, 0.5, 0.75, 1.0]
    add("--shares", nargs="+", type=float, default=quarters, help="of the data (%(default)s)")
    add("--steps", type=int, default=2000, help="on all of the data (%(default)s)")
    add("--length", type=int, default=1024, help="tokens a row (%(default)s)")
    add("--tokenizer", type=Path, help="model or data folder whose vocabulary is used")
    add("--samples", type=int, default=20, help="of a problem and temperature (%(default)s)")
    warm = [0.2, 0.4, 0.6, 0.8]
    add("--temperatures", nargs="+", type=float, default=warm, help="of samples (%(default)s)")
    add("--limit", type=int, default=10_000, help="problems of a suite (%(default)s)")
    add("--places", type=int, default=500, help="next lines of held-out modules (%(default)s)")
    add("--prompts", type=int, default=speed.PROMPTS, help="to time (%(default)s)")
    return parser
