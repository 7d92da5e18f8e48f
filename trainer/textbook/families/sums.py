"""Registers that combine their inputs: accumulators, running extremes."""

from __future__ import annotations

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.families._common import Size, edge, size
from trainer.textbook.families._register import Arm, always, register
from trainer.textbook.families._timing import clocked, constant, control, enabling, features
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words, signed, unsigned

_DATA = ("x", "din", "data", "data_in", "sample", "d", "in_val")
_SAMPLE = ("input sample", "input value", "new sample")


def accumulator(d: Draw) -> Problem:
    """Adds its input to a sum that wraps or saturates."""
    clocking = d.clocking(reset=1.0)
    narrow = Size(d.width(2, 12))
    wide = Size(narrow.bits + d.integer(0, 6))
    enable = enabling(d, "accumulate enable", 0.6)
    clear = control(
        d, "clr", "clear_acc", "init", "restart", meaning="synchronous clear", probability=0.35
    )
    x, total = (
        d.name(*_DATA),
        d.name("acc", "sum", "total", "q", "accum", "acc_out"),
    )
    saturating, is_signed = d.chance(0.3), d.chance(0.25)
    saturating = saturating and not is_signed
    reloads = bool(clear.name) and d.chance(0.3)
    extra: Lines = []
    zero = constant(d, 0, wide)
    clear_arm = [(clear.condition(d), x if reloads else zero)] if clear.name else []
    added = f"{total} + {x}"
    if saturating:
        full = d.name("wide_sum", "raw", "sum_ext")
        extra = [f"wire [{wide.bits}:0] {full} = {total} + {x};", ""]
        limit = f"{{{wide.bits}{{1'b1}}}}"
        added = f"{full}[{wide.bits}] ? {limit} : {full}[{wide.bits - 1}:0]"
    arms: list[Arm] = [*clear_arm, (enable.condition(d), added)]
    lines = [(condition, [f"{total} <= {value};"]) for condition, value in arms]
    body = [*extra, *always(d, clocking, lines, [f"{total} <= {zero};"])]

    def step(s: int, v: Values) -> int:
        value = signed(v[x], narrow.bits) if is_signed else v[x]
        if clear.name and clear.on(v):
            return unsigned(value, wide.bits) if reloads else 0
        if not enable.on(v):
            return s
        return min(s + value, wide.mask) if saturating else unsigned(s + value, wide.bits)

    kind = "saturating " if saturating else "signed " if is_signed else ""
    facts: list[Words] = [
        (
            f"At each {edge(clocking)}{enable.clause('at which')}, {x} is added to {total}.",
            f"{total} becomes {total} + {x} on the {edge(clocking)}{enable.clause()}.",
        ),
        *enable.holds("the sum, unless cleared," if clear.name else "the sum"),
        (
            f"The sum saturates at {wide.mask}.",
            f"If the sum would exceed {wide.mask}, it becomes {wide.mask}.",
        )
        if saturating
        else (
            f"The sum wraps around in {wide.bits} bits.",
            f"Overflow of the {wide.bits}-bit sum is ignored.",
        ),
        (
            f"{x} is a signed number in two's complement and is sign-extended; so is {total}.",
            f"Both {x} and {total} are signed (two's complement).",
        )
        if is_signed
        else (f"{x} is unsigned.", "All numbers are unsigned."),
    ]
    if clear.name:
        facts.append(
            (
                f"If {clear.name} is {clear.level} at the clock edge, the sum becomes "
                f"{x if reloads else 0} "
                f"instead{' (' + enable.name + ' is not needed)' if enable.name else ''}.",
                f"{clear.name} (active {clear.level}) has priority and sets the sum to "
                f"{x if reloads else 0}.",
            )
        )
    return clocked(
        d,
        clocking,
        ("accumulator", "accum", "acc", "acc_unit", f"acc{wide.bits}", "running_sum"),
        [
            Port(x, "input", narrow.bits, _SAMPLE, signed=is_signed),
            *enable.ports,
            *clear.ports,
            Port(
                total,
                "output",
                wide.bits,
                ("sum of the inputs", "accumulated value"),
                True,
                is_signed,
            ),
        ],
        body,
        [
            f"{wide.bits}-bit {kind}accumulator for {narrow.bits}-bit inputs"
            + features(d, clocking, enable.called("enable"), clear.called("clear")),
            f"{kind}accumulator",
            f"running sum of {narrow.bits}-bit samples",
        ],
        facts,
        Behaviour(start=0, step=step, outputs=lambda s, v: {total: s}),
        at_reset="the sum becomes 0",
    )


def running_extreme(d: Draw) -> Problem:
    """The largest or smallest input since the reset."""
    clocking, width, enable = (
        d.clocking(reset=1.0),
        size(d, 3, 16),
        enabling(d, "sample valid", 0.5),
    )
    x, largest, is_signed = d.name(*_DATA), d.chance(0.55), d.chance(0.3)
    words = (
        ("max", "peak", "max_val", "largest")
        if largest
        else ("min", "lowest", "min_val", "smallest")
    )
    q = d.name(*words)
    restart = control(
        d, "restart", "clr", "new_frame", "start", meaning="start over", probability=0.35
    )
    bits = width.bits
    lowest, highest = (1 << (bits - 1), (1 << (bits - 1)) - 1) if is_signed else (0, width.mask)
    start = lowest if largest else highest
    rest = f"({width.parameter}-1)" if width.parameter else str(bits - 1)
    first = f"{{1'b{start >> (bits - 1)}, {{{rest}{{1'b{start & 1}}}}}}}"
    text = first if is_signed else constant(d, start, width)
    sign = ">" if largest else "<"

    def arms(own: str) -> list[Arm]:
        better = d.choose(f"{x} {sign} {own}", f"{own} {'<' if largest else '>'} {x}")
        condition = f"{enable.condition(d)} && ({better})" if enable.name else better
        return [*([(restart.condition(d), x)] if restart.name else []), (condition, x)]

    body, reg = register(d, clocking, q, width, arms, text, signed=is_signed)

    def step(s: int, v: Values) -> int:
        if restart.name and restart.on(v):
            return v[x]
        if not enable.on(v):
            return s
        order = (lambda n: signed(n, bits)) if is_signed else (lambda n: n)
        return (max if largest else min)(s, v[x], key=order)

    adjective = "largest" if largest else "smallest"
    kind = "signed" if is_signed else "unsigned"
    facts: list[Words] = [
        (
            f"At the {edge(clocking)}{enable.clause()}, {x} is compared with {q} and replaces it "
            f"if it is {'greater' if largest else 'less'}.",
            f"{q} is the {adjective} value of {x} seen at a "
            f"{edge(clocking)}{enable.clause('at which')}, since the last "
            f"reset{' or restart' if restart.name else ''}.",
        ),
        (f"The comparison is {kind}.", f"The values are {kind} numbers."),
    ]
    if restart.name:
        facts.append(
            (
                f"If {restart.name} is {restart.level} at the clock edge, {q} is set to {x} "
                "whatever it was.",
                f"{restart.name} (active {restart.level}) begins a new search with the present "
                f"{x}; it goes first.",
            )
        )
    shown = signed(start, bits) if is_signed else start
    return clocked(
        d,
        clocking,
        ("max_tracker", "peak_detector", "running_max")
        if largest
        else ("min_tracker", "running_min", "min_hold"),
        [
            width.port(x, _SAMPLE, signed=is_signed),
            *enable.ports,
            *restart.ports,
            width.output(q, (f"{adjective} input so far", f"{adjective} value"), reg, is_signed),
        ],
        body,
        [
            f"{kind} {bits}-bit running {'maximum' if largest else 'minimum'}"
            + features(d, clocking, enable.called("enable"), restart.called("restart input")),
            f"{'maximum' if largest else 'minimum'} of all {bits}-bit inputs so far",
            f"{'peak' if largest else 'minimum'} hold register",
        ],
        facts,
        Behaviour(start=start, step=step, outputs=lambda s, v: {q: s}),
        at_reset=f"{q} becomes {shown}, the {'lowest' if largest else 'highest'} possible value",
        width=width,
    )


FAMILIES = (accumulator, running_extreme)
