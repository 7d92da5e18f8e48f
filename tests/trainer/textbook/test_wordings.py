"""Descriptions of one problem in every wording."""

from __future__ import annotations

from random import Random

import pytest

from trainer.textbook import english, lots, wordings
from trainer.textbook.families import FAMILIES

PROBLEM, HEADER, TEXT = lots.compose("up_counter", "wordings")


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("8-bit adder", "an 8-bit adder"),
        ("16-bit adder", "a 16-bit adder"),
        ("11-bit adder", "an 11-bit adder"),
        ("up counter", "an up counter"),
        ("universal shift register", "a universal shift register"),
        ("ALU", "an ALU"),
        ("FIFO", "a FIFO"),
        ("LFSR", "an LFSR"),
        ("UART transmitter", "a UART transmitter"),
        ("one-hot decoder", "a one-hot decoder"),
        ("multiplexer", "a multiplexer"),
    ],
)
def test_articles(phrase: str, expected: str) -> None:
    assert english.article(phrase) == expected


def test_training_never_sees_a_held_out_wording() -> None:
    for number in range(50):
        said = wordings.describe(PROBLEM, HEADER, Random(number))
        assert not {d.wording for d in said} & wordings.HELD_OUT
        assert {d.kind for d in said} == {"line", "paragraph", "sheet", "comment", "alpaca"}


@pytest.mark.parametrize("wording", sorted(set(wordings.WORDINGS) - wordings.SHORT))
def test_a_wording_fit_for_an_exam_names_the_module_and_all_ports(wording: str) -> None:
    text = wordings.WORDINGS[wording](PROBLEM, HEADER, Random(1))
    if wording.startswith("comment"):  # the header stands under it
        text += HEADER
    for name in (PROBLEM.name, *(port.name for port in PROBLEM.ports)):
        assert name.lower() in text.lower(), f"{wording} does not tell {name}:\n{text}"


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_can_be_said_in_every_wording(family: str) -> None:
    problem, header, _ = lots.compose(family, "said")
    assert len(problem.phrases) >= 2
    for wording, write in wordings.WORDINGS.items():
        text = write(problem, header, Random(2))
        assert len(text) >= 6 and "  ." not in text, wording
        if wording.startswith("comment"):
            assert text.startswith(("//", "/*")) and text.endswith("\n")
