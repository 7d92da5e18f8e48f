"""Milliseconds of one verification step: `python -m benchmarks.step [MODEL]`.

Through transformers' layers, through the plain function (`engine.lean`), and through the compiled step
(`python -m engine.compile` builds it), for trees of several sizes behind contexts of several lengths, in
float32 and bfloat16; and the heads' guesses. A step is what `decoding.decode` does between a draft and
its logits, and what it does to the cache. The ways take turns in one run; their ratios are what can be
compared. On a machine that does other things as well, --processor counts processor time, of all threads.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch

from engine import compiled, lean, model_store, passes
from engine import model as models
from engine.cache import TreeCache
from engine.model import MedusaModel
from engine.tree import DraftTree, build

CONTEXTS = (64, 256, 768)
NODES = (1, 4, 8, 16, 32)
KEPT = 3  # nodes of a tree that are accepted, at most


@dataclass
class Way:
    """One way to do what `case` says; `step` does it once."""

    case: str
    name: str
    step: Callable[[], object]
    milliseconds: list[float] = field(default_factory=list)


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    ways = list(_ways(model_store.resolve(args.model), args.threads))
    clock = time.process_time if args.processor else time.perf_counter
    end = time.monotonic() + args.seconds
    with torch.no_grad():
        while time.monotonic() < end or not ways[0].milliseconds:
            for way in ways:
                way.step()  # what the way before has left in the caches of the CPU is not its fault
                start = clock()
                way.step()
                way.milliseconds.append(1000 * (clock() - start))
    _report(ways, "processor" if args.processor else "wall clock", args.threads)
    return 0


def _ways(name: str, threads: int) -> Iterator[Way]:
    for dtype in (torch.float32, torch.bfloat16):
        model = models.load(name, torch.device("cpu"), dtype)
        torch.set_num_threads(threads)
        kind = str(dtype).removeprefix("torch.")
        yield from _steps(model, f"transformers {kind}", through_transformers)
        if lean.suits(model.backbone):
            yield from _steps(model, f"lean {kind}", passes.forward)
        if dtype is torch.float32:
            fast = MedusaModel(model.backbone, model.heads, model.tokenizer, model.card)
            print(compiled.attach(fast))
            if fast.compiled is not None:
                yield from _steps(fast, "compiled", passes.forward)


def _steps(model: MedusaModel, name: str, forward: Callable[..., object]) -> Iterator[Way]:
    vocabulary = model.backbone.config.vocab_size
    for context in CONTEXTS:
        for nodes in NODES:
            tree = _tree(model, nodes)
            cache = TreeCache(model.depth, context + 2 * tree.size)
            prompt = torch.randint(vocabulary, (context,)).tolist()
            last, _ = passes.prefill(model, prompt, cache)
            ids = torch.randint(vocabulary, (1, tree.size))
            step = _step(model, forward, ids, tree, cache, context)
            yield Way(f"{tree.size:2} nodes behind {context}", name, step)
    if model.heads.count and not name.startswith("transformers"):
        tree = _tree(model, len(model.card.tree) + 1)
        guess = lambda: passes.guess(model, last, tree)  # noqa: E731
        yield Way(f"guess of {tree.heads} heads", name, guess)


def _step(
    model: MedusaModel,
    forward: Callable[..., object],
    ids: torch.Tensor,
    tree: DraftTree,
    cache: TreeCache,
    context: int,
) -> Callable[[], None]:
    path = [node for node in range(tree.size) if tree.sees[tree.size - 1, node]][:KEPT]

    def step() -> None:
        forward(model, ids, tree.depth, tree.sees, cache)
        cache.commit([path])
        cache.lengths[0] = context

    return step


def through_transformers(
    model: MedusaModel,
    ids: torch.Tensor,
    depth: torch.Tensor,
    sees: torch.Tensor,
    cache: TreeCache,
) -> None:
    """What `passes.forward` does for a model that `engine.lean` does not suit."""
    model.logits(passes._states(model, ids, depth, sees, cache, 0))


def _tree(model: MedusaModel, nodes: int) -> DraftTree:
    """The first nodes of the model's tree, and as many more of the root's children."""
    paths = list(map(tuple, model.card.tree))
    more = [(rank,) for rank in range(len(paths), nodes + len(paths)) if (rank,) not in paths]
    return build([*paths, *more][: nodes - 1])


def _report(ways: list[Way], clock: str, threads: int) -> None:
    names = list(dict.fromkeys(way.name for way in ways))
    print(f"milliseconds ({clock}), median and in brackets the middle 80 %; {threads} threads")
    print(f"{'':22}" + "".join(f"{name:>25}" for name in names))
    for case in dict.fromkeys(way.case for way in ways):
        cells = {way.name: _cell(way.milliseconds) for way in ways if way.case == case}
        print(f"{case:22}" + "".join(f"{cells.get(name, ''):>25}" for name in names))
    base, *others = names
    print(f"\ntimes as fast as {base}")
    for case in dict.fromkeys(way.case for way in ways):
        found = {w.name: statistics.median(w.milliseconds) for w in ways if w.case == case}
        if base in found:
            cells = [f"{found[base] / found[name]:.2f}" if name in found else "" for name in others]
            print(f"{case:22}" + "".join(f"{cell:>25}" for cell in cells))


def _cell(milliseconds: list[float]) -> str:
    ordered = sorted(milliseconds)
    low, high = ordered[len(ordered) // 10], ordered[-1 - len(ordered) // 10]
    return f"{statistics.median(ordered):.2f} ({low:.2f}-{high:.2f})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.step", description=__doc__)
    parser.add_argument(
        "model", nargs="?", default="", help="a model folder (default: the current)"
    )
    parser.add_argument("--seconds", type=float, default=60, help="how long to measure")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--processor", action="store_true", help="count processor time instead")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
