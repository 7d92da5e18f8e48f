"""`verifrag doctor`: what a bug report needs, and what is wrong here with what to do about it.

    verifrag doctor [--json] [--model MODEL] [--iverilog PROGRAM] [--quick]

Each finding is one line, `ok`, `note` (works without) or `WRONG`, which is followed by what to do. The
exit status is 1 if anything is wrong. Nothing of the user's source, and no file name but Verifrag's
own and that of the project file, is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from engine import extras, memory, model_store, runtime
from engine.api import DecodingOptions, EngineError, Prompt
from engine.client import EngineClient
from engine.verilog.filelist import Note
from engine.verilog.icarus import Icarus, IcarusMissing, check_now
from lsp_server import __version__, project
from trainer import references

PRIVATE_ENGINE = (sys.executable, "-m", "engine.process")
MEGABYTE = 1 << 20
ENOUGH = 1024 * MEGABYTE  # bytes; PyTorch alone takes a third of it
LOAD_SECONDS = 180
TOOL_SECONDS = 10
SERVER_PACKAGES = ("pygls", "lsprotocol", "pyslang", "watchdog", "platformdirs")
ENGINE_PACKAGES = ("torch", "transformers", "tokenizers", "safetensors")
# What makes a model faster, by the names that Linux (x86, ARM) has for it.
FEATURES = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
    "amx_bf16",
    "asimd",
    "bf16",
)


@dataclass(frozen=True)
class Finding:
    """One line of the report; `todo` is said where something is wrong."""

    name: str
    status: Literal["ok", "note", "WRONG"]
    text: str
    todo: str = ""


def run(options: argparse.Namespace) -> int:
    """Print the report; the exit status. For the options see `lsp_server.__main__`."""
    model = model_store.resolve(options.model)
    checks: list[Callable[[], Iterator[Finding]]] = [
        versions,
        machine,
        lambda: icarus(options.iverilog),
        bubblewrap,
        home,
        project_file,
        lambda: model_folder(model),
        lambda: engine_process(model),
    ]
    if not options.quick:
        checks.append(lambda: trial(model, PRIVATE_ENGINE))
    found: list[Finding] = []
    for check in checks:
        for finding in check():
            found.append(finding)
            if not options.json:
                print(_line(finding), flush=True)
    wrong = [finding for finding in found if finding.status == "WRONG"]
    if options.json:
        findings = [asdict(finding) for finding in found]
        print(json.dumps({"ok": not wrong, "findings": findings}, indent=1))
    else:
        print(f"\n{len(wrong)} of {len(found)} things are wrong" if wrong else "\nnothing is wrong")
    return 1 if wrong else 0


def _line(finding: Finding) -> str:
    todo = "".join(f"\n{'':18}{line}" for line in finding.todo.splitlines())
    return f"{finding.status:<6}{finding.name:<12}{finding.text}{todo}"


def versions() -> Iterator[Finding]:
    yield Finding("verifrag", "ok", f"{__version__} in {runtime.PACKAGE.parent}")
    yield Finding("python", "ok", f"{platform.python_version()} at {sys.executable}")
    yield Finding("system", "ok", platform.platform())
    yield _packages("server", SERVER_PACKAGES, extras.requirement())
    yield _packages("engine", ENGINE_PACKAGES, extras.requirement("engine"))


def _packages(name: str, wanted: tuple[str, ...], install: str) -> Finding:
    there: list[str] = []
    missing: list[str] = []
    for package in wanted:
        try:
            there.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        text = f"{', '.join(missing)} not installed"
        return Finding(name, "WRONG", text, f"run {sys.executable} -m pip install '{install}'")
    return Finding(name, "ok", ", ".join(there))


def machine() -> Iterator[Finding]:
    yield Finding("processor", "ok", processor(Path("/proc/cpuinfo")))
    total, free = memory.total(), memory.available()
    text = f"{total // MEGABYTE} MB, {free // MEGABYTE} MB available"
    if free < ENOUGH:
        todo = "close other programs: the engine may be slow, or be ended by the system"
        yield Finding("memory", "WRONG", text, todo)
    else:
        yield Finding("memory", "ok", text)


def processor(cpuinfo: Path) -> str:
    """The processor, how many cores may be used, and what of its instructions a model profits from."""
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    said = {}
    for line in reversed(lines):  # each core says the same; the first counts
        key, _, value = line.partition(":")
        said[key.strip()] = value.strip()
    name = said.get("model name") or platform.processor() or platform.machine()
    flags = (said.get("flags") or said.get("Features") or "").split()
    special = ", ".join(feature for feature in FEATURES if feature in flags)
    return f"{name}, {os.cpu_count()} cores; {special or 'no vector instructions known'}"


def icarus(program: str) -> Iterator[Finding]:
    found = shutil.which(program)
    text = "module m(input a, output y);\n  assign y = ~a;\nendmodule\n"
    try:
        said = check_now(Icarus(program), text, "doctor.v")
    except IcarusMissing as error:
        yield Finding("iverilog", "WRONG", f"{program} can't be started", str(error))
        return
    where = f"{found}, {_version(program)}"
    if said:
        todo = "install Icarus Verilog anew; until then there are no diagnostics"
        yield Finding("iverilog", "WRONG", f"{where}, says: {said[0].text}", todo)
    else:
        yield Finding("iverilog", "ok", f"{where}, compiles")


def _version(program: str) -> str:
    """The first line that `program -V` says."""
    try:
        told = subprocess.run(
            [program, "-V"], capture_output=True, text=True, errors="replace", timeout=TOOL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no version ({error})"
    return next(iter(told.stdout.splitlines()), "no version")


def bubblewrap() -> Iterator[Finding]:
    found = shutil.which("bwrap")
    text = found or "not there; only evaluation of models, which runs their text, needs bubblewrap"
    yield Finding("bwrap", "ok" if found else "note", text)


def home() -> Iterator[Finding]:
    folder = model_store.home()
    if folder.exists() and not os.access(folder, os.W_OK):
        todo = "make it writable, or set VERIFRAG_HOME to another folder"
        yield Finding("home", "WRONG", f"{folder} can't be written", todo)
    else:
        yield Finding("home", "ok", f"{folder}{'' if folder.exists() else ' (not made yet)'}")
    path = references.default_path()
    if not path.exists():
        yield Finding("references", "ok", "none accepted yet")
        return
    try:
        with references.open_store() as store:
            yield Finding("references", "ok", f"{store.count()} in {path}")
    except references.StoreError as error:
        yield Finding("references", "WRONG", f"{path} can't be read", str(error))


def project_file() -> Iterator[Finding]:
    """The nearest one from the working directory up, and what of it is not understood."""
    folders = (Path.cwd(), *Path.cwd().parents)
    near = (folder / project.NAME for folder in folders if (folder / project.NAME).is_file())
    found = next(near, None)
    if found is None:
        yield Finding("project", "ok", f"no {project.NAME} from here upwards")
        return
    notes = project.read_toml(found, found.parent).notes
    yield Finding("project", "WRONG" if notes else "ok", str(found), "\n".join(map(_note, notes)))


def _note(note: Note) -> str:
    return f"{note.file.name}, line {note.line}: {note.text}"


def model_folder(model: str) -> Iterator[Finding]:
    folder = Path(model)
    own = (folder / "verifrag.json").exists()
    try:
        card = json.loads((folder / f"{'verifrag' if own else 'config'}.json").read_text("utf-8"))
        name = f"{card['name']}, round {card['round']}" if own else card["model_type"]
        size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        todo = "leave verifrag.model empty for the model that ships, or name a folder with a model"
        yield Finding("model", "WRONG", f"{model}: {error!r}", todo)
        return
    yield Finding("model", "ok", f"{name}, {size / MEGABYTE:.1f} MB in {folder}")


def engine_process(model: str) -> Iterator[Finding]:
    """The process that editors share for `model`, if one runs now."""
    try:
        place = runtime.place(model, __version__)
    except EngineError as error:
        yield Finding("process", "WRONG", "editors can't share an engine", str(error))
        return
    process = runtime.holder(place.lock)
    text = f"{process} serves, its log is {place.log}" if process else "none runs now"
    yield Finding("process", "ok", text)


def trial(model: str, command: tuple[str, ...]) -> Iterator[Finding]:
    """Load the model in a process of its own, started with `command`, and complete one line."""
    yield asyncio.run(_trial(model, command))


async def _trial(model: str, command: tuple[str, ...]) -> Finding:
    engine = EngineClient(model, command, on_log=lambda line: None)
    began = time.monotonic()
    try:
        info = await asyncio.wait_for(engine.load(), LOAD_SECONDS)
        loaded = time.monotonic()
        options = DecodingOptions(max_tokens=32, stop="line")
        answer = await engine.complete(Prompt("module m(input a, output y);\n  assign y"), options)
        status = await engine.status()
    except TimeoutError:
        text = f"the model was not loaded after {LOAD_SECONDS} s"
        return Finding("trial", "WRONG", text, "choose a smaller model, or look at the memory")
    except EngineError as error:
        return Finding("trial", "WRONG", "the model does not work", str(error))
    finally:
        await engine.stop()
    return Finding(
        "trial",
        "ok",
        f"{info.parameters / 1e6:.1f}M parameters on {info.device} ({info.dtype}): loaded in "
        f"{loaded - began:.1f} s, {answer.tokens} tokens in {answer.milliseconds:.0f} ms, "
        f"{status.rss // MEGABYTE} MB; {info.step}",
    )
