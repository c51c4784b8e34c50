"""Corrections: "No, I meant Porto, not Oslo". What a person corrects outranks whatever was inferred."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """The value that a turn puts in the place of another.

    Attributes:
        new: what is right.
        old: what was wrong, when the turn says so; else None and it is what was said just before.
        start: first character of the correction.
        end: the character after its last.
    """

    new: str
    old: str | None
    start: int
    end: int


_VALUE = r"(?!(?:to|that|what|it|well|every|no|nothing|the\s+other|for|by|when|how|as|so|a\s+lot|sorry)\b)[\w+@€$£\"'“][^,.;!?()]*?"
_END = r"(?=\s*(?:[.,;!?)]|$))"
_FORMS = (
    rf"\bI\s+meant(?:\s+to\s+say)?\s*:?\s+(?P<new>{_VALUE})\s*,?\s+(?:and\s+)?(?:not|instead\s+of|rather\s+than)\s+(?P<old>{_VALUE}){_END}",
    rf"\bI\s+meant\s*(?::|to\s+say)?\s+(?P<new>{_VALUE}){_END}",
    rf"^\W*(?:no|actually|sorry|wait|oops)\b[\s,!.:–—-]*(?:it['’]s|it\s+is|it\s+was|that['’]s|that\s+should\s+be)\s+(?:actually\s+)?(?P<new>{_VALUE})\s*,?\s+(?:and\s+)?not\s+(?P<old>{_VALUE}){_END}",
    rf"\b(?:correction|small\s+correction|i\s+stand\s+corrected|scratch\s+that)\s*[:,–—-]\s*(?:it['’]s\s+)?(?P<new>{_VALUE}){_END}",
    rf"^\W*(?:no\W+)?not\s+(?P<old>{_VALUE})\s*,?\s*(?:but|it['’]s|rather)\s+(?P<new>{_VALUE}){_END}",
)
_PATTERNS = tuple(re.compile(form, re.IGNORECASE) for form in _FORMS)


def correction(text: str) -> Correction | None:
    """The correction that a turn makes, or None when it makes none that can be read.

    Example:
        >>> found = correction("Sorry, I meant Porto, not Oslo.")
        >>> found.new, found.old
        ('Porto', 'Oslo')
    """
    for pattern in _PATTERNS:
        if found := pattern.search(text):
            old = found.groupdict().get("old")
            new = found["new"].strip()
            if len(new.split()) <= 8:
                return Correction(new=new, old=old.strip() if old else None, start=found.start(), end=found.end())
    return None
