"""The order in which methods are timed, their threads, and paper 1's speed."""

import pytest

from engine.bench import measure
from engine.bench.measure import Timing
from engine.bench.methods import Method, Request


class Fake:
    """Answers at a speed that depends on its threads."""

    def __init__(self, name: str, best: int, calls: list) -> None:
        self.method, self.best, self.calls = Method(name, "engine", ""), best, calls

    def set_threads(self, count: int) -> None:
        self.threads = count

    def run(self, request: Request) -> tuple[float, int]:
        self.calls.append((self.method.name, request.ids))
        return (0.5 if self.threads == self.best else 1.0), 10


def test_methods_take_turns_and_each_begins_once():
    calls = []
    workers = [Fake(name, 1, calls) for name in "abc"]
    for worker in workers:
        worker.set_threads(1)
    todo = measure.tasks([Request((1,), 8)], ["greedy"])
    found = list(measure.timings(workers, todo, 3))
    assert "".join(name for name, _ in calls) == "abc" + "bca" + "cab"
    assert [(one.name, one.repeat) for one in found[:4]] == [("a", 0), ("b", 0), ("c", 0), ("b", 1)]


def test_each_method_gets_the_threads_it_is_fastest_with():
    workers = [Fake("few", 1, []), Fake("many", 2, [])]
    requests = [Request((1,), 8), Request((2,), 8)]
    assert measure.calibrate(workers, requests, [1, 2]) == {"few": 1, "many": 2}
    assert [worker.threads for worker in workers] == [1, 2]


def test_threads_that_are_slow_to_begin_are_not_held_against_a_number_of_them():
    class Cold(Fake):
        begun = 0

        def run(self, request: Request) -> tuple[float, int]:
            self.begun += self.threads == self.best
            cold = self.threads == self.best and self.begun <= 2
            return (9.0, 10) if cold else super().run(request)

    assert measure.calibrate([Cold("a", 2, [])], [Request((1,), 8)], [1, 2]) == {"a": 2}


def test_a_prompt_has_one_seed_and_each_sampling_its_temperature():
    todo = measure.tasks([Request((1,), 8), Request((2,), 8)], ["greedy", "0.8"])
    asked = [(task.prompt, task.request.temperature, task.request.seed) for task in todo]
    assert asked == [(0, 0.0, 0), (1, 0.0, 1), (0, 0.8, 0), (1, 0.8, 1)]


def test_speed_is_the_mean_over_answers_not_over_all_time():
    """Paper 1, eq. 3: 10 characters in 1 s and 10 in 9 s are 5.6 a second, not 2."""
    found = [Timing("a", "greedy", n, 0, seconds, 10) for n, seconds in enumerate((1.0, 9.0))]
    assert measure.speeds(found) == [pytest.approx((10 + 10 / 9) / 2)]
