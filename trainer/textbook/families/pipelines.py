"""Streams of numbers: pipelined arithmetic, sums of products, reductions of blocks."""

from __future__ import annotations

from itertools import pairwise

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import edge, span
from trainer.textbook.families._machines import bits_for
from trainer.textbook.problem import Behaviour, Port, Problem, Values, signed, unsigned

_VALID_IN = ("in_valid", "valid_in", "i_valid", "start")
_VALID_OUT = ("out_valid", "valid_out", "o_valid", "done")


def pipelined_operation(d: Draw) -> Problem:
    """A two-operand operation whose result is delayed by a number of registers, with valid bits."""
    clocking = d.clocking(reset=1.0)
    width, stages = d.choose(4, 8, 8, 12, 16), d.integer(2, 4)
    symbol, what = d.choose(("*", "product"), ("+", "sum"), ("-", "difference"))
    size = {"*": 2 * width, "+": width + 1, "-": width}[symbol]
    a, b = (d.name(n) for n in d.choose(("a", "b"), ("x", "y"), ("op_a", "op_b")))
    out = d.name("result", what, "r", "out")
    start, valid = d.name(*_VALID_IN), d.name(*_VALID_OUT)
    ra = d.name("a_q", "a_reg", "ra")
    rb = d.name("b_q", "b_reg", "rb")
    flags = d.name("valid_q", "v", "flags")
    middle = [d.name(f"stage{k}", f"p{k}", f"res{k}") for k in range(2, stages)]
    chain = [*middle, out]
    body = [f"reg {span(width)}{ra}, {rb};"]
    body += [f"reg {span(size)}{', '.join(middle)};"] if middle else []
    data = [f"{ra} <= {a};", f"{rb} <= {b};", f"{chain[0]} <= {ra} {symbol} {rb};"]
    data += [f"{later} <= {earlier};" for earlier, later in pairwise(chain)]
    if stages == 2:
        flag_run, hold = [f"{flags} <= {start};", f"{valid} <= {flags};"], f"reg {flags};"
        flag_reset = [f"{flags} <= 1'b0;", f"{valid} <= 1'b0;"]
    else:
        hold = f"reg {span(stages - 1)}{flags};"
        tail = f"{flags}[{stages - 3}:0]" if stages > 3 else f"{flags}[0]"
        flag_run = [f"{flags} <= {{{tail}, {start}}};", f"{valid} <= {flags}[{stages - 2}];"]
        flag_reset = [f"{flags} <= {d.number(0, stages - 1)};", f"{valid} <= 1'b0;"]
    body += [hold, ""]
    if d.chance(0.5):
        body += d.always_clocked(clocking, data)
        body += ["", *d.always_clocked(clocking, flag_run, flag_reset)]
    else:
        zeros = [f"{r} <= {d.number(0, width)};" for r in (ra, rb)]
        zeros += [f"{r} <= {d.number(0, size)};" for r in chain]
        body += d.always_clocked(clocking, [*data, *flag_run], [*zeros, *flag_reset])

    def value(v: Values) -> int:
        x, y = v[a], v[b]
        return unsigned({"*": x * y, "+": x + y, "-": x - y}[symbol], size)

    def step(inside: tuple, v: Values) -> tuple:
        return (value(v) if v[start] else None, *inside[:-1])

    does = {"*": "times", "+": "plus", "-": "minus"}[symbol]
    noun = {"*": "multiplier", "+": "adder", "-": "subtractor"}[symbol]
    extra = f", modulo 2^{width}" if symbol == "-" else ""
    return Problem(
        name=d.name(
            f"pipelined_{noun}", f"pipe_{noun[:4]}", f"{noun}_pipe{stages}", f"{noun}_{stages}stage"
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(start, "input", meaning=("operands are valid", "input valid")),
            Port(a, "input", width, ("first operand", "left operand")),
            Port(b, "input", width, ("second operand", "right operand")),
            Port(out, "output", size, (what, f"{size}-bit {what}"), reg=True),
            Port(valid, "output", meaning=("result is valid", "output valid"), reg=True),
        ],
        body=body,
        phrases=[
            f"{stages}-stage pipelined {width}-bit unsigned {noun} with valid signals",
            f"pipelined {noun} with a latency of {stages} cycles",
            f"{noun} with registered inputs and outputs and a throughput of one {what} a cycle",
        ],
        facts=[
            (
                f"{out} is {a} {does} {b} as unsigned numbers{extra}, in {size} bits.",
                f"The pipeline computes the {size}-bit value of {a} {symbol} {b} "
                f"(unsigned{extra}).",
            ),
            (
                f"Operands taken at a {edge(clocking)} appear as a result {stages} edges "
                f"later, that edge included.",
                f"The latency is {stages} edges: the first loads the input registers and the last "
                f"one {out}.",
            ),
            (
                f"{valid} is {start} with the same delay; new operands can come in every cycle.",
                f"{start} marks valid operands and travels along, so that {valid} marks valid "
                f"results. There are no stalls.",
            ),
            (
                f"While {valid} is low {out} does not matter.",
                f"{out} has a meaning only when {valid} is 1.",
            ),
            d.reset_fact(clocking, f"{valid} is low and all calculations under way are dropped"),
        ],
        clocking=clocking,
        behaviour=Behaviour(
            start=(None,) * stages,
            step=step,
            outputs=lambda s, v: {out: s[-1], valid: int(s[-1] is not None)},
        ),
        checks=60,
    )


def multiply_accumulate(d: Draw) -> Problem:
    """A running sum of products, signed or not."""
    clocking = d.clocking(reset=1.0)
    width, guard, is_signed = d.choose(3, 4, 8, 8, 12), d.integer(0, 8), d.chance(0.4)
    size = 2 * width + guard
    a, b = (d.name(n) for n in d.choose(("a", "b"), ("x", "y"), ("coef", "sample")))
    acc = d.name("acc", "sum", "total", "accum")
    en, clear = d.name("en", "valid", "mac_en", "ce"), d.name("clr", "clear_acc", "first", "init")
    restart = d.chance(0.5)
    product = d.name("product", "prod", "p")
    sign = "signed " if is_signed else ""
    add, first = [f"{acc} <= {acc} + {product};"], [f"{acc} <= {product};"]
    zero = [f"{acc} <= {d.number(0, size)};"]
    if restart:
        run = d.branches((en, d.branches((clear, first), ("", add))))
    else:
        run = d.branches((clear, zero), (en, add))
    body = [
        f"wire {sign}{span(2 * width)}{product} = {a} * {b};",
        "",
        *d.always_clocked(clocking, run, zero),
    ]

    def step(total: int, v: Values) -> int:
        x, y = (signed(v[a], width), signed(v[b], width)) if is_signed else (v[a], v[b])
        if restart:
            return total if not v[en] else unsigned((0 if v[clear] else total) + x * y, size)
        return 0 if v[clear] else unsigned(total + x * y, size) if v[en] else total

    kind = "signed" if is_signed else "unsigned"
    return Problem(
        name=d.name("mac", f"mac{width}", "multiply_accumulate", "mult_acc", f"mac_{kind}"),
        ports=[
            *d.clock_ports(clocking),
            Port(clear, "input", meaning=("starts a new sum",) if restart else ("clears the sum",)),
            Port(en, "input", meaning=("operands are valid", "enable, active high")),
            Port(a, "input", width, (f"first factor, {kind}", "left operand"), signed=is_signed),
            Port(b, "input", width, (f"second factor, {kind}", "right operand"), signed=is_signed),
            Port(
                acc, "output", size, ("sum of products", "accumulator"), reg=True, signed=is_signed
            ),
        ],
        body=body,
        phrases=[
            f"{kind} {width}x{width} multiply-accumulate unit with a {size}-bit accumulator",
            f"MAC for {kind} {width}-bit operands with {'first' if restart else 'clear'} input",
            f"accumulator of products, {size} bits wide",
        ],
        facts=[
            (
                f"At each {edge(clocking)} with {en} high the product of {a} and {b} is "
                f"added to {acc}.",
                f"{acc} grows by {a} times {b} at the {edge(clocking)} if {en} is 1.",
            ),
            (f"All numbers are {kind}.", f"{a}, {b} and {acc} are {kind} numbers."),
            (
                f"{acc} has {size} bits and wraps around on overflow.",
                f"The sum is taken modulo 2^{size}.",
            ),
            (
                f"If {clear} is high together with {en}, the old sum is dropped and {acc} becomes "
                f"the product; alone it has no effect.",
                f"An enabled edge with {clear} = 1 loads the product instead of adding it. "
                f"{clear} without {en} does nothing.",
            )
            if restart
            else (
                f"{clear} high at the edge sets {acc} to 0 and has priority over {en}.",
                f"The synchronous {clear} zeroes {acc}, even when {en} is 1.",
            ),
            (f"With {en} low {acc} holds{'' if restart else f' unless {clear} is high'}.",),
            d.reset_fact(clocking, f"{acc} is 0"),
        ],
        clocking=clocking,
        stimulus=lambda random, n: {
            en: int(random.random() < 0.8),
            clear: int(random.random() < 0.1),
            a: random.getrandbits(width),
            b: random.getrandbits(width),
        },
        behaviour=Behaviour(start=0, step=step, outputs=lambda s, v: {acc: s}),
        checks=70,
    )


def block_reduction(d: Draw) -> Problem:
    """The sum, or mean, or largest of every N samples."""
    clocking = d.clocking(reset=1.0)
    kind = d.choose("sum", "mean", "max", "min")
    width, log = d.choose(4, 6, 8, 8, 12), d.integer(1, 4)
    count = 1 << log if kind == "mean" else d.integer(2, 12)
    n, size = bits_for(count), width + (bits_for(count) if kind in ("sum", "mean") else 0)
    out_width = size if kind == "sum" else width
    x = d.name("x", "sample", "din", "data_in")
    valid = d.name("valid", "in_valid", "en", "sample_en")
    y, done = d.name(kind, "result", "dout", "y"), d.name("done", "out_valid", "result_valid")
    acc = d.name("acc", "partial", "best" if size == width else "acc_r")
    seen = d.name("seen", "count", "index")
    now = d.name("now", "updated", "with_x")
    update = {
        "sum": f"{acc} + {x}",
        "mean": f"{acc} + {x}",
        "max": f"({x} > {acc}) ? {x} : {acc}",
        "min": f"({x} < {acc}) ? {x} : {acc}",
    }[kind]
    begin = (1 << width) - 1 if kind == "min" else 0
    clear = [f"{acc} <= {d.number(begin, size)};", f"{seen} <= {d.number(0, n)};"]
    shown = f"{now}[{size - 1}:{log}]" if kind == "mean" else now
    complete = [f"{y} <= {shown};", f"{done} <= 1'b1;", *clear]
    more = [f"{acc} <= {now};", f"{seen} <= {seen} + 1'b1;"]
    full = f"{seen} == {d.number(count - 1, n)}"
    run = [f"{done} <= 1'b0;", *d.branches((valid, d.branches((full, complete), ("", more))))]
    body = [
        f"reg {span(size)}{acc};",
        f"reg {span(n)}{seen};",
        f"wire {span(size)}{now} = {update};",
        "",
    ]
    body += d.always_clocked(
        clocking, run, [*clear, f"{y} <= {d.number(0, out_width)};", f"{done} <= 1'b0;"]
    )
    combine = {"sum": sum, "mean": lambda group: sum(group) // count, "max": max, "min": min}[kind]

    def step(state: tuple, v: Values) -> tuple:
        group, result, _ = state
        if not v[valid]:
            return group, result, 0
        group = (*group, v[x])
        return (group, result, 0) if len(group) < count else ((), combine(group), 1)

    what = {"sum": "sum", "mean": "mean (rounded down)", "max": "maximum", "min": "minimum"}[kind]
    return Problem(
        name=d.name(
            f"block_{kind}", f"{kind}_of_{count}", f"group_{kind}", f"{kind}_filter", "decimator"
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(valid, "input", meaning=("the sample is valid", "sample strobe")),
            Port(x, "input", width, ("unsigned sample", "input sample")),
            Port(y, "output", out_width, (f"{what} of the last block", "result"), reg=True),
            Port(
                done,
                "output",
                meaning=("a block is complete", "high for one cycle a block"),
                reg=True,
            ),
        ],
        body=body,
        phrases=[
            f"{what} of every {count} samples of {width} bits",
            f"block-wise {what.split()[0]} over {count} samples with a done pulse",
            f"circuit that reduces {count} valid inputs to their {what.split()[0]}",
        ],
        facts=[
            (
                f"A sample is taken from {x} at each {edge(clocking)} with {valid} high; "
                f"samples are unsigned.",
                f"{x} (unsigned) counts only at the {edge(clocking)} when {valid} is 1.",
            ),
            (
                f"Samples are grouped in blocks of {count}; at the edge of the last one, {y} "
                f"becomes the {what} of the block.",
                f"After every {count} samples {y} is loaded with their {what}, the last sample "
                f"included.",
            ),
            (
                f"{done} is high for one cycle after that edge, and {y} holds until the next "
                f"block is complete.",
                f"A new result is announced by a one-cycle pulse on {done}; {y} keeps it.",
            ),
            d.reset_fact(clocking, f"a new block begins, and {y} and {done} are 0"),
        ],
        clocking=clocking,
        stimulus=lambda random, k: {
            valid: int(random.random() < 0.85),
            x: random.getrandbits(width),
        },
        behaviour=Behaviour(
            start=((), 0, 0), step=step, outputs=lambda s, v: {y: s[1], done: s[2]}
        ),
        checks=100,
    )


FAMILIES = (
    pipelined_operation,
    multiply_accumulate,
    block_reduction,
)
