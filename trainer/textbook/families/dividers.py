"""Clock dividers: by an even number, by powers of two, by any number."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.english import listing, nth
from trainer.textbook.families._common import Size, edge
from trainer.textbook.families._register import flag, inner_register
from trainer.textbook.families._timing import clocked, constant, enabling, features, plus
from trainer.textbook.problem import Behaviour, Port, Problem, Words

_CLOCK_OUT = ("clk_out", "clk_div", "div_clk", "clock_out", "slow_clk", "q", "o_clk")
_COUNT = ("count", "cnt", "counter", "div_cnt", "ctr")


def even_divider(d: Draw) -> Problem:
    """Divides by 2n with a duty cycle of one half: a counter to n-1 and a toggling bit."""
    clocking = d.clocking(reset=1.0)
    half = d.integer(2, 12)
    width, start = Size((half - 1).bit_length()), int(d.chance(0.15))
    q, count = d.name(*_CLOCK_OUT), d.name(*_COUNT)
    symbol = d.name("HALF", "DIV", "N", "HALF_PERIOD", "LIMIT") if d.chance(0.35) else ""
    local = bool(symbol) and d.chance(0.5)
    final = f"{symbol} - 1" if symbol else d.number(half - 1, width.bits)
    zero = constant(d, 0, width)
    end = f"{count} == {final}"
    flip = [f"{count} <= {zero};", f"{q} <= {d.choose('~', '!')}{q};"]
    run = d.branches((end, flip), ("", [f"{count} <= {plus(d, count, width)};"]))
    body = d.always_clocked(clocking, run, [f"{count} <= {zero};", f"{q} <= 1'b{start};"])
    body = [f"reg {width.span}{count};", "", *body]
    facts: list[Words] = [
        (
            f"{q} is a register that is inverted at every {nth(half)} {edge(clocking)}, so its "
            f"period is {2 * half} clock cycles and its duty cycle 50 %.",
            f"{q} stays at each level for {half} cycles of {clocking.clock} ({edge(clocking)}), "
            f"which divides the frequency by {2 * half}.",
        ),
        (
            f"After the reset, the first change comes at the {nth(half)} edge.",
            f"Counting begins with the first edge after the reset; {q} changes at edge number "
            f"{half}.",
        ),
    ]
    if symbol and not local:
        facts.append(
            f"The parameter {symbol} ({half} by default) is half the period in clock cycles."
        )
    return clocked(
        d,
        clocking,
        (
            f"div{2 * half}",
            "clk_divider",
            "clock_divider",
            f"divide_by_{2 * half}",
            "freq_div",
            "even_div",
        ),
        [Port(q, "output", meaning=(f"clock divided by {2 * half}", "divided clock"), reg=True)],
        [*([f"localparam {symbol} = {half};"] if local else []), *body],
        [
            f"clock divider by {2 * half}{features(d, clocking, '50 % duty cycle')}",
            f"divide-by-{2 * half} clock divider",
            f"frequency divider by an even number, {2 * half}",
        ],
        facts,
        Behaviour(
            start=0,
            step=lambda s, v: (s + 1) % (2 * half),
            outputs=lambda s, v: {q: start ^ (s >= half)},
        ),
        at_reset=f"{q} becomes {start} and the internal counter zero",
        parameters=((symbol, half),) if symbol and not local else (),
    )


def power_divider(d: Draw) -> Problem:
    """Bits of a free-running counter as clocks of half, a quarter, ... of the frequency."""
    clocking = d.clocking(reset=1.0)
    enable = enabling(d, "count enable", 0.25)
    count = d.name(*_COUNT)
    chosen = sorted(d.random.sample(range(1, 6), d.choose(1, 1, 2, 3)))
    width = Size(max(chosen))
    names = [
        d.name(f"clk_div{1 << n}", f"div{1 << n}", f"clk_{1 << n}", f"q{1 << n}") for n in chosen
    ]
    if len(names) == 1 and d.chance(0.5):
        names = [d.name(*_CLOCK_OUT)]
    zero = constant(d, 0, width)
    body = inner_register(
        d, clocking, count, width, lambda own: [(enable.condition(d), plus(d, own, width))], zero
    )
    bit = [count if width.bits == 1 else f"{count}[{n - 1}]" for n in chosen]
    body += ["", *(f"assign {name} = {source};" for name, source in zip(names, bit, strict=True))]
    ratios = [1 << n for n in chosen]
    shown = listing([str(ratio) for ratio in ratios])
    facts: list[Words] = [
        (
            f"A binary counter of {width.bits} bit{'s' if width.bits > 1 else ''} goes up by one "
            f"at each {edge(clocking)}{enable.clause('at which')}.",
            f"It contains a {width.bits}-bit counter that is incremented on the "
            f"{edge(clocking)}{enable.clause()}.",
        ),
        *enable.holds("the counter"),
        *(
            f"{name} is bit {n - 1} of the counter (division by {1 << n})."
            for name, n in zip(names, chosen, strict=True)
        ),
    ]
    return clocked(
        d,
        clocking,
        (
            "clk_div_pow2",
            "prescaler",
            "clock_divider",
            "ripple_div",
            f"div_by_{ratios[-1]}",
            "clkdiv",
        ),
        [
            *enable.ports,
            *(
                Port(name, "output", meaning=f"clock divided by {ratio}")
                for name, ratio in zip(names, ratios, strict=True)
            ),
        ],
        body,
        [
            f"clock divider by {shown}{features(d, clocking, enable.called('enable'))}",
            f"clock prescaler with the ratio{'s' if len(ratios) > 1 else ''} {shown}",
            "power-of-two clock divider",
        ],
        facts,
        Behaviour(
            start=0,
            step=lambda s, v: (s + enable.on(v)) & width.mask,
            outputs=lambda s, v: {
                name: s >> (n - 1) & 1 for name, n in zip(names, chosen, strict=True)
            },
        ),
        at_reset="the counter becomes 0",
        checks=75,
    )


def uneven_divider(d: Draw) -> Problem:
    """Divides by any N, high for a given number of cycles of each period."""
    clocking = d.clocking(reset=1.0)
    period = d.integer(3, 15)
    high = d.choose(1, period // 2, period - period // 2, d.integer(1, period - 1))
    high_first = d.chance(0.6)
    width = Size((period - 1).bit_length())
    q, count = d.name(*_CLOCK_OUT), d.name(*_COUNT)
    zero = constant(d, 0, width)
    body = inner_register(
        d,
        clocking,
        count,
        width,
        lambda own: [
            (f"{own} == {constant(d, period - 1, width)}", zero),
            ("", plus(d, own, width)),
        ],
        zero,
    )
    limit = high if high_first else period - high
    sign = "<" if high_first else ">="
    body += ["", flag(d, q, f"{count} {sign} {constant(d, limit, width)}")]
    first, second = (high, period - high) if high_first else (period - high, high)
    levels = ("high", "low") if high_first else ("low", "high")

    return clocked(
        d,
        clocking,
        (
            f"div{period}",
            "clk_divider",
            "divider_n",
            f"divide_by_{period}",
            "odd_div",
            "freq_divider",
        ),
        [Port(q, "output", meaning=(f"clock divided by {period}", "divided clock"))],
        body,
        [
            f"clock divider by {period}, high for {high} of {period} cycles"
            + features(d, clocking, lead=", "),
            f"divide-by-{period} clock divider{features(d, clocking)}",
            f"frequency divider with a duty cycle of {high}/{period}",
        ],
        [
            (
                f"A counter runs from 0 to {period - 1} on the {edge(clocking)} and starts over.",
                f"An internal count is taken modulo {period} and advances at each "
                f"{edge(clocking)}.",
            ),
            (
                f"{q} is {levels[0]} while the count is below {limit}, and {levels[1]} otherwise.",
                f"In each period of {period} cycles, {q} is {levels[0]} for the first {first} and "
                f"{levels[1]} for the other {second}.",
            ),
        ],
        Behaviour(
            start=0,
            step=lambda s, v: (s + 1) % period,
            outputs=lambda s, v: {q: int((s < limit) == high_first)},
        ),
        at_reset="the count becomes 0, the start of a period",
        checks=60,
    )


FAMILIES = (even_divider, power_divider, uneven_divider)
