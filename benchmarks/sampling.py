"""Speed of sampling modules, one at a time and in batches: `python -m benchmarks.sampling`.

Every way of decoding samples the same modules, to the same text where rounding allows: the random
numbers depend on the sample alone. The ways take turns in one run, so that what else the machine does
meets all of them; the ratios to decoding plainly one at a time are what can be compared. Processor
time counts all threads.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import torch
from tqdm import tqdm

from engine import compiled, model_store
from engine import model as models
from engine.api import Completion, DecodingOptions, Prompt
from engine.batch import complete_many, sample_seed
from engine.decoding import complete, prompt_ids
from engine.model import MedusaModel

DESCRIPTIONS = (
    "A 4-bit counter with synchronous reset and enable",
    "An 8-bit shift register with parallel load",
    "A 2-to-1 multiplexer with a WIDTH parameter",
    "A rising edge detector with asynchronous active-low reset",
    "A full adder",
    "A 3-to-8 decoder with enable",
    "A synchronous FIFO with full and empty flags, 8 bits wide and 16 words deep",
    "A Moore machine that detects the sequence 101 on its serial input",
)


@dataclass(frozen=True)
class Run:
    """One way's sampling of all modules. Tokens count [FRAG], characters are those shown."""

    seconds: float
    processor_seconds: float
    tokens: int
    characters: int
    passes: int


Way = Callable[[], Iterable[Completion]]


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    model = models.load(model_store.resolve(args.model))
    torch.set_num_threads(args.threads)
    print(compiled.attach(model))
    asked = [Prompt("", instruction=text) for text in DESCRIPTIONS for _ in range(args.samples)]
    options = DecodingOptions(
        max_tokens=args.max_tokens,
        max_seconds=float("inf"),
        stop="module",
        temperature=args.temperature,
        top_p=0.95,
    )
    ways = _ways(model, asked, options, args.width)
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for name in tqdm([*ways] * args.repeats, desc="sampling", unit="run", leave=False):
        runs[name].append(_run(ways[name]))
    print(
        f"{model.card.name}, {model.parameter_count() / 1e6:.1f}M parameters, {args.threads} thread(s): "
        f"{len(asked)} modules of {len(DESCRIPTIONS)} descriptions, temperature {args.temperature}, "
        f"medians of {args.repeats}"
    )
    _print_table(runs)
    return 0


def _ways(
    model: MedusaModel, asked: list[Prompt], options: DecodingOptions, widths: list[int]
) -> dict[str, Way]:
    """What is compared, the yardstick first."""
    plain = replace(options, speculative=False)

    def one_at_a_time(options: DecodingOptions) -> Way:
        def way() -> Iterable[Completion]:
            for index, prompt in enumerate(asked):
                ids = prompt_ids(model, prompt, options)
                yield complete(model, ids, replace(options, seed=sample_seed(0, index)))

        return way

    def together(options: DecodingOptions, width: int, nodes: int | None = None) -> Way:
        return lambda: (
            c for _, c in complete_many(model, asked, options, width=width, nodes=nodes)
        )

    ways = {
        "one at a time, plain": one_at_a_time(plain),
        "one at a time, drafts": one_at_a_time(options),
    }
    for width in widths:
        ways[f"width {width}, plain"] = together(plain, width)
        ways[f"width {width}, drafts"] = together(options, width)
        ways[f"width {width}, drafts of 3 nodes"] = together(options, width, 3)
    return ways


def _run(way: Way) -> Run:
    began, processor_began = time.perf_counter(), time.process_time()
    completions = list(way())
    return Run(
        seconds=time.perf_counter() - began,
        processor_seconds=time.process_time() - processor_began,
        tokens=sum(c.tokens for c in completions),
        characters=sum(len(c.text) for c in completions),
        passes=sum(c.steps for c in completions),
    )


def _print_table(runs: dict[str, list[Run]]) -> None:
    def median(name: str, value: Callable[[Run], float]) -> float:
        return statistics.median(map(value, runs[name]))

    yardstick = next(iter(runs))
    base = median(yardstick, lambda r: r.tokens / r.seconds)
    base_processor = median(yardstick, lambda r: r.tokens / r.processor_seconds)
    print(
        f"{'':32}{'tokens/s':>9}{'chars/s':>9}{'tokens/pass':>12}{'ratio':>7}{'ratio, processor':>18}"
    )
    for name in runs:
        tokens = median(name, lambda r: r.tokens / r.seconds)
        characters = median(name, lambda r: r.characters / r.seconds)
        a_pass = median(name, lambda r: r.tokens / r.passes)
        processor = median(name, lambda r: r.tokens / r.processor_seconds)
        print(
            f"{name:32}{tokens:9.0f}{characters:9.0f}{a_pass:12.2f}{tokens / base:7.2f}"
            f"{processor / base_processor:18.2f}"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sampling",
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--model", default="", help="folder or hub name; empty: the one in service")
    add("--samples", type=int, default=8, help="modules of each description")
    add("--max-tokens", type=int, default=200, help="longest module")
    add("--temperature", type=float, default=0.8, help="of sampling")
    add("--width", type=int, nargs="+", default=[1, 8, 32, 64], help="widths of batches")
    add("--repeats", type=int, default=3, help="runs of each way")
    add("--threads", type=int, default=1, help="of the processor")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
