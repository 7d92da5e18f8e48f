"""Where the modules of a data set come from, which are held out, and which make a part of it."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.api import EngineError
from engine.verilog import syntax
from trainer.corpus import store as corpus
from trainer.dataset.samples import MAX_FILLS, Module, as_comment
from trainer.textbook import store as textbook

HELD_OUT_SHARE = 0.03  # of the corpus' characters
HELD_OUT_REPOSITORIES = 3  # at least
FILL_CHARACTERS = 2_000  # of a corpus module for each fill-in-the-middle sample
TEXTBOOK_FILLS = 0.5
OTHER_HEADERS = 3  # of modules that are not instantiated, in a module's context


@dataclass(frozen=True)
class Outline:
    """What the syntax tree says about a module's text; all empty where it declares none.

    `begun` is the text through the end of the line that ends the header.
    """

    name: str = ""
    header: str = ""
    begun: str = ""
    instances: tuple[str, ...] = ()


def outline(text: str) -> Outline:
    found = syntax.modules(text)
    if not found:
        return Outline()
    header = syntax.header(text, found[0])
    begun = text[: text.find("\n", found[0].start + len(header)) + 1]
    return Outline(found[0].name, header, begun, found[0].instances)


def from_corpus(items: Sequence[corpus.Item], outlines: Sequence[Outline]) -> list[Module]:
    """One module an item, in order. Its context are headers of its own repository."""
    headers: dict[str, dict[str, str]] = defaultdict(dict)
    for item, found in zip(items, outlines, strict=True):
        headers[item.source].setdefault(found.name, found.header)
    modules = []
    for item, found in zip(items, outlines, strict=True):
        number = hashlib.sha256(item.text.encode()).hexdigest()[:16]
        near = headers[item.source]
        others = sorted(near.keys() - {found.name, *found.instances})
        drawn = random.Random(number).sample(others, min(OTHER_HEADERS, len(others)))
        names = [*(name for name in found.instances if name in near), *drawn]
        modules.append(
            Module(
                id=f"{item.source}/{item.path}#{number}",
                text=item.text,
                header=found.begun,
                instructions=(item.description,) if item.description else (),
                comments=(as_comment(item.description),)
                if item.description and found.begun
                else (),
                context=tuple(near[name] for name in names if near[name]),
                fills=min(MAX_FILLS, 1 + len(item.text) // FILL_CHARACTERS),
            )
        )
    return modules


def from_textbook(items: Iterable[textbook.Item]) -> list[Module]:
    return [
        Module(
            id=item.id,
            text=item.text,
            header=item.header,
            instructions=tuple(d["text"] for d in item.descriptions if d["kind"] != "comment"),
            comments=tuple(d["text"] for d in item.descriptions if d["kind"] == "comment"),
            fills=TEXTBOOK_FILLS,
        )
        for item in items
    ]


def from_exam(items: Iterable[textbook.ExamItem]) -> list[Module]:
    """The exam's items of families that the textbook does not train on."""
    return [
        Module(
            id=item.id,
            text=item.text,
            header=item.header,
            instructions=tuple(p["text"] for p in item.prompts if p["form"] == "instruction"),
            comments=tuple(
                p["text"].removesuffix(item.header) for p in item.prompts if p["form"] == "prefix"
            ),
            fills=TEXTBOOK_FILLS,
        )
        for item in items
        if item.held_out == "family"
    ]


def part(ids: Iterable[str], share: float) -> set[str]:
    """The `ids` that belong to a part of the data. Parts are nested: each is within every larger one."""
    return {one for one in ids if _fraction(one) < share}


def sizes(items: Iterable[corpus.Item]) -> Counter[str]:
    """Characters of each repository. A set of pairs is none."""
    total: Counter[str] = Counter()
    for item in items:
        if item.origin != "pair":
            total[item.source] += len(item.text)
    return total


def held_out(sizes: Counter[str], names: Sequence[str] = ()) -> set[str]:
    """The repositories to hold out: `names`, or about 3 % of the characters, at least 3 repositories.

    `sizes` are characters by repository. Chosen by the hash of their names, so that a repository that
    joins the corpus rarely changes the choice; one too large for the share is passed over. Raises
    EngineError for a name that is not there, or if nothing is left to train on.
    """
    unknown = sorted(set(names) - set(sizes))
    if unknown:
        raise EngineError(f"no repository of the corpus is called {', '.join(unknown)}")
    total, chosen = sizes.total(), set(names)
    for name in () if names else sorted(sizes, key=_fraction):
        taken = sum(sizes[one] for one in chosen)
        enough = taken >= HELD_OUT_SHARE * total and len(chosen) >= HELD_OUT_REPOSITORIES
        if not enough and taken + sizes[name] <= 1.5 * HELD_OUT_SHARE * total:
            chosen.add(name)
    smallest = sorted(sizes.keys() - chosen, key=lambda name: sizes[name])
    if not names:
        chosen.update(smallest[: max(0, HELD_OUT_REPOSITORIES - len(chosen))])
    if not sizes.keys() - chosen:
        raise EngineError(
            f"the corpus has {len(sizes)} repositories: with {len(chosen)} of them held out, none is "
            "left to train on (name fewer with --held-out)"
        )
    return chosen


def _fraction(name: str) -> float:
    """A number in [0, 1) that only depends on `name`."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64
