"""What the pre-tokenizer is worth: `python -m benchmarks.tokenizers --corpus DIR --textbook DIR`.

Trains a byte-level BPE for each pre-tokenizer and size on the same text, Verilog and its English, and
prints for each, on repositories held out whole:

- characters a token of modules and of descriptions, as a prompt has them;
- characters a token of modules as an answer has them: fragment by fragment, [FRAG] counted;
- tokens a fragment, without its [FRAG];
- the share of tokens that straddle a fragment's end when text is not cut at fragments, as in a prompt:
  there the model reads text in other tokens than it writes.
"""

from __future__ import annotations

import argparse
import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from engine.tokenizer import FragmentTokenizer
from engine.verilog.fragments import boundaries
from trainer import vocabulary
from trainer.corpus import store as corpus
from trainer.dataset import sources
from trainer.textbook import store as textbook

_WORD = r"[A-Za-z_$`][A-Za-z0-9_$]*"
_PUNCTUATION = r"[^\sA-Za-z0-9_$`]"
_REST = r"|\s*\n[ \t]*|[ \t]+(?= \S)|\s+|`"
PIECES = {
    "every blank alone": rf"{_WORD}|[0-9]{{1,3}}|{_PUNCTUATION}+|[ \t]|\s|`",
    "blank joins": rf" ?{_WORD}| ?[0-9]{{1,3}}| ?{_PUNCTUATION}+{_REST}",
    "and line end (ours)": vocabulary.PIECES,
    "and one mark joins": (
        rf" ?{_PUNCTUATION}?{_WORD}| ?[0-9]{{1,3}}| ?{_PUNCTUATION}+(?:\r?\n[ \t]*)?{_REST}"
    ),
    "free within a line": r"[^\n]*\n[ \t]*|[^\n]+",
}
LONGEST = 20_000  # characters of one module


@dataclass(frozen=True)
class Figures:
    prompt: float  # characters a token
    description: float
    answer: float
    fragment: float  # tokens
    straddling: float  # share


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tokenizers", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--textbook", type=Path)
    parser.add_argument("--characters", type=int, default=8_000_000, help="to train on")
    parser.add_argument("--measured", type=int, default=300, help="modules to measure on")
    parser.add_argument("--sizes", type=int, nargs="+", default=[2048, 4096, 8192])
    args = parser.parse_args(argv)
    learnt, modules, descriptions = texts(args.corpus, args.textbook)
    learnt = shortened(learnt, args.characters)
    modules, descriptions = modules[: args.measured], descriptions[: args.measured]
    print(f"trained on {sum(map(len, learnt)):,} characters, measured on {len(modules)} modules\n")
    print("| pre-tokenizer | V | prompt | description | answer | tokens a fragment | straddling |")
    print("|---|---|---|---|---|---|---|")
    for name, pieces in PIECES.items():
        for size in tqdm(args.sizes, desc=name, leave=False):
            tokenizer = vocabulary.train(learnt, size, pieces)
            x = measure(tokenizer, modules, descriptions)
            tqdm.write(
                f"| {name} | {size} | {x.prompt:.2f} | {x.description:.2f} | {x.answer:.2f} "
                f"| {x.fragment:.2f} | {x.straddling:.1%} |"
            )
    return 0


def texts(corpus_folder: Path, book: Path | None) -> tuple[list[str], list[str], list[str]]:
    """Texts to train on, held-out modules, held-out descriptions; each in random order."""
    items = corpus.read(corpus_folder)
    held_out = sources.held_out(sources.sizes(items))
    kept = [item for item in items if item.source not in held_out]
    learnt = [text for item in kept for text in (item.text[:LONGEST], item.description) if text]
    modules = [item.text[:LONGEST] for item in items if item.source in held_out]
    descriptions = [item.description for item in items if item.source in held_out]
    if book:
        for item in textbook.read(book):
            learnt += [item.text, *(said["text"] for said in item.descriptions[:2])]
        exam = [item for item in textbook.read_exam(book) if item.held_out == "family"]
        descriptions += [prompt["text"] for item in exam for prompt in item.prompts]
    rng = random.Random(1)
    for group in (learnt, modules, descriptions):
        rng.shuffle(group)
    return learnt, modules, descriptions


def shortened(every: Sequence[str], characters: int) -> list[str]:
    """The first of `every`, about `characters` in all."""
    chosen: list[str] = []
    for text in every:
        if characters <= 0:
            break
        chosen.append(text)
        characters -= len(text)
    return chosen


def measure(
    tokenizer: FragmentTokenizer, modules: Sequence[str], descriptions: Sequence[str]
) -> Figures:
    plain = tokenizer.backend.encode_batch(list(modules), add_special_tokens=False)
    cuts = [boundaries(text) for text in modules]
    fragments = sum(map(len, cuts))
    written = sum(
        len(tokenizer.encode_fragments(text, ends))
        for text, ends in zip(modules, cuts, strict=True)
    )
    straddling = sum(
        _straddles(ends, begin, end)
        for encoding, ends in zip(plain, cuts, strict=True)
        for begin, end in encoding.offsets
    )
    characters = sum(map(len, modules))
    tokens = sum(len(encoding.ids) for encoding in plain)
    english = sum(map(len, tokenizer.encode_pieces(descriptions)))
    return Figures(
        prompt=characters / tokens,
        description=sum(map(len, descriptions)) / max(1, english),
        answer=characters / written,
        fragment=(written - fragments) / fragments,
        straddling=straddling / tokens,
    )


def _straddles(ends: Sequence[int], begin: int, end: int) -> bool:
    """Whether a fragment ends within the token from `begin` to `end`, not at its edges."""
    return bisect_left(ends, end) > bisect_right(ends, begin)


if __name__ == "__main__":
    raise SystemExit(main())
