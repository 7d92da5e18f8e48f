"""Time limits: timers, watchdogs, on- and off-delays."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import Size, comment, edge, size
from trainer.textbook.families._register import Arm, always, flag, inner_register
from trainer.textbook.families._timing import clocked, constant, control, enabling, features, plus
from trainer.textbook.problem import Behaviour, Port, Problem, Values

_COUNT = ("count", "cnt", "timer", "remaining", "ctr")


def countdown_timer(d: Draw) -> Problem:
    """Loaded with a time, counts down to zero; a flag or a one-cycle pulse at the end."""
    clocking, width = d.clocking(reset=1.0), size(d, 3, 8)
    start = control(d, "start", "load", "go", "arm", meaning="start of the timer")
    enable = enabling(d, "count enable", 0.3)
    time, count = d.name("period", "load_value", "delay", "ticks", "preset"), d.name(*_COUNT)
    pulse = d.chance(0.5)
    out = (
        d.name("done", "expired", "timeout", "irq")
        if pulse
        else d.name("busy", "running", "active")
    )
    zero = constant(d, 0, width)

    def arms(own: str) -> list[Arm]:
        down = f"{own} {d.choose('!=', '>')} {zero}"
        going = f"{enable.condition(d)} && {down}" if enable.name else down
        return [(start.condition(d), time), (going, plus(d, own, width, sign="-"))]

    if pulse:
        last = f"{count} == {constant(d, 1, width)}"
        gates = [enable.condition(d)] if enable.name else []
        idle = start.name if start.active_low else f"!{start.name}"
        lines = [(condition, [f"{count} <= {value};"]) for condition, value in arms(count)]
        ending = " && ".join([f"({idle})" if " " in idle else idle, *gates, f"({last})"])
        body = [
            f"reg {width.span}{count};",
            "",
            *always(d, clocking, lines, [f"{count} <= {zero};"]),
            "",
            *always(d, clocking, [("", [f"{out} <= {ending};"])], [f"{out} <= 1'b0;"]),
        ]
    else:
        body = inner_register(d, clocking, count, width, arms, zero)
        test = f"{count} != {zero}"
        body += ["", flag(d, out, test) if d.chance(0.7) else f"assign {out} = |{count};"]

    def step(s: tuple[int, int], v: Values) -> tuple[int, int]:
        if start.on(v):
            return v[time], 0
        if not enable.on(v) or not s[0]:
            return s[0], 0
        return s[0] - 1, int(s[0] == 1)

    def stimulus(random: Random, number: int) -> Values:
        longest = min(width.mask, 12)
        values = {
            start.name: int((random.random() < 0.1) != start.active_low),
            time: random.randint(0, longest),
        }
        if enable.name:
            values[enable.name] = int((random.random() < 0.8) != enable.active_low)
        return values

    return clocked(
        d,
        clocking,
        (
            "timer",
            "countdown_timer",
            "one_shot_timer",
            "delay_timer",
            f"timer{width.bits}",
            "down_timer",
        ),
        [
            *start.ports,
            *enable.ports,
            width.port(time, ("time in clock cycles", "value to count down from")),
            Port(
                out,
                "output",
                meaning=("one-cycle pulse at the end",) if pulse else ("timer is running",),
                reg=pulse,
            ),
        ],
        body,
        [
            f"{width.bits}-bit countdown timer with "
            f"{'a pulse at the end' if pulse else 'a busy flag'}"
            + features(d, clocking, enable.called("enable"), lead=", "),
            f"{width.bits}-bit timer started by {start.name}",
            "loadable one-shot timer",
        ],
        [
            (
                f"If {start.name} is {start.level} at the {edge(clocking)}, the timer is loaded "
                f"with {time}, also while it is running.",
                f"{start.name} (active {start.level}) loads {time} into the counter on the "
                f"{edge(clocking)} and has priority over counting.",
            ),
            (
                f"Otherwise it counts down by one per clock edge{enable.clause('at which')}, and "
                "stops at 0.",
                "Without a start, a counter that is not 0 is decremented at each clock "
                f"edge{enable.clause('at which')}.",
            ),
            (
                f"{out} is a register that is 1 for the one cycle after the edge at which the "
                "counter went from 1 to 0.",
                f"The edge that counts from 1 down to 0 sets {out}, and every other edge clears "
                "it.",
            )
            if pulse
            else (
                f"{out} is 1 while the counter is not 0.",
                f"{out} is high as long as there is time left.",
            ),
            *(["Loading 0 gives no pulse."] if pulse else []),
        ],
        Behaviour(
            start=(0, 0),
            step=step,
            outputs=lambda s, v: {out: s[1] if pulse else int(s[0] > 0)},
        ),
        at_reset="the counter" + (f" and {out} become 0" if pulse else " becomes 0"),
        width=width,
        stimulus=stimulus,
        checks=110,
    )


def watchdog(d: Draw) -> Problem:
    """Bites if it is not fed within a number of cycles; stays so or pulses."""
    clocking = d.clocking(reset=1.0)
    limit = d.integer(4, 15)
    width = Size(limit.bit_length())
    feed = control(d, "kick", "feed", "wdi", "restart", "alive", meaning="sign of life")
    bite, count = d.name("timeout", "bite", "wdt_reset", "alarm", "expired"), d.name(*_COUNT)
    sticky = d.chance(0.5)
    zero, last = constant(d, 0, width), constant(d, limit, width)
    step_text = plus(d, count, width)
    if sticky:
        sets = [f"{bite} <= 1'b1;"]
        full = f"{count} == {constant(d, limit - 1, width)}"
        body = always(
            d,
            clocking,
            [
                (f"{bite}", [f"{bite} <= 1'b1;"]),
                (feed.condition(d), [f"{count} <= {zero};"]),
                (full, sets),
                ("", [f"{count} <= {step_text};"]),
            ],
            [f"{count} <= {zero};", f"{bite} <= 1'b0;"],
        )
        body = [f"reg {width.span}{count};", "", *body]
    else:
        body = inner_register(
            d,
            clocking,
            count,
            width,
            lambda own: [
                (feed.condition(d), zero),
                (f"{own} {d.choose('!=', '<')} {last}", step_text),
            ],
            zero,
        )
        body += ["", flag(d, bite, f"{count} == {last}")]

    def step(s: int, v: Values) -> int:
        if sticky and s == limit:
            return s
        return 0 if feed.on(v) else min(s + 1, limit)

    def stimulus(random: Random, number: int) -> Values:
        chance = (0.4, 0.15, 0.02)[number // 25 % 3]
        return {feed.name: int((random.random() < chance) != feed.active_low)}

    return clocked(
        d,
        clocking,
        ("watchdog", "wdt", "watchdog_timer", "timeout_detect", "deadman", "wdog"),
        [
            *feed.ports,
            Port(bite, "output", meaning=("time has run out", "watchdog output"), reg=sticky),
        ],
        [*comment(d, f"Time out after {limit} cycles"), *body],
        [
            f"watchdog with a timeout of {limit} clock cycles, "
            f"{'latched' if sticky else 'cleared by ' + feed.name}",
            f"watchdog timer of {limit} cycles{features(d, clocking)}",
            f"timeout detector for {feed.name}",
        ],
        [
            (
                f"A counter goes up by one at each {edge(clocking)} at which {feed.name} is "
                f"{feed.idle}, and is set to 0 at each at which it is {feed.level}.",
                f"On the {edge(clocking)}, {feed.name} {feed.level} restarts the count of cycles "
                "at 0; otherwise it is incremented.",
            ),
            (
                f"When {limit} edges in a row have come without {feed.name}, {bite} becomes 1, "
                "right after the last of them.",
                f"The edge that makes the count {limit} makes {bite} high.",
            ),
            (
                f"{bite} then stays 1 until the reset, whatever {feed.name} does.",
                f"Only the reset clears {bite} again.",
            )
            if sticky
            else (
                f"{bite} stays 1, the count resting at {limit}, until {feed.name} is {feed.level} "
                "at a clock edge.",
                f"The count stops at {limit}; the next active {feed.name} sets it to 0 and so "
                f"clears {bite}.",
            ),
        ],
        Behaviour(start=0, step=step, outputs=lambda s, v: {bite: int(s == limit)}),
        at_reset=f"the count becomes 0 and {bite} goes low",
        stimulus=stimulus,
        checks=120,
    )


def switching_delay(d: Draw) -> Problem:
    """On-delay and off-delay timers, as in relays."""
    clocking = d.clocking(reset=1.0)
    length, on_delay = d.integer(2, 10), d.chance(0.55)
    width = Size(length.bit_length())
    x, q, count = (
        d.name("in", "x", "sig", "request", "din"),
        d.name("out", "q", "active", "delayed"),
        d.name(*_COUNT),
    )
    zero, last = constant(d, 0, width), constant(d, length, width)
    body = inner_register(
        d,
        clocking,
        count,
        width,
        lambda own: [
            (f"!{x}" if on_delay else x, zero),
            (f"{own} {d.choose('!=', '<')} {last}", plus(d, own, width)),
        ],
        zero if on_delay else last,
    )
    sign = "==" if on_delay else "!="
    body += ["", flag(d, q, f"{count} {sign} {last}")]

    def stimulus(random: Random, number: int) -> Values:
        steady = number // (2 * length) & 1
        return {x: steady ^ int(random.random() < (0.25, 0.02)[number // (4 * length) & 1])}

    level, other, word = ("1", "0", "on") if on_delay else ("0", "1", "off")
    return clocked(
        d,
        clocking,
        (
            f"{word}_delay",
            f"{word}_delay_timer",
            "delay_timer",
            "qualify" if on_delay else "hold_timer",
        ),
        [
            Port(x, "input", meaning=("input signal", "request")),
            Port(q, "output", meaning=(f"{word}-delayed signal", "delayed output")),
        ],
        body,
        [
            f"{word}-delay timer of {length} clock cycles{features(d, clocking)}",
            f"switch-{word} delay of {length} cycles",
            f"timer that delays the {'rising' if on_delay else 'falling'} edge of a signal",
        ],
        [
            (
                f"{q} becomes {level} when {x} has been {level} at {length} edges in a row "
                f"({edge(clocking)}), right after the last of them.",
                f"After {length} successive edges ({edge(clocking)}) with {x} = {level}, {q} is "
                f"{level}.",
            ),
            (
                f"The first edge with {x} = {other} makes {q} {other} again and restarts the "
                "delay.",
                f"{q} is {other} after any edge at which {x} is {other}.",
            ),
            (
                f"{q} depends on a counter of edges only, not directly on {x}.",
                f"{q} changes at clock edges only"
                + (" and at the reset." if clocking.reset else "."),
            ),
        ],
        Behaviour(
            start=0 if on_delay else length,
            step=lambda s, v: min(s + 1, length) if v[x] == on_delay else 0,
            outputs=lambda s, v: {q: int((s == length) == on_delay)},
        ),
        at_reset=f"{q} becomes 0" + ("" if on_delay else ", as after the delay"),
        stimulus=stimulus,
        checks=110,
    )


FAMILIES = (countdown_timer, watchdog, switching_delay)
