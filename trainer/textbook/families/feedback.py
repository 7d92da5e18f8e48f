"""Linear feedback shift registers of both kinds."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.english import listing
from trainer.textbook.families._common import Size, comment, edge
from trainer.textbook.families._register import Arm, move, moved, register
from trainer.textbook.families._timing import clocked, constant, control, enabling, features
from trainer.textbook.problem import Behaviour, Port, Problem, Values

# Exponents below the degree, without the constant, of primitive polynomials over GF(2).
_POLYNOMIALS: dict[int, tuple[tuple[int, ...], ...]] = {
    3: ((1,), (2,)),
    4: ((1,), (3,)),
    5: ((2,), (3,)),
    6: ((1,), (5,)),
    7: ((1,), (6,), (3,), (4,)),
    8: ((4, 3, 2), (6, 5, 4)),
    9: ((4,), (5,)),
    10: ((3,), (7,)),
    11: ((2,), (9,)),
    12: ((6, 4, 1),),
    15: ((1,), (14,)),
    16: ((12, 3, 1), (15, 13, 4)),
}


def _polynomial(d: Draw) -> tuple[int, tuple[int, ...], str]:
    """Degree, inner exponents and the text of a feedback polynomial."""
    degree = d.choose(*_POLYNOMIALS, 4, 5, 8, 8, 16)
    inner = d.choose(*_POLYNOMIALS[degree])
    terms = " + ".join(f"x^{n}" if n > 1 else "x" for n in (degree, *sorted(inner, reverse=True)))
    return degree, inner, f"{terms} + 1"


def _seed(d: Draw, bits: int) -> int:
    """A start value that is not zero."""
    return d.choose(1, 1, (1 << bits) - 1, d.integer(1, (1 << bits) - 1))


def fibonacci_lfsr(d: Draw) -> Problem:
    """The XOR (or XNOR) of some stages goes into the first one."""
    clocking = d.clocking(reset=1.0)
    enable = enabling(d, "shift enable", 0.45)
    bits, inner, _ = _polynomial(d)
    width, left, inverted = Size(bits), d.chance(0.7), d.chance(0.2)
    seed = 0 if inverted else _seed(d, bits)
    taps = sorted(bits - n if not left else n - 1 for n in (bits, *inner))
    if left:
        taps.reverse()
    q = d.name("lfsr", "q", "random", "out", "rnd", "state")
    serial = d.name("bit_out", "so", "prbs", "serial") if d.chance(0.25) else ""
    feedback = d.name("feedback", "fb", "new_bit", "next_bit", "tap_xor") if d.chance(0.6) else ""

    def xor(own: str) -> str:
        text = " ^ ".join(f"{own}[{n}]" for n in taps)
        return f"~({text})" if inverted else text

    def arms(own: str) -> list[Arm]:
        return [(enable.condition(d), moved(own, width, left, feedback or xor(own)))]

    body, reg = register(
        d, clocking, q, width, arms, constant(d, seed, width), inside=0.0 if feedback else 0.17
    )
    if feedback:
        declared = [f"wire {feedback} = {xor(q)};"]
        if d.chance(0.5):
            declared = [f"wire {feedback};", f"assign {feedback} = {xor(q)};"]
        body = [*declared, "", *body]
    ports = [
        *enable.ports,
        Port(q, "output", bits, ("state of the LFSR", "pseudo-random number"), reg),
    ]
    end = bits - 1 if left else 0
    if serial:
        body = [*body, f"assign {serial} = {q}[{end}];"]
        ports.append(
            Port(
                serial,
                "output",
                meaning=(f"bit {end} of the register", "serial pseudo-random output"),
            )
        )
    way, entry = ("left", 0) if left else ("right", bits - 1)
    gate = "XNOR" if inverted else "XOR"
    names = listing([f"{q}[{n}]" for n in taps])

    def step(s: int, v: Values) -> int:
        if not enable.on(v):
            return s
        parity = sum(s >> n & 1 for n in taps) & 1
        return move(s, width, left, parity ^ inverted)

    return clocked(
        d,
        clocking,
        ("lfsr", f"lfsr{bits}", "prbs_gen", "lfsr_fib", "random_gen", f"lfsr_{bits}bit"),
        ports,
        [*comment(d, f"Taps: {', '.join(map(str, taps))}"), *body],
        [
            f"{bits}-bit Fibonacci LFSR that shifts {way}, taps {', '.join(map(str, taps))}"
            + features(d, clocking, enable.called("enable"), lead=", "),
            f"{bits}-bit linear feedback shift register with {gate} feedback",
            f"{bits}-bit pseudo-random number generator (LFSR)",
        ],
        [
            (
                f"At each {edge(clocking)}{enable.clause('at which')} the register shifts {way} "
                f"by one and bit {entry} receives the {gate} of {names}.",
                f"The feedback bit is the {gate} of {names}. It enters at bit {entry} when the "
                f"register shifts {way} on the {edge(clocking)}{enable.clause()}.",
            ),
            *enable.holds("the register"),
            *([f"{serial} is bit {end} of the register."] if serial else []),
        ],
        Behaviour(
            start=seed,
            step=step,
            outputs=lambda s, v: {q: s} | ({serial: s >> end & 1} if serial else {}),
        ),
        at_reset=f"the register is loaded with the seed {seed}",
    )


def galois_lfsr(d: Draw) -> Problem:
    """The bit that leaves is XORed into some stages."""
    clocking = d.clocking(reset=1.0)
    enable = enabling(d, "shift enable", 0.4)
    load = control(d, "load", "seed_load", "ld", meaning="load of a seed", probability=0.25)
    bits, inner, polynomial = _polynomial(d)
    width, left, seed = Size(bits), d.chance(0.45), _seed(d, bits)
    q, given = d.name("lfsr", "q", "random", "rnd", "state"), d.name("seed", "seed_in", "init", "d")
    mask = 1 | sum(1 << n for n in inner) if left else sum(1 << (n - 1) for n in (bits, *inner))
    end = bits - 1 if left else 0
    constant_text = (
        f"{bits}'b{mask:0{bits}b}"
        if d.chance(0.4)
        else f"{bits}'h{mask:0{(bits + 3) // 4}{d.choose('x', 'X')}}"
    )

    def masked(own: str) -> str:
        shifted = (
            moved(own, width, left, "1'b0")
            if d.chance(0.5)
            else f"({own} {'<<' if left else '>>'} 1)"
        )
        return d.choose(
            f"{shifted} ^ ({{{bits}{{{own}[{end}]}}}} & {constant_text})",
            f"{own}[{end}] ? {shifted} ^ {constant_text} : {shifted}",
        )

    def written_out(own: str) -> str:
        """All bits, the highest first."""
        last = f"{own}[{end}]"
        parts = []
        for n in reversed(range(bits)):
            old = n - 1 if left else n + 1
            if not 0 <= old < bits:
                parts.append(last)
            else:
                parts.append(f"{own}[{old}] ^ {last}" if mask >> n & 1 else f"{own}[{old}]")
        return "{" + ", ".join(parts) + "}"

    text = written_out if bits <= 8 and d.chance(0.5) else masked

    def arms(own: str) -> list[Arm]:
        loading = [(load.condition(d), given)] if load.name else []
        return [*loading, (enable.condition(d), text(own))]

    body, reg = register(d, clocking, q, width, arms, constant(d, seed, width))
    way = "left" if left else "right"

    def step(s: int, v: Values) -> int:
        if load.name and load.on(v):
            return v[given]
        return move(s, width, left, 0) ^ mask * (s >> end & 1) if enable.on(v) else s

    others = listing([str(n) for n in range(bits) if mask >> n & 1])
    facts = [
        (
            f"At each {edge(clocking)}{enable.clause('at which')} the register shifts {way} by "
            f"one (zero fill); if the bit that leaves, bit {end}, was 1, the result is XORed with "
            f"{mask:#0{bits + 2}b}.",
            f"On the {edge(clocking)}{enable.clause()} it shifts {way}, and the old bit {end} is "
            f"XORed into the bits {others} of the shifted value.",
        ),
        f"The polynomial is {polynomial}.",
        *enable.holds("the register, unless loaded," if load.name else "the register"),
    ]
    if load.name:
        facts.append(
            (
                f"If {load.name} is {load.level} at the clock edge, {given} is loaded instead.",
                f"{load.name} (active {load.level}) loads {given} and has priority.",
            )
        )
    return clocked(
        d,
        clocking,
        ("galois_lfsr", f"lfsr_galois{bits}", "lfsr_g", "prng", "lfsr_int", "scrambler_lfsr"),
        [
            *enable.ports,
            *load.ports,
            *([Port(given, "input", bits, ("seed to load", "new state"))] if load.name else []),
            Port(q, "output", bits, ("state of the LFSR", "pseudo-random number"), reg),
        ],
        body,
        [
            f"{bits}-bit Galois LFSR that shifts {way}, polynomial {polynomial}"
            + features(d, clocking, enable.called("enable"), lead=", "),
            f"{bits}-bit Galois LFSR"
            + features(d, clocking, enable.called("enable"), load.called("seed load")),
            f"{bits}-bit internal-XOR linear feedback shift register",
        ],
        facts,
        Behaviour(start=seed, step=step, outputs=lambda s, v: {q: s}),
        at_reset=f"the register becomes {seed}",
    )


FAMILIES = (fibonacci_lfsr, galois_lfsr)
