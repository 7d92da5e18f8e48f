"""Measurements in clock cycles: periods, pulse widths, events per window."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import Size, edge
from trainer.textbook.families._timing import clocked, constant, control, features, plus
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words

_COUNT = ("count", "cnt", "timer", "remaining", "ctr")


def period_meter(d: Draw) -> Problem:
    """Clock cycles from one rising edge of a signal to the next, or those for which it is high."""
    clocking = d.clocking(reset=1.0)
    width, whole = Size(d.integer(4, 6)), d.chance(0.5)
    x, last = d.name("sig", "x", "din", "sense", "pulse_in"), d.name("prev", "sig_d", "last_x")
    y, count = (
        d.name("period", "interval") if whole else d.name("width_o", "high_time", "length"),
        d.name(*_COUNT),
    )
    ready = d.name("valid", "new_value", "ready", "done")
    zero, one, top = (constant(d, n, width) for n in (0, 1, width.mask))
    rising = d.choose(f"{x} && !{last}", f"{x} & ~{last}")
    falling = d.choose(f"!{x} && {last}", f"~{x} & {last}")
    more = [f"{count} <= {plus(d, count, width)};"]
    store = [f"{y} <= {count};", f"{ready} <= 1'b1;"]
    if whole:
        run = d.branches((rising, [*store, f"{count} <= {one};"]), (f"{count} != {top}", more))
    else:
        run = d.branches(
            (rising, [f"{count} <= {one};"]), (falling, store), (f"{x} && {count} != {top}", more)
        )
    run = [f"{last} <= {x};", f"{ready} <= 1'b0;", *run]
    resets = [f"{name} <= {zero};" for name in (count, y)]
    resets += [f"{name} <= 1'b0;" for name in (last, ready)]
    body = [
        f"reg {width.span}{count};",
        f"reg {last};",
        "",
        *d.always_clocked(clocking, run, resets),
    ]

    def step(s: tuple[int, int, int, int], v: Values) -> tuple[int, int, int, int]:
        """State: last sample, count, result, ready."""
        before, counted, result, _ = s
        counted_on = min(counted + 1, width.mask)
        if v[x] > before:
            return (1, 1, counted, 1) if whole else (1, 1, result, 0)
        if whole:
            return v[x], counted_on, result, 0
        if v[x] < before:
            return 0, counted, counted, 1
        return v[x], counted_on if v[x] else counted, result, 0

    def stimulus(random: Random, number: int) -> Values:
        return {
            x: int(number % (3 + number // 30 * 4) < 1 + number // 30 * 2)
            ^ int(random.random() < 0.04)
        }

    return clocked(
        d,
        clocking,
        ("period_meter", "period_counter", "interval_timer")
        if whole
        else ("width_meter", "pulse_width", "high_timer"),
        [
            Port(x, "input", meaning=("measured signal", "input signal")),
            Port(y, "output", width.bits, ("last measurement, in clock cycles", "result"), True),
            Port(
                ready, "output", meaning=("new result, for one cycle", "measurement done"), reg=True
            ),
        ],
        body,
        [
            f"{width.bits}-bit {'period' if whole else 'pulse width'} meter that saturates at "
            f"{width.mask} cycles" + features(d, clocking, lead=", "),
            f"{'period' if whole else 'pulse width'} measurement of {x} in clock "
            f"cycles{features(d, clocking)}",
            f"{'interval between rising edges' if whole else 'high time'} counter",
        ],
        [
            (
                f"{x} is sampled on every {edge(clocking)}; a rising edge is a 1 after a 0.",
                f"Edges of {x} are found by comparing each sample, taken on the {edge(clocking)}, "
                "to the last.",
            ),
            *(
                [
                    (
                        f"At a rising edge the count of clock cycles is stored in {y}, {ready} "
                        "becomes 1 for one cycle and the count restarts at 1.",
                        f"Each rising edge copies the count to {y}, sets {ready} for one cycle "
                        "and sets the count to 1.",
                    ),
                    "At all other clock edges the count goes up by one, but not above "
                    f"{width.mask}.",
                    "The first result after the reset counts from the reset, at which the count "
                    "is 0.",
                ]
                if whole
                else [
                    (
                        "A rising edge sets the count to 1; further samples of 1 increment it, "
                        f"but not above {width.mask}.",
                        f"The samples of 1 are counted from 1 on, up to {width.mask}, starting at "
                        "a rising edge.",
                    ),
                    (
                        f"At the falling edge (a 0 after a 1) the count is stored in {y} and "
                        f"{ready} is 1 for one cycle.",
                        f"The first 0 after it copies the count to {y} and sets {ready} for one "
                        "cycle.",
                    ),
                ]
            ),
        ],
        Behaviour(start=(0, 0, 0, 0), step=step, outputs=lambda s, v: {y: s[2], ready: s[3]}),
        at_reset=f"the last sample, the count, {y} and {ready} become 0",
        stimulus=stimulus,
        checks=130,
    )


def gated_counter(d: Draw) -> Problem:
    """A rate meter: events within a window of N cycles, the result held for the next window."""
    clocking = d.clocking(reset=1.0)
    window = d.integer(4, 16)
    width, timer_width = Size(window.bit_length()), Size((window - 1).bit_length())
    event = control(d, "event_i", "hit", "pulse", "valid", "x", meaning="event", low=0.1)
    y, timer, count = (
        d.name("rate", "frequency", "result", "events"),
        d.name("timer", "gate", "t"),
        d.name("count", "cnt", "n"),
    )
    zero, timer_zero = constant(d, 0, width), constant(d, 0, timer_width)
    hit = f"!{event.name}" if event.active_low else event.name
    end = [f"{timer} <= {timer_zero};", f"{y} <= {count} + {hit};", f"{count} <= {zero};"]
    going = [
        f"{timer} <= {plus(d, timer, timer_width)};",
        *d.branches((event.condition(d), [f"{count} <= {plus(d, count, width)};"])),
    ]
    if d.chance(0.5):
        going = [going[0], f"{count} <= {count} + {hit};"]
    run = d.branches((f"{timer} == {constant(d, window - 1, timer_width)}", end), ("", going))
    resets = [f"{timer} <= {timer_zero};", f"{count} <= {zero};", f"{y} <= {zero};"]
    body = [
        f"reg {timer_width.span}{timer};",
        f"reg {width.span}{count};",
        "",
        *d.always_clocked(clocking, run, resets),
    ]

    def step(s: tuple[int, int, int], v: Values) -> tuple[int, int, int]:
        """State: cycle of the window, events in it, last result."""
        events = s[1] + event.on(v)
        return (0, 0, events) if s[0] == window - 1 else (s[0] + 1, events, s[2])

    def stimulus(random: Random, number: int) -> Values:
        chance = (0.2, 0.6, 1.0)[number // 35 % 3]
        return {event.name: int((random.random() < chance) != event.active_low)}

    facts: list[Words] = [
        (
            f"Time is divided into windows of {window} clock cycles ({edge(clocking)}), one right "
            "after the other.",
            f"Every {window} edges of the clock ({edge(clocking)}) make one window; there is no "
            "gap between windows.",
        ),
        (
            f"At each edge at which {event.name} is {event.level}, one event is counted for the "
            "current window.",
            f"The events of a window are its clock edges with {event.name} {event.level}.",
        ),
        (
            f"The last edge of a window, whose own event counts too, stores the number in {y}, "
            "which then stays for a whole window.",
            f"{y} is a register that is loaded at the last edge of each window with its number of "
            f"events, from 0 to {window}, that edge included.",
        ),
    ]
    return clocked(
        d,
        clocking,
        (
            "rate_meter",
            "freq_counter",
            "gated_counter",
            "event_rate",
            "frequency_meter",
            "window_counter",
        ),
        [
            *event.ports,
            Port(y, "output", width.bits, ("events in the last window", "measured rate"), True),
        ],
        body,
        [
            f"event rate meter for windows of {window} clock cycles{features(d, clocking)}",
            f"frequency counter with a gate time of {window} cycles",
            f"counter of events per {window} cycles",
        ],
        facts,
        Behaviour(start=(0, 0, 0), step=step, outputs=lambda s, v: {y: s[2]}),
        at_reset=f"{y} becomes 0 and a new window without events begins",
        stimulus=stimulus,
        checks=120,
    )


FAMILIES = (period_meter, gated_counter)
