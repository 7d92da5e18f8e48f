"""Gray, decimal and Hamming codes."""

from __future__ import annotations

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import listing
from trainer.textbook.families._common import drive, drive_all
from trainer.textbook.families._words import bits, circuit, generate, loop, remark, size
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    Words,
)

_DECIMAL = {
    "excess-3": [n + 3 for n in range(10)],
    "2421": [0, 1, 2, 3, 4, 11, 12, 13, 14, 15],
    "5421": [0, 1, 2, 3, 4, 8, 9, 10, 11, 12],
    "nine's complement": [9 - n for n in range(10)],
    "8-4-2-1 Gray": [n ^ n >> 1 for n in range(10)],
}


def gray_code(d: Draw) -> Problem:
    """Binary to Gray code or back."""
    s = size(d, 3, 16)
    back = d.chance(0.5)
    src, dst = ("gray", "binary") if back else ("binary", "gray")
    names = {
        "gray": ("gray", "g", "gray_code", "gry", "gray_val"),
        "binary": ("bin", "b", "binary", "bin_val", "value_b"),
    }
    x, y = d.name(*names[src], "in"), d.name(*names[dst], "out")
    reg = False
    if not back:
        style = d.choose("shift", "shift", "concat", "generate")
        if style == "shift":
            body, reg = drive(d, y, f"{x} ^ ({x} >> 1)")
        elif style == "concat":
            high = f"{s.parameter}-1" if s.parameter else f"{s.bits - 1}"
            low = f"{s.parameter}-2" if s.parameter else f"{s.bits - 2}"
            body, reg = drive(d, y, f"{{{x}[{high}], {x}[{high}:1] ^ {x}[{low}:0]}}")
        else:
            body = [
                *generate(
                    d, s.last, lambda i: [f"assign {y}[{i}] = {x}[{i}] ^ {x}[{i}+1];"], "bits_g"
                ),
                f"assign {y}[{s.last}] = {x}[{s.last}];",
            ]
    else:
        style = d.choose("loop", "reduce", "chain", "shifts")
        if style == "chain" and not s.parameter and s.bits <= 6:
            body = [f"assign {y}[{s.bits - 1}] = {x}[{s.bits - 1}];"]
            for n in reversed(range(s.bits - 1)):
                body.append(f"assign {y}[{n}] = {y}[{n + 1}] ^ {x}[{n}];")
        elif style == "shifts" and not s.parameter:
            steps, by = [x], 1
            body = []
            while by < s.bits:
                target = d.name(f"t{by}", f"x{by}")
                body.append(f"wire {s.range} {target} = {steps[-1]} ^ ({steps[-1]} >> {by});")
                steps.append(target)
                by *= 2
            body.append(f"assign {y} = {steps[-1]};")
        elif style == "reduce":
            body = generate(d, s.text, lambda i: [f"assign {y}[{i}] = ^({x} >> {i});"], "gen_bin")
        else:
            i = d.name("i", "k")
            start = f"{s.parameter}-2" if s.parameter else str(s.bits - 2)
            head = f"for ({i} = {start}; {i} >= 0; {i} = {i} - 1)"
            step = d.block(head, [f"{y}[{i}] = {y}[{i}+1] ^ {x}[{i}];"])
            body = [f"integer {i};", *d.always_comb([f"{y}[{s.last}] = {x}[{s.last}];", *step])]
            reg = True

    def function(v: Values) -> dict[str, int]:
        value = v[x]
        if not back:
            return {y: value ^ value >> 1}
        result = 0
        while value:
            result ^= value
            value >>= 1
        return {y: result}

    arrow = "gray2bin" if back else "bin2gray"
    facts: list[Words] = [
        (
            f"{y} is the {dst} number whose Gray code is {x}."
            if back
            else f"{y} is the reflected Gray code of the binary number {x}.",
            f"{x} is converted from {'Gray code to binary' if back else 'binary to Gray code'}; the"
            f" result is {y}.",
        ),
        (
            f"The top bit of {y} is the top bit of {x}, and every lower bit of {y} is the XOR of the next"
            f" higher bit of {y} with the same bit of {x}."
            if back
            else f"The top bit is copied; every other bit of {y} is the XOR of the same and the next"
            f" higher bit of {x}.",
            f"Bit i of {y} is the XOR of all bits of {x} from i up."
            if back
            else f"{y} equals {x} XOR {x} shifted right by one.",
        ),
    ]
    title = "Gray to binary" if back else "binary to Gray"
    return circuit(
        d,
        (
            arrow,
            arrow.replace("2", "_to_"),
            f"{arrow}_{s.bits}",
            "gray_decoder" if back else "gray_encoder",
        ),
        [s.port(x, (f"{src} code" if back else "binary number", f"{src} input"))],
        [s.output(y, (f"{dst} result", f"{dst} output"), reg)],
        body,
        [
            f"{s.bits}-bit {title} code converter",
            f"{title} converter, {s.bits} bits",
            f"code converter from {title.replace(' to ', ' code to ') if back else title} for {s.bits} bits",
        ],
        facts,
        function,
        size=s,
    )


def decimal_code(d: Draw) -> Problem:
    """BCD digit to another decimal code, or back."""
    code = d.choose(*_DECIMAL, "excess-3")
    table = _DECIMAL[code]
    back = d.chance(0.4) and code != "nine's complement"
    x, y = d.name("in", "bcd" if not back else "code", "d", "x"), d.name("out", "y", "q", "result")
    default = d.choose("zero", "open")
    pairs = [(t, n) if back else (n, t) for n, t in enumerate(table)]
    known = dict(pairs)
    style = "formula" if code == "excess-3" and default == "open" and d.chance(0.6) else "case"
    if style == "formula":
        body, reg = drive(d, y, f"{x} {'-' if back else '+'} {d.choose('3', d.number(3, 4))}")
    else:
        last = "4'b0000" if default == "zero" else d.choose("4'bxxxx", "4'b0000")
        arms = [(f"4'b{n:04b}", [f"{y} = 4'b{t:04b};"]) for n, t in pairs]
        body, reg = d.always_comb(d.case(x, [*arms, ("default", [f"{y} = {last};"])])), True
    told = ", ".join(f"{bits(n, 4)} -> {bits(t, 4)}" for n, t in pairs)
    full = f"{code} code" if code != "nine's complement" else code
    what = f"{full} to BCD" if back else f"BCD to {full}"
    facts: list[Words] = [
        (
            f"The decimal digit is converted by this table ({x} -> {y}): {told}.",
            f"{y} is given by {x} as follows: {told}.",
        )
    ]
    if default == "zero":
        facts.append((f"For all other inputs {y} is 0.", "Codes that are no digits give 0000."))
    else:
        facts.append(
            ("Other inputs do not occur.", f"For other values of {x} the output does not matter.")
        )
    short = code.split()[0].replace("-", "").replace("'", "")
    return circuit(
        d,
        (f"code{short}_to_bcd", f"from_{short}", "code_to_bcd")
        if back
        else (f"bcd_to_{short}", "code_converter", f"bcd2{short}", "bcd_code"),
        [Port(x, "input", 4, (f"digit in {full}" if back else "BCD digit", "input code"))],
        [Port(y, "output", 4, ("BCD digit" if back else full, "output code"), reg)],
        body,
        [
            f"{what} converter",
            f"code converter for one decimal digit, {what}",
            f"4-bit {what} converter" + (", zero for invalid codes" if default == "zero" else ""),
        ],
        facts,
        lambda v: {y: known.get(v[x], 0 if default == "zero" else None)},
    )


def _hamming_positions(data_bits: int) -> tuple[list[int], list[int]]:
    """(positions of the data bits, positions of the check bits), counted from 1."""
    checks, position = [], 1
    data: list[int] = []
    while len(data) < data_bits:
        (data if position & (position - 1) else checks).append(position)
        position += 1
    return data, checks


def hamming_encoder(d: Draw) -> Problem:
    """Hamming code word of 4, 8 or 11 data bits, with an overall parity bit in some draws."""
    k = d.choose(4, 4, 4, 8, 11)
    data, checks = _hamming_positions(k)
    n = max(data[-1], checks[-1])
    overall = d.chance(0.25)
    x, y = (
        d.name("data", "d", "in", "din", "nibble" if k == 4 else "word"),
        d.name("code", "c", "out", "y", "cw"),
    )
    p = d.name("p", "par", "chk")
    formulas = {}
    for check in checks:
        formulas[check] = " ^ ".join(f"{x}[{data.index(pos)}]" for pos in data if pos & check)
    terms = {pos: f"{x}[{data.index(pos)}]" for pos in data} | formulas
    reg = False
    if d.chance(0.5):
        names = {check: d.name(f"{p}{check}") for check in checks}
        body = [f"wire {names[check]} = {formulas[check]};" for check in checks]
        parts = [names.get(pos, terms[pos]) for pos in range(n, 0, -1)]
        if overall:
            whole = d.name("p_all", "parity", "p0")
            body.append(f"wire {whole} = ^{x} ^ {' ^ '.join(names.values())};")
            parts.insert(0, whole)
        body.append(f"assign {y} = {{{', '.join(parts)}}};")
    else:
        values = [(f"{y}[{pos - 1}]", terms[pos]) for pos in range(1, n + 1)]
        body, reg = drive_all(d, values, 0.8)
        if overall:
            if reg:
                body, reg = [f"assign {target} = {value};" for target, value in values], False
            body.append(f"assign {y}[{n}] = ^{y}[{n - 1}:0];")
    facts: list[Words] = [
        (
            f"{y} is the Hamming code word of {x}: the bit positions are counted from 1, position i is"
            f" {y}[i-1], and the positions {listing([str(c) for c in checks])} are even parity bits.",
            f"Position i of the code word, counted from 1, is {y}[i-1]; powers of two"
            f" ({listing([str(c) for c in checks])}) hold parity bits and the others the data.",
        ),
        (
            f"The data bits {x}[0] to {x}[{k - 1}] fill the positions {listing([str(q) for q in data])}.",
            f"From {x}[0] up, the data bits go to the positions {listing([str(q) for q in data])}.",
        ),
        (
            "The parity bit at position p is the XOR of all data bits whose position has bit p set.",
            "Each parity bit covers the data positions whose binary number contains it.",
        ),
    ]
    if overall:
        facts.append(
            (
                f"{y}[{n}] makes the parity of the whole word even.",
                f"The top bit {y}[{n}] is the XOR of all other bits of {y}.",
            )
        )

    def function(v: Values) -> dict[str, int]:
        word = [0] * (n + 1)
        for number, pos in enumerate(data):
            word[pos] = v[x] >> number & 1
        for check in checks:
            word[check] = sum(word[pos] for pos in data if pos & check) & 1
        value = sum(bit << pos - 1 for pos, bit in enumerate(word) if pos)
        return {y: value | (value.bit_count() & 1) << n if overall else value}

    shape = f"({n + 1},{k}) extended Hamming" if overall else f"Hamming({n},{k})"
    return circuit(
        d,
        (
            "hamming_enc",
            f"hamming{n}_{k}",
            "hamming_encoder",
            "ecc_enc",
            f"hamming_{k}bit",
            "ecc_encoder",
        ),
        [Port(x, "input", k, ("data bits", f"{k} bits to protect"))],
        [Port(y, "output", n + overall, ("code word", "encoded word"), reg)],
        body,
        [
            f"{shape} encoder",
            f"encoder for the {shape} code with even parity",
            f"error correction encoder, {k} data bits to {n + overall} code bits",
        ],
        facts,
        function,
    )


def hamming_decoder(d: Draw) -> Problem:
    """Correction of single errors in a Hamming code word."""
    k = d.choose(4, 4, 4, 11)
    data, checks = _hamming_positions(k)
    n = max(data[-1], checks[-1])
    x, y = d.name("code", "in", "c", "rx", "cw"), d.name("data", "d", "out", "y")
    syn = d.name("syndrome", "s", "syn", "err_pos")
    show = d.chance(0.4)
    flag = d.name("error", "err", "corrected", "fixed") if d.chance(0.5) else ""
    fixed = d.name("fixed_word", "cor", "w", "repaired")
    m = len(checks)
    body: Lines = [] if show else [f"wire [{m - 1}:0] {syn};"]
    for number, check in enumerate(checks):
        members = [f"{x}[{pos - 1}]" for pos in range(1, n + 1) if pos & check]
        body.append(f"assign {syn}[{number}] = {' ^ '.join(members)};")
    picks = ", ".join(f"{fixed}[{pos - 1}]" for pos in reversed(data))
    style = d.choose("shift", "loop", "index")
    body += remark(d, "the syndrome is the position of the wrong bit")
    if style == "shift":
        body.append(f"wire [{n}:0] {(e := d.name('flip', 'mask', 'hot'))} = {n + 1}'d1 << {syn};")
        body.append(f"wire [{n - 1}:0] {fixed} = {x} ^ {e}[{n}:1];")
    elif style == "loop":
        i = d.name("i", "j")
        step = loop(i, str(n), [f"{fixed}[{i}] = {x}[{i}] ^ ({syn} == {i} + 1);"])
        body += [f"reg [{n - 1}:0] {fixed};", f"integer {i};", *d.always_comb(step)]
    else:
        steps = [f"{fixed} = {x};"]
        steps += d.branches((f"{syn} != 0", [f"{fixed}[{syn} - 1] = ~{x}[{syn} - 1];"]))
        body += [f"reg [{n - 1}:0] {fixed};", *d.always_comb(steps)]
    body.append(f"assign {y} = {{{picks}}};")
    outputs = [Port(y, "output", k, ("corrected data", "data bits"))]
    facts: list[Words] = [
        (
            f"{x} is a Hamming code word with even parity: position i, counted from 1, is {x}[i-1], and"
            f" the parity bits are at the positions {listing([str(c) for c in checks])}.",
            f"In the code word {x} position i is bit i-1; the positions"
            f" {listing([str(c) for c in checks])} are even parity bits over all positions that have"
            f" that bit in their number.",
        ),
        (
            "One wrong bit is corrected; the syndrome, the XOR of the positions of all ones, is its"
            " position and 0 if there is no error.",
            "The syndrome, formed by one parity check per bit (bit 0 for position 1), is the position of"
            " the single wrong bit, which is inverted; 0 means no error.",
        ),
        (
            f"{y} holds the corrected data bits, {y}[0] up from the positions"
            f" {listing([str(q) for q in data])}.",
            f"The bits of {y}, from bit 0 up, are those at the positions"
            f" {listing([str(q) for q in data])} after correction.",
        ),
    ]
    if show:
        outputs.append(Port(syn, "output", m, ("syndrome", "position of the error, 0 if none")))
        facts.append((f"{syn} gives the syndrome.", f"The syndrome is an output, {syn}."))
    if flag:
        body.append(f"assign {flag} = {d.choose(f'|{syn}', f'({syn} != 0)')};")
        outputs.append(Port(flag, "output", meaning=("1 if an error was found", "error found")))
        facts.append((f"{flag} is 1 if the syndrome is not 0.", f"{flag} marks a found error."))

    def function(v: Values) -> dict[str, int]:
        syndrome = 0
        for pos in range(1, n + 1):
            if v[x] >> pos - 1 & 1:
                syndrome ^= pos
        word = v[x] ^ (1 << syndrome >> 1)
        result = {y: sum((word >> pos - 1 & 1) << number for number, pos in enumerate(data))}
        result |= {syn: syndrome} if show else {}
        return result | ({flag: int(syndrome > 0)} if flag else {})

    return circuit(
        d,
        ("hamming_dec", f"hamming{n}_{k}_dec", "hamming_decoder", "ecc_dec", "hamming_correct"),
        [Port(x, "input", n, ("received code word", "code word"))],
        outputs,
        body,
        [
            f"Hamming({n},{k}) decoder with single error correction",
            f"single error corrector for Hamming({n},{k}) code words",
            f"error correcting decoder from {n} code bits to {k} data bits",
        ],
        facts,
        function,
    )


FAMILIES = (
    gray_code,
    decimal_code,
    hamming_encoder,
    hamming_decoder,
)
