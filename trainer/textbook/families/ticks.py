"""Regular pulses: tick generators, phases, phase accumulators."""

from __future__ import annotations

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import article
from trainer.textbook.families._common import Size, comment, edge, size
from trainer.textbook.families._register import Arm, gated, inner_register
from trainer.textbook.families._timing import clocked, constant, enabling, features, mostly, plus
from trainer.textbook.problem import Behaviour, Port, Problem, Values

_COUNT = ("count", "cnt", "counter", "div_cnt", "ctr")


def tick_generator(d: Draw) -> Problem:
    """A one-cycle pulse every N cycles, registered or decoded from the counter."""
    clocking, enable = d.clocking(reset=1.0), enabling(d, "count enable", 0.35)
    period = d.integer(3, 25)
    width = Size((period - 1).bit_length())
    tick, count = d.name("tick", "pulse", "en_out", "strobe", "tc", "ce_out"), d.name(*_COUNT)
    registered, down = d.chance(0.5), d.chance(0.3)
    zero, last = constant(d, 0, width), constant(d, period - 1, width)
    first, final = (last, zero) if down else (zero, last)
    end = f"{count} == {final}"
    step_text = plus(d, count, width, sign="-" if down else "+")
    if registered:
        wrap = [f"{count} <= {first};", f"{tick} <= 1'b1;"]
        run: Lines = d.branches((end, wrap), ("", [f"{count} <= {step_text};", f"{tick} <= 1'b0;"]))
        if d.chance(0.4):
            update = d.branches((end, wrap), ("", [f"{count} <= {step_text};"]))
            if not enable.name:
                run = [f"{tick} <= 1'b0;", *update]
        if enable.name:
            run = d.branches((enable.condition(d), run), ("", [f"{tick} <= 1'b0;"]))
        body = d.always_clocked(clocking, run, [f"{count} <= {first};", f"{tick} <= 1'b0;"])
        body = [f"reg {width.span}{count};", "", *body]
    else:

        def arms(own: str) -> list[Arm]:
            return gated(d, enable.condition(d), [(f"{own} == {final}", first), ("", step_text)])

        body = inner_register(d, clocking, count, width, arms, first)
        text = f"({end}) && {enable.condition(d)}" if enable.name else f"({end})"
        body += ["", f"assign {tick} = {text};"]

    def step(s: tuple[int, int], v: Values) -> tuple[int, int]:
        if not enable.on(v):
            return s[0], 0
        return (s[0] + 1) % period, int(s[0] == period - 1)

    def outputs(s: tuple[int, int], v: Values) -> dict[str, int]:
        return {tick: s[1] if registered else int(s[0] == period - 1 and enable.on(v))}

    cycle = "enabled cycle" if enable.name else "cycle"
    return clocked(
        d,
        clocking,
        ("tick_gen", "tick_generator", "pulse_gen", f"tick_{period}", "enable_gen", "baud_tick"),
        [
            *enable.ports,
            Port(
                tick, "output", meaning=(f"one pulse every {period} cycles", "tick"), reg=registered
            ),
        ],
        [*comment(d, f"{period} clock cycles per tick"), *body],
        [
            f"tick generator with a period of {period} cycles, "
            f"{'registered' if registered else 'combinational'} output"
            + features(d, clocking, enable.called("enable"), lead=", "),
            f"one-cycle pulse every {period} clock "
            f"cycles{features(d, clocking, enable.called('enable'))}",
            f"periodic enable pulse generator, 1 in {period}",
        ],
        [
            (
                f"{cycle.capitalize()}s are counted from 0 to {period - 1} over and over, on the "
                f"{edge(clocking)}"
                + (
                    f"; a cycle is enabled if {enable.name} is {enable.level}."
                    if enable.name
                    else "."
                ),
                f"A counter of {period} states advances at each "
                f"{edge(clocking)}{enable.clause('at which')}.",
            ),
            *enable.holds("the counter"),
            (
                f"{tick} is a register that is 1 for one clock cycle after the last of every "
                f"{period} {cycle}s, and 0 otherwise.",
                f"The edge that completes {period} {cycle}s sets {tick}; every other edge clears "
                "it.",
            )
            if registered
            else (
                f"{tick} is combinational and high during the last of every {period} {cycle}s"
                + (f", only while {enable.name} is {enable.level}." if enable.name else "."),
                f"The output {tick} is 1 in {cycle} number {period - 1} (counted from 0)"
                + (
                    f" and {enable.name} must be {enable.level} for it."
                    if enable.name
                    else " and 0 in the others."
                ),
            ),
        ],
        Behaviour(start=(0, 0), step=step, outputs=outputs),
        at_reset="the counting starts over" + (f" and {tick} becomes 0" if registered else ""),
        stimulus=mostly(enable),
        checks=100,
    )


def phase_generator(d: Draw) -> Problem:
    """Non-overlapping phases: the count decoded one-hot, each phase several cycles long."""
    clocking, enable = d.clocking(reset=1.0), enabling(d, "count enable", 0.3)
    phases, length = d.integer(2, 6), d.integer(1, 4)
    total = phases * length
    width, count = Size((total - 1).bit_length()), d.name(*_COUNT)
    out = d.name("phase", "ph", "phi", "slot", "sel")
    low = d.chance(0.2)
    zero = constant(d, 0, width)
    body = inner_register(
        d,
        clocking,
        count,
        width,
        lambda own: gated(
            d,
            enable.condition(d),
            [(f"{own} == {constant(d, total - 1, width)}", zero), ("", plus(d, own, width))],
        ),
        zero,
    )
    body.append("")
    for n in range(phases):
        first, last = constant(d, n * length, width), constant(d, n * length + length - 1, width)
        if length == 1:
            test = f"{count} == {first}"
        elif n == 0:
            test = f"{count} <= {last}"
        elif n == phases - 1:
            test = f"{count} >= {first}"
        else:
            test = f"{count} >= {first} && {count} <= {last}"
        body.append(f"assign {out}[{n}] = {'~' if low else ''}({test});")
    level, rest = ("low", "high") if low else ("high", "low")
    mask = (1 << phases) - 1
    return clocked(
        d,
        clocking,
        ("phase_gen", f"phases{phases}", "multiphase", "phase_generator", "slot_gen", "sequencer"),
        [
            *enable.ports,
            Port(out, "output", phases, (f"{phases} phases, active {level}", "one-hot phases")),
        ],
        body,
        [
            f"{phases}-phase generator, {length} cycle{'s' if length > 1 else ''} per phase, "
            f"active {level}" + features(d, clocking, enable.called("enable"), lead=", "),
            f"generator of {phases} non-overlapping "
            f"phases{features(d, clocking, enable.called('enable'))}",
            f"sequencer with {phases} time slots",
        ],
        [
            (
                f"Exactly one bit of {out} is {level} at a time, from bit 0 up to bit "
                f"{phases - 1}, and then bit 0 again.",
                f"The bits of {out} take turns in ascending order; the active one is {level}, the "
                f"others are {rest}.",
            ),
            (
                f"Each phase lasts {length} clock cycle{'s' if length > 1 else ''}"
                + (f" in which {enable.name} is {enable.level}" if enable.name else "")
                + f"; the change is on the {edge(clocking)}.",
                f"A phase is {length} active edge{'s' if length > 1 else ''} long "
                f"({edge(clocking)}{enable.clause('counted only if')}).",
            ),
            *enable.holds("the phase"),
        ],
        Behaviour(
            start=0,
            step=lambda s, v: (s + enable.on(v)) % total,
            outputs=lambda s, v: {out: (1 << s // length) ^ (mask if low else 0)},
        ),
        at_reset="phase 0 begins",
        checks=70,
    )


def phase_accumulator(d: Draw) -> Problem:
    """A numerically controlled oscillator: the top bits or the carry of an accumulator."""
    clocking, width = d.clocking(reset=1.0), size(d, 4, 12)
    enable = enabling(d, "clock enable", 0.3)
    step_in = d.name("step", "freq", "tuning", "phase_inc", "increment", "fcw")
    acc, q = (
        d.name("acc", "phase", "accumulator", "phase_acc"),
        d.name("clk_out", "square", "out", "q", "wave"),
    )
    carry = d.chance(0.4)
    msb = width.last
    zero = constant(d, 0, width)
    if carry:
        run = [f"{{{q}, {acc}}} <= {acc} + {step_in};"]
        if enable.name:
            run = d.branches((enable.condition(d), run), ("", [f"{q} <= 1'b0;"]))
        resets = [f"{acc} <= {zero};", f"{q} <= 1'b0;"]
        body = [f"reg {width.span}{acc};", "", *d.always_clocked(clocking, run, resets)]
    else:
        body = inner_register(
            d, clocking, acc, width, lambda own: [(enable.condition(d), f"{own} + {step_in}")], zero
        )
        body += ["", f"assign {q} = {acc}[{msb}];"]

    def step(s: tuple[int, int], v: Values) -> tuple[int, int]:
        if not enable.on(v):
            return s[0], 0
        total = s[0] + v[step_in]
        return total & width.mask, total >> width.bits

    kind = "overflow pulse" if carry else "square wave"
    return clocked(
        d,
        clocking,
        ("nco", "phase_accumulator", "dds_clock", "frac_divider", "rate_gen", "phase_acc_gen"),
        [
            *enable.ports,
            width.port(step_in, ("phase increment", "frequency control word")),
            Port(q, "output", meaning=(kind, f"{kind} output"), reg=carry),
        ],
        body,
        [
            f"{width.bits}-bit phase accumulator"
            + features(d, clocking, f"{kind} output", enable.called("enable")),
            f"numerically controlled oscillator of {width.bits} bits",
            "programmable fractional clock generator",
        ],
        [
            (
                f"At each {edge(clocking)}{enable.clause('at which')}, {step_in} is added to "
                f"{article(str(width.bits))}-bit accumulator, which wraps around.",
                f"An internal {width.bits}-bit phase is advanced by {step_in} modulo "
                f"{width.mask + 1} on the {edge(clocking)}{enable.clause()}.",
            ),
            *enable.holds("the accumulator"),
            (
                f"{q} is a register with the carry of that addition"
                + (
                    f"; it is cleared at edges at which {enable.name} is {enable.idle}."
                    if enable.name
                    else "."
                ),
                f"The edge at which the sum overflows sets {q} for one cycle; any other edge "
                "clears it.",
            )
            if carry
            else (
                f"{q} is the most significant bit of the accumulator.",
                f"The output {q} is 1 while the phase is at least {1 << (width.bits - 1)}.",
            ),
        ],
        Behaviour(
            start=(0, 0),
            step=step,
            outputs=lambda s, v: {q: s[1] if carry else s[0] >> (width.bits - 1)},
        ),
        at_reset="the accumulator" + (f" and {q} become 0" if carry else " becomes 0"),
        width=width,
    )


FAMILIES = (tick_generator, phase_generator, phase_accumulator)
