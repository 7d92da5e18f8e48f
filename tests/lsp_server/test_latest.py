"""At most one running task a document."""

from __future__ import annotations

import asyncio

import pytest

from lsp_server.latest import Latest


async def forever(ended: list[str], name: str) -> str:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append(name)


async def answer() -> str:
    return "answer"


async def started(latest: Latest, key: str, ended: list[str], name: str) -> asyncio.Task:
    task = asyncio.create_task(latest.run(key, forever(ended, name)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_a_newer_run_ends_the_older_which_answers_none():
    latest, ended = Latest(), []
    older = await started(latest, "a.v", ended, "older")
    assert await latest.run("a.v", answer()) == "answer"
    assert await older is None
    assert ended == ["older"]


async def test_documents_do_not_disturb_each_other():
    latest, ended = Latest(), []
    older = await started(latest, "a.v", ended, "a")
    assert await latest.run("b.v", answer()) == "answer"
    assert ended == []
    latest.cancel("a.v")
    assert await older is None


async def test_cancelling_the_caller_cancels_the_work_and_is_passed_on():
    latest, ended = Latest(), []
    caller = await started(latest, "a.v", ended, "work")
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended == ["work"]
