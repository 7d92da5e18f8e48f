"""Make a data set: `python -m trainer.dataset OUT --corpus DIR --textbook DIR`.

OUT receives tokenizer.json, train.safetensors, held_out.safetensors (repositories held out whole),
textbook_held_out.safetensors (families of the exam) and manifest.json. The safetensors hold `ids`
[rows, length], int16 or, for a vocabulary over 32,768, int32.

There is nothing to resume: it takes minutes. OUT appears when all of it is there; what a stopped run may
leave, OUT.partial, is removed by the next.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file

from engine.api import EngineError
from engine.tokenizer import FragmentTokenizer
from trainer import files, vocabulary
from trainer.corpus import store as corpus
from trainer.dataset import sources
from trainer.dataset.packing import pack
from trainer.dataset.samples import Module
from trainer.dataset.work import Recipe, sample, spread
from trainer.textbook import store as textbook

LEARNT_FROM = 40_000_000  # characters that the vocabulary is trained on, at most
LEARNT_OF_ONE = 20_000  # of one module


def main(argv: list[str] | None = None) -> int:
    parser = _parser()
    args = parser.parse_args(argv)
    if not args.corpus and not args.textbook:
        parser.error("give at least one --corpus or --textbook")
    if args.out.exists():
        parser.error(f"{args.out} exists already: choose another folder")
    if not 0 <= args.plain <= 1:
        parser.error("--plain is between 0 and 1")
    partial_out = args.out.with_name(args.out.name + ".partial")
    shutil.rmtree(partial_out, ignore_errors=True)
    try:
        groups, facts = gather(args)
        partial_out.mkdir(parents=True)
        manifest = build(partial_out, groups, args)
    except (EngineError, OSError, SafetensorError, ValueError) as error:
        shutil.rmtree(partial_out, ignore_errors=True)
        print(f"trainer.dataset: {error}", file=sys.stderr)
        return 1
    manifest = {"command": argv or sys.argv[1:], **facts, **manifest}
    (partial_out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    partial_out.replace(args.out)
    print(json.dumps(manifest, indent=1))
    return 0


def gather(args: argparse.Namespace) -> tuple[dict[str, list[Module]], dict[str, Any]]:
    """The modules of each file to write, and where they come from."""
    items = [item for folder in args.corpus for item in corpus.read(folder)]
    outlines = list(spread(sources.outline, [x.text for x in items], args.jobs, "outlines"))
    modules = sources.from_corpus(items, outlines)
    held_out = sources.held_out(sources.sizes(items), args.held_out) if items else set()
    groups: dict[str, list[Module]] = {"train": []}
    if items:
        groups["held_out"] = []
    for item, module in zip(items, modules, strict=True):
        groups["held_out" if item.source in held_out else "train"].append(module)
    for folder in args.textbook:
        short = (x for x in textbook.read(folder) if len(x.text) <= (args.longest or len(x.text)))
        groups["train"] += sources.from_textbook(short)
        exam = sources.from_exam(textbook.read_exam(folder))
        groups["textbook_held_out"] = groups.get("textbook_held_out", []) + exam
    kept = sources.part((module.id for module in groups["train"]), args.share)
    groups["train"] = [module for module in groups["train"] if module.id in kept]
    if not groups["train"]:
        limit = f" and --longest {args.longest}" if args.longest else ""
        raise EngineError(f"nothing to train on: --share {args.share}{limit} leaves no module")
    # A manifest names the shards with their hashes, so its own hash stands for the whole folder.
    manifests = [folder / "manifest.json" for folder in (*args.corpus, *args.textbook)]
    return {name: modules for name, modules in groups.items() if modules}, {
        "inputs": {str(path.parent): files.sha256(path) for path in manifests},
        "held_out_repositories": sorted(held_out),
    }


def build(out: Path, groups: dict[str, list[Module]], args: argparse.Namespace) -> dict[str, Any]:
    """Write tokenizer and rows into `out`; returns what the manifest says about them."""
    if args.tokenizer:
        tokenizer = vocabulary.adopt(args.tokenizer)
    else:
        tokenizer = vocabulary.train(_texts(groups["train"]), args.vocabulary)
    tokenizer.save(out)
    written = {}
    for name, modules in groups.items():
        passes, plain = (args.passes, args.plain) if name == "train" else (1, 0.0)
        recipe = Recipe(tokenizer.backend.to_str(), args.length, passes, args.seed, plain)
        every = spread(partial(sample, recipe), modules, args.jobs, name)
        kinds, ids = zip(*(one for made in every for one in made), strict=True)
        rows = pack(ids, tokenizer.pad, args.length, random.Random(args.seed))
        save_file({"ids": rows}, out / f"{name}.safetensors")
        written[name] = {
            "modules": len(modules),
            "samples": dict(Counter(kinds)),
            **_figures(ids, rows, tokenizer),
        }
    return {
        "length": args.length,
        "vocabulary": tokenizer.size,
        "tokenizer_sha256": files.sha256(out / "tokenizer.json"),
        "characters_per_token": _characters_per_token(groups, tokenizer),
        "files": written,
    }


def _figures(
    ids: Sequence[np.ndarray], rows: np.ndarray, tokenizer: FragmentTokenizer
) -> dict[str, float]:
    tokens = sum(map(len, ids))
    answers = sum(len(one) - 1 - int((one == tokenizer.middle).argmax()) for one in ids)
    return {
        "rows": len(rows),
        "tokens": tokens,
        "filled": round(tokens / rows.size, 4),
        "answer_share": round(answers / tokens, 4),
        "frag_share": round(int((rows == tokenizer.frag).sum()) / tokens, 4),
    }


def _characters_per_token(
    groups: dict[str, list[Module]], tokenizer: FragmentTokenizer
) -> dict[str, float]:
    """Of plain text, without [FRAG]: of modules and of what is said about them, by file."""
    figures = {}
    for name, modules in groups.items():
        for kind, texts in (
            ("modules", [m.text[:LEARNT_OF_ONE] for m in modules]),
            ("descriptions", [x for m in modules for x in m.instructions]),
        ):
            some = random.Random(0).sample(texts, min(500, len(texts)))
            tokens = sum(map(len, tokenizer.encode_pieces(some)))
            figures[f"{name} {kind}"] = round(sum(map(len, some)) / max(1, tokens), 3)
    return figures


def _texts(modules: Sequence[Module]) -> Iterator[str]:
    """What the vocabulary is trained on: modules in random order, with what is said about each."""
    left = LEARNT_FROM
    for module in random.Random(0).sample(modules, len(modules)):
        for text in (module.text[:LEARNT_OF_ONE], *module.instructions[:1], *module.comments[:1]):
            yield text
            left -= len(text)
        if left < 0:
            return


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.dataset", description=__doc__.split("\n")[0]
    )
    add = parser.add_argument
    add("out", type=Path, help="folder to write; must not exist")
    add("--corpus", type=Path, action="append", default=[], help="of trainer.corpus; repeatable")
    add(
        "--textbook", type=Path, action="append", default=[], help="of trainer.textbook; repeatable"
    )
    add("--vocabulary", type=int, default=4096, help="entries of a tokenizer to be trained")
    add("--tokenizer", type=Path, help="a model or data folder whose tokenizer to use instead")
    add("--length", type=int, default=1024, help="tokens a row")
    add("--share", type=float, default=1.0, help="part of the data; parts are nested")
    add(
        "--longest",
        type=int,
        default=0,
        metavar="CHARACTERS",
        help="of a textbook's module, for a first run on short ones; 0: any",
    )
    add("--passes", type=int, default=2, help="times each module is sampled")
    add(
        "--plain",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="of answers without [FRAG], 0 to 1",
    )
    add("--held-out", action="append", default=[], metavar="OWNER/NAME", help="repositories")
    add("--jobs", type=int, default=os.cpu_count(), help="processes")
    add("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
