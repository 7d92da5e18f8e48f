"""The feedback shift registers of the textbook run through all states but one."""

import pytest

from trainer.textbook.draw import Draw
from trainer.textbook.families import feedback


def _period(polynomial: int, degree: int) -> int:
    """Steps until x**n modulo the polynomial over GF(2) is 1 again."""
    value, steps = 1, 0
    while steps == 0 or value != 1:
        value <<= 1
        if value >> degree:
            value ^= polynomial
        steps += 1
    return steps


@pytest.mark.parametrize("degree", feedback._POLYNOMIALS)
def test_all_polynomials_are_primitive(degree):
    for inner in feedback._POLYNOMIALS[degree]:
        polynomial = 1 << degree | sum(1 << n for n in inner) | 1
        assert _period(polynomial, degree) == 2**degree - 1


@pytest.mark.parametrize("family", [feedback.fibonacci_lfsr, feedback.galois_lfsr])
def test_a_register_comes_back_to_its_seed_after_the_longest_possible_period(family):
    drawn = [family(Draw(f"{family.__name__}-{seed}")) for seed in range(20)]
    free_running = [problem for problem in drawn if _inputs(problem) == 2]  # clock and reset
    assert free_running
    for problem in free_running:
        behaviour = problem.behaviour
        longest = 2 ** max(port.width for port in problem.ports) - 1
        state, seen = behaviour.start, set()
        for _ in range(longest):
            seen.add(state)
            state = behaviour.step(state, {})
        assert state == behaviour.start
        assert len(seen) == longest


def _inputs(problem):
    return sum(port.direction == "input" for port in problem.ports)
