"""Build the compiled verification step for this machine: `python -m engine.compile [MODEL]`.

It takes seconds and needs a C++ compiler (g++, clang++, or what CXX names); afterwards the engine finds
the library by itself. MODEL, by default the one in service, is what it is tried on. A model that runs on
a GPU gets a CUDA graph instead (`engine.graph`), which torch.compile makes in a minute or so.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from engine import compiled, graph, lean, model_store
from engine import model as models
from engine.api import DecodingOptions, EngineError
from engine.drafts import draft_size
from engine.model import MedusaModel
from engine.tree import build as lay_out

CONTEXT = 256  # tokens before those of the trial


def build(path: Path | None = None) -> Path:
    """Compile the step into `path` (default: where the engine looks for it). Raises EngineError."""
    path = path or compiled.library()
    command = [compiler(), *compiled.FLAGS, str(compiled.SOURCES / "step.cpp")]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as temporary:
            made = Path(temporary) / path.name
            done = subprocess.run([*command, "-o", str(made)], capture_output=True, text=True)
            if done.returncode:
                raise EngineError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
            digest = hashlib.sha256(made.read_bytes()).hexdigest()
            made.replace(path)
            compiled.checksum(path).write_text(digest, encoding="ascii")
    except OSError as error:
        raise EngineError(
            f"the compiled step can't be written to {path.parent}: {error}"
        ) from error
    return path


def compiler() -> str:
    """The C++ compiler. Raises EngineError if there is none."""
    wanted = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++"]
    for name in wanted:
        if found := shutil.which(name):
            return found
    raise EngineError(
        f"no C++ compiler found ({' or '.join(wanted)}): install one, for example with apt install g++, "
        "or name it in the environment variable CXX. Without it the engine works as before, slower"
    )


def milliseconds(model: MedusaModel, ways: list[Callable[..., object]]) -> list[float]:
    """Median time of a step of the model's drafts, each way, taken in turns; the compiled one's copies what
    it is behind, which it does not when it is served."""
    tree = lay_out(model.card.tree[: draft_size(model, DecodingOptions()) - 1], model.device)
    ids = torch.zeros(tree.size, dtype=torch.long, device=model.device)
    nothing = lean.nothing(model)
    layers, both, kv_heads, _, d = nothing.shape
    past = nothing.new_zeros(layers, both, kv_heads, CONTEXT, d)
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(20):
        for way, taken in zip(ways, times, strict=True):
            start = time.perf_counter()
            way(ids, tree.depth, tree.sees, past, tree.size)[0].sum().item()  # waits for a GPU
            taken.append(1000 * (time.perf_counter() - start))
    return list(map(statistics.median, times))


@torch.no_grad()
def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m engine.compile", description=__doc__)
    parser.add_argument(
        "model", nargs="?", default="", help="a model folder (default: the current)"
    )
    args = parser.parse_args(argv)
    try:
        model = models.load(model_store.resolve(args.model))
        models.choose_threads(model)
        if model.device.type == "cuda":
            print(f"compiling a graph for {model.card.name} on {model.device} ...", flush=True)
            step, path = graph.try_out(model), graph.note(model)
        else:
            compiled.check_suits(model)
            print(f"compiling the step with {compiler()} ...", flush=True)
            path = build()
            print(f"trying it on {model.card.name} ...", flush=True)
            step = compiled.load(model, rounded=True)  # as it is served
    except (EngineError, compiled.UnfitError) as error:
        print(error, file=sys.stderr)
        return 1
    model.compiled = step
    plain, fast = milliseconds(model, [lambda *step: lean.verify(model, *step), step.verify])
    print(f"{path}\na step takes {fast:.2f} ms, without it {plain:.2f} ms")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
