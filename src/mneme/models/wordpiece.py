"""WordPiece: the token ids that BERT's uncased vocabulary gives a text.

Source: the tokenisation of BERT (Devlin et al., 2019): clean, split CJK ideographs, strip accents, lower the case, split at
punctuation, then the greedy longest match of word pieces.
Differs: a word of more than 100 characters is matched piece by piece, where BERT makes all of it one ``[UNK]``, so that text
without spaces (Thai, encoded data, long addresses) keeps its content. ``[SEP]`` and its like in a text are plain text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

LONGEST_PLAIN_WORD = 100
CACHED_WORDS = 50_000

_ASCII_WORD = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")
_ASCII_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
# Control, format, surrogate, private, accent. Unassigned characters stay: a newer Unicode may have given them a meaning.
_DROPPED = {"Cc", "Cf", "Cs", "Co", "Mn"}
_KEPT_CONTROLS = "\t\n\r"
_REPLACEMENT = 0xFFFD


class _Normaliser(dict[int, str]):
    """Code point -> what stands for it in a normalised text; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        self[code] = result = _normalised(code)
        return result


def _normalised(code: int) -> str:
    char = chr(code)
    if char in _KEPT_CONTROLS:
        return " "
    category = unicodedata.category(char)
    if category in _DROPPED or code == _REPLACEMENT:
        return ""
    if category[0] == "Z":
        return " "
    if _is_punctuation(code, category) or any(low <= code <= high for low, high in _IDEOGRAPHS):
        return f" {char} "
    # One character at a time: the lower case of a Greek capital sigma must not depend on its neighbours.
    return char.lower()


def _is_punctuation(code: int, category: str) -> bool:
    ascii_symbol = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return ascii_symbol or category[0] == "P"


_NORMALISER = _Normaliser()


def words(text: str) -> list[str]:
    """Return the words of ``text`` as BERT's uncased models see them; any string is accepted, surrogates and NULs too."""
    if text.isascii():
        if _ASCII_CONTROL.search(text):
            text = _ASCII_CONTROL.sub("", text)
        return _ASCII_WORD.findall(text.lower())
    return unicodedata.normalize("NFD", text).translate(_NORMALISER).split()


class WordPiece:
    """A tokenizer over one vocabulary.

    Args:
        vocabulary: the pieces in the order of their ids; a piece inside a word begins with ``##``.

    Example:
        >>> WordPiece(["[UNK]", "[CLS]", "[SEP]", "port", "##o"]).encode("Porto?")
        [3, 4, 0]
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._starts = {piece: index for index, piece in enumerate(vocabulary) if not piece.startswith("##")}
        self._inner = {piece[2:]: index for index, piece in enumerate(vocabulary) if piece.startswith("##")}
        self._longest = max(map(len, vocabulary), default=1)
        self.unknown = self._starts["[UNK]"]
        self.start = self._starts["[CLS]"]
        self.end = self._starts["[SEP]"]
        self._cache: dict[str, list[int]] = {}

    @classmethod
    def from_file(cls, path: Path) -> WordPiece:
        """Return the tokenizer of a ``vocab.txt``: one piece a line, ids from zero."""
        return cls(path.read_text(encoding="utf-8").rstrip("\n").split("\n"))

    def encode(self, text: str) -> list[int]:
        """Return the ids of the pieces of ``text``, without the marks for start and end."""
        cache = self._cache
        ids: list[int] = []
        for word in words(text):
            pieces = cache.get(word)
            ids += self._remember(word) if pieces is None else pieces
        return ids

    def _remember(self, word: str) -> list[int]:
        pieces = self._pieces(word)
        if len(word) <= LONGEST_PLAIN_WORD:
            if len(self._cache) >= CACHED_WORDS:
                # A new dict, not clear(): another thread may be reading the old one.
                self._cache = {}
            self._cache[word] = pieces
        return pieces

    def _pieces(self, word: str) -> list[int]:
        """Match the longest known piece again and again; with a gap, a plain word is unknown as a whole."""
        known, pieces, at = self._starts, [], 0
        while at < len(word):
            for stop in range(min(len(word), at + self._longest), at, -1):
                piece = known.get(word[at:stop])
                if piece is not None:
                    break
            else:
                if len(word) <= LONGEST_PLAIN_WORD:
                    return [self.unknown]
                piece, stop = self.unknown, at + 1
            pieces.append(piece)
            known, at = self._inner, stop
        return pieces
