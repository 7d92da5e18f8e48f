"""The steps of one answer by several methods, side by side, as Fig. 5 of paper 1 draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from engine.bench.methods import Trace
from engine.bench.prompts import BenchPrompt
from engine.tokenizer import TextTokenizer

METHODS = ("fragment", "medusa", "plain")
FRAGMENT_END = "|"


def of_prompt(
    tokenizer: TextTokenizer,
    asked: Sequence[BenchPrompt],
    answers: Mapping[str, Sequence[Trace]],
    number: int,
) -> str:
    """The greedy `answers` to prompt `number` (from 0) by the methods of Fig. 5."""
    number = min(number, len(asked) - 1)
    drawn = {name: answers[name][number] for name in METHODS if name in answers}
    one = asked[number]
    return f"{one.suite} {one.id}, greedy:\n{side_by_side(tokenizer, drawn)}"


def step_texts(tokenizer: TextTokenizer, trace: Trace) -> list[str]:
    """What each step added, line ends as \\n, [FRAG] as a bar and the end of text named."""
    marks = dict.fromkeys(tokenizer.ends, "[END]") | {tokenizer.frag: FRAGMENT_END}
    texts = []
    for step in trace.steps:
        text, held = "", []
        for token in step:
            if token in marks:
                text, held = text + tokenizer.decode(held) + marks[token], []
            else:
                held.append(token)
        texts.append((text + tokenizer.decode(held)).replace("\n", "\\n"))
    return texts


def side_by_side(tokenizer: TextTokenizer, traces: Mapping[str, Trace], width: int = 36) -> str:
    """A column for each method, `width` characters wide, a row for each step; long steps are wrapped."""
    columns = [step_texts(tokenizer, trace) for trace in traces.values()]
    counts = [f"{len(column)} steps" for column in columns]
    above = ([*traces], counts, ["-" * width] * len(columns))
    lines = ["     " + "  ".join(cell.ljust(width) for cell in cells) for cells in above]
    for number, row in enumerate(zip_longest(*columns, fillvalue=""), start=1):
        for part, cells in enumerate(zip_longest(*(_wrapped(cell, width) for cell in row))):
            label = f"{number:4} " if part == 0 else "     "
            lines.append(label + "  ".join((cell or "").ljust(width) for cell in cells))
    return "\n".join(line.rstrip() for line in lines)


def _wrapped(text: str, width: int) -> list[str]:
    """Lines that keep every blank, which `textwrap` would eat."""
    return [text[at : at + width] for at in range(0, len(text), width)] or [""]
