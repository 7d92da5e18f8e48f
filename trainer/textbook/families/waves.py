"""Waveforms: pulse width modulation, saw-tooth, triangle and square waves, staircases between limits."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.english import nth
from trainer.textbook.families._common import Size, comment, edge
from trainer.textbook.families._register import Arm, always, flag, inner_register
from trainer.textbook.families._timing import clocked, constant, enabling, features, plus
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words

_WAVE = ("wave", "out", "sample", "dout", "y", "level")
_COUNT = ("count", "cnt", "counter", "ramp", "ctr")


def pwm(d: Draw) -> Problem:
    """A counter compared with a duty input, taken at once or at the start of a period."""
    clocking, enable = d.clocking(reset=1.0), enabling(d, "output enable", 0.25)
    width = Size(d.integer(3, 5))
    full = d.chance(0.55)
    period = width.mask + 1 if full else d.integer(5, width.mask)
    duty, q = (
        d.name("duty", "compare", "level", "width_i", "threshold"),
        d.name("pwm", "pwm_out", "q", "out"),
    )
    count, held = d.name(*_COUNT), d.name("duty_reg", "active_duty", "held")
    buffered, low = d.chance(0.35), d.chance(0.2)
    zero, last = constant(d, 0, width), constant(d, period - 1, width)
    wraps = f"{count} == {last}"

    def arms(own: str) -> list[Arm]:
        step = ("", plus(d, own, width))
        return [step] if full and d.chance(0.7) else [(f"{own} == {last}", zero), step]

    body = [
        *comment(d, f"Period of {period} cycles"),
        *inner_register(d, clocking, count, width, arms, zero),
    ]
    source = duty
    if buffered:
        source = held
        body += [
            "",
            f"reg {width.span}{held};",
            *always(d, clocking, [(wraps, [f"{held} <= {duty};"])], [f"{held} <= {zero};"]),
        ]
    test = d.choose(f"{count} < {source}", f"{source} > {count}")
    on = f"{enable.condition(d)} && ({test})" if enable.name else test
    body += ["", f"assign {q} = ~({on});" if low else flag(d, q, on)]

    def outputs(s: tuple[int, int], v: Values) -> dict[str, int]:
        on_now = s[0] < (s[1] if buffered else v[duty]) and enable.on(v)
        return {q: int(on_now) ^ low}

    def step(s: tuple[int, int], v: Values) -> tuple[int, int]:
        return (0, v[duty]) if s[0] == period - 1 else (s[0] + 1, s[1])

    steps = Random(d.integer(0, 1 << 30))
    plan = [steps.randrange(width.mask + 1) for _ in range(30)]

    def stimulus(random: Random, number: int) -> Values:
        values = {duty: plan[number // 11]}
        if enable.name:
            values[enable.name] = int((random.random() < 0.9) != enable.active_low)
        return values

    active, idle = ("low", "high") if low else ("high", "low")
    facts: list[Words] = [
        (
            f"A {width.bits}-bit counter runs from 0 to {period - 1} and starts over; it advances "
            f"at each {edge(clocking)}.",
            f"The period is {period} clock cycles: a counter goes from 0 to {period - 1} on the "
            f"{edge(clocking)} over and over.",
        ),
        (
            f"{q} is {active} while the counter is less than "
            f"{'the duty value in use' if buffered else duty}, and {idle} otherwise.",
            f"In each period {q} is {active} for the first cycles, as many as the "
            f"{'duty value in use' if buffered else 'value of ' + duty} says, and then {idle}.",
        ),
        (
            f"The duty value in use is a register, loaded from {duty} at the last edge of each "
            "period.",
            f"{duty} is taken over only at the edge at which the counter returns to 0, so a "
            "period is never disturbed.",
        )
        if buffered
        else (f"A change of {duty} acts at once.", f"The comparison with {duty} is combinational."),
    ]
    if enable.name:
        facts.append(
            (
                f"While {enable.name} is {enable.idle}, {q} is {idle}; the counter goes on.",
                f"{enable.name} (active {enable.level}) only gates the output: without it {q} is "
                f"{idle}.",
            )
        )
    return clocked(
        d,
        clocking,
        ("pwm", "pwm_gen", "pwm_generator", f"pwm{width.bits}", "pwm_channel", "dimmer"),
        [
            *enable.ports,
            Port(duty, "input", width.bits, ("number of active cycles per period", "duty cycle")),
            Port(q, "output", meaning=(f"PWM output, active {active}", "modulated output")),
        ],
        body,
        [
            f"{width.bits}-bit PWM generator with a period of {period} clock cycles, active "
            f"{active}" + features(d, clocking, enable.called("enable"), lead=", "),
            f"pulse width modulator of {width.bits} bits"
            + (" with buffered duty value" if buffered else ""),
            f"PWM output whose high time is set by {duty}"
            if not low
            else "active-low PWM generator",
            f"PWM generator{features(d, clocking, enable.called('enable'))}",
        ],
        facts,
        Behaviour(start=(0, 0), step=step, outputs=outputs),
        at_reset="the counter"
        + (" and the duty value in use become 0" if buffered else " becomes 0"),
        stimulus=stimulus,
        checks=130,
    )


def triangle_wave(d: Draw) -> Problem:
    """Up to a maximum, down to a minimum, with a direction bit; the ends once or twice."""
    clocking, enable = d.clocking(reset=1.0), enabling(d, "step enable", 0.4)
    low = d.choose(0, 0, d.integer(1, 5))
    high = low + d.integer(3, 20)
    width, twice = Size(high.bit_length()), d.chance(0.3)
    y, way = d.name(*_WAVE), d.name("up", "rising", "dir_up", "going_up")
    top, bottom = constant(d, high, width), constant(d, low, width)
    up, down = f"{y} <= {plus(d, y, width)};", f"{y} <= {plus(d, y, width, sign='-')};"
    if twice:
        rise = d.branches((f"{y} == {top}", [f"{way} <= 1'b0;"]), ("", [up]))
        fall = d.branches((f"{y} == {bottom}", [f"{way} <= 1'b1;"]), ("", [down]))
    else:
        before_top, after_bottom = constant(d, high - 1, width), constant(d, low + 1, width)
        rise = [up, *d.branches((f"{y} == {before_top}", [f"{way} <= 1'b0;"]))]
        fall = [down, *d.branches((f"{y} == {after_bottom}", [f"{way} <= 1'b1;"]))]
    run = d.branches((way, rise), ("", fall))
    body = always(
        d, clocking, [(enable.condition(d), run)], [f"{y} <= {bottom};", f"{way} <= 1'b1;"]
    )
    body = [f"reg {way};", "", *body]
    cycle = [
        *range(low, high + 1),
        *range(high if twice else high - 1, low if not twice else low - 1, -1),
    ]
    ends = "twice in a row" if twice else "once"
    return clocked(
        d,
        clocking,
        ("triangle_wave", "triangle_gen", "tri_gen", "up_down_ramp", "bounce_counter", "zigzag"),
        [*enable.ports, Port(y, "output", width.bits, ("triangle wave", "current sample"), True)],
        body,
        [
            f"triangle wave generator between {low} and "
            f"{high}{features(d, clocking, enable.called('enable'))}",
            f"counter that goes up to {high} and back down to {low}",
            f"{width.bits}-bit triangle generator",
        ],
        [
            (
                f"The output goes up by one at each {edge(clocking)}{enable.clause('at which')} "
                f"until it is {high}, then down by one until it is {low}, and so on.",
                f"{y} rises from {low} to {high} and falls back to {low} in steps of one, a step "
                f"per {edge(clocking)}{enable.clause('at which')}.",
            ),
            (
                f"{high} and {low} appear {ends} at each turn.",
                f"At the turning points the end value is output {ends}.",
            ),
            (f"One period has {len(cycle)} steps.", f"The wave repeats every {len(cycle)} steps."),
            *enable.holds("the output"),
        ],
        Behaviour(
            start=0,
            step=lambda s, v: (s + enable.on(v)) % len(cycle),
            outputs=lambda s, v: {y: cycle[s]},
        ),
        at_reset=f"the output becomes {low} and the direction is set to up",
        checks=110,
    )


def sawtooth_wave(d: Draw) -> Problem:
    """A staircase between two values, rising or falling, each level held for some cycles."""
    clocking, enable = d.clocking(reset=1.0), enabling(d, "step enable", 0.3)
    low, rise = d.choose(0, 0, d.integer(1, 9)), d.chance(0.6)
    step_by, levels, hold = d.choose(1, 2, 3, 4, 5), d.integer(3, 9), d.integer(2, 5)
    high = low + step_by * (levels - 1)
    width, wait_width = Size(high.bit_length()), Size((hold - 1).bit_length())
    y, wait = d.name(*_WAVE), d.name("wait_cnt", "hold_cnt", "prescale", "slot")
    first, last = (low, high) if rise else (high, low)
    up = plus(d, y, width, step_by, "+" if rise else "-")
    start, wait_zero = constant(d, first, width), constant(d, 0, wait_width)
    change = d.branches(
        (f"{y} == {constant(d, last, width)}", [f"{y} <= {start};"]), ("", [f"{y} <= {up};"])
    )
    if d.chance(0.3):
        change = [f"{y} <= ({y} == {constant(d, last, width)}) ? {start} : {up};"]
    run = d.branches(
        (f"{wait} == {constant(d, hold - 1, wait_width)}", [f"{wait} <= {wait_zero};", *change]),
        ("", [f"{wait} <= {plus(d, wait, wait_width)};"]),
    )
    body = always(
        d, clocking, [(enable.condition(d), run)], [f"{wait} <= {wait_zero};", f"{y} <= {start};"]
    )
    body = [f"reg {wait_width.span}{wait};", "", *body]
    values = [low + step_by * n for n in range(levels)]
    values = values if rise else values[::-1]
    word = "rising" if rise else "falling"
    return clocked(
        d,
        clocking,
        ("sawtooth", "staircase", "ramp_gen", "saw_gen", "step_wave", "level_sequencer"),
        [
            *enable.ports,
            Port(y, "output", width.bits, (f"{word} staircase", "current level"), True),
        ],
        body,
        [
            f"{word} staircase generator from {first} to {last} in steps of {step_by}, {hold} "
            "cycles per level",
            f"saw-tooth generator between {low} and "
            f"{high}{features(d, clocking, enable.called('enable'))}",
            f"{width.bits}-bit {word} saw-tooth wave",
        ],
        [
            (
                f"The output takes the values {', '.join(map(str, values))} and starts over.",
                f"{y} goes from {first} to {last} in steps of {step_by}; after {last} comes "
                f"{first} again.",
            ),
            (
                f"Each value is held for {hold} cycles of "
                f"{clocking.clock}{enable.clause('in which')} and changes on the {edge(clocking)}.",
                f"The value changes at every {nth(hold)} "
                f"{edge(clocking)}{enable.clause('at which')}.",
            ),
            *enable.holds("everything"),
        ],
        Behaviour(
            start=0,
            step=lambda s, v: (s + enable.on(v)) % (hold * levels),
            outputs=lambda s, v: {y: values[s // hold]},
        ),
        at_reset=f"the output becomes {first} and its {hold} cycles begin anew",
        checks=110,
    )


def square_wave(d: Draw) -> Problem:
    """A square wave whose high and low times are inputs."""
    clocking, width = d.clocking(reset=1.0), Size(d.integer(2, 4))
    high, low = (
        d.name("high_time", "t_on", "ton", "high_len"),
        d.name("low_time", "t_off", "toff", "low_len"),
    )
    q, count = d.name("wave", "q", "out", "square"), d.name(*_COUNT)
    start = int(d.chance(0.3))
    zero = constant(d, 0, width)
    limit = f"({q} ? {high} : {low})"
    if d.chance(0.5):
        flip = [f"{count} <= {zero};", f"{q} <= ~{q};"]
        more = [f"{count} <= {plus(d, count, width)};"]
        run = d.branches((f"{count} >= {limit}", flip), ("", more))
        if d.chance(0.4):
            run = d.branches((f"{count} < {limit}", more), ("", flip))
        body = d.always_clocked(clocking, run, [f"{count} <= {zero};", f"{q} <= 1'b{start};"])
        body = [f"reg {width.span}{count};", "", *body]
    else:
        end = d.name("last", "expired", "turn")
        body = [f"reg {width.span}{count};", f"wire {end} = {count} >= {limit};", ""]
        arms = [(end, [f"{count} <= {zero};"]), ("", [f"{count} <= {plus(d, count, width)};"])]
        body += d.always_clocked(clocking, d.branches(*arms), [f"{count} <= {zero};"])
        body += ["", *always(d, clocking, [(end, [f"{q} <= !{q};"])], [f"{q} <= 1'b{start};"])]

    plan = Random(d.integer(0, 1 << 30))
    times = [(plan.randrange(width.mask + 1), plan.randrange(width.mask + 1)) for _ in range(6)]

    def step(s: tuple[int, int], v: Values) -> tuple[int, int]:
        level, done = s
        over = done >= (v[high] if level else v[low])
        return (1 - level, 0) if over else (level, done + 1)

    return clocked(
        d,
        clocking,
        ("square_wave", "square_gen", "prog_square", "rect_gen", "astable", "blinker"),
        [
            Port(
                high,
                "input",
                width.bits,
                ("high time minus one, in clock cycles", "length of the high part, less one"),
            ),
            Port(
                low,
                "input",
                width.bits,
                ("low time minus one, in clock cycles", "length of the low part, less one"),
            ),
            Port(q, "output", meaning=("square wave", "generated wave"), reg=True),
        ],
        body,
        [
            f"square wave generator with programmable high and low times of {width.bits} bits"
            + features(d, clocking, lead=", "),
            f"programmable square wave generator{features(d, clocking)}",
            f"rectangular wave with {high} + 1 high cycles and {low} + 1 low cycles",
        ],
        [
            (
                f"{q} is high for {high} + 1 clock cycles and then low for {low} + 1, again and "
                "again.",
                f"The high part lasts {high} + 1 cycles of the clock, the low part {low} + 1.",
            ),
            (
                "A counter of the cycles of the present part starts at 0; on the "
                f"{edge(clocking)}, {q} is inverted and the counter cleared if the counter is at "
                "least the present value of the time in question, else the counter goes up by "
                "one.",
                f"At each {edge(clocking)} a counter, cleared at every change of {q}, is compared "
                f"with {high} if {q} is 1 and {low} if it is 0: if it has reached that value or "
                f"passed it, {q} changes.",
            ),
        ],
        Behaviour(start=(start, 0), step=step, outputs=lambda s, v: {q: s[0]}),
        at_reset=f"{q} becomes {start} and the counter 0",
        stimulus=lambda random, n: dict(zip((high, low), times[n // 25], strict=True)),
        checks=130,
    )


FAMILIES = (pwm, triangle_wave, sawtooth_wave, square_wave)
