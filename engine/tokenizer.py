"""Tokenizers: ours with [FRAG] and the markers of the prompt formats, and those other models bring.

Text is never searched for special tokens: a buffer that happens to contain "[FRAG]" is just text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from engine.api import EngineError
from engine.verilog import fragments as verilog_fragments

PAD = "[PAD]"
START = "[START]"
END = "[END]"
FRAG = "[FRAG]"
INSTRUCTION = "[INSTRUCTION]"
SUFFIX = "[SUFFIX]"
PREFIX = "[PREFIX]"
MIDDLE = "[MIDDLE]"
SPECIAL_TOKENS = (PAD, START, END, FRAG, INSTRUCTION, SUFFIX, PREFIX, MIDDLE)

INFILL = (
    ("▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"),  # CodeLlama
    ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),  # DeepSeek-Coder
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),  # Qwen2.5-Coder
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),  # StarCoder and its kin
)
"""What other models mark the parts of a hole with: before prefix, suffix and middle, after the middle."""

# Some models have these as ordinary added tokens, but no text means them.
_CONTROL = re.compile(
    r"<[|｜].+[|｜]>|" + "|".join(re.escape(name) for row in INFILL for name in row)
)
# The byte that each character of a byte-level vocabulary stands for (GPT-2): itself where it can be
# seen, the others from 256 on.
_SEEN = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_UNSEEN = tuple(byte for byte in range(256) if byte not in _SEEN)
_BYTE_OF = {chr(b): b for b in _SEEN} | {chr(256 + n): b for n, b in enumerate(_UNSEEN)}
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


@dataclass(frozen=True, kw_only=True)
class TextTokenizer:
    """What any model's tokenizer does: text to ids, and ids to text.

    `start` is the token that a text begins with, if any; `ends` are those that end an answer.
    `special_ids` have no text. `lead` is the blank that a sentencepiece model expects before a text:
    `encode` never adds it. `frag` is None where the model has no [FRAG], and `infill` where it has no
    markers (prefix, suffix, middle) of a hole.
    """

    backend: Tokenizer
    start: int | None
    ends: frozenset[int]
    special_ids: frozenset[int]
    frag: int | None = None
    infill: tuple[int, int, int] | None = None
    lead: str = ""

    @property
    def size(self) -> int:
        return self.backend.get_vocab_size()

    @property
    def highest(self) -> int:
        """The highest id that a prompt can have."""
        asked = {self.start, *(self.infill or ())}
        ids = self.backend.get_vocab().values()
        return max(i for i in ids if i not in self.special_ids or i in asked)

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text: no special token is added or recognised.

        Half of a surrogate pair, which an editor can leave behind, is read as a question mark.
        """
        return self.backend.encode(_whole(text), add_special_tokens=False).ids

    def encode_pieces(self, pieces: Sequence[str]) -> list[list[int]]:
        """`encode` for many texts at once."""
        encodings = self.backend.encode_batch([*map(_whole, pieces)], add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids; special tokens, [FRAG] among them, leave no trace.

        The text of two lists is that of one and of the other, unless a character's bytes are spread over
        both (`bytes_of`).
        """
        return b"".join(map(self.bytes_of, ids)).decode("utf-8", "replace")

    def bytes_of(self, token: int) -> bytes:
        """The UTF-8 that a token stands for, which need not be whole characters."""
        found = self._bytes.get(token)
        if found is None:
            found = self._bytes[token] = self._look_up(token)
        return found

    def _look_up(self, token: int) -> bytes:
        name = None if token in self.special_ids else self.backend.id_to_token(token)
        if name is None:  # special, or a row of the embedding that no text leads to
            return b""
        if token in self._added:
            return name.encode()
        if self._byte_level:
            known = _BYTE_OF.keys() >= set(name)
            return bytes(map(_BYTE_OF.__getitem__, name)) if known else name.encode()
        byte = _BYTE.fullmatch(name)
        return bytes.fromhex(byte[1]) if byte else name.replace("▁", " ").encode()

    @cached_property
    def _bytes(self) -> dict[int, bytes]:
        return {}

    @cached_property
    def _added(self) -> frozenset[int]:
        return frozenset(self.backend.get_added_tokens_decoder())

    @cached_property
    def _byte_level(self) -> bool:
        return "ByteLevel" in repr(self.backend.decoder)


@dataclass(frozen=True, kw_only=True)
class FragmentTokenizer(TextTokenizer):
    """A byte-level BPE tokenizer with [FRAG] and our markers."""

    pad: int
    start: int
    end: int
    frag: int
    instruction: int
    suffix: int
    prefix: int
    middle: int

    @property
    def highest(self) -> int:
        return max(self.backend.get_vocab().values())

    def encode_fragments(self, text: str, cuts: Sequence[int] | None = None) -> list[int]:
        """Token ids of `text` with [FRAG] after every fragment (paper 1, III-C).

        `cuts` are the fragment ends if they are known already, ascending, the last at `len(text)`.
        """
        cuts = verilog_fragments.boundaries(text) if cuts is None else cuts
        pieces = [text[a:b] for a, b in zip([0, *cuts], cuts, strict=False)]
        ids: list[int] = []
        for piece in self.encode_pieces(pieces):
            ids += piece
            ids.append(self.frag)
        return ids

    def save(self, folder: Path) -> None:
        """Write tokenizer.json and the tokenizer_config.json that transformers expects beside it."""
        from transformers import PreTrainedTokenizerFast

        PreTrainedTokenizerFast(
            tokenizer_object=self.backend,
            pad_token=PAD,
            bos_token=START,
            eos_token=END,
            additional_special_tokens=[FRAG, INSTRUCTION, SUFFIX, PREFIX, MIDDLE],
            clean_up_tokenization_spaces=False,
        ).save_pretrained(folder)


def wrap(backend: Tokenizer) -> FragmentTokenizer:
    """Use `backend`; raises EngineError if it lacks one of our special tokens."""
    backend.encode_special_tokens = True
    ids = [backend.token_to_id(token) for token in SPECIAL_TOKENS]
    missing = [token for token, i in zip(SPECIAL_TOKENS, ids, strict=True) if i is None]
    if missing:
        raise EngineError(
            f"the tokenizer lacks {', '.join(missing)}: fine-tune the model with trainer.finetune first"
        )
    pad, start, end, frag, instruction, suffix, prefix, middle = ids
    return FragmentTokenizer(
        backend=backend,
        pad=pad,
        start=start,
        end=end,
        ends=frozenset((end,)),
        frag=frag,
        instruction=instruction,
        suffix=suffix,
        prefix=prefix,
        middle=middle,
        special_ids=frozenset(ids),
    )


def load(folder: Path) -> FragmentTokenizer:
    """Read our tokenizer from `folder`; raises EngineError if it is missing, damaged or another's."""
    _, backend = _read(folder / "tokenizer.json")
    return wrap(backend)


def load_any(folder: Path) -> TextTokenizer:
    """Read the tokenizer of a model folder, of ours or of transformers.

    In one that is not ours every control token ends an answer. Raises EngineError if it is missing,
    damaged, or neither byte-level nor sentencepiece.
    """
    path = folder / "tokenizer.json"
    data, backend = _read(path)
    if backend.token_to_id(FRAG) is not None:
        return wrap(backend)
    decoder = _kinds(data.get("decoder"))
    if not decoder & {"ByteLevel", "Metaspace", "ByteFallback", "Replace"}:
        raise EngineError(f"{path} is neither byte-level nor sentencepiece: choose another model")
    for token in data.get("added_tokens", []):
        token["special"] |= bool(_CONTROL.fullmatch(token["content"]))
    control = {token["id"] for token in data.get("added_tokens", []) if token["special"]}
    holes = ([backend.token_to_id(name) for name in names] for names in INFILL)
    hole = next((ids for ids in holes if None not in ids), [])
    start = _start(folder, backend)
    lead = _drop_lead(data)
    backend = Tokenizer.from_str(json.dumps(data | {"truncation": None, "padding": None}))
    backend.encode_special_tokens = True
    special = frozenset(control.union(hole))
    return TextTokenizer(
        backend=backend,
        start=start,
        ends=special | _ends(folder),
        special_ids=special,
        infill=tuple(hole[:3]) or None,
        lead=lead,
    )


def _read(path: Path) -> tuple[dict[str, Any], Tokenizer]:
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text), Tokenizer.from_str(text)
    except FileNotFoundError as error:
        raise EngineError(
            f"cannot read {path}: it is missing. A folder with another kind of tokenizer gets one by "
            "transformers' AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)"
        ) from error
    except Exception as error:  # the Rust side raises plain Exception for everything
        raise EngineError(f"cannot read {path}: {error}") from error


def _kinds(part: Any) -> set[str]:
    """The types of a tokenizer's normalizer, pre-tokenizer or decoder and of all that it consists of."""
    return set(re.findall(r'"type": "(\w+)"', json.dumps(part)))


def _drop_lead(data: dict[str, Any]) -> str:
    """Take out of tokenizer.json's content what puts a blank before every text; the blank, or ""."""
    before = json.dumps(data)
    for part in (*_parts(data.get("normalizer")), *_parts(data.get("pre_tokenizer"))):
        if part["type"] == "Prepend":
            part["prepend"] = ""
        elif part["type"] == "Metaspace":
            part["prepend_scheme"] = "never"
        elif part["type"] == "ByteLevel":
            part["add_prefix_space"] = False
    return "" if json.dumps(data) == before else " "


def _parts(part: Any) -> list[dict[str, Any]]:
    """A normalizer or pre-tokenizer as the list of its steps."""
    if part is None:
        return []
    if part["type"] == "Sequence":
        steps = part.get("normalizers") or part.get("pretokenizers") or []
        return [step for one in steps for step in _parts(one)]
    return [part]


def _start(folder: Path, backend: Tokenizer) -> int | None:
    """What a text begins with, as tokenizer_config.json has it, or else as the tokenizer itself does it."""
    config = _json(folder / "tokenizer_config.json")
    if "add_bos_token" in config:
        token = config.get("bos_token")
        name = token.get("content") if isinstance(token, dict) else token
        return backend.token_to_id(name) if config["add_bos_token"] and name else None
    bare, whole = (backend.encode("x", add_special_tokens=own).ids for own in (False, True))
    return whole[0] if whole[:1] != bare[:1] else None


def _ends(folder: Path) -> frozenset[int]:
    """What config.json and generation_config.json say that a text ends with."""
    found: set[int] = set()
    for name in ("config.json", "generation_config.json"):
        said = _json(folder / name).get("eos_token_id")
        found.update(
            each for each in (said if isinstance(said, list) else [said]) if type(each) is int
        )
    return frozenset(found)


def _json(path: Path) -> dict[str, Any]:
    """An object from a file beside the tokenizer; empty where there is none to read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
