"""The form of a question: what kind of answer it wants, whom it names, when it is about.

English forms; a question in another language has its numbers, dates and names read and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from mneme.core.clock import to_micros
from mneme.text.sentences import sentences
from mneme.text.time_expressions import TimeMention, find_times

_WHEN = re.compile(
    r"^(?:when|what (?:year|month|date|day|time)|how long|how (?:many|much) (?:days|weeks|months|years|time))|\bwhat date\b"
    r"|什么时候|什麼時候|何时|哪天|哪年|几月|几号|几点"
)
_ME = re.compile(r"\b(?:i|my|me|mine|i['’]ve|i['’]m|we|our)\b")
_YOU = re.compile(
    r"\b(?:did|had|have) you\b|\byou(?:['’]d|['’]ve| had| have| also| just| previously| once| first)*"
    r" (?:recommended|suggested|told|mentioned|said|provided"
    r"|gave|given|explained|listed|advised|described|shared|showed|wrote|taught|helped)\b"
    r"|\bour (?:last|previous|earlier) (?:chat|conversation|discussion)\b"
)
_ADVICE = re.compile(
    r"^(?:please )?(?:recommend|suggest|advise)\b|\b(?:can|could|would|will|do) you (?:please )?(?:recommend|suggest|advise)\b"
    r"|(?:^|[.!?,;:] |\b(?:do you have|have you got|are there|give me|need|want|would like|looking for) )(?:any|some) (?:\w+ ){0,2}"
    r"(?:tips?|advice|ideas|suggestions|recommendations)\b"
    r"|\bwhat should (?:i|we)\b"
)
_SEVERAL = re.compile(
    r"\b(?:how (?:many|often)|order in which|across|throughout|over time|in total|list|all (?:the|my|of|our))\b"
    r"|\bsummar(?:y|ies|i[sz])"
    r"|几次|多少次|一共|总共|哪些|总结|概括|顺序|依次"
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_RELATIVE = re.compile(r"\b(?:last|next|this|ago|past|before|after|since|yesterday|today|tomorrow|tonight)\b", re.IGNORECASE)
_YEARLY = ("day", "week", "month", "season")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the words of a question ask for.

    Args:
        when: the answer is a time.
        own: it asks about the asker, and not what the other side said.
    """

    when: bool
    own: bool


def read_question(text: str) -> Question:
    """Return the form of a question.

    >>> read_question("When did I buy the tent?")
    Question(when=True, own=True)
    """
    low = text.casefold().strip()
    return Question(when=bool(_WHEN.search(low)), own=bool(_ME.search(low)) and not _YOU.search(low))


def named_people(text: str, people: Iterable[str]) -> list[str]:
    """Return which people a text names, by full name or by the first part of it."""
    low = text.casefold()
    return [person for person in people if _name_pattern(person).search(low)]


@lru_cache(maxsize=4096)
def _name_pattern(person: str) -> re.Pattern[str]:
    first = person.casefold().split()[0] if person.split() else person.casefold()
    return re.compile(rf"(?<!\w){re.escape(first)}(?:['’]s)?(?!\w)")


def asks_advice(text: str) -> bool:
    """Return whether a question asks for a recommendation, and so is about what the asker likes and does rather than about what was said.

    >>> asks_advice("My phone is always empty by noon. Any tips?")
    True
    """
    return bool(_ADVICE.search(text.casefold().strip()))


def asks_several(text: str) -> bool:
    """Return whether a question counts, lists or sums up, and so needs evidence from several places.

    >>> asks_several("How many concerts did I go to?")
    True
    """
    return bool(_SEVERAL.search(text.casefold()))


def asked_ranges(text: str, now: datetime, years: Sequence[int]) -> list[tuple[int, int]]:
    """Return the times that a question is about, as half-open intervals in microseconds since 1970.

    Of several sentences the last one asks; what was said before it is no condition. Who wants advice for tonight does not ask what was
    said tonight: a request for advice is about no time.

    Args:
        text: the question.
        now: the moment of asking; "last week" counts from it.
        years: the years that the space covers; "in May" means May of each of them.
    """
    ranges: list[tuple[int, int]] = []
    if asks_advice(text):
        return ranges
    parts = sentences(text)
    for mention in find_times(parts[-1] if parts else text, now):
        if mention.kind in ("recurring", "order"):
            continue
        yearly = mention.precision in _YEARLY and not _YEAR.search(mention.text) and not _RELATIVE.search(mention.text)
        for lower, upper in _every_year(mention, years) if yearly else [(mention.lower, mention.upper)]:
            ranges.append((to_micros(lower.astimezone(UTC)), to_micros(upper.astimezone(UTC))))
    return ranges


def _every_year(mention: TimeMention, years: Sequence[int]) -> list[tuple[datetime, datetime]]:
    length = mention.upper - mention.lower
    found = []
    for year in years:
        try:
            lower = mention.lower.replace(year=year)
        except ValueError:  # 29 February in a common year
            lower = mention.lower.replace(year=year, day=28) + timedelta(days=1)
        found.append((lower, lower + length))
    return found
