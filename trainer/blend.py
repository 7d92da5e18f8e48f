"""Blend two models of one shape: `python -m trainer.blend FIRST SECOND OUT --share 0.85`.

Each weight of the backbone becomes (1 - share) of FIRST's and share of SECOND's. Where SECOND was trained
on from FIRST, for something else, the blend keeps much of what FIRST could do and SECOND has lost (WiSE-FT,
Wortsman et al., arXiv 2109.01903). Heads, tokenizer and card are SECOND's.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from engine import model as models
from engine.api import EngineError
from engine.model import MedusaModel
from trainer.evaluate.sampling import fingerprint


@torch.no_grad()
def blend(first: MedusaModel, second: MedusaModel, share: float) -> MedusaModel:
    """`second` with its backbone blended. Raises EngineError if the two have not the same shape."""
    ours, theirs = second.backbone.state_dict(), first.backbone.state_dict()
    shapes = [{name: weight.shape for name, weight in one.items()} for one in (ours, theirs)]
    if shapes[0] != shapes[1]:
        raise EngineError("models of different shapes can't be blended")
    blended = {name: torch.lerp(theirs[name], weight, share) for name, weight in ours.items()}
    second.backbone.load_state_dict(blended)  # only now: a tied weight has two names
    return second


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.blend", description=__doc__.split("\n")[0]
    )
    parser.add_argument("first", type=Path, help="model folder")
    parser.add_argument("second", type=Path, help="model folder, usually trained on from FIRST")
    parser.add_argument("out", type=Path, help="model folder to write; must not exist")
    parser.add_argument("--share", type=float, default=0.5, help="of SECOND, 0 to 1")
    args = parser.parse_args(argv)
    if args.out.exists():
        parser.error(f"{args.out} exists already: choose another folder")
    if not 0 <= args.share <= 1:
        parser.error("--share is between 0 and 1")
    try:
        first, second = map(models.load_ours, (args.first, args.second))
        made = blend(first, second, args.share)
        parents = [fingerprint(folder) for folder in (args.first, args.second)]
        made.card.training["blend"] = {"share": args.share, "of": parents}
        models.save(made, args.out)
    except (EngineError, OSError) as error:
        print(f"trainer.blend: {error}", file=sys.stderr)
        return 1
    print(f"wrote {args.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
