"""The data set of modules (paper 1, III-A): `python -m trainer.corpus OUT SOURCE [SOURCE ...]`.

    split into modules -> keep what is whole, parses and is no test bench -> describe
    -> drop near-duplicates -> drop what overlaps a benchmark -> limit what one repository
    contributes (if asked to) -> shards and a manifest

Every step counts what it drops and the manifest has the counts. `build` is the way through; each step is
a module of its own.
"""

from trainer.corpus.store import Item, read

__all__ = ["Item", "read"]
