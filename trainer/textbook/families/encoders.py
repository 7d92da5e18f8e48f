"""Decoders and encoders: one-hot, priority, thermometer."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.english import count_word
from trainer.textbook.families._common import drive
from trainer.textbook.families._words import bits, circuit, generate, loop, remark
from trainer.textbook.problem import (
    Port,
    Problem,
)

_REQUESTS = ("in", "req", "a", "d", "x", "vec", "i", "din", "lines", "irq")

_CODES = ("y", "out", "code", "pos", "index", "idx", "enc", "q")

_VALID = ("valid", "v", "any", "found", "vld", "active", "gs")

_ENABLES = ("en", "enable", "E", "en_i", "ena", "g", "cs")


def decoder(d: Draw) -> Problem:
    """Binary to one-hot decoder, with or without enable, either output polarity."""
    width = d.choose(1, 2, 2, 3, 3, 3, 4)
    count = 1 << width
    a = d.name("a", "in", "addr", "sel", "code", "A", "bin", "x")
    en = d.name(*_ENABLES) if d.chance(0.6) else ""
    en_low, low = bool(en) and d.chance(0.3), d.chance(0.3)
    y = d.name("y", "out", "dec", "onehot", "Y", "z", "q")
    on = f"{'!' if en_low else ''}{en}"
    flip = (1 << count) - 1 if low else 0
    style = d.choose("shift", "case", "generate", "loop", "index")
    reg = style in ("case", "loop", "index")
    idle = f"{{{count}{{1'b1}}}}" if low else d.number(0, count)
    if style == "shift":
        hot = f"({count}'d1 << {a})"
        value = f"~{hot}" if low else hot
        body = [f"assign {y} = {f'{on} ? {value} : {idle}' if en else value};"]
    elif style == "generate":
        test = f"({a} {'!=' if low else '=='} {{i}})"
        gate = f" | {'' if en_low else '~'}{en}" if low else f" & {'~' if en_low else ''}{en}"
        body = generate(
            d,
            str(count),
            lambda i: [f"assign {y}[{i}] = {test.format(i=i)}{gate if en else ''};"],
            d.choose("dec", "line", "gen_out"),
        )
    elif style == "loop":
        i = d.name("i", "k")
        test = f"({a} == {i})" + (f" && {on}" if en else "")
        inner = loop(i, str(count), [f"{y}[{i}] = {'!' if low else ''}({test});"])
        body = [f"integer {i};", *d.always_comb(inner)]
    elif style == "index":
        step = [f"{y}[{a}] = 1'b{int(not low)};"]
        body = d.always_comb([f"{y} = {idle};", *(d.branches((on, step)) if en else step)])
    else:
        arms = [
            (f"{width}'d{n}", [f"{y} = {count}'b{bits(1 << n ^ flip, count)};"])
            for n in range(count)
        ]
        if d.chance(0.5):
            arms.append(("default", [f"{y} = {idle};"]))
        inner = d.case(a, arms)
        body = d.always_comb(d.branches((on, inner), ("", [f"{y} = {idle};"])) if en else inner)
    inputs = [Port(a, "input", width, ("binary code", "number of the output", "code input"))]
    facts = [
        (
            f"Output bit {y}[n] is {int(not low)} when {a} equals n; all other bits are {int(low)}.",
            f"The bit of {y} whose number is {a} is {'low' if low else 'high'}, the others are"
            f" {'high' if low else 'low'}.",
            f"{y} is {'one-cold' if low else 'one-hot'}: the bit at position {a} is"
            f" {int(not low)} and the rest {int(low)}.",
        )
    ]
    if en:
        level = "low" if en_low else "high"
        inputs.append(
            Port(en, "input", meaning=(f"enable, active {level}", f"active-{level} enable"))
        )
        facts.append(
            (
                f"While {en} is {'high' if en_low else 'low'}, all bits of {y} are {int(low)}.",
                f"The decoder works only when {en} is {level}; otherwise {y} is all"
                f" {'ones' if low else 'zeros'}.",
            )
        )
    polarity = " with active-low outputs" if low else ""
    enabled = "active-low enable" if en_low else "enable"
    suffix = f"{polarity} and {enabled}" if en and low else f" with {enabled}" if en else polarity
    return circuit(
        d,
        (f"decoder{width}to{count}", f"dec{width}x{count}", f"decoder_{width}_{count}", "decoder"),
        inputs,
        [Port(y, "output", count, ("decoded outputs", f"{count} output lines"), reg)],
        body,
        [
            f"{width}-to-{count} decoder{suffix}",
            f"binary to {'one-cold' if low else 'one-hot'} decoder with {count} outputs"
            + (f" and {enabled}" if en else ""),
            f"{width}:{count} line decoder{suffix}",
        ],
        facts,
        lambda v: {y: (1 << v[a] if not en or v[en] != en_low else 0) ^ flip},
    )


def encoder(d: Draw) -> Problem:
    """One-hot to binary; what other inputs give is open, or zero."""
    width = d.choose(2, 2, 3, 3, 4)
    count = 1 << width
    a, y = d.name(*_REQUESTS, "onehot"), d.name(*_CODES)
    zero_else = d.chance(0.5)
    style = "case" if zero_else else d.choose("case", "or", "loop")
    reg = True
    if style == "case":
        last = d.number(0, width) if zero_else or d.chance(0.6) else f"{width}'bx"
        arms = [
            (f"{count}'b{bits(1 << n, count)}", [f"{y} = {d.number(n, width)};"])
            for n in range(count)
        ]
        body = d.always_comb(d.case(a, [*arms, ("default", [f"{y} = {last};"])]))
    elif style == "loop":
        i = d.name("i", "k")
        step = d.branches((f"{a}[{i}]", [f"{y} = {y} | {i};"]))
        inner = [f"{y} = {d.number(0, width)};", *loop(i, str(count), step)]
        body = [f"integer {i};", *d.always_comb(inner)]
    else:
        body, reg = [], False
        for n in reversed(range(width)):
            terms = [f"{a}[{k}]" for k in range(count) if k >> n & 1]
            body.append(f"assign {y}[{n}] = {' | '.join(terms)};")
    facts = [
        (
            f"If exactly one bit of {a} is 1, {y} is the number of that bit.",
            f"{y} is the position of the single 1 in the one-hot input {a}.",
            f"With only bit n of {a} set, the output {y} equals n.",
        )
    ]
    other = (
        f"For any other value of {a}, {y} is 0.",
        f"If {a} is zero or has more than one bit set, the output is 0.",
    )
    unused = (
        f"{a} always has exactly one bit set.",
        f"Other values of {a} do not occur.",
        "The output for inputs that are not one-hot does not matter.",
    )

    def function(v: dict[str, int]) -> dict[str, int | None]:
        if v[a].bit_count() == 1:
            return {y: v[a].bit_length() - 1}
        return {y: 0 if zero_else else None}

    return circuit(
        d,
        (f"encoder{count}to{width}", f"enc{count}", "onehot_to_bin", "encoder", "onehot_encoder"),
        [Port(a, "input", count, ("one-hot input", f"{count} input lines"))],
        [Port(y, "output", width, ("binary code", "number of the active line"), reg)],
        body,
        [
            f"{count}-to-{width} encoder" + (", zero for inputs that are not one-hot" * zero_else),
            f"one-hot to binary encoder with {count} inputs",
            f"{count}:{width} line encoder without priority",
        ],
        [*facts, other if zero_else else unused],
        function,
        stimulus=lambda random, n: {
            a: 1 << random.randrange(count) if random.random() < 0.8 else random.getrandbits(count)
        },
        checks=60,
    )


def priority_encoder(d: Draw) -> Problem:
    """Number of the highest or lowest set bit, with or without a valid output."""
    count = d.choose(4, 4, 8, 8, 16, 3, 5, 6)
    width = (count - 1).bit_length()
    a, y = d.name(*_REQUESTS), d.name(*_CODES)
    valid = d.name(*_VALID) if d.chance(0.7) else ""
    highest = d.chance(0.6)
    order = list(range(count))[:: -1 if highest else 1]
    style = d.choose("casez", "branches", "loop", "ternary")
    reg = True
    if style == "casez":
        wild = d.choose("?", "?", "z")
        arms = []
        for n in order:
            above = count - 1 - n
            pattern = f"{'0' * above}1{wild * n}" if highest else f"{wild * above}1{'0' * n}"
            arms.append((f"{count}'b{pattern}", [f"{y} = {d.number(n, width)};"]))
        arms.append(("default", [f"{y} = {d.number(0, width)};"]))
        body = d.always_comb(d.case(a, arms, "casez"))
    elif style == "branches":
        arms = [(f"{a}[{n}]", [f"{y} = {d.number(n, width)};"]) for n in order]
        body = d.always_comb(d.branches(*arms, ("", [f"{y} = {d.number(0, width)};"])))
    elif style == "loop":
        i = d.name("i", "k")
        up = f"for ({i} = 0; {i} < {count}; {i} = {i} + 1)"
        down = f"for ({i} = {count - 1}; {i} >= 0; {i} = {i} - 1)"
        step = d.branches((f"{a}[{i}]", [f"{y} = {i};"]))
        inner = [
            f"{y} = {d.number(0, width)};",
            *remark(d, "the last one that is set wins"),
            *d.block(up if highest else down, step),
        ]
        body = [f"integer {i};", *d.always_comb(inner)]
    else:
        parts = [f"{a}[{n}] ? {d.number(n, width)} :" for n in order[:-1]]
        body, reg = [f"assign {y} = {' '.join(parts)} {d.number(order[-1], width)};"], False
        if not highest:
            body = [f"assign {y} = {' '.join(parts)} {a}[{count - 1}] ? {count - 1} : 0;"]
    outputs = [Port(y, "output", width, ("position of the bit found", "encoded position"), reg)]
    end, first = ("highest", count - 1) if highest else ("lowest", 0)
    facts = [
        (
            f"{y} is the number of the {end} bit of {a} that is 1.",
            f"Bit {first} of {a} has the highest priority; {y} gives the position of the first set"
            f" bit from there.",
            f"The output {y} encodes the position of the {end} set bit in {a}.",
        ),
        (f"If no bit of {a} is set, {y} is 0.", f"{y} is zero when {a} is all zeros."),
    ]
    if valid:
        outputs.append(Port(valid, "output", meaning=("1 if any bit is set", "code valid")))
        body = [*body, f"assign {valid} = {d.choose(f'|{a}', f'({a} != 0)')};"]
        facts.append((f"{valid} is 1 when any bit of {a} is 1.", f"{valid} = 0 means {a} is zero."))

    def function(v: dict[str, int]) -> dict[str, int]:
        value = v[a]
        position = value.bit_length() - 1 if highest else (value & -value).bit_length() - 1
        result = {y: max(position, 0)}
        return {**result, valid: int(value > 0)} if valid else result

    suffix = " with valid output" if valid else ""
    return circuit(
        d,
        ("priority_encoder", f"prio_enc{count}", "pri_enc", f"penc_{count}", "prio_encoder", "lzd"),
        [Port(a, "input", count, ("request lines", "input lines", f"{count} inputs"))],
        outputs,
        body,
        [
            f"{count}-input priority encoder{suffix}, {end} bit first",
            f"{count}-to-{width} priority encoder{suffix} where bit {first} wins",
            f"circuit that finds the {end} set bit of {count_word(count)} lines",
        ],
        facts,
        function,
        checks=100,
    )


def thermometer_encoder(d: Draw) -> Problem:
    """Binary to thermometer code."""
    width = d.choose(2, 2, 3, 3, 4)
    count = (1 << width) - 1
    a = d.name("in", "a", "code", "d", "x", "value", "level")
    y = d.name("y", "out", "therm", "q", "result", "z", "bars")
    style = d.choose("generate", "case", "shift")
    reg = False
    if style == "generate":
        body = generate(d, str(count), lambda i: [f"assign {y}[{i}] = ({a} > {i});"], "bar")
    elif style == "shift":
        body, reg = drive(d, y, f"~({{{count}{{1'b1}}}} << {a})")
    else:
        arms = [
            (d.number(n, width), [f"{y} = {count}'b{bits((1 << n) - 1, count)};"])
            for n in range(count + 1)
        ]
        body, reg = d.always_comb(d.case(a, arms)), True
    return circuit(
        d,
        ("bin2therm", "thermometer", "therm_encoder", "bin_to_therm", "bar_graph", "bargraph"),
        [Port(a, "input", width, ("binary value", "level"))],
        [Port(y, "output", count, ("thermometer code", f"{count} bars"), reg)],
        body,
        [
            f"{width}-bit binary to {count}-bit thermometer code converter",
            f"thermometer encoder with {count} outputs",
            f"bar graph driver with {count} segments",
        ],
        [
            (
                f"The lowest {a} bits of {y} are 1 and all others 0.",
                f"Bit n of {y} is 1 if {a} is greater than n.",
                f"As many bits of {y} as the value of {a} are set, starting at bit 0.",
            )
        ],
        lambda v: {y: (1 << v[a]) - 1},
    )


def thermometer_decoder(d: Draw) -> Problem:
    """Thermometer code to binary."""
    width = d.choose(2, 2, 3, 3, 4)
    count = (1 << width) - 1
    a = d.name("in", "a", "therm", "d", "x", "cmp", "bars")
    y = d.name("y", "out", "bin_out", "q", "result", "z", "level")
    style = d.choose("sum", "case", "loop")
    if style == "case":
        arms = [
            (f"{count}'b{bits((1 << n) - 1, count)}", [f"{y} = {d.number(n, width)};"])
            for n in range(count + 1)
        ]
        arms.append(("default", [f"{y} = {d.number(0, width)};"]))
        body, reg = d.always_comb(d.case(a, arms)), True
    elif style == "loop":
        i = d.name("i", "k")
        step = d.branches((f"{a}[{i}]", [f"{y} = {i} + 1;"]))
        inner = [f"{y} = {d.number(0, width)};", *loop(i, str(count), step)]
        body, reg = [f"integer {i};", *d.always_comb(inner)], True
    else:
        body, reg = drive(d, y, " + ".join(f"{a}[{n}]" for n in range(count)))
    return circuit(
        d,
        ("therm2bin", "therm_to_bin", "therm_decoder", "thermometer_decoder", "flash_adc_enc"),
        [Port(a, "input", count, ("thermometer code", f"{count} comparator outputs"))],
        [Port(y, "output", width, ("binary value", "number of ones"), reg)],
        body,
        [
            f"{count}-bit thermometer to {width}-bit binary converter",
            f"thermometer code decoder with {count} inputs",
            f"binary encoder for the {count} comparators of one flash converter",
        ],
        [
            (
                f"{a} is a thermometer code: its n lowest bits are 1 and the others 0; {y} is n.",
                f"{y} is the number of ones in the thermometer code {a}, which has them all at the"
                f" low end.",
            ),
            ("Other input values do not occur.", "The result for invalid codes does not matter."),
        ],
        lambda v: {y: v[a].bit_length()},
        stimulus=lambda random, _: {a: (1 << random.randint(0, count)) - 1},
        checks=40,
    )


FAMILIES = (
    decoder,
    encoder,
    priority_encoder,
    thermometer_encoder,
    thermometer_decoder,
)
