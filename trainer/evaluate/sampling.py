"""Samples of each problem at each temperature, decoded many together.

A sample's random numbers follow from its problem, temperature and number alone, so an evaluation that
was stopped and goes on draws the samples that it would have drawn.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tqdm import tqdm

from engine import prompts
from engine.api import DecodingOptions
from engine.batch import Request, decode_many
from engine.model import MedusaModel
from trainer.evaluate.problems import Problem
from trainer.evaluate.records import Key, Record

# Nothing is won by drafts in a wide batch, and without them the text is the same.
OPTIONS = DecodingOptions(stop="module", max_seconds=600, speculative=False)


def fingerprint(folder: Path) -> str:
    """12 hexadecimal digits that tell this model's weights and tokenizer from all others."""
    digest = hashlib.sha256()
    for path in sorted(
        [*folder.glob("*.safetensors"), folder / "config.json", folder / "tokenizer.json"]
    ):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Way:
    """A setting of the decoder to examine; the fields are those of `DecodingOptions`."""

    viability: str = "off"
    boundaries: str = "tokens"

    def words(self) -> list[str]:
        """What is not the default."""
        both = ((self.viability, "off"), (self.boundaries, "tokens"))
        return [word for word, default in both if word != default]

    def label(self, fingerprint: str) -> str:
        """What records call the model with this fingerprint when it is sampled in this way."""
        return "+".join([fingerprint, *self.words()])


def pending(
    model: str,
    problems: Iterable[Problem],
    temperatures: Iterable[float],
    samples: int,
    done: Collection[Key],
) -> list[tuple[Key, Problem]]:
    """The samples that are still to be drawn for the model with this label."""
    problems = list(problems)
    wanted = [
        (Key(model, problem.suite, problem.id, temperature, number), problem)
        for temperature in temperatures
        for problem in problems
        for number in range(samples)
    ]
    return [(key, problem) for key, problem in wanted if key not in done]


def sample(
    model: MedusaModel,
    wanted: list[tuple[Key, Problem]],
    write: Callable[[Record], None],
    width: int,
    max_tokens: int | None = None,
    way: Way = Way(),
) -> None:
    """Draw the samples and write each as a record. An answer may take `max_tokens`, by default half of
    the window; it ends at the module's end."""
    tokens = min(max_tokens or model.card.window, model.card.window // 2)
    with tqdm(total=len(wanted), desc=f"sampling {model.card.name}", unit="sample") as progress:
        for temperature in dict.fromkeys(key.temperature for key, _ in wanted):
            group = [(key, problem) for key, problem in wanted if key.temperature == temperature]
            options = replace(OPTIONS, temperature=temperature, max_tokens=tokens, **asdict(way))
            requests = [_request(model, key, problem, options) for key, problem in group]
            for index, answer in decode_many(model, requests, width=width):
                said = {"text": answer.text, "finish": answer.finish, "tokens": answer.tokens}
                if way.viability != "off":
                    said |= {"vetoes": answer.vetoes, "overruled": answer.overruled}
                write(group[index][0]._asdict() | said)
                progress.update()


def _request(model: MedusaModel, key: Key, problem: Problem, options: DecodingOptions) -> Request:
    room = model.card.window - options.max_tokens
    seed = random.Random(repr(key[1:])).getrandbits(32)  # the same for all models
    return Request(
        tuple(prompts.encode(model.tokenizer, problem.prompt, room)),
        replace(options, seed=seed),
        prompts.typed_blank(problem.prompt.prefix),
        problem.prompt,
    )
