"""The settings that Verilog users already have: `verilog.*`, where their meaning is one of ours.

They count where the setting of ours is not set. What is not understood is nobody's mistake and skipped
in silence. The names are those of the most used Verilog extension for VS Code; relative paths start at
the workspace folder there, too.

| theirs | ours |
|---|---|
| `verilog.linting.iverilog.arguments` | `verifrag.iverilog.arguments` |
| `verilog.linting.iverilog.includePath`, `verilog.project.includeDirs` | `verifrag.iverilog.includePath` |
| `verilog.project.defines` | `verifrag.iverilog.defines` |
| `verilog.project.filelists` | `verifrag.project.fileLists` |
| `verilog.project.topModules` | `verifrag.project.topModules` |
| `verilog.linting.linter` = `verilator` | `verifrag.verilator.enabled` |
| `verilog.linting.verilator.arguments` | `verifrag.verilator.arguments` |

`verilog.project.*` counts only where `verilog.project.enabled` is true, as it does there.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

SECTION = "verilog"


def carried_over(values: Any) -> dict[str, Any]:
    """What the section `verilog`, nested or with dotted names, says of fields of `Settings`."""
    found: dict[str, Any] = {
        "iverilog_arguments": _arguments(_get(values, "linting.iverilog.arguments")),
        "iverilog_include_path": _texts(_get(values, "linting.iverilog.includePath")),
        "verilator_enabled": _get(values, "linting.linter") == "verilator",
        "verilator_arguments": _arguments(_get(values, "linting.verilator.arguments")),
    }
    if _get(values, "project.enabled") is True:
        found["iverilog_include_path"] += _texts(_get(values, "project.includeDirs"))
        found["iverilog_defines"] = _defines(_get(values, "project.defines"))
        found["project_file_lists"] = _texts(_get(values, "project.filelists"))
        found["project_top_modules"] = _texts(_get(values, "project.topModules"))
    return {name: value for name, value in found.items() if value}


def _get(values: Any, name: str) -> Any:
    """The value of `name` in nested objects, whose keys may be several steps at once."""
    if not isinstance(values, Mapping):
        return None
    if name in values:
        return values[name]
    steps = name.split(".")
    for count in range(1, len(steps)):
        found = _get(values.get(".".join(steps[:count])), ".".join(steps[count:]))
        if found is not None:
            return found
    return None


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _arguments(value: Any) -> tuple[str, ...]:
    """A command line as words; slashes may lean either way."""
    if not isinstance(value, str):
        return _texts(value)
    try:
        return tuple(shlex.split(value.replace("\\", "/")))
    except ValueError:  # a quote that is not closed
        return tuple(value.split())


def _defines(value: Any) -> tuple[str, ...]:
    """`{"SIMULATION": true, "WIDTH": 32}` or a list as iverilog takes it."""
    if not isinstance(value, Mapping):
        return _texts(value)
    wanted = ((name, one) for name, one in value.items() if one is not False and one is not None)
    return tuple(name if one in (True, "") else f"{name}={one}" for name, one in wanted)
