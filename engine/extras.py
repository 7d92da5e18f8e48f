"""How an optional part of Verifrag is installed, for messages that say that it is missing."""

from __future__ import annotations

from pathlib import Path

CLONE = Path(__file__).resolve().parents[1]


def requirement(extra: str = "") -> str:
    """What pip is asked for, with this extra: the clone that runs, or the package that is installed."""
    what = str(CLONE) if (CLONE / "pyproject.toml").exists() else "verifrag"
    return f"{what}[{extra}]" if extra else what


def hint(extra: str) -> str:
    """The command that installs this extra."""
    return f"pip install '{requirement(extra)}'"
