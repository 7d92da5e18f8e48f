"""How long to wait before decoding: not while the next key is about to come."""

from __future__ import annotations

import statistics
from collections import deque

REMEMBERED = 20
# A longer gap, in seconds, is a pause to think and says nothing of how fast somebody types.
LONGEST_GAP = 1.0
LONGEST_DELAY = 0.15
# Of the typical gap. Less than one: the first step's prompt is nearly all in the engine's cache, so
# a request too many is cheap, and one too late is felt.
SHARE = 0.5


class Pace:
    """The rhythm of one typist, from the times of their requests in seconds."""

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=REMEMBERED)
        self._last: float | None = None

    def delay(self, now: float) -> float:
        """Seconds to wait with a request that comes at `now`: none after a pause, else half of the
        gap that is usual between two keys."""
        gap = None if self._last is None else now - self._last
        self._last = now
        if gap is None or gap > LONGEST_GAP:
            return 0.0
        self._gaps.append(gap)
        return min(LONGEST_DELAY, SHARE * statistics.median(self._gaps))
