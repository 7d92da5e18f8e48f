"""Redundancy: parity bits and votes."""

from __future__ import annotations

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.families._common import drive, drive_all
from trainer.textbook.families._words import circuit, loop, row, size
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    Words,
)

_PARITY_DATA = ("data", "in", "d", "a", "din", "word", "x")


def parity_generator(d: Draw) -> Problem:
    """Parity bit of a word."""
    s, a, odd = size(d, 3, 32), d.name(*_PARITY_DATA), d.chance(0.5)
    kind = "odd" if odd else "even"
    value, declared = _parity(d, s.text, a, odd)
    y = d.name("parity", "p", "y", "par", "out", "pbit")
    body, reg = drive(d, y, value)
    return circuit(
        d,
        (
            "parity_gen",
            "parity",
            f"{kind}_parity",
            f"parity{s.bits}",
            "par_gen",
            "parity_generator",
        ),
        [s.port(a, ("data word", "data"))],
        [Port(y, "output", meaning=(f"{kind} parity bit", "parity bit"), reg=reg)],
        [*declared, *body],
        [
            f"{s.bits}-bit {kind} parity generator",
            f"{kind} parity bit of {s.bits} data bits",
            f"circuit that generates {kind} parity for one {s.bits}-bit word",
        ],
        [
            (
                f"{y} is such that {a} and {y} together have an {kind} number of ones.",
                f"{y} is 1 if {a} has an {'even' if odd else 'odd'} number of ones, else 0.",
                f"The {kind} parity bit {y} makes the count of ones in {a} and {y} {kind}.",
            )
        ],
        lambda v: {y: v[a].bit_count() & 1 ^ odd},
        size=s,
        checks=60,
    )


def parity_checker(d: Draw) -> Problem:
    """Whether a word and its parity bit agree."""
    s, a, odd = size(d, 3, 32), d.name(*_PARITY_DATA), d.chance(0.5)
    kind, other = ("odd", "even") if odd else ("even", "odd")
    p = d.name("parity", "p", "par_in", "pbit")
    good = d.chance(0.25)
    y = d.name("ok", "valid", "good") if good else d.name("error", "err", "bad", "perr", "fail")
    value, declared = _parity(d, s.text, a, odd)
    style = d.choose("compare", "joined", "wire")
    if style == "joined":
        mark = "" if odd == good else "~"
        body, reg = drive(d, y, f"{mark}^{{{a}, {p}}}")
        declared = []
    elif style == "wire":
        e = d.name("expected", "calc", "own_parity", "p_calc")
        body = [
            *declared,
            f"wire {e} = {value};",
            f"assign {y} = ({e} {'==' if good else '!='} {p});",
        ]
        reg, declared = False, []
    else:
        body, reg = drive(d, y, f"({value} {'==' if good else '!='} {p})")
    return circuit(
        d,
        ("parity_check", "parity_checker", f"{kind}_parity_check", "par_chk", "perr_det"),
        [
            s.port(a, ("data word", "data")),
            Port(p, "input", meaning=("received parity bit", "parity bit")),
        ],
        [
            Port(
                y,
                "output",
                meaning=("1 if the parity is right",) if good else ("1 on a parity error",),
                reg=reg,
            )
        ],
        [*declared, *body],
        [
            f"{s.bits}-bit {kind} parity checker" + (" with good output" if good else ""),
            f"{kind} parity {'check' if good else 'error detector'} for {s.bits} bits",
            f"checker of one {s.bits}-bit word with {kind} parity bit",
        ],
        [
            (
                f"{y} is {int(not good)} if the ones in {a} and {p} together are an {other} number,"
                f" else {int(good)}.",
                f"With {kind} parity the ones in {a} and {p} together must be {kind} in number; {y} is"
                f" {int(good)} if they are and {int(not good)} if they are not.",
            )
        ],
        lambda v: {y: (v[a].bit_count() + v[p]) & 1 ^ odd ^ good},
        size=s,
        checks=60,
    )


def parity_word(d: Draw) -> Problem:
    """A word with its parity bit put in front or behind."""
    s, a, odd = size(d, 3, 32), d.name(*_PARITY_DATA), d.chance(0.5)
    kind = "odd" if odd else "even"
    y = d.name("code", "out", "word_out", "y", "tx", "data_out")
    above = d.chance(0.6)
    value, declared = _parity(d, s.text, a, odd)
    parts = (value, a) if above else (a, value)
    place = "above the most significant bit" if above else "below the least significant bit"
    bounds = f"[{s.text}:0]" if s.parameter else ""
    end = "on top" if above else "at the bottom"

    def function(v: Values) -> dict[str, int]:
        bit = v[a].bit_count() & 1 ^ odd
        return {y: bit << s.bits | v[a] if above else v[a] << 1 | bit}

    return circuit(
        d,
        ("parity_append", "add_parity", f"{kind}_parity_enc", "parity_encoder", "par_word"),
        [s.port(a, ("data word", "data"))],
        [Port(y, "output", s.bits + 1, ("word with parity bit", "protected word"), bounds=bounds)],
        [*declared, f"assign {y} = {{{', '.join(parts)}}};"],
        [
            f"{s.bits}-bit {kind} parity encoder with the parity bit {end}",
            f"circuit that extends {s.bits} bits by one bit of {kind} parity",
            f"{kind} parity encoder, {s.bits} to {s.bits + 1} bits",
        ],
        [
            (
                f"{y} is {a} with a parity bit {place}.",
                f"A parity bit is put {place} of {a}, and both go to {y}.",
            ),
            (
                f"The parity is {kind}: the number of ones in {y} is always {kind}.",
                f"It is chosen so that {y} has an {kind} number of ones.",
            ),
        ],
        function,
        size=s,
        checks=60,
    )


def _parity(d: Draw, count: str, a: str, odd: bool) -> tuple[str, Lines]:
    """An expression of the parity bit, and lines that declare what it uses."""
    style = d.choose("reduce", "reduce", "loop", "chain")
    mark = "~" if odd else ""
    if style == "loop":
        i, x = d.name("i", "k"), d.name("acc", "xr", "tmp")
        inner = [f"{x} = 1'b{int(odd)};", *loop(i, count, [f"{x} = {x} ^ {a}[{i}];"])]
        return x, [f"reg {x};", f"integer {i};", *d.always_comb(inner)]
    if style == "chain" and count.isdigit() and int(count) <= 8:
        chain = " ^ ".join(f"{a}[{n}]" for n in range(int(count)))
        return (f"~({chain})" if odd else f"({chain})"), []
    return f"{mark}^{a}", []


def word_vote(d: Draw) -> Problem:
    """Bitwise majority of three words, with an error output in some draws."""
    s = size(d, 1, 16)
    a, b, c = row(d, 3)
    y = d.name("y", "voted", "out", "maj", "q")
    flag = d.name("mismatch", "err", "error", "disagree") if d.chance(0.5) else ""
    vote = d.choose(
        f"({a} & {b}) | ({a} & {c}) | ({b} & {c})",
        f"({a} & {b}) | ({c} & ({a} | {b}))",
        f"({a} & {b}) | (({a} ^ {b}) & {c})",
    )
    values = [(y, vote)]
    if flag:
        values.append(
            (flag, d.choose(f"({a} != {b}) || ({b} != {c})", f"|(({a} ^ {b}) | ({b} ^ {c}))"))
        )
    body, reg = drive_all(d, values)
    outputs = [s.output(y, ("voted word", "bitwise majority"), reg)]
    facts: list[Words] = [
        (
            f"Each bit of {y} has the value that at least two of {a}, {b} and {c} have at that place.",
            f"{y} is the bitwise majority of {a}, {b} and {c}.",
        )
    ]
    if flag:
        outputs.append(
            Port(flag, "output", meaning=("1 if the words differ", "disagreement"), reg=reg)
        )
        facts.append(
            (
                f"{flag} is 1 unless all three words are equal.",
                f"{flag} = 1 if any two words differ.",
            )
        )
    wide = "one-bit" if s.bits == 1 else f"{s.bits}-bit"
    suffix = " with error output" if flag else ""
    return circuit(
        d,
        ("tmr_voter", "voter3", "tmr", "majority_word", "vote3", f"tmr_vote{s.bits}"),
        [
            s.port(n, (f"copy {k + 1}", "one of three redundant words"))
            for k, n in enumerate((a, b, c))
        ],
        outputs,
        body,
        [
            f"{wide} triple modular redundancy voter{suffix}",
            f"bitwise majority voter of three {wide} words{suffix}",
            f"two-out-of-three voter for {wide} data{suffix}",
        ],
        facts,
        lambda v: (
            {y: v[a] & v[b] | v[a] & v[c] | v[b] & v[c]}
            | ({flag: int(not v[a] == v[b] == v[c])} if flag else {})
        ),
        size=s,
    )


FAMILIES = (
    parity_generator,
    parity_checker,
    parity_word,
    word_vote,
)
