"""Registers that keep something for later: double buffers, captures, sticky flags."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import edge, size
from trainer.textbook.families._register import Arm, always, register
from trainer.textbook.families._timing import clocked, constant, control
from trainer.textbook.problem import Behaviour, Port, Problem, Values

_DATA = ("d", "din", "data", "data_in", "D", "d_i", "in_data", "wdata")
_Q = ("q", "dout", "data_out", "out", "Q", "q_o", "rdata", "result")


def shadow_register(d: Draw) -> Problem:
    """A double buffer: written at one time, shown at another."""
    clocking, width = d.clocking(reset=1.0), size(d, 2, 16)
    write = control(d, "wr", "we", "load", "wr_en", meaning="write to the buffer")
    update = control(
        d, "update", "commit", "latch_en", "sync_i", "apply", meaning="transfer to the output"
    )
    data, q = d.name(*_DATA), d.name(*_Q)
    shadow = d.name("shadow", "buffer", "pending", "hold_reg", "stage")
    through = d.chance(0.3)
    zero = constant(d, 0, width)
    writing, updating = write.condition(d), update.condition(d)
    source = f"{writing} ? {data} : {shadow}" if through and " " not in writing else shadow
    through = source != shadow
    reset = [f"{shadow} <= {zero};", f"{q} <= {zero};"]
    if d.chance(0.5):
        run = [
            *d.branches((writing, [f"{shadow} <= {data};"])),
            *d.branches((updating, [f"{q} <= {source};"])),
        ]
        code = d.always_clocked(clocking, run, reset)
    else:
        code = [
            *always(d, clocking, [(writing, [f"{shadow} <= {data};"])], reset[:1]),
            "",
            *always(d, clocking, [(updating, [f"{q} <= {source};"])], reset[1:]),
        ]

    def step(s: tuple[int, int], v: Values) -> tuple[int, int]:
        held = v[data] if write.on(v) else s[0]
        return held, (held if through else s[0]) if update.on(v) else s[1]

    return clocked(
        d,
        clocking,
        ("shadow_reg", "double_buffer", "shadow_register", "buffered_reg", "dbuf"),
        [
            width.port(data, ("data input", "new value")),
            *write.ports,
            *update.ports,
            width.output(q, ("active value", "output register"), True),
        ],
        [f"reg {width.span}{shadow};", "", *code],
        [
            f"{width.bits}-bit double-buffered register with {write.name} and {update.name} inputs",
            f"{width.bits}-bit shadow register",
            "register whose new value becomes visible only on an update",
        ],
        [
            (
                f"At the {edge(clocking)}, {data} is stored in a hidden buffer{write.clause()}.",
                f"{write.name} (active {write.level}) writes {data} to an internal buffer on the "
                f"{edge(clocking)}.",
            ),
            (
                f"The buffer is copied to {q} at the clock edge{update.clause()}.",
                f"When {update.name} is {update.level} at the clock edge, {q} takes over the "
                "buffered value.",
            ),
            (
                f"If both happen at the same edge, {q} receives "
                f"{'the new' if through else 'the old'} buffer "
                f"value{' (that of ' + data + ')' if through else ', from before the write'}.",
                f"With {write.name} and {update.name} active together, {q} gets "
                f"{data + ' itself' if through else 'what the buffer held before'}.",
            ),
            (f"In all other cycles {q} holds.", f"{q} does not change otherwise."),
        ],
        Behaviour(start=(0, 0), step=step, outputs=lambda s, v: {q: s[1]}),
        at_reset="the buffer and the output become 0",
        width=width,
    )


def capture_register(d: Draw) -> Problem:
    """Stores a value at the first event, or at each, until it is read or cleared."""
    clocking, width = d.clocking(reset=1.0), size(d, 2, 16)
    event = control(
        d, "trigger", "capture", "strobe", "hit", "sample", meaning="capture request", low=0.1
    )
    clear = control(
        d, "clr", "arm", "ack", "read", "release_i", meaning="release for the next capture"
    )
    data, q = d.name(*_DATA), d.name("captured", *_Q)
    valid = d.name("valid", "captured_flag", "full", "has_data", "vld")
    clear_first = d.chance(0.5)
    store = [f"{q} <= {data};", f"{valid} <= 1'b1;"]
    free, erase = f"!{valid}", [f"{valid} <= 1'b0;"]
    taking = f"{event.condition(d)} && {free}"
    arms = [(taking, store), (clear.condition(d), erase)]
    body = always(
        d,
        clocking,
        arms[::-1] if clear_first else arms,
        [f"{q} <= {constant(d, 0, width)};", f"{valid} <= 1'b0;"],
    )

    def step(s: tuple[int, int], v: Values) -> tuple[int, int]:
        take = event.on(v) and not s[1]
        if clear.on(v) and (clear_first or not take):
            return s[0], 0
        return (v[data], 1) if take else s

    first, second = (clear, event) if clear_first else (event, clear)
    return clocked(
        d,
        clocking,
        ("capture_reg", "capture", "snapshot", "sample_hold", "event_capture"),
        [
            *event.ports,
            *clear.ports,
            width.port(data, ("data input", "observed value")),
            width.output(q, ("captured value", "stored sample"), True),
            Port(valid, "output", meaning=("a value has been captured", "capture flag"), reg=True),
        ],
        body,
        [
            f"{width.bits}-bit capture register that keeps the first value after {event.name}",
            f"{width.bits}-bit register that takes a snapshot on {event.name} and holds it until "
            f"{clear.name}",
            "capture register with valid flag",
        ],
        [
            (
                f"If {event.name} is {event.level} at the {edge(clocking)} while {valid} is 0, "
                f"{data} is stored in {q} and {valid} goes to 1.",
                f"On the {edge(clocking)}, an active {event.name} ({event.level}) captures {data} "
                f"and sets {valid}, provided {valid} was 0.",
            ),
            (
                f"While {valid} is 1, further requests are ignored.",
                f"A captured value is not overwritten as long as {valid} is set.",
            ),
            (
                f"{clear.name} (active {clear.level}) resets {valid} to 0 at the clock edge; {q} "
                "keeps its value.",
                f"If {clear.name} is {clear.level}, {valid} is cleared and {q} stays.",
            ),
            (
                f"If {valid} is 0 and both {event.name} and {clear.name} are active, {first.name} "
                "wins.",
                f"{first.name} has priority over {second.name} when {valid} is 0.",
            ),
        ],
        Behaviour(start=(0, 0), step=step, outputs=lambda s, v: {q: s[0], valid: s[1]}),
        at_reset=f"{q} and {valid} become 0",
        width=width,
    )


def sticky_flags(d: Draw) -> Problem:
    """Sticky bits: set by events, cleared by writing ones or by a common clear."""
    clocking, width = d.clocking(reset=1.0), size(d, 2, 8)
    events = d.name("event_i", "set", "irq_in", "src", "events", "status_in")
    flags = d.name("flags", "status", "pending", "sticky", "q")
    single = d.chance(0.4)
    clear = (
        d.name("clr", "clear_all", "ack") if single else d.name("clr", "w1c", "clear_mask", "ack")
    )
    set_wins = d.chance(0.6)
    wiped = f"{{{width.parameter or width.bits}{{{clear}}}}}" if single else clear

    def arms(own: str) -> list[Arm]:
        if single and set_wins and d.chance(0.7):
            return [(clear, events), ("", f"{own} | {events}")]
        if single and not set_wins and d.chance(0.7):
            return [(clear, constant(d, 0, width)), ("", f"{own} | {events}")]
        return [
            ("", f"({own} & ~{wiped}) | {events}" if set_wins else f"({own} | {events}) & ~{wiped}")
        ]

    body, reg = register(d, clocking, flags, width, arms, constant(d, 0, width))

    def step(s: int, v: Values) -> int:
        gone = width.mask * v[clear] if single else v[clear]
        return (s & ~gone) | v[events] if set_wins else (s | v[events]) & ~gone

    def stimulus(random: Random, number: int) -> Values:
        def sparse() -> int:
            return random.getrandbits(width.bits) & random.getrandbits(width.bits)

        return {events: sparse(), clear: int(random.random() < 0.2) if single else sparse()}

    clearing = (
        (
            f"When {clear} is 1 at the clock edge, all flags are cleared.",
            f"{clear} clears every flag at once.",
        )
        if single
        else (
            f"A 1 in a bit of {clear} clears that flag.",
            f"Bit i of {clear} clears flag i, at the clock edge.",
        )
    )
    return clocked(
        d,
        clocking,
        ("status_flags", "sticky_flags", "sticky_bits", "event_flags", "status_reg"),
        [
            width.port(events, ("events, one bit per flag", "bits that set flags")),
            Port(clear, "input", meaning=("clears all flags", "common clear, active high"))
            if single
            else width.port(clear, ("bits that clear flags", "clear mask")),
            width.output(flags, ("flags", "sticky status bits"), reg),
        ],
        body,
        [
            f"{width.bits} sticky flags set by {events} and cleared by {clear}",
            f"{width.bits}-bit sticky status register",
            "event flag register" + (" with common clear" if single else " with individual clear"),
        ],
        [
            (
                f"At the {edge(clocking)}, every flag is set whose bit of {events} is 1, and "
                "stays set.",
                f"A 1 in {events} at the {edge(clocking)} sets the flag in the same position "
                "until it is cleared.",
            ),
            clearing,
            (
                "If a flag is set and cleared at the same edge, "
                f"{'it is set' if set_wins else 'it is cleared'}.",
                f"{'Setting' if set_wins else 'Clearing'} has priority.",
            ),
        ],
        Behaviour(start=0, step=step, outputs=lambda s, v: {flags: s}),
        at_reset="all flags become 0",
        width=width,
        stimulus=stimulus,
    )


FAMILIES = (shadow_register, capture_register, sticky_flags)
