"""Tasks that hang, crash or raise cost only themselves."""

import os
import time

import pytest

from trainer.corpus.workers import Failure, Workers


@pytest.fixture
def workers():
    with Workers(jobs=2, limit_s=1) as workers:
        yield workers


def test_every_task_comes_back_with_its_result(workers):
    assert sorted(workers.map(abs, range(-20, 0))) == [(n, -n) for n in range(-20, 0)]


def test_a_task_that_hangs_is_stopped_and_the_others_are_done(workers):
    results = dict(workers.map(time.sleep, [0, 3600, 0.01]))
    assert results == {0: None, 0.01: None, 3600: Failure("took longer than 1 s and was stopped")}


def test_a_task_that_kills_its_process_is_told(workers):
    [(_, result)] = workers.map(os._exit, [3])
    assert result == Failure("crashed its process (exit status 3)")
    [(_, result)] = workers.map(eval, ["__import__('os').abort()"])
    assert result == Failure("crashed its process (SIGABRT)")


def test_an_exception_is_a_result_too(workers):
    results = dict(workers.map(int, ["1", "one"]))
    assert results["1"] == 1
    assert "ValueError" in results["one"].reason


def test_a_task_may_not_eat_the_memory(workers):
    [(_, result)] = workers.map(bytearray, [1 << 40])
    assert "MemoryError" in result.reason


def test_tasks_are_taken_only_as_processes_become_free(workers):
    taken = []

    def tasks():
        for number in range(10):
            taken.append(number)
            yield number

    results = workers.map(abs, tasks())
    next(results)
    assert len(taken) < 6
    assert len(list(results)) == 9
