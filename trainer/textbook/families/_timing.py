"""What the families of clocked circuits share: sizes, control inputs, phrases, and the problem itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import capital, listing
from trainer.textbook.families._common import Size
from trainer.textbook.problem import Behaviour, Clocking, Port, Problem, Values, Words


def constant(d: Draw, value: int, width: Size) -> str:
    """A literal that also fits if the width is a parameter."""
    if not width.parameter:
        return d.number(value, width.bits)
    if value in (0, width.mask) and d.chance(0.7):
        return f"{{{width.parameter}{{1'b{int(value > 0)}}}}}"
    return str(value)


def plus(d: Draw, name: str, width: Size, step: int = 1, sign: str = "+") -> str:
    """`name` plus or minus a constant."""
    if step == 1 and d.chance(0.6):
        one = d.choose("1", "1'b1")
        return f"{name} {sign} {one}"
    return f"{name} {sign} {step if width.parameter else d.number(step, width.bits)}"


@dataclass(frozen=True)
class Control:
    """A one-bit input that allows or asks for something; without a name it is always active."""

    name: str = ""
    active_low: bool = False
    meaning: Words = ""

    def on(self, values: Values) -> bool:
        return not self.name or bool(values[self.name]) != self.active_low

    @property
    def level(self) -> str:
        return "low" if self.active_low else "high"

    @property
    def idle(self) -> str:
        return "high" if self.active_low else "low"

    @property
    def ports(self) -> list[Port]:
        return [Port(self.name, "input", meaning=self.meaning)] if self.name else []

    def condition(self, d: Draw) -> str:
        if not self.name:
            return ""
        if self.active_low:
            return d.choose(f"!{self.name}", f"~{self.name}", f"{self.name} == 1'b0")
        return d.choose(*[self.name] * 5, f"{self.name} == 1'b1")

    def called(self, words: str) -> str:
        """`words` if there is such an input; for `features`."""
        return words if self.name else ""

    def clause(self, word: str = "if") -> str:
        """ " if en is high"; empty without a name."""
        return f" {word} {self.name} is {self.level}" if self.name else ""

    def holds(self, what: str) -> list[Words]:
        """Facts that `what` ("the count") does not change without this control."""
        if not self.name:
            return []
        return [
            (
                f"While {self.name} is {self.idle}, {what} does not change.",
                f"{capital(what)} holds its value when {self.name} is {self.idle}.",
                f"With {self.name} {self.idle}, {what} stays as it is.",
            )
        ]


def control(
    d: Draw, *names: str, meaning: str, probability: float = 1.0, low: float = 0.12
) -> Control:
    """A drawn control input, with probability `low` active low; at times none at all."""
    if not d.chance(probability):
        return Control()
    active_low = d.chance(low)
    name = d.name(*(f"{n}_n" for n in names) if active_low else names)
    level = "low" if active_low else "high"
    return Control(name, active_low, (f"{meaning}, active {level}", f"active-{level} {meaning}"))


def enabling(d: Draw, what: str = "count enable", probability: float = 0.5) -> Control:
    """A drawn enable."""
    names = ("en", "enable", "ce", "en", "ena", "en_i")
    return control(d, *names, meaning=what, probability=probability)


def mostly(enable: Control) -> Callable[[Random, int], Values]:
    """A stimulus for circuits without other inputs, in which the enable is active nine times in ten."""

    def stimulus(random: Random, number: int) -> Values:
        active = random.random() < 0.9
        return {enable.name: int(active != enable.active_low)} if enable.name else {}

    return stimulus


# ---- words


def features(d: Draw, clocking: Clocking, *parts: str, lead: str = " with ") -> str:
    """ " with enable and synchronous active-high reset": the parts that are not empty, and the reset."""
    named = [part for part in (*parts, d.reset_phrase(clocking)) if part]
    if clocking.edge == "negedge":
        named.append("falling-edge clock")
    return f"{lead}{listing(named)}" if named else ""


def ordered(d: Draw, ports: Sequence[Port]) -> list[Port]:
    """The ports, now and then with the outputs first or in a random order."""
    ports = list(ports)
    if d.chance(0.08):
        d.random.shuffle(ports)
    elif d.chance(0.08):
        ports.sort(key=lambda port: port.direction == "input")
    return ports


def clocked(
    d: Draw,
    clocking: Clocking,
    names: Sequence[str],
    ports: Sequence[Port],
    body: Lines,
    phrases: Sequence[str],
    facts: Sequence[Words],
    behaviour: Behaviour,
    *,
    at_reset: str = "",
    width: Size | None = None,
    parameters: Sequence[tuple[str, int]] = (),
    stimulus: Callable[[Random, int], Values] | None = None,
    checks: int = 80,
) -> Problem:
    """A problem with a clock, of which `ports` has neither clock nor reset.

    `at_reset` is a clause for `Draw.reset_fact`; it is left out without a reset. `names` are for the module.
    """
    facts = list(facts)
    if clocking.reset and at_reset:
        facts.append(d.reset_fact(clocking, at_reset))
    if width and width.parameter:
        facts += width.facts(*(port.name for port in ports if port.bounds == width.range))
    if d.chance(0.12):
        body = [f"// {capital(d.choose(*phrases))}", *body]
    return Problem(
        name=d.name(*names),
        ports=ordered(d, [*d.clock_ports(clocking), *ports]),
        body=body,
        phrases=phrases,
        facts=facts,
        behaviour=behaviour,
        clocking=clocking,
        parameters=(*(width.parameters if width else ()), *parameters),
        stimulus=stimulus,
        checks=checks,
    )
