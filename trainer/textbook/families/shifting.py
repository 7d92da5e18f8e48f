"""Shift registers between serial and parallel."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import Size, edge, size
from trainer.textbook.families._register import inner_register, move, moved, register
from trainer.textbook.families._timing import clocked, constant, control, enabling, features
from trainer.textbook.problem import Behaviour, Port, Problem, Values

_Q = ("q", "q", "shift_reg", "data", "Q", "dout", "par_out", "sr")
_SERIAL = ("si", "sin", "serial_in", "d", "din", "in_bit", "ser_in")
_OUT = ("so", "sout", "serial_out", "ser_out", "dout", "out_bit", "q")


def _way(left: bool) -> str:
    return "left" if left else "right"


def _entry(width: Size, left: bool) -> str:
    """The words for the bit at which data comes in."""
    return "bit 0 (the LSB)" if left else f"bit {width.bits - 1} (the MSB)"


def serial_to_parallel(d: Draw) -> Problem:
    """SIPO: a shift register whose stages are all visible."""
    clocking, width = d.clocking(reset=0.85), size(d, 3, 16)
    enable = enabling(d, "shift enable", 0.55)
    left, x, q = d.chance(0.6), d.name(*_SERIAL), d.name(*_Q)
    body, reg = register(
        d,
        clocking,
        q,
        width,
        lambda own: [(enable.condition(d), moved(own, width, left, x))],
        constant(d, 0, width) if clocking.reset else "",
    )

    def step(s: tuple[int, int], v: Values) -> tuple[int, int]:
        """State: contents, and how many bits have come in."""
        if not enable.on(v):
            return s
        return move(s[0], width, left, v[x]), min(s[1] + 1, width.bits)

    def outputs(s: tuple[int, int], v: Values) -> dict[str, int | None]:
        return {q: s[0] if s[1] == width.bits else None}

    return clocked(
        d,
        clocking,
        (
            "sipo",
            "shift_register",
            "shift_reg",
            f"shift{width.bits}",
            "serial_to_parallel",
            "sr_sipo",
        ),
        [
            Port(x, "input", meaning=("serial input", "serial data in")),
            *enable.ports,
            width.output(q, ("contents of the shift register", "parallel output"), reg),
        ],
        body,
        [
            f"{width.bits}-bit serial-in parallel-out shift register that shifts {_way(left)}"
            + features(d, clocking, enable.called("enable")),
            f"{width.bits}-bit {_way(left)} shift register",
            f"{width.bits}-bit serial to parallel shift register",
        ],
        [
            (
                f"At each {edge(clocking)}{enable.clause('at which')} the register shifts "
                f"{_way(left)} by one place and {x} enters at {_entry(width, left)}.",
                f"On the {edge(clocking)}{enable.clause()}, {x} is shifted in at "
                f"{_entry(width, left)} and all other bits move one place {_way(left)}.",
            ),
            *enable.holds("the register"),
            (f"All {width.bits} bits are visible at {q}.", f"{q} shows the whole register."),
        ],
        Behaviour(start=(0, width.bits if clocking.reset else 0), step=step, outputs=outputs),
        at_reset="all bits become 0",
        width=width,
        checks=60,
    )


def parallel_to_serial(d: Draw) -> Problem:
    """PISO: loaded as a word, sent bit by bit."""
    clocking, width = d.clocking(reset=0.8), size(d, 3, 16)
    load = control(d, "load", "ld", "load_en", "pl", "start", meaning="parallel load", low=0.2)
    shift = control(d, "shift", "shift_en", "en", "sh", meaning="shift enable", probability=0.45)
    left, x, out = d.chance(0.5), d.name("d", "data", "par_in", "din", "data_in"), d.name(*_OUT)
    own = d.name("shift_reg", "sr", "buffer", "data_reg", "r")
    fill = int(d.chance(0.2))
    body = inner_register(
        d,
        clocking,
        own,
        width,
        lambda name: [
            (load.condition(d), x),
            (shift.condition(d), moved(name, width, left, f"1'b{fill}")),
        ],
        constant(d, 0, width) if clocking.reset else "",
    )
    body += ["", f"assign {out} = {own}[{width.last if left else 0}];"]

    def step(s: int | None, v: Values) -> int | None:
        if load.on(v):
            return v[x]
        return s if s is None or not shift.on(v) else move(s, width, left, fill)

    def outputs(s: int | None, v: Values) -> dict[str, int | None]:
        return {out: None if s is None else s >> (width.bits - 1 if left else 0) & 1}

    first = "most" if left else "least"
    return clocked(
        d,
        clocking,
        ("piso", "parallel_to_serial", "serializer", "par2ser", "sr_piso", f"piso{width.bits}"),
        [
            *load.ports,
            *shift.ports,
            width.port(x, ("parallel data", "word to send")),
            Port(out, "output", meaning=("serial output", "serial data out")),
        ],
        body,
        [
            f"{width.bits}-bit parallel-in serial-out shift register, {first} significant bit first"
            + features(d, clocking, shift.called("shift enable"), lead=", "),
            f"{width.bits}-bit parallel to serial converter"
            + features(d, clocking, "load", shift.called("shift enable")),
            f"{width.bits}-bit PISO shift register",
        ],
        [
            (
                f"If {load.name} is {load.level} at the {edge(clocking)}, {x} is loaded into the "
                "shift register.",
                f"{load.name} (active {load.level}) loads {x} on the {edge(clocking)}.",
            ),
            (
                f"Otherwise it shifts {_way(left)} by one{shift.clause()}, with a {fill} coming "
                f"in at {_entry(width, left)}.",
                f"When not loading, each clock edge{shift.clause('at which')} shifts it "
                f"{_way(left)}; the free place, {_entry(width, left)}, is filled with {fill}.",
            ),
            *shift.holds("the register, unless loaded,"),
            (
                f"{out} is the {first} significant bit of the register, so that bit is sent first.",
                f"The output {out} shows bit {width.bits - 1 if left else 0} of the register at "
                "all times.",
            ),
        ],
        Behaviour(start=0 if clocking.reset else None, step=step, outputs=outputs),
        at_reset="the register becomes 0",
        width=width,
        checks=90,
        stimulus=lambda random, n: (
            {
                load.name: int((random.random() < 1.2 / width.bits) != load.active_low),
                x: random.randrange(width.mask + 1),
            }
            | (
                {shift.name: int((random.random() < 0.75) != shift.active_low)}
                if shift.name
                else {}
            )
        ),
    )


def serial_delay(d: Draw) -> Problem:
    """SISO: one bit in, the same bit out N cycles later."""
    clocking, width = d.clocking(reset=1.0), size(d, 2, 12)
    enable = enabling(d, "shift enable", 0.5)
    left = d.chance(0.5)
    x, out = d.name(*_SERIAL), d.name(*_OUT)
    own = d.name("shift_reg", "sr", "stages", "line", "r")
    body = inner_register(
        d,
        clocking,
        own,
        width,
        lambda name: [(enable.condition(d), moved(name, width, left, x))],
        constant(d, 0, width),
    )
    body += ["", f"assign {out} = {own}[{width.last if left else 0}];"]
    return clocked(
        d,
        clocking,
        ("siso", "shift_siso", "bit_delay", f"siso{width.bits}", "serial_shift", "serial_delay"),
        [
            Port(x, "input", meaning=("serial input", "bit to delay")),
            *enable.ports,
            Port(out, "output", meaning=("serial output", f"input {width.bits} shifts ago")),
        ],
        body,
        [
            f"{width.bits}-stage serial-in serial-out shift "
            f"register{features(d, clocking, enable.called('enable'))}",
            f"{width.bits}-bit SISO shift register",
            f"one-bit delay of {width.bits} clock cycles",
        ],
        [
            (
                f"At each {edge(clocking)}{enable.clause('at which')}, {x} enters the first of "
                f"{width.bits} flip-flops and every other takes the bit of the one before.",
                f"{x} runs through a chain of {width.bits} flip-flops that moves on the "
                f"{edge(clocking)}{enable.clause()}.",
            ),
            (
                f"{out} is the last flip-flop.",
                f"The output {out} is the bit that entered {width.bits} shifts ago.",
            ),
            *enable.holds("the chain"),
            *width.facts("the chain"),
        ],
        Behaviour(
            start=0,
            step=lambda s, v: move(s, width, True, v[x]) if enable.on(v) else s,
            outputs=lambda s, v: {out: s >> (width.bits - 1)},
        ),
        at_reset="all flip-flops become 0",
        parameters=width.parameters,
        checks=90,
    )


FAMILIES = (serial_to_parallel, parallel_to_serial, serial_delay)
