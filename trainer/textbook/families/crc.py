"""Checksums: CRC a bit or a word at a time, sums over a packet."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import comment, edge, span
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words


def _polynomial(d: Draw) -> tuple[int, int]:
    """(degree, the lower coefficients as a number, the constant term being 1)."""
    degree = d.choose(3, 4, 5, 6, 7, 8, 8, 8, 10, 12, 16, 16)
    known = {4: (3,), 5: (5, 9), 7: (9,), 8: (7, 0x31, 0x1D), 16: (0x1021, 0x8005)}.get(degree, ())
    if known and d.chance(0.5):
        return degree, d.choose(*known)
    return degree, d.random.getrandbits(degree) | 1 | 1 << d.integer(1, degree - 1)


def _written(degree: int, taps: int) -> str:
    """ "x^4 + x + 1"."""
    powers = [k for k in range(degree, -1, -1) if k == degree or taps >> k & 1]
    return " + ".join("1" if k == 0 else "x" if k == 1 else f"x^{k}" for k in powers)


def crc_step(register: int, bit: int, degree: int, taps: int) -> int:
    """One bit of polynomial division, the register being the remainder so far."""
    product = register << 1
    if (register >> (degree - 1) & 1) != bit:
        product ^= taps
    return product & (1 << degree) - 1


def serial_crc(d: Draw) -> Problem:
    """A CRC register that takes one bit a cycle."""
    clocking = d.clocking(reset=1.0)
    degree, taps = _polynomial(d)
    start = d.choose(0, 0, (1 << degree) - 1, (1 << degree) - 1, d.random.getrandbits(degree))
    x, en = d.name("din", "bit_in", "data", "d"), d.name("en", "valid", "shift", "enable")
    init = d.name("init", "clr", "start", "restart") if d.chance(0.5) else ""
    crc, fb = d.name("crc", "crc_out", "checksum", "remainder"), d.name("fb", "feedback", "inv")
    top = f"{crc}[{degree - 1}]"
    declare = (
        [f"wire {fb} = {x} ^ {top};", ""]
        if d.chance(0.6)
        else [f"wire {fb};", f"assign {fb} = {top} ^ {x};", ""]
    )
    if d.chance(0.5):
        following = f"{{{crc}[{degree - 2}:0], 1'b0}} ^ ({fb} ? {degree}'h{taps:x} : {degree}'h0)"
        if d.chance(0.5):
            following = (
                f"{{{crc}[{degree - 2}:0], 1'b0}} ^ ({{{degree}{{{fb}}}}} & {degree}'h{taps:x})"
            )
        move = [f"{crc} <= {following};"]
    else:
        move = [f"{crc}[0] <= {fb};"]
        for k in range(1, degree):
            move.append(f"{crc}[{k}] <= {crc}[{k - 1}]{f' ^ {fb}' if taps >> k & 1 else ''};")
    load = [f"{crc} <= {degree}'h{start:x};"]
    run = d.branches((init, load), (en, move)) if init else d.branches((en, move))
    body = [*declare, *comment(d, _written(degree, taps)), *d.always_clocked(clocking, run, load)]

    def step(register: int, values: Values) -> int:
        if init and values[init]:
            return start
        return crc_step(register, values[x], degree, taps) if values[en] else register

    ports = [*d.clock_ports(clocking)]
    if init:
        ports.append(
            Port(init, "input", meaning=("starts a new checksum", "synchronous initialisation"))
        )
    ports += [
        Port(en, "input", meaning=("the data bit is valid", "enable, active high")),
        Port(x, "input", meaning=("data bit", "serial data")),
        Port(crc, "output", degree, ("CRC register", "remainder so far"), reg=True),
    ]
    facts: list[Words] = [
        (
            f"The generator polynomial is {_written(degree, taps)}.",
            f"A CRC with the polynomial {_written(degree, taps)} (0x{taps:x} without the highest "
            f"term) is computed.",
        ),
        (
            f"At each {edge(clocking)} with {en} high one data bit is taken.",
            f"{x} is taken at the {edge(clocking)} when {en} is 1; otherwise {crc} holds.",
        ),
        (
            f"The register moves one place to the left, with 0 coming in; if its highest bit "
            f"differs from {x}, 0x{taps:x} is then added modulo 2.",
            f"{crc} is shifted left by one (0 enters at bit 0), and XORed with 0x{taps:x} if {x} "
            f"XOR its old highest bit is 1.",
        ),
        d.reset_fact(clocking, f"{crc} is set to 0x{start:x}"),
    ]
    if init:
        facts.insert(
            3,
            (
                f"A high {init} at the edge sets {crc} to 0x{start:x} and has priority over {en}.",
                f"{init} loads the start value 0x{start:x}; the data bit of that edge is not used.",
            ),
        )
    return Problem(
        name=d.name("crc", "serial_crc", f"crc{degree}", f"crc{degree}_serial", "crc_gen"),
        ports=ports,
        body=body,
        phrases=[
            f"serial CRC-{degree} with the polynomial {_written(degree, taps)}, start value "
            f"0x{start:x}",
            f"bit-serial CRC generator of {degree} "
            f"bits{' with initialisation input' if init else ''}",
            f"cyclic redundancy check register for {_written(degree, taps)}",
        ],
        facts=facts,
        clocking=clocking,
        stimulus=lambda random, n: {
            x: random.getrandbits(1),
            en: int(random.random() < 0.85),
            **({init: int(random.random() < 0.04)} if init else {}),
        },
        behaviour=Behaviour(start=start, step=step, outputs=lambda s, v: {crc: s}),
    )


def crc_word(d: Draw) -> Problem:
    """A CRC over a whole word in one step: combinational, or in a register."""
    degree, taps = _polynomial(d)
    width, high_first = d.choose(4, 8, 8, 8, 16), d.chance(0.7)
    start = d.choose(0, (1 << degree) - 1)
    registered = d.chance(0.5)
    clocking = d.clocking(reset=1.0) if registered else None
    data = d.name("data", "din", "data_in", "byte_in")
    out = d.name("crc_out", "crc_next", "crc", "checksum")
    en = d.name("en", "valid", "data_valid") if registered else ""
    old = out if registered else d.name("crc_in", "crc_prev", "seed")
    i, c, fb = d.name("i", "k", "n"), d.name("c", "r", "work"), d.name("fb", "feedback")
    order = (
        f"{i} = {width - 1}; {i} >= 0; {i} = {i} - 1"
        if high_first
        else f"{i} = 0; {i} < {width}; {i} = {i} + 1"
    )
    function = d.chance(0.35)
    word = d.name("word", "bits", "value") if function else data
    shifted, top = f"{{{c}[{degree - 2}:0], 1'b0}}", f"{c}[{degree - 1}]"
    if d.chance(0.5):
        inner = [
            f"{fb} = {top} ^ {word}[{i}];",
            f"{c} = {shifted} ^ ({{{degree}{{{fb}}}}} & {degree}'h{taps:x});",
        ]
        declared = [f"reg {fb};"]
    else:
        divide = (f"{top} ^ {word}[{i}]", [f"{c} = {shifted} ^ {degree}'h{taps:x};"])
        inner, declared = d.branches(divide, ("", [f"{c} = {shifted};"])), []
    loop = d.block(f"for ({order})", inner)
    if function:
        name = d.name("next_crc", "crc_step", "update")
        body = [
            f"function {span(degree)}{name};",
            f"    input {span(degree)}{c}_in;",
            f"    input {span(width)}{word};",
            *(f"    {line}" for line in (f"integer {i};", f"reg {span(degree)}{c};", *declared)),
            "    begin",
            f"        {c} = {c}_in;",
            *(f"        {line}" for line in loop),
            f"        {name} = {c};",
            "    end",
            "endfunction",
            "",
        ]
        result = f"{name}({old}, {data})"
    else:
        body = [
            f"reg {span(degree)}{c};",
            *declared,
            f"integer {i};",
            "",
            *d.always_comb([f"{c} = {old};", *loop]),
            "",
        ]
        result = c
    if registered:
        body += d.always_clocked(
            clocking, d.branches((en, [f"{out} <= {result};"])), [f"{out} <= {degree}'h{start:x};"]
        )
    else:
        body.append(f"assign {out} = {result};")

    def over(register: int, word: int) -> int:
        for k in range(width - 1, -1, -1) if high_first else range(width):
            register = crc_step(register, word >> k & 1, degree, taps)
        return register

    end = "highest" if high_first else "lowest"
    facts: list[Words] = [
        (
            f"The polynomial is {_written(degree, taps)}; the {width} bits of {data} enter from "
            f"the {end} on.",
            f"The bits of {data} are divided by {_written(degree, taps)}, {end} bit first.",
        ),
        (
            f"For every bit the CRC is shifted left by one, and XORed with 0x{taps:x} if its "
            f"highest bit differed from the data bit.",
            f"One bit step: shift left with 0, then XOR 0x{taps:x} if the old highest bit XOR the "
            f"data bit is 1. All {width} steps are done at once.",
        ),
    ]
    if clocking:
        facts += [
            (
                f"At the {edge(clocking)} with {en} high, {out} advances by a whole word; "
                f"with {en} low it holds.",
                f"{out} is a register that takes in {data} at each {edge(clocking)} if {en} is 1.",
            ),
            d.reset_fact(clocking, f"{out} is set to 0x{start:x}"),
        ]
        ports = [
            *d.clock_ports(clocking),
            Port(en, "input", meaning=("the data word is valid", "enable, active high")),
            Port(data, "input", width, ("data word", "data to be checked")),
            Port(out, "output", degree, ("CRC register", "checksum"), reg=True),
        ]
    else:
        facts.append(
            (
                f"{out} is the CRC after {data} when {old} is the CRC before it; the circuit is "
                f"combinational.",
                f"The circuit computes, without a clock, the new CRC {out} from the old one, "
                f"{old}.",
            )
        )
        ports = [
            Port(old, "input", degree, ("CRC before the word", "old CRC")),
            Port(data, "input", width, ("data word", "data to be checked")),
            Port(out, "output", degree, ("CRC after the word", "new CRC")),
        ]
    kind = "registered" if registered else "combinational"
    return Problem(
        name=d.name(
            "crc_parallel", f"crc{degree}_d{width}", f"crc{degree}", "crc_word", "crc_update"
        ),
        ports=ports,
        body=body,
        phrases=[
            f"{kind} CRC-{degree} over {width}-bit words with the polynomial "
            f"{_written(degree, taps)}",
            f"parallel CRC step for {width} bits at once, {end} bit first",
            f"CRC of {degree} bits computed a word at a time",
        ],
        facts=facts,
        clocking=clocking,
        behaviour=Behaviour(
            start=start,
            step=(lambda s, v: over(s, v[data]) if v[en] else s) if registered else None,
            outputs=(lambda s, v: {out: s})
            if registered
            else (lambda s, v: {out: over(v[old], v[data])}),
        ),
        checks=60,
    )


def running_checksum(d: Draw) -> Problem:
    """Sum or XOR of the words of a packet."""
    clocking = d.clocking(reset=1.0)
    width, kind = d.width(4, 16), d.choose("sum", "xor", "ones", "negative")
    x, valid = d.name("din", "data", "word", "byte_in"), d.name("valid", "en", "data_valid", "wr")
    first, out = d.name("first", "sop", "start", "clr"), d.name("checksum", "sum", "check", "chk")
    base = d.choose(f"{first} ? {d.number(0, width)} : {out}", "")
    top = (1 << width) - 1
    head = []
    if kind == "ones":
        total, old = d.name("total", "wide", "sum_w"), d.name("old", "base", "prev")
        head = [
            f"wire {span(width)}{old} = {first} ? {d.number(0, width)} : {out};",
            f"wire {span(width + 1)}{total} = {old} + {x};",
            "",
        ]
        load = [f"{out} <= {total}[{width - 1}:0] + {total}[{width}];"]
    else:
        operator = {"sum": "+", "xor": "^", "negative": "-"}[kind]
        alone = {"sum": x, "xor": x, "negative": f"-{x}"}[kind]
        if base and kind != "negative":
            load = [f"{out} <= ({base}) {operator} {x};"]
        else:
            load = d.branches(
                (first, [f"{out} <= {alone};"]), ("", [f"{out} <= {out} {operator} {x};"])
            )
    body = [
        *head,
        *d.always_clocked(clocking, d.branches((valid, load)), [f"{out} <= {d.number(0, width)};"]),
    ]

    def step(check: int, values: Values) -> int:
        if not values[valid]:
            return check
        before, word = (0 if values[first] else check), values[x]
        if kind == "ones":
            return (before + word & top) + (before + word >> width)
        return {"sum": before + word, "xor": before ^ word, "negative": before - word}[kind] & top

    rule: Words = {
        "sum": (
            f"The checksum is the sum of the words modulo 2^{width}.",
            f"Words are added, and carries out of {width} bits are dropped.",
        ),
        "xor": (
            "The checksum is the bitwise XOR of the words.",
            "All words are XORed together, bit by bit.",
        ),
        "ones": (
            "The checksum is the sum of the words with end-around carry: a carry out of the "
            "highest bit is added at the lowest.",
            f"Words are added in one's complement arithmetic of {width} bits (carry out goes back "
            f"in at bit 0).",
        ),
        "negative": (
            f"The checksum is the two's complement of the sum of the words, modulo 2^{width}.",
            f"It is such that adding it to the sum of all words gives 0 modulo 2^{width}: every "
            f"word is subtracted.",
        ),
    }[kind]
    label = {
        "sum": "additive",
        "xor": "XOR",
        "ones": "one's complement",
        "negative": "negated additive",
    }[kind]
    return Problem(
        name=d.name(
            "checksum", f"checksum{width}", "running_checksum", "packet_check", f"{kind}_check"
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(valid, "input", meaning=("the word is valid", "data strobe")),
            Port(first, "input", meaning=("first word of a packet", "start of packet")),
            Port(x, "input", width, ("data word", "input data")),
            Port(out, "output", width, ("checksum so far", "running checksum"), reg=True),
        ],
        body=body,
        phrases=[
            f"{width}-bit running {label} checksum with start-of-packet input",
            f"{label} checksum over a stream of {width}-bit words",
            f"packet checksum unit for {width}-bit data",
        ],
        facts=[
            rule,
            (
                f"A word is taken at each {edge(clocking)} with {valid} high; otherwise "
                f"{out} holds.",
                f"{x} counts only when {valid} is 1 at the {edge(clocking)}.",
            ),
            (
                f"If {first} is high with a valid word, a new checksum begins with this word; "
                f"{first} without {valid} has no effect.",
                f"A valid word with {first} = 1 is the first of a packet: what was in {out} is "
                f"dropped. {first} matters only together with {valid}.",
            ),
            d.reset_fact(clocking, f"{out} is 0"),
        ],
        clocking=clocking,
        behaviour=Behaviour(start=0, step=step, outputs=lambda s, v: {out: s}),
        checks=60,
    )


FAMILIES = (
    serial_crc,
    crc_word,
    running_checksum,
)
