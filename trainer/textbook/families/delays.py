"""Values passed on later: delay lines, synchronizers, pipeline registers with valid."""

from __future__ import annotations

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.families._common import Size, comment, edge, size
from trainer.textbook.families._register import always
from trainer.textbook.families._timing import clocked, constant, control, enabling, features
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words

_DATA = ("d", "din", "data_in", "x", "in_data", "data_i", "a")
_Q = ("q", "dout", "data_out", "y", "out_data", "data_o", "out")


def delay_line(d: Draw) -> Problem:
    """A word delayed by N cycles: separate registers, or one wide shift register."""
    clocking, enable = d.clocking(reset=0.8), enabling(d, "clock enable", 0.35)
    length = d.integer(2, 6)
    width = size(d, 2, 16)
    x, y = d.name(*_DATA), d.name(*_Q)
    zero = constant(d, 0, width)
    if not width.parameter and d.chance(0.35):
        line = d.name("line", "pipe", "chain", "sr")
        total = width.bits * length
        body = [f"reg [{total - 1}:0] {line};", ""]
        moved = f"{line} <= {{{line}[{total - width.bits - 1}:0], {x}}};"
        body += always(
            d,
            clocking,
            [(enable.condition(d), [moved])],
            [f"{line} <= {constant(d, 0, Size(total))};"],
        )
        body += ["", f"assign {y} = {line}[{total - 1}:{total - width.bits}];"]
        reg = False
    else:
        stem = d.choose("stage", "s", "r", "dly", "d_")
        inner = [d.name(f"{stem}{n}") for n in range(1, length)]
        last, reg = y, True
        if d.chance(0.4):
            last, reg = d.name(f"{stem}{length}"), False
        stages = [*inner, last]
        moves = [f"{new} <= {old};" for new, old in zip(stages, [x, *stages], strict=False)]
        body = [f"reg {width.span}{', '.join(inner if reg else stages)};", ""]
        body += always(
            d, clocking, [(enable.condition(d), moves)], [f"{stage} <= {zero};" for stage in stages]
        )
        if not reg:
            body += ["", f"assign {y} = {last};"]

    def step(s: tuple[int | None, ...], v: Values) -> tuple[int | None, ...]:
        return (v[x], *s[:-1]) if enable.on(v) else s

    return clocked(
        d,
        clocking,
        (
            "delay_line",
            "delay",
            f"delay{length}",
            "pipe_delay",
            f"delay_{length}_cycles",
            "shift_delay",
        ),
        [
            width.port(x, ("input", "value to delay")),
            *enable.ports,
            width.output(y, (f"input delayed by {length} cycles", "delayed value"), reg),
        ],
        body,
        [
            f"{width.bits}-bit delay line of {length} clock "
            f"cycles{features(d, clocking, enable.called('enable'))}",
            f"{length}-stage delay for {width.bits}-bit data",
            f"chain of {length} registers of {width.bits} bits",
        ],
        [
            (
                f"{y} is {x} delayed by {length} registers, all clocked on the {edge(clocking)}.",
                f"A value of {x} sampled at one {edge(clocking)} appears at {y} after "
                f"{length - 1} "
                f"more{' edges' if length > 2 else ' edge'}{enable.clause('at which')}.",
                f"{x} passes through {length} registers in a row, on the {edge(clocking)}, to "
                f"reach {y}.",
            ),
            *enable.holds("the whole line"),
        ],
        Behaviour(
            start=(0 if clocking.reset else None,) * length,
            step=step,
            outputs=lambda s, v: {y: s[-1]},
        ),
        at_reset="all stages become 0",
        width=width,
        checks=50,
    )


def synchronizer(d: Draw) -> Problem:
    """Flip-flops in a row for an asynchronous input, with an edge output now and then."""
    clocking = d.clocking(reset=0.75)
    length, bits = d.choose(2, 2, 2, 3, 4), d.choose(1, 1, 1, 2, 4)
    start = int(d.chance(0.2)) and bits == 1
    x = d.name("async_in", "d", "sig_in", "din", "raw", "asyn")
    y = d.name("sync_out", "q", "sig_out", "dout", "synced", "sync")
    width = Size(bits)
    pulse = bits == 1 and clocking.reset is not None and d.chance(0.3)
    as_vector = bits == 1 and d.chance(0.6)
    pulse_name = d.name("rise", "rising", "edge_out", "pulse") if pulse else ""
    count = length + pulse
    if as_vector:
        chain = d.name("sync_ff", "ff", "sync_reg", "shift", "meta")
        fill = f"{{{count}{{1'b{int(start)}}}}}"
        body = [
            f"reg [{count - 1}:0] {chain};",
            "",
            *always(
                d,
                clocking,
                [("", [f"{chain} <= {{{chain}[{count - 2}:0], {x}}};"])],
                [f"{chain} <= {fill};"],
            ),
        ]
        stages = [f"{chain}[{n}]" for n in range(count)]
    else:
        stem = d.choose("ff", "meta", "sync", "s")
        stages = [d.name(f"{stem}{n + 1}") for n in range(count)]
        moves = [f"{new} <= {old};" for new, old in zip(stages, [x, *stages], strict=False)]
        level = f"1'b{int(start)}" if bits == 1 else constant(d, 0, width)
        resets = [f"{stage} <= {level};" for stage in stages]
        body = [
            f"reg {width.span}{', '.join(stages)};",
            "",
            *always(d, clocking, [("", moves)], resets),
        ]
    body += ["", f"assign {y} = {stages[length - 1]};"]
    outputs = [Port(y, "output", bits, ("synchronized signal", "synchronized copy of the input"))]
    facts: list[Words] = [
        (
            f"{x} passes through {length} flip-flops clocked on the {edge(clocking)}; {y} is the "
            "last of them.",
            f"{y} follows {x} after {length} stages of flip-flops, all on the {edge(clocking)}.",
        )
    ]
    if pulse:
        body.append(f"assign {pulse_name} = {stages[length - 1]} & ~{stages[length]};")
        outputs.append(
            Port(
                pulse_name,
                "output",
                meaning=("one-cycle pulse at a rising edge", "rising edge seen"),
            )
        )
        facts.append(
            (
                f"{pulse_name} is high for one cycle when {y} has gone from 0 to 1.",
                f"One more flip-flop delays {y}; {pulse_name} is {y} and not the delayed {y}.",
            )
        )

    def shown(s: tuple[int | None, ...], v: Values) -> dict[str, int | None]:
        both = {y: s[length - 1]}
        return both | ({pulse_name: int(s[length - 1] == 1 and s[length] == 0)} if pulse else {})

    top = (1 << bits) - 1
    return clocked(
        d,
        clocking,
        ("synchronizer", "sync", f"sync{length}", "cdc_sync", f"sync_{length}ff", "bit_sync"),
        [
            Port(x, "input", bits, ("asynchronous input", "signal of another clock domain")),
            *outputs,
        ],
        [*comment(d, "The first stage may go metastable"), *body],
        [
            f"{length}-stage synchronizer for {'one signal' if bits == 1 else f'{bits} signals'}"
            + features(d, clocking, "rising edge pulse" if pulse else ""),
            f"{length}-flip-flop synchronizer" + (" with rising edge pulse" if pulse else ""),
            f"synchronizer of {length} flip-flops for an asynchronous input",
        ],
        facts,
        Behaviour(
            start=((top if start else 0) if clocking.reset else None,) * count,
            step=lambda s, v: (v[x], *s[:-1]),
            outputs=shown,
        ),
        at_reset=f"all flip-flops become {int(start)}",
        checks=50,
    )


def pipeline_register(d: Draw) -> Problem:
    """Data with a valid bit through one or two stages, with stall and flush."""
    clocking, width = d.clocking(reset=1.0), size(d, 2, 32)
    stages = d.choose(1, 1, 2)
    stall = control(d, "stall", "hold", "freeze", meaning="stall", probability=0.5)
    flush = control(d, "flush", "kill", "squash", "bubble", meaning="flush", probability=0.45)
    keeps_data = d.chance(0.5)
    x, y = d.name(*_DATA), d.name(*_Q)
    valid = d.name("in_valid", "valid_in", "valid_i", "vld_in")
    out = d.name("out_valid", "valid_out", "valid_o", "vld_out")
    data_names, valid_names = [y], [out]
    if stages == 2:
        data_names = [d.name("data_s1", "stage1", "d1"), y]
        valid_names = [d.name("valid_s1", "v1", "valid1"), out]
    flush_first = not stall.name or d.chance(0.6)
    zero = constant(d, 0, width)
    moves: Lines = []
    for datum, flag, old, old_flag in zip(
        data_names, valid_names, [x, *data_names], [valid, *valid_names], strict=False
    ):
        moves.append(f"{flag} <= {old_flag};")
        taken = f"{datum} <= {old};"
        moves += d.branches((old_flag, [taken])) if keeps_data else [taken]
    clear_valid = [f"{flag} <= 1'b0;" for flag in valid_names]
    clear = [*clear_valid, *(f"{datum} <= {zero};" for datum in data_names)]
    go = stall.name if stall.active_low else d.choose(f"!{stall.name}", f"~{stall.name}")
    if not stall.name:
        arms = [("", moves)]
    elif flush.name and not flush_first:
        arms = [(go, d.branches((flush.condition(d), clear_valid), ("", moves)))]
    else:
        arms = [(go, moves)]
    if flush.name and flush_first:
        arms.insert(0, (flush.condition(d), clear_valid))
    body = always(d, clocking, arms, clear)
    inner = (
        [] if stages == 1 else [f"reg {width.span}{data_names[0]};", f"reg {valid_names[0]};", ""]
    )

    def step(s: tuple[tuple[int, int], ...], v: Values) -> tuple[tuple[int, int], ...]:
        stalled = bool(stall.name) and stall.on(v)
        flushed = bool(flush.name) and flush.on(v)
        if flushed and (flush_first or not stalled):
            return tuple((0, data) for _, data in s)
        if stalled:
            return s
        incoming = [(v[valid], v[x]), *s]
        return tuple(
            (new[0], new[1] if new[0] or not keeps_data else old[1])
            for new, old in zip(incoming, s, strict=False)
        )

    facts: list[Words] = [
        (
            f"On each {edge(clocking)}, {x} and {valid} move into the first stage; {y} and {out} "
            f"are the registers of the last, so the latency is {stages} "
            f"cycle{'s' if stages > 1 else ''}.",
            f"{y} and {out} are {x} and {valid} delayed by {stages} clock "
            f"cycle{'s' if stages > 1 else ''} ({edge(clocking)}).",
        ),
        (
            "A stage's data register is loaded only if the incoming valid bit is 1; otherwise it "
            "keeps its data.",
            "Data registers change only when they receive valid data.",
        )
        if keeps_data
        else (
            "Data moves on whether it is valid or not.",
            "The data registers are loaded even if the valid bit is 0.",
        ),
    ]
    if stall.name:
        facts.append(
            (
                f"While {stall.name} is {stall.level}, all stages hold.",
                f"{stall.name} (active {stall.level}) stops the pipeline.",
            )
        )
    if flush.name:
        priority = (
            ""
            if not stall.name
            else ", even during a stall"
            if flush_first
            else ", but not during a stall"
        )
        facts.append(
            (
                f"{flush.name} (active {flush.level}) clears all valid bits at the clock "
                f"edge{priority}; the data stays.",
                f"If {flush.name} is {flush.level}, the valid bits become 0 and the data "
                f"registers hold{priority}.",
            )
        )
    return clocked(
        d,
        clocking,
        ("pipe_reg", "pipeline_reg", "pipeline_stage", "valid_pipe", f"pipe{stages}", "stage_reg"),
        [
            Port(valid, "input", meaning=("input data valid", f"{x} is valid")),
            width.port(x, ("input data", "data in")),
            *stall.ports,
            *flush.ports,
            Port(out, "output", meaning=("output data valid", f"{y} is valid"), reg=True),
            width.output(y, ("output data", "data out"), True),
        ],
        [*inner, *body],
        [
            f"{stages}-stage pipeline register for {width.bits}-bit data"
            + features(d, clocking, "valid bit", stall.called("stall"), flush.called("flush")),
            f"{width.bits}-bit pipeline register with valid bit",
            f"pipeline stage{'s' if stages > 1 else ''} for {width.bits}-bit data",
        ],
        facts,
        Behaviour(
            start=((0, 0),) * stages,
            step=step,
            outputs=lambda s, v: {out: s[-1][0], y: s[-1][1]},
        ),
        at_reset="all valid bits and data registers become 0",
        width=width,
        checks=70,
    )


FAMILIES = (delay_line, synchronizer, pipeline_register)
