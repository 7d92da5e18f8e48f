"""What the bench asks for: prompts of VGen and RTLLM, and holes and comments of real Verilog files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine import prompts
from engine.api import EngineError, Prompt
from engine.verilog import syntax

if TYPE_CHECKING:
    from engine.model import MedusaModel

REFERENCES = ("vgen/prompts-and-testbenches/*/answer_*.v", "rtllm_v1.1/*/verified_*.v")
LEAST_SHARE = 4  # of the window, for the prompt
HOLES = (1, 4, 8)  # lines, in turn: a line, a statement, a block

_COMMENT_LINES = re.compile(r"(?:^[ \t]*//.*\n)+\Z", re.MULTILINE)
_COMMENT_MARK = re.compile(r"^[ \t]*//+ ?", re.MULTILINE)


@dataclass(frozen=True)
class BenchPrompt:
    """A prompt and where it is from."""

    suite: str
    id: str
    prompt: Prompt


def collect(count: int, data: Path | None, sources: Sequence[Path]) -> list[BenchPrompt]:
    """`count` prompts, or as many as there are, the suites by turns, each evenly spread.

    `data` is a folder of benchmarks with vgen/ and rtllm_v1.1/ in it, whose reference designs are
    among the files with holes then; `sources` are Verilog files or folders of them. Raises
    EngineError if there is nothing to ask, or nothing where something was promised.
    """
    files = verilog(sources)
    suites = []
    if data is not None:
        suites = [_promised(data, vgen(data), "vgen"), _promised(data, rtllm(data), "rtllm_v1.1")]
        files += sorted(path for pattern in REFERENCES for path in data.glob(pattern))
    texts = [(path.stem, path.read_text(encoding="utf-8", errors="replace")) for path in files]
    suites.append([prompt for name, text in texts for prompt in comments(name, text)])
    suites.append([prompt for name, text in texts for prompt in holes(name, text)])
    suites = [suite for suite in suites if suite]
    if not suites:
        raise EngineError(
            "no prompts: name Verilog files with --sources, or benchmarks with --data"
        )
    return [prompt for suite, share in _shares(suites, count) for prompt in _spread(suite, share)]


def encode(model: MedusaModel, prompt: Prompt, tokens: int) -> list[int]:
    """Ids of `prompt`, cut so that the model has room for `tokens` more. Raises EngineError if hardly
    anything of a prompt would fit."""
    room = model.card.window - tokens
    if room < model.card.window // LEAST_SHARE:
        raise EngineError(
            f"answers of {tokens} tokens leave a window of {model.card.window} no room for prompts: "
            "ask for less with --tokens"
        )
    return prompts.encode(model.tokenizer, prompt, room)


def vgen(data: Path) -> list[BenchPrompt]:
    """VGen's prompts of all three levels of detail: a comment and a header to go on from."""
    found = []
    for path in sorted(data.glob("vgen/prompts-and-testbenches/*/prompt*.v")):
        # Many end within a comment, where whatever is written would be comment.
        given = path.read_text(encoding="utf-8").rstrip() + "\n"
        if not re.search(r"^endmodule", given, re.MULTILINE):  # one is the whole solution
            level = path.stem.partition("_")[0].removeprefix("prompt")
            found.append(BenchPrompt("vgen", f"{path.parent.name}/{level}", Prompt(given)))
    return found


def rtllm(data: Path) -> list[BenchPrompt]:
    """RTLLM v1.1's descriptions."""
    paths = sorted(data.glob("rtllm_v1.1/*/design_description.txt"))
    texts = [(path.parent.name, path.read_text(encoding="utf-8").strip()) for path in paths]
    return [BenchPrompt("rtllm", name, Prompt("", instruction=text)) for name, text in texts]


def comments(name: str, text: str) -> Iterator[BenchPrompt]:
    """Each module that line comments describe, to be written from them."""
    for module in syntax.modules(text):
        if described := _COMMENT_LINES.search(text[: module.start]):
            asked = _COMMENT_MARK.sub("", described[0]).strip()
            yield BenchPrompt("comment", f"{name}/{module.name}", Prompt("", instruction=asked))


def holes(name: str, text: str) -> Iterator[BenchPrompt]:
    """Fill-in-the-middle at each line of a module's body that has text: some lines are taken out from
    there on, and the cursor stands after the indentation."""
    lines = text.splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
    inside = [
        (module.start + len(syntax.header(text, module)), module.end)
        for module in syntax.modules(text)
    ]
    for number, line in enumerate(lines):
        at = starts[number] + len(line) - len(line.lstrip())
        if line.strip() in ("", "endmodule") or not any(start < at < end for start, end in inside):
            continue
        end = starts[min(number + HOLES[number % len(HOLES)], len(lines))]
        prompt = Prompt(text[:at], text[end - 1 :])
        yield BenchPrompt("hole", f"{name}:{number + 1}", prompt)


def verilog(sources: Sequence[Path]) -> list[Path]:
    """The files among `sources` and in its folders. Raises EngineError for what is neither."""
    found: list[Path] = []
    for source in sources:
        if source.is_dir():
            found += sorted(path for end in ("*.v", "*.sv") for path in source.rglob(end))
        elif source.is_file():
            found.append(source)
        else:
            raise EngineError(f"there is no file or folder {source}: check --sources")
    return found


def _promised(data: Path, found: list[BenchPrompt], folder: str) -> list[BenchPrompt]:
    if not found:
        raise EngineError(f"no prompts in {data / folder}: check --data")
    return found


def _shares(
    suites: Sequence[list[BenchPrompt]], count: int
) -> Iterator[tuple[list[BenchPrompt], int]]:
    """As equal as can be; what a small suite cannot fill, the larger ones do."""
    left = count
    by_size = sorted(range(len(suites)), key=lambda number: len(suites[number]))
    shares = {}
    for done, number in enumerate(by_size):
        shares[number] = min(len(suites[number]), left // (len(suites) - done))
        left -= shares[number]
    return ((suite, shares[number]) for number, suite in enumerate(suites))


def _spread(suite: list[BenchPrompt], count: int) -> list[BenchPrompt]:
    return [suite[number * len(suite) // count] for number in range(count)]
