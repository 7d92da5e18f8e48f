"""Build a model's draft tree for this machine: `python -m engine.tune MODEL --text FILES_OR_FOLDERS...`

On places of Verilog that the model was not trained on it measures how often each head's guesses are right
(the answer is the author's text, written as the engine writes it), and on this machine what a pass costs
by its number of nodes. For every size it grows the tree with most expected accepted tokens
(`engine.tree.grow`) and replays the places with it and look-up. Into the model folder's verifrag.json go
the largest tree, of which any machine can take as much as suits it (a tree begins with its likeliest
paths), and the number of nodes with most tokens per millisecond here.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from engine import compiled, model_store, prompts
from engine import model as models
from engine.api import DecodingOptions, EngineError, Prompt
from engine.card import CARD_FILE, LARGEST_TREE, write_card
from engine.decoding import complete, decode
from engine.drafts import Drafter, draft_size
from engine.model import MedusaModel
from engine.tree import Path as TreePath
from engine.tree import grow

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SUFFIXES = (".v", ".sv")
LONGEST_TEXT = 200_000  # characters of a file; generated ones are longer and teach nothing
ANSWER = 64  # tokens
RANKS = 8  # guesses of a head that a tree may take
SIZES = (2, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64)  # nodes
TIMED = 6  # places at which steps are timed
OPTIONS = DecodingOptions(max_tokens=ANSWER, max_seconds=600)


@dataclass(frozen=True)
class Place:
    """A place in a text: the prompt's ids, the answer [T] of the author, the heads' best guesses [T, heads,
    RANKS] in the pass that begins with each of its tokens, and at which rank each is right [T, heads] (-1
    none, -2 beyond the end)."""

    prompt: list[int]
    answer: list[int]
    guesses: Tensor
    right: Tensor


@dataclass(frozen=True)
class Candidate:
    """A tree: tokens a pass when the places are replayed with it and look-up, milliseconds a step."""

    paths: list[TreePath]
    tokens: float
    milliseconds: float

    @property
    def nodes(self) -> int:
        return len(self.paths) + 1

    @property
    def speed(self) -> float:
        """Tokens a millisecond."""
        return self.tokens / self.milliseconds


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        tune(args)
    except EngineError as error:
        print(f"tune: {error}", file=sys.stderr)
        return 1
    return 0


def tune(args: argparse.Namespace) -> None:
    """Measure, report, and write the tree unless `args.dry_run`. Raises EngineError."""
    folder = Path(model_store.resolve(args.model))
    if not args.dry_run and not (folder / CARD_FILE).exists():
        raise EngineError(f"{folder} is no model folder of ours to write to: try it with --dry-run")
    model = models.load(model_store.resolve(args.model))
    if not model.heads.count:
        raise EngineError(f"{model.card.name} has no heads to build a tree for; look-up needs none")
    models.choose_threads(model)
    print(compiled.attach(model))
    texts = read_texts(args.text)
    asked = places(model, texts, args.places)
    if not asked:
        raise EngineError("the text is too short: give files or folders of Verilog with --text")
    rates = hit_rates(torch.cat([place.right for place in asked]))
    tokens = sum(len(place.answer) for place in asked)
    print(f"{model.card.name}: {len(asked)} places, {tokens} tokens, of {len(texts)} files")
    _print_heads(rates)
    served = model.card.tree[: draft_size(model, DecodingOptions()) - 1]
    before = [tuple(path) for path in served]
    sizes = [args.nodes] if args.nodes else [size for size in SIZES if size <= args.most]
    trees = [before, *(grow(rates, size) for size in sizes)]
    found = zip(trees, costs(model, asked, trees), strict=True)
    now, *rated = [Candidate(paths, replay(model, asked, paths), ms) for paths, ms in found]
    best = max(rated, key=lambda one: one.speed)
    _print_candidates(now, rated, best)
    if args.verify:
        figures = [verify(model, asked[: args.verify], paths) for paths in (before, best.paths)]
        print("decoded: {:.3f} tokens a pass as it is, {:.3f} with the new tree".format(*figures))
    largest = grow(rates, max(args.most, best.nodes))
    model.card.tree = [list(path) for path in largest]
    model.card.nodes = 0 if args.tree_only else best.nodes
    if args.dry_run:
        print("nothing was written (--dry-run)")
        return
    with tempfile.TemporaryDirectory(dir=folder, prefix=".tune-") as temporary:
        write_card(model.card, Path(temporary))
        written = Path(temporary) / CARD_FILE
        with written.open("rb") as file:
            os.fsync(file.fileno())
        written.replace(folder / CARD_FILE)
    taken = "as many as suit a machine" if args.tree_only else f"{best.nodes}"
    print(f"wrote a tree of {len(largest) + 1} nodes to {folder / CARD_FILE}, to take {taken}")


def read_texts(given: Sequence[Path]) -> list[str]:
    """The Verilog of files and folders, or of this project's examples. Raises EngineError."""
    if not given:
        print(
            "WARNING: no --text: measured on the project's examples alone, which is very little. Give "
            "Verilog like that you write, which the model was not trained on.",
            file=sys.stderr,
        )
    texts: list[str] = []
    for root in given or [EXAMPLES]:
        if not root.exists():
            raise EngineError(f"there is no {root}: give Verilog files or folders with --text")
        found = (path for path in sorted(root.rglob("*")) if path.suffix in SUFFIXES)
        for path in [root] if root.is_file() else found:
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
            except OSError as error:
                raise EngineError(f"cannot read {path}: {error}") from error
            if text.strip() and len(text) <= LONGEST_TEXT:
                texts.append(text)
    if not texts:
        raise EngineError("there are no .v or .sv files: give some with --text")
    return texts


def places(model: MedusaModel, texts: Sequence[str], count: int) -> list[Place]:
    """Up to `count` places at random line starts, a line with text as likely as any other."""
    starts = [
        (text, end + 1)
        for text in texts
        for end, character in enumerate(text)
        if character == "\n" and text[end + 1 : end + 81].strip()
    ]
    chosen = random.Random(0).sample(starts, min(count, len(starts)))
    found = (_place(model, text, start) for text, start in chosen)
    return [place for place in found if len(place.answer) > 1]


@torch.no_grad()
def _place(model: MedusaModel, text: str, start: int) -> Place:
    # Whole lines, about as many as ANSWER tokens hold.
    end = text.find("\n", start + 3 * ANSWER) + 1 or len(text)
    prompt = prompts.encode(
        model.tokenizer, Prompt(text[:start], text[end:]), model.card.window - ANSWER
    )
    writes_fragments = model.tokenizer.frag is not None
    written = model.tokenizer.encode_fragments if writes_fragments else model.tokenizer.encode
    answer = written(text[start:end])[:ANSWER]
    ids = torch.tensor([prompt + answer], device=model.device)
    hidden = model.hidden(ids, use_cache=False)[0, len(prompt) - 1 : -1]  # before each token
    guesses = model.head_logits(model.heads(hidden)).topk(RANKS, dim=-1).indices.cpu()
    return Place(prompt, answer, guesses, ranks(guesses, torch.tensor(answer)))


def ranks(guesses: Tensor, answer: Tensor) -> Tensor:
    """At which rank each head is right [T, heads]: -1 none, -2 where the answer [T] has ended; for guesses
    [T, heads, ranks] in the pass that begins with each token."""
    length, heads, _ = guesses.shape
    at = torch.arange(length)[:, None] + 1 + torch.arange(heads)
    token = answer[at.clamp(max=length - 1)]
    hit = guesses == token[..., None]
    rank = torch.where(hit.any(-1), hit.int().argmax(-1), -1)
    return rank.masked_fill(at >= length, -2)


def hit_rates(right: Tensor) -> list[list[float]]:
    """[heads][RANKS]: how often each head is right with each guess, of `Place.right` [M, heads]."""
    known = (right > -2).sum(0).clamp(min=1)
    hits = [(right == rank).sum(0) / known for rank in range(RANKS)]
    return torch.stack(hits, dim=1).tolist()


def replay(
    model: MedusaModel, asked: Sequence[Place], paths: Sequence[TreePath], lookup: bool = True
) -> float:
    """Tokens a pass, where the backbone would write what the author has written."""
    with _drafting(model, paths):
        passes = sum(_replay(model, place, DecodingOptions(lookup=lookup)) for place in asked)
    return sum(len(place.answer) for place in asked) / passes


def _replay(model: MedusaModel, place: Place, options: DecodingOptions) -> int:
    drafter = Drafter(model, options)
    drafter.read(place.prompt)
    at = passes = 0
    while at < len(place.answer):
        draft = drafter.propose(place.answer[at], place.guesses[at])
        path = [0]
        for token in place.answer[at + 1 :]:
            below = (n for n in draft.layout.children[path[-1]] if draft.tokens[n] == token)
            node = next(below, None)
            if node is None:
                break
            path.append(node)
        drafter.add(draft, path)
        at, passes = at + len(path), passes + 1
    return passes


def costs(
    model: MedusaModel, asked: Sequence[Place], trees: Sequence[Sequence[TreePath]]
) -> list[float]:
    """Milliseconds of a whole step of decoding with each tree, the trees in turn: medians."""
    taken: list[list[float]] = [[] for _ in trees]
    for place in asked[:TIMED]:
        for paths, times in zip(trees, taken, strict=True):
            with _drafting(model, paths):
                steps = [step.milliseconds for step in decode(model, place.prompt, OPTIONS)]
            times += steps[1:] or steps  # the first reads the prompt
    return list(map(statistics.median, taken))


def verify(model: MedusaModel, asked: Sequence[Place], paths: Sequence[TreePath]) -> float:
    """Tokens a pass when the model itself writes on, greedily, at each place."""
    with _drafting(model, paths):
        answers = [complete(model, place.prompt, OPTIONS) for place in asked]
    return sum(answer.tokens for answer in answers) / sum(answer.steps for answer in answers)


@contextmanager
def _drafting(model: MedusaModel, paths: Sequence[TreePath]) -> Iterator[None]:
    """Let `model` draft with another tree for a while."""
    own, card = model.card, replace(model.card, tree=[list(path) for path in paths])
    model.card = replace(card, nodes=len(paths) + 1)
    try:
        yield
    finally:
        model.card = own


def _print_heads(rates: Sequence[Sequence[float]]) -> None:
    print(
        "\nhead   first  second   third  fourth   any of 8 (share of tokens at which it is right)"
    )
    for number, shares in enumerate(rates, 1):
        each = "".join(f"{share:7.1%} " for share in shares[:4])
        print(f"{number:4}  {each}{sum(shares):9.1%}")


def _print_candidates(now: Candidate, rated: Sequence[Candidate], best: Candidate) -> None:
    print("\nnodes  tokens a pass  ms a step  tokens a ms (with look-up)")
    for one in [now, *rated]:
        remark = "  as it is" if one is now else "  <- best" if one is best else ""
        print(
            f"{one.nodes:5}  {one.tokens:13.3f}  {one.milliseconds:9.2f}  {one.speed:11.3f}{remark}"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine.tune", description=__doc__)
    parser.add_argument(
        "model",
        nargs="?",
        default="",
        metavar="MODEL",
        help="a model folder (default: the current)",
    )
    parser.add_argument(
        "--text",
        nargs="+",
        type=Path,
        default=[],
        metavar="PATH",
        help=".v and .sv files, or folders of them, that the model was not trained on",
    )
    parser.add_argument("--nodes", type=_count, help="take so many, root included: do not choose")
    parser.add_argument(
        "--most", type=_count, default=32, help="nodes of the tree, and most to try (default 32)"
    )
    parser.add_argument(
        "--tree-only",
        action="store_true",
        help="do not write how many nodes suit this machine: the model is for others",
    )
    parser.add_argument("--places", type=_count, default=200, help="places to measure on (200)")
    parser.add_argument(
        "--verify", type=int, default=0, metavar="COUNT", help="decode at COUNT of the places too"
    )
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    return parser


def _count(word: str) -> int:
    number = int(word)
    if not 2 <= number <= LARGEST_TREE:
        raise ValueError
    return number


if __name__ == "__main__":
    raise SystemExit(main())
