"""Type real files into the real server and watch: `python -m benchmarks.typing FILE...`.

A stretch of each file is taken out and typed again, key by key, with the rest of the file around it. With
every key goes what an editor sends: the change, the end of the last request if it is still open, and a
request for ghost text. Reported are

- the time from a key to its ghost text (the server's own waiting for the typist included), where any
  came before the next key;
- the share of requests that the next key overtook;
- the share of ghost texts that would have been accepted: exactly what the file goes on with;
- the processor time of the server and its engine and tools for a minute of typing;
- the time from an edit to its diagnostics, with verifrag.diagnostics.delay 0, and that of the bare
  `iverilog -t null` on the same text.

Needs Linux (/proc) and iverilog. Other work on the machine spoils every figure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient

ROOT = Path(__file__).resolve().parent.parent
# Every process started for the benchmark carries this in its environment.
MARK = f"VERIFRAG_BENCHMARK={uuid.uuid4().hex}"
PATIENCE = 120.0  # seconds
EDITS = 10  # whose diagnostics are waited for
# An editor indents a new line by itself, and a run of blanks is one tab.
KEY = re.compile(r"\n[ \t]*|[ \t]{2,}|.")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Watched:
    """What one file showed; times in milliseconds."""

    file: str
    keys: int = 0
    shown: int = 0
    exact: int = 0
    cancelled: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    ghost_ms: list[float] = field(default_factory=list)
    diagnostics_ms: list[float] = field(default_factory=list)
    iverilog_ms: list[float] = field(default_factory=list)


class Typist:
    """An editor with one document open."""

    def __init__(self, client: LanguageClient, path: Path, text: str) -> None:
        self.client, self.path, self.text, self.version = client, path, text, 1
        self.uri = path.as_uri()
        item = types.TextDocumentItem(self.uri, "verilog", 1, text)
        client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def insert(self, offset: int, text: str) -> None:
        place = self.position(offset)
        self._change(types.Range(place, place), text)
        self.text = self.text[:offset] + text + self.text[offset:]

    def delete(self, start: int, end: int) -> None:
        self._change(types.Range(self.position(start), self.position(end)), "")
        self.text = self.text[:start] + self.text[end:]

    def position(self, offset: int) -> types.Position:
        line = self.text.count("\n", 0, offset)
        return types.Position(line, offset - self.text.rfind("\n", 0, offset) - 1)

    def offset(self, place: types.Position) -> int:
        lines = self.text.split("\n")
        return sum(len(line) + 1 for line in lines[: place.line]) + place.character

    async def ghost(self, offset: int, number: str) -> list[types.InlineCompletionItem]:
        params = types.InlineCompletionParams(
            types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic),
            types.TextDocumentIdentifier(self.uri),
            self.position(offset),
        )
        return await self.client.protocol.send_request_async(
            types.TEXT_DOCUMENT_INLINE_COMPLETION, params, msg_id=number
        )

    def _change(self, where: types.Range, text: str) -> None:
        self.version += 1
        identifier = types.VersionedTextDocumentIdentifier(uri=self.uri, version=self.version)
        change = types.TextDocumentContentChangePartial(range=where, text=text)
        params = types.DidChangeTextDocumentParams(identifier, [change])
        self.client.text_document_did_change(params)


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    found = asyncio.run(measure(args.files, args.keys, args.gap / 1000, args.model))
    print(json.dumps([asdict(one) for one in found]) if args.json else table(found))
    return 0


async def measure(files: list[Path], keys: int, gap: float, model: str) -> list[Watched]:
    """Type `keys` keys of each file, `gap` seconds apart. Raises TimeoutError if the engine does not
    start."""
    with tempfile.TemporaryDirectory() as folder:
        client, published = await _server(Path(folder), model)
        await _until_ready(client, Path(folder))
        found = []
        for path in files:
            text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
            found.append(await _typed(client, Path(folder) / path.name, text, keys, gap))
            await _diagnosed(client, published, Path(folder), path.name, text, found[-1])
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()
    return found


async def _server(folder: Path, model: str) -> tuple[LanguageClient, dict[tuple[str, int], float]]:
    """The server, and when it published the diagnostics of which version of which document."""
    client, published = LanguageClient("benchmark", "1"), {}

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def on_published(params: types.PublishDiagnosticsParams) -> None:
        published.setdefault((params.uri, params.version), time.perf_counter())

    name, value = MARK.split("=")
    environment = {**os.environ, name: value, "VERIFRAG_HOME": str(folder / "home")}
    command = ("-m", "lsp_server", "--stdio", "--log-file", str(folder / "log"))
    await client.start_io(sys.executable, *command, cwd=ROOT, env=environment)
    options = {"verifrag": {"model": str(model)}}
    params = types.InitializeParams(
        types.ClientCapabilities(), root_uri=folder.as_uri(), initialization_options=options
    )
    await client.initialize_async(params)
    client.initialized(types.InitializedParams())
    return client, published


async def _until_ready(client: LanguageClient, folder: Path) -> None:
    start = "module warm(input a, b, output y);\n  assign y = "
    typist = Typist(client, folder / "warm.v", start + "\nendmodule\n")
    began = time.perf_counter()
    while "engine ready" not in (folder / "log").read_text():
        if time.perf_counter() - began > PATIENCE:
            raise TimeoutError(f"no engine after {PATIENCE:.0f} s; {folder / 'log'} says why")
        await typist.ghost(len(start), f"warm-{time.perf_counter()}")
        await asyncio.sleep(0.2)


async def _typed(client: LanguageClient, path: Path, text: str, keys: int, gap: float) -> Watched:
    """Type whole lines from the middle of the file on, until that has taken `keys` keys."""
    begin = text.rfind("\n", 0, max(0, len(text) - keys) // 2 + 1) + 1
    end = begin
    for count, key in enumerate(KEY.finditer(text, begin), start=1):
        end = key.start()
        if count > keys and key[0].startswith("\n"):
            break
    typist = Typist(client, path, text[:begin] + text[end:])
    watched, open_requests = Watched(path.name), {}
    busy, began = cpu_seconds(), time.perf_counter()

    async def request(offset: int, number: str, pressed: float) -> None:
        items = await typist.ghost(offset, number)
        if items and number in open_requests:
            watched.ghost_ms.append(1000 * (time.perf_counter() - pressed))
            watched.shown += 1
            item = items[0]
            stays = text[end:][: typist.offset(item.range.end) - offset]
            watched.exact += (text[offset:end] + stays).startswith(item.insert_text)

    for count, key in enumerate(KEY.finditer(text, begin, end), start=1):
        pressed = time.perf_counter()
        for number in list(open_requests):
            client.cancel_request(types.CancelParams(number))
            watched.cancelled += 1
            del open_requests[number]
        typist.insert(key.start(), key[0])
        number = f"{path.name}-{count}"
        task = asyncio.create_task(request(key.end(), number, pressed))
        open_requests[number] = task
        task.add_done_callback(lambda task, number=number: _over(task, number, open_requests))
        watched.keys += 1
        await asyncio.sleep(max(0.0, began + count * gap - time.perf_counter()))
    watched.seconds = time.perf_counter() - began
    watched.cpu_seconds = cpu_seconds() - busy
    identifier = types.TextDocumentIdentifier(typist.uri)
    client.text_document_did_close(types.DidCloseTextDocumentParams(identifier))
    return watched


def _over(task: asyncio.Task, number: str, open_requests: dict[str, asyncio.Task]) -> None:
    open_requests.pop(number, None)
    if not task.cancelled():
        task.exception()  # a request that was cancelled is answered with an error


async def _diagnosed(
    client: LanguageClient,
    published: dict[tuple[str, int], float],
    folder: Path,
    name: str,
    text: str,
    watched: Watched,
) -> None:
    """Time from an edit to its diagnostics, and of the bare iverilog on the same text."""
    settings = {"verifrag": {"diagnostics": {"delay": 0}}}
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings))
    path = folder / f"checked-{name}"
    path.write_text(text, encoding="utf-8")
    typist = Typist(client, path, text)
    await _wait(published, (typist.uri, 1))
    standard = "-g2012" if path.suffix == ".sv" else "-g2005"
    for number in range(EDITS):
        broken = number % 2 == 0  # else the server might say that nothing has changed
        edited = time.perf_counter()
        typist.insert(0, "wire w\n") if broken else typist.delete(0, len("wire w\n"))
        seen = await _wait(published, (typist.uri, typist.version))
        watched.diagnostics_ms.append(1000 * (seen - edited))
        path.write_text(typist.text, encoding="utf-8")
        began = time.perf_counter()
        subprocess.run(["iverilog", "-t", "null", standard, path], capture_output=True, check=False)
        watched.iverilog_ms.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(0.05)


async def _wait(published: dict[tuple[str, int], float], version: tuple[str, int]) -> float:
    began = time.perf_counter()
    while version not in published:
        if time.perf_counter() - began > PATIENCE:
            raise TimeoutError(f"no diagnostics of version {version[1]} of {version[0]}")
        await asyncio.sleep(0.001)
    return published[version]


def cpu_seconds() -> float:
    """Processor time of all processes of this benchmark's server, the ended ones included."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if MARK.encode() in (process / "environ").read_bytes():
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                ticks += sum(map(int, fields[11:15]))  # own and children's, user and system
        except OSError:  # it has ended, or is another user's
            continue
    return ticks / TICKS


def table(found: list[Watched]) -> str:
    """One line a file."""
    head = "file keys shown p50_ms p95_ms cancelled exact cpu_s/min diagnostics_ms iverilog_ms"
    rows = [head.split()]
    for one in found:
        rows.append(
            [
                one.file,
                str(one.keys),
                f"{one.shown / max(1, one.keys):.0%}",
                _quantile(one.ghost_ms, 50),
                _quantile(one.ghost_ms, 95),
                f"{one.cancelled / max(1, one.keys):.0%}",
                f"{one.exact / max(1, one.shown):.0%}",
                f"{60 * one.cpu_seconds / max(one.seconds, 1e-9):.1f}",
                _quantile(one.diagnostics_ms, 50),
                _quantile(one.iverilog_ms, 50),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )


def _quantile(values: list[float], percent: int) -> str:
    if len(values) < 2:
        return f"{values[0]:.0f}" if values else "-"
    return f"{statistics.quantiles(values, n=100, method='inclusive')[percent - 1]:.0f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.typing",
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("files", nargs="+", type=Path, help="Verilog files to type")
    add("--keys", type=int, default=300, help="keys typed of each file")
    add("--gap", type=float, default=200.0, help="milliseconds between two keys")
    add("--model", default="", help="folder or hub name; empty: the one in service")
    add("--json", action="store_true", help="everything that was measured, as JSON")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
