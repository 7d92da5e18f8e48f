"""The Python side of families whose rule has published values or can be said in another way."""

from __future__ import annotations

import random

import pytest

from trainer.textbook.draw import Draw
from trainer.textbook.families._tables import random_table
from trainer.textbook.families.crc import crc_step
from trainer.textbook.families.detectors import border, sequence_detector


@pytest.mark.parametrize(
    ("degree", "taps", "start", "check"),
    [(8, 0x07, 0, 0xF4), (16, 0x1021, 0xFFFF, 0x29B1), (16, 0x1021, 0, 0x31C3)],
    ids=["CRC-8", "CRC-16/CCITT-FALSE", "CRC-16/XMODEM"],
)
def test_crc_of_the_digits_one_to_nine(degree: int, taps: int, start: int, check: int) -> None:
    register = start
    for byte in b"123456789":
        for place in range(7, -1, -1):
            register = crc_step(register, byte >> place & 1, degree, taps)
    assert register == check


def test_border_is_what_a_failed_match_can_keep() -> None:
    assert border("1101", "1011") == 3  # 1[101]
    assert border("1010", "1011") == 2
    assert border("0000", "1011") == 0


def test_every_state_of_a_random_table_is_reached() -> None:
    for seed in range(50):
        table = random_table(Draw(f"table-{seed}"), 5)
        reached = {0}
        for _ in table:
            reached |= {state for known in reached for state in table[known]}
        assert reached == {0, 1, 2, 3, 4}


def test_detectors_find_what_a_search_in_the_text_finds() -> None:
    """Of Moore detectors: overlapping ones every occurrence, the others those that share no bit."""
    bits = [random.Random(1).getrandbits(1) for _ in range(400)]
    kinds = set()
    for seed in range(60):
        problem = sequence_detector(Draw(f"overlap-{seed}"))
        x, *gates = [
            p.name
            for p in problem.ports
            if p.direction == "input" and p.name not in _clock_and_reset(problem)
        ]
        (z,) = [p.name for p in problem.ports if p.direction == "output"]
        pattern = "".join(c for c in problem.phrases[1].split()[-1] if c in "01")
        if gates or "Mealy" in problem.phrases[0]:
            continue
        state, found = problem.behaviour.start, 0
        for bit in bits:
            state = problem.behaviour.step(state, {x: bit})
            found += problem.behaviour.outputs(state, {x: bit})[z]
        stream = "".join(map(str, bits))
        if problem.phrases[0].startswith("non-"):
            assert found == stream.count(pattern)  # str.count does not overlap either
        else:
            assert found == sum(stream.startswith(pattern, k) for k in range(len(stream)))
        kinds.add(problem.phrases[0].startswith("non-"))
    assert kinds == {True, False}


def _clock_and_reset(problem):
    return (problem.clocking.clock, problem.clocking.reset.name)
