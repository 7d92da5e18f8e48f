"""Line codes: NRZI, Manchester, stuffed bits."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import comment, edge, span
from trainer.textbook.families._machines import bits_for
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words


def line_code(d: Draw) -> Problem:
    """NRZI in either direction, with an enable now and then."""
    clocking = d.clocking(reset=1.0)
    encode, on_one = d.chance(0.5), d.chance(0.5)
    x = d.name("din", "d", "bit_in", "data")
    y = d.name("dout", "q", "bit_out", "line" if encode else "decoded")
    enable = d.name("en", "valid", "bit_en", "strobe") if d.chance(0.4) else ""
    idle = int(d.chance(0.5))
    if encode:
        change = x if on_one else f"~{x}"
        load = d.choose(f"{y} <= {y} ^ {change};", f"{y} <= ({change}) ? ~{y} : {y};")
        run, reset, body = [load], [f"{y} <= 1'b{idle};"], []
    else:
        last = d.name("last", "prev", "previous", "line_d")
        same = f"{x} ^ {last}" if on_one else f"~({x} ^ {last})"
        if not on_one and d.chance(0.5):
            same = f"({x} == {last})"
        run = [f"{y} <= {same};", f"{last} <= {x};"]
        reset, body = [f"{y} <= 1'b0;", f"{last} <= 1'b{idle};"], [f"reg {last};", ""]
    body = body + d.always_clocked(clocking, d.branches((enable, run)) if enable else run, reset)

    def step(state: tuple[int, int], values: Values) -> tuple[int, int]:
        """(line level, decoded bit)."""
        level, _ = state
        if enable and not values[enable]:
            return state
        if encode:
            return level ^ int(values[x] == on_one), 0
        return values[x], int((values[x] != level) == on_one)

    kind = "encoder" if encode else "decoder"
    mark = int(on_one)
    rule: Words = (
        (
            f"A {mark} on {x} inverts the line {y}, and a {1 - mark} leaves it as it is.",
            f"{y} toggles for every input bit {mark} and stays for every {1 - mark}.",
        )
        if encode
        else (
            f"A change of the line {x} since the last bit decodes as {mark}, no change as "
            f"{1 - mark}.",
            f"{y} becomes {mark} if {x} differs from its last value, and {1 - mark} if it is the "
            f"same.",
        )
    )
    facts: list[Words] = [
        rule,
        (
            f"One bit is handled at each {edge(clocking)}"
            + (f" with {enable} high." if enable else "."),
            f"{y} is registered and changes on the {edge(clocking)}"
            + (f", if {enable} is 1." if enable else "."),
        ),
        d.reset_fact(
            clocking,
            f"the line level is {idle}"
            if encode
            else f"the last line level counts as {idle} and {y} is 0",
        ),
    ]
    if enable:
        facts.append((f"With {enable} low nothing changes.", f"{enable} = 0 holds everything."))
    ports = [*d.clock_ports(clocking), Port(x, "input", meaning=("input bit", "serial input"))]
    if enable:
        ports.append(Port(enable, "input", meaning=("bit enable", "bit strobe")))
    return Problem(
        name=d.name(
            f"nrzi_{kind}", f"nrzi_{kind[:3]}", "line_coder" if encode else "line_decoder", "nrzi"
        ),
        ports=[
            *ports,
            Port(y, "output", meaning=("line level" if encode else "decoded bit",), reg=True),
        ],
        body=body,
        phrases=[
            f"NRZI {kind} in which a {mark} is a change of level",
            f"NRZ{'I' if mark else '-S'} line {kind}{' with bit enable' if enable else ''}",
            f"differential line {kind} for a bit stream",
        ],
        facts=facts,
        clocking=clocking,
        behaviour=Behaviour(
            start=(idle, 0), step=step, outputs=lambda s, v: {y: s[0] if encode else s[1]}
        ),
    )


def manchester_encoder(d: Draw) -> Problem:
    """Every bit takes two cycles, one at each level."""
    clocking = d.clocking(reset=1.0)
    one_rises = d.chance(0.5)
    x = d.name("din", "bit_in", "data")
    y = d.name("line", "dout", "manchester", "tx")
    take = d.name("take", "next_bit", "ready")
    half = d.name("half", "first_half", "phase")
    level = f"~{x}" if one_rises else x
    run = d.branches(
        (half, [f"{y} <= ~{y};", f"{half} <= 1'b0;"]),
        ("", [f"{y} <= {level};", f"{half} <= 1'b1;"]),
    )
    body = [f"reg {half};", "", f"assign {take} = ~{half};", ""]
    body += [*comment(d, "The second half is the first inverted")]
    body += d.always_clocked(clocking, run, [f"{y} <= 1'b0;", f"{half} <= 1'b0;"])

    def step(state: tuple[int, int], values: Values) -> tuple[int, int]:
        """(line, in the first half)."""
        line, first = state
        return (1 - line, 0) if first else (values[x] ^ one_rises, 1)

    pair, other = ("01", "10") if one_rises else ("10", "01")
    return Problem(
        name=d.name(
            "manchester_encoder", "manchester", "manchester_tx", "biphase_encoder", "man_enc"
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(x, "input", meaning=("bit to send", "data input")),
            Port(y, "output", meaning=("encoded line", "Manchester output"), reg=True),
            Port(
                take, "output", meaning=("the input bit is taken at the next edge", "bit request")
            ),
        ],
        body=body,
        phrases=[
            f"Manchester encoder in which a 1 is sent as {pair}",
            f"biphase line encoder with two clock cycles a bit, 1 = {pair} and 0 = {other}",
            f"Manchester code generator with {d.reset_phrase(clocking)}",
        ],
        facts=[
            (
                f"Every bit takes two clock cycles: a 1 is sent as {pair}, first level first, and "
                f"a 0 as {other}.",
                f"The line {y} shows {pair} for a 1 and {other} for a 0, one level in each of two "
                f"cycles.",
            ),
            (
                f"When {take} is high, {x} is sampled at the {edge(clocking)}; {y} takes "
                f"the first level at this edge and the second at the next one.",
                f"At the {edge(clocking)} with {take} high, {x} is taken and the registered "
                f"{y} becomes the first level; the following edge makes it the second.",
            ),
            (
                f"{take} is 1 in every other cycle: during the second level, and after a reset.",
                f"{take} is low while the first level is on the line and high otherwise.",
            ),
            d.reset_fact(clocking, f"{y} is 0 and {take} is 1"),
        ],
        clocking=clocking,
        behaviour=Behaviour(
            start=(0, 0), step=step, outputs=lambda s, v: {y: s[0], take: 1 - s[1]}
        ),
        checks=60,
    )


def bit_unstuffing(d: Draw) -> Problem:
    """Marks the bits that a sender stuffed after a run of equal bits."""
    clocking = d.clocking(reset=1.0)
    run_length, level = d.integer(2, 7), d.choose(1, 1, 0)
    n = bits_for(run_length + 1)
    x, en = d.name("din", "rx", "bit_in", "line"), d.name("en", "bit_valid", "strobe")
    keep = d.name("keep", "data_valid", "is_data")
    error = d.name("error", "stuff_error", "violation")
    ones, full = d.name("run", "count", "same"), d.number(run_length, n)
    good = x if level else f"!{x}"
    step_up = [f"{ones} <= {ones} + 1'b1;"]
    clear = f"{ones} <= {d.number(0, n)};"
    run = d.branches(
        (en, d.branches((f"{ones} == {full}", [clear]), (good, step_up), ("", [clear])))
    )
    body = [f"reg {span(n)}{ones};", "", *d.always_clocked(clocking, run, [clear]), ""]
    body += [
        f"assign {keep} = {en} && ({ones} != {full});",
        f"assign {error} = {en} && ({ones} == {full}) && {good};",
    ]

    def step(seen: int, values: Values) -> int:
        if not values[en]:
            return seen
        return seen + 1 if seen < run_length and values[x] == level else 0

    def outputs(seen: int, values: Values) -> dict[str, int]:
        due = seen == run_length
        return {
            keep: values[en] & int(not due),
            error: int(bool(values[en]) and due and values[x] == level),
        }

    name = {1: "ones", 0: "zeros"}[level]
    return Problem(
        name=d.name("bit_unstuff", "unstuffer", "destuff", "stuff_bit_filter", "bit_destuffing"),
        ports=[
            *d.clock_ports(clocking),
            Port(en, "input", meaning=("a bit is present", "bit strobe")),
            Port(x, "input", meaning=("received bit", "serial input")),
            Port(keep, "output", meaning=("the bit is data, not a stuffed bit", "data bit flag")),
            Port(
                error, "output", meaning=("the stuffed bit has the wrong level", "stuffing error")
            ),
        ],
        body=body,
        phrases=[
            f"bit unstuffing filter for a {1 - level} stuffed after {run_length} {name}",
            f"detector of stuffed bits after runs of {run_length} {name}",
            "bit-destuffing circuit with error flag",
        ],
        facts=[
            (
                f"The sender inserts a {1 - level} after every {run_length} data bits in a row "
                f"that are {level}.",
                f"After {run_length} consecutive {name} the next bit is a stuffed {1 - level} and "
                f"no data.",
            ),
            (
                f"A bit is present when {en} is high; bits are counted at the {edge(clocking)}.",
                f"Bits are valid with {en} = 1 and are taken at the {edge(clocking)}.",
            ),
            (
                f"{keep} is combinational: high if a bit is present and it is not the one after "
                f"{run_length} {name}.",
                f"In the cycle of the bit itself, {keep} is 1 for data bits and 0 for stuffed "
                f"bits or when {en} is 0.",
            ),
            (
                f"{error} is high in the same cycle if the bit in the place of the stuffed one is "
                f"{level}.",
                f"If a stuffed bit is present but has the level {level}, {error} is 1, "
                f"combinationally.",
            ),
            (
                "After a stuffed bit, right or wrong, the run starts again at zero; the stuffed "
                "bit does not count.",
                "The place of the stuffed bit always ends the run, and the count goes on from "
                "zero.",
            ),
            d.reset_fact(clocking, "the run length is zero"),
        ],
        clocking=clocking,
        stimulus=lambda random, k: {
            x: level if random.random() < 0.8 else 1 - level,
            en: int(random.random() < 0.85),
        },
        behaviour=Behaviour(start=0, step=step, outputs=outputs),
        checks=120,
    )


FAMILIES = (
    line_code,
    manchester_encoder,
    bit_unstuffing,
)
