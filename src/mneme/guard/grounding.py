"""The grounding gate: whether a derived text says no more than the words it cites.

Mechanical on purpose: names, numbers, dates and denials of the derived text must be in the cited spans or follow from when they
were said. It does not judge whether the sense was kept; it makes sure that nothing was invented that a machine can check.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from mneme.text.names import Mention, canonical_name, mentions
from mneme.text.stopwords import stopwords
from mneme.text.time_expressions import TimeMention, find_times

ProblemKind = Literal["name", "number", "date", "negation", "empty"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing in a derived text that its sources do not bear out.

    Attributes:
        kind: what it is.
        text: the words of the derived text.
        why: what is missing, for a person.
    """

    kind: ProblemKind
    text: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate found; ``ok`` exactly when there are no problems."""

    ok: bool
    problems: tuple[Problem, ...] = ()


_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|hardly|no\s+longer|refus\w+|stop(?:s|ped)?|quit(?:s|ting)?|g(?:a|i)ve\s+up|lack\w*"
    r"|avoid\w*|hat(?:e|es|ed)|dislik\w+|detest\w*|can['’]?t\s+stand|former(?:ly)?|ex-\w+|un(?:able|willing)|fail(?:s|ed)?|left|ended|divorced|used\s+to|sold)\b"
    r"|n['’]t\b|不|没|未|无|别",
    re.IGNORECASE,
)
_PLAIN_DENIAL = re.compile(r"\b(?:not|never|no\s+longer|cannot)\b|n['’]t\b|不|没有", re.IGNORECASE)
_NOT_ONLY = re.compile(
    r"\bnot\s+(?:only|just|to\s+mention|sure)\b|\bwhy\s+not\b|\bno\s+(?:problem|worries|doubt|wonder|contest)\b|\bcan['’]t\s+wait\b",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"(?:^|[.!?]\s+)([A-ZÀ-ÖØ-Þ][a-zà-öø-þ]+)(?=['’]s\s|\s+(?:is|was|has|had|does|did|will|goes|went|[a-zà-öø-þ]+(?:s|ed))\b)"
)
_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)
_FORM_WORDS = frozenset("user assistant speaker author the a an mr mrs ms dr".split())


def grounded(
    text: str, spans: Sequence[str] | str, anchor: datetime, *, known: Sequence[str] = (), day_first: bool | None = None
) -> Verdict:
    """Whether names, numbers, dates and denials of ``text`` are in the cited spans, all of them said at one time.

    Args:
        text: the derived text, such as a fact in the third person.
        spans: the cited words.
        anchor: when they were said; aware. A date in ``text`` may be the resolved form of an expression in the spans, or the
            date of the message itself.
        known: names that count as present although the spans do not write them: the authors of the cited episodes ("I" is
            one of them), and full forms of names whose short forms the spans use.
        day_first: as in ``find_times``.

    Example:
        >>> from datetime import datetime, timezone
        >>> said = datetime(2023, 5, 8, tzinfo=timezone.utc)
        >>> grounded("Ana moved to Lisbon on 6 May 2023.", "I moved to Lisbon last Saturday", said, known=["Ana"]).ok
        True
        >>> [problem.text for problem in grounded("Ana moved to Porto.", "I moved to Lisbon", said, known=["Ana"]).problems]
        ['Porto']
    """
    return borne_out(text, {anchor: spans if isinstance(spans, str) else "\n".join(spans)}, known=known, day_first=day_first)


def borne_out(
    text: str, said: Mapping[datetime, str], *, known: Sequence[str] = (), day_first: bool | None = None, prose: bool = False
) -> Verdict:
    """Whether names, numbers, dates and denials of ``text`` are in what was said at several times.

    A date has to follow from the words of one time, read as said then; a name or number may be in any of them.

    Args:
        text: the derived text.
        said: when -> the cited words of that time; aware.
        known, day_first: as in :func:`grounded`.
        prose: the text sums up or describes: words that open its sentences are no names, and denials are not weighed, since it says many
            things of which the source denies some.
    """
    cited = "\n".join(said.values())
    if not text.strip() or not cited.strip():
        missing = "the derived text" if not text.strip() else "the cited span"
        return Verdict(ok=False, problems=(Problem(kind="empty", text="", why=f"{missing} is empty"),))
    last = max(said)
    dates = find_times(text, last, day_first=day_first)
    found = [item for item in mentions(text, known) if not _inside(item, dates)]
    there = mentions(cited, known)
    if prose and any(item.value is not None for item in found):
        told = _told(said, day_first)
        found = [item for item in found if item.value not in told]
    problems = [*_names(found, cited, there, known), *_numbers(found, cited, there, said)]
    if not prose:
        problems = [*_opening_names(text, cited, known), *problems, *_negation(text, cited)]
    undated = _dates(dates, cited, said[last], last, day_first)
    for moment in sorted(said, reverse=True)[1:]:
        if not undated:
            break
        again = [date for problem in undated for date in find_times(problem.text, moment, day_first=day_first)]
        undated = _dates(again, cited, said[moment], moment, day_first)
    problems += undated
    return Verdict(ok=not problems, problems=tuple(problems))


def _told(said: Mapping[datetime, str], day_first: bool | None) -> set[float]:
    """Return the numbers of the dates that were meant: in a text of another language a resolved date may be read as mere numbers."""
    dates = list(said)
    for moment, words in said.items():
        for time in find_times(words, moment, day_first=day_first):
            dates += [time.lower, time.upper - timedelta(microseconds=1)]
    return {float(number) for date in dates for number in (date.year, date.month, date.day)}


def _inside(item: Mention, dates: Sequence[TimeMention]) -> bool:
    return any(date.start <= item.start and item.end <= date.end for date in dates)


def _names(found: Sequence[Mention], cited: str, there: Sequence[Mention], known: Sequence[str]) -> list[Problem]:
    folded = cited.casefold()
    words = set(_WORD.findall(folded))
    named = {item.canonical.casefold() for item in there} | {name.casefold() for name in known}
    named |= {part for name in known for part in name.casefold().split()}
    problems = []
    for item in found:
        if item.kind in ("email", "url", "phone"):
            if _digits_or_text(item) not in _digits_or_text_of(cited, item):
                problems.append(Problem(kind="name" if item.kind != "phone" else "number", text=item.text, why="not in the cited words"))
            continue
        if item.kind not in ("person", "name"):
            continue
        missing = [part for part in _WORD.findall(item.text.casefold()) if part not in words and part not in _FORM_WORDS]
        if not missing or item.canonical.casefold() in named or item.text.casefold() in folded:
            continue
        if all(part in named or _short_form_there(part, words, known) for part in missing):
            continue
        problems.append(Problem(kind="name", text=item.text, why="this name is not in the cited words"))
    return problems


def _opening_names(text: str, cited: str, known: Sequence[str]) -> list[Problem]:
    """A sentence's first word may be a name that only its place hides: one that acts and that nobody wrote."""
    words = set(_WORD.findall(cited.casefold()))
    problems = []
    for found in _OPENING.finditer(text):
        word = found[1].casefold()
        if word in words or word in stopwords("en") or word in _FORM_WORDS or _short_form_there(word, words | {word}, known):
            continue
        problems.append(Problem(kind="name", text=found[1], why="this name is not in the cited words"))
    return problems


def _digits_or_text(item: Mention) -> str:
    return re.sub(r"\D", "", item.text) if item.kind == "phone" else item.text.casefold()


def _digits_or_text_of(cited: str, item: Mention) -> str:
    return re.sub(r"\D", "", cited) if item.kind == "phone" else cited.casefold()


def _short_form_there(part: str, words: set[str], known: Sequence[str]) -> bool:
    """Whether the span uses a short form of a known full name: "Mel" bears out "Melanie"."""
    full = [name for name in known if part in name.casefold().split()]
    return any(canonical_name(word, full) is not None for word in words if len(word) > 1)


def _numbers_in(cited: str, there: Sequence[Mention]) -> set[float]:
    values = {item.value for item in there if item.value is not None}
    return values | {float(digits.replace(",", "")) for digits in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", cited)}


def _numbers(found: Sequence[Mention], cited: str, there: Sequence[Mention], said: Collection[datetime]) -> list[Problem]:
    values = _numbers_in(cited, there)
    words = set(_WORD.findall(cited.casefold()))
    values |= {value for word, value in _SPELT.items() if word in words}
    if re.search(r"\ban?\b", cited, re.IGNORECASE):
        values.add(1.0)
    problems = []
    for item in found:
        if item.value is None or item.value in values:
            continue
        if item.kind == "ordinal" and item.text.lower() in words:
            continue
        if any(_follows(item.value, values, cited, moment) for moment in said):
            continue
        problems.append(Problem(kind="number", text=item.text, why=f"the number {item.canonical} is not in the cited words"))
    return problems


_SPELT = {"both": 2.0, "couple": 2.0, "pair": 2.0, "twins": 2.0, "twice": 2.0, "once": 1.0, "dozen": 12.0, "half": 0.5, "one": 1.0}


def _follows(value: float, values: set[float], cited: str, anchor: datetime) -> bool:
    """A year that follows from an age or a span of years and the date of the message: "I'm 30" makes 1992 or 1993."""
    if not 1900 <= value <= 2100 or value != int(value):
        return False
    differences = {anchor.year - value, anchor.year - value - 1, anchor.year - value + 1}
    told = {number for number in values if 0 < number < 120}
    return bool(differences & told) and re.search(r"year|old|age|turn|am|'m|岁|年", cited) is not None


def _dates(dates: Sequence[TimeMention], cited: str, said: str, anchor: datetime, day_first: bool | None) -> list[Problem]:
    """Return the dates that are neither written in the cited words nor follow from those that were said at the anchor."""
    if not dates:
        return []
    there = find_times(said, anchor, day_first=day_first)
    folded = cited.casefold()
    problems = []
    for date in dates:
        if date.kind == "order" or date.text.casefold() in folded:
            continue
        if date.recurring is not None:
            if not any(other.recurring == date.recurring for other in there):
                problems.append(Problem(kind="date", text=date.text, why="no such repetition in the cited words"))
            continue
        if date.lower <= anchor < date.upper and date.kind == "point":
            continue  # the day, month or year of the message itself
        if date.precision == "year" and _follows(float(date.lower.year), _numbers_in(said, mentions(said)), said, anchor):
            continue
        if not any(_same_time(date, other) for other in there if other.kind != "order"):
            problems.append(Problem(kind="date", text=date.text, why="does not follow from the cited words and their date"))
    return problems


def _same_time(date: TimeMention, other: TimeMention) -> bool:
    """Whether a date is an expression's interval, or a wider one that holds it, or an end of it; never a narrower one."""
    if date.kind in ("since", "until") or other.kind in ("since", "until"):
        edge = date.lower if date.kind == "since" else date.upper if date.kind == "until" else date.lower
        marks = (other.lower, other.upper) if other.kind != "since" else (other.lower,)
        return edge in marks or (date.kind == "point" and date.lower <= other.lower < date.upper)
    # A night and an hour belong to the day that they start on.
    inside = other.upper <= date.upper or other.precision in ("hour", "minute")
    return date.lower <= other.lower < date.upper and inside


def _negation(text: str, cited: str) -> list[Problem]:
    """A denial needs one in the source, and a source that plainly denies everything it says bears out no assertion."""
    said, source = _NOT_ONLY.sub(" ", text), _NOT_ONLY.sub(" ", cited)
    denial = _NEGATION.search(said)
    if denial and _PLAIN_DENIAL.search(said) and not _NEGATION.search(source):
        return [Problem(kind="negation", text=denial[0], why="the cited words deny nothing")]
    plain = _PLAIN_DENIAL.search(source)
    if plain and not denial and len(re.findall(r"[.!?;,]\s|\b(?:but|and|because|so)\b", source)) == 0:
        return [Problem(kind="negation", text=plain[0], why="the cited words deny it, the derived text asserts it")]
    return []
