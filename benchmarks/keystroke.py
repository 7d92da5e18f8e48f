"""What a completion costs after one more typed character: `python -m benchmarks.keystroke`.

Pairs of greedy requests in one long file, at places all over it: the first with nothing kept, the
second after one more character. Reported is how many times cheaper the second is in reading the
prompt, up to its first step, and as a whole: medians over the pairs, with the middle half of them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass, replace

from tqdm import tqdm

from engine import model as models
from engine import model_store
from engine.api import DecodingOptions, Prompt
from engine.decoding import prompt_ids
from engine.prompts import typed_blank
from engine.reuse import PromptCaches

GHOST_TEXT = DecodingOptions(max_tokens=96, stop="line")


@dataclass(frozen=True)
class Cost:
    """Seconds: to read the prompt's ids alone, from the request to its first step, and to its end."""

    reading: float
    first_step: float
    whole: float


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    model = models.load(model_store.resolve(args.model))
    models.choose_threads(model)
    text = long_file(args.lines)
    pairs = []
    for number in tqdm(range(args.pairs), desc="pairs", leave=False):
        # A step that has no divisor in common with the file's pattern.
        cursor = (len(text) // 3 + 1009 * number) % (len(text) - 2)
        caches, for_reading = PromptCaches(model), PromptCaches(model)
        typed = (text[:cursor], text[: cursor + 1])
        asked = [Prompt(prefix, text[cursor + 1 :]) for prefix in typed]
        pairs.append([request(caches, for_reading, prompt) for prompt in asked])
    print(f"{model.card.name}: {args.pairs} pairs of requests in a file of {args.lines} lines")
    _report("in reading the prompt", [a.reading / b.reading for a, b in pairs])
    _report("up to its first step", [a.first_step / b.first_step for a, b in pairs])
    _report("as a whole", [a.whole / b.whole for a, b in pairs])
    return 0


def long_file(lines: int) -> str:
    """One module with a counter in every five lines."""
    counter = (
        "  reg [7:0] count_{0};\n"
        "  always @(posedge clk)\n"
        "    if (rst) count_{0} <= 8'd{0};\n"
        "    else if (enable[{1}]) count_{0} <= count_{0} + 8'd{1};\n"
        "\n"
    )
    body = "".join(counter.format(number, number % 8) for number in range(lines // 5))
    return f"module many(input clk, input rst, input [7:0] enable);\n{body}endmodule\n"


def request(caches: PromptCaches, for_reading: PromptCaches, prompt: Prompt) -> Cost:
    """One request as the engine process answers it; before it, the same with no token to write."""
    ids = prompt_ids(caches.model, prompt, GHOST_TEXT)
    began = time.perf_counter()
    list(for_reading.decode(ids, replace(GHOST_TEXT, max_tokens=0)))
    read = time.perf_counter()
    ids = prompt_ids(caches.model, prompt, GHOST_TEXT)
    steps = caches.decode(ids, GHOST_TEXT, typed_blank(prompt.prefix))
    next(steps)
    stepped = time.perf_counter()
    list(steps)
    return Cost(read - began, stepped - read, time.perf_counter() - read)


def _report(what: str, ratios: list[float]) -> None:
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(f"the second is {middle:.1f} times cheaper {what} (half of them {low:.1f} to {high:.1f})")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.keystroke",
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--model", default="", help="folder or hub name; empty: the one in service")
    add("--pairs", type=int, default=40, help="pairs of requests")
    add("--lines", type=int, default=500, help="length of the file")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
