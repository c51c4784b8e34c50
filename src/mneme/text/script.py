"""Unicode words: how a text is cut into raw tokens, and which script a token is written in.

Follows the spirit of Unicode's word boundaries (UAX #29) with regular expressions, and departs from it where search
gains: numbers with separators stay whole, apostrophes are cut by script, and scripts written without spaces come out
as runs for the analyser to cut into pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

# Written without spaces between words, or (Hangul) with particles glued to them: searched by pairs of characters.
_PAIRED: Final = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecf\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u109a-\u109f\u1780-\u17d3\u17dd"
    "\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u3096\u309d-\u309f"
    "\u30a1-\u30fa\u30fc-\u30ff\u3100-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7fb"
    "\uf900-\ufaff\U00020000-\U0003fffd"
)
# Marks that belong to the letter before them, by block; ``\w`` of the re module does not match them.
_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u07a6-\u07b0\u0816-\u082d\u08d3-\u0903"
    "\u093a-\u093c\u093e-\u094f\u0951-\u0957\u0962\u0963\u0981-\u0983\u09bc\u09be-\u09cd\u09d7\u09e2\u09e3"
    "\u0a01-\u0a03\u0a3c-\u0a51\u0a70\u0a71\u0a75\u0a81-\u0a83\u0abc\u0abe-\u0acd\u0ae2\u0ae3\u0b01-\u0b03\u0b3c"
    "\u0b3e-\u0b57\u0b62\u0b63\u0b82\u0bbe-\u0bcd\u0bd7\u0c00-\u0c04\u0c3e-\u0c56\u0c62\u0c63\u0c81-\u0c83\u0cbc"
    "\u0cbe-\u0cd6\u0ce2\u0ce3\u0d00-\u0d03\u0d3b\u0d3c\u0d3e-\u0d4d\u0d57\u0d62\u0d63\u0d81-\u0d83\u0dca-\u0ddf"
    "\u0df2\u0df3\u0f18\u0f19\u0f35\u0f37\u0f39\u0f3e\u0f3f\u0f71-\u0f84\u0f86\u0f87\u0f8d-\u0fbc\u135d-\u135f"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20f0\ufe20-\ufe2f"
)
_EMOJI: Final = r"[\U0001f1e6-\U0001f1ff]{2}|[\u2600-\u27bf\U0001f300-\U0001f3fa\U0001f400-\U0001faff]"
_NUMBER: Final = r"\d{4}-\d\d-\d\d(?:t(?=\d))?|\d+(?:[.,:/-]\d+)+|\d+(?:st|nd|rd|th)(?![^\W_])"
_SIGNED: Final = r"[a-z](?:\+\+|\#)(?![\w+#])"
_LETTER: Final = rf"[^\W_{_PAIRED}]"

# Every alternative begins with a different kind of character but for numbers, which come first.
_ASCII_TOKEN: Final = re.compile(rf"{_NUMBER}|{_SIGNED}|[a-z0-9]+(?:'[a-z0-9]+)*")
_TOKEN: Final = re.compile(
    rf"{_NUMBER}|{_SIGNED}|(?:{_LETTER}[{_MARKS}]*)+(?:['\u05f3\u05f4](?:{_LETTER}[{_MARKS}]*)+)*|[{_PAIRED}][{_PAIRED}{_MARKS}]*|{_EMOJI}"
)
_PAIRED_CHAR: Final = re.compile(rf"[{_PAIRED}]")
# One character of a paired script with the marks, vowels above and tones that ride on it.
_CLUSTER: Final = re.compile(
    rf"[{_PAIRED}][{_MARKS}\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059"
    r"\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u17b4-\u17d3\u17dd\u3099\u309a]*"
)
_APOSTROPHES: Final = str.maketrans({"\u2019": "'", "\u02bc": "'", "\u2018": "'", "\u2032": "'", "\u055a": "'"})

_BLOCKS: Final = (
    (0x0000, 0x024F, "latin"),
    (0x0250, 0x02AF, "latin"),
    (0x0370, 0x03FF, "greek"),
    (0x0400, 0x052F, "cyrillic"),
    (0x0530, 0x058F, "armenian"),
    (0x0590, 0x05FF, "hebrew"),
    (0x0600, 0x06FF, "arabic"),
    (0x0750, 0x077F, "arabic"),
    (0x08A0, 0x08FF, "arabic"),
    (0x0900, 0x097F, "devanagari"),
    (0x0B80, 0x0BFF, "tamil"),
    (0x1E00, 0x1EFF, "latin"),
    (0x1F00, 0x1FFF, "greek"),
)


def normalise(text: str) -> str:
    """The text in compatibility form (NFKC), case-folded, with one kind of apostrophe.

    Args:
        text: any text; lone surrogates and NUL are allowed and later separate words.

    Returns:
        Text on which ``raw_tokens`` works. ASCII text takes a short cut of the same result.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).casefold()
    if not unicodedata.is_normalized("NFKC", folded):
        folded = unicodedata.normalize("NFKC", folded)
    # Turkish capital dotted I case-folds to i and a loose dot.
    return folded.replace("i\u0307", "i").translate(_APOSTROPHES)


def raw_tokens(normalised: str) -> list[str]:
    """Words, numbers, runs of a script without spaces, and emoji, in text order.

    Args:
        normalised: the result of ``normalise``.
    """
    return (_ASCII_TOKEN if normalised.isascii() else _TOKEN).findall(normalised)


def is_paired(token: str) -> bool:
    """Whether the token is a run of a script that is searched by pairs of characters."""
    return _PAIRED_CHAR.match(token) is not None


def stands_alone(character: str) -> bool:
    """Whether the character is often a word by itself: a Chinese ideograph or a Korean syllable, not a kana or a Thai letter."""
    first = character[0]
    return "\u3400" <= first <= "\u9fff" or "\uac00" <= first <= "\ud7a3" or "\uf900" <= first <= "\ufaff" or first >= "\U00020000"


def clusters(run: str) -> list[str]:
    """The characters of a run as a reader sees them: each base character with its marks."""
    return _CLUSTER.findall(run)


def script_of(token: str) -> str:
    """The script of the token's first letter: ``latin``, ``cyrillic``, ``arabic``, ... or ``other``."""
    return _script_of_char(token[0])


@lru_cache(maxsize=8192)
def _script_of_char(char: str) -> str:
    point = ord(char)
    for first, last, name in _BLOCKS:
        if first <= point <= last:
            return name
    return "other"


# Letters whose stroke is no separable mark.
_STROKED: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ё": "е"})


def fold_marks(word: str) -> str:
    """The word without accents, vowel points and tatweel, so that ``Zürich`` and ``Zurich`` meet.

    Marks that are letters in their own right (Indic vowels, Cyrillic short i) stay.
    """
    if word.isascii():
        return word
    script = script_of(word)
    if script in ("latin", "greek"):
        kept = "".join(char for char in unicodedata.normalize("NFD", word) if not unicodedata.combining(char))
        return kept.translate(_STROKED)
    if script == "cyrillic":
        return word.replace("ё", "е").replace("\u0301", "")
    if script in ("arabic", "hebrew"):
        return "".join(char for char in word if char != "\u0640" and not unicodedata.combining(char))
    return word
