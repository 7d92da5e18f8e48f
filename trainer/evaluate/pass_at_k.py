"""pass@k: the chance that one of k samples passes, estimated without bias from n >= k samples."""

from __future__ import annotations

from math import comb

KS = (1, 5, 10)


def pass_at_k(samples: int, passed: int, k: int) -> float:
    """1 - C(n - c, k) / C(n, k) for n `samples` of which c `passed` (paper 1, eq. 5, as in Chen et al.
    2021, eq. 1; paper 1's typesetting misplaces the bracket). Raises ValueError unless c <= n >= k >= 1."""
    if not 0 <= passed <= samples or not 1 <= k <= samples:
        raise ValueError(f"no pass@{k} from {passed} passes in {samples} samples")
    return 1 - comb(samples - passed, k) / comb(samples, k)
