"""Train the byte-level BPE vocabulary on Verilog and its English.

The pre-tokenizer decides how many characters a token carries and whether tokens straddle fragments.
A blank joins the word that follows, and a run of punctuation takes the line end and the next
indentation along (`);` + newline + four blanks is one candidate), because a fragment ends there too.
"""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from engine.tokenizer import SPECIAL_TOKENS, FragmentTokenizer, wrap

_PIECES = (
    r" ?[A-Za-z_$`][A-Za-z0-9_$]*"
    r"| ?[0-9]{1,3}"
    r"| ?[^\sA-Za-z0-9_$`]+(?:\r?\n[ \t]*)?"
    r"|\s*\n[ \t]*"
    r"|[ \t]+(?= \S)"
    r"|\s+"
    r"|`"
)


def train(texts: Iterable[str], size: int) -> FragmentTokenizer:
    """A tokenizer of `size` entries, special tokens and all 256 bytes included."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return wrap(tokenizer)
