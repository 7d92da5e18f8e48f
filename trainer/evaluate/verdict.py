"""Is a candidate right? It is compiled with its bench and simulated, both in the sandbox.

The bench's word counts, the candidate's does not: the bench ends with a phrase that carries a secret,
drawn anew for each simulation, and a candidate that could come by it (`trainer.evaluate.refusal`) is
compiled for its syntax verdict but not simulated.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pyslang.parsing import TokenKind

from trainer.evaluate import refusal, sandbox
from trainer.evaluate.sandbox import Limits, Outcome

Reason = Literal[
    "passed",
    "mismatch",
    "crash",
    "timeout",
    "refused",
    "warning",
    "elaboration",
    "syntax",
    "unfinished",  # a syntax error for want of an endmodule
]
COMPILING = Limits(seconds=20)
NONCE = "<nonce>"
_DETAIL = 200  # characters


@dataclass(frozen=True)
class Bench:
    """A self-checking test bench and how its benchmark runs it."""

    text: str
    """Where it says "passed" it has `<nonce>`, unless it prints the value of +nonce= by itself."""
    passes: str
    """Regular expression that standard output contains after a pass, with `<nonce>` for the secret."""
    flags: tuple[str, ...] = ("-g2012",)
    first: bool = False
    """Whether it stands before the candidate."""
    silent: bool = False
    """Whether anything that the compiler says, a warning too, is a failure to compile."""
    files: Mapping[str, str] = field(default_factory=dict)
    """What it reads, by name."""
    seconds: int = 10
    """CPU time of the simulation."""


@dataclass(frozen=True)
class Verdict:
    """`syntax`: it compiles together with its bench. `function`: it does what the bench asks."""

    syntax: bool
    function: bool
    reason: Reason
    detail: str = ""


def judge(candidate: str, bench: Bench) -> Verdict:
    """Compile and simulate. Raises SandboxMissing."""
    nonce = secrets.token_hex(8)
    sources = {"candidate.v": candidate, "bench.v": bench.text.replace(NONCE, nonce)}
    order = sorted(sources, reverse=not bench.first)
    compiled = sandbox.run(
        ["iverilog", *bench.flags, "-o", "/dev/stdout", *order],
        {**bench.files, **sources},
        COMPILING,
    )
    failure = _compile_failure(compiled, candidate, bench)
    if failure:
        return failure
    refused = _refused(candidate, bench)
    if refused:
        return Verdict(True, False, "refused", refused)
    simulated = sandbox.run(
        ["vvp", "-n", "simulation", f"+nonce={nonce}"],
        {**bench.files, "simulation": compiled.stdout},
        Limits(seconds=bench.seconds),
    )
    output = simulated.stdout.decode("utf-8", "replace")
    if simulated.timed_out:
        return Verdict(True, False, "timeout", "simulation")
    if re.search(bench.passes.replace(NONCE, nonce), output, re.MULTILINE):
        return Verdict(True, True, "passed")
    if simulated.exit:
        why = "too much output" if simulated.flooded else _last_line(simulated.said)
        return Verdict(True, False, "crash", why)
    return Verdict(True, False, "mismatch", _last_line(output))


def _compile_failure(compiled: Outcome, candidate: str, bench: Bench) -> Verdict | None:
    if compiled.timed_out:
        return Verdict(False, False, "timeout", "compilation")
    said = compiled.said.strip()
    if compiled.exit:
        reason = "unfinished" if _unfinished(candidate) else "syntax"
        reason = "elaboration" if "during elaboration" in said else reason
        return Verdict(False, False, reason, said.partition("\n")[0][:_DETAIL])
    if bench.silent and said:
        return Verdict(False, False, "warning", said.partition("\n")[0][:_DETAIL])
    return None


def _unfinished(candidate: str) -> bool:
    kinds = [word.kind for word in refusal.words(candidate)]
    return kinds.count(TokenKind.ModuleKeyword) > kinds.count(TokenKind.EndModuleKeyword)


def _refused(candidate: str, bench: Bench) -> str | None:
    reason = refusal.before_preprocessing(candidate, bench.text)
    if reason or "`" not in candidate:
        return reason or refusal.after_preprocessing(candidate, bench.text)
    command = ["iverilog", *bench.flags, "-E", "-o", "/dev/stdout", "candidate.v"]
    expanded = sandbox.run(command, {**bench.files, "candidate.v": candidate}, COMPILING)
    if expanded.exit:
        return "can't be preprocessed alone"
    return refusal.after_preprocessing(expanded.stdout.decode("utf-8", "replace"), bench.text)


def _last_line(text: str) -> str:
    return text.rstrip().rpartition("\n")[2][:_DETAIL]
