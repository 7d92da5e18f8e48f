"""Descriptions of a problem in many wordings: one line, paragraph, spec sheet, comment, Alpaca instruction.

A wording is a function from (problem, header, random) to text; its name is the kind and a number. Those
in `HELD_OUT` never occur in training items: an exam asks with them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from engine import prompts
from trainer.textbook.english import article, capital, listing
from trainer.textbook.problem import Port, Problem, Words


@dataclass(frozen=True)
class Description:
    kind: str
    """line | paragraph | sheet | comment | alpaca"""
    wording: str
    text: str


def describe(problem: Problem, header: str, random: Random) -> list[Description]:
    """One description of each kind, and a second comment and sheet, in training wordings."""
    chosen = []
    for kind in ("line", "paragraph", "sheet", "sheet", "comment", "comment", "alpaca"):
        names = [n for n in WORDINGS if _kind(n) == kind and n not in HELD_OUT]
        wording = random.choice(names)
        text = WORDINGS[wording](problem, header, random)
        if all(text != d.text for d in chosen):
            chosen.append(Description(kind, wording, text))
    return chosen


def describe_held_out(problem: Problem, header: str, random: Random) -> list[Description]:
    """One description in each held-out wording."""
    return [
        Description(_kind(name), name, WORDINGS[name](problem, header, random))
        for name in sorted(HELD_OUT)
    ]


# ---- parts


def words(alternatives: Words, random: Random) -> str:
    return alternatives if isinstance(alternatives, str) else random.choice(alternatives)


def _phrase(problem: Problem, random: Random) -> str:
    weights = [3, *[1] * (len(problem.phrases) - 1)]
    return random.choices(problem.phrases, weights)[0]


def _facts(problem: Problem, random: Random) -> list[str]:
    return [words(fact, random) for fact in problem.facts]


def _size(port: Port) -> str:
    return port.bounds or (f"[{port.width - 1}:0]" if port.width > 1 else "")


def _bits(port: Port) -> str:
    if port.bounds:
        return port.bounds
    sign = "signed " if port.signed else ""
    return f"{sign}{port.width} bits" if port.width > 1 else "1 bit"


def _meaning(port: Port, random: Random) -> str:
    return words(port.meaning, random) or port.name.replace("_", " ")


def _side(problem: Problem, direction: str) -> list[Port]:
    return [port for port in problem.ports if port.direction == direction]


def _parameters(problem: Problem) -> str:
    return ", ".join(f"{name} = {value}" for name, value in problem.parameters)


def _sentence_of_parameters(problem: Problem) -> str:
    if not problem.parameters:
        return ""
    plural = "s" if len(problem.parameters) > 1 else ""
    return f" It has the parameter{plural} {_parameters(problem)}."


def _in_words(ports: Sequence[Port], random: Random) -> str:
    """clk (clock), a (8 bits) and b (8 bits)"""
    named = random.random() < 0.5
    parts = []
    for port in ports:
        notes = [_bits(port)] if port.width > 1 or port.bounds else []
        notes += [_meaning(port, random)] if named and port.meaning else []
        parts.append(f"{port.name} ({', '.join(notes)})" if notes else port.name)
    return listing(parts)


def _declared(port: Port) -> str:
    sign = "signed " if port.signed else ""
    size = f"{_size(port)} " if _size(port) else ""
    return f"{port.direction} {sign}{size}{port.name}"


# ---- one line


def _line_1(p: Problem, header: str, r: Random) -> str:
    return capital(f"{_phrase(p, r)}")


def _line_2(p: Problem, header: str, r: Random) -> str:
    verb = r.choice(("Write", "Write", "Create", "Give me", "Generate"))
    return f"{verb} a Verilog module for {article(_phrase(p, r))}."


def _line_3(p: Problem, header: str, r: Random) -> str:
    verb = r.choice(("Implement", "Design", "Build", "Model", "Describe"))
    return f"{verb} {article(_phrase(p, r))}{r.choice((' in Verilog', '', ''))}."


def _line_4(p: Problem, header: str, r: Random) -> str:
    return f"Write a module {p.name} that implements {article(_phrase(p, r))}."


def _line_5(p: Problem, header: str, r: Random) -> str:
    return f"{article(_phrase(p, r))}, module {p.name}"


def _line_6(p: Problem, header: str, r: Random) -> str:
    inputs = listing([x.name for x in _side(p, "input")] or ["none"])
    outputs = listing([x.name for x in _side(p, "output")])
    return f"{capital(_phrase(p, r))} with inputs {inputs} and outputs {outputs}"


def _line_held_out(p: Problem, header: str, r: Random) -> str:
    return f"I need synthesizable RTL, {p.name}: {_phrase(p, r)}, please."


# ---- paragraphs


def _paragraph_1(p: Problem, header: str, r: Random) -> str:
    return (
        f"Write a Verilog module named {p.name} that implements {article(_phrase(p, r))}."
        f"{_sentence_of_parameters(p)} The inputs are {_in_words(_side(p, 'input'), r)}; "
        f"the outputs are {_in_words(_side(p, 'output'), r)}. {' '.join(_facts(p, r))}"
    )


def _paragraph_2(p: Problem, header: str, r: Random) -> str:
    ports = ", ".join(_declared(port) for port in p.ports)
    return (
        f"Design {article(_phrase(p, r))}. {' '.join(_facts(p, r))} "
        f"Module {p.name}, ports: {ports}.{_sentence_of_parameters(p)}"
    )


def _paragraph_3(p: Problem, header: str, r: Random) -> str:
    return (
        f"{capital(article(_phrase(p, r)))}, called {p.name}, takes {_in_words(_side(p, 'input'), r)} "
        f"and drives {_in_words(_side(p, 'output'), r)}.{_sentence_of_parameters(p)} "
        f"{' '.join(_facts(p, r))}"
    )


def _paragraph_4(p: Problem, header: str, r: Random) -> str:
    ask = r.choice(("Complete this module", "Fill in the body of this module", "Implement"))
    return f"{ask}: {_phrase(p, r)}. {' '.join(_facts(p, r))}\n\n{header}"


def _paragraph_held_out(p: Problem, header: str, r: Random) -> str:
    return (
        f"{' '.join(_facts(p, r))} Put this {_phrase(p, r)} into a module {p.name} whose ports are, in "
        f"order, {listing([_declared(port) for port in p.ports])}.{_sentence_of_parameters(p)}"
    )


# ---- spec sheets


def _port_lines(ports: Sequence[Port], r: Random, form: str, indent: str = "    ") -> str:
    return "\n".join(
        indent
        + form.format(name=x.name, size=_size(x), bits=_bits(x), meaning=_meaning(x, r)).strip()
        for x in ports
    )


def _sheet_1(p: Problem, header: str, r: Random) -> str:
    form = r.choice(
        ("{name}: {meaning} ({bits})", "{name}{size}: {meaning}.", "{name} - {bits}, {meaning}")
    )
    parameters = f"Parameters: {_parameters(p)}\n" if p.parameters else ""
    return (
        f"Module: {p.name}\nPurpose: {_phrase(p, r)}\n{parameters}"
        f"Inputs:\n{_port_lines(_side(p, 'input'), r, form, '  ')}\n"
        f"Outputs:\n{_port_lines(_side(p, 'output'), r, form, '  ')}\n"
        f"Function:\n  {' '.join(_facts(p, r))}"
    )


def _sheet_2(p: Problem, header: str, r: Random) -> str:
    rows = "\n".join(
        f"| {x.name} | {x.direction} | {_size(x) or '1'} | {_meaning(x, r)} |" for x in p.ports
    )
    facts = "\n".join(f"- {fact}" for fact in _facts(p, r))
    parameters = f"Parameters: {_parameters(p)}\n\n" if p.parameters else ""
    return (
        f"# {p.name}\n\n{capital(_phrase(p, r))}.\n\n{parameters}| port | direction | width | description |\n"
        f"|---|---|---|---|\n{rows}\n\n{facts}"
    )


def _sheet_3(p: Problem, header: str, r: Random) -> str:
    form = r.choice(
        ("{name}: {meaning}.", "{name}{size}: {meaning}.", "{name}: {meaning} ({bits}).")
    )
    opening = r.choice(("Implement", "Implement a module of", "Design"))
    parameters = f"Parameters:\n    {_parameters(p)}\n\n" if p.parameters else ""
    return (
        f"{opening} {article(_phrase(p, r))}.\n\nModule name:\n    {p.name}\n\n{parameters}"
        f"Input ports:\n{_port_lines(_side(p, 'input'), r, form)}\n\n"
        f"Output ports:\n{_port_lines(_side(p, 'output'), r, form)}\n\n"
        f"Implementation:\n{' '.join(_facts(p, r))}"
    )


def _sheet_4(p: Problem, header: str, r: Random) -> str:
    ports = "\n".join(f" - {_declared(port)}" for port in p.ports)
    parameters = f"\nParameters: {_parameters(p)}\n" if p.parameters else ""
    return (
        f"Build a module {p.name} with these ports (one bit unless a range is given):\n{ports}\n"
        f"{parameters}\nThe module is {article(_phrase(p, r))}. {' '.join(_facts(p, r))}"
    )


def _sheet_5(p: Problem, header: str, r: Random) -> str:
    facts = "\n".join(f"{n}. {fact}" for n, fact in enumerate(_facts(p, r), 1))
    return f"{capital(_phrase(p, r))}.\n\nRequirements:\n{facts}\n\nInterface:\n{header.strip()}"


def _sheet_held_out(p: Problem, header: str, r: Random) -> str:
    ports = "\n".join(
        f"{x.direction.upper():7}{x.name} <{x.width}> {_meaning(x, r)}" for x in p.ports
    )
    facts = "\n".join(f"R{n}: {fact}" for n, fact in enumerate(_facts(p, r), 1))
    parameters = f"PARAMETERS {_parameters(p)}\n" if p.parameters else ""
    return f"BLOCK {p.name} ({_phrase(p, r)})\n{parameters}SIGNALS\n{ports}\nBEHAVIOUR\n{facts}"


# ---- comments above a header


def _comment(text: str, r: Random) -> str:
    """`text` as a comment of one of the usual shapes, ended by a newline."""
    wide = r.choice((72, 80, 100, 1000))
    lines = [line for part in text.split("\n") for line in textwrap.wrap(part, wide) or [""]]
    shape = r.random()
    if shape < 0.75:
        return "".join(f"// {line}".rstrip() + "\n" for line in lines)
    if shape < 0.9 and len(lines) > 1:
        return "/*\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n"
    return "/* " + "\n   ".join(lines) + " */\n"


def _comment_1(p: Problem, header: str, r: Random) -> str:
    return _comment(
        f"{r.choice(('This is', 'This module is', 'Implements'))} {article(_phrase(p, r))}.", r
    )


def _comment_2(p: Problem, header: str, r: Random) -> str:
    return _comment(capital(_phrase(p, r)), r)


def _comment_3(p: Problem, header: str, r: Random) -> str:
    return _comment(f"{capital(_phrase(p, r))}. {' '.join(_facts(p, r))}", r)


def _comment_4(p: Problem, header: str, r: Random) -> str:
    return _comment("\n".join([f"{capital(_phrase(p, r))}.", *_facts(p, r)]), r)


def _comment_5(p: Problem, header: str, r: Random) -> str:
    facts = _facts(p, r)
    return _comment(
        f"This is {article(_phrase(p, r))}. {' '.join(facts[: 1 + r.randrange(len(facts))])}", r
    )


def _comment_6(p: Problem, header: str, r: Random) -> str:
    ports = "\n".join(f"{x.name}: {_meaning(x, r)}" for x in p.ports)
    return _comment(f"{p.name}: {_phrase(p, r)}\n{ports}\n{' '.join(_facts(p, r))}", r)


def _comment_held_out(p: Problem, header: str, r: Random) -> str:
    facts = "\n".join(f"- {fact}" for fact in _facts(p, r))
    rule = "//" + "-" * 60 + "\n"
    body = "".join(f"// {x}\n" for x in f"{p.name.upper()}\n{_phrase(p, r)}\n{facts}".split("\n"))
    return rule + body + rule


# ---- the papers' instruction format


def _alpaca_1(p: Problem, header: str, r: Random) -> str:
    paragraph = r.choice((_paragraph_1, _paragraph_2, _sheet_3, _sheet_4))
    return prompts.alpaca(paragraph(p, header, r))


def _alpaca_2(p: Problem, header: str, r: Random) -> str:
    task = f"Complete the Verilog module. It is {article(_phrase(p, r))}. {' '.join(_facts(p, r))}"
    return prompts.alpaca(f"{task}\n\n{header}")


def _kind(wording: str) -> str:
    return wording.split("-")[0]


WORDINGS: dict[str, Callable[[Problem, str, Random], str]] = {
    function.__name__[1:].replace("_held_out", "-held-out").replace("_", "-"): function
    for function in (
        _line_1,
        _line_2,
        _line_3,
        _line_4,
        _line_5,
        _line_6,
        _line_held_out,
        _paragraph_1,
        _paragraph_2,
        _paragraph_3,
        _paragraph_4,
        _paragraph_held_out,
        _sheet_1,
        _sheet_2,
        _sheet_3,
        _sheet_4,
        _sheet_5,
        _sheet_held_out,
        _comment_1,
        _comment_2,
        _comment_3,
        _comment_4,
        _comment_5,
        _comment_6,
        _comment_held_out,
        _alpaca_1,
        _alpaca_2,
    )
}
HELD_OUT = frozenset(name for name in WORDINGS if name.endswith("held-out"))
SHORT = frozenset(n for n in WORDINGS if _kind(n) == "line") | {
    "comment-1",
    "comment-2",
    "comment-5",
}
"""Wordings that leave out ports or facts: good to learn from, unfair to be examined by."""
