"""The search: what is asked of the engine, which candidate wins, when it is over."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from engine.api import Completion, EngineError, Prompt
from lsp_server.candidates import GREEDY, Grade, Judged, search

PROMPT = Prompt("", instruction="x")


def completion(text: str) -> Completion:
    return Completion(text, "stop", steps=1, tokens=1, milliseconds=1.0)


class Engine:
    """Answers with `texts`, the first to the greedy request; `held` never ends."""

    def __init__(self, *texts: str) -> None:
        self.texts, self.asked, self.cancelled = texts, [], 0

    async def load(self):
        pass

    async def complete(self, prompt, options, on_step):
        self.asked.append(options)
        return completion(await self._text(0))

    async def sample(self, prompt, options, samples, on_ended, on_characters):
        self.asked.append((options, samples))
        for index in range(samples):
            text = await self._text(index + 1)
            on_characters(len(text))
            on_ended(index, completion(text))

    async def _text(self, index: int) -> str:
        await asyncio.sleep(0)
        try:
            while self.texts[index] == "held":
                await asyncio.sleep(1)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.texts[index] == "dead":
            raise EngineError("the engine died")
        return self.texts[index]


GRADES = {"good": Grade.FLAWLESS, "idle": Grade.COMPILES, "undeclared": Grade.PARSES}


async def judge(number: int, text: str) -> Judged:
    return Judged(GRADES.get(text, Grade.USELESS), number, text)


async def best(*texts: str) -> Judged | None:
    return await search(Engine(*texts), PROMPT, len(texts), judge, lambda *report: None)


async def test_the_greedy_answer_and_the_samples_are_asked_for_at_once():
    engine = Engine("bad", "bad", "bad")
    wanted = replace(GREEDY, viability="names")
    assert await search(engine, PROMPT, 3, judge, lambda *report: None, wanted) is None
    sampled = replace(wanted, temperature=0.5, top_p=0.95)
    assert engine.asked == [wanted, (sampled, 2)]


async def test_of_one_candidate_there_is_no_sampling():
    engine = Engine("good")
    assert (await search(engine, PROMPT, 1, judge, lambda *report: None)).text == "good"
    assert engine.asked == [GREEDY]


@pytest.mark.parametrize(
    ("texts", "winner"),
    [
        (("bad", "undeclared", "good"), (2, "good")),
        (("undeclared", "idle", "bad"), (1, "idle")),
        (("bad", "undeclared", "undeclared"), (1, "undeclared")),
        (("idle", "idle"), (0, "idle")),
    ],
)
async def test_the_best_grade_wins_then_the_lower_number(texts, winner):
    found = await best(*texts)
    assert (found.number, found.text) == winner


async def test_the_first_flawless_candidate_ends_the_search():
    engine = Engine("held", "good", "held")
    found = await search(engine, PROMPT, 3, judge, lambda *report: None)
    assert found.text == "good"
    assert engine.cancelled == 2


async def test_an_engine_that_fails_fails_the_search_and_leaves_nothing_running():
    engine = Engine("dead", "held")
    with pytest.raises(EngineError, match="died"):
        await search(engine, PROMPT, 2, judge, lambda *report: None)
    assert engine.cancelled == 1


async def test_cancelling_stops_the_decoders():
    engine = Engine("held", "held")
    searching = asyncio.create_task(search(engine, PROMPT, 2, judge, lambda *report: None))
    await asyncio.sleep(0.01)
    searching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await searching
    assert engine.cancelled == 2


async def test_progress_counts_the_text_and_the_candidates():
    told = []
    texts = ("bad", "bad", "undeclared")
    await search(Engine(*texts), PROMPT, 3, judge, lambda *report: told.append(report))
    assert told[-1] == ("13 characters, 3 of 3 candidates checked", 1.0)
