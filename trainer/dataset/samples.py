"""Samples: a prompt as an editor, a benchmark or a paper would ask it, and its answer cut by [FRAG].

Every prompt goes through `engine.prompts.encode`, so it is cut in training as it is when asking. A
module gives, each pass:

- fill-in-the-middle samples, at places where an editor asks: after an indentation, at a fragment's
  end, in the middle of a word; the answer is the rest of the line, some lines, or a block. Some carry
  headers of other modules of the same repository, as the editor does;
- an instruction sample, if it is described and fits: description in, whole module out. Some give the
  header too, some wrap the description as Alpaca does;
- a continuation sample, if it has a comment and fits: comment, header and perhaps some lines of the
  body in, the rest of the module out.

Some answers carry no [FRAG] (`Window.plain`), for a model that is also to write ordinary text, whose
boundaries the lexer finds. What a pass draws depends on its number, the seed and the module's id alone.
"""

from __future__ import annotations

import random
import re
import textwrap
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine import prompts
from engine.api import Prompt
from engine.tokenizer import FragmentTokenizer
from engine.verilog.fragments import boundaries

LONGEST_ANSWER = 0.8  # of a row: a module that takes more is not asked for whole
MOST_CHARACTERS = 6  # a token, on average over any module
LONGEST_HOLE = 0.5  # of a row
MAX_FILLS = 8  # of one module and pass, so that generated giants do not fill the data set
CONTEXT_CHARACTERS = 1_500  # as many as the language server sends

_BLANKS = re.compile(r"\s*")
_DECLARATION = re.compile(r"\s*(?:$|(?:reg|wire|logic|integer|genvar|parameter|localparam)\b)")


@dataclass(frozen=True)
class Module:
    """What samples are made of, wherever it comes from."""

    id: str
    text: str
    header: str = ""
    """The beginning of `text` through the end of the line that ends its header."""
    instructions: tuple[str, ...] = ()
    """Descriptions in plain English, or as a benchmark words them."""
    comments: tuple[str, ...] = ()
    """Comments, markers and line end included, that can stand above the header."""
    context: tuple[str, ...] = ()
    """Headers of other modules in reach, those that it instantiates first."""
    fills: float = 1.0
    """Fill-in-the-middle samples a pass, on average."""


@dataclass(frozen=True)
class Window:
    """What a sample is made for: a tokenizer, how many of its ids fit, and the share of the answers without
    [FRAG]."""

    tokenizer: FragmentTokenizer
    length: int
    plain: float = 0.0


class Sample(NamedTuple):
    kind: str
    ids: list[int]


def of_module(module: Module, window: Window, passes: int, seed: int) -> Iterator[Sample]:
    """The samples of `passes` passes over a module."""
    cuts = boundaries(module.text)
    # Described in another wording each pass, but not every module first in its first.
    first = random.Random(module.id).randrange(64)
    for number in range(passes):
        rng = random.Random(f"{seed}-{module.id}-{number}")
        made = []
        if module.instructions:
            instruction = module.instructions[(first + number) % len(module.instructions)]
            made.append(instruct(module, instruction, cuts, window, rng))
        if module.comments:
            made.append(go_on(module, rng.choice(module.comments), window, rng))
        fills = int(module.fills) + (rng.random() < module.fills % 1)
        made += [fill(module, cuts, window, rng) for _ in range(min(MAX_FILLS, fills))]
        for one in filter(None, made):
            yield without_frag(one, window.tokenizer) if rng.random() < window.plain else one


def without_frag(sample: Sample, tokenizer: FragmentTokenizer) -> Sample:
    """The sample with its answer in ordinary text; a few tokens still end where a fragment did."""
    return Sample(sample.kind, [token for token in sample.ids if token != tokenizer.frag])


def answer(
    tokenizer: FragmentTokenizer, text: str, begin: int, end: int, cuts: Sequence[int]
) -> list[int]:
    """Ids of text[begin:end] and [END]; `cuts` are the ends of the fragments of all of `text`."""
    solid = _BLANKS.match(text, begin).end()  # blanks at its beginning are no fragment of their own
    inner = cuts[bisect_right(cuts, solid) : bisect_left(cuts, end)]
    ends = [*(cut - begin for cut in inner), end - begin]
    return [*tokenizer.encode_fragments(text[begin:end], ends), tokenizer.end]


def instruct(
    module: Module, instruction: str, cuts: Sequence[int], window: Window, rng: random.Random
) -> Sample | None:
    """Description in, module out, or the rest of it after its header. None if that is too long."""
    kind, given, draw = "instruction", "", rng.random()
    if draw < 0.2 and module.header:
        kind, given = "instruction with header", module.header
    elif draw > 0.9 and "### Instruction:" not in instruction:
        kind, instruction = "alpaca", prompts.alpaca(instruction)
    prompt = Prompt(given, instruction=instruction)
    return _to_the_end(kind, prompt, module.text, len(given), cuts, window)


def go_on(module: Module, comment: str, window: Window, rng: random.Random) -> Sample | None:
    """Comment, header and perhaps lines of the body in, the rest of the module out. None if that is
    too long."""
    text, begin = begun(module, comment, rng)
    prompt = Prompt(text[:begin])
    return _to_the_end("continuation", prompt, text, begin, boundaries(text), window)


def begun(module: Module, comment: str, rng: random.Random) -> tuple[str, int]:
    """The module with `comment`, and the offset where the answer begins: after the header, after the
    declarations, or in the body.

    A comment of several lines may go on below the header, where VGen's prompts have theirs, and the
    prompt may end without a line end.
    """
    above, below = comment, ""
    lines = module.text[len(module.header) :].splitlines(keepends=True)
    place = rng.random()
    if place < 0.7:
        declared = next((n for n, x in enumerate(lines) if not _DECLARATION.match(x)), 0)
        kept = 0 if place < 0.4 else declared
        said = comment.splitlines(keepends=True)
        if len(said) > 1 and all(x.startswith("//") for x in said) and rng.random() < 0.6:
            split = rng.randint(1, len(said) - 1)
            above, below = "".join(said[:split]), "".join(said[split:])
    else:
        kept = rng.randint(0, len(lines) // 2)
    given = above + module.header + "".join(lines[:kept]) + below
    begin = len(given) - (given.endswith("\n") and rng.random() < 0.35)
    begin -= len(prompts.typed_blank(given[:begin]))
    return given + "".join(lines[kept:]), begin


def as_comment(description: str) -> str:
    """A description as line comments."""
    wrapped = [line for part in description.split("\n") for line in textwrap.wrap(part, 90) or [""]]
    return "".join(f"// {line}".rstrip() + "\n" for line in wrapped)


def fill(module: Module, cuts: Sequence[int], window: Window, rng: random.Random) -> Sample:
    """A hole in the module, all that stands before it, and what follows it or only some of that."""
    text = module.text
    begin, end = hole(text, cuts, rng)
    # Mostly from the module's beginning: `prompts.encode` keeps its header when it must cut.
    low = 0 if rng.random() < 0.8 else text.rfind("\n", 0, rng.randint(0, begin)) + 1
    above = rng.choice(module.comments) if module.comments and rng.random() < 0.3 else ""
    prefix = text[low:begin] if low else above + text[:begin]
    suffix = text[end : end + rng.choice((0, 0, 80, 300, 1000, len(text)))]
    context = reachable(module, rng) if rng.random() < 0.5 else ""
    ids = answer(window.tokenizer, text, begin, end, cuts)[: int(window.length * LONGEST_HOLE)]
    kind = "fill with context" if context else "fill"
    return _join(kind, Prompt(prefix, suffix, context), ids, window)


def reachable(module: Module, rng: random.Random) -> str:
    """Some of the headers in reach, whole ones and nearest first, as the language server sends them."""
    chosen, room = [], CONTEXT_CHARACTERS
    for header in module.context[: rng.randint(1, max(1, len(module.context)))]:
        if len(header) + 1 <= room:
            chosen.append(header + "\n")
            room -= len(header) + 1
    return "".join(chosen)


def hole(text: str, cuts: Sequence[int], rng: random.Random) -> tuple[int, int]:
    """Where an editor might ask within `text`, and where the answer ends: 0 <= begin < end.

    The answer is the rest of a line, some lines, or many: long ones are where fragments are learnt.
    """
    begin = rng.randrange(len(text))
    if rng.random() < 0.75:  # at a fragment's end, most of all after an indentation
        begin = min(cuts[bisect_left(cuts, begin)], len(text) - 1)
    begin -= len(prompts.typed_blank(text[:begin]))
    end = _line_end(text, begin)
    further = rng.choice((0, 0, rng.randint(1, 8), rng.randint(1, 40)))
    for _ in range(max(further, end == begin)):
        end = _line_end(text, min(end + 1, len(text)))
    return begin, max(begin + 1, end)


def _to_the_end(
    kind: str, prompt: Prompt, text: str, begin: int, cuts: Sequence[int], window: Window
) -> Sample | None:
    """The sample that is answered by all of text[begin:], or None if that is too long."""
    longest = int(window.length * LONGEST_ANSWER)
    if len(text) - begin > MOST_CHARACTERS * longest:
        return None
    ids = answer(window.tokenizer, text, begin, len(text), cuts)
    return _join(kind, prompt, ids, window) if len(ids) <= longest else None


def _join(kind: str, prompt: Prompt, answer: list[int], window: Window) -> Sample:
    asked = prompts.encode(window.tokenizer, prompt, window.length - len(answer))
    return Sample(kind, [*asked, *answer])


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end
