"""Sets of descriptions with code as JSON lines, in the shapes that three projects publish.

    RTLCoder    {"Instruction": ..., "Input": header, "Response": [module, ...]}
    MG-Verilog  {"code": body, "description": {"block_summary": ..., "detailed_global_summary": ...,
                "high_level_global_summary": ...}}, where each summary is a Llama-2 prompt that ends
                with the module's header; `description` may also be a JSON string, or plain text
    AutoVCoder  {"problem": ..., "verilog_code": module}

The first line that is a JSON object tells the shape; a line that does not fit it is a bad line.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from engine.verilog import syntax
from trainer import files
from trainer.corpus.modules import MAX_CHARACTERS, MIN_CHARACTERS, Found, Parser, Result

Pair = tuple[str, str]

MAX_LINE = 4_000_000  # characters


@dataclass(frozen=True)
class Row:
    """One line of a set; `number` counts from 1."""

    line: str
    number: int
    shape: str
    parser: Parser
    licence: str


def rtlcoder(row: dict[str, Any], _: int) -> Pair:
    """Of several responses the first is the reference."""
    response = row["Response"]
    return row["Instruction"], response if isinstance(response, str) else response[0]


def mg_verilog(row: dict[str, Any], number: int) -> Pair:
    """The three summaries take turns, so that a set has all grains and no module twice."""
    description = row["description"]
    if isinstance(description, str) and description.lstrip().startswith("{"):
        description = json.loads(description)
    if isinstance(description, dict):
        description = list(description.values())[number % len(description)]
    prompt = _SCAFFOLD.sub("", description)
    above, marked, header = prompt.partition("Module header:")
    if not marked:
        start = prompt.rfind("\nmodule ")
        above, header = (prompt[:start], prompt[start:]) if start >= 0 else (prompt, "")
    body = row["code"].strip("\n")
    whole = body if re.search(r"^\s*module\b", body, re.M) else f"{header.strip()}\n{body}"
    return _PREAMBLE.sub("", above), whole


_SCAFFOLD = re.compile(r"<<SYS>>.*?<</SYS>>|</?s>|\[/?INST\]", re.DOTALL)
_PREAMBLE = re.compile(
    r"^\s*Implement the Verilog module based on the following.{0,40}?description\..*?otherwise stated\.\s*",
    re.DOTALL,
)


def autovcoder(row: dict[str, Any], _: int) -> Pair:
    return row["problem"], row["verilog_code"]


SHAPES: dict[str, tuple[set[str], Callable[[dict[str, Any], int], Pair]]] = {
    "RTLCoder": ({"Instruction", "Response"}, rtlcoder),
    "MG-Verilog": ({"code", "description"}, mg_verilog),
    "AutoVCoder": ({"problem", "verilog_code"}, autovcoder),
}


def shape_of(path: Path) -> str | None:
    """The name of the shape that a file has, or None if no line of it is a JSON object. Raises ValueError
    where the first such line has no known shape."""
    with _open(path) as file:
        for line in _lines(file, path):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                return _shape(row, path)
    return None


def _shape(row: dict[str, Any], path: Path) -> str:
    for name, (keys, _) in SHAPES.items():
        if keys <= row.keys():
            return name
    known = "; ".join(f"{name}: {', '.join(sorted(keys))}" for name, (keys, _) in SHAPES.items())
    raise ValueError(
        f"{path} has no known shape: its first row has {', '.join(row)}. Known are {known}"
    )


def rows(path: Path, shape: str, parser: Parser, licence: str) -> Iterator[Row]:
    """Every line of a file that is not empty."""
    with _open(path) as file:
        for number, line in enumerate(_lines(file, path), 1):
            if line.strip():
                yield Row(line, number, shape, parser, licence)


def of_row(row: Row) -> Result:
    """The pair in one line, as a module with a description."""
    try:
        description, code = SHAPES[row.shape][1](json.loads(row.line), row.number)
        code = _CODE.search(files.storable(code))
        description = files.storable(" ".join(description.split()))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        return _dropped("bad line", f"{type(error).__name__}: {error}")
    if not code or not description:
        return _dropped("without a module or a description")
    text = code.group() + "\n"
    if not MIN_CHARACTERS <= len(text) <= MAX_CHARACTERS:
        return _dropped("too short or too long")
    if not syntax.is_valid(text, row.parser):
        return _dropped("syntax error")
    return Result([Found(text, description, "pair", row.licence)], Counter(pairs=1))


_CODE = re.compile(r"\bmodule\b.*\bendmodule\b", re.DOTALL)


def _dropped(reason: str, problem: str = "") -> Result:
    return Result(counts=Counter({"pairs": 1, f"pairs dropped: {reason}": 1}), problem=problem)


def _lines(file: IO[str], path: Path) -> Iterator[str]:
    """The lines of a file, cut to MAX_LINE characters, after which none is JSON any more. Raises ValueError
    for a damaged gzip file."""
    try:
        while line := file.readline(MAX_LINE):
            yield line
            while line and not line.endswith("\n"):
                line = file.readline(MAX_LINE)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is damaged ({error}): fetch it again") from error


def _open(path: Path) -> IO[str]:
    opener = gzip.open if path.suffix == ".gz" else open
    return opener(path, "rt", encoding="utf-8", errors="replace")
