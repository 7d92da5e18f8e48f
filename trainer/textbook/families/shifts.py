"""Shifters and rotators without a clock."""

from __future__ import annotations

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import count_word
from trainer.textbook.families._common import drive
from trainer.textbook.families._words import circuit, output, part, remark
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    signed,
    unsigned,
)

_WORDS = ("in", "a", "data", "din", "d", "x", "data_in", "word", "value")

_AMOUNTS = ("amount", "amt", "shamt", "sh", "n", "shift", "s", "count")


def barrel_shifter(d: Draw) -> Problem:
    """Shift by a variable amount: left, right, arithmetic right, or either way by an input."""
    width = d.choose(4, 8, 8, 16, 16, 32)
    steps = width.bit_length() - 1
    a, n, y = d.name(*_WORDS), d.name(*_AMOUNTS), output(d)
    kind = d.choose("left", "right", "arithmetic", "either", "either")
    way = d.name("dir", "left", "right", "direction", "lr") if kind == "either" else ""
    left_on = int(way != "right") if way in ("left", "right") else d.choose(0, 1)
    symbol = {"left": "<<", "right": ">>", "arithmetic": ">>>"}.get(kind, "")
    operand = f"$signed({a})" if kind == "arithmetic" else a
    reg = False
    if kind == "either":
        first, second = (f"{a} << {n}", f"{a} >> {n}")[:: 1 if left_on else -1]
        if d.chance(0.5):
            body, reg = drive(d, y, f"{way} ? ({first}) : ({second})")
        else:
            arms = ((way, [f"{y} = {first};"]), ("", [f"{y} = {second};"]))
            body, reg = d.always_comb(d.branches(*arms)), True
    elif d.chance(0.35):
        body = _shift_stages(d, width, a, n, y, kind)
    elif kind == "arithmetic" and d.chance(0.4):
        # without >>>: the sign is put in front of the word before the shift
        long = d.name("wide", "extended", "ext", "tmp")
        body = [
            f"wire [{2 * width - 1}:0] {long} = {{{{{width}{{{a}[{width - 1}]}}}}, {a}}} >> {n};",
            f"assign {y} = {long}[{width - 1}:0];",
        ]
    else:
        body, reg = drive(d, y, f"{operand} {symbol} {n}")
    inputs = [
        Port(a, "input", width, ("data to be shifted", "data input")),
        Port(n, "input", steps, ("shift amount", f"number of places, 0 to {width - 1}")),
    ]
    filled = {
        "left": f"{y} is {a} shifted left by {n} places; zeros come in at the right.",
        "right": f"{y} is {a} shifted right by {n} places; zeros come in at the left.",
        "arithmetic": f"{y} is {a} shifted right by {n} places, and the sign bit"
        f" {a}[{width - 1}] fills the free places.",
    }
    other = {
        "left": f"The word {a} moves {n} bits towards the most significant end, filled with zeros.",
        "right": f"The word {a} moves {n} bits towards the least significant end, filled with zeros.",
        "arithmetic": f"This is an arithmetic right shift of {a} by {n}: copies of the most"
        f" significant bit come in from the left.",
    }
    if kind == "either":
        inputs.append(
            Port(way, "input", meaning=(f"direction, {left_on} is left", "shift direction"))
        )
        facts = [
            (
                f"If {way} is {left_on} the word {a} is shifted left by {n}, else right.",
                f"{way} = {left_on} means a shift to the left and {way} = {1 - left_on} one to the"
                f" right, each by {n} places.",
            ),
            ("Zeros are shifted in at the free end.", "Free places are filled with zeros."),
        ]
        title = "bidirectional logical barrel shifter"
        tell = "shifter for both directions"
    else:
        facts = [(filled[kind], other[kind])]
        title = {
            "left": "left barrel shifter",
            "right": "logical right barrel shifter",
            "arithmetic": "arithmetic right shifter",
        }[kind]
        tell = title.replace("barrel ", "") + " with variable amount"

    def function(v: Values) -> dict[str, int]:
        value, places = v[a], v[n]
        if kind == "arithmetic":
            return {y: unsigned(signed(value, width) >> places, width)}
        left = kind == "left" or (kind == "either" and v[way] == left_on)
        return {y: unsigned(value << places, width) if left else value >> places}

    return circuit(
        d,
        (
            "barrel_shifter",
            "shifter",
            f"shift{width}",
            "bshift",
            f"shifter_{width}bit",
            "var_shift",
        ),
        inputs,
        [Port(y, "output", width, ("shifted data", "result"), reg)],
        body,
        [
            f"{width}-bit {title}",
            f"combinational {tell} of {width} bits",
            f"{title} for {width}-bit data, shift by 0 to {width - 1}",
        ],
        facts,
        function,
    )


def _shift_stages(d: Draw, width: int, a: str, n: str, y: str, kind: str) -> Lines:
    """One row of multiplexers for each bit of the amount."""
    stem = d.choose("s", "stage", "t", "level")
    lines, source = remark(d, "each stage shifts by a power of two or not at all"), a
    steps = width.bit_length() - 1
    for step in range(steps):
        by = 1 << step
        target = y if step == steps - 1 else d.name(f"{stem}{step}")
        fill = f"{{{by}{{{a}[{width - 1}]}}}}" if kind == "arithmetic" else f"{by}'b0"
        high, low = part(source, width - 1, by), part(source, width - 1 - by, 0)
        moved = {
            "left": f"{{{low}, {fill}}}",
            "rotate left": f"{{{low}, {part(source, width - 1, width - by)}}}",
            "rotate right": f"{{{part(source, by - 1, 0)}, {high}}}",
        }.get(kind, f"{{{fill}, {high}}}")
        head = f"assign {y}" if target == y else f"wire [{width - 1}:0] {target}"
        lines.append(f"{head} = {n}[{step}] ? {moved} : {source};")
        source = target
    return lines


def rotator(d: Draw) -> Problem:
    """Rotate by a variable amount."""
    width = d.choose(4, 8, 8, 16, 16, 32)
    steps = width.bit_length() - 1
    a, n, y = d.name(*_WORDS), d.name(*_AMOUNTS, "rot"), output(d)
    left = d.chance(0.5)
    style = (
        d.choose("or", "double", "stages", "case")
        if width <= 8
        else d.choose("or", "double", "stages")
    )
    reg = False
    if style == "or":
        there, back = ("<<", ">>") if left else (">>", "<<")
        body, reg = drive(d, y, f"({a} {there} {n}) | ({a} {back} ({width} - {n}))")
    elif style == "double":
        long = d.name("twice", "dbl", "double", "wide")
        moved = f"{{{a}, {a}}} {'<<' if left else '>>'} {n}"
        half = f"[{2 * width - 1}:{width}]" if left else f"[{width - 1}:0]"
        body = [f"wire [{2 * width - 1}:0] {long} = {moved};", f"assign {y} = {long}{half};"]
    elif style == "stages":
        body = _shift_stages(d, width, a, n, y, "rotate left" if left else "rotate right")
    else:
        arms = []
        for k in range(width):
            cut = width - k if left else k
            value = f"{{{part(a, cut - 1, 0)}, {part(a, width - 1, cut)}}}" if k else a
            arms.append((f"{steps}'d{k}", [f"{y} = {value};"]))
        if d.chance(0.4):
            arms[-1] = ("default", arms[-1][1])
        body, reg = d.always_comb(d.case(n, arms)), True
    way, off = ("left", "most") if left else ("right", "least")
    end = "least" if left else "most"

    def function(v: Values) -> dict[str, int]:
        k = v[n] if left else -v[n] % width
        return {y: unsigned(v[a] << k | v[a] >> (width - k), width)}

    return circuit(
        d,
        (
            f"rotate_{way}",
            "rotator",
            f"rot{way[0]}",
            f"ro{way[0]}{width}",
            f"rotate{width}",
            "barrel_rot",
        ),
        [
            Port(a, "input", width, ("data to be rotated", "data input")),
            Port(n, "input", steps, ("number of places", "rotate amount")),
        ],
        [Port(y, "output", width, ("rotated data", "result"), reg)],
        body,
        [
            f"{width}-bit {way} rotator",
            f"barrel rotator that turns {width} bits to the {way} by a variable amount",
            f"{way} rotate unit for {width}-bit words",
        ],
        [
            (
                f"{y} is {a} rotated {way} by {n} places.",
                f"The bits of {a} move {n} places to the {way}; those that leave at the {off}"
                f" significant end come back at the {end} significant end.",
                f"{a} is turned to the {way} by {n} bits and no bit is lost.",
            )
        ],
        function,
    )


def constant_shift(d: Draw) -> Problem:
    """Shift or rotate by a fixed amount."""
    width = d.width(4, 32)
    by = d.integer(1, min(width - 1, 8))
    a, y = d.name(*_WORDS), output(d)
    kind = d.choose("left", "right", "arithmetic right", "left rotate", "right rotate", "left ones")
    top = width - 1
    high, low = part(a, top, by), part(a, top - by, 0)
    joins = {
        "left": f"{{{low}, {by}'b0}}",
        "right": f"{{{by}'b0, {high}}}",
        "arithmetic right": f"{{{{{by}{{{a}[{top}]}}}}, {high}}}",
        "left rotate": f"{{{low}, {part(a, top, width - by)}}}",
        "right rotate": f"{{{part(a, by - 1, 0)}, {high}}}",
        "left ones": f"{{{low}, {{{by}{{1'b1}}}}}}",
    }
    operators = {
        "left": f"{a} << {by}",
        "right": f"{a} >> {by}",
        "arithmetic right": f"$signed({a}) >>> {by}",
        "left rotate": f"({a} << {by}) | ({a} >> {width - by})",
        "right rotate": f"({a} >> {by}) | ({a} << {width - by})",
    }
    value = operators[kind] if kind in operators and d.chance(0.5) else joins[kind]
    body, reg = drive(d, y, value)
    places = "one place" if by == 1 else f"{count_word(by)} places"
    verbs = {
        "left": f"shifted left by {places} with zeros coming in",
        "right": f"shifted right by {places} with zeros coming in",
        "arithmetic right": f"shifted right by {places} with the sign bit {a}[{top}] kept",
        "left rotate": f"rotated left by {places}",
        "right rotate": f"rotated right by {places}",
        "left ones": f"shifted left by {places} with ones coming in",
    }
    titles = {
        "left": "logical left shift",
        "right": "logical right shift",
        "arithmetic right": "arithmetic right shift",
        "left rotate": "left rotation",
        "right rotate": "right rotation",
        "left ones": "left shift filled with ones",
    }

    def function(v: Values) -> dict[str, int]:
        x = v[a]
        if kind == "arithmetic right":
            return {y: unsigned(signed(x, width) >> by, width)}
        results = {
            "left": x << by,
            "right": x >> by,
            "left rotate": x << by | x >> (width - by),
            "right rotate": x >> by | x << (width - by),
            "left ones": x << by | ((1 << by) - 1),
        }
        return {y: unsigned(results[kind], width)}

    return circuit(
        d,
        (f"shift_by_{by}", "const_shift", "fixed_shift", f"shift{by}", "shift_fixed", "move_bits"),
        [Port(a, "input", width, ("data input", "input word"))],
        [Port(y, "output", width, ("shifted data", "result"), reg)],
        body,
        [
            f"{width}-bit {titles[kind]} by {by}",
            f"fixed {titles[kind]} of {width} bits by {places}",
            f"combinational {titles[kind]}, {places}, {width} bits wide",
        ],
        [
            (
                f"{y} is {a} {verbs[kind]}.",
                f"The {width}-bit word {a} appears on {y}, {verbs[kind]}.",
                f"{y} = {joins[kind]}.",
            )
        ],
        function,
    )


FAMILIES = (
    barrel_shifter,
    rotator,
    constant_shift,
)
