"""Which licence covers a repository: told from the text of its licence file, or of its sources."""

from __future__ import annotations

import re
from pathlib import Path

# The first pattern that matches names the licence; copyleft ones are named so that they can be refused.
_TEXTS = [
    ("copyleft", r"GNU (?:LESSER |AFFERO )?GENERAL PUBLIC|CERN[- ]OHL|Mozilla Public"),
    ("Apache-2.0", r"Apache License,?\s+Version 2\.0|apache\.org/licenses/LICENSE-2\.0"),
    ("ISC", r"Permission to use, copy, modify, and/or distribute|\bISC License\b"),
    ("MIT", r"Permission is hereby granted, free of charge"),
    ("BSD", r"Redistribution and use in source and binary forms"),
]
PERMISSIVE = {"Apache-2.0", "ISC", "MIT", "BSD"}


def of_text(text: str) -> str | None:
    """The licence a text is or refers to, or None."""
    flat = " ".join(re.sub(r"//|[*#]", " ", text).split())
    return next((name for name, pattern in _TEXTS if re.search(pattern, flat, re.I)), None)


def of_repository(folder: Path) -> str | None:
    """The permissive licence of a repository, or None if it has none or none is found.

    Without a licence file the heads of its sources decide, and all that name a licence must agree.
    """
    for path in sorted(folder.iterdir()):
        if re.match(r"(?i)(licen[cs]e|copying)", path.name) and path.is_file():
            name = of_text(path.read_text(encoding="utf-8", errors="replace"))
            return name if name in PERMISSIVE else None
    heads = [
        path.read_text(encoding="utf-8", errors="replace")[:3000] for path in folder.rglob("*.v")
    ]
    named = {of_text(head) for head in heads} - {None}
    return named.pop() if len(named) == 1 and named <= PERMISSIVE else None
