"""The shape of the project: who may import whom, what the server's process must not load, and that
the VS Code manifest says about settings what the server does."""

import ast
import json
import subprocess
import sys
from pathlib import Path

from lsp_server import settings

ROOT = Path(__file__).parents[1]
PACKAGES = ("engine", "lsp_server", "trainer")
HEAVY = {"torch", "transformers", "numpy"}
JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}


def imports(file: Path) -> set[str]:
    """The modules `file` imports, wherever in it; `from a import b` counts as `a.b`."""
    found: set[str] = set()
    package = file.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, node.module)) if node.module else ".".join(above)
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def imports_of_ours(package: str) -> dict[str, set[str]]:
    """What each file of `package` imports from the other packages of this project."""
    others = tuple(f"{name}." for name in PACKAGES if name != package)
    return {
        str(file.relative_to(ROOT)): {
            name for name in imports(file) if f"{name}.".startswith(others)
        }
        for file in sorted((ROOT / package).rglob("*.py"))
    }


def test_imports_are_found_in_every_form(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    file = tmp_path / "engine" / "verilog" / "syntax.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "import trainer\nfrom lsp_server import server\nfrom .. import api\n"
        "def late():\n    import torch.nn as nn\n    from .icarus import check\n"
    )
    assert imports(file) == {
        "trainer",
        "lsp_server.server",
        "engine.api",
        "torch.nn",
        "engine.verilog.icarus.check",
    }


def test_engine_imports_neither_trainer_nor_server():
    assert {file: names for file, names in imports_of_ours("engine").items() if names} == {}


def test_trainer_imports_only_the_engine():
    for file, names in imports_of_ours("trainer").items():
        assert not [name for name in names if name.startswith("lsp_server")], file


def test_server_imports_of_the_trainer_only_the_references():
    for file, names in imports_of_ours("lsp_server").items():
        from_trainer = {name for name in names if name.split(".")[0] == "trainer"}
        for name in from_trainer:
            assert f"{name}.".startswith("trainer.references."), f"{file} imports {name}"


def test_the_server_process_stays_light():
    """The server and what it uses of the engine load none of the heavy packages."""
    verilog = [f"engine.verilog.{file.stem}" for file in (ROOT / "engine/verilog").glob("*.py")]
    modules = ["lsp_server.server", "engine.client", "engine.api", "engine.model_store", *verilog]
    script = (
        "import importlib, sys\n"
        f"for name in {modules}:\n"
        "    importlib.import_module(name)\n"
        f"print({HEAVY} & set(sys.modules))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (result.stderr, result.stdout) == ("", "set()\n")


def manifest() -> dict:
    return json.loads((ROOT / "vscode-client" / "package.json").read_text(encoding="utf-8"))


def test_the_vs_code_manifest_lists_the_servers_settings():
    properties = manifest()["contributes"]["configuration"]["properties"]
    of_the_client = {f"{settings.SECTION}.{name}" for name in settings.CLIENT_ONLY}
    assert of_the_client <= set(properties)
    expected = {
        entry.name: {
            "type": JSON_TYPES[type(entry.default)],
            "default": entry.default,
            "description": entry.description,
            **({"minimum": entry.minimum} if entry.minimum is not None else {}),
            **({"items": {"type": "string"}} if isinstance(entry.default, list) else {}),
        }
        for entry in settings.table()
    }
    assert {k: v for k, v in properties.items() if k not in of_the_client} == expected


def test_the_licence_is_the_same_everywhere():
    assert manifest()["license"] == "Apache-2.0"
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert (ROOT / "vscode-client" / "LICENSE").read_text(encoding="utf-8") == licence
