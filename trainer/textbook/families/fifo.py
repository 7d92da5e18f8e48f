"""Synchronous FIFOs."""

from __future__ import annotations

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import counted, listing
from trainer.textbook.families._common import edge, span
from trainer.textbook.families._machines import bits_for, sized, tides, upto
from trainer.textbook.problem import Behaviour, Clocking, Port, Problem, Values, Words


def fifo(d: Draw) -> Problem:
    """A synchronous FIFO, with a count or with pointers of one more bit, two ways of reading."""
    clocking = d.clocking(reset=1.0)
    width, ahead = d.width(4, 32), d.chance(0.5)
    pointers = d.chance(0.4)
    depth = d.choose(2, 4, 4, 8, 8, 16) if pointers or d.chance(0.7) else d.integer(3, 12)
    a = bits_for(depth)
    size, parameters = sized(d, 0.25, WIDTH=width)
    push = d.name("wr_en", "push", "write", "wr", "enq")
    pop = d.name("rd_en", "pop", "read", "rd", "deq")
    din = d.name("din", "wdata", "data_in", "wr_data")
    dout = d.name("dout", "rdata", "data_out", "rd_data")
    full, empty = d.name("full", "is_full"), d.name("empty", "is_empty")
    mem = d.name("mem", "buffer", "fifo_mem")
    wp, rp = d.choose(("wr_ptr", "rd_ptr"), ("wptr", "rptr"), ("tail", "head"), ("wp", "rp"))
    count = d.name("count", "level", "used", "fill")
    show_count = not pointers and d.chance(0.4)
    almost = {} if pointers else _almost_flags(d, depth)
    p, c = (a + 1 if pointers else a), bits_for(depth + 1)
    write, read = f"{push} && !{full}", f"{pop} && !{empty}"
    names = (d.name("do_write", "wr_ok", "push_ok"), d.name("do_read", "rd_ok", "pop_ok"))
    named = d.chance(0.6) or not pointers
    body = [f"reg {upto(size['WIDTH'])} {mem} [0:{depth - 1}];", f"reg {span(p)}{wp}, {rp};"]
    body += [] if pointers or show_count else [f"reg {span(c)}{count};"]
    body.append("")
    if named:
        body += [f"wire {names[0]} = {write};", f"wire {names[1]} = {read};", ""]
        write, read = names
    slot = (
        {ptr: f"{ptr}[{a - 1}:0]" if a > 1 else f"{ptr}[0]" for ptr in (wp, rp)}
        if pointers
        else {wp: wp, rp: rp}
    )
    ahead_of = {ptr: _advanced(d, ptr, depth, a, pointers) for ptr in (wp, rp)}
    store = [f"{mem}[{slot[wp]}] <= {din};", f"{wp} <= {ahead_of[wp]};"]
    fetch = ([] if ahead else [f"{dout} <= {mem}[{slot[rp]}];"]) + [f"{rp} <= {ahead_of[rp]};"]
    zero_data = "{WIDTH{1'b0}}" if parameters else d.number(0, width)
    reset = [f"{wp} <= {d.number(0, p)};", f"{rp} <= {d.number(0, p)};"]
    reset += [] if ahead else [f"{dout} <= {zero_data};"]
    run = [*d.branches((write, store)), *d.branches((read, fetch))]
    if not pointers:
        reset.append(f"{count} <= {d.number(0, c)};")
        run += _count_lines(d, count, write, read)
    body += d.always_clocked(clocking, run, reset)
    body.append("")
    if pointers:
        body.append(f"assign {empty} = ({wp} == {rp});")
        body.append(f"assign {full} = ({wp}[{a}] != {rp}[{a}]) && ({slot[wp]} == {slot[rp]});")
    else:
        body += [
            f"assign {full} = ({count} == {d.number(depth, c)});",
            f"assign {empty} = ({count} == {d.number(0, c)});",
        ]
    body += [
        f"assign {name} = ({count} {'>=' if over else '<='} {d.number(limit, c)});"
        for name, (over, limit) in almost.items()
    ]
    body += [f"assign {dout} = {mem}[{rp if not pointers else slot[rp]}];"] if ahead else []

    def step(state: tuple[tuple[int, ...], int], values: Values) -> tuple[tuple[int, ...], int]:
        queue, shown = state
        after = (*queue, values[din]) if values[push] and len(queue) < depth else queue
        return (after[1:], queue[0]) if values[pop] and queue else (after, shown)

    def outputs(state: tuple[tuple[int, ...], int], values: Values) -> dict[str, int | None]:
        queue, shown = state
        first = queue[0] if queue else None
        n = len(queue)
        result = {dout: first if ahead else shown, full: int(n == depth), empty: int(n == 0)}
        result |= {
            name: int(n >= limit if over else n <= limit) for name, (over, limit) in almost.items()
        }
        return result | ({count: n} if show_count else {})

    extra = ([count] if show_count else []) + list(almost)
    data = upto(size["WIDTH"]) if parameters else ""
    facts = _facts(clocking, (push, pop, din, dout, full, empty), (depth, width), ahead, almost)
    if show_count:
        facts.append(
            (
                f"{count} is the number of words stored.",
                f"{count} tells how many words the FIFO holds.",
            )
        )
    cleared = "" if ahead else f" and {dout} is cleared"
    facts.append(d.reset_fact(clocking, f"the FIFO is emptied{cleared}"))
    ports = [
        *d.clock_ports(clocking),
        Port(push, "input", meaning=("write enable", "write request")),
        Port(din, "input", width, ("data to write", "write data"), bounds=data),
        Port(pop, "input", meaning=("read enable", "read request")),
        Port(
            dout,
            "output",
            width,
            ("oldest word" if ahead else "word read last", "read data"),
            reg=not ahead,
            bounds=data,
        ),
        Port(full, "output", meaning=("FIFO is full", "no place left")),
        Port(empty, "output", meaning=("FIFO is empty", "nothing to read")),
    ]
    ports += [
        Port(n, "output", meaning=(f"{'at least' if o else 'at most'} {k} words stored",))
        for n, (o, k) in almost.items()
    ]
    ports += (
        [Port(count, "output", c, ("number of words stored", "fill level"), reg=True)]
        if show_count
        else []
    )
    kind = "show-ahead" if ahead else "registered-read"
    return Problem(
        name=d.name(
            "fifo", "sync_fifo", f"fifo_{depth}x{width}", "queue", "fifo_sync", "data_fifo"
        ),
        ports=ports,
        body=body,
        phrases=[
            f"synchronous {kind} FIFO of {depth} words of {width} bits"
            + (f" with {listing(extra)}" if extra else ""),
            f"{depth}-deep, {width}-bit wide FIFO with full and empty flags",
            f"first-in first-out buffer for {depth} words",
        ],
        facts=facts,
        parameters=parameters,
        clocking=clocking,
        stimulus=tides(push, pop, din, width, depth),
        behaviour=Behaviour(start=((), 0), step=step, outputs=outputs),
        checks=min(150, 5 * (depth + 4) + 20),
    )


def _facts(
    clocking: Clocking,
    names: tuple[str, ...],
    size: tuple[int, int],
    ahead: bool,
    almost: dict[str, tuple[bool, int]],
) -> list[Words]:
    """What is said of writing, reading and the flags."""
    push, pop, din, dout, full, empty = names
    depth, width = size
    facts: list[Words] = [
        (
            f"The queue holds up to {depth} words of {width} bits.",
            f"The FIFO is {depth} words deep and {width} bits wide.",
        ),
        (
            f"At each {edge(clocking)}, {din} is written if {push} is high and the FIFO is "
            f"not full.",
            f"A write happens at the {edge(clocking)} when {push} is 1 and {full} is 0; "
            f"writes to a full FIFO are ignored.",
        ),
        (
            f"{dout} always shows the oldest word; {pop} high at the edge removes it if there is "
            f"one. "
            f"While the FIFO is empty {dout} has no meaning.",
            f"Reading is show-ahead: the oldest word stands on {dout} without any request, and "
            f"{pop} takes it away. "
            f"When empty, {dout} is undefined and {pop} is ignored.",
        )
        if ahead
        else (
            f"If {pop} is high and the FIFO is not empty, the oldest word is removed and loaded "
            f"into the output register {dout}.",
            f"Reading is registered: {dout} receives the oldest word at the edge at which {pop} "
            f"is 1 and {empty} is 0, and holds otherwise.",
        ),
        (
            f"Whether a write or read is allowed depends on {full} and {empty} before the edge; "
            f"both may happen at once.",
            "Reading and writing in the same cycle is possible; a full FIFO does not take a word "
            "even if one is read at the same time.",
        ),
        (
            f"{full} is high with {depth} words stored, {empty} with none.",
            f"{empty} means no word is stored, {full} that all {depth} places are taken.",
        ),
    ]
    for name, (over, limit) in almost.items():
        side = "at least" if over else "at most"
        facts.append(
            (
                f"{name} is 1 when {side} {counted(limit, 'word')} "
                f"{'are' if limit != 1 else 'is'} stored.",
                f"{name} is high with {side} {limit} stored.",
            )
        )
    return facts


def _almost_flags(d: Draw, depth: int) -> dict[str, tuple[bool, int]]:
    """Names of extra flags with (whether it is a lower bound, the limit)."""
    flags = {}
    if depth > 2 and d.chance(0.3):
        flags[d.name("almost_full", "afull", "nearly_full")] = (
            True,
            d.integer(max(2, depth - 3), depth - 1),
        )
    if depth > 2 and d.chance(0.25):
        flags[d.name("almost_empty", "aempty", "nearly_empty")] = (
            False,
            d.integer(1, min(3, depth - 2)),
        )
    return flags


def _advanced(d: Draw, pointer: str, depth: int, bits: int, long: bool) -> str:
    """The pointer plus one, modulo the depth."""
    if long or depth == 1 << bits:
        return f"{pointer} + 1'b1"
    return f"({pointer} == {d.number(depth - 1, bits)}) ? {d.number(0, bits)} : {pointer} + 1'b1"


def _count_lines(d: Draw, count: str, write: str, read: str) -> Lines:
    up, down = [f"{count} <= {count} + 1'b1;"], [f"{count} <= {count} - 1'b1;"]
    if d.chance(0.5):
        arms = [("2'b10", up), ("2'b01", down), ("default", [f"{count} <= {count};"])]
        return d.case(f"{{{write}, {read}}}", arms)
    return d.branches((f"{write} && !{read}", up), (f"{read} && !{write}", down))


FAMILIES = (fifo,)
