"""The comparison of paper 1 on data of one's own: `python -m trainer.compare OUT --corpus C --textbook T`.

Twins are trained that differ in one thing: next-token prediction alone (ntp), Medusa heads with plain labels
(medusa), or with syntax-enriched ones (fragment); each on all of the data and on parts of it, with steps in
proportion. Then all of them are examined side by side, as in Tables I and II and in Fig. 6 of the paper.

The work is that of `trainer.dataset`, `trainer.finetune` and `trainer.evaluate`, whose outputs stay in
OUT/data-*, OUT/runs, OUT/models and OUT/exam. What is there is not made again, so a stopped comparison
goes on. Options not listed here go to `trainer.finetune`: model size, learning rate, --init, --minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from trainer.dataset import __main__ as dataset
from trainer.evaluate import __main__ as evaluate
from trainer.finetune import command as finetune

METHODS = ("ntp", "medusa", "fragment")


def main(argv: list[str] | None = None) -> int:
    """0 when the report is written; else the exit status of the stage that stopped or failed."""
    args, passed_on = _parser().parse_known_args(argv)
    models = []
    for share in sorted(set(args.shares), reverse=True):
        data = args.out / f"data-{share:g}"
        if not data.exists() and (status := _make_data(args, share, data)):
            return status
        for method in args.methods:
            name = f"{method}-{share:g}"
            models.append(args.out / "models" / name)
            steps = max(1, round(args.steps * share))
            options = ["--method", method, "--name", name, "--steps", str(steps), *passed_on]
            words = [str(data), str(models[-1]), "--run", str(args.out / "runs" / name), *options]
            if not models[-1].exists() and (status := finetune.main(words)):
                return status
    return _examine(args, models)


def _make_data(args: argparse.Namespace, share: float, data: Path) -> int:
    """Rows of a part of the data, in the vocabulary of the largest part, which is made first."""
    words = [str(data), "--share", f"{share:g}", "--length", str(args.length)]
    for option, folders in (("--corpus", args.corpus), ("--textbook", args.textbook)):
        words += [word for folder in folders for word in (option, str(folder))]
    largest = args.out / f"data-{max(args.shares):g}"
    tokenizer = args.tokenizer or (largest if largest.exists() else None)
    if tokenizer:
        words += ["--tokenizer", str(tokenizer)]
    return dataset.main(words)


def _examine(args: argparse.Namespace, models: Sequence[Path]) -> int:
    words = [*map(str, models), "--out", str(args.out / "exam"), "--samples", str(args.samples)]
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
    return evaluate.main([*words, "--suites", *suites])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("out", type=Path)
    add("--corpus", type=Path, action="append", default=[], help="of trainer.corpus")
    add("--textbook", type=Path, action="append", default=[], help="of trainer.textbook")
    add("--data", type=Path, help="folder with the benchmarks; without it, only the exam")
    add("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    add("--shares", nargs="+", type=float, default=[0.25, 0.5, 0.75, 1.0], help="of the data")
    add("--steps", type=int, default=2000, help="on all of the data")
    add("--length", type=int, default=1024, help="tokens a row")
    add("--tokenizer", type=Path, help="model or data folder whose vocabulary is used")
    add("--samples", type=int, default=20, help="of each problem and temperature")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
