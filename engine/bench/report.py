"""From what was measured to results, a table, the bars that are to be reached, and a plot."""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, quantiles

import torch
import transformers

from engine import extras
from engine.api import EngineError
from engine.bench.compare import Measured
from engine.bench.measure import speeds
from engine.bench.prompts import BenchPrompt

BARS = {"generate": 5.05, "llama.cpp": 1.5, "medusa": 1.42, "medusa-small": 1.42}
"""How many times as fast as these, in visible characters a second, "fragment" is to be."""
PARTS = ("draft", "verify", "accept", "trim")


@dataclass(frozen=True)
class Result:
    """One method by one sampling. Speeds are means over the answers of a repeat (eq. 3 of paper 1), then
    medians over repeats; `spread` are the quartiles of the latter. A step is one pass of the backbone; a
    rival's first one reads the prompt."""

    name: str
    sampling: str
    chars_per_s: float
    spread: tuple[float, float]
    tokens_per_s: float
    tokens_per_s_without_frag: float
    tokens_per_step: float
    steps: int
    """Of all answers together."""
    ms_per_step: float
    parts_ms: Mapping[str, float]
    """Milliseconds a step of each part, from a pass that was not timed as a whole; empty for rivals."""
    drafted: Mapping[str, float]
    """Share of the tokens that each source had drafted: "heads", "lookup", or "both" the same. The others
    are the backbone's own."""
    prompt_ms: float
    """To read the prompt and take one step: median over the prompts."""
    threads: int
    peak_mib: float


def results(found: Measured, frag: int | None) -> list[Result]:
    """Of every method and sampling that has been timed; `frag` is the id of [FRAG] if there is one."""
    keys = dict.fromkeys((one.name, one.sampling) for one in found.timings)
    return [_result(*key, found, frag) for key in keys]


def _result(name: str, sampling: str, found: Measured, frag: int | None) -> Result:
    seen = {
        one.prompt: one for one in found.details if (one.name, one.sampling) == (name, sampling)
    }
    timed = [one for one in found.timings if (one.name, one.sampling) == (name, sampling)]
    traces = {prompt: one.trace for prompt, one in seen.items()}
    tokens = {prompt: len(trace.ids) for prompt, trace in traces.items()}
    plain = {prompt: tokens[prompt] - trace.ids.count(frag) for prompt, trace in traces.items()}
    steps = {prompt: len(trace.steps) for prompt, trace in traces.items()}
    all_steps, all_tokens = sum(steps.values()), sum(tokens.values())
    stepping = sum(one.seconds - seen[one.prompt].first for one in timed)
    by_repeat = speeds(timed)
    return Result(
        name=name,
        sampling=sampling,
        chars_per_s=median(by_repeat),
        spread=_quartiles(by_repeat),
        tokens_per_s=fmean(tokens[one.prompt] / one.seconds for one in timed),
        tokens_per_s_without_frag=fmean(plain[one.prompt] / one.seconds for one in timed),
        tokens_per_step=all_tokens / all_steps,
        steps=all_steps,
        ms_per_step=1000 * stepping / max(1, sum(steps[one.prompt] - 1 for one in timed)),
        parts_ms={
            part: sum(trace.milliseconds[part] for trace in traces.values()) / all_steps
            for part in PARTS
            if all(part in trace.milliseconds for trace in traces.values())
        },
        drafted={
            source: sum(trace.drafted.get(source, 0) for trace in traces.values()) / all_tokens
            for source in dict.fromkeys(s for trace in traces.values() for s in trace.drafted)
        },
        prompt_ms=1000 * median(one.first for one in seen.values()),
        threads=found.threads[name],
        peak_mib=found.peaks.get(name, 0) / 2**20,
    )


def _quartiles(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    first, _, third = quantiles(values, n=4, method="inclusive")
    return first, third


def table(rows: Sequence[Result]) -> str:
    """One line a method and sampling, fastest methods first within a sampling."""
    head = "method sampling chars/s (quartiles) tok/s no-frag tok/step steps ms/step draft verify accept"
    head += " trim prompt-ms MiB threads"
    cells = [head.split()]
    samplings = list(dict.fromkeys(row.sampling for row in rows))
    for row in sorted(rows, key=lambda row: (samplings.index(row.sampling), -row.chars_per_s)):
        parts = [f"{row.parts_ms[part]:.2f}" if row.parts_ms else "-" for part in PARTS]
        cells.append(
            [
                *(row.name, row.sampling, f"{row.chars_per_s:.0f}"),
                "({:.0f}-{:.0f})".format(*row.spread),
                *(f"{row.tokens_per_s:.0f}", f"{row.tokens_per_s_without_frag:.0f}"),
                *(f"{row.tokens_per_step:.2f}", str(row.steps), f"{row.ms_per_step:.2f}"),
                *parts,
                *(f"{row.prompt_ms:.1f}", f"{row.peak_mib:.0f}", str(row.threads)),
            ]
        )
    return aligned(cells)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns of equal width, the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def bars(rows: Sequence[Result], sampling: str = "greedy") -> str:
    """How many times as fast as its rivals "fragment" is (eq. 4 of paper 1), and whether that is enough."""
    speed = {row.name: row.chars_per_s for row in rows if row.sampling == sampling}
    lines = []
    for rival, bar in BARS.items():
        if "fragment" not in speed or not speed.get(rival):
            lines.append(f"fragment / {rival}: not measured (bar {bar})")
            continue
        ratio = speed["fragment"] / speed[rival]
        verdict = "reached" if ratio >= bar else "not reached"
        lines.append(f"fragment / {rival}: {ratio:.2f} (bar {bar}, {verdict})")
    return "\n".join(lines)


def sources(rows: Sequence[Result]) -> str:
    """A line for each row with drafts: who had drafted the tokens."""
    return "\n".join(
        f"{row.name}, {row.sampling}: of the tokens "
        + ", ".join(f"{share:.0%} drafted by {source}" for source, share in row.drafted.items())
        for row in rows
        if row.drafted
    )


def machine() -> str:
    """Processor, cores, and the versions that matter."""
    cpuinfo = Path("/proc/cpuinfo")
    name = platform.processor() or platform.machine()
    if cpuinfo.exists():
        models = re.findall(r"^model name\s*: (.*)$", cpuinfo.read_text(), re.MULTILINE)
        name = models[0] if models else name
    if torch.cuda.is_available():
        name += f", {torch.cuda.get_device_name()}"
    torches = f"torch {torch.__version__}, transformers {transformers.__version__}"
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, {torches}"


def suites(asked: Sequence[BenchPrompt]) -> str:
    """How many prompts of each suite."""
    return ", ".join(f"{count} {suite}" for suite, count in Counter(p.suite for p in asked).items())


def plot(path: Path, rows: Sequence[Result]) -> None:
    """Bars of accepted tokens a step, [FRAG] included. Raises EngineError without matplotlib."""
    try:
        import matplotlib
    except ImportError as error:
        raise EngineError(f"--plot needs matplotlib: {extras.hint('bench')}") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(dict.fromkeys(row.name for row in rows))
    samplings = list(dict.fromkeys(row.sampling for row in rows))
    figure, axes = pyplot.subplots(figsize=(1.2 * len(names) + 1.5, 3.5), layout="constrained")
    width = 0.8 / len(samplings)
    for number, sampling in enumerate(samplings):
        value = {row.name: row.tokens_per_step for row in rows if row.sampling == sampling}
        places = [
            place + (number - (len(samplings) - 1) / 2) * width for place in range(len(names))
        ]
        drawn = axes.bar(places, [value.get(name, 0) for name in names], width, label=sampling)
        axes.bar_label(drawn, fmt="%.2f", fontsize=8)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylabel("accepted tokens a step")
    axes.legend(title="sampling", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
