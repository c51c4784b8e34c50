"""Expressions of time in a text, resolved against the moment the text was said.

Spans are found by a grammar of our own and resolved by calendar arithmetic: nothing is guessed by a date parser, so words
such as "may", "second", "now" or "sat" are not taken for times unless their surroundings say so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mneme.core.errors import InvalidInput
from mneme.text.timex import chinese, clock, compose, english_rules, european
from mneme.text.timex.calendar import Precision
from mneme.text.timex.lexicon import Atom, Scene

Kind = Literal["point", "range", "since", "until", "recurring", "order"]
_RULES = (*english_rules.RULES, *clock.RULES)
_PUNCTUATION = {ord(mark): " " for mark in ".,;:!?\"'()[]{}<>-–—/’“”…*_\n\t"}
_TRIGGERS = clock.TRIGGERS
_ANY_TRIGGER = _TRIGGERS | european.TRIGGERS
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeMention:
    """One expression of time in a text.

    Attributes:
        start: first character of the expression.
        end: the character after its last.
        text: the expression as written, with a leading "since", "before" or the like where that is part of its meaning.
        lower: start of the interval it means, in the anchor's timezone.
        upper: end of the interval, not included.
        precision: how exactly the speaker said it; ``"two weeks ago"`` is a matter of weeks.
        recurring: an RFC 5545 rule such as ``"FREQ=WEEKLY;BYDAY=TU"``; the interval is then one occurrence, the one on or
            next after the anchor's day.
        kind: ``point`` (one stretch), ``range`` (an explicit or fuzzy one), ``since`` (open to the present, or to the
            far future when it starts later), ``until`` (up to a moment), ``recurring``, ``order`` ("recently").
    """

    start: int
    end: int
    text: str
    lower: datetime
    upper: datetime
    precision: Precision
    recurring: str | None
    kind: Kind


def find_times(text: str, anchor: datetime, *, day_first: bool | None = None) -> list[TimeMention]:
    """Every expression of time in ``text``, in reading order and without overlaps.

    Args:
        text: what was said, in English, Chinese, German, French or Spanish (the last three: common forms).
        anchor: when it was said; aware. Its timezone is the one the intervals are in.
        day_first: how to read ``05/07/2023``. None reads slashes the American way (May 7) unless that is impossible and
            dots the European way; True reads 5 July always, False 7 May.

    Returns:
        Half-open intervals ``[lower, upper)``.

    Raises:
        InvalidInput: ``anchor`` has no timezone.

    Example:
        >>> from datetime import datetime, timezone
        >>> said = datetime(2023, 5, 8, 13, 56, tzinfo=timezone.utc)
        >>> [found] = find_times("We met last Saturday at the lake", said)
        >>> found.lower.date().isoformat(), found.precision
        ('2023-05-06', 'day')
    """
    if anchor.tzinfo is None:
        raise InvalidInput({"anchor": "a datetime without timezone; give it one, for example tzinfo=timezone.utc"})
    scene = Scene(text, anchor, day_first)
    if not text.isascii() and (foreign := _foreign(scene)) is not None:
        return foreign
    tokens = text.lower().translate(_PUNCTUATION).split()
    digits = _DIGIT.search(text) is not None
    if not digits and _ANY_TRIGGER.isdisjoint(tokens):
        return []
    words = set(tokens)
    if not words.isdisjoint(european.TRIGGERS) and european.likely(words):
        atoms = european.find(scene, words)
        if atoms:
            return _finish(atoms, text)
    if words.isdisjoint(_TRIGGERS) and not digits:
        return []
    return _finish(compose.compose(compose.select(_atoms(scene, words, digits)), scene), text)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTime:
    """What a question asks about time.

    Attributes:
        range: the half-open interval that the answer's evidence should fall in, or None.
        order: ``first`` (the earliest wins), ``latest`` (the newest event wins), ``current`` (what holds now wins), or None.
        asks_when: whether the answer itself is a time.
        mentions: the expressions that the range was made from.
    """

    range: tuple[datetime, datetime] | None
    order: Literal["first", "latest", "current"] | None
    asks_when: bool
    mentions: tuple[TimeMention, ...]


_UNIT_AFTER = (
    r"(?!\s+(?:second|minute|hour|day|night|week|weekend|fortnight|month|quarter|year|decade|century|mon|tues?|wed|thu|fri|sat|sun"
    r"|january|february|march|april|may|june|july|august|september|october|november|december|spring|summer|autumn|fall|winter"
    r"|christmas|easter|name|few|couple|several|\d|two|three|four|five|six)[a-z]*\b)"
)
_CURRENT = re.compile(
    r"\b(?:current(?:ly)?|now(?!\s+that)|nowadays|these\s+days|at\s+the\s+moment|at\s+present|presently|still|right\s+now|as\s+of\s+(?:now|today))\b"
    r"|现在|目前|如今|还在|derzeit|momentan|aktuell|actuellement|actualmente|ahora",
    re.IGNORECASE,
)
_LATEST = re.compile(
    rf"\b(?:latest|newest|(?:most|more)\s+recent(?:ly)?|recently|lately|last\s+time|(?:the|his|her|their|my|our|\w+['’]s?)\s+last\b{_UNIT_AFTER}"
    rf"|(?:did|was|were|had)\s+(?:\w+\s+){{1,3}}last\b{_UNIT_AFTER})\b|最近一次|最新|上一次|上次|zuletzt|dernière\s+fois|última\s+vez",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"\b(?:first\b(?!\s+(?:name|place|prize|aid|class|grade|person|hand|lady|language|floor|(?:half|quarter|week|weekend|day|\w+day)\s+(?:of|in)))|earliest|initially"
    r"|originally|at\s+the\s+(?:very\s+)?beginning)\b|第一次|最早|最初|zuerst|première\s+fois|primera\s+vez",
    re.IGNORECASE,
)
_WHEN = re.compile(
    r"\bwhen(?:['’]s|\s+(?:did|does|do|is|are|was|were|will|has|have|had|can|could|should|would)\b)|^\W*when\W*$|\bsince\s+when\b"
    r"|\b(?:what|which)\s+(?:\w+\s+)?(?:day|date|week|weekend|month|year|season|decade|time(?!s))\b|\bhow\s+long\s+ago\b"
    r"|什么时候|什麼時候|何时|何時|哪天|哪一天|哪年|哪一年|几月|几号|几点|\bwann\b|\bquand\b|\bcuándo\b",
    re.IGNORECASE,
)


def query_time(text: str, now: datetime, *, day_first: bool | None = None) -> QueryTime:
    """What a question says and asks about time.

    Args:
        text: the question.
        now: when it is asked; aware.
        day_first: as in ``find_times``.

    Returns:
        Two expressions that overlap are intersected ("on a Monday in May"), two that do not span from the first to the
        last. Repeated times and words such as "recently" give an order, not a range.

    Raises:
        InvalidInput: ``now`` has no timezone.

    Example:
        >>> from datetime import datetime, timezone
        >>> asked = query_time("What did I do last May?", datetime(2023, 7, 1, tzinfo=timezone.utc))
        >>> asked.range[0].date().isoformat(), asked.order, asked.asks_when
        ('2023-05-01', None, False)
    """
    mentions = tuple(found for found in find_times(text, now, day_first=day_first) if found.kind not in ("recurring", "order"))
    span: tuple[datetime, datetime] | None = None
    if mentions:
        lower, upper = max(found.lower for found in mentions), min(found.upper for found in mentions)
        if lower >= upper:
            lower, upper = min(found.lower for found in mentions), max(found.upper for found in mentions)
        span = (lower, upper)
    order: Literal["first", "latest", "current"] | None = None
    if _LATEST.search(text):
        order = "latest"
    elif _FIRST.search(text):
        order = "first"
    elif _CURRENT.search(text):
        order = "current"
    return QueryTime(range=span, order=order, asks_when=_WHEN.search(text) is not None, mentions=mentions)


def _foreign(scene: Scene) -> list[TimeMention] | None:
    if chinese.written_in(scene.text):
        return _finish(chinese.find(scene), scene.text)
    return None


def _atoms(scene: Scene, words: set[str], digits: bool) -> list[Atom]:
    found: list[Atom] = []
    for rule in _RULES:
        if words.isdisjoint(rule.words) if rule.words else not digits:
            continue
        for match in rule.pattern.finditer(scene.text):
            try:
                atom = rule.resolve(match, scene)
            except (OverflowError, ValueError):
                continue  # "65 million years ago" is outside the calendar
            if atom is not None:
                found.append(atom)
    return found


def _finish(atoms: list[Atom], text: str) -> list[TimeMention]:
    return [
        TimeMention(
            start=atom.start,
            end=atom.end,
            text=text[atom.start : atom.end],
            lower=atom.interval.lower,
            upper=atom.interval.upper,
            precision=atom.interval.precision,
            recurring=atom.recurring,
            kind=atom.kind,  # type: ignore[arg-type]
        )
        for atom in atoms
        if atom.interval.lower < atom.interval.upper
    ]
