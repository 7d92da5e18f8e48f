"""The settings, `verifrag.*`: one table of names, defaults and meanings.

The server's validation, the VS Code manifest and the documentation all follow `Settings`. A value
of the wrong type or an unknown name never stops anything: the default is used and the user is told.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lsp_server import settings_carried

SECTION = "verifrag"

# Settings of the editors' clients, which arrive in the same section and are none of ours.
CLIENT_ONLY = ("python", "trace.server")

EXPECTED = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list of texts",
}


def setting(
    name: str, default: bool | int | float | str, description: str, minimum: float | None = None
) -> Any:
    """A field of `Settings`: its name after `verifrag.`, its default and what it means."""
    return dataclasses.field(
        default=default, metadata={"name": name, "description": description, "minimum": minimum}
    )


def texts(name: str, description: str) -> Any:
    """A field of `Settings` that is a list of texts, empty by default."""
    return dataclasses.field(
        default=(), metadata={"name": name, "description": description, "minimum": None}
    )


@dataclass(frozen=True)
class Settings:
    """What the user may choose. The metadata of each field holds its public name and meaning."""

    model: str = setting(
        "model",
        "",
        "Model to complete with: a folder or a hub name. "
        "Empty means the last round trained here, or the model that Verifrag ships.",
    )
    engine_enabled: bool = setting(
        "engine.enabled", True, "Run the engine: ghost text and module generation."
    )
    engine_viability: bool = setting(
        "engine.viability",
        True,
        "Keep the model from writing what could not become valid Verilog, such as names that nobody "
        "declared.",
    )
    engine_idle_minutes: int = setting(
        "engine.idleMinutes",
        30,
        "Minutes without a request after which the engine process ends. It starts again by itself.",
        minimum=1,
    )
    engine_max_memory: int = setting(
        "engine.maxMemory",
        0,
        "Megabytes of memory that the engine process may take; 0 means half of the machine's.",
        minimum=0,
    )
    completion_enabled: bool = setting("completion.enabled", True, "Offer ghost text.")
    completion_automatic: bool = setting(
        "completion.automatic", True, "Offer it while typing, not only when you ask for it."
    )
    completion_max_tokens: int = setting(
        "completion.maxTokens", 64, "Longest ghost text, in tokens.", minimum=1
    )
    completion_max_seconds: float = setting(
        "completion.maxSeconds", 2.0, "Longest time to decode ghost text, in seconds.", minimum=0.01
    )
    completion_candidates: int = setting(
        "completion.candidates",
        3,
        "How many different ghost texts to look for when you ask for one; while typing it is one.",
        minimum=1,
    )
    generate_samples: int = setting(
        "generate.samples",
        24,
        "How many candidates 'generate module from comment' tries until one compiles.",
        minimum=1,
    )
    diagnostics_enabled: bool = setting(
        "diagnostics.enabled", True, "Check the unsaved text with Icarus Verilog."
    )
    diagnostics_warnings: bool = setting(
        "diagnostics.warnings", True, "Show warnings, not only errors."
    )
    diagnostics_delay: int = setting(
        "diagnostics.delay",
        300,
        "Pause after the last change before checking, in milliseconds.",
        minimum=0,
    )
    iverilog_path: str = setting(
        "iverilog.path", "iverilog", "The iverilog program: a name on the PATH or a full path."
    )
    iverilog_include_path: tuple[str, ...] = texts(
        "iverilog.includePath", "Folders searched for `include, relative to the workspace folder."
    )
    iverilog_defines: tuple[str, ...] = texts(
        "iverilog.defines", "Macros defined for the check: NAME or NAME=VALUE."
    )
    iverilog_library_files: tuple[str, ...] = texts(
        "iverilog.libraryFiles", "Sources compiled along, relative to the workspace folder."
    )
    iverilog_library_dirs: tuple[str, ...] = texts(
        "iverilog.libraryDirs",
        "Folders with one module a file, named like it (iverilog -y), relative to the workspace "
        "folder.",
    )
    iverilog_arguments: tuple[str, ...] = texts(
        "iverilog.arguments", "Further arguments for iverilog."
    )
    iverilog_standard: str = setting(
        "iverilog.standard",
        "",
        "The standard that .v files are compiled by: 1995, 2001, 2005, 2005-sv, 2009 or 2012. Empty "
        "means 2005, or 2012 where the text needs it. SystemVerilog files are compiled by 2012.",
    )
    project_file_lists: tuple[str, ...] = texts(
        "project.fileLists",
        "File lists (.f) of the project, relative to the workspace folder. A verifrag.toml counts "
        "before them.",
    )
    project_top_modules: tuple[str, ...] = texts(
        "project.topModules", "The modules at the top of the design, where iverilog is to be told."
    )
    verilator_enabled: bool = setting(
        "verilator.enabled", False, "Lint with Verilator, too (verilator --lint-only)."
    )
    verilator_path: str = setting(
        "verilator.path", "verilator", "The verilator program: a name on the PATH or a full path."
    )
    verilator_arguments: tuple[str, ...] = texts(
        "verilator.arguments", "Further arguments for verilator, such as -Wall."
    )
    index_exclude: tuple[str, ...] = texts(
        "index.exclude",
        "Files and folders that are left out of the index: names or paths from the workspace folder, "
        "with * and ?, such as ip/*/sim or *_netlist.v. Hidden folders, build and node_modules always "
        "are.",
    )
    index_max_files: int = setting(
        "index.maxFiles", 5000, "How many Verilog files of the workspace are indexed.", minimum=0
    )
    references_enabled: bool = setting(
        "references.enabled",
        True,
        "Keep accepted completions on this machine as training data. Nothing is sent anywhere.",
    )


@dataclass(frozen=True)
class Entry:
    """One row of the table: `name` with the section, `default` as JSON has it."""

    name: str
    default: bool | int | float | str | list[str]
    description: str
    minimum: float | None


def table() -> list[Entry]:
    """Every setting, in order: what manifests and documentation are made of."""
    return [_entry(field) for field in dataclasses.fields(Settings)]


def chosen(settings: Settings) -> dict[str, Any]:
    """What is not as by default, by its public name."""
    return {
        f"{SECTION}.{field.metadata['name']}": value
        for field in dataclasses.fields(settings)
        if (value := getattr(settings, field.name)) != field.default
    }


def parse(values: Any, verilog: Any = None) -> tuple[Settings, list[str]]:
    """Read what an editor sent; return the settings and one sentence for each thing wrong.

    `values` is the section `verifrag` as nested objects, dotted names or a mix of both, with or
    without the section's own name around it. Null means unset. `verilog` is the section of the Verilog
    extensions: see `settings_carried`.
    """
    carried = settings_carried.carried_over(verilog)
    if isinstance(values, Mapping):
        values = values.get(SECTION, values)
    if values is None:
        return Settings(**carried), []
    if not isinstance(values, Mapping):
        return Settings(**carried), [f"{SECTION}: expected an object; the defaults are used."]
    fields = {field.metadata["name"]: field for field in dataclasses.fields(Settings)}
    chosen: dict[str, Any] = {}
    problems: list[str] = []
    for dotted, value in _flatten(values):
        name = dotted.removeprefix(f"{SECTION}.")
        if name in CLIENT_ONLY or value is None:
            continue
        if name not in fields:
            problems.append(_unknown(name, fields))
            continue
        entry = _entry(fields[name])
        if _fits(value, entry):
            chosen[fields[name].name] = tuple(value) if isinstance(value, list) else value
        else:
            problems.append(_misfit(value, entry))
    defaults = dataclasses.asdict(Settings())
    # VS Code sends the defaults of what is not set.
    chosen = {name: value for name, value in chosen.items() if value != defaults[name]}
    return Settings(**{**carried, **chosen}), problems


def _entry(field: dataclasses.Field[Any]) -> Entry:
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    data = field.metadata
    return Entry(f"{SECTION}.{data['name']}", default, data["description"], data["minimum"])


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _fits(value: Any, entry: Entry) -> bool:
    kind = type(entry.default)
    if kind is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind is float and type(value) is int:
        kind = int
    return type(value) is kind and (entry.minimum is None or value >= entry.minimum)


def _misfit(value: Any, entry: Entry) -> str:
    expected = EXPECTED[type(entry.default)]
    if entry.minimum is not None:
        expected += f" of at least {entry.minimum:g}"
    return f"{entry.name}: expected {expected}, not {value!r}; the default is used."


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {SECTION}.{close[0]}?" if close else "."
    return f"{SECTION}.{name}: there is no such setting, so it is ignored{hint}"
