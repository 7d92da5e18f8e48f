"""Checkpoints: the optimizer's tensors after a step, written whole or not at all, the last two kept.

Nothing else is needed to go on exactly: weights are the masters rounded, and the order of the rows
and every random draw follow from the seed and the number of the step.
"""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from trainer import files

KEPT = 2


class CheckpointError(Exception):
    """A checkpoint could not be written; the message says what to do."""


def save(run: Path, step: int, tensors: dict[str, Tensor]) -> None:
    """Write the checkpoint of `step` finished steps, then drop all but the last two.

    Raises CheckpointError if it cannot be written, for one because the disk is full; nothing half
    written stays, and the checkpoints before it do.
    """
    path = _path(run, step)
    try:
        with files.whole(path) as partial:
            save_file(tensors, partial)
    except (OSError, SafetensorError) as error:
        size = sum(t.numel() * t.element_size() for t in tensors.values()) / 1e6
        last = max(_steps(run), default=0)
        raise CheckpointError(
            f"cannot write {path} ({size:.0f} MB): {error}. Free some space and start the same command "
            f"again: it goes on from step {last}"
        ) from error
    for old in sorted(_steps(run))[:-KEPT]:
        _path(run, old).unlink()


def load(run: Path) -> tuple[int, dict[str, Tensor]]:
    """Steps done and tensors of the newest checkpoint that can be read; no step and none to begin with."""
    for step in sorted(_steps(run), reverse=True):
        try:
            return step, load_file(_path(run, step))
        except (OSError, SafetensorError) as error:
            print(f"{_path(run, step)} is damaged ({error}): trying the one before")
    return 0, {}


def _path(run: Path, step: int) -> Path:
    return run / f"checkpoint-{step:07d}.safetensors"


def _steps(run: Path) -> list[int]:
    return [int(path.stem.partition("-")[2]) for path in run.glob("checkpoint-*.safetensors")]
