"""Next lines: what an editor asks for, at random places of modules that training has not seen.

The cursor stands after the indentation of a line; the model writes on, greedily. The first line it writes is
compared with the author's, and all of it counts for the accepted tokens a step, with all of the model's
draft tree: drafted by its heads alone, and by look-up too. Each place is asked twice: with what follows the
line as the suffix, and without.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from rapidfuzz import fuzz
from tqdm import tqdm

from engine import prompts, stops
from engine.api import Completion, DecodingOptions, Prompt
from engine.batch import Request, decode_many
from engine.card import LARGEST_TREE
from engine.model import MedusaModel
from engine.verilog.lexemes import lexemes
from trainer.evaluate.records import Record

TOKENS = 48
Form = Literal["prefix", "prefix and suffix"]
OPTIONS = DecodingOptions(max_tokens=TOKENS, max_seconds=600)
AT_ONCE = 16  # places that are decoded together


@dataclass(frozen=True)
class Place:
    """A line to be written: what stands before it (its indentation too), it, and what follows."""

    id: str
    prefix: str
    line: str
    suffix: str


def places(texts: Sequence[str], count: int) -> list[Place]:
    """`count` random lines of `texts`, or all if there are fewer. First lines and comments are left
    out, and every line is as likely as any other; the same texts give the same places."""
    lines = [
        (text, start)
        for text in texts
        for start, line in _starts(text)
        if start and line.strip() and not line.lstrip().startswith(("//", "/*", "*"))
    ]
    chosen = random.Random(0).sample(lines, min(count, len(lines)))
    return [_place(text, start) for text, start in chosen]


def pending(
    model: str, asked: Sequence[Place], done: Collection[tuple[str, str, str]]
) -> list[tuple[Place, Form]]:
    """What is still to be asked of the model with this fingerprint; `done` is the model, place and form
    of the records."""
    wanted = [(place, form) for place in asked for form in get_args(Form)]
    return [(place, form) for place, form in wanted if (model, place.id, form) not in done]


def fill(
    model: MedusaModel,
    label: str,
    wanted: Sequence[tuple[Place, Form]],
    write: Callable[[Record], None],
    boundaries: Literal["tokens", "lexer"] = "tokens",
) -> None:
    """Ask `model`, which records call `label`, at each place, and write a record for each answer."""
    options = replace(OPTIONS, boundaries=boundaries)
    with tqdm(total=len(wanted), desc=f"next lines of {model.card.name}", unit="line") as progress:
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            by_heads, by_both = (
                _ask(model, some, replace(options, lookup=lookup)) for lookup in (False, True)
            )
            for number, (place, form) in enumerate(some):
                answer = by_heads[number]
                found = compare(first_line(answer.text), place.line)
                figures = {"tokens": answer.tokens, "steps": answer.steps}
                figures["steps_with_lookup"] = by_both[number].steps
                write({"model": label, "place": place.id, "form": form} | found | figures)
            progress.update(len(some))


def first_line(text: str) -> str:
    """The first line of `text` that is not blank, without the white space around it."""
    end = stops.find(text, 0, "line")
    return text[:end].strip()


def compare(written: str, wanted: str) -> Record:
    """Are two lines the same, and how alike are they (normalised indel similarity, 0 to 1)? White space
    and comments don't count."""
    ours, theirs = lexemes(written), lexemes(wanted)
    return {
        "exact": ours == theirs,
        "similarity": fuzz.ratio(" ".join(ours), " ".join(theirs)) / 100,
    }


def _ask(
    model: MedusaModel, asked: Sequence[tuple[Place, Form]], options: DecodingOptions
) -> dict[int, Completion]:
    """The answers, by their number; drafts are as large as the model's tree."""
    requests = []
    for place, form in asked:
        prompt = Prompt(place.prefix, place.suffix if form == "prefix and suffix" else "")
        ids = prompts.encode(model.tokenizer, prompt, model.card.window - TOKENS)
        requests.append(Request(tuple(ids), options, prompts.typed_blank(prompt.prefix), prompt))
    return dict(decode_many(model, requests, width=AT_ONCE, nodes=LARGEST_TREE))


def _starts(text: str) -> list[tuple[int, str]]:
    found, start = [], 0
    for line in text.split("\n"):
        found.append((start, line))
        start += len(line) + 1
    return found


def _place(text: str, start: int) -> Place:
    line, _, suffix = text[start:].partition("\n")
    indentation = line[: len(line) - len(line.lstrip())]
    name = hashlib.sha256(f"{start} {text}".encode()).hexdigest()[:16]
    return Place(name, text[:start] + indentation, line.strip(), f"\n{suffix}")
