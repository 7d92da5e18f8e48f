"""Moving bits about: reversal, permutation, extension, masks, single bits."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.english import count_word, listing
from trainer.textbook.families._common import drive, drive_all
from trainer.textbook.families._words import circuit, generate, loop, output
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    signed,
    unsigned,
)

_WORDS = ("in", "a", "data", "din", "d", "x", "data_in", "word", "value")


def bit_reverse(d: Draw) -> Problem:
    """Bits, or groups of bits, in the opposite order."""
    group = d.choose(1, 1, 1, 4, 8, 8, 2)
    count = d.integer(3, 16) if group == 1 else d.choose(2, 3, 4, 4, 8 if group < 8 else 2)
    width = group * count
    a, y = d.name(*_WORDS), output(d)
    thing = {1: "bit", 2: "bit pair", 4: "nibble", 8: "byte"}[group]
    slices = [f"{a}[{n * group + group - 1}:{n * group}]" for n in range(count)]
    if group == 1:
        slices = [f"{a}[{n}]" for n in range(count)]
    style = d.choose("concat", "concat", "generate", "loop")
    reg = False
    if style == "concat" and count <= 8:
        body, reg = drive(d, y, f"{{{', '.join(slices)}}}")
    elif style == "loop":
        i = d.name("i", "k")
        if group == 1:
            step = f"{y}[{i}] = {a}[{width - 1} - {i}];"
        else:
            step = f"{y}[{i} * {group} +: {group}] = {a}[({count - 1} - {i}) * {group} +: {group}];"
        body, reg = [f"integer {i};", *d.always_comb(loop(i, str(count), [step]))], True
    elif group == 1:
        body = generate(
            d, str(count), lambda i: [f"assign {y}[{i}] = {a}[{width - 1} - {i}];"], "rev"
        )
    else:
        body = generate(
            d,
            str(count),
            lambda i: [
                f"assign {y}[{i}*{group} +: {group}] = {a}[({count - 1} - {i})*{group} +: {group}];"
            ],
            "swap",
        )

    def function(v: Values) -> dict[str, int]:
        digits = f"{v[a]:0{width}b}"
        pieces = [digits[n : n + group] for n in range(0, width, group)]
        return {y: int("".join(reversed(pieces)), 2)}

    names = ("bit_reverse", "reverse_bits", f"reverse{width}", "bitrev", "mirror")
    if group > 1:
        stem = thing.split()[-1]
        names = (f"{stem}_swap", f"{stem}_reverse", f"swap_{stem}s", f"swap{width}", "endian_swap")
    return circuit(
        d,
        names,
        [Port(a, "input", width, ("data input", "input word"))],
        [Port(y, "output", width, (f"data with its {thing}s reversed", "reversed data"), reg)],
        body,
        [
            f"{width}-bit {thing} reversal",
            f"circuit that reverses the order of the {count} {thing}s of one word",
            f"{thing} swapper for {width}-bit words"
            if group > 1
            else f"{width}-bit mirror of bits",
        ],
        [
            (
                f"{y} has the {thing}s of {a} in opposite order; within a group nothing changes."
                if group > 1
                else f"{y} has the bits of {a} in opposite order: {y}[0] is {a}[{width - 1}].",
                f"The most significant {thing} of {a} becomes the least significant one of {y}, and"
                f" so on for all {count_word(count)} {thing}s.",
                f"{y} is the concatenation of {slices[0]} first (most significant) up to"
                f" {slices[-1]} last.",
            )
        ],
        function,
    )


def bit_permutation(d: Draw) -> Problem:
    """A drawn rewiring of the bits, some of them inverted in some draws."""
    width = d.integer(4, 8)
    a, y = d.name(*_WORDS), output(d)
    order = list(range(width))
    d.random.shuffle(order)  # order[n]: the bit of a that drives y[n]
    inverted = [d.chance(0.3) for _ in order] if d.chance(0.4) else [False] * width
    terms = [f"{'~' if low else ''}{a}[{n}]" for n, low in zip(order, inverted, strict=True)]
    reg = False
    if d.chance(0.5):
        body, reg = drive(d, y, f"{{{', '.join(reversed(terms))}}}")
    else:
        body, reg = drive_all(d, [(f"{y}[{n}]", term) for n, term in enumerate(terms)])
    words = [
        f"{y}[{n}] = {'not ' if low else ''}{a}[{source}]"
        for n, (source, low) in enumerate(zip(order, inverted, strict=True))
    ]
    wires = ", ".join(str(n) for n in reversed(order))
    some = " with some bits inverted" if any(inverted) else ""
    return circuit(
        d,
        ("permute", "bit_permute", "perm", "scramble", "rewire", "pbox", "bit_shuffle"),
        [Port(a, "input", width, ("data input", "input bits"))],
        [Port(y, "output", width, ("rearranged bits", "permuted data"), reg)],
        body,
        [
            f"{width}-bit permutation{some}: {', '.join(words)}",
            f"permutation box of {width} bits{some} where {listing(words)}",
            f"{width}-bit rewiring{some}, outputs driven from the top down by the input bits {wires}",
        ],
        [
            (
                f"The outputs are wired to the inputs so: {', '.join(words)}.",
                f"{listing(words)}.",
            )
        ],
        lambda v: {y: sum((v[a] >> order[n] & 1 ^ inverted[n]) << n for n in range(width))},
    )


def extension(d: Draw) -> Problem:
    """Sign or zero extension, fixed or chosen by an input."""
    narrow = d.choose(4, 8, 8, 16, 5, 6, 12)
    wide = d.choose(*(w for w in (8, 12, 16, 24, 32, 64) if w > narrow))
    a, y = d.name("in", "a", "imm", "data", "x", "din", "imm_in"), output(d)
    more = wide - narrow
    kind = d.choose("sign", "sign", "zero", "either")
    ext = f"{{{{{more}{{{a}[{narrow - 1}]}}}}, {a}}}"
    zero = f"{{{more}'b0, {a}}}"
    reg = False
    inputs = [Port(a, "input", narrow, ("input word", f"{narrow}-bit value"))]
    if kind == "either":
        sel = d.name("sign", "is_signed", "sext", "ext_op", "signed_en")
        inputs.append(Port(sel, "input", meaning=("1 extends the sign, 0 zeros", "extension mode")))
        if d.chance(0.5):
            value = f"{{{{{more}{{{sel} & {a}[{narrow - 1}]}}}}, {a}}}"
        else:
            value = f"{sel} ? {ext} : {zero}"
        body, reg = drive(d, y, value)
    else:
        sel = ""
        short = f"$signed({a})" if kind == "sign" else a
        body, reg = drive(d, y, d.choose(ext if kind == "sign" else zero, short))
    facts = {
        "sign": (
            f"{y} is {a} extended to {wide} bits by copies of its sign bit {a}[{narrow - 1}].",
            f"{a} is a two's complement number and {y} the same number in {wide} bits.",
        ),
        "zero": (
            f"{y} is {a} with {more} zeros in front.",
            f"The unsigned number {a} is extended to {wide} bits with zeros.",
        ),
        "either": (
            f"If {sel} is 1, {a} is sign-extended to {wide} bits, otherwise it is extended by zeros.",
            f"The upper {more} bits of {y} are copies of {a}[{narrow - 1}] when {sel} is high and"
            f" zeros when it is low; the lower {narrow} bits are {a}.",
        ),
    }[kind]
    title = {
        "sign": "sign extension",
        "zero": "zero extension",
        "either": "sign or zero extension",
    }[kind]

    def function(v: Values) -> dict[str, int]:
        with_sign = kind == "sign" or (kind == "either" and v[sel])
        return {y: unsigned(signed(v[a], narrow), wide) if with_sign else v[a]}

    return circuit(
        d,
        (
            title.replace(" ", "_").replace("sign_or_zero_", "") + "_unit",
            f"{kind}_ext",
            "extender",
            "extend",
            f"ext{narrow}to{wide}",
            "imm_extend",
        ),
        inputs,
        [Port(y, "output", wide, ("extended word", f"{wide}-bit value"), reg)],
        body,
        [
            f"{title} from {narrow} to {wide} bits",
            f"{narrow}-bit to {wide}-bit {title} unit",
            f"circuit that widens {narrow} bits to {wide} by {title}",
        ],
        [facts],
        function,
        checks=50,
    )


def bit_edit(d: Draw) -> Problem:
    """One bit of a word set, cleared, toggled or written, its number given."""
    width = d.choose(4, 8, 8, 16, 32)
    steps = width.bit_length() - 1
    a, n, y = d.name(*_WORDS), d.name("n", "index", "bit_no", "pos", "idx", "sel"), output(d)
    action = d.choose("set", "clear", "toggle", "write")
    verb = {"set": "set to 1", "clear": "cleared to 0", "toggle": "inverted", "write": "replaced"}[
        action
    ]
    inputs = [
        Port(a, "input", width, ("input word", "data")),
        Port(n, "input", steps, ("number of the bit", "bit position")),
    ]
    bit = d.name("b", "bit_in", "val", "value") if action == "write" else ""
    if bit:
        inputs.append(Port(bit, "input", meaning=("new value of the bit", "bit to write")))
    hot = f"({width}'d1 << {n})"
    reg = False
    if action == "write" or d.chance(0.35):
        new = {"set": "1'b1", "clear": "1'b0", "toggle": f"~{a}[{n}]", "write": bit}[action]
        body, reg = d.always_comb([f"{y} = {a};", f"{y}[{n}] = {new};"]), True
    else:
        value = {"set": f"{a} | {hot}", "clear": f"{a} & ~{hot}", "toggle": f"{a} ^ {hot}"}[action]
        if d.chance(0.4):
            mask = d.name("mask", "hot", "m")
            body = [
                f"wire [{width - 1}:0] {mask} = {hot[1:-1]};",
                f"assign {y} = {value.replace(hot, mask)};",
            ]
        else:
            body, reg = drive(d, y, value)

    def function(v: Values) -> dict[str, int]:
        hot_bit = 1 << v[n]
        if action == "toggle":
            return {y: v[a] ^ hot_bit}
        one = action == "set" or (action == "write" and v[bit])
        return {y: v[a] | hot_bit if one else v[a] & ~hot_bit}

    by = f" by {bit}" if bit else ""
    return circuit(
        d,
        (f"bit_{action}", f"{action}_bit", f"bit{action}{width}", f"{action}_one", "bit_edit"),
        inputs,
        [Port(y, "output", width, ("changed word", f"word with one bit {verb}"), reg)],
        body,
        [
            f"{width}-bit word with one selected bit {verb}",
            f"circuit to {action} one bit of {width}",
            f"single-bit {action} unit for {width}-bit words",
        ],
        [
            (
                f"{y} is {a} with bit number {n} {verb}{by}.",
                f"Bit {n} of {a} is {verb}{by}; all others pass unchanged to {y}.",
            )
        ],
        function,
    )


def mask_generator(d: Draw) -> Problem:
    """A run of ones at one end of a word, or between two bit numbers."""
    width = d.choose(8, 8, 16, 32)
    steps = width.bit_length() - 1
    y = d.name("mask", "y", "out", "m")
    if d.chance(0.5):
        n = d.name("n", "len", "count", "k", "num")
        top = d.chance(0.4)
        ones = f"{{{width}{{1'b1}}}}"
        value = f"~({ones} >> {n})" if top else f"~({ones} << {n})"
        style = d.choose("shift", "shift", "loop")
        reg = False
        if style == "loop":
            i = d.name("i", "j")
            test = f"{i} + {n} >= {width}" if top else f"{i} < {n}"
            body = [f"integer {i};", *d.always_comb(loop(i, str(width), [f"{y}[{i}] = ({test});"]))]
            reg = True
        elif not top and d.chance(0.4):
            body, reg = drive(d, y, f"({width}'d1 << {n}) - 1'b1")
        else:
            body, reg = drive(d, y, value)
        end = "most" if top else "least"
        inputs = [Port(n, "input", steps + 1, ("number of ones", f"0 to {width} ones"))]
        facts = [
            (
                f"The {n} {end} significant bits of {y} are 1, the others 0.",
                f"{y} has {n} ones at its {end} significant end and zeros elsewhere.",
            ),
            (
                f"If {n} is {width} or more, all bits are 1.",
                f"{n} of {width} and above gives all ones.",
            ),
        ]
        title = f"{width}-bit mask with a given number of ones at the {end} significant end"
        short = (
            f"generator of {width}-bit masks from the number of {'leading' if top else 'low'} ones"
        )

        def function(v: Values) -> dict[str, int]:
            ones = (1 << min(v[n], width)) - 1
            return {y: ones << (width - min(v[n], width)) if top else ones}
    else:
        lo, hi = d.name("lo", "first", "lsb", "low"), d.name("hi", "last", "msb", "high")
        i = d.name("i", "j")
        reg = True
        step = f"{y}[{i}] = ({i} >= {lo}) && ({i} <= {hi});"
        if d.chance(0.5):
            body = [f"integer {i};", *d.always_comb(loop(i, str(width), [step]))]
        else:
            body, reg = (
                generate(
                    d,
                    str(width),
                    lambda g: [f"assign {y}[{g}] = ({g} >= {lo}) && ({g} <= {hi});"],
                    "gen_mask",
                ),
                False,
            )
        inputs = [
            Port(lo, "input", steps, ("lowest bit of the mask", "first bit number")),
            Port(hi, "input", steps, ("highest bit of the mask", "last bit number")),
        ]
        facts = [
            (
                f"Bits {lo} to {hi} of {y}, both included, are 1 and the others 0.",
                f"Bit k of {y} is 1 if {lo} <= k <= {hi}.",
            ),
            (f"If {lo} is greater than {hi}, {y} is 0.", f"The mask is empty when {hi} < {lo}."),
        ]
        title = f"{width}-bit mask with ones from a first to a last bit number"
        short = f"bit range mask generator, {width} bits"

        def function(v: Values) -> dict[str, int]:
            return {y: sum(1 << k for k in range(width) if v[lo] <= k <= v[hi])}

    return circuit(
        d,
        ("mask_gen", "make_mask", "bit_mask", f"mask{width}", "range_mask", "mask_generator"),
        inputs,
        [Port(y, "output", width, ("mask", "generated mask"), reg)],
        body,
        [title, short, f"mask generator of {width} bits"],
        facts,
        function,
        checks=60,
    )


FAMILIES = (
    bit_reverse,
    bit_permutation,
    extension,
    bit_edit,
    mask_generator,
)
