"""Parts of words: fields taken out or put in; alignment."""

from __future__ import annotations

from collections.abc import Callable

from trainer.textbook.draw import Draw
from trainer.textbook.english import count_word
from trainer.textbook.families._common import drive, drive_all
from trainer.textbook.families._words import circuit, output, part, remark, size
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    Words,
    unsigned,
)


def field_extract(d: Draw) -> Problem:
    """A word taken apart into named fields, or fields joined to a word."""
    count = d.integer(2, 5)
    widths = [d.choose(1, 2, 3, 4, 4, 5, 6, 8) for _ in range(count)]
    word = sum(widths)
    w = d.name("word", "instr", "packet", "in", "bus", "data", "frame", "header_in")
    pool = (
        "opcode",
        "rs",
        "rt",
        "rd",
        "imm",
        "tag",
        "index",
        "offset",
        "kind",
        "addr",
        "len",
        "flags",
        "id",
        "mode",
        "func",
        "prio",
        "dest",
        "src",
    )
    if d.chance(0.3):
        pool = ("f0", "f1", "f2", "f3", "f4") if d.chance(0.5) else ("a", "b", "c", "d", "e")
        names = [d.name(name) for name in pool[:count]]
    else:
        names = [d.name(name) for name in d.random.sample(pool, count)]
    places, high = [], word - 1
    for width in widths:
        places.append((high, high - width + 1))
        high -= width
    spans = [f"[{h}:{low}]" if h > low else f"[{h}]" for h, low in places]
    parts = list(zip(names, widths, spans, places, strict=True))
    join = d.chance(0.4)
    if join:
        if d.chance(0.6):
            body, reg = drive(d, w, f"{{{', '.join(names)}}}")
        else:
            body, reg = drive_all(d, [(f"{w}{span}", name) for name, _, span, _ in parts])
        inputs = [
            Port(n, "input", k, (f"field {n}", f"{k} bits of the word")) for n, k, _, _ in parts
        ]
        outputs = [Port(w, "output", word, ("packed word", "all fields in one word"), reg)]
        facts = [
            (f"{w}{span} is {name}.", f"The field {name} goes to bits {span} of {w}.")
            for name, _, span, _ in parts
        ]

        def function(v: Values) -> dict[str, int]:
            return {w: sum(v[name] << low for name, _, _, (_, low) in parts)}
    else:
        if d.chance(0.35):
            body, reg = [f"assign {{{', '.join(names)}}} = {w};"], False
        else:
            body, reg = drive_all(d, [(name, f"{w}{span}") for name, _, span, _ in parts])
        inputs = [Port(w, "input", word, ("packed word", "word with the fields"))]
        outputs = [
            Port(n, "output", k, (f"field {n}", f"bits {s} of the word"), reg)
            for n, k, s, _ in parts
        ]
        facts = [
            (f"{name} is {w}{span}.", f"Bits {span} of {w} are given out as {name}.")
            for name, _, span, _ in parts
        ]

        def function(v: Values) -> dict[str, int]:
            return {name: unsigned(v[w] >> low, k) for name, k, _, (_, low) in parts}

    layout = ", ".join(f"{name} {span}" for name, _, span, _ in parts)
    verb = "packs" if join else "splits"
    return circuit(
        d,
        ("pack_fields", "field_pack", "packer", "concat_fields", "build_word")
        if join
        else ("fields", "field_extract", "unpack", "split_word", "instr_fields", "slicer"),
        inputs,
        outputs,
        body,
        [
            f"field {'packer' if join else 'extractor'} of one {word}-bit word: {layout}",
            f"{word}-bit word {'made from' if join else 'split into'} the fields {layout}",
            f"combinational module that {verb} {count_word(count)} fields ({layout})",
        ],
        facts,
        function,
        checks=40,
    )


def field_insert(d: Draw) -> Problem:
    """A word with some of its bits replaced, at a fixed or a variable place."""
    width = d.choose(8, 8, 16, 16, 32)
    variable = d.chance(0.4)
    k = d.choose(1, 2, 4, 4) if variable else d.integer(1, 6)
    a = d.name("word", "base", "data", "in", "a", "old")
    f = d.name("field", "ins", "value", "new_bits", "f", "patch")
    y = output(d)
    inputs = [
        Port(a, "input", width, ("word to be changed", "original word")),
        Port(f, "input", k, ("new bits", "bits to be inserted")),
    ]
    if variable:
        slots = width // k
        pos = d.name("pos", "slot", "idx", "lane")
        inputs.append(Port(pos, "input", (slots - 1).bit_length(), ("number of the slot", "slot")))
        target = f"{y}[{pos}]" if k == 1 else f"{y}[{pos} * {k} +: {k}]"
        body, reg = d.always_comb([f"{y} = {a};", f"{target} = {f};"]), True
        where = f"slot {pos}"
        pieces = "bit" if k == 1 else f"{k}-bit slot"
        facts = [
            (
                f"{y} is {a} with {pieces} number {pos} replaced by {f}.",
                f"{f} takes the place of bits {pos}*{k} to {pos}*{k}+{k - 1}; the rest of {y} is {a}.",
            ),
            (
                f"{pieces.capitalize() if k == 1 else 'Slot'} 0 is at the least significant end of {a}.",
            ),
        ]
        title = f"{width}-bit word with one {pieces} replaced at a variable position"
    else:
        low = d.integer(0, width - k)
        high = low + k - 1
        span = f"[{high}:{low}]" if k > 1 else f"[{low}]"
        upper = part(a, width - 1, high + 1) if high < width - 1 else ""
        lower = part(a, low - 1, 0) if low else ""
        joined = f"{{{', '.join(part for part in (upper, f, lower) if part)}}}"
        style = d.choose("concat", "concat", "part", "mask")
        reg = False
        if style == "part":
            body, reg = d.always_comb([f"{y} = {a};", f"{y}{span} = {f};"]), True
        elif style == "mask":
            mask = d.name("MASK", "FIELD_MASK", "M")
            moved = d.name("moved", "placed", "aligned")
            body = [
                f"localparam [{width - 1}:0] {mask} = {width}'h{((1 << k) - 1) << low:x};",
                f"wire [{width - 1}:0] {moved} = {f};",
                f"assign {y} = ({a} & ~{mask}) | ({moved} << {low});",
            ]
        else:
            body, reg = drive(d, y, joined)
        where = f"bits {span}" if k > 1 else f"bit {low}"
        facts = [
            (
                f"{y} is {a} with {where} replaced by {f}.",
                f"{y}{span} is {f}; all other bits of {y} are those of {a}.",
                f"The value {f} is inserted at {where} of {a}.",
            )
        ]
        title = f"{width}-bit word with {where} replaced"

    def function(v: Values) -> dict[str, int]:
        start = v[pos] * k if variable else low
        mask = ((1 << k) - 1) << start
        return {y: v[a] & ~mask | v[f] << start}

    return circuit(
        d,
        ("field_insert", "insert_field", "bit_insert", "patch_word", "insert_bits", "bitfield_ins"),
        inputs,
        [Port(y, "output", width, ("changed word", "word with the new bits"), reg)],
        body,
        [
            title,
            f"bit-field inserter, {k} {'bit' if k == 1 else 'bits'} at {where} of {width}",
            f"circuit that overwrites {where} of one {width}-bit word",
        ],
        facts,
        function,
    )


def alignment(d: Draw) -> Problem:
    """An address rounded down or up to a multiple of a power of two, or its alignment checked."""
    s = size(d, 6, 32, 0.2)
    n = d.integer(1, 4)
    unit = 1 << n
    x = d.name("addr", "a", "address", "in", "ptr")
    kind = d.choose("down", "up", "check", "offset")
    y = d.name(
        *{
            "down": ("aligned", "base", "y"),
            "up": ("aligned", "next_addr", "y"),
            "check": ("aligned", "ok", "is_aligned"),
            "offset": ("offset", "off", "y"),
        }[kind]
    )
    low = f"{x}[{n - 1}:0]" if n > 1 else f"{x}[0]"
    high = f"{x}[{s.last}:{n}]"
    reg = False
    if kind == "down":
        body, reg = drive(d, y, d.choose(f"{{{high}, {n}'b0}}", f"({x} >> {n}) << {n}"))
    elif kind == "up":
        t = d.name("t", "sum", "bumped")
        body = [
            *remark(d, "add one less than the unit, then cut"),
            f"wire {s.range} {t} = {x} + {unit - 1};",
            f"assign {y} = {{{t}[{s.last}:{n}], {n}'b0}};",
        ]
    elif kind == "check":
        body, reg = drive(d, y, d.choose(f"({low} == 0)", f"~|{low}", f"!(|{low})"))
    else:
        body, reg = drive(d, y, low)
    texts: dict[str, tuple[str, Words]] = {
        "down": (
            f"address rounded down to a multiple of {unit}",
            (
                f"{y} is {x} rounded down to a multiple of {unit}.",
                f"{y} is {x} with its {count_word(n)} lowest bits set to 0.",
            ),
        ),
        "up": (
            f"address rounded up to a multiple of {unit}",
            (
                f"{y} is the smallest multiple of {unit} that is not less than {x}, modulo 2 to the power"
                f" of {s.bits}.",
                f"{x} is rounded up to a multiple of {unit}; past the end it wraps around to 0.",
            ),
        ),
        "check": (
            f"alignment check for multiples of {unit}",
            (
                f"{y} is 1 if {x} is a multiple of {unit}, else 0.",
                f"{y} is high when the {count_word(n)} lowest bits of {x} are zero.",
            ),
        ),
        "offset": (
            f"offset of an address within its block of {unit}",
            (
                f"{y} is the remainder of {x} divided by {unit}.",
                f"{y} has the {count_word(n)} lowest bits of {x}.",
            ),
        ),
    }
    title, fact = texts[kind]
    values: dict[str, Callable[[int], int]] = {
        "down": lambda v: v // unit * unit,
        "up": lambda v: unsigned(-(-v // unit) * unit, s.bits),
        "check": lambda v: int(v % unit == 0),
        "offset": lambda v: v % unit,
    }
    wide = {"check": 1, "offset": n}.get(kind, 0)
    out = (
        Port(y, "output", wide, ("result", title.split(" of ")[0]), reg)
        if wide
        else s.output(y, ("rounded address", "aligned address"), reg)
    )
    return circuit(
        d,
        ("align", f"align_{kind}", f"align{unit}", f"addr_{kind}", "aligner", "addr_align"),
        [s.port(x, ("address", "input address"))],
        [out],
        body,
        [
            f"{title}, {s.bits}-bit addresses",
            f"{s.bits}-bit circuit for this: {title}",
            f"address alignment logic, unit {unit}, {s.bits}-bit address",
        ],
        [fact],
        lambda v: {y: values[kind](v[x])},
        size=s,
        checks=60,
    )


FAMILIES = (
    field_extract,
    field_insert,
    alignment,
)
