"""Fitting a question into a model's window: counting without a tokenizer, and shortening by a stated rule.

The rule: variables named in ``Prompt.trim`` are shortened in that order, each only as far as needed, at the end that the prompt does not
keep, at a line's edge where one is near, with a mark in the text that says how much is missing. Nothing else is ever shortened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mneme.core.errors import ContextOverflow
from mneme.core.llm import Keep, Prompt

Counter = Callable[[str], int]

# A word of up to six letters, up to three digits, one other printable ASCII character, or one character of any other script.
_PIECE = re.compile(r"[A-Za-z]{1,6}|[0-9]{1,3}|[!-/:-@\[-`{-~]|[^\x00-\x7f]|\n+")
_MARK_TOKENS = 24


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has, rather too many than too few.

    One for each six letters of a word, three digits, sign, and character outside ASCII. On English prose that is some 15 % above what
    byte-pair vocabularies of 100,000 entries give; give the model's own counter where it matters.
    """
    return sum(1 for _ in _PIECE.finditer(text))


def fit(prompt: Prompt, variables: Mapping[str, object], *, room_tokens: int, count: Counter) -> tuple[str, list[str]]:
    """Return the question, shortened to ``room_tokens`` by the rule, and a note for each variable that was shortened.

    Raises:
        InvalidInput: as :meth:`mneme.core.llm.Prompt.check`.
        ContextOverflow: it does not fit even so.
    """
    texts = prompt.check(variables)
    notes: list[str] = []
    question = prompt.fill(texts)
    excess = count(prompt.system) + count(question) - room_tokens
    for name, keep in prompt.trim:
        if excess <= 0:
            break
        whole = texts[name]
        texts[name] = shorten(whole, max(count(whole) - excess, 0), keep=keep, count=count)
        if texts[name] != whole:
            notes.append(f"{name}: kept {len(texts[name])} of {len(whole)} characters, from the {keep}")
        question = prompt.fill(texts)
        excess = count(prompt.system) + count(question) - room_tokens
    if excess > 0:
        needed = room_tokens + excess
        raise ContextOverflow(
            f"{prompt.role}: the question needs about {needed} tokens and the model has room for {room_tokens}; "
            "split the input, or take a model or setting with a larger context_tokens"
        )
    return question, notes


def shorten(text: str, limit_tokens: int, *, keep: Keep, count: Counter) -> str:
    """Return the head or tail of a text with a mark for what is missing, in at most ``limit_tokens``; empty when not even the mark fits.

    Args:
        text: what is too long.
        limit_tokens: how long it may be, the mark included.
        keep: which end stays.
        count: counts tokens; must not shrink when text is added.
    """
    if count(text) <= limit_tokens:
        return text
    room = limit_tokens - _MARK_TOKENS
    if room <= 0:
        return ""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count(_end(text, middle, keep)) <= room else (low, middle - 1)
    kept = _at_line(_end(text, low, keep), keep)
    mark = f"[... {len(text) - len(kept)} characters left out ...]"
    return f"{kept}\n{mark}" if keep == "head" else f"{mark}\n{kept}"


def _end(text: str, length: int, keep: Keep) -> str:
    return text[:length] if keep == "head" else text[len(text) - length :]


def _at_line(text: str, keep: Keep) -> str:
    """Move the cut to a line's edge when that costs less than a fifth of the text."""
    if keep == "head":
        edge = text.rfind("\n")
        return text[:edge] if edge >= 0.8 * len(text) and edge > 0 else text
    edge = text.find("\n")
    return text[edge + 1 :] if 0 <= edge <= 0.2 * len(text) else text
