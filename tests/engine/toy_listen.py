"""`engine.listen` with a model that needs no tensor library: it counts to what was asked for.

The tests start it in place of the real one; everything but loading and decoding is the real thing.
"""

from __future__ import annotations

import os
import time

from engine import listen
from engine.api import ModelInfo
from engine.process import Engine


class Toy(Engine):
    """An engine whose completions are one word a step, a step every millisecond.

    With TOY_IS_DEAF in the environment it does not end when told to; TOY_LOADS_FOR are seconds.
    """

    def load(self, name, report):
        report({"event": "progress", "message": "reading", "fraction": 0.5})
        time.sleep(float(os.environ.get("TOY_LOADS_FOR", 0)))
        self._check_room(name)
        self.caches = []
        self.info = ModelInfo("toy", name, 0, 1, 0, "cpu", "float32")
        return self.info

    def handle(self, peer, message):
        if not (os.environ.get("TOY_IS_DEAF") and message.get("method") == "quit"):
            super().handle(peer, message)

    def _complete(self, prompt, options):
        words = [f"w{number} " for number in range(options.max_tokens)]
        for word in words:
            time.sleep(0.001)
            step = {"fragments": [word], "accepted": 1, "milliseconds": 1.0}
            yield {"event": "step", "step": step}
        tokens = len(words)
        return {
            "text": "".join(words),
            "finish": "length",
            "steps": tokens,
            "tokens": tokens,
            "milliseconds": float(tokens),
            "fragments": words,
        }


if __name__ == "__main__":
    listen.Engine = Toy
    listen.main()
