"""How much memory there is and how much of it this process has."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path


def resident() -> int:
    """Bytes of this process that lie in memory. Where only the most there ever were can be told, as
    on macOS, it is that."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def total() -> int:
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def available() -> int:
    """Bytes that a new program could have now; where that can't be told, as on macOS, all of them."""
    meminfo = Path("/proc/meminfo")
    if not meminfo.exists():
        return total()
    said = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
    return int(said["MemAvailable"].split()[0]) * 1024
