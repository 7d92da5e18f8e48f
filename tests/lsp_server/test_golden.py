"""Ghost text as data: every case in `golden/*.txt`; golden/README.md says how one is drawn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.verilog.syntax import problems
from lsp_server.inline import Place, welcome
from lsp_server.screen import screen

FOLDER = Path(__file__).parent / "golden"
CASE = re.compile(
    r"=== (?P<name>[^\n\[]+?)(?P<marks>(?: \[\w+\])*)\n(?P<buffer>.*?)"
    r"--- model\n(?P<model>.*?)--- shown\n(?P<shown>.*?)(?=^=== |\Z)",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Case:
    prefix: str
    suffix: str
    replaced: int
    model: str
    shown: str
    asked: bool


def read(match: re.Match[str]) -> Case:
    buffer, model, shown = (
        drawn.replace("→", "\t").replace("·", " ")
        for drawn in match.group("buffer", "model", "shown")
    )
    line_end = "\r\n" if "[crlf]" in match["marks"] else "\n"
    prefix, suffix = buffer.replace("\n", line_end).split("▮")
    replaced = re.match(r"‹(.*)›", suffix)
    return Case(
        prefix,
        suffix.replace("‹", "").replace("›", ""),
        len(replaced[1]) if replaced else 0,
        model.removesuffix("\n"),
        shown.removesuffix("\n").replace("\n", line_end),
        "[asked]" in match["marks"],
    )


CASES = [
    pytest.param(read(match), id=f"{path.stem}: {match['name']}")
    for path in sorted(FOLDER.glob("*.txt"))
    for match in CASE.finditer(path.read_text(encoding="utf-8"))
]


def test_every_case_is_read():
    drawn = sum(
        path.read_text(encoding="utf-8").count("\n--- model\n") for path in FOLDER.glob("*.txt")
    )
    assert len(CASES) == drawn >= 80


@pytest.mark.parametrize("case", CASES)
def test_shown(case):
    fragments = re.findall(r"\s*\w+|\s*[^\w\s]|\s+", case.model)
    shown = screen(case.prefix, case.suffix, fragments)
    assert (shown.text, shown.replaced) == (case.shown, case.replaced)
    before = problems(case.prefix + case.suffix)
    after = problems(case.prefix + shown.text + case.suffix[shown.replaced :])
    assert len(after) <= len(before)


@pytest.mark.parametrize("case", CASES)
def test_welcome(case):
    offset = len(case.prefix)
    assert welcome(Place(case.prefix, case.suffix, offset, offset)) is not case.asked
