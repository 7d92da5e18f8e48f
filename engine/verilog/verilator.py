"""Lint Verilog with Verilator, for those who have it: the one place that starts verilator.

The texts are the same as for iverilog, in an overlay, and so are the messages; their `code` is
Verilator's name of the rule, such as `WIDTHTRUNC`, which its lint_off comments know too.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.verilog import tools
from engine.verilog.icarus import Icarus, Message, Related
from engine.verilog.overlay import Overlay


class VerilatorMissing(Exception):  # noqa: N818 - a state of the machine more than an error
    """verilator can't be started; the message says what to install or which setting to correct."""


@dataclass(frozen=True)
class Verilator:
    """How to call verilator."""

    path: str = "verilator"
    arguments: tuple[str, ...] = ()


async def lint(
    verilator: Verilator,
    icarus: Icarus,
    text: str,
    path: Path,
    others: Sequence[Path] = (),
    timeout_s: float = 10,
    unsaved: Mapping[Path, str] | None = None,
    before: Sequence[Path] = (),
) -> list[Message]:
    """What verilator says about `text`, the content of `path`, with the folders, macros and files that
    iverilog is given. Cancelling kills it; nothing is said of a run longer than `timeout_s` seconds.
    Raises VerilatorMissing.
    """
    overlay = await asyncio.to_thread(Overlay, {**(unsaved or {}), path: text})
    folders = [path.parent, *map(Path, icarus.include_dirs)]
    folders += [file.parent for file in (*before, *others)]
    libraries = map(Path, icarus.library_files)
    command = [
        verilator.path,
        *("--lint-only", "-Wno-fatal", "-Wno-TIMESCALEMOD", "--bbox-unsup"),
        *(f"-I{folder}" for folder in overlay.search(folders)),
        *(f"-D{define}" for define in icarus.defines),
        *(f"+libext+{extension}" for extension in icarus.library_extensions),
        *(argument for folder in icarus.library_dirs for argument in ("-y", folder)),
        *(argument for file in libraries for argument in ("-v", str(overlay.file(file)))),
        *(argument for module in icarus.top[:1] for argument in ("--top-module", module)),
        *verilator.arguments,
        *(str(overlay.file(file)) for file in (*before, path, *others)),
    ]
    try:
        outcome = await tools.run(command, overlay.mirrored(path.parent), timeout_s)
    except OSError as error:
        raise VerilatorMissing(
            f"Verilator can't be started ({verilator.path}: {error.strerror}). Install it, set "
            "verifrag.verilator.path to the program, or turn verifrag.verilator.enabled off."
        ) from error
    finally:
        overlay.close()
    return parse(overlay.real(outcome.output), path.parent)


_SAID = re.compile(
    r"%(?P<severity>Error|Warning)(?:-(?P<code>\w+))?: "
    r"(?P<file>.+?):(?P<line>\d+):(?:(?P<column>\d+):)? (?P<text>.*)"
)
_POINTS = re.compile(r"\s+(?P<file>\S.*?):(?P<line>\d+):(?:\d+:)? \.\.\. (?P<text>.+)")


def parse(output: str, folder: Path) -> list[Message]:
    """The messages in verilator's `output`, each once; relative paths are taken from `folder`. The
    excerpts of source and the advice that follow a message are left out."""
    found: list[Message] = []
    for line in output.splitlines():
        if said := _SAID.fullmatch(line):
            file = os.path.normpath(folder / said["file"])
            severity = "error" if said["severity"] == "Error" else "warning"
            column = int(said["column"] or 0)
            number = int(said["line"])
            message = Message(file, number, severity, said["text"], (), column, said["code"] or "")
            found.append(message)
        elif found and (points := _POINTS.fullmatch(line)):
            file = os.path.normpath(folder / points["file"])
            related = Related(file, int(points["line"]), points["text"])
            found[-1] = replace(found[-1], related=(*found[-1].related, related))
    return list(dict.fromkeys(found))
