"""Verdicts for samples, several simulations at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict

from tqdm import tqdm

from trainer.evaluate.problems import Problem
from trainer.evaluate.records import Key, Record, key
from trainer.evaluate.verdict import judge


def judge_all(
    samples: Iterable[Record],
    problems: Iterable[Problem],
    done: Collection[Key],
    write: Callable[[Record], None],
    jobs: int,
) -> None:
    """Write a verdict for each sample that has none. Equal texts for a problem are judged once.

    Samples for other problems than `problems` are left alone. Raises SandboxMissing.
    """
    asked = {(problem.suite, problem.id): problem for problem in problems}
    same: dict[tuple[str, str, str], list[Key]] = defaultdict(list)
    for record in samples:
        name = key(record)
        if name not in done and (name.suite, name.problem) in asked:
            same[name.suite, name.problem, record["text"]].append(name)
    # Threads will do: the work is in the processes that they wait for.
    with ThreadPoolExecutor(jobs) as pool:
        running = {}
        for (suite, problem, text), names in same.items():
            one = asked[suite, problem]
            running[pool.submit(judge, one.assemble(text), one.bench)] = names
        try:
            for finished in tqdm(
                as_completed(running), desc="judging", unit="text", total=len(running)
            ):
                for name in running[finished]:
                    write(name._asdict() | asdict(finished.result()))
        except BaseException:  # Ctrl-C too: what has not begun never will
            pool.shutdown(cancel_futures=True)
            raise
