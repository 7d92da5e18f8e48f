"""How long diagnostics take beside a bare run of iverilog: `python -m benchmarks.diagnostics FILE...`.

For each file, after each of some edits: the time from the edit to the published diagnostics, with no
pause asked for, and then the time of `iverilog -t null -Wall` on the files as they are on disk. The two
alternate, so that whatever else the machine does touches both. Reported are the medians of both, of
their difference, with its middle half, and of their ratio; with `--json` as one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types

from engine.verilog.icarus import Icarus
from lsp_server.checking import Context
from lsp_server.diagnostics import Diagnoser, Snapshot
from lsp_server.project import Projects
from lsp_server.settings import Settings
from lsp_server.workspace import Index


class Document:
    """An open document, and the newest of its diagnostics that were published."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.version = 0
        self.index = Index()
        self.index.scan([folder])
        self.published = asyncio.Event()
        projects = Projects()
        self.diagnoser = Diagnoser(
            get=lambda uri: self.snapshot() if uri == path.as_uri() else None,
            publish=self.publish,
            notify=print,
            settings=lambda: Settings(diagnostics_delay=0),
            context=lambda one: Context(self.index, Icarus(), projects.find(one, [folder])),
        )

    def snapshot(self) -> Snapshot:
        return Snapshot(self.text, self.version, self.path, lambda line, column: column)

    def publish(self, uri: str, version: int | None, found: list[types.Diagnostic]) -> None:
        if version == self.version:
            self.published.set()

    async def edit(self) -> float:
        """Type a blank at the end; the seconds until its diagnostics are there."""
        self.published.clear()
        self.text += " "
        self.version += 1
        began = time.perf_counter()
        self.index.update(self.path, self.text)
        self.diagnoser.check(self.path.as_uri())
        await self.published.wait()
        return time.perf_counter() - began


def bare(files: Sequence[Path]) -> float:
    """The seconds that iverilog takes by itself."""
    command = ["iverilog", "-t", "null", "-Wall", "-g2012", *map(str, files)]
    folders = dict.fromkeys(f"-I{file.parent}" for file in files)
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        subprocess.run([*command, *folders], stdout=said, stderr=said, check=False)
        return time.perf_counter() - began


async def measure(path: Path, folder: Path, edits: int) -> dict[str, float | str]:
    """Milliseconds for one file."""
    document = Document(path, folder)
    files = [path, *document.index.dependencies(document.text, path)]
    await document.edit()  # the first run finds everything cold
    pairs = [(await document.edit(), bare(files)) for _ in range(edits)]
    document.diagnoser.stop()
    more = sorted(1000 * (ours - alone) for ours, alone in pairs)
    quarters = statistics.quantiles(more, n=4)
    return {
        "file": path.name,
        "lines": document.text.count("\n"),
        "ours_ms": 1000 * statistics.median(ours for ours, _ in pairs),
        "bare_ms": 1000 * statistics.median(alone for _, alone in pairs),
        "difference_ms": quarters[1],
        "difference_lower_ms": quarters[0],
        "difference_upper_ms": quarters[2],
        "ratio": statistics.median(ours / alone for ours, alone in pairs),
    }


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    rows = []
    for file in args.files:
        path = file.absolute()
        folder = args.folder.absolute() if args.folder else path.parent
        rows.append(asyncio.run(measure(path, folder, args.edits)))
    if args.json:
        print(json.dumps(rows))
        return 0
    print(
        f"{'file':24} {'lines':>6} {'ours':>8} {'iverilog':>9} {'difference (middle half)':>28} ratio"
    )
    for row in rows:
        middle = f"{row['difference_lower_ms']:.0f} to {row['difference_upper_ms']:.0f}"
        print(
            f"{row['file']:24} {row['lines']:6} {row['ours_ms']:5.0f} ms {row['bare_ms']:6.0f} ms "
            f"{row['difference_ms']:8.0f} ms ({middle:>12} ms) {row['ratio']:7.2f}"
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.diagnostics", description=__doc__.splitlines()[0]
    )
    parser.add_argument("files", nargs="+", type=Path, help="Verilog files")
    parser.add_argument("--folder", type=Path, help="the workspace; else each file's folder")
    parser.add_argument("--edits", type=int, default=20, help="edits a file, 2 or more")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of a table")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
