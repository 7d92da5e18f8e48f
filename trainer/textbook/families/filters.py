"""Small filters over samples: moving sums and averages, differences, a first-order low pass."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.english import article
from trainer.textbook.families._common import Size, comment, edge, size
from trainer.textbook.families._register import always
from trainer.textbook.families._timing import clocked, constant, enabling, features
from trainer.textbook.problem import Behaviour, Port, Problem, Values

_DATA = ("x", "din", "data", "data_in", "sample", "d", "in_val")
_SAMPLE = ("input sample", "input value", "new sample")


def moving_sum(d: Draw) -> Problem:
    """Sum or average of the last N samples, from a line of registers."""
    clocking, enable = d.clocking(reset=1.0), enabling(d, "sample valid", 0.4)
    length = d.choose(2, 3, 4, 4, 8)
    narrow = Size(d.width(3, 10))
    averaging = length in (2, 4, 8) and d.chance(0.5)
    shift = length.bit_length() - 1
    wide = Size((narrow.mask * length).bit_length())
    x = d.name(*_DATA)
    y = (
        d.name("avg", "average", "mean", "y")
        if averaging
        else d.name("sum", "total", "y", "sum_out")
    )
    stem = d.choose("s", "tap", "z", "r", "x_d")
    taps = [d.name(f"{stem}{n}") for n in range(length)]
    zero = constant(d, 0, narrow)
    moves = [f"{new} <= {old};" for new, old in zip(taps, [x, *taps], strict=False)]
    clears = [f"{tap} <= {zero};" for tap in taps]
    update = always(d, clocking, [(enable.condition(d), moves)], clears)
    added = " + ".join(taps)
    body = [f"reg {narrow.span}{', '.join(taps)};"]
    if averaging:
        total = d.name("sum", "total", "acc")
        cut = d.choose(f"{total}[{wide.bits - 1}:{shift}]", f"{total} >> {shift}")
        body += [
            f"wire {wide.span}{total};",
            f"assign {total} = {added};",
            f"assign {y} = {cut};",
            "",
            *update,
        ]
    else:
        body += ["", *update, "", f"assign {y} = {added};"]
    result = narrow if averaging else wide

    def outputs(s: tuple[int, ...], v: Values) -> dict[str, int]:
        return {y: sum(s) // length if averaging else sum(s)}

    what = "average" if averaging else "sum"
    return clocked(
        d,
        clocking,
        (f"moving_{what}", f"window_{what}", f"{what}{length}", f"sliding_{what}", "boxcar"),
        [
            Port(x, "input", narrow.bits, _SAMPLE),
            *enable.ports,
            Port(
                y, "output", result.bits, (f"{what} of the last {length} samples", f"moving {what}")
            ),
        ],
        [*comment(d, f"{taps[0]} is the latest sample"), *body],
        [
            f"moving {what} of the last {length} {narrow.bits}-bit samples"
            + features(d, clocking, enable.called("enable")),
            f"{length}-sample moving {what} filter",
            f"sliding window {what} over {length} values",
        ],
        [
            (
                f"The last {length} values of {x} taken at a "
                f"{edge(clocking)}{enable.clause('at which')} are kept in registers.",
                f"At each {edge(clocking)}{enable.clause()}, {x} enters a window of {length} "
                "samples and the oldest one leaves it.",
            ),
            *enable.holds("the window"),
            (
                f"{y} is their sum divided by {length}, rounded down."
                if averaging
                else f"{y} is their sum.",
                f"The output {y}, combinational from the registers, is the {what} of the samples "
                f"kept{', with the fraction cut off' if averaging else ''}.",
            ),
            ("All values are unsigned.", f"{x} and {y} are unsigned."),
            (
                f"A sample is contained in {y} right after the edge that took it.",
                "The latest sample counts from the clock edge on at which it was taken.",
            ),
        ],
        Behaviour(
            start=(0,) * length,
            step=lambda s, v: (v[x], *s[:-1]) if enable.on(v) else s,
            outputs=outputs,
        ),
        at_reset="all samples kept become 0",
    )


def difference(d: Draw) -> Problem:
    """The change from one sample to the next."""
    clocking, width, enable = (
        d.clocking(reset=1.0),
        size(d, 3, 12),
        enabling(d, "sample valid", 0.4),
    )
    x = d.name(*_DATA)
    y = d.name("diff", "delta", "change", "y", "dx")
    last = d.name("prev", "last", "x_prev", "previous", "old")
    registered, absolute = d.chance(0.6), d.chance(0.3)
    zero = constant(d, 0, width)
    value = f"({x} > {last}) ? {x} - {last} : {last} - {x}" if absolute else f"{x} - {last}"
    moves = [f"{last} <= {x};"]
    clears = [f"{last} <= {zero};"]
    if registered:
        moves, clears = [*moves, f"{y} <= {value};"], [*clears, f"{y} <= {zero};"]
        if d.chance(0.5):
            moves.reverse()
    update = always(d, clocking, [(enable.condition(d), moves)], clears)
    body = [f"reg {width.span}{last};", "", *update]
    if not registered:
        body += ["", f"assign {y} = {value};"]

    def change(new: int, old: int) -> int:
        return abs(new - old) if absolute else (new - old) & width.mask

    def step(s: tuple[int, int], v: Values) -> tuple[int, int]:
        return (v[x], change(v[x], s[0])) if enable.on(v) else s

    kind = "absolute difference" if absolute else "difference"
    return clocked(
        d,
        clocking,
        ("differentiator", "delta", "diff_prev", "sample_diff", "change_meter", "first_difference"),
        [
            width.port(x, _SAMPLE),
            *enable.ports,
            width.output(
                y, (f"{kind} to the previous sample", "change since the last sample"), registered
            ),
        ],
        body,
        [
            f"{width.bits}-bit {kind} between successive samples, "
            + ("registered" if registered else "combinational output")
            + features(d, clocking, enable.called("enable"), lead=", "),
            f"{kind} of the input and its previous value",
            f"{width.bits}-bit {'absolute ' if absolute else ''}first difference",
        ],
        [
            (
                f"At each {edge(clocking)}{enable.clause('at which')}, the value of {x} is "
                "remembered as the previous sample.",
                f"The previous sample is what {x} was at the last "
                f"{edge(clocking)}{enable.clause('at which')}.",
            ),
            (
                f"At the same edge {y} is loaded with the {kind} of {x} and the sample before it.",
                f"{y} is a register; the edge that takes a new sample also stores its {kind} to "
                "the one before.",
            )
            if registered
            else (
                f"{y} is combinational: the {kind} of the present {x} and the previous sample.",
                f"{y} shows, without waiting for the clock, the {kind} of {x} and the remembered "
                "sample.",
            ),
            (
                "The values are unsigned and the output is never negative.",
                f"{y} = |{x} - previous|, for unsigned values.",
            )
            if absolute
            else (
                f"It is {x} minus the previous sample, modulo {width.mask + 1}.",
                f"The previous sample is subtracted from {x}; the result is cut to {width.bits} "
                "bits.",
            ),
            *enable.holds(
                f"the pair of previous sample and {y}" if registered else "the previous sample"
            ),
        ],
        Behaviour(
            start=(0, 0),
            step=step,
            outputs=lambda s, v: {y: s[1] if registered else change(v[x], s[0])},
        ),
        at_reset="the previous sample" + (f" and {y} become 0" if registered else " becomes 0"),
        width=width,
    )


def smoothing_filter(d: Draw) -> Problem:
    """y += (x - y) / 2**k, a first-order low pass with a state of more bits."""
    clocking, enable = d.clocking(reset=1.0), enabling(d, "sample valid", 0.4)
    narrow, shift = Size(d.width(4, 12)), d.integer(1, 4)
    wide = Size(narrow.bits + shift)
    x = d.name(*_DATA)
    y, state = (
        d.name("y", "filtered", "avg", "smooth", "dout"),
        d.name("acc", "state", "sum", "y_full"),
    )
    part = f"{state}[{wide.bits - 1}:{shift}]"
    shifted = d.choose(f"({state} >> {shift})", y)
    text = d.choose(f"{state} - {shifted} + {x}", f"{state} + {x} - {shifted}")
    update = always(
        d,
        clocking,
        [(enable.condition(d), [f"{state} <= {text};"])],
        [f"{state} <= {constant(d, 0, wide)};"],
    )
    output = [f"assign {y} = {part};"]
    body = [
        f"reg {wide.span}{state};",
        "",
        *([*update, "", *output] if d.chance(0.6) else [*output, "", *update]),
    ]
    return clocked(
        d,
        clocking,
        ("iir_filter", "smoother", "low_pass", "exp_average", "leaky_average", "ema"),
        [
            Port(x, "input", narrow.bits, _SAMPLE),
            *enable.ports,
            Port(y, "output", narrow.bits, ("smoothed value", "filter output")),
        ],
        body,
        [
            f"first-order low-pass filter of {narrow.bits}-bit samples"
            + features(d, clocking, f"factor 1/{1 << shift}", enable.called("enable")),
            f"exponential moving average with weight 1/{1 << shift}",
            f"{narrow.bits}-bit smoothing filter",
        ],
        [
            (
                f"It has a state of {wide.bits} bits; {y} is the state shifted right by {shift} "
                "(fraction cut off).",
                f"{y} is made of the upper {narrow.bits} bits of {article(str(wide.bits))}-bit state.",
            ),
            (
                f"At each {edge(clocking)}{enable.clause('at which')}, {x} is added to the state "
                f"and {y} is subtracted from it.",
                f"On the {edge(clocking)}{enable.clause()}: state = state - (state >> {shift}) + "
                f"{x}.",
            ),
            *enable.holds("the state"),
            ("All values are unsigned.", f"{x} and {y} are unsigned numbers."),
        ],
        Behaviour(
            start=0,
            step=lambda s, v: s - (s >> shift) + v[x] if enable.on(v) else s,
            outputs=lambda s, v: {y: s >> shift},
        ),
        at_reset="the state becomes 0",
    )


FAMILIES = (moving_sum, difference, smoothing_filter)
