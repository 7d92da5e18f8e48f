"""Turn a corpus into packed rows of token ids: `python -m trainer.dataset CORPUS OUT`.

Two kinds of samples, both in the layout of `engine.prompts`, their answers cut into fragments by [FRAG]:

- fill-in-the-middle at places where an editor asks: after an indentation, at a fragment's end, in the
  middle of a word; the answer is the rest of the line, some lines, or a block;
- comment-to-module: description in, the whole module out.

OUT receives tokenizer.json, train.safetensors and held_out.safetensors, each with `ids` int16 [rows, T].
A row holds whole samples back to back, each opened by [START], padded at its end: segments, loss masks
and labels all follow from the ids (`trainer.labels`). Whole modules are held out, never parts.
"""

from __future__ import annotations

import argparse
import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from engine import prompts
from engine.tokenizer import FragmentTokenizer
from engine.verilog.fragments import boundaries
from trainer import corpus, vocabulary

WINDOW = 1500  # characters of a module that one fill-in-the-middle sample sees
MAX_WINDOWS = 6  # of one module and pass, so that generated giants do not fill the data set
HELD_OUT_EVERY = 40


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.dataset", description=__doc__.split("\n")[0]
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--vocabulary", type=int, default=4096, help="entries of the tokenizer")
    parser.add_argument("--length", type=int, default=512, help="tokens a row")
    parser.add_argument("--passes", type=int, default=3, help="times each module is sampled")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    items = corpus.read(args.corpus)
    held_out, kept = items[::HELD_OUT_EVERY], [x for i, x in enumerate(items) if i % HELD_OUT_EVERY]
    args.out.mkdir(parents=True, exist_ok=True)
    texts = (part[:20_000] for item in kept for part in (item.text, item.description))
    tokenizer = vocabulary.train(texts, args.vocabulary)
    tokenizer.save(args.out)
    for name, group, passes in (("train", kept, args.passes), ("held_out", held_out, 1)):
        rng = random.Random(f"{args.seed}-{name}")
        rows = pack(
            samples(group, tokenizer, passes, args.length, rng), tokenizer, args.length, rng
        )
        save_file({"ids": rows.to(torch.int16)}, args.out / f"{name}.safetensors")
        print(f"{name}: {len(group)} modules, {len(rows)} rows of {args.length} tokens")
    return 0


def load_rows(folder: Path, name: str) -> Tensor:
    """`ids` of one of the two files as int64 [rows, T]."""
    return load_file(folder / f"{name}.safetensors")["ids"].long()


def samples(
    items: Sequence[corpus.Item],
    tokenizer: FragmentTokenizer,
    passes: int,
    length: int,
    rng: random.Random,
) -> Iterator[list[int]]:
    """Token ids of every sample, at most `length` long, in the order of the items."""
    for item in tqdm(items, desc="samples", unit="module", leave=False):
        cuts = boundaries(item.text)
        whole = tokenizer.encode_fragments(item.text, cuts)
        for _ in range(passes):
            if item.description and len(whole) < length * 4 // 5:
                yield instruct(item, whole, tokenizer)[:length]
            windows = min(MAX_WINDOWS, 1 + len(item.text) // WINDOW)
            for _ in range(windows):
                yield fill(item.text, cuts, tokenizer, rng)[:length]


def instruct(item: corpus.Item, answer: list[int], tokenizer: FragmentTokenizer) -> list[int]:
    """A comment-to-module sample."""
    description = tokenizer.encode(item.description)[:150]
    return [*prompts.layout(tokenizer, (), instruction=description), *answer, tokenizer.end]


def fill(
    text: str, cuts: Sequence[int], tokenizer: FragmentTokenizer, rng: random.Random
) -> list[int]:
    """A fill-in-the-middle sample from a random window of `text`, whose fragments end at `cuts`."""
    low = 0 if rng.random() < 0.3 else text.rfind("\n", 0, rng.randrange(len(text))) + 1
    high = min(len(text), low + WINDOW)
    begin, end = hole(text, low, high, cuts, rng)
    suffix_end = min(high, end + rng.choice((0, 80, 200, 400)))
    inner = [cut - begin for cut in cuts[bisect_right(cuts, begin) : bisect_left(cuts, end)]]
    answer = tokenizer.encode_fragments(text[begin:end], [*inner, end - begin])
    prefix, suffix = tokenizer.encode(text[low:begin]), tokenizer.encode(text[end:suffix_end])
    return [*prompts.layout(tokenizer, prefix, suffix), *answer, tokenizer.end]


def hole(
    text: str, low: int, high: int, cuts: Sequence[int], rng: random.Random
) -> tuple[int, int]:
    """Where an editor might ask within text[low:high], and where the answer ends: low <= begin < end."""
    begin = rng.randrange(low, high)
    if rng.random() < 0.75:  # at a fragment's end, most of all after an indentation
        begin = max(low, cuts[bisect_left(cuts, begin)])
    begin = min(begin, high - 1)
    end = _line_end(text, begin)
    if rng.random() < 0.5 or end == begin:
        for _ in range(rng.randint(1, 8)):
            end = _line_end(text, min(end + 1, high))
    return begin, max(begin + 1, min(end, high))


def pack(
    stream: Iterator[list[int]], tokenizer: FragmentTokenizer, length: int, rng: random.Random
) -> Tensor:
    """Shuffle the samples and lay them first-fit into rows of `length`: int64 [rows, length]."""
    order = list(stream)
    rng.shuffle(order)
    open_rows: list[list[int]] = []
    full: list[list[int]] = []
    for sample in order:
        row = next((r for r in open_rows if len(r) + len(sample) <= length), None)
        if row is None:
            row = []
            open_rows.append(row)
        row += sample
        if len(row) > length - 24 or len(open_rows) > 64:
            fullest = max(open_rows, key=len)
            open_rows.remove(fullest)
            full.append(fullest)
    full += open_rows
    rng.shuffle(full)
    rows = torch.full((len(full), length), tokenizer.pad, dtype=torch.long)
    for index, row in enumerate(full):
        rows[index, : len(row)] = torch.tensor(row)
    return rows


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end


if __name__ == "__main__":
    raise SystemExit(main())
