"""`python -m trainer.corpus OUT SOURCE [SOURCE ...]`: build the data set of modules.

A SOURCE is the folder of one repository with its licence file; OWNER+NAME is shown as OWNER/NAME.
Interrupted, the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from engine.verilog.icarus import IcarusMissing
from trainer.corpus.build import Options, build, remove_work
from trainer.corpus.endpoint import KEY_VARIABLE, Endpoint
from trainer.corpus.licences import PERMISSIVE


def main(argv: list[str] | None = None) -> int:
    parser = _parser()
    args = parser.parse_args(argv)
    if not args.sources + args.sets:
        parser.error("nothing to read: name a folder with sources, or a file with --from")
    for folder in args.sources + args.benchmarks:
        if not folder.is_dir():
            parser.error(f"{folder} is no folder (a file of pairs goes behind --from)")
    for path in args.sets:
        if not path.is_file():
            parser.error(f"--from {path}: there is no such file")
    if args.jobs < 1:
        parser.error("--jobs must be at least 1")
    if args.most_of_one < 0:
        parser.error("--most-of-one must be at least 1, or 0 for no limit")
    if bool(args.describe_with) != bool(args.describe_model):
        parser.error("--describe-with and --describe-model go together")
    options = Options(args.parser, args.elaborate, tuple(args.exclude), args.licence)
    sources = [path.resolve() for path in args.sources + args.sets]  # so that `.` has a name
    endpoint = None
    try:
        if args.describe_with:
            cache = args.out / "descriptions.jsonl"
            endpoint = Endpoint(args.describe_with, args.describe_model, cache)
        counts = build(
            args.out, sources, args.benchmarks, options, args.jobs, endpoint, args.most_of_one
        )
    except (OSError, ValueError, IcarusMissing) as error:
        raise SystemExit(
            f"trainer.corpus: {error}\nWhatever corpus was in {args.out} is as it was; the same command "
            "goes on from here."
        ) from error
    if not args.keep_work:
        remove_work(args.out)
    for name, count in sorted(counts.items()):
        print(f"{count:>12,}  {name}")
    print(f"{args.out}/manifest.json and {args.out}/decontamination.md tell more.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.corpus", description=__doc__, formatter_class=_Formatter
    )
    parser.add_argument("out", type=Path, help="folder for the corpus")
    parser.add_argument("sources", type=Path, nargs="*", metavar="SOURCE", help="a repository")
    parser.add_argument(
        "--from",
        dest="sets",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="JSON lines in the shape of MG-Verilog, RTLCoder or AutoVCoder, maybe gzipped",
    )
    parser.add_argument(
        "--benchmarks",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="benchmarks that nothing may be a copy of",
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="OWNER/NAME/PATH to leave out; may be given again",
    )
    parser.add_argument(
        "--most-of-one",
        type=int,
        default=0,
        metavar="N",
        help="modules that one repository may contribute, chosen at random; 0: all",
    )
    parser.add_argument("--parser", choices=("pyslang", "pyverilog"), default="pyslang")
    parser.add_argument(
        "--elaborate", action="store_true", help="count what Icarus Verilog elaborates"
    )
    parser.add_argument(
        "--licence",
        choices=sorted(PERMISSIVE),
        help="the licence of sources that carry none, such as your own",
    )
    parser.add_argument(
        "--describe-with",
        metavar="URL",
        help=f"an OpenAI-compatible endpoint that describes modules; its key is in {KEY_VARIABLE}",
    )
    parser.add_argument("--describe-model", metavar="NAME", help="the model to ask there")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes to work with"
    )
    parser.add_argument("--keep-work", action="store_true", help="keep OUT/work when done")
    return parser


class _Formatter(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    pass


if __name__ == "__main__":
    raise SystemExit(main())
