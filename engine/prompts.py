"""Every form of prompt: from a `Prompt` to token ids, and the same layout for training samples.

One layout serves all tasks of our models; the markers say which parts are there:

    [START] [INSTRUCTION] description [SUFFIX] suffix [PREFIX] context prefix [MIDDLE] answer [END]

- fill-in-the-middle: prefix and suffix, perhaps context; no description.
- continuation: a comment and the module's header as prefix, nothing after (VGen's prompts).
- comment-to-module: a description, perhaps the header as prefix (RTLLM's, VerilogEval's).
- Alpaca, the papers' form: the description wrapped by `alpaca`.

The suffix stands before the prefix so that typing only appends to the prompt, which is what a KV cache
kept between keystrokes needs. Prompts are plain text; only the answer carries [FRAG] tokens.
`trainer.dataset` makes its samples with `encode`, so training and asking agree on every cut.

A model with a tokenizer of its own gets the form that it was trained with. Where it has markers for a
hole (`engine.tokenizer.INFILL`) and there is a suffix, that is

    start prefix-marker context comment prefix suffix-marker suffix middle-marker answer

and else start, context, comment and prefix as one text, which the answer continues. The comment is the
description; an Alpaca prompt stands as it is, for a model tuned to follow it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.api import Prompt
from engine.tokenizer import FragmentTokenizer, TextTokenizer
from engine.verilog import syntax

_ALPACA = """Below is an instruction that describes a task. \
Write a response that appropriately completes the request.

### Instruction:
{}

### Response:
"""
_ALPACA_WITH_INPUT = """Below is an instruction that describes a task, paired with an input that \
provides further context. Write a response that appropriately completes the request.

### Instruction:
{}

### Input:
{}

### Response:
"""

_ALPACA_BEGINNING = "Below is an instruction that describes a task"

# Parts of the window that the side parts may take, so that the prefix always has some of it.
_INSTRUCTION_SHARE = 2
_SUFFIX_SHARE = 4
_CONTEXT_SHARE = 4
_HEADER_SHARE = 2  # of the prefix's room, for the header of a module that does not fit
_STRIDES = 8  # a long prefix is cut in eighths of its room
_CHARACTERS_A_TOKEN = 8  # more than any text has on average
_NEAR = 1 << 18  # characters before the cursor, at least, in which the header is looked for
_MARKERS = 5

_MODULE_LINE = re.compile(r"^[ \t]*(?:macro)?module\b", re.MULTILINE)
_MODULE_END = re.compile(r"^(?:[^/\n]|/(?!/))*\bendmodule\b", re.MULTILINE)  # not in a line comment


def alpaca(instruction: str, given: str = "") -> str:
    """The Alpaca prompt (Taori et al., 2023) that both papers train with, `given` as its input.

    It goes where a description goes: `Prompt("", instruction=alpaca(description))`.
    """
    return _ALPACA_WITH_INPUT.format(instruction, given) if given else _ALPACA.format(instruction)


def layout(
    tokenizer: FragmentTokenizer,
    prefix: Sequence[int],
    suffix: Sequence[int] = (),
    instruction: Sequence[int] = (),
) -> list[int]:
    """Token ids up to and including [MIDDLE]; parts that are empty leave no marker but [PREFIX]."""
    ids = [tokenizer.start]
    if instruction:
        ids += [tokenizer.instruction, *instruction]
    if suffix:
        ids += [tokenizer.suffix, *suffix]
    return [*ids, tokenizer.prefix, *prefix, tokenizer.middle]


def typed_blank(prefix: str) -> str:
    """The blank at the end of `prefix` that the next token would rather begin with, or "".

    In training text a blank belongs to the word after it, so after `q <= ` with the blank typed
    already a model is lost. The blank is left out of the prompt, the answer begins with it, and the
    decoder takes it off again. An indentation is a token of its own and stays.
    """
    within_line = prefix.rstrip(" \t") and not prefix.rstrip(" \t").endswith("\n")
    return " " if prefix.endswith(" ") and within_line else ""


def encode(tokenizer: TextTokenizer, prompt: Prompt, window: int) -> list[int]:
    """`prompt` as at most `window` token ids, at least one, without its `typed_blank`.

    What does not fit is cut. The instruction keeps its beginning: half of the window, or more where the
    other parts leave it. The suffix keeps its beginning, the prefix its end and the header of the module
    it ends in. The context gives way to the prefix, and loses its last declarations first.
    """
    ours = isinstance(tokenizer, FragmentTokenizer)
    if not ours:
        prompt = _in_plain_text(tokenizer, prompt)
    share = window - _MARKERS
    suffix = _first(tokenizer, prompt.suffix, share // _SUFFIX_SHARE)
    instruction = _first(tokenizer, prompt.instruction, share)
    room = share - len(suffix)
    written = prompt.prefix.removesuffix(typed_blank(prompt.prefix))
    asked = min(len(instruction), share // _INSTRUCTION_SHARE)
    prefix = _nearest(tokenizer, written, room - asked)
    instruction = instruction[: room - len(prefix)]
    room -= len(instruction) + len(prefix)
    context = _whole_lines(tokenizer, prompt.context, min(room, share // _CONTEXT_SHARE), ";\n")
    if ours:
        return layout(tokenizer, [*context, *prefix], suffix, instruction)
    described = _ended_line(tokenizer, instruction)
    return _own_layout(tokenizer, [*context, *described, *prefix], suffix)


def _in_plain_text(tokenizer: TextTokenizer, prompt: Prompt) -> Prompt:
    """`prompt` with the description as a comment, without a suffix that the model has no markers for,
    and with the blank that sentencepiece models begin with. What is empty becomes a line end: some models
    have no token to begin with."""
    instruction = prompt.instruction
    if instruction and not instruction.startswith(_ALPACA_BEGINNING):
        instruction = "".join(f"// {line}\n" for line in instruction.splitlines())
    suffix = prompt.suffix if tokenizer.infill and prompt.suffix.strip() else ""
    parts = {"context": prompt.context, "instruction": instruction, "prefix": prompt.prefix}
    first = next((name for name, text in parts.items() if text), "prefix")
    parts[first] = tokenizer.lead + (parts[first] or "\n")
    return Prompt(suffix=suffix, **parts)


def _ended_line(tokenizer: TextTokenizer, ids: list[int]) -> list[int]:
    """`ids` with the line end that a comment loses when it is cut."""
    whole = not ids or tokenizer.decode(ids).endswith("\n")
    return ids if whole else [*ids, *tokenizer.encode("\n")]


def _own_layout(
    tokenizer: TextTokenizer, before: Sequence[int], suffix: Sequence[int]
) -> list[int]:
    """Token ids in the form of another model."""
    start = [] if tokenizer.start is None else [tokenizer.start]
    if not suffix:
        return [*start, *before]
    prefix_marker, suffix_marker, middle_marker = tokenizer.infill
    return [*start, prefix_marker, *before, suffix_marker, *suffix, middle_marker]


def _first(tokenizer: TextTokenizer, text: str, room: int) -> list[int]:
    """The beginning of `text` in at most `room` ids."""
    # No need to encode a megabyte to keep a few hundred tokens of it.
    return tokenizer.encode(text[: _CHARACTERS_A_TOKEN * room])[:room]


def _nearest(tokenizer: TextTokenizer, text: str, room: int) -> list[int]:
    """The end of `text` in at most `room` ids. If it must be cut, then at the start of a line, and
    the header of the module that it ends in comes first.

    The cut moves in strides counted from that header, so that while one goes on typing the prompt
    keeps its beginning, and a KV cache its use.
    """
    if room <= 0:
        return []
    reach = _CHARACTERS_A_TOKEN * room
    if len(text) <= reach:
        ids = tokenizer.encode(text)
        if len(ids) <= room:
            return ids
    header, body = _enclosing_header(text[max(0, len(text) // _NEAR - 1) * _NEAR :])
    head = _whole_lines(tokenizer, header, room // _HEADER_SHARE)
    room -= len(head)
    body = body[max(0, len(body) // reach - 1) * reach :]
    ids = tokenizer.encode(body)
    stride = max(1, room // _STRIDES)
    dropped = -(-max(0, len(ids) - room) // stride) * stride
    line = body.find("\n", len(tokenizer.decode(ids[:dropped]))) + 1
    tail = tokenizer.encode(body[line:]) if dropped and line else ids[dropped:]
    return [*head, *tail[-room:]]


def _enclosing_header(text: str) -> tuple[str, str]:
    """The header of the module that `text` ends in, with its line end, and what follows it; an empty
    header and `text` if there is none."""
    start = max((match.end() for match in _MODULE_END.finditer(text)), default=0)
    lines = [match.start() for match in _MODULE_LINE.finditer(text, start)]
    if not lines:
        return "", text
    header = syntax.header(text, syntax.Module("", lines[-1], len(text)))
    end = text.find("\n", lines[-1] + len(header)) + 1
    return (text[lines[-1] : end], text[end:]) if end else ("", text)


def _whole_lines(tokenizer: TextTokenizer, text: str, room: int, end: str = "\n") -> list[int]:
    """The beginning of `text` in at most `room` ids; if it must be cut, then after an `end`."""
    if room <= 0:
        return []
    ids = _first(tokenizer, text, room + 1)
    if len(ids) <= room:
        return ids
    fitting, found, _ = tokenizer.decode(ids[:room]).rpartition(end)
    return _first(tokenizer, fitting + found, room)
