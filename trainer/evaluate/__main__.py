"""Examine models: `python -m trainer.evaluate MODEL... --suites vgen rtllm --data BENCHMARKS --out OUT`.

OUT receives samples.jsonl, verdicts.jsonl and next_lines.jsonl, which grow while it runs, and at the end
report.json, report.md and pass_at_1.png. A stopped evaluation goes on when it is called again, and a
second call may add models, suites, temperatures or samples.

What models write is compiled and simulated in a sandbox (bubblewrap). On a machine that has none,
--no-verdicts only draws the samples; call it again where there is one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from itertools import product
from pathlib import Path

from engine import compiled
from engine import model as models
from engine.api import EngineError
from trainer import corpus
from trainer.evaluate import fill, problems, records, report, sampling, sandbox
from trainer.evaluate.judging import judge_all
from trainer.evaluate.problems import SUITES, Problem
from trainer.evaluate.sampling import Way
from trainer.evaluate.sandbox import SandboxMissing

SAMPLES, VERDICTS, NEXT_LINES = "samples.jsonl", "verdicts.jsonl", "next_lines.jsonl"

EXAM = ("textbook-family", "textbook-wording")


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    if args.quick:
        args.samples, args.temperatures, args.limit, args.places = 2, [0.4], 10, 20
    try:
        examine(args)
    except KeyboardInterrupt:
        print(f"\nstopped; {args.out} keeps what is done: call again to go on", file=sys.stderr)
        return 130
    except (EngineError, SandboxMissing, OSError, ValueError) as error:
        print(f"trainer.evaluate: {error}", file=sys.stderr)
        return 1
    return 0


def examine(args: argparse.Namespace) -> None:
    """Sample, judge, report. Raises EngineError, SandboxMissing, OSError or ValueError, each with what
    to do; what was done until then is kept."""
    folders = {_fingerprint(folder): folder for folder in args.models}
    asked, places = _problems(args), _places(args)
    if asked and not args.no_verdicts:
        sandbox.run(["iverilog", "-V"], {})  # tells now, not after hours of sampling
    args.out.mkdir(parents=True, exist_ok=True)
    for fingerprint, folder in folders.items():
        _write_samples(args, folder, fingerprint, asked, places)
    if args.no_verdicts:
        return
    names = {
        way.label(fingerprint): _name(folder, way)
        for fingerprint, folder in folders.items()
        for way in dict.fromkeys([*_ways(args), *(_lines_ways(args) if places else ())])
    }
    samples = [r for r in records.read(args.out / SAMPLES) if r["model"] in names]
    done = {records.key(record) for record in records.read(args.out / VERDICTS)}
    with records.appending(args.out / VERDICTS) as write:
        judge_all(samples, asked, done, write, args.jobs)
    verdicts, lines = records.read(args.out / VERDICTS), records.read(args.out / NEXT_LINES)
    report.write(args.out, report.find(names, verdicts, lines))
    print((args.out / "report.md").read_text(encoding="utf-8"))


def _write_samples(
    args: argparse.Namespace,
    folder: Path,
    fingerprint: str,
    asked: list[Problem],
    places: list[fill.Place],
) -> None:
    """All that needs the model itself, which is loaded only if something is left to do."""
    drawn = {records.key(record) for record in records.read(args.out / SAMPLES)}
    pending = {
        way: sampling.pending(way.label(fingerprint), asked, args.temperatures, args.samples, drawn)
        for way in _ways(args)
    }
    filled = {(r["model"], r["place"], r["form"]) for r in records.read(args.out / NEXT_LINES)}
    lines = {way: fill.pending(way.label(fingerprint), places, filled) for way in _lines_ways(args)}
    if not any(pending.values()) and not any(lines.values()):
        return
    model = models.load(folder)
    models.choose_threads(model)
    print(compiled.attach(model))  # as it is served
    for way, wanted in pending.items():
        if wanted:
            with records.appending(args.out / SAMPLES) as write:
                sampling.sample(model, wanted, write, args.width, args.max_tokens, way)
    for way, left in lines.items():
        if left:
            with records.appending(args.out / NEXT_LINES) as write:
                fill.fill(model, way.label(fingerprint), left, write, way.boundaries)


def _ways(args: argparse.Namespace) -> list[Way]:
    return [Way(*both) for both in product(args.viability, args.boundaries)]


def _lines_ways(args: argparse.Namespace) -> list[Way]:
    """Those of the next lines, which are asked for without viability."""
    return [Way(boundaries=one) for one in args.boundaries]


def _name(folder: Path, way: Way) -> str:
    return f"{folder} ({', '.join(way.words())})" if way.words() else str(folder)


def _fingerprint(folder: Path) -> str:
    models.read_card(folder)  # an error that says what a model folder is
    return sampling.fingerprint(folder)


def _problems(args: argparse.Namespace) -> list[Problem]:
    """The problems of the suites asked for, at most `args.limit` a suite, drawn at random."""
    suites = [name for s in args.suites for name in (EXAM if s == "textbook" else (s,))]
    found = []
    for suite in dict.fromkeys(suites):
        if suite != "fill":
            every = problems.load(suite, args.data, args.textbook)
            places = random.Random(suite).sample(range(len(every)), min(len(every), args.limit))
            found += [every[place] for place in sorted(places)]
    return found


def _places(args: argparse.Namespace) -> list[fill.Place]:
    """Lines of the modules of `args.corpus` that the data set `args.held_out` holds out."""
    if "fill" not in args.suites:
        return []
    if args.held_out is None or not args.corpus:
        raise EngineError("the suite fill needs --held-out DATA and the --corpus it was made of")
    manifest = json.loads((args.held_out / "manifest.json").read_text(encoding="utf-8"))
    names = manifest.get("held_out_repositories", [])
    items = [item for folder in args.corpus for item in corpus.read(folder)]
    texts = [item.text for item in items if item.source in names]
    if not texts:
        raise EngineError(f"{args.held_out} holds out {names}, and {args.corpus} has none of them")
    return fill.places(texts, args.places)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("models", type=Path, nargs="+", metavar="MODEL", help="model folder")
    add("--out", type=Path, required=True, help="folder for samples, verdicts and report")
    names = [*SUITES, "textbook", "fill"]
    add("--suites", nargs="+", choices=names, default=["vgen", "rtllm"])
    add(
        "--data",
        type=Path,
        help="folder that holds vgen, rtllm_v1.1, rtlbench, verilogeval_v1_machine",
    )
    add("--textbook", type=Path, help="folder of python -m trainer.textbook")
    add("--held-out", type=Path, metavar="DATA", help="folder of python -m trainer.dataset")
    add("--corpus", type=Path, nargs="+", default=[], help="folders that DATA was made of")
    add("--samples", type=int, default=20, help="of each problem and temperature")
    add("--temperatures", type=float, nargs="+", default=[0.2, 0.4, 0.6, 0.8])
    add("--max-tokens", type=int, help="of a sample; default and most: half of the window")
    add(
        "--viability",
        nargs="+",
        choices=["off", "syntax", "names"],
        default=["off"],
        help="what vetoes a sample's tokens; several are compared",
    )
    add(
        "--boundaries",
        nargs="+",
        choices=["tokens", "lexer"],
        default=["tokens"],
        help="where fragments end by: the model's [FRAG], or the lexer; both are compared",
    )
    add("--limit", type=int, default=10_000, help="problems of a suite")
    add("--places", type=int, default=500, help="lines that the suite fill asks for")
    add("--width", type=int, default=32, help="samples decoded together")
    add("--jobs", type=int, default=os.cpu_count(), help="simulations at a time")
    add("--no-verdicts", action="store_true", help="only draw samples")
    add("--quick", action="store_true", help="2 samples, one temperature, 10 problems a suite")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
