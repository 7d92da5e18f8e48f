"""Which licence covers a file: told from SPDX tags, from licence files and from the heads of sources.

Accepted are permissive licences only: nothing that asks for derived works to be shared alike. The
Solderpad Hardware License (SHL) is accepted: 0.51 is Apache-2.0 with its words widened to hardware,
2.x is Apache-2.0 plus exceptions that only give more. It asks for notices, never for source.
"""

from __future__ import annotations

import re
from pathlib import Path

# The first pattern that matches names the licence; refused ones come first and keep a name of their own.
_TEXTS = [
    (
        "copyleft",
        r"GNU (?:LESSER |LIBRARY |AFFERO )?(?:GENERAL )?PUBLIC|\bL?GPL\b|CERN[- ]OHL|CERN Open Hardware"
        r"|Mozilla Public|Creative Commons Attribution.{0,20}(?:Share|Non)",
    ),
    ("proprietary", r"confidential (?:and|or) proprietary|proprietary (?:and|or) confidential"),
    ("proprietary", r"Your use of (?:Altera|Intel) Corporation's design tools"),
    ("SHL", r"Solderpad Hardware Licen[sc]e"),
    ("Apache-2.0", r"Apache License,?\s+Version 2\.0|apache\.org/licenses/LICENSE-2\.0"),
    ("ISC", r"Permission to use, copy, modify, and/or distribute|\bISC License\b"),
    ("MIT", r"Permission is hereby granted, free of charge|\bMIT License\b"),
    ("BSD-3-Clause", r"Redistribution and use in source and binary forms.*Neither the name"),
    ("BSD-2-Clause", r"Redistribution and use in source and binary forms"),
    ("Unlicense", r"This is free and unencumbered software"),
    ("CC0-1.0", r"CC0 1\.0 Universal"),
]
_SPDX = {
    *("Apache-2.0", "MIT", "MIT-0", "ISC", "0BSD", "BSD-1-Clause", "BSD-2-Clause", "BSD-3-Clause"),
    "BSD-2-Clause-Views",
    *("Unlicense", "CC0-1.0", "Zlib", "BSL-1.0", "SHL-0.5", "SHL-0.51", "SHL-2.0", "SHL-2.1"),
}
PERMISSIVE = _SPDX | {"SHL"}

MAX_LICENCE = 100_000  # characters; the GPL has a third of that
HEAD = 8000
"""Characters at the beginning of a source file in which a licence is looked for."""

_SPDX_TAG = re.compile(r"SPDX-License-Identifier:\s*([\w.+() -]+)")
_LICENCE_FILE = re.compile(r"(?i)(?:un)?(?:licen[cs]e|copying)")
_SOURCE_SUFFIXES = {".v", ".sv"}


def of_text(text: str) -> str | None:
    """The licence a text is or refers to, or None. Not every name it returns is permissive."""
    tag = _SPDX_TAG.search(text)
    if tag:
        return _of_expression(tag[1])
    flat = " ".join(re.sub(r"//|[*#]", " ", text).split())
    return next((name for name, pattern in _TEXTS if re.search(pattern, flat, re.I)), None)


def _of_expression(expression: str) -> str:
    """The permissive alternative of an SPDX expression, or else the expression as it is."""
    for alternative in re.split(r"\bOR\b", expression.replace("(", " ").replace(")", " ")):
        names = [name.split(" WITH ")[0].strip() for name in re.split(r"\bAND\b", alternative)]
        if all(name in _SPDX for name in names):
            return " AND ".join(names)
    return expression.strip()


def is_permissive(name: str) -> bool:
    """Whether `of_text` named a licence that the corpus accepts."""
    return all(part in PERMISSIVE for part in name.split(" AND "))


class Repository:
    """The licences in one repository's folder."""

    def __init__(self, folder: Path) -> None:
        self._top = folder
        self._found: dict[Path, str | None] = {}

    def of_file(self, path: Path, text: str) -> str | None:
        """The licence of one file, or None: what its own head names, else what the nearest licence file
        above it says, because a vendored part may have another one than the whole."""
        return of_text(text[:HEAD]) or self.of_folder(path.parent)

    def of_folder(self, folder: Path) -> str | None:
        """The licence of what is in `folder`, from the nearest licence file there or above."""
        if folder not in self._found:
            own = _of_licence_files(folder)
            at_top = folder == self._top
            self._found[folder] = own if own or at_top else self.of_folder(folder.parent)
        return self._found[folder]


def _of_licence_files(folder: Path) -> str | None:
    """What the licence files in `folder` say; of several, a permissive one may be chosen."""
    named = [
        of_text(_beginning(path))
        for path in sorted(folder.iterdir())
        if _LICENCE_FILE.match(path.name) and path.is_file() and path.suffix not in _SOURCE_SUFFIXES
    ]
    if not named:
        return None
    return next((name for name in named if name and is_permissive(name)), named[0] or "unknown")


def _beginning(path: Path) -> str:
    """Of a licence file: as much as the longest licence has."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(MAX_LICENCE)
