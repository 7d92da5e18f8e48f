"""Pulses made longer or filtered: one-shots and debouncers."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import Size, edge
from trainer.textbook.families._register import always, flag
from trainer.textbook.families._timing import clocked, constant, control, features, plus
from trainer.textbook.problem import Behaviour, Port, Problem, Values


def pulse_stretcher(d: Draw) -> Problem:
    """Keeps the output high for N cycles after the input, retriggerable or not."""
    clocking = d.clocking(reset=1.0)
    length = d.integer(2, 12)
    width = Size(length.bit_length())
    trigger = control(d, "trig", "trigger", "pulse_in", "start", "fire", meaning="trigger", low=0.1)
    q, count = (
        d.name("pulse_out", "q", "out", "stretched", "active"),
        d.name("count", "cnt", "timer", "remaining"),
    )
    again = d.chance(0.5)
    full, zero = constant(d, length, width), constant(d, 0, width)
    busy = f"{count} {d.choose('!=', '>')} {zero}"
    start_arm = (trigger.condition(d), [f"{count} <= {full};"])
    down_arm = (busy, [f"{count} <= {plus(d, count, width, sign='-')};"])
    body = [
        f"reg {width.span}{count};",
        "",
        *always(
            d,
            clocking,
            [start_arm, down_arm] if again else [down_arm, start_arm],
            [f"{count} <= {zero};"],
        ),
        "",
        flag(d, q, busy) if d.chance(0.7) else f"assign {q} = |{count};",
    ]

    def step(s: int, v: Values) -> int:
        if again:
            return length if trigger.on(v) else max(s - 1, 0)
        return s - 1 if s else length * trigger.on(v)

    def stimulus(random: Random, number: int) -> Values:
        return {trigger.name: int((random.random() < 1 / length) != trigger.active_low)}

    kind = "retriggerable" if again else "non-retriggerable"
    return clocked(
        d,
        clocking,
        ("pulse_stretcher", "one_shot", "monostable", "stretch", "pulse_extend", "oneshot"),
        [
            *trigger.ports,
            Port(q, "output", meaning=(f"pulse of {length} cycles", "stretched pulse")),
        ],
        body,
        [
            f"{kind} one-shot of {length} clock cycles{features(d, clocking)}",
            f"pulse stretcher of {length} cycles, {kind}",
            f"{kind} monostable",
        ],
        [
            (
                f"When {trigger.name} is {trigger.level} at the "
                f"{edge(clocking)}{'' if again else ' and no pulse is running'}, {q} goes high "
                f"and stays high for {length} clock cycles.",
                f"A {edge(clocking)} with {trigger.name} {trigger.level} starts a pulse of "
                f"{length} cycles on {q}, from that edge on.",
            ),
            (
                f"Every further clock edge with {trigger.name} {trigger.level} starts the "
                f"{length} cycles anew.",
                f"It is retriggerable: the pulse ends {length} cycles after the last edge with an "
                "active trigger.",
            )
            if again
            else (
                f"While {q} is high, {trigger.name} is ignored; {q} is low for at least one cycle "
                "between pulses.",
                "A trigger during a pulse has no effect, the last cycle of the pulse included.",
            ),
        ],
        Behaviour(start=0, step=step, outputs=lambda s, v: {q: int(s > 0)}),
        at_reset=f"{q} goes low and no pulse is running",
        stimulus=stimulus,
        checks=100,
    )


def debouncer(d: Draw) -> Problem:
    """The output follows the input after it has been different for N cycles in a row."""
    clocking = d.clocking(reset=1.0)
    length = d.integer(2, 9)
    width = Size((length - 1).bit_length())
    x, q, count = (
        d.name("button", "noisy", "raw", "din", "key", "sw"),
        d.name("clean", "stable", "q", "debounced"),
        d.name("count", "cnt", "timer"),
    )
    start = int(d.chance(0.2))
    zero, last = constant(d, 0, width), constant(d, length - 1, width)
    same, other = d.choose((f"{x} == {q}", f"{x} != {q}"), (f"!({x} ^ {q})", f"{x} ^ {q}"))
    accept = [f"{q} <= {x};", f"{count} <= {zero};"]
    more = [f"{count} <= {plus(d, count, width)};"]
    done = f"{count} == {last}"
    if d.chance(0.5):
        run = d.branches((same, [f"{count} <= {zero};"]), (done, accept), ("", more))
    else:
        run = d.branches(
            (other, d.branches((done, accept), ("", more))), ("", [f"{count} <= {zero};"])
        )
    body = [f"reg {width.span}{count};", ""]
    body += d.always_clocked(clocking, run, [f"{q} <= 1'b{start};", f"{count} <= {zero};"])

    def step(s: tuple[int, int], v: Values) -> tuple[int, int]:
        shown, run_length = s
        if v[x] == shown:
            return shown, 0
        return (v[x], 0) if run_length + 1 == length else (shown, run_length + 1)

    def stimulus(random: Random, number: int) -> Values:
        steady = number // (2 * length) & 1
        return {x: steady ^ int(random.random() < (0.05, 0.35)[number // length & 1])}

    return clocked(
        d,
        clocking,
        ("debounce", "debouncer", "button_debounce", "switch_filter", "glitch_filter", "deglitch"),
        [
            Port(x, "input", meaning=("bouncing input", "raw signal")),
            Port(q, "output", meaning=("debounced signal", "filtered output"), reg=True),
        ],
        body,
        [
            f"debouncer that needs {length} equal samples in a row{features(d, clocking)}",
            f"glitch filter that ignores pulses shorter than {length} clock cycles",
            "switch debouncer",
        ],
        [
            (
                f"{q} changes to the value of {x} at the {edge(clocking)} at which {x} has "
                f"differed from {q} for {length} edges in a row, that edge included.",
                f"If {x} is sampled different from {q} at {length} successive edges "
                f"({edge(clocking)}), {q} takes the new value at the last of them.",
            ),
            (
                f"A sample equal to {q} starts the count of differing samples over.",
                f"Whenever {x} equals {q} at an edge, the counting begins again at zero.",
            ),
        ],
        Behaviour(start=(start, 0), step=step, outputs=lambda s, v: {q: s[0]}),
        at_reset=f"{q} becomes {start} and the count of differing samples 0",
        stimulus=stimulus,
        checks=110,
    )


FAMILIES = (pulse_stretcher, debouncer)
