"""From a `Prompt` to token ids, and the same layout for training samples.

One layout serves both tasks; the markers say which parts are there:

    [START] [INSTRUCTION] description [SUFFIX] suffix [PREFIX] context prefix [MIDDLE] answer [END]

The suffix stands before the prefix so that typing only appends to the prompt, which is what a KV cache
kept between keystrokes will need. Prompts are plain text; only the answer carries [FRAG] tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.api import Prompt
from engine.tokenizer import FragmentTokenizer

# Shares of the window that the side parts may take, so that the prefix always has most of it.
_SUFFIX_SHARE = 4
_INSTRUCTION_SHARE = 3
_CONTEXT_SHARE = 4
_CHARACTERS_A_TOKEN = 8  # more than any text has on average


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


def encode(tokenizer: FragmentTokenizer, prompt: Prompt, window: int) -> list[int]:
    """`prompt` as at most `window` token ids, without its `typed_blank`.

    What does not fit is cut: the suffix and the instruction on their right, context and prefix on
    their left, and the context gives way to the prefix.
    """
    # No need to encode a megabyte to keep a few hundred tokens of it.
    reach = _CHARACTERS_A_TOKEN * window
    instruction = tokenizer.encode(prompt.instruction[:reach])[: window // _INSTRUCTION_SHARE]
    suffix = tokenizer.encode(prompt.suffix[:reach])[: window // _SUFFIX_SHARE]
    room = window - len(layout(tokenizer, (), suffix, instruction))
    healed = prompt.prefix.removesuffix(typed_blank(prompt.prefix))
    prefix = _last(tokenizer.encode(healed[-reach:]), room)
    context_room = min(room - len(prefix), window // _CONTEXT_SHARE)
    context = _last(tokenizer.encode(prompt.context[-reach:]), context_room)
    return layout(tokenizer, [*context, *prefix], suffix, instruction)


def _last(ids: list[int], count: int) -> list[int]:
    return ids[-count:] if count > 0 else []
