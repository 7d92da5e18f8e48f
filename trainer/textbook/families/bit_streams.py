"""What is to be known about a stream of bits: its parity, the ones among the last N."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import Size, edge
from trainer.textbook.families._register import Arm, inner_register, register
from trainer.textbook.families._timing import clocked, constant, control, features, plus
from trainer.textbook.problem import Behaviour, Port, Problem, Values


def serial_parity(d: Draw) -> Problem:
    """Parity of a bit stream since the last clear, or of every N bits."""
    clocking = d.clocking(reset=1.0)
    x = d.name("d", "din", "x", "bit_in", "serial_in", "data")
    valid = control(
        d, "valid", "en", "bit_valid", "vld", meaning="input bit valid", probability=0.6
    )
    clear = control(
        d, "clr", "start", "init", "new_frame", meaning="start of a new frame", probability=0.6
    )
    odd = d.chance(0.4)
    q = d.name("parity", "p", "par", "q", "parity_out")
    begins = clear.name and d.chance(0.4)
    level = f"1'b{int(odd)}"

    def arms(own: str) -> list[Arm]:
        first = d.choose(f"~{x}", f"!{x}") if odd else x
        clearing = [(clear.condition(d), first if begins else level)] if clear.name else []
        return [*clearing, (valid.condition(d), f"{own} ^ {x}")]

    body, reg = register(d, clocking, q, Size(1), arms, level)

    def step(s: int, v: Values) -> int:
        if clear.name and clear.on(v):
            return v[x] ^ odd if begins else int(odd)
        return s ^ v[x] if valid.on(v) else s

    kind = "odd" if odd else "even"
    since = "the last reset or new frame" if clear.name else "the reset"
    facts = [
        (
            f"{q} is the {kind} parity bit of all bits of {x} taken since {since}: "
            f"{'1 if their number of ones is even' if odd else '1 if their number of ones is odd'}.",
            f"The register {q} holds the XOR of the bits since "
            f"{since}{', inverted' if odd else ''}.",
        ),
        (
            f"A bit is taken at each {edge(clocking)}{valid.clause('at which')}.",
            f"{x} is sampled on the {edge(clocking)}{valid.clause()}.",
        ),
        *valid.holds("the parity, unless a frame starts," if clear.name else "the parity"),
    ]
    if clear.name:
        rest = (
            f" and the present {x} is its first bit"
            if begins
            else f": {q} becomes {int(odd)} and {x} is ignored"
        )
        facts.append(
            (
                f"If {clear.name} is {clear.level} at the clock edge, a new frame begins{rest}.",
                f"{clear.name} (active {clear.level}) goes before everything else; a frame "
                f"starts{rest}.",
            )
        )
    return clocked(
        d,
        clocking,
        ("serial_parity", "parity_serial", "parity_acc", f"{kind}_parity", "running_parity"),
        [
            Port(x, "input", meaning=("serial data", "input bit")),
            *valid.ports,
            *clear.ports,
            Port(q, "output", meaning=(f"{kind} parity so far", "parity bit"), reg=reg),
        ],
        body,
        [
            f"serial {kind} parity generator"
            + features(d, clocking, valid.called("valid input"), clear.called("frame start")),
            f"{kind} parity of a bit stream",
            f"circuit that keeps the {kind} parity of a serial input",
        ],
        facts,
        Behaviour(start=int(odd), step=step, outputs=lambda s, v: {q: s}),
        at_reset=f"{q} becomes {int(odd)}",
        checks=60,
    )


def ones_in_window(d: Draw) -> Problem:
    """How many of the last N bits were one."""
    clocking = d.clocking(reset=1.0)
    length = d.integer(3, 8)
    width, wide = Size(length), Size(length.bit_length())
    x, count = (
        d.name("d", "din", "x", "bit_in", "sample"),
        d.name("count", "ones", "sum", "density"),
    )
    window = d.name("window", "history", "last", "sr")
    zero = constant(d, 0, width)
    shifted = f"{{{window}[{length - 2}:0], {x}}}"
    if d.chance(0.5):
        out = f"{window}[{length - 1}]"
        run = [f"{window} <= {shifted};"]
        run += d.choose(
            [f"{count} <= {count} + {x} - {out};"],
            d.branches(
                (f"{x} && !{out}", [f"{count} <= {plus(d, count, wide)};"]),
                (f"!{x} && {out}", [f"{count} <= {plus(d, count, wide, sign='-')};"]),
            ),
        )
        resets = [f"{window} <= {zero};", f"{count} <= {constant(d, 0, wide)};"]
        body, reg = (
            [f"reg {width.span}{window};", "", *d.always_clocked(clocking, run, resets)],
            True,
        )
    else:
        total = " + ".join(f"{window}[{n}]" for n in range(length))
        body = inner_register(d, clocking, window, width, lambda own: [("", shifted)], zero)
        body, reg = [*body, "", f"assign {count} = {total};"], False
    threshold = d.integer(length // 2, length - 1) if d.chance(0.4) else 0
    flag = d.name("many", "above", "busy", "dense") if threshold else ""
    ports = [
        Port(x, "input", meaning=("serial input", "input bit")),
        Port(
            count,
            "output",
            wide.bits,
            (f"number of ones among the last {length} bits", "count of ones"),
            reg,
        ),
    ]
    facts = [
        (
            f"{count} is the number of ones among the last {length} values of {x}, sampled at "
            f"each {edge(clocking)}.",
            f"At every {edge(clocking)} {x} enters a window of {length} bits; {count} tells how "
            "many of them are 1.",
        ),
        (
            "The bit just taken is counted right after the edge.",
            "After an edge the window includes the bit sampled at that edge.",
        ),
    ]
    if flag:
        body.append(f"assign {flag} = {count} > {constant(d, threshold, wide)};")
        ports.append(Port(flag, "output", meaning=f"more than {threshold} ones"))
        facts.append((f"{flag} is 1 if {count} is greater than {threshold}, else 0.",))

    def outputs(s: int, v: Values) -> dict[str, int]:
        ones = s.bit_count()
        return {count: ones} | ({flag: int(ones > threshold)} if flag else {})

    def stimulus(random: Random, number: int) -> Values:
        return {x: int(random.random() < (0.2, 0.9, 0.5)[number // 20 % 3])}

    return clocked(
        d,
        clocking,
        (
            "ones_window",
            "window_count",
            "density_meter",
            f"ones_of_{length}",
            "bit_density",
            "sliding_ones",
        ),
        ports,
        body,
        [
            f"counter of the ones among the last {length} serial bits"
            + features(d, clocking, f"flag for more than {threshold}" if flag else ""),
            f"{length}-bit sliding window ones counter"
            + features(d, clocking, "threshold flag" if flag else ""),
            "sliding window population count of a bit stream",
        ],
        facts,
        Behaviour(start=0, step=lambda s, v: (s << 1 | v[x]) & width.mask, outputs=outputs),
        at_reset="the window contains zeros only",
        stimulus=stimulus,
    )


FAMILIES = (serial_parity, ones_in_window)
