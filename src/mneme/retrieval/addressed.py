"""Of whom a sentence tells: who says "I" tells of themselves, who says "you" or asks tells of the one spoken to.

"What does Melanie's necklace mean?" finds Melanie's "Love your necklace, any special meaning to it?" next to Caroline's "It stands for
love". Both are about Caroline, so the question has no answer, though Melanie speaks of a necklace too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mneme.core.ports import FloatArray

BEST = 3
"""How many sentences of each side count."""

SHARED_WORD = 0.5
"""How much a word of the question is worth in a sentence, in units of the ranking's score."""

FLOOR = 0.5
"""How far below the last text one stands who tells nothing."""

_MOST_CHARS = 1_000
_LEAST_CHARS = 4
_STEM_CHARS = 5
"""Letters of a word that its inflections mostly leave alone."""

_ME = re.compile(r"\b(?:i|my|me|mine|myself|we|our|us)\b")
_YOU = re.compile(r"\b(?:you|your|yours|yourself)\b")
_WORD = re.compile(r"\w+")
_STEM = re.compile(rf"\b\w{{1,{_STEM_CHARS}}}")
_SENTENCE = re.compile(r"[^.!?…。！？؟\n]++[.!?…。！？؟]*+")
"""Abbreviations are cut, too: what follows one is mostly told of the same person."""

_ASKS = ("?", "？", "؟")


def lead(question: str, texts: Sequence[str], scores: FloatArray, by_person: Sequence[bool], *, alone: bool) -> float:
    """Return how much better the sentences that tell of a person match than those that tell of others: the mean of the best three of each.

    Args:
        question: as asked.
        texts: the best texts.
        scores: ``(n,)`` how well each matches, whoever said it.
        by_person: which of them the person said.
        alone: only one other speaks, so that each of the two speaks to the other.
    """
    if not texts:
        return 0.0
    asked = {word[:_STEM_CHARS] for word in _WORD.findall(question.casefold()) if len(word) >= _LEAST_CHARS}
    low = float(scores.min()) - FLOOR
    person, others = [low] * BEST, [low] * BEST
    for text, score, own in zip(texts, scores.tolist(), by_person, strict=True):
        for sentence in _SENTENCE.findall(text[:_MOST_CHARS].casefold()):
            if sentence.isspace():
                continue
            shared = len(asked.intersection(_STEM.findall(sentence)))
            of_speaker = tells_of_speaker(sentence)
            if of_speaker or alone:
                (person if own == of_speaker else others).append(score + SHARED_WORD * shared)
    return (sum(sorted(person)[-BEST:]) - sum(sorted(others)[-BEST:])) / BEST


def tells_of_speaker(sentence: str) -> bool:
    """Return whether a sentence in small letters tells of who says it, and not of whom it is said to.

    >>> tells_of_speaker("i love my necklace."), tells_of_speaker("love your necklace!"), tells_of_speaker("any special meaning to it?")
    (True, False, False)
    """
    if sentence.rstrip().endswith(_ASKS):
        return False
    return _ME.search(sentence) is not None or _YOU.search(sentence) is None
