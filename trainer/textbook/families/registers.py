"""Registers: with load enable, with byte enables, with several operations."""

from __future__ import annotations

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.families._common import Size, comment, edge, size
from trainer.textbook.families._register import always, register
from trainer.textbook.families._timing import clocked, constant, control, features, plus
from trainer.textbook.problem import Behaviour, Port, Problem, Values

_DATA = ("d", "din", "data", "data_in", "D", "d_i", "in_data", "wdata")
_Q = ("q", "dout", "data_out", "out", "Q", "q_o", "rdata", "result")
_STORED = ("stored value", "register contents", "current contents of the register")


def enable_register(d: Draw) -> Problem:
    """A word with load enable, optional synchronous clear and any reset value."""
    clocking, width = d.clocking(reset=0.8), size(d, 2, 32)
    load = control(
        d, "en", "load", "we", "ld", "wr_en", "enable", "ce", meaning="load enable", low=0.15
    )
    clear = control(d, "clr", "clear_reg", "sclr", meaning="synchronous clear", probability=0.25)
    data, q = d.name(*_DATA), d.name(*_Q)
    start = (
        d.choose(0, 0, 0, width.mask, d.integer(0, min(width.mask, 255))) if clocking.reset else 0
    )
    clear_arm = [(clear.condition(d), constant(d, 0, width))] if clear.name else []
    body, reg = register(
        d,
        clocking,
        q,
        width,
        lambda own: [*clear_arm, (load.condition(d), data)],
        constant(d, start, width) if clocking.reset else "",
    )

    def step(s: int | None, v: Values) -> int | None:
        if clear.name and clear.on(v):
            return 0
        return v[data] if load.on(v) else s

    suffix = features(d, clocking, "load enable", clear.called("synchronous clear"))
    facts = [
        (
            f"On the {edge(clocking)}, {data} is stored{load.clause()}.",
            f"{q} takes the value of {data} at each {edge(clocking)}{load.clause('at which')}.",
            f"If {load.name} is {load.level} at the {edge(clocking)}, the register is loaded from "
            f"{data}.",
        ),
        *load.holds("the register"),
    ]
    if clear.name:
        facts.append(
            (
                f"{clear.name} (active {clear.level}) clears the register at the clock edge and "
                f"has priority over {load.name}.",
                f"A synchronous clear, {clear.name} {clear.level}, overrides loading and writes 0.",
            )
        )
    return clocked(
        d,
        clocking,
        (
            "register",
            f"reg{width.bits}",
            "reg_en",
            "load_register",
            f"register_{width.bits}bit",
            "data_reg",
        ),
        [
            width.port(data, ("data input", "value to store")),
            *load.ports,
            *clear.ports,
            width.output(q, _STORED, reg),
        ],
        body,
        [
            f"{width.bits}-bit register{suffix}",
            f"{width.bits}-bit register that loads when {load.name} is {load.level}",
            f"{width.bits}-bit storage register",
        ],
        facts,
        Behaviour(start=start if clocking.reset else None, step=step, outputs=lambda s, v: {q: s}),
        at_reset=f"the register is set to {start}",
        width=width,
        checks=50,
    )


def byte_enable_register(d: Draw) -> Problem:
    """Parts of a word that are written independently of each other."""
    clocking = d.clocking(reset=1.0)
    lane = d.choose(4, 8, 8, 8, 16)
    lanes = d.choose(2, 2, 4) if lane < 16 else 2
    width, mask = Size(lane * lanes), (1 << lane) - 1
    data, q = d.name(*_DATA), d.name(*_Q)
    strobe = d.name("be", "byteena", "wstrb", "byte_en", "we", "mask", "wmask")
    write = control(d, "wr", "we", "write", "wen", "load", meaning="write enable", probability=0.35)
    unit = {4: "nibble", 8: "byte", 16: "half-word"}[lane]
    zero = [f"{q} <= {constant(d, 0, width)};"]
    i = d.name("i", "k", "lane", "b")
    if d.chance(0.3):
        part = f"{q}[{lane}*{i} +: {lane}] <= {data}[{lane}*{i} +: {lane}];"
        loop = d.block(
            f"for ({i} = 0; {i} < {lanes}; {i} = {i} + 1)", d.branches((f"{strobe}[{i}]", [part]))
        )
        body = [f"integer {i};", "", *always(d, clocking, [(write.condition(d), loop)], zero)]
    else:
        run: Lines = []
        for n in range(lanes):
            bits = f"[{lane * n + lane - 1}:{lane * n}]"
            run += d.branches((f"{strobe}[{n}]", [f"{q}{bits} <= {data}{bits};"]))
        body = always(d, clocking, [(write.condition(d), run)], zero)

    def step(s: int, v: Values) -> int:
        if not write.on(v):
            return s
        keep = sum(mask << lane * n for n in range(lanes) if not v[strobe] >> n & 1)
        return s & keep | v[data] & ~keep & width.mask

    return clocked(
        d,
        clocking,
        (
            f"{unit.replace('-', '')}_enable_reg",
            "be_reg",
            "strobe_register",
            "masked_reg",
            f"reg{width.bits}_be",
        ),
        [
            Port(data, "input", width.bits, ("data input", "word to write")),
            *write.ports,
            Port(
                strobe,
                "input",
                lanes,
                (f"{unit} enables, one bit per {unit}", f"{unit} write strobes"),
            ),
            Port(q, "output", width.bits, _STORED, True),
        ],
        [*comment(d, f"One enable per {unit}"), *body],
        [
            f"{width.bits}-bit register with {lanes} {unit} enables"
            + (f" and {d.reset_phrase(clocking)}"),
            f"{width.bits}-bit register whose {unit}s are written separately",
            f"register of {lanes} {unit}s with write strobes",
        ],
        [
            (
                f"At the {edge(clocking)}, {unit} i of {data} is stored in {unit} i of {q} if bit "
                f"i of {strobe} is 1{write.clause('and')}.",
                f"Each bit of {strobe} enables the writing of one {unit}, on the "
                f"{edge(clocking)}{write.clause('while')}.",
            ),
            (
                f"Bit 0 of {strobe} belongs to the {unit} in bits {lane - 1} to 0.",
                f"{strobe}[0] is for {q}[{lane - 1}:0], and so on upwards.",
            ),
            (f"A {unit} that is not enabled keeps its value.", f"The other {unit}s do not change."),
            *write.holds("the register"),
        ],
        Behaviour(start=0, step=step, outputs=lambda s, v: {q: s}),
        at_reset="all bits are cleared",
    )


def multi_source_register(d: Draw) -> Problem:
    """A register that an operation code loads, clears, inverts, increments and so on."""
    clocking, width = d.clocking(reset=1.0), size(d, 3, 16)
    data, q = d.name(*_DATA), d.name(*_Q)
    op = d.name("op", "mode", "sel", "func", "cmd", "ctrl")
    mask, top = width.mask, width.bits - 1
    operations = {
        "keeps its value": (q, lambda s, x: s),
        f"loads {data}": (data, lambda s, x: x),
        "is cleared": (constant(d, 0, width), lambda s, x: 0),
        "is inverted bit by bit": (f"~{q}", lambda s, x: ~s),
        "goes up by one": (plus(d, q, width), lambda s, x: s + 1),
        "goes down by one": (plus(d, q, width, sign="-"), lambda s, x: s - 1),
        f"is XORed with {data}": (f"{q} ^ {data}", lambda s, x: s ^ x),
        f"is ANDed with {data}": (f"{q} & {data}", lambda s, x: s & x),
        f"is ORed with {data}": (f"{q} | {data}", lambda s, x: s | x),
        f"has {data} added": (f"{q} + {data}", lambda s, x: s + x),
        "is doubled (shifted left by one, zero fill)": (f"{q} << 1", lambda s, x: s << 1),
        "is halved (shifted right by one, zero fill)": (f"{q} >> 1", lambda s, x: s >> 1),
        "is rotated left by one": (
            f"{{{q}[{width.last}-1:0], {q}[{width.last}]}}"
            if width.parameter
            else f"{{{q}[{top - 1}:0], {q}[{top}]}}",
            lambda s, x: s << 1 | s >> top,
        ),
    }
    texts = d.random.sample(list(operations), d.choose(4, 4, 8))
    code = (len(texts) - 1).bit_length()
    arms = [(d_code(code, n), [f"{q} <= {operations[text][0]};"]) for n, text in enumerate(texts)]
    arms[-1] = ("default" if d.chance(0.6) else arms[-1][0], arms[-1][1])
    run = d.case(op, arms)
    body = d.always_clocked(clocking, run, [f"{q} <= {constant(d, 0, width)};"])
    words = "; ".join(f"{n:0{code}b}: it {text}" for n, text in enumerate(texts))
    return clocked(
        d,
        clocking,
        ("op_register", "multi_reg", "function_reg", "alu_register", "mode_register", "work_reg"),
        [
            Port(op, "input", code, ("operation", "operation code")),
            width.port(data, ("data input", "operand")),
            width.output(q, _STORED, True),
        ],
        body,
        [
            f"{width.bits}-bit register with {len(texts)} operations selected by {op}",
            f"{width.bits}-bit register that can do {len(texts)} things with its contents",
            f"register with a {code}-bit operation input",
        ],
        [
            (
                f"At each {edge(clocking)}, {op} says what happens to the register. {words}.",
                f"The register changes on the {edge(clocking)} according to {op}, in binary: "
                f"{words}.",
            ),
            (f"Results are cut to {width.bits} bits.", f"All arithmetic is modulo {mask + 1}."),
        ],
        Behaviour(
            start=0,
            step=lambda s, v: operations[texts[v[op]]][1](s, v[data]) & mask,
            outputs=lambda s, v: {q: s},
        ),
        at_reset="the register becomes 0",
        width=width,
    )


def d_code(width: int, number: int) -> str:
    """A case label in binary."""
    return f"{width}'b{number:0{width}b}"


FAMILIES = (enable_register, byte_enable_register, multi_source_register)
