"""Small stores of words: stack, mailbox, delay line."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import comment, edge, span
from trainer.textbook.families._machines import bits_for, tides
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words


def stack(d: Draw) -> Problem:
    """A LIFO: push, pop, top of stack."""
    clocking = d.clocking(reset=1.0)
    width, depth = d.width(4, 16), d.choose(2, 4, 4, 8, 8, 16)
    push, pop = d.name("push", "push_en", "wr"), d.name("pop", "pop_en", "rd")
    din, top = d.name("din", "data_in", "push_data"), d.name("top", "dout", "tos", "data_out")
    full, empty = d.name("full", "is_full"), d.name("empty", "is_empty")
    sp = d.name("sp", "pointer", "depth_count", "stack_ptr")
    mem = d.name("mem", "cells", "storage")
    c = bits_for(depth + 1)
    push_wins = d.chance(0.5)
    one = d.choose("1", "1'b1", d.number(1, c))
    put = (f"{push} && !{full}", [f"{mem}[{sp}] <= {din};", f"{sp} <= {sp} + {one};"])
    take = (f"{pop} && !{empty}", [f"{sp} <= {sp} - {one};"])
    outer, inner, other = (push, put, take) if push_wins else (pop, take, put)
    run = d.branches((outer, d.branches(inner)), other)
    body = [
        f"reg {span(width)}{mem} [0:{depth - 1}];",
        f"reg {span(c)}{sp};",
        "",
        *comment(d, f"{sp} is the number of words stored"),
        *d.always_clocked(clocking, run, [f"{sp} <= {d.number(0, c)};"]),
        "",
        f"assign {empty} = ({sp} == {d.number(0, c)});",
        f"assign {full} = ({sp} == {d.number(depth, c)});",
        f"assign {top} = {mem}[{sp} - 1'b1];",
    ]
    first, second = (push, pop) if push_wins else (pop, push)

    def step(words: tuple[int, ...], values: Values) -> tuple[int, ...]:
        if values[first]:
            chosen = first
        elif values[second]:
            chosen = second
        else:
            return words
        if chosen == pop:
            return words[:-1]
        return (*words, values[din]) if len(words) < depth else words

    return Problem(
        name=d.name("stack", "lifo", f"stack_{depth}x{width}", "lifo_buffer", "hw_stack"),
        ports=[
            *d.clock_ports(clocking),
            Port(push, "input", meaning=("push request", "puts a word on the stack")),
            Port(pop, "input", meaning=("pop request", "removes the top word")),
            Port(din, "input", width, ("word to push", "data input")),
            Port(top, "output", width, ("top of the stack", "word pushed last")),
            Port(full, "output", meaning=("stack is full", "no place left")),
            Port(empty, "output", meaning=("stack is empty", "nothing stored")),
        ],
        body=body,
        phrases=[
            f"{depth}-word stack of {width}-bit words with full and empty flags",
            f"last-in first-out buffer, {depth} deep and {width} bits wide",
            f"LIFO in which {first} has priority over {second}",
        ],
        facts=[
            (
                f"The stack holds up to {depth} words of {width} bits.",
                f"It is {depth} words deep and {width} bits wide.",
            ),
            (
                f"At the {edge(clocking)} {push} puts {din} on top and {pop} removes the top word.",
                f"{push} stores {din} as the new top and {pop} discards the top, each at the "
                f"{edge(clocking)}.",
            ),
            (
                f"If both are high only the {'push' if push_wins else 'pop'} request counts.",
                f"{first} has priority: {second} is ignored while {first} is high.",
            ),
            (
                "A push to the full stack and a pop from the empty one change nothing.",
                f"{push} is ignored when {full} is 1, and {pop} when {empty} is 1.",
            ),
            (
                f"{top} shows the top word without a clock; while the stack is empty it has no "
                f"meaning.",
                f"{top} is combinational, and undefined when {empty} is high.",
            ),
            d.reset_fact(clocking, "the stack is emptied"),
        ],
        clocking=clocking,
        stimulus=tides(push, pop, din, width, depth),
        behaviour=Behaviour(
            start=(),
            step=step,
            outputs=lambda s, v: {
                top: s[-1] if s else None,
                full: int(len(s) == depth),
                empty: int(not s),
            },
        ),
        checks=min(150, 5 * (depth + 4) + 20),
    )


def mailbox(d: Draw) -> Problem:
    """A buffer of one word with a flag."""
    clocking = d.clocking(reset=1.0)
    width, overwrite = d.width(4, 32), d.chance(0.4)
    put, take = d.name("put", "wr", "send", "load"), d.name("take", "rd", "get", "ack")
    din, dout = d.name("din", "data_in", "msg_in"), d.name("dout", "data_out", "msg")
    full = d.name("full", "pending", "valid", "has_data")
    lost = d.name("lost", "overrun", "dropped") if d.chance(0.5) else ""
    clash = f"{put} && {full} && !{take}"
    allowed = (
        put
        if overwrite
        else d.choose(f"{put} && (!{full} || {take})", f"{put} && ({take} || !{full})")
    )
    run = d.branches(
        (allowed, [f"{dout} <= {din};", f"{full} <= 1'b1;"]),
        (take if overwrite else f"{take} && {full}", [f"{full} <= 1'b0;"]),
    )
    reset = [f"{dout} <= {d.number(0, width)};", f"{full} <= 1'b0;"]
    if lost:
        run = [f"{lost} <= {clash};", *run]
        reset.append(f"{lost} <= 1'b0;")
    body = d.always_clocked(clocking, run, reset)

    def step(state: tuple[int, int, int], values: Values) -> tuple[int, int, int]:
        word, there, _ = state
        clashed = int(values[put] and there and not values[take])
        if values[put] and (overwrite or not clashed):
            return values[din], 1, clashed
        return word, int(there and not values[take]), clashed

    def outputs(state: tuple[int, int, int], values: Values) -> dict[str, int]:
        return {dout: state[0], full: state[1], **({lost: state[2]} if lost else {})}

    ports = [
        *d.clock_ports(clocking),
        Port(put, "input", meaning=("stores a word", "write request")),
        Port(din, "input", width, ("word to store", "data input")),
        Port(take, "input", meaning=("the word has been read", "read acknowledge")),
        Port(dout, "output", width, ("stored word", "data output"), reg=True),
        Port(
            full, "output", meaning=("a word is waiting", "high while a word is stored"), reg=True
        ),
    ]
    facts: list[Words] = [
        (
            f"At the {edge(clocking)}, {put} stores {din} in {dout} and sets {full}.",
            f"A high {put} at the {edge(clocking)} puts {din} in the mailbox, {dout}, and "
            f"{full} becomes 1.",
        ),
        (
            f"{take} clears {full} at the edge; {dout} keeps its value.",
            f"When {take} is high the word counts as read: {full} becomes 0 and {dout} stays.",
        ),
        (
            f"With {put} and {take} both high the new word is stored and {full} is 1 afterwards.",
            f"{put} and {take} together replace the word.",
        ),
        (
            "A word that has not been taken is overwritten by the next one.",
            f"{put} is accepted also while {full} is high, and replaces the old word.",
        )
        if overwrite
        else (
            f"While {full} is high and {take} low, {put} is ignored.",
            "A waiting word is never overwritten before it is taken.",
        ),
    ]
    if lost:
        ports.append(
            Port(
                lost,
                "output",
                meaning=("a word was lost in the last cycle", "overrun flag"),
                reg=True,
            )
        )
        facts.append(
            (
                f"{lost} is registered and high for one cycle after an edge with {put} high, "
                f"{full} high and {take} low.",
                f"After each edge {lost} tells whether {put} met a mailbox that was full and not "
                f"being emptied by {take}.",
            )
        )
    facts.append(d.reset_fact(clocking, "all outputs are zero"))
    return Problem(
        name=d.name(
            "mailbox", "one_word_buffer", "msg_register", "data_latch_flag", "holding_register"
        ),
        ports=ports,
        body=body,
        phrases=[
            f"{width}-bit mailbox of one word{' with overrun flag' if lost else ''}, "
            f"{'overwriting' if overwrite else 'not overwriting'}",
            f"single-word buffer for {width}-bit data with a {full} flag",
            "holding register with put and take handshake",
        ],
        facts=facts,
        clocking=clocking,
        behaviour=Behaviour(start=(0, 0, 0), step=step, outputs=outputs),
    )


def memory_delay(d: Draw) -> Problem:
    """A delay of N samples, in a memory with one pointer or in a shift chain."""
    clocking = d.clocking(reset=0.0)
    width, length = d.width(4, 16), d.integer(3, 24)
    enable = d.name("en", "valid", "ce", "shift") if d.chance(0.5) else ""
    din, dout = d.name("din", "d", "sample", "data_in"), d.name("dout", "q", "delayed", "data_out")
    if d.chance(0.5):
        line, i = d.name("line", "taps", "pipe", "delay"), d.name("i", "k")
        loop = d.block(
            f"for ({i} = 1; {i} < {length}; {i} = {i} + 1)", [f"{line}[{i}] <= {line}[{i} - 1];"]
        )
        run = [f"{line}[0] <= {din};", *loop]
        body = [f"reg {span(width)}{line} [0:{length - 1}];", f"integer {i};", ""]
    else:
        line = d.name("line", "shift_chain", "history", "pipe")
        run = [f"{line} <= {{{line}[{(length - 1) * width - 1}:0], {din}}};"]
        body = [f"reg {span(length * width)}{line};", ""]
    packed = not body[0].endswith(f"[0:{length - 1}];")
    body += d.always_clocked(clocking, d.branches((enable, run)) if enable else run)
    place = f"[{length * width - 1}:{(length - 1) * width}]" if packed else f"[{length - 1}]"
    body += ["", f"assign {dout} = {line}{place};"]

    def step(kept: tuple[int, ...], values: Values) -> tuple[int, ...]:
        return (*kept, values[din])[-length:] if values.get(enable, 1) else kept

    when = f" with {enable} high" if enable else ""
    enables = [Port(enable, "input", meaning=("sample enable", "shift enable"))] if enable else []
    return Problem(
        name=d.name("delay_line", f"delay_{length}", "sample_delay", "delay_chain", "word_delay"),
        ports=[
            *d.clock_ports(clocking),
            *enables,
            Port(din, "input", width, ("input sample", "data input")),
            Port(dout, "output", width, (f"input {length} samples ago", "delayed data")),
        ],
        body=body,
        phrases=[
            f"delay line of {length} samples of {width} bits{' with enable' if enable else ''}",
            f"{width}-bit wide delay by {length} clock cycles"
            + (f", counting cycles{when}" if enable else ""),
            "chain of registers that delays a word",
        ],
        facts=[
            (
                f"{dout} is {din} as it was {length} edges ago, counting "
                f"{edge(clocking).replace('edge', 'edges', 1)}{when}.",
                f"Every {edge(clocking)}{when} moves the samples on by one place; a sample "
                f"appears on {dout} "
                f"after {length} such edges.",
            ),
            *(
                [(f"While {enable} is low nothing moves.", f"With {enable} low the line holds.")]
                if enable
                else []
            ),
            (
                f"There is no reset; the first {length} samples out are undefined.",
                f"Without a reset, {dout} is undefined until {length} samples have been taken.",
            ),
        ],
        clocking=clocking,
        behaviour=Behaviour(
            start=(),
            step=step,
            outputs=lambda s, v: {dout: s[0] if len(s) == length else None},
        ),
        checks=90,
    )


FAMILIES = (
    stack,
    mailbox,
    memory_delay,
)
