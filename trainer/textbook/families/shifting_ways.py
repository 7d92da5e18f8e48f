"""Shift registers that go both ways, load, hold or rotate."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import Size, comment, edge, size
from trainer.textbook.families._register import Arm, move, moved, register
from trainer.textbook.families._timing import clocked, constant, control, enabling, features
from trainer.textbook.problem import Behaviour, Port, Problem, Values

_Q = ("q", "q", "shift_reg", "data", "Q", "dout", "par_out", "sr")
_SERIAL = ("si", "sin", "serial_in", "d", "din", "in_bit", "ser_in")


def bidirectional_shift(d: Draw) -> Problem:
    """A shift register that an input turns round, with one serial input or two."""
    clocking, width = d.clocking(reset=1.0), size(d, 3, 12)
    enable = enabling(d, "shift enable", 0.4)
    left_is_one = d.chance(0.6)
    way = (
        d.name("dir", "left", "direction", "lr")
        if left_is_one
        else d.name("dir", "right", "direction", "rl")
    )
    separate = d.chance(0.4)
    if separate:
        for_left, for_right = (
            d.name("sin_left", "sil", "left_in", "sl"),
            d.name("sin_right", "sir", "right_in", "sr_in"),
        )
    else:
        for_left = for_right = d.name(*_SERIAL)
    q = d.name(*_Q)

    def arms(own: str) -> list[Arm]:
        pair = (
            [(way, True), (f"!{way}", False)] if left_is_one else [(way, False), (f"!{way}", True)]
        )
        texts = [
            (condition, moved(own, width, left, for_left if left else for_right))
            for condition, left in pair
        ]
        both = [texts[0], ("", texts[1][1])]
        if not enable.name:
            return both
        return [(enable.condition(d), f"{way} ? {texts[0][1]} : {texts[1][1]}")]

    body, reg = register(d, clocking, q, width, arms, constant(d, 0, width))

    def step(s: int, v: Values) -> int:
        left = bool(v[way]) == left_is_one
        return move(s, width, left, v[for_left if left else for_right]) if enable.on(v) else s

    one, zero = ("left", "right") if left_is_one else ("right", "left")
    inputs = [for_left, for_right] if separate else [for_left]
    meanings = (
        ("serial input for left shifts", "serial input for right shifts")
        if separate
        else ("serial input",)
    )
    return clocked(
        d,
        clocking,
        (
            "bidir_shift",
            "shift_lr",
            "bidirectional_shift_reg",
            "shift_both",
            f"lr_shift{width.bits}",
        ),
        [
            Port(
                way,
                "input",
                meaning=(f"direction: 1 shifts {one}, 0 shifts {zero}", "shift direction"),
            ),
            *enable.ports,
            *(
                Port(name, "input", meaning=text)
                for name, text in zip(inputs, meanings, strict=True)
            ),
            width.output(q, ("contents of the register", "parallel output"), reg),
        ],
        body,
        [
            f"{width.bits}-bit bidirectional shift "
            f"register{features(d, clocking, enable.called('enable'))}",
            f"{width.bits}-bit shift register that shifts {one} if {way} is 1 and {zero} if it is "
            "0",
            f"left/right shift register of {width.bits} bits",
        ],
        [
            (
                f"At the {edge(clocking)}{enable.clause()}, the register shifts {one} by one "
                f"place if {way} is 1, and {zero} if it is 0.",
                f"{way} = 1 shifts {one} and {way} = 0 shifts {zero}, one place per "
                f"{edge(clocking)}{enable.clause('at which')}.",
            ),
            (
                f"On a left shift {for_left} enters at bit 0, on a right shift {for_right} at bit "
                f"{width.bits - 1}.",
                f"A left shift fills bit 0 from {for_left}; a right shift fills bit "
                f"{width.bits - 1} from {for_right}.",
            ),
            *enable.holds("the register"),
        ],
        Behaviour(start=0, step=step, outputs=lambda s, v: {q: s}),
        at_reset="the register is cleared",
        width=width,
    )


def universal_shift(d: Draw) -> Problem:
    """Hold, shift right, shift left, load, by a two-bit mode in a drawn order."""
    clocking, width = d.clocking(reset=1.0), size(d, 3, 12)
    mode = d.name("mode", "sel", "s", "op", "ctrl")
    x, q = d.name("d", "par_in", "data", "din", "p"), d.name(*_Q)
    to_left, to_right = (
        d.name("sin_l", "sl", "ser_left", "left_in"),
        d.name("sin_r", "sr_in", "ser_right", "right_in"),
    )
    order = ["hold", "right", "left", "load"]
    if d.chance(0.5):
        d.random.shuffle(order)
    texts = {
        "hold": q,
        "right": moved(q, width, False, to_right),
        "left": moved(q, width, True, to_left),
        "load": x,
    }
    arms = [(f"2'b{n:02b}", [f"{q} <= {texts[what]};"]) for n, what in enumerate(order)]
    if d.chance(0.6):
        arms[-1] = ("default", arms[-1][1])
    body = d.always_clocked(clocking, d.case(mode, arms), [f"{q} <= {constant(d, 0, width)};"])

    def step(s: int, v: Values) -> int:
        what = order[v[mode]]
        if what == "left":
            return move(s, width, True, v[to_left])
        if what == "right":
            return move(s, width, False, v[to_right])
        return v[x] if what == "load" else s

    words = {
        "hold": "holds",
        "right": f"shifts right ({to_right} enters at bit {width.bits - 1})",
        "left": f"shifts left ({to_left} enters at bit 0)",
        "load": f"loads {x}",
    }
    table = ", ".join(f"{n:02b} {words[what]}" for n, what in enumerate(order))
    return clocked(
        d,
        clocking,
        (
            "universal_shift",
            "univ_shift_reg",
            "universal_shift_register",
            f"usr{width.bits}",
            "shift_universal",
        ),
        [
            Port(mode, "input", 2, ("operation", "mode select")),
            Port(to_left, "input", meaning=("serial input for left shifts",)),
            Port(to_right, "input", meaning=("serial input for right shifts",)),
            width.port(x, ("parallel data", "parallel input")),
            width.output(q, ("contents of the register", "parallel output"), True),
        ],
        [*comment(d, ", ".join(f"{n}: {what}" for n, what in enumerate(order))), *body],
        [
            f"{width.bits}-bit universal shift register{features(d, clocking)}",
            f"{width.bits}-bit register that holds, shifts left, shifts right or loads",
            "universal shift register with two-bit mode",
        ],
        [
            (
                f"At each {edge(clocking)} the register acts on {mode}, in binary: {table}.",
                f"The mode {mode} selects what it does on the {edge(clocking)}: {table}.",
            ),
        ],
        Behaviour(start=0, step=step, outputs=lambda s, v: {q: s}),
        at_reset="all bits become 0",
        width=width,
    )


def rotating_register(d: Draw) -> Problem:
    """Loaded in parallel, then rotated or arithmetically shifted by a constant."""
    clocking, width = d.clocking(reset=0.7), Size(d.width(3, 16))
    bits = width.bits
    load = control(d, "load", "ld", "wr", meaning="parallel load", low=0.1)
    turn = enabling(d, "shift enable", 0.7)
    x, q = d.name("d", "data", "din", "data_in"), d.name(*_Q)
    kind = d.choose("rotate left", "rotate right", "arithmetic", "logical right", "logical left")
    by = d.integer(1, min(4, bits - 1)) if d.chance(0.5) else 1

    def text(own: str) -> str:
        low, high = f"{own}[{by - 1}:0]", f"{own}[{bits - 1}:{bits - by}]"
        if by == 1:
            low, high = f"{own}[0]", f"{own}[{bits - 1}]"
        upper, lower = f"{own}[{bits - 1}:{by}]", f"{own}[{bits - by - 1}:0]"
        if by == bits - 1:
            upper, lower = f"{own}[{bits - 1}]", f"{own}[0]"
        return {
            "rotate left": f"{{{lower}, {high}}}",
            "rotate right": f"{{{low}, {upper}}}",
            "arithmetic": f"{{{{{by}{{{own}[{bits - 1}]}}}}, {upper}}}",
            "logical right": d.choose(f"{{{by}'b0, {upper}}}", f"{own} >> {by}"),
            "logical left": d.choose(f"{{{lower}, {by}'b0}}", f"{own} << {by}"),
        }[kind]

    body, reg = register(
        d,
        clocking,
        q,
        width,
        lambda own: [(load.condition(d), x), (turn.condition(d), text(own))],
        constant(d, 0, width) if clocking.reset else "",
    )

    def once(s: int) -> int:
        if kind.startswith("rotate"):
            return move(
                s,
                width,
                kind.endswith("left"),
                s & 1 if kind.endswith("right") else s >> (bits - 1),
            )
        return move(s, width, kind.endswith("left"), s >> (bits - 1) if kind == "arithmetic" else 0)

    def step(s: int | None, v: Values) -> int | None:
        if load.on(v):
            return v[x]
        if s is None or not turn.on(v):
            return s
        for _ in range(by):
            s = once(s)
        return s

    places = "one place" if by == 1 else f"{by} places"
    done = {
        "rotate left": f"rotates left by {places}; bits that leave at the top come in again at the bottom",
        "rotate right": f"rotates right by {places}; bits that leave at the bottom come in again at the top",
        "arithmetic": f"shifts right arithmetically by {places}; the sign bit {bits - 1} is replicated",
        "logical right": f"shifts right by {places} with zeros coming in at the top",
        "logical left": f"shifts left by {places} with zeros coming in at the bottom",
    }[kind]
    noun = {
        "rotate left": "rotate-left register",
        "rotate right": "rotate-right register",
        "arithmetic": "arithmetic right shift register",
        "logical right": "logical right shift register",
        "logical left": "logical left shift register",
    }[kind]
    return clocked(
        d,
        clocking,
        (
            noun.replace(" ", "_").replace("-", "_"),
            "shifter",
            "shift_load",
            f"shift_by{by}",
            "load_shift",
        ),
        [
            *load.ports,
            *turn.ports,
            width.port(x, ("parallel data", "value to load")),
            width.output(q, ("contents of the register", "register"), reg),
        ],
        body,
        [
            f"{bits}-bit {noun} by "
            f"{places}{features(d, clocking, 'parallel load', turn.called('enable'))}",
            f"{bits}-bit {noun} with load",
            f"{bits}-bit register that can be loaded and "
            f"{'rotated' if 'rotate' in kind else 'shifted'} by {places}",
        ],
        [
            (
                f"If {load.name} is {load.level} at the {edge(clocking)}, {x} is loaded.",
                f"{load.name} (active {load.level}) loads {x} into the register on the "
                f"{edge(clocking)}.",
            ),
            (
                f"Otherwise, at each clock edge{turn.clause('at which')}, the register {done}.",
                f"Without a load it {done}; this happens once per clock cycle{turn.clause()}.",
            ),
            *(["Loading has priority."] if turn.name else []),
            *turn.holds("the register, unless loaded,"),
        ],
        Behaviour(start=0 if clocking.reset else None, step=step, outputs=lambda s, v: {q: s}),
        at_reset="the register becomes 0",
    )


FAMILIES = (bidirectional_shift, universal_shift, rotating_register)
