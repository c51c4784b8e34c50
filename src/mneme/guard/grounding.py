"""The grounding gate: whether a derived text says no more than the words it cites.

Mechanical on purpose: names, numbers, dates and denials of the derived text must be in the cited spans or follow from when they
were said. It does not judge whether the sense was kept; it makes sure that nothing was invented that a machine can check.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal

from mneme.text.language import detect
from mneme.text.names import Mention, canonical_name, mentions
from mneme.text.sentences import sentence_spans
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
    source = _Cited(cited, known)
    if prose:
        text = _beyond(text, source)
    last = max(said)
    dates = find_times(text, last, day_first=day_first)
    found = [item for item in mentions(text, known) if not _inside(item, dates)]
    if prose and detect([word.casefold() for word in _WORD.findall(text)], text.casefold()) == "de":
        # Every German noun is written like a name, and so is the word that opens a sentence; a name of two words is one.
        found = [item for item in found if item.kind != "name" or _parts(item) > 1]
    numbers = _numbers(found, source, said)
    if prose and numbers and (not text.isascii() or _CALENDAR.search(text)):
        told = _told(said, day_first)
        numbers = _numbers([item for item in found if item.value not in told], source, said)
    problems = [*_names(found, source), *numbers]
    if not prose:
        problems = [*_opening_names(text, source), *problems, *_negation(text, cited)]
    undated = _dates(dates, source, said[last], last, day_first)
    for moment in sorted(said, reverse=True)[1:]:
        if not undated:
            break
        undated = _dates(_at_another(undated, text, moment, day_first), source, said[moment], moment, day_first)
    problems += [Problem(kind="date", text=date.text, why=_NO_DATE if date.recurring is None else _NO_RULE) for date in undated]
    return Verdict(ok=not problems, problems=tuple(problems))


_CALENDAR = re.compile(r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b")
_NO_DATE = "does not follow from the cited words and their date"
_NO_RULE = "no such repetition in the cited words"


def _at_another(dates: Sequence[TimeMention], text: str, moment: datetime, day_first: bool | None) -> list[TimeMention]:
    """Return the same expressions of a text as they are meant when it is read at another moment, each in its sentence."""
    found = []
    for start, end in sentence_spans(text):
        mine = {(date.start - start, date.end - start): date for date in dates if start <= date.start < end}
        again = {(date.start, date.end): date for date in find_times(text[start:end], moment, day_first=day_first)} if mine else {}
        found += [replace(again.get(place, date), start=date.start, end=date.end) for place, date in mine.items()]
    return found


class _Cited:
    """The cited words; what is worked out of them is worked out when it is asked for, since most texts use the very words."""

    def __init__(self, text: str, known: Sequence[str]) -> None:
        self.text = text
        self.known = known

    @cached_property
    def folded(self) -> str:
        """The words in small letters."""
        return self.text.casefold()

    @cached_property
    def words(self) -> frozenset[str]:
        """Each of them."""
        return frozenset(_WORD.findall(self.folded))

    @cached_property
    def mentions(self) -> list[Mention]:
        """The names and numbers in them."""
        return mentions(self.text, self.known)

    @cached_property
    def named(self) -> frozenset[str]:
        """The names that count as there, in small letters, whole and by their parts."""
        full = {item.canonical.casefold() for item in self.mentions} | {name.casefold() for name in self.known}
        return frozenset(full | {part for name in self.known for part in name.casefold().split()})

    @cached_property
    def digits(self) -> frozenset[float]:
        """The numbers that are written in digits."""
        return frozenset(float(digits.replace(",", "")) for digits in _DIGITS.findall(self.text))

    @cached_property
    def numbers(self) -> frozenset[float]:
        """The numbers in any form."""
        values = self.digits | {item.value for item in self.mentions if item.value is not None}
        values |= {value for word, value in _SPELT.items() if word in self.words}
        return frozenset(values | ({1.0} if _ARTICLE.search(self.text) else set()))


def _beyond(text: str, source: _Cited) -> str:
    """Return the lines of a text that are not cited as they stand, each without the sentences that are."""
    left = []
    for line in text.splitlines():
        body = line.strip()
        if body and body not in source.text:
            parts = (line[start:end] for start, end in sentence_spans(line))
            left.append(" ".join(part for part in parts if part.strip() not in source.text))
    return "\n".join(left)


def _parts(item: Mention) -> int:
    """Return how many words of a German name are none of the language's function words."""
    return sum(word.casefold() not in stopwords("de") for word in item.text.split())


def _told(said: Mapping[datetime, str], day_first: bool | None) -> set[float]:
    """Return the numbers of the dates that were meant: in a text of another language a resolved date may be read as mere numbers."""
    dates = list(said)
    for moment, words in said.items():
        for time in find_times(words, moment, day_first=day_first):
            dates += [time.lower, time.upper - timedelta(microseconds=1)]
    return {float(number) for date in dates for number in (date.year, date.month, date.day)}


def _inside(item: Mention, dates: Sequence[TimeMention]) -> bool:
    return any(date.start <= item.start and item.end <= date.end for date in dates)


def _names(found: Sequence[Mention], source: _Cited) -> list[Problem]:
    problems = []
    for item in found:
        if item.kind in ("email", "url", "phone"):
            if _digits_or_text(item) not in _digits_or_text_of(source, item):
                problems.append(Problem(kind="name" if item.kind != "phone" else "number", text=item.text, why="not in the cited words"))
            continue
        if item.kind not in ("person", "name"):
            continue
        missing = [part for part in _WORD.findall(item.text.casefold()) if part not in source.words and part not in _FORM_WORDS]
        if not missing or item.text.casefold() in source.folded or item.canonical.casefold() in source.named:
            continue
        if all(part in source.named or _short_form_there(part, source.words, source.known) for part in missing):
            continue
        problems.append(Problem(kind="name", text=item.text, why="this name is not in the cited words"))
    return problems


def _opening_names(text: str, source: _Cited) -> list[Problem]:
    """A sentence's first word may be a name that only its place hides: one that acts and that nobody wrote."""
    problems = []
    for found in _OPENING.finditer(text):
        word = found[1].casefold()
        if word in source.words or word in stopwords("en") or word in _FORM_WORDS:
            continue
        if not _short_form_there(word, source.words | {word}, source.known):
            problems.append(Problem(kind="name", text=found[1], why="this name is not in the cited words"))
    return problems


def _digits_or_text(item: Mention) -> str:
    return re.sub(r"\D", "", item.text) if item.kind == "phone" else item.text.casefold()


def _digits_or_text_of(source: _Cited, item: Mention) -> str:
    return re.sub(r"\D", "", source.text) if item.kind == "phone" else source.folded


def _short_form_there(part: str, words: Collection[str], known: Sequence[str]) -> bool:
    """Whether the span uses a short form of a known full name: "Mel" bears out "Melanie"."""
    full = [name for name in known if part in name.casefold().split()]
    return any(canonical_name(word, full) is not None for word in words if len(word) > 1)


def _numbers(found: Sequence[Mention], source: _Cited, said: Collection[datetime]) -> list[Problem]:
    problems = []
    for item in found:
        if item.value is None or item.value in source.digits or item.value in source.numbers:
            continue
        if item.kind == "ordinal" and item.text.lower() in source.words:
            continue
        if any(_follows(item.value, source, moment) for moment in said):
            continue
        problems.append(Problem(kind="number", text=item.text, why=f"the number {item.canonical} is not in the cited words"))
    return problems


_DIGITS = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_ARTICLE = re.compile(r"\ban?\b", re.IGNORECASE)
_SPELT = {"both": 2.0, "couple": 2.0, "pair": 2.0, "twins": 2.0, "twice": 2.0, "once": 1.0, "dozen": 12.0, "half": 0.5, "one": 1.0}


def _follows(value: float, source: _Cited, anchor: datetime) -> bool:
    """A year that follows from an age or a span of years and the date of the message: "I'm 30" makes 1992 or 1993."""
    if not 1900 <= value <= 2100 or value != int(value):
        return False
    differences = {anchor.year - value, anchor.year - value - 1, anchor.year - value + 1}
    told = {number for number in source.numbers if 0 < number < 120}
    return bool(differences & told) and re.search(r"year|old|age|turn|am|'m|岁|年", source.text) is not None


def _dates(dates: Sequence[TimeMention], source: _Cited, said: str, anchor: datetime, day_first: bool | None) -> list[TimeMention]:
    """Return the dates that are neither written in the cited words nor follow from those that were said at the anchor."""
    # The day, month or year of the message itself needs no telling.
    open_ = [date for date in dates if date.kind != "order" and date.text.casefold() not in source.folded]
    open_ = [date for date in open_ if date.recurring is not None or date.kind != "point" or not date.lower <= anchor < date.upper]
    if not open_:
        return []
    there = find_times(said, anchor, day_first=day_first)
    here = source if said == source.text else _Cited(said, ())
    return [date for date in open_ if not _dated(date, there, here, anchor)]


def _dated(date: TimeMention, there: Sequence[TimeMention], said: _Cited, anchor: datetime) -> bool:
    if date.recurring is not None:
        return any(other.recurring == date.recurring for other in there)
    if date.precision == "year" and _follows(float(date.lower.year), said, anchor):
        return True
    return any(_same_time(date, other) for other in there if other.kind != "order")


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
