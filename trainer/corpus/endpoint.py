"""Descriptions by a model behind an OpenAI-compatible endpoint, where the paper used GPT-4.

Answers are kept in a file as they come, so that a module is paid for once, however often the corpus is
built. The key is read from OPENAI_API_KEY; a local endpoint may need none.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trainer import files

KEY_VARIABLE = "OPENAI_API_KEY"
PROMPT = (
    "Describe what the following Verilog module does, so that an engineer could write it again from your "
    "description alone. Name the module and its ports with their widths, say how it is clocked and "
    "reset, and explain its behaviour in two to six plain sentences. Answer with the description only: "
    "no code, no list, no heading.\n\n"
)
ATTEMPTS = 3
TIMEOUT_S = 120
PARALLEL = 8
MAX_FAILURES_IN_A_ROW = 10

_WORTH_ANOTHER_TRY = {408, 429, 500, 502, 503, 504}


class Endpoint:
    """The model named `model` at `url`, such as http://localhost:8000/v1. `cache` is the file of the
    answers; `failures` counts why there was none. `pause_s` is the pause before the second attempt."""

    def __init__(self, url: str, model: str, cache: Path, pause_s: float = 2.0) -> None:
        self.failures: Counter[str] = Counter()
        self._url = url.rstrip("/") + "/chat/completions"
        self._model = model
        self._cache = cache
        self._pause_s = pause_s
        self._known = {row["key"]: row["description"] for row in files.read_lines(cache)}
        self._in_a_row = 0
        self._lock = threading.Lock()

    def describe(self, texts: Sequence[str]) -> Iterator[str]:
        """A description for each module, in order; empty where there was none to be had. After ten
        failures in a row no more is asked."""
        with files.appending(self._cache) as keep, ThreadPoolExecutor(PARALLEL) as pool:
            yield from pool.map(lambda text: self._describe(text, keep), texts)

    def _describe(self, text: str, keep: Callable[[files.Row], None]) -> str:
        key = hashlib.sha256(f"{self._model}\0{PROMPT}{text}".encode()).hexdigest()
        with self._lock:
            if key in self._known:
                return self._known[key]
            if self._in_a_row >= MAX_FAILURES_IN_A_ROW:
                self.failures["not asked, after ten failures in a row"] += 1
                return ""
        try:
            answer = self._ask(text)
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
            with self._lock:
                self.failures[f"{type(error).__name__}: {error}"] += 1
                self._in_a_row += 1
            return ""
        with self._lock:
            self._in_a_row = 0
            self._known[key] = answer
            keep({"key": key, "description": answer})
        return answer

    def _ask(self, text: str) -> str:
        """One answer. Raises what urllib raises, and ValueError, LookupError or TypeError for an answer
        in another form."""
        body = {
            "model": self._model,
            "temperature": 0,
            "messages": [{"role": "user", "content": PROMPT + text}],
        }
        headers = {"Content-Type": "application/json"}
        if KEY_VARIABLE in os.environ:
            headers["Authorization"] = f"Bearer {os.environ[KEY_VARIABLE]}"
        request = urllib.request.Request(self._url, json.dumps(body).encode(), headers)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
                    content = json.load(response)["choices"][0]["message"]["content"]
                break
            except urllib.error.HTTPError as error:
                if error.code not in _WORTH_ANOTHER_TRY or attempt == ATTEMPTS:
                    raise
                time.sleep(self._pause_s * 2 ** (attempt - 1))
        # It is null where a model only wants to call a tool.
        answer = files.storable(" ".join((content or "").split()))
        if not answer:
            raise ValueError("the answer is empty")
        return answer
