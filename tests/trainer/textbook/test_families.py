"""Every family: its Verilog does what its Python model says, in many styles."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from engine.verilog import syntax
from trainer.textbook import bench, families, lots, verify
from trainer.textbook.families import FAMILIES, HELD_OUT

DRAWS = 4


@pytest.mark.parametrize("module", families._MODULES, ids=lambda module: module.__name__)
def test_references_pass_their_benches(module: ModuleType) -> None:
    names = [family.__name__ for family in module.FAMILIES]
    trials, seeds = [], [f"test/{name}/{number}" for name in names for number in range(DRAWS)]
    for number, seed in enumerate(seeds):
        problem, _, text = lots.compose(seed.split("/")[1], seed)
        top, suffix = f"testbench_{number}", f"_{number}"
        checked = bench.bench(problem, seed, top, top, problem.name + suffix)
        trials.append(verify.Trial(verify.renamed(text, suffix), checked, top))
    passed = dict(zip(seeds, verify.passing(trials), strict=True))
    assert all(passed.values()), (
        f"do not pass: {[seed for seed, good in passed.items() if not good]}"
    )


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_drawing_is_decided_by_the_seed_and_varies_with_it(family: str) -> None:
    texts = {lots.compose(family, f"vary/{number}")[2] for number in range(20)}
    assert len(texts) >= 15
    assert lots.compose(family, "same")[2] == lots.compose(family, "same")[2]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_header_is_what_the_problem_says(family: str) -> None:
    problem, header, text = lots.compose(family, "header")
    assert text.startswith(header)
    module = next(m for m in syntax.modules(text) if m.name == problem.name)
    assert [(p.name, p.direction) for p in module.ports] == [
        (p.name, p.direction) for p in problem.ports
    ]


def test_there_are_enough_families_and_some_are_held_out() -> None:
    assert len(FAMILIES) >= 60
    assert set(FAMILIES) > HELD_OUT
    assert 6 <= len(HELD_OUT) <= len(FAMILIES) // 6


def test_no_family_hides_another_of_its_name() -> None:
    assert len(FAMILIES) == sum(len(module.FAMILIES) for module in families._MODULES)


def test_a_lot_is_drawn_once(tmp_path: Path) -> None:
    lot = lots.Lot("up_counter", 3, 1)
    first = lots.draw(lot, tmp_path)
    assert len({entry.fingerprint for entry in first}) > 40
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert lots.draw(lot, tmp_path) == first[:1]  # read, not drawn again
