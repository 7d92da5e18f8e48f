"""Width converters for streams of words."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import comment, edge, span
from trainer.textbook.families._machines import bits_for
from trainer.textbook.problem import Behaviour, Port, Problem, Values

_VALID_IN = ("in_valid", "valid_in", "din_valid", "wr")
_VALID_OUT = ("out_valid", "valid_out", "dout_valid", "word_valid")


def widen(d: Draw) -> Problem:
    """Several narrow words in, one wide word out."""
    clocking = d.clocking(reset=1.0)
    part, count = d.choose(4, 8, 8, 8, 16), d.choose(2, 2, 3, 4)
    wide, first_high, n = part * count, d.chance(0.5), bits_for(count)
    din, valid = d.name("din", "data_in", "in_data", "byte_in"), d.name(*_VALID_IN)
    dout, ready = d.name("dout", "data_out", "out_data", "word"), d.name(*_VALID_OUT)
    kept, held = d.name("kept", "partial", "hold"), d.name("have", "count", "phase")
    rest = part * (count - 1)
    shifted = (
        f"{{{kept}[{rest - part - 1}:0], {din}}}"
        if first_high
        else f"{{{din}, {kept}[{rest - 1}:{part}]}}"
    )
    gather = f"{kept} <= {din if count == 2 else shifted};"
    joined = f"{{{kept}, {din}}}" if first_high else f"{{{din}, {kept}}}"
    last_one = f"{held} == {d.number(count - 1, n)}"
    complete = [f"{dout} <= {joined};", f"{ready} <= 1'b1;", f"{held} <= {d.number(0, n)};"]
    part_of = [gather, f"{held} <= {held} + 1'b1;"]
    run = [
        f"{ready} <= 1'b0;",
        *d.branches((valid, d.branches((last_one, complete), ("", part_of)))),
    ]
    reset = [f"{ready} <= 1'b0;", f"{held} <= {d.number(0, n)};", f"{dout} <= {d.number(0, wide)};"]
    body = [f"reg {span(rest)}{kept};", f"reg {span(n)}{held};", ""]
    body += [
        *comment(d, f"Every {count} inputs make a word"),
        *d.always_clocked(clocking, run, reset),
    ]

    def step(state: tuple, values: Values) -> tuple:
        parts, word, _ = state
        if not values[valid]:
            return parts, word, 0
        parts = (*parts, values[din])
        if len(parts) < count:
            return parts, word, 0
        order = parts[::-1] if first_high else parts
        return (), sum(p << part * k for k, p in enumerate(order)), 1

    place = "highest" if first_high else "lowest"
    return Problem(
        name=d.name("width_converter", f"width_{part}to{wide}", "word_packer", "pack", "upsizer"),
        ports=[
            *d.clock_ports(clocking),
            Port(valid, "input", meaning=("the input is valid", "input strobe")),
            Port(din, "input", part, (f"{part}-bit input", "narrow data")),
            Port(dout, "output", wide, (f"{wide}-bit output", "wide data"), reg=True),
            Port(
                ready,
                "output",
                meaning=("a wide word is complete", "high for one cycle a word"),
                reg=True,
            ),
        ],
        body=body,
        phrases=[
            f"{part}-bit to {wide}-bit width converter, first input in the {place} bits",
            f"packer of {count} {part}-bit inputs into one {wide}-bit word",
            f"upsizing data width converter from {part} to {wide} bits",
        ],
        facts=[
            (
                f"At each {edge(clocking)} with {valid} high the {part} bits on {din} are taken.",
                f"{din} is taken at the {edge(clocking)} whenever {valid} is 1; pauses are "
                f"allowed.",
            ),
            (
                f"Every {count} inputs are joined to a word of {wide} bits in which the first one "
                f"has the {place} place.",
                f"{count} inputs in a row make one {wide}-bit word, with the first of them in its "
                f"{place} bits.",
            ),
            (
                f"At the edge that takes the last of them, {dout} is loaded, and {ready} is high "
                f"for one cycle.",
                f"{dout} is registered at the edge of the last part; {ready} is 1 in the "
                f"following cycle only.",
            ),
            (f"{dout} holds until the next word.", f"Between words {dout} does not change."),
            d.reset_fact(clocking, f"collected parts are dropped, and {dout} and {ready} are 0"),
        ],
        clocking=clocking,
        behaviour=Behaviour(
            start=((), 0, 0), step=step, outputs=lambda s, v: {dout: s[1], ready: s[2]}
        ),
    )


def narrow(d: Draw) -> Problem:
    """One wide word in, several narrow words out, with a ready signal back."""
    clocking = d.clocking(reset=1.0)
    part, count = d.choose(4, 8, 8, 8, 16), d.choose(2, 2, 3, 4)
    wide, high_first, n = part * count, d.chance(0.5), bits_for(count + 1)
    din, valid = d.name("din", "data_in", "in_data", "word_in"), d.name(*_VALID_IN)
    dout, busy = d.name("dout", "data_out", "out_data", "byte_out"), d.name(*_VALID_OUT)
    ready = d.name("in_ready", "ready", "din_ready")
    kept, left = d.name("kept", "buffer", "hold"), d.name("left", "remaining", "count")
    moved = f"{kept} << {part}" if high_first else f"{kept} >> {part}"
    run = d.branches(
        (
            f"{ready} && {valid}" if d.chance(0.5) else f"{valid} && {ready}",
            [f"{kept} <= {din};", f"{left} <= {d.number(count, n)};"],
        ),
        (f"{left} != {d.number(0, n)}", [f"{kept} <= {moved};", f"{left} <= {left} - 1'b1;"]),
    )
    eager = d.chance(0.4)
    free = f"({left} <= {d.number(1, n)})" if eager else f"({left} == {d.number(0, n)})"
    top = f"{kept}[{wide - 1}:{wide - part}]" if high_first else f"{kept}[{part - 1}:0]"
    body = [f"reg {span(wide)}{kept};", f"reg {span(n)}{left};", "", f"assign {ready} = {free};"]
    body += [f"assign {busy} = ({left} != {d.number(0, n)});", f"assign {dout} = {top};", ""]
    body += d.always_clocked(
        clocking, run, [f"{left} <= {d.number(0, n)};", f"{kept} <= {d.number(0, wide)};"]
    )

    def is_ready(parts: tuple[int, ...]) -> bool:
        return len(parts) <= eager

    def step(parts: tuple[int, ...], values: Values) -> tuple[int, ...]:
        if is_ready(parts) and values[valid]:
            order = range(count - 1, -1, -1) if high_first else range(count)
            return tuple(values[din] >> part * k & (1 << part) - 1 for k in order)
        return parts[1:]

    def outputs(parts: tuple[int, ...], values: Values) -> dict[str, int | None]:
        return {
            dout: parts[0] if parts else None,
            busy: int(bool(parts)),
            ready: int(is_ready(parts)),
        }

    place = "highest" if high_first else "lowest"
    accept = (
        (
            f"{ready} is 1 when nothing is left to send or the last part is on {dout}, so that "
            f"words can follow without a gap.",
            f"{ready} is high when idle and also during the last part of a word.",
        )
        if eager
        else (
            f"{ready} is 1 only when no part is left to send.",
            f"{ready} is the opposite of {busy}.",
        )
    )
    return Problem(
        name=d.name(
            "width_converter", f"width_{wide}to{part}", "word_splitter", "unpack", "downsizer"
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(valid, "input", meaning=("the input is valid", "a word is offered")),
            Port(din, "input", wide, (f"{wide}-bit input", "wide data")),
            Port(ready, "output", meaning=("a word can be taken", "ready for input")),
            Port(dout, "output", part, (f"{part}-bit output", "narrow data")),
            Port(busy, "output", meaning=("the output is valid", "output strobe")),
        ],
        body=body,
        phrases=[
            f"{wide}-bit to {part}-bit width converter, {place} part first",
            f"splitter of {wide}-bit words into {count} parts of {part} bits",
            f"downsizing data width converter from {wide} to {part} bits",
        ],
        facts=[
            (
                f"A word is taken from {din} at the {edge(clocking)} when {valid} and "
                f"{ready} are both high.",
                f"If {valid} = 1 and {ready} = 1 at the {edge(clocking)}, {din} is accepted.",
            ),
            (
                f"In the next {count} cycles its {count} parts appear on {dout}, the {place} "
                f"first, with {busy} high.",
                f"It comes out on {dout} in {count} parts, one a cycle from the {place} on, while "
                f"{busy} is 1.",
            ),
            accept,
            (
                f"{dout} has no meaning while {busy} is low.",
                f"Look at {dout} only when {busy} is 1.",
            ),
            d.reset_fact(clocking, "nothing is left to send"),
        ],
        clocking=clocking,
        behaviour=Behaviour(start=(), step=step, outputs=outputs),
    )


FAMILIES = (
    widen,
    narrow,
)
