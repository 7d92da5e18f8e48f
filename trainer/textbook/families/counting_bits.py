"""Ones and zeros of a word: how many, and where."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import drive
from trainer.textbook.families._words import circuit, loop, remark, size
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    Words,
)

_WORDS = ("x", "in", "a", "data", "d", "din", "word", "req")


def zero_count(d: Draw) -> Problem:
    """Leading or trailing zeros or ones of a word."""
    count = d.choose(4, 8, 8, 12, 16, 16, 32)
    width = count.bit_length()
    a = d.name("in", "a", "data", "x", "d", "word", "din")
    y = d.name("count", "y", "n", "zeros", "cnt", "lz", "out", "num")
    leading, ones = d.chance(0.6), d.chance(0.25)
    style = d.choose("loop", "loop", "branches") if count <= 8 else "loop"
    not_flag = "" if ones else "!"
    order = list(range(count))[:: -1 if leading else 1]
    if style == "branches":
        test = "!" if ones else ""
        arms = [(f"{test}{a}[{n}]", [f"{y} = {d.number(k, width)};"]) for k, n in enumerate(order)]
        body = d.always_comb(d.branches(*arms, ("", [f"{y} = {d.number(count, width)};"])))
    elif d.chance(0.5):
        i = d.name("i", "k")
        step = d.branches(
            (f"{'!' if ones else ''}{a}[{i}]", [f"{y} = {_distance(count, i, leading)};"])
        )
        up = f"for ({i} = 0; {i} < {count}; {i} = {i} + 1)"
        down = f"for ({i} = {count - 1}; {i} >= 0; {i} = {i} - 1)"
        inner = [f"{y} = {d.number(count, width)};", *d.block(up if leading else down, step)]
        body = [f"integer {i};", *d.always_comb(inner)]
    else:
        i, going = d.name("i", "k"), d.name("going", "run", "still", "cont")
        place = f"{a}[{count - 1} - {i}]" if leading else f"{a}[{i}]"
        step = d.branches(
            (f"{going} && {not_flag}{place}", [f"{y} = {y} + 1;"]), ("", [f"{going} = 1'b0;"])
        )
        head = f"for ({i} = 0; {i} < {count}; {i} = {i} + 1)"
        inner = [f"{y} = {d.number(0, width)};", f"{going} = 1'b1;", *d.block(head, step)]
        body = [f"integer {i};", f"reg {going};", *d.always_comb(inner)]
    what = "ones" if ones else "zeros"
    end = "leading" if leading else "trailing"
    from_end = "most significant" if leading else "least significant"

    def function(v: dict[str, int]) -> dict[str, int]:
        value = v[a] ^ ((1 << count) - 1) if ones else v[a]
        if value == 0:
            return {y: count}
        return {y: count - value.bit_length() if leading else (value & -value).bit_length() - 1}

    def stimulus(random: Random, _: int) -> dict[str, int]:
        length = random.randint(0, count)
        value = random.getrandbits(length) if length else 0
        value = value if leading else value << (count - length)
        return {a: value ^ ((1 << count) - 1) if ones else value}

    short = f"{'cl' if leading else 'ct'}{'o' if ones else 'z'}"
    return circuit(
        d,
        (f"{end}_{what}", short, f"{short}{count}", f"count_{end}_{what}", f"{end}_{what}_counter"),
        [Port(a, "input", count, ("input word", f"{count}-bit input"))],
        [Port(y, "output", width, (f"number of {end} {what}", f"{end} {what}"), True)],
        body,
        [
            f"{count}-bit {end} {what} counter",
            f"counter of the {end} {what} of one {count}-bit word, combinational",
            f"{short.upper()} unit for {count} bits",
        ],
        [
            (
                f"{y} is the number of consecutive {what} in {a}, counted from the {from_end} bit.",
                f"The output {y} tells how many {what} {a} has at its {from_end} end before the"
                f" first {'zero' if ones else 'one'}.",
            ),
            (
                f"If all bits of {a} are {int(ones)}, {y} is {count}.",
                f"For an input of only {what} the result is {count}.",
            ),
        ],
        function,
        stimulus=stimulus,
    )


def _distance(count: int, index: str, leading: bool) -> str:
    """Number of bits before bit `index`, seen from the end where counting starts."""
    return f"{count - 1} - {index}" if leading else index


def popcount(d: Draw) -> Problem:
    """Number of ones, or of zeros, in a word."""
    count = d.choose(3, 4, 5, 6, 7, 8, 8, 10, 12, 16, 24, 32)
    width = count.bit_length()
    a = d.name("in", "a", "data", "x", "d", "word", "vec", "bits")
    y = d.name("count", "y", "ones", "sum", "cnt", "out", "n", "total")
    zeros = d.chance(0.25)
    style = d.choose("loop", "loop", "sum", "halves", "function")
    mark = "~" if zeros else ""
    reg = False
    if style == "sum" and count <= 8:
        terms = [f"{{{width - 1}'b0, {mark}{a}[{n}]}}" for n in range(count)]
        if not zeros and d.chance(0.7):
            terms = [f"{a}[{n}]" for n in range(count)]
        body, reg = drive(d, y, " + ".join(terms))
    elif style == "halves" and count % 2 == 0 and count <= 8:
        half = count // 2
        low, high = d.name("low", "lo", "sum_lo"), d.name("high", "hi", "sum_hi")
        bit = f"!{a}" if zeros else a
        inner = half.bit_length()
        body = [
            f"wire [{inner - 1}:0] {low} = {' + '.join(f'{bit}[{n}]' for n in range(half))};",
            f"wire [{inner - 1}:0] {high} = {' + '.join(f'{bit}[{n}]' for n in range(half, count))};",
            f"assign {y} = {low} + {high};",
        ]
    elif style == "function":
        f, i, v = (
            d.name("ones_in", "count_ones", "popcnt"),
            d.name("i", "k"),
            d.name("v", "value", "w"),
        )
        inner = [f"{f} = 0;", *loop(i, str(count), [f"{f} = {f} + {v}[{i}];"])]
        body = [
            f"function [{width - 1}:0] {f};",
            f"    input [{count - 1}:0] {v};",
            f"    integer {i};",
            *(f"    {line}" for line in ["begin", *(f"    {x}" for x in inner), "end"]),
            "endfunction",
            "",
            f"assign {y} = {f}({mark}{a});",
        ]
    else:
        i = d.name("i", "k", "j")
        if d.chance(0.6):
            step = [f"{y} = {y} + {'!' if zeros else ''}{a}[{i}];"]
        else:
            step = d.branches((f"{'!' if zeros else ''}{a}[{i}]", [f"{y} = {y} + 1'b1;"]))
        inner = [f"{y} = {d.number(0, width)};", *loop(i, str(count), step)]
        body, reg = [f"integer {i};", *d.always_comb(inner)], True
    what = "zeros" if zeros else "ones"
    return circuit(
        d,
        (f"count_{what}", f"{what}_counter", "popcount", f"{what}_count", f"num_{what}"),
        [Port(a, "input", count, ("input word", f"{count} bits to be counted"))],
        [Port(y, "output", width, (f"number of {what}", f"count of {what}"), reg)],
        body,
        [
            f"{count}-bit population count of {what}" if zeros else f"{count}-bit population count",
            f"combinational counter of the {what} among {count} bits",
            f"circuit that counts how many of {count} input bits are {int(not zeros)}",
        ],
        [
            (
                f"{y} is the number of bits of {a} that are {int(not zeros)}.",
                f"The output {y} counts the {what} in {a}, from 0 to {count}.",
                f"{a} has {count} bits, and {y} tells how many of them are {what}.",
            )
        ],
        lambda v: {y: count - v[a].bit_count() if zeros else v[a].bit_count()},
    )


def set_bit_test(d: Draw) -> Problem:
    """Whether exactly one, at most one or more than one bit is set."""
    s = size(d, 3, 16)
    x = d.name(*_WORDS)
    kind = d.choose("exactly one", "at most one", "more than one", "exactly two")
    y = d.name("y", "ok", "onehot", "valid", "out", "flag")
    low = f"({x} & ({x} - 1'b1))"
    single = d.choose(f"({low} == 0)", f"~|{low}")
    if kind == "exactly two" or d.chance(0.35):
        i, n = d.name("i", "k"), d.name("n", "ones", "count", "cnt")
        test = {
            "exactly one": "== 1",
            "at most one": "<= 1",
            "more than one": "> 1",
            "exactly two": "== 2",
        }[kind]
        inner = [f"{n} = 0;", *loop(i, s.text, [f"{n} = {n} + {x}[{i}];"]), f"{y} = ({n} {test});"]
        body, reg = [f"integer {i}, {n};", *d.always_comb(inner)], True
    else:
        value = {
            "exactly one": f"(|{x}) & {single}",
            "at most one": single,
            "more than one": f"|{low}",
        }[kind]
        body, reg = drive(d, y, value)

    def stimulus(random: Random, _: int) -> Values:
        value = 0
        for _ in range(random.randint(0, 3)):
            value |= 1 << random.randrange(s.bits)
        return {x: value if random.random() < 0.85 else random.getrandbits(s.bits)}

    tests = {
        "exactly one": lambda n: n == 1,
        "at most one": lambda n: n <= 1,
        "more than one": lambda n: n > 1,
        "exactly two": lambda n: n == 2,
    }
    plural = "bits" if kind == "exactly two" else "bit"
    verb = "are" if kind == "exactly two" else "is"
    return circuit(
        d,
        ("onehot_check", "one_hot_test", "bit_check", "is_onehot", "count_test", "set_check")
        if "one" in kind and kind != "more than one"
        else ("multi_hot", "bit_check", "many_set", "count_test", "set_check"),
        [s.port(x, ("input word", f"{s.bits}-bit input"))],
        [Port(y, "output", meaning=(f"1 if {kind} {plural} {verb} set", "test result"), reg=reg)],
        body,
        [
            f"{s.bits}-bit test for {kind} set {plural}",
            f"detector of {s.bits}-bit words with {kind} {plural} set",
            f"circuit that checks whether {kind} of {s.bits} bits {verb} 1",
        ],
        [
            (
                f"{y} is 1 if {kind} {plural} of {x} {verb} 1, else 0.",
                f"The output {y} tells whether {kind} {plural} of {x} {verb} set.",
            )
        ],
        lambda v: {y: int(tests[kind](v[x].bit_count()))},
        size=s,
        stimulus=stimulus,
    )


def lowest_bit(d: Draw) -> Problem:
    """Isolate, clear or fill from the lowest or highest set bit."""
    s = size(d, 4, 32)
    x, y = d.name(*_WORDS), d.name("y", "out", "grant", "bit_out", "q", "result")
    kind = d.choose("isolate", "clear", "below", "highest")
    reg = False
    if kind == "highest":
        i = d.name("i", "k")
        step = d.branches((f"{x}[{i}]", [f"{y} = 1'b1 << {i};"]))
        head = f"for ({i} = 0; {i} < {s.text}; {i} = {i} + 1)"
        inner = [*remark(d, "the highest one wins"), f"{y} = {s.zero(d)};", *d.block(head, step)]
        body, reg = [f"integer {i};", *d.always_comb(inner)], True
    elif kind == "isolate" and d.chance(0.3):
        i, seen = d.name("i", "k"), d.name("seen", "taken", "blocked")
        steps = [f"{y}[{i}] = {x}[{i}] & ~{seen};", f"{seen} = {seen} | {x}[{i}];"]
        inner = [f"{seen} = 1'b0;", *loop(i, s.text, steps)]
        body, reg = [f"reg {seen};", f"integer {i};", *d.always_comb(inner)], True
    else:
        value = {
            "isolate": d.choose(f"{x} & -{x}", f"{x} & (~{x} + 1'b1)", f"{x} & ~({x} - 1'b1)"),
            "clear": f"{x} & ({x} - 1'b1)",
            "below": d.choose(f"~{x} & ({x} - 1'b1)", f"~({x} | -{x})"),
        }[kind]
        body, reg = drive(d, y, value)
    facts: dict[str, Words] = {
        "isolate": (
            f"{y} has only the lowest set bit of {x}; if {x} is 0, so is {y}.",
            f"Of all ones in {x} only the least significant one is kept; zero gives zero.",
        ),
        "clear": (
            f"{y} is {x} with its lowest set bit cleared; if {x} is 0, so is {y}.",
            f"The least significant 1 of {x} is turned into 0; zero stays zero.",
        ),
        "below": (
            f"{y} has ones exactly at the trailing zeros of {x}; if {x} is 0, all bits are 1.",
            f"All bits below the lowest 1 of {x} are set in {y} and no others; {x} = 0 gives all ones.",
        ),
        "highest": (
            f"{y} has only the highest set bit of {x}; if {x} is 0, so is {y}.",
            f"Of all ones in {x} only the most significant one is kept; zero gives zero.",
        ),
    }
    titles = {
        "isolate": "isolator of the lowest set bit",
        "clear": "circuit that clears the lowest set bit",
        "below": "mask of the trailing zeros",
        "highest": "isolator of the highest set bit",
    }

    def function(v: Values) -> dict[str, int]:
        n = v[x]
        low = n & -n
        results = {
            "isolate": low,
            "clear": n - low,
            "below": low - 1 if n else (1 << s.bits) - 1,
            "highest": 1 << n.bit_length() >> 1,
        }
        return {y: results[kind]}

    names = {
        "isolate": ("lowest_one", "isolate_lsb", "lowest_set", "first_one", "lsb_only"),
        "clear": ("clear_lowest", "drop_lsb_one", "clear_first_one", "blsr"),
        "below": ("trailing_mask", "tz_mask", "below_lowest", "blsmsk"),
        "highest": ("highest_one", "isolate_msb", "highest_set", "msb_only"),
    }
    return circuit(
        d,
        names[kind],
        [s.port(x, ("input word", f"{s.bits}-bit input"))],
        [s.output(y, ("result", "changed word"), reg)],
        body,
        [
            f"{s.bits}-bit {titles[kind]}",
            f"{titles[kind]} in one {s.bits}-bit word",
            f"combinational {titles[kind]}",
        ],
        [facts[kind]],
        function,
        size=s,
    )


FAMILIES = (
    zero_count,
    popcount,
    set_bit_test,
    lowest_bit,
)
