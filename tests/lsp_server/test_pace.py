"""Waiting as long as the typist's rhythm says."""

from __future__ import annotations

import pytest

from lsp_server.pace import LONGEST_DELAY, Pace


def typed(gap: float, keys: int = 10, start: float = 100.0) -> float:
    """The delay at the last of so many keys."""
    pace = Pace()
    return [pace.delay(start + gap * number) for number in range(keys)][-1]


def test_a_request_after_a_pause_does_not_wait():
    assert Pace().delay(5.0) == 0
    assert typed(3.0) == 0


def test_fast_typing_waits_for_half_of_the_gap():
    assert typed(0.1) == pytest.approx(0.05)


def test_no_rhythm_makes_it_wait_long():
    assert typed(0.9) == LONGEST_DELAY


def test_a_pause_does_not_change_the_rhythm():
    pace = Pace()
    for number in range(10):
        pace.delay(number * 0.1)
    assert pace.delay(60.0) == 0
    assert pace.delay(60.1) == pytest.approx(0.05)
