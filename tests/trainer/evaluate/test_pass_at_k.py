from itertools import combinations

import pytest

from trainer.evaluate.pass_at_k import pass_at_k


@pytest.mark.parametrize("passed", range(7))
@pytest.mark.parametrize("k", [1, 2, 5, 6])
def test_it_is_the_share_of_choices_with_a_pass(passed, k):
    samples = [True] * passed + [False] * (6 - passed)
    choices = list(combinations(samples, k))
    assert pass_at_k(6, passed, k) == pytest.approx(sum(map(any, choices)) / len(choices))


@pytest.mark.parametrize(("samples", "passed", "k"), [(5, 6, 1), (5, 2, 6), (5, 2, 0), (5, -1, 1)])
def test_what_cannot_be_is_refused(samples, passed, k):
    with pytest.raises(ValueError, match="no pass@"):
        pass_at_k(samples, passed, k)
