"""Vetoes: tokens that an answer may not have, because nothing that follows them could make it valid Verilog.

The check itself is `engine.verilog.viability`; here it meets tokens. It judges what has been chosen
already, so it works with every way of choosing: a vetoed token gives way to the one that would have
been chosen without it (`engine.sampling`), and the answer is the same however it is drafted.
"""

from __future__ import annotations

from functools import lru_cache

from engine import prompts
from engine.api import DecodingOptions, EngineError, Prompt
from engine.tokenizer import TextTokenizer
from engine.verilog import viability
from engine.verilog.viability import words

TRIES = 64
"""Tokens that are vetoed at one position before the first choice stands after all."""


class Guard:
    """What the tokens of one answer make of the text so far.

    `texts[n]` is the text after n tokens, `refused[n]` how many were vetoed in favour of token n, and
    `overruled[n]` whether it stands only because too many were. A position may be decided again, if what
    came before it is the same.
    """

    def __init__(self, tokenizer: TextTokenizer, prompt: Prompt, options: DecodingOptions) -> None:
        self.tokenizer = tokenizer
        self.typed = prompts.typed_blank(prompt.prefix)
        names = options.viability == "names"
        prefix = prompt.prefix.removesuffix(self.typed)
        self.texts = [viability.begin(prefix, prompt.suffix, names, _solid(tokenizer))]
        self.refused: list[int] = []
        self.overruled: list[bool] = []
        # An answer that has nothing after it has to end the module itself.
        self.closes = not prompt.suffix.strip() and options.stop in ("module", "none")

    def admits(self, token: int, position: int) -> bool:
        """Whether `token` may stand at `position`, after those that were admitted or forced before it."""
        text = self.texts[position]
        if token in self.tokenizer.ends:
            viable = text if text.ends() and not (self.closes and text.open) else None
        elif token == self.tokenizer.frag:
            viable = text if text.ends() else None
        else:
            viable = text.after(self._piece(token, position))
        if viable is None:
            return False
        self._put(position, viable)
        return True

    def force(self, token: int, position: int) -> None:
        """Let `token` stand at `position` although nothing can follow it."""
        self._put(position, self.texts[position].despite(self._piece(token, position)), True)

    def note(self, position: int, refused: int) -> None:
        """Keep count of the tokens that were vetoed at `position`."""
        self.refused[position] = refused

    def vetoes(self, tokens: int) -> int:
        """Vetoes in an answer of that many tokens."""
        return sum(self.refused[:tokens])

    def _piece(self, token: int, position: int) -> str:
        piece = self.tokenizer.decode([token])
        return self.typed + piece.removeprefix(self.typed) if position == 0 else piece

    def _put(self, position: int, text: viability.Text, overruled: bool = False) -> None:
        del self.texts[position + 1 :], self.refused[position:], self.overruled[position:]
        self.texts.append(text)
        self.refused.append(0)
        self.overruled.append(overruled)


@lru_cache(maxsize=4)
def _solid(tokenizer: TextTokenizer) -> frozenset[str]:
    """The keywords that the tokenizer writes as one token."""
    found = (word for word in words.JUDGED if len(tokenizer.encode(word)) == 1)
    return frozenset(word for word in found if len(tokenizer.encode(f" {word}")) == 1)


def guard(
    tokenizer: TextTokenizer, prompt: Prompt | None, options: DecodingOptions
) -> Guard | None:
    """The guard that the options ask for. Raises EngineError if it would have no text to go by."""
    if options.viability == "off":
        return None
    if prompt is None:
        raise EngineError("viability needs the text of the prompt, not its tokens alone")
    return Guard(tokenizer, prompt, options)
