"""Words and pattern pieces of the English grammar of time."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from mneme.text.timex.calendar import Interval

_MONTHS = (
    "january february march april may june july august september october november december".split(),
    "jan feb mar apr may jun jul aug sep oct nov dec".split(),
)
MONTH_NUMBER = {name: i + 1 for names in _MONTHS for i, name in enumerate(names)} | {"sept": 9}
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
WEEKDAY_NUMBER = {name: i for i, name in enumerate(_DAYS)} | {name[:3]: i for i, name in enumerate(_DAYS)}
WEEKDAY_NUMBER |= {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}
RRULE_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

MONTH = (
    r"(?:(?:january|february|march|april|may|june|july|august|september|october|november|december)\b"
    r"|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b(?:\.(?=\s*[\d,]))?)"
)
# Months that are never another word or a person's name.
PLAIN_MONTH = r"(?:january|february|july|september|october|november|december)"
WEEKDAY = r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
SHORT_DAY = r"(?:Mon|Tues?|Weds?|Thu(?:rs?)?|Fri|Sat|Sun)\b\.?"
SEASON = r"(?:spring|summer|autumn|fall|winter)"
YEAR = r"(?:19\d\d|20\d\d)"
PART = r"(?:morning|afternoon|evening|night|lunchtime)"

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
).split()
_TENS = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
NUMBER_WORDS = {word: i for i, word in enumerate(_SMALL)} | _TENS | {"hundred": 100}
# Inexact amounts as the range a speaker usually means.
VAGUE = {"couple": (2, 3), "few": (2, 5), "several": (3, 8), "some": (2, 8), "many": (5, 30)}
COUNT = (
    r"(?:\d+(?:\.5)?|half\s+an?|an?\s+couple(?:\s+of)?|couple(?:\s+of)?|an?\s+few|few|several|some|many|an?|"
    + "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
    + r")"
)
UNIT = r"(?:minute|min|hour|hr|day|night|weekend|week|fortnight|month|quarter|year|yr|decade)"
UNIT_NAME = {"min": "minute", "hr": "hour", "yr": "year", "fall": "fall"}
DEICTIC = r"(?:this\s+past|this\s+coming|this\s+last|this\s+next|last|this|next|past|previous|coming|upcoming)"
ORDINAL_WORDS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1, "final": -1}
ORDINAL = r"(?:\d{1,2}(?:st|nd|rd|th)|first|second|third|fourth|fifth|last|final)"

# Fixed feasts as (month, day), moving ones as (month, weekday, nth).
FEASTS: dict[str, tuple[int, int] | tuple[int, int, int]] = {
    "christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25), "xmas": (12, 25),
    "boxing day": (12, 26), "new year's eve": (12, 31), "new years eve": (12, 31), "new year's day": (1, 1),
    "new year's": (1, 1), "new years": (1, 1), "new year": (1, 1), "valentine's day": (2, 14),
    "valentines day": (2, 14), "valentine's": (2, 14), "st patrick's day": (3, 17), "st. patrick's day": (3, 17),
    "halloween": (10, 31), "independence day": (7, 4), "fourth of july": (7, 4), "4th of july": (7, 4),
    "veterans day": (11, 11), "juneteenth": (6, 19), "cinco de mayo": (5, 5), "earth day": (4, 22),
    "thanksgiving day": (11, 3, 4), "thanksgiving": (11, 3, 4), "labor day": (9, 0, 1), "memorial day": (5, 0, -1),
    "mother's day": (5, 6, 2), "mothers day": (5, 6, 2), "father's day": (6, 6, 3), "fathers day": (6, 6, 3),
    "easter sunday": (0, 0), "easter": (0, 0), "good friday": (0, -2), "easter monday": (0, 1),
}  # fmt: skip
FEAST = "(?:" + "|".join(sorted((re.escape(f) for f in FEASTS), key=len, reverse=True)) + ")"

_FUTURE = re.compile(
    r"\b(?:will|won't|shall|going\s+to|gonna|plan(?:s|ning|ned)?\s+(?:to|on|for)|hop(?:e|es|ing)\s+(?:to|for)"
    r"|want(?:s)?\s+to|intend|looking\s+forward|can't\s+wait|upcoming|let's|should|need(?:s)?\s+to|ha(?:ve|s)\s+to|scheduled"
    r"|booked|due|see\s+you|c(?:an|ould)\s+(?:we|you|i)|would\s+you|signed\s+up|remind|deadline|expect(?:s|ing|ed)?"
    r"|don't\s+forget|set\s+for|about\s+to)\b|'ll\b|’ll\b",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:was|were|wasn't|weren't|did|didn't|had|been|went|got|came|saw|met|took|made|bought|gave|said|told|left|found"
    r"|began|ran|won|lost|ate|wrote|read|sent|felt|thought|taught|caught|spent|kept|built|drove|flew|rode|wore|sold|broke|chose"
    r"|grew|knew|became|heard|held|led|paid|put|set|spoke|swam|threw|woke|fell|hit|drank|sang|sat|slept|stood|hurt"
    r"|[a-z]{2,}ed)\b",
    re.IGNORECASE,
)
_PRESENT = re.compile(
    r"\b(?:am|is|are|ha(?:ve|s)|(?:start|begin|leave|meet|close|open|end|expire|happen|arrive|return|land|launche)s?)\b"
    r"|['’](?:m|re|s)\b",
    re.IGNORECASE,
)


# A verb further off does not decide; it also keeps the work linear in the length of a text.
_CLAUSE_REACH = 160


class Atom(NamedTuple):
    """One recognised piece: its span, what it resolves to, and which family of rule read it."""

    start: int
    end: int
    interval: Interval
    family: str
    kind: str = "point"
    recurring: str | None = None


class Scene(NamedTuple):
    """What a rule may look at: the text and the moment it was said."""

    text: str
    anchor: datetime
    day_first: bool | None


def amount(words: str) -> tuple[float, float]:
    """The range of an amount such as ``"two"``, ``"a few"`` or ``"half an"``."""
    key = words.lower().split()
    if key[0] == "half":
        return 0.5, 0.5
    for word in key:
        if word in VAGUE:
            low, high = VAGUE[word]
            return float(low), float(high)
        if word in NUMBER_WORDS:
            return float(NUMBER_WORDS[word]), float(NUMBER_WORDS[word])
    if key[0] in ("a", "an"):
        return 1.0, 1.0
    return float(key[0]), float(key[0])


def unit_name(word: str) -> str:
    """The unit's full name in the singular."""
    return UNIT_NAME.get(word.lower(), word.lower())


def month_number(word: str) -> int:
    """1 to 12 for a month's name or abbreviation."""
    return MONTH_NUMBER[word.lower().rstrip(".")]


def weekday_number(word: str) -> int:
    """0 (Monday) to 6 for a weekday's name or abbreviation."""
    return WEEKDAY_NUMBER[word.lower().rstrip(".")]


def leaning(text: str, position: int) -> int:
    """-1 when the clause around ``position`` speaks of the past, 1 of the future, 0 when it does not say.

    The nearest verb decides; a present tense counts as future only when nothing else is there, because arrangements
    are told in it ("I have an exam on Friday").
    """
    low, high = max(0, position - _CLAUSE_REACH), min(len(text), position + _CLAUSE_REACH)
    left = max(low, max(text.rfind(mark, low, position) for mark in ".!?;\n") + 1)
    ends = [at for mark in ".!?;\n" if (at := text.find(mark, position, high)) >= 0]
    clause, here = text[left : min(ends, default=high)], position - left
    future, past = _nearest(_FUTURE, clause, here), _nearest(_PAST, clause, here)
    if future is None and past is None:
        return 1 if _PRESENT.search(clause) else 0
    if past is None or (future is not None and future <= past):
        return 1
    return -1


def _nearest(pattern: re.Pattern[str], clause: str, here: int) -> int | None:
    return min((abs(found.start() - here) for found in pattern.finditer(clause)), default=None)
