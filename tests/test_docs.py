"""What the documents say of the tests and of each other is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")]


def test_the_tests_named_in_the_list_of_complaints_are_there():
    text = (ROOT / "docs" / "complaints.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`(test_\w+)`", text))
    assert len(names) > 50
    assert {name for name in names if f"def {name}(" not in TESTS} == set()
    files = {*re.findall(r"\b\w+\.(?:test\.ts|txt)", text)}
    folders = [ROOT / "tests" / "lsp_server" / "golden", ROOT / "vscode-client" / "test"]
    assert {file for file in files if not any((one / file).exists() for one in folders)} == set()
    assert re.findall(r"^\| (\d+) ", text, re.MULTILINE) == [str(number) for number in range(1, 40)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / "benchmarks").glob("[a-z]*.py")))
def test_every_benchmark_says_what_it_does(name):
    asked = [sys.executable, "-m", f"benchmarks.{name}", "--help"]
    said = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith(f"usage: python -m benchmarks.{name}")
