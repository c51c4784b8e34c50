"""How many tokens a language model will see in a text, without its tokenizer.

Model vocabularies differ and most need a download. Budgets only need a number that is close and rarely too low, so this
counts words, digits, punctuation and characters by script, each at a rate fitted to a byte-pair tokenizer of 65,000 entries.
A caller that has the exact tokenizer passes it as a ``TokenCounter``.
"""

from __future__ import annotations

import re
from math import ceil
from typing import Final, Protocol

from mneme.text.language import detect

_WORD: Final = re.compile(r"[A-Za-z]+")
_DIGITS: Final = re.compile(r"\d{1,3}")
_PUNCTUATION: Final = re.compile(r"[!-/:-@\[-`{-~]+")
_SPACES: Final = re.compile(r"\n+|\t+| {3,}")
_DETECTED_WORDS: Final = 64
_ENGLISH_WORD, _ENGLISH_LONG = 1.02, 0.06
_FOREIGN_WORD, _FOREIGN_LONG = 1.65, 0.3
_DIGIT_GROUP, _MARKS, _MARK_MORE, _SPACE_RUN = 1.2, 1.15, 0.3, 1.0

# (characters, tokens each), by script; every other character beyond ASCII costs _OTHER.
_RATES: Final = (
    (re.compile("[\u00a1-\u024f\u1e00-\u1eff]"), 1.5),
    (re.compile("[\u0400-\u052f]"), 0.66),
    (re.compile("[\u0370-\u03ff\u1f00-\u1fff]"), 1.3),
    (re.compile("[\u0590-\u06ff]"), 1.08),
    (re.compile("[\u0900-\u097f]"), 1.4),
    (re.compile("[\u2000-\u206f]"), 1.0),
    (re.compile("[\uac00-\ud7af]"), 1.3),
    (re.compile("[\U0001f000-\U0001faff]"), 2.8),
    (re.compile("[\u2e80-\ua4cf\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"), 1.15),
)
_OTHER: Final = 2.0
_BEYOND: Final = re.compile(r"[^\x00-\x7f]")


class TokenCounter(Protocol):
    """Counts the tokens of a text as one model does."""

    def __call__(self, text: str) -> int:
        """The number of tokens of the text, 0 for the empty text."""


def count_tokens(text: str) -> int:
    """About how many tokens a language model will see in the text; more likely above than below the truth.

    Args:
        text: any text.

    Returns:
        0 for a text of nothing but single spaces, else at least 1.

    >>> count_tokens("Caroline moved to Porto in May 2023.")
    10
    """
    words = _WORD.findall(text)
    ascii_only = text.isascii()
    english = detect([word.lower() for word in words[:_DETECTED_WORDS]], "" if ascii_only else text[:512].lower()) == "en"
    per_word, per_long = (_ENGLISH_WORD, _ENGLISH_LONG) if english else (_FOREIGN_WORD, _FOREIGN_LONG)
    marks = _PUNCTUATION.findall(text)
    total = (
        per_word * len(words)
        + per_long * sum(len(word) - 6 for word in words if len(word) > 6)
        + _DIGIT_GROUP * len(_DIGITS.findall(text))
        + _MARKS * len(marks)
        + _MARK_MORE * (sum(map(len, marks)) - len(marks))
        + _SPACE_RUN * len(_SPACES.findall(text))
    )
    return ceil(total if ascii_only else total + _beyond_ascii(text))


def _beyond_ascii(text: str) -> float:
    left = len(_BEYOND.findall(text))
    total = 0.0
    for characters, rate in _RATES:
        count = len(characters.findall(text))
        total += rate * count
        left -= count
    return total + _OTHER * left
