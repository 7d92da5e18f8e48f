"""Learn from accepted edits (paper 2, ITERTL): `python -m trainer.iterate --rounds 1`.

A round goes through these stages, each of which leaves a file in `<home>/rounds/round-NNNN/`:

    manifest.json   the model it starts from, the ids of the references, the options
    samples.jsonl   K - 1 responses to each reference's prompt, sampled from that model
                    (those of an unfinished stage are in sampling.jsonl, in the order they ended)
    scores.jsonl    their quality z (`trainer.scoring`)
    log.jsonl       the losses of each step of training (`trainer.learn`)
    result.json     the references' loss before and after, and whether the new model was promoted

The new model is promoted, that is written to `<home>/models/round-NNNN` and published, only if the
references' mean loss is not worse than before; a running server then moves over to it.

Files and model folders appear whole or not at all, so a round can be stopped at any time. The same
command goes on with it: a stage whose file is there is not done again, nor a response that was
sampled. A round that was begun with another model or other options is left as it is, and a new one
begins. Only one process at a time works in a home.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import random
import sys
import typing
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from engine import model as models
from engine import model_store, prompts
from engine.api import Completion, DecodingOptions, EngineError, Stop
from engine.batch import Request, decode_many
from engine.model import MedusaModel
from trainer import files, learn, ranking, references, rounds
from trainer.files import Row
from trainer.references import Reference, StoreError
from trainer.rounds import Round
from trainer.scoring import Parser, quality

SAMPLE_SECONDS = 120.0
WIDTH = 32  # responses sampled together
SAMPLING = "sampling.jsonl"
LOCK = "iterate.lock"


class BusyError(Exception):
    """Another process works on rounds in this home; the message names it."""


@dataclass(frozen=True)
class Options:
    """The command line, but for the model and the number of rounds.

    `samples`, `temperature`, `top_p` and `epochs` as in paper 2, section 4.1. `lr` is ten times the
    paper's: it trains a small model for a few steps, not a large one for thousands. Empty, `store`
    is the user's own and `out` the folder of published models.
    """

    store: str = ""
    out: str = ""
    samples: int = ranking.K - 1
    temperature: float = 0.5
    top_p: float = 0.95
    epochs: int = 3
    lr: float = 1e-4
    parser: Parser = "pyslang"
    seed: int = 1


def main(argv: list[str] | None = None) -> int:
    given = vars(_parser().parse_args(argv))
    count, base = given.pop("rounds"), model_store.resolve(given.pop("model"))
    options = Options(**given)
    store = Path(options.store) if options.store else references.default_path()
    try:
        edits = _read(store)
        if not edits:
            print(
                f"no references in {store}: accept some completions in your editor first, with the "
                "setting verifrag.references.enabled on",
                file=sys.stderr,
            )
            return 2
        with _alone(model_store.home()):
            for _ in range(count):
                base = run_round(base, edits, options)
    except (BusyError, EngineError, StoreError, FloatingPointError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: the same command goes on with this round", file=sys.stderr)
        return 130
    return 0


def run_round(base: str, edits: Sequence[Reference], options: Options) -> str:
    """Do one round, or the rest of one; returns the model to start the next from."""
    folder = Path(options.out) if options.out else model_store.models_dir()
    inputs = {"model": base, **asdict(options)}
    ids = [edit.id for edit in edits]
    current = rounds.open_round(model_store.home() / "rounds", inputs, ids, folder)
    used = [edit for edit in edits if edit.id in current.references]
    print(f"{current.name}: {len(used)} reference(s), from {base}")

    target = folder / current.name
    if not target.exists():
        model = models.load_ours(base)
        models.choose_threads(model)
        losses = improve(model, used, options, current)
        if not losses["after"] <= losses["before"]:
            current.finish({"promoted": False, "reference_loss": losses})
            print(f"not promoted: the references' loss rose, {_arrow(losses)}")
            return base
        model.card.round = current.number
        model.card.name = f"{model.card.name.split('+')[0]}+{current.name}"
        model.card.training = {**inputs, "references": current.references, "reference_loss": losses}
        models.save(model, target)
    if not options.out:
        model_store.publish(target)
    losses = models.read_card(target).training["reference_loss"]
    current.finish({"promoted": True, "reference_loss": losses})
    print(f"promoted: the references' loss went {_arrow(losses)}; the model is {target}")
    return str(target)


def improve(
    model: MedusaModel, edits: Sequence[Reference], options: Options, current: Round
) -> dict[str, float]:
    """The stages that change `model`; returns the references' loss before and after."""
    samples = current.stage("samples.jsonl", lambda: sample(model, edits, options, current))
    (current.folder / SAMPLING).unlink(missing_ok=True)
    scores = current.stage("scores.jsonl", lambda: score(edits, samples, options.parser))
    mean = sum(row["z"] for row in scores) / len(scores)
    broken = sum(bool(row["errors"]) for row in scores)
    print(f"{len(scores)} responses: mean quality {mean:.2f}, {broken} with a syntax error")
    examples = [learn.example(model, edit, samples, scores) for edit in edits]
    log = current.folder / "log.jsonl"
    losses = learn.train(model, examples, options.epochs, options.lr, options.seed, log)
    model.requires_grad_(False)
    return losses


# --- sampling and scoring ------------------------------------------------------------------------


def sample(
    model: MedusaModel, edits: Sequence[Reference], options: Options, current: Round
) -> Iterator[Row]:
    """Responses to each reference's prompt, in that order, from the model's own distribution.

    Each response has a seed of its own, so that a round can be repeated and the next one draws anew.
    They are kept in SAMPLING as they end; those it has already are not sampled again.
    """
    jobs = {
        _seed(options, current, edit, number): (edit, number)
        for edit in edits
        for number in range(options.samples)
    }
    kept = current.folder / SAMPLING
    rows = {row["seed"]: row for row in files.read_lines(kept)}
    missing = [seed for seed in jobs if seed not in rows]
    requests = [_request(model, jobs[seed][0], seed, options) for seed in missing]
    bar = tqdm(desc="sampling", unit="response", total=len(jobs), leave=False)
    with bar, files.appending(kept) as write:
        bar.update(len(jobs) - len(missing))
        for index, completion in decode_many(model, requests, width=WIDTH):
            seed = missing[index]
            rows[seed] = _row(*jobs[seed], seed, completion)
            write(rows[seed])
            bar.update()
    yield from (rows[seed] for seed in jobs)


def _seed(options: Options, current: Round, edit: Reference, number: int) -> int:
    name = f"{options.seed} {current.number} {edit.id} {number}"
    return random.Random(name).getrandbits(63)


def _request(model: MedusaModel, edit: Reference, seed: int, options: Options) -> Request:
    ids, budget = learn.encode_prompt(model, edit)
    decoding_options = DecodingOptions(
        max_tokens=budget,
        max_seconds=SAMPLE_SECONDS,
        stop=stop_for(edit),
        temperature=options.temperature,
        top_p=options.top_p,
        seed=seed,
        speculative=False,  # the same text, sooner: see engine.batch
    )
    return Request(tuple(ids), decoding_options, prompts.typed_blank(edit.prefix))


def _row(edit: Reference, number: int, seed: int, completion: Completion) -> Row:
    return {
        "reference": edit.id,
        "sample": number,
        "seed": seed,
        "fragments": list(completion.fragments),
        "finish": completion.finish,
    }


def score(edits: Sequence[Reference], samples: Sequence[Row], parser: Parser) -> Iterator[Row]:
    """The quality of each sample, in the samples' order."""
    by_id = {edit.id: edit for edit in edits}
    for row in tqdm(samples, desc="scoring", unit="response", leave=False):
        edit = by_id[row["reference"]]
        response = "".join(row["fragments"])
        found = quality(edit.prefix, response, edit.suffix, edit.accepted, parser)
        yield {"reference": row["reference"], "sample": row["sample"], **asdict(found)}


def stop_for(edit: Reference) -> Stop:
    """Let a response end where answers of the reference's shape end."""
    if edit.kind == "module":
        return "module"
    return "block" if "\n" in edit.accepted.strip() else "line"


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Be the only process that works on rounds in `home`; raises BusyError if another does.

    The system gives the lock back when the process ends, however it does. The file stays.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise BusyError(
                f"process {file.read().strip()} is training a round in {home}: wait for it or stop it"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


# --- command line --------------------------------------------------------------------------------


def _read(store: Path) -> list[Reference]:
    if not store.exists():
        return []
    with references.open_store(store) as opened:
        return opened.all()


def _arrow(losses: dict[str, float]) -> str:
    return f"from {losses['before']:.4f} to {losses['after']:.4f} nats a token"


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, not {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.iterate",
        description="Train a new round of the model on the completions you accepted.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--rounds", type=_positive, default=1, help="each starts from the last one's model")
    add("--references", dest="store", default="", help="store to learn from; empty: yours")
    add("--model", default="", help="model to start from; empty: the one in service")
    add("--out", default="", help="folder for the models, which are then not published")
    add("--samples", type=_positive, default=Options.samples, help="responses to each prompt")
    add("--temperature", type=float, default=Options.temperature, help="of sampling")
    add("--top-p", type=float, default=Options.top_p, help="of sampling")
    add("--epochs", type=_positive, default=Options.epochs, help="passes over the references")
    add("--lr", type=float, default=Options.lr, help="learning rate")
    choices = typing.get_args(Parser)
    add("--parser", choices=choices, default=Options.parser, help="pyverilog as in the papers")
    add("--seed", type=int, default=Options.seed, help="of sampling and training")
    return parser


if __name__ == "__main__":
    sys.exit(main())
