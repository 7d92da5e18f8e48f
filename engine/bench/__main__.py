"""Ours and what a user would pick instead, side by side: `python -m engine.bench`.

The same weights answer the same prompts by every method, each in a process of its own, by turns:

    fragment         our decoder as the product uses it
    fragment-lexer   the same without [FRAG]: a lexer finds the fragments
    medusa           plain Medusa: its static tree, nothing else of ours, on the same step
    medusa-small     the same with the likeliest nodes of that tree, as many as ours has
    plain            our decoder without drafts
    generate         transformers' generate
    prompt-lookup    the same, with its prompt look-up
    llama.cpp        through llama-cpp-python, float16, the weights written to GGUF here

Speed is told in visible characters a second: [FRAG] tokens count as nothing. Reading the prompt is part of
it for everyone. Other work on the machine spoils every figure. Ctrl-C ends the run and keeps what is done.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine import model_store
from engine.api import EngineError
from engine.bench import methods
from engine.bench.methods import Method, Request, Task, Trace

if TYPE_CHECKING:
    from engine.model import MedusaModel

EXAMPLES = Path(__file__).parents[2] / "examples"
EXTENT = {"prompts": 12, "tokens": 128, "repeats": 5}
QUICK = {"prompts": 4, "tokens": 48, "repeats": 3}


def main(argv: list[str] | None = None) -> int:
    """0, or 1 after an error, or 130 after Ctrl-C, whose results are reported all the same."""
    args = _parser().parse_args(argv)
    for name, value in (QUICK if args.quick else EXTENT).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    try:
        return _bench(args)
    except (EngineError, OSError) as error:
        print(f"engine.bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _bench(args: argparse.Namespace) -> int:
    # What needs torch is imported where it is used: llama.cpp's process imports this module too, and
    # torch is no part of its memory.
    from engine import backbone, compiled, model
    from engine.bench import compare, measure, report, trace
    from engine.bench.prompts import collect, encode

    folder = str(backbone.find(model_store.resolve(args.model)))
    loaded = model.load(folder)
    sources = args.sources or [EXAMPLES] * EXAMPLES.is_dir()
    asked = collect(args.prompts, args.data, sources)
    requests = [
        Request(tuple(encode(loaded, one.prompt, args.tokens)), args.tokens, source=one.prompt)
        for one in asked
    ]
    todo = measure.tasks(requests, args.samplings)
    words = compiled.attach(loaded)
    about = {
        "model": loaded.card.name,
        "machine": report.machine(),
        "step": words.partition(":")[0] if loaded.compiled else words,
        "prompts": report.suites(asked),
    }
    print("\n".join(f"{name}: {text}" for name, text in about.items()))
    document: dict[str, object] = about | {"results": []}
    try:
        with tempfile.TemporaryDirectory() as scratch:
            compared = _methods(args, folder, loaded, Path(scratch))
            found = compare.compare(compared, todo, args.repeats, args.threads)
        rows = report.results(found, loaded.tokenizer.frag)
        document["results"] = [asdict(row) for row in rows]
        tables = (report.table(rows), "", report.sources(rows), "", report.bars(rows))
        print("", *tables, *found.missing, sep="\n")
        if args.plot and rows:
            report.plot(args.plot, rows)
        if found.interrupted:
            return 130
        if sources and not args.quick:
            document["retyping"] = _retyping(loaded, sources)
        greedy = found.greedy()
        if args.trace is not None:
            print("", trace.of_prompt(loaded.tokenizer, asked, greedy, args.trace), sep="\n")
        document["lossless"] = _lossless(args, folder, loaded, compared, requests, greedy)
        if args.ablation:
            document["ablation"] = _ablation(args, folder, todo, loaded.tokenizer.frag)
    finally:
        if args.json:
            args.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


def _methods(
    args: argparse.Namespace, folder: str, loaded: MedusaModel, scratch: Path
) -> list[Method]:
    """Those asked for, with the GGUF file that one of them needs."""
    from engine import backbone
    from engine.bench import gguf_export
    from engine.tokenizer import load_any

    medusa = folder
    if args.medusa:
        medusa = str(backbone.find(model_store.resolve(args.medusa)))
        vocabularies = [
            one.backend.get_vocab() for one in map(load_any, map(Path, (folder, medusa)))
        ]
        if vocabularies[0] != vocabularies[1]:
            raise EngineError(f"{medusa} has another vocabulary than {folder}: train them on one")
    found = methods.compared(folder, medusa)
    if "llama.cpp" in args.methods:
        file = args.gguf or scratch / "model.gguf"
        try:
            if not args.gguf:
                gguf_export.export(loaded.backbone, file, loaded.card.name, loaded.card.window)
            found.append(methods.llama_cpp(file, folder, loaded.card.window))
        except EngineError as error:
            print(f"llama.cpp is left out: {error}", file=sys.stderr)
    return [method for method in found if method.name in args.methods]


def _retyping(loaded: MedusaModel, sources: list[Path]) -> dict[str, float]:
    from engine import model
    from engine.bench import retyping
    from engine.bench.prompts import verilog

    texts = [path.read_text(encoding="utf-8", errors="replace") for path in verilog(sources)]
    model.choose_threads(loaded)
    found = retyping.measure(loaded, retyping.long_file(texts))
    print("", found, sep="\n")
    return asdict(found)


def _lossless(
    args: argparse.Namespace,
    folder: str,
    loaded: MedusaModel,
    compared: list[Method],
    requests: list[Request],
    greedy: dict[str, list[Trace]],
) -> list[dict[str, object]]:
    """Greedy answers against plain decoding's: ours in both precisions, the rivals' as they were timed."""
    from engine import model
    from engine.bench import compare, lossless

    timed_in = str(loaded.dtype).removeprefix("torch.")
    ours = [one for one in compared if one.kind == "engine" and one.model == folder]
    found = []
    for dtype in [timed_in] if args.quick else ["float32", "bfloat16"]:
        judge = loaded if dtype == timed_in else model.load(folder, dtype=dtype)
        drafting = [replace(one, dtype=dtype) for one in ours if one.name != "plain"]
        answers = compare.answers([*drafting, *{*map(lossless.plain, drafting)}], requests)
        for one in drafting:
            right = answers[lossless.plain(one).name]
            found.append(lossless.compare(one, dtype, requests, right, answers[one.name], judge))
    rivals = [one for one in compared if one.kind != "engine" and one.name in greedy]
    for one in rivals if "plain" in greedy else []:
        dtype = "float16" if one.kind == "llama.cpp" else timed_in
        right, other = greedy["plain"], greedy[one.name]
        found.append(lossless.compare(one, dtype, requests, right, other, loaded))
    print("", lossless.table(found), sep="\n")
    return [asdict(one) for one in found]


def _ablation(
    args: argparse.Namespace, folder: str, todo: list[Task], frag: int | None
) -> list[dict[str, object]]:
    from engine.bench import compare, report

    found = compare.compare(methods.ablation(folder), todo, args.repeats, args.threads)
    rows = report.results(found, frag)
    print("", "one part at a time turned off", report.table(rows), *found.missing, sep="\n")
    return [asdict(row) for row in rows]


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return count


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--model", default="", help="folder or hub name (default: the model in service)")
    add("--medusa", default="", help="model whose heads were trained without syntax labels")
    add("--methods", nargs="+", choices=methods.NAMES, default=methods.NAMES, metavar="METHOD")
    add("--data", type=Path, help="folder of benchmarks: vgen/ and rtllm_v1.1/ in it")
    add("--sources", type=Path, nargs="+", help="Verilog files or folders (default: examples/)")
    add("--prompts", type=_count, help="how many, or as many as there are (12; quick: 4)")
    add("--tokens", type=_count, help="longest answer (128; quick: 48)")
    add("--samplings", nargs="+", choices=methods.SAMPLINGS, default=[*methods.SAMPLINGS])
    add("--repeats", type=_count, help="how often each answer is timed (5; quick: 3)")
    add(
        "--threads", type=_count, help="for every method (default: as many as each is fastest with)"
    )
    add("--gguf", type=Path, help="file for llama.cpp (default: written here, float16)")
    add("--ablation", action="store_true", help="what each part of ours contributes")
    add("--trace", type=int, nargs="?", const=0, metavar="N", help="draw the steps of prompt N")
    add("--json", type=Path, help="write all results to this file")
    add("--plot", type=Path, help="draw accepted tokens a step to this file")
    add("--quick", action="store_true", help="within a minute on two cores; figures are rough")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
