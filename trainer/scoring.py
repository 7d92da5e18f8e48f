"""The quality z of a sampled response, in [0, 1]: the reward of paper 2 (section 3.1), made exact.

The paper scores by a syntax check and Rouge-L against the reference and publishes no code for it.
Here z is 0

- if prefix + response + suffix has a syntax error that prefix + reference + suffix has not; for a
  module from a comment, where nothing stands around it, that is: if it does not parse;
- if the response has fewer than a quarter of the reference's lexemes: an empty module parses, too.

Otherwise it is the F1 of Rouge-L over Verilog lexemes; the reference itself gets 1. Errors are
compared with the reference's because a buffer that is being edited may be broken elsewhere.
Comments do not count, unless the reference is nothing but a comment: then its words are compared.

Responses are written by a model: they are parsed here and never simulated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import LCSseq

from engine.verilog import syntax
from engine.verilog.lexemes import lexemes

Parser = Literal["pyslang", "pyverilog"]

MIN_LENGTH = 0.25  # of the reference's lexemes


@dataclass(frozen=True)
class Quality:
    """`z` and what it was made of; `errors` are the syntax errors that the reference has not."""

    z: float
    rouge_l: float
    errors: tuple[str, ...]


def quality(
    prefix: str, response: str, suffix: str, reference: str, parser: Parser = "pyslang"
) -> Quality:
    """Score `response` between `prefix` and `suffix`, where the user accepted `reference`."""
    split = lexemes if lexemes(reference) else str.split
    answer, wanted = split(response), split(reference)
    similarity = rouge_l(answer, wanted)
    errors = _errors(prefix + response + suffix, parser)
    new = errors - _errors(prefix + reference + suffix, parser)
    passes = not new and len(answer) >= MIN_LENGTH * len(wanted)
    return Quality(similarity if passes else 0.0, similarity, tuple(new.elements()))


def rouge_l(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """F1 of the longest common subsequence (ROUGE-L, Lin 2004, beta = 1); 0 if either is empty."""
    if not candidate or not reference:
        return 0.0
    return 2 * LCSseq.similarity(candidate, reference) / (len(candidate) + len(reference))


def _errors(text: str, parser: Parser) -> Counter[str]:
    if parser == "pyslang":
        return Counter(problem.message for problem in syntax.problems(text))
    return Counter() if syntax.is_valid(text, parser) else Counter([f"{parser}: syntax error"])
