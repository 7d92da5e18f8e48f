"""Where models live and which one is current. No torch here: the server asks before the engine runs.

    <home>/models/round-0001/   written under a temporary name, synced, then renamed
    <home>/models/CURRENT       one line: the folder's name; replaced atomically

`home` is $VERIFRAG_HOME or the platform's user data folder.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

EMBEDDED = Path(__file__).parent / "models" / "embedded"
CURRENT = "CURRENT"


def home() -> Path:
    """The folder for everything Verifrag keeps about its user: references and trained rounds."""
    override = os.environ.get("VERIFRAG_HOME")
    return (
        Path(override)
        if override
        else Path(platformdirs.user_data_dir("verifrag", appauthor=False))
    )


def models_dir() -> Path:
    return home() / "models"


def current() -> Path:
    """The model to serve by default: the last published round, else the embedded model.

    A home that cannot be read counts as one without rounds.
    """
    try:
        name = (models_dir() / CURRENT).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return EMBEDDED
    folder = models_dir() / name
    return folder if name and folder.is_dir() else EMBEDDED


def resolve(setting: str, folder: Path | None = None) -> str:
    """Turn the `model` setting into what the engine loads: a folder, or a hub name left as it is.

    Empty means `current()`. A path, relative to `folder` (default: the working directory), that exists
    is made absolute; anything else is passed on, and the engine says so clearly if it can't be loaded.
    """
    if not setting:
        return str(current())
    path = (folder or Path.cwd()) / Path(setting).expanduser()
    return str(path.resolve()) if path.exists() else setting


def publish(folder: Path) -> None:
    """Make `folder`, which must lie in `models_dir()`, the current model, atomically."""
    if folder.parent.resolve() != models_dir().resolve():
        raise ValueError(f"{folder} is not in {models_dir()}: a published model must live there")
    fd, temporary = tempfile.mkstemp(dir=models_dir(), prefix=".current-")
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(folder.name + "\n")
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(models_dir() / CURRENT)
