"""Streams of life changes with the truth at any moment.

People tell what changes in their lives: moves, jobs, tastes, pets. Some of it is single-valued (a new home ends the old one), some
is not (a second language ends none). Things are told late, told twice, taken back and corrected. The truth is computed from the
stream by definition, not by any memory's method, so it can judge one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from mneme.arena.generated.extraction_words import CITIES, COMPANIES
from mneme.text.relations import relation

ChangeSort = Literal["assert", "repeat", "late", "end", "correct"]
_OPEN = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing told.

    Attributes:
        subject: who tells it, of themselves.
        relation: of ``mneme.text.relations``.
        object: the value that begins, is repeated, or ends.
        sort: ``assert`` (begins), ``repeat`` (told again), ``late`` (began before something told earlier), ``end`` (is no longer so),
            ``correct`` (takes the place of ``instead_of``, which was never true).
        at: when it is true from in the world; for ``end`` until when.
        said_at: when it is told.
        instead_of: for ``correct``, the value that was told by mistake; else empty.
        text: how it is told.
    """

    subject: str
    relation: str
    object: str
    sort: ChangeSort
    at: datetime
    said_at: datetime
    instead_of: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A stretch in which a value holds: ``[begin, end)``."""

    object: str
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Changes in the order in which they are told."""

    changes: tuple[Change, ...]

    @property
    def slots(self) -> tuple[tuple[str, str], ...]:
        """Every (subject, relation) of the stream, in order of appearance."""
        return tuple(dict.fromkeys((change.subject, change.relation) for change in self.changes))

    def periods(self, subject: str, name: str, *, known_at: datetime | None = None) -> tuple[Period, ...]:
        """When each value of a slot holds, by what was told up to ``known_at`` (all of it when None), in order of begin."""
        told = [
            change
            for change in self.changes
            if (change.subject, change.relation) == (subject, name) and (known_at is None or change.said_at <= known_at)
        ]
        return _periods(told, single=relation(name).single)

    def truth(self, subject: str, name: str, at: datetime, *, known_at: datetime | None = None) -> frozenset[str]:
        """The values of a slot that hold at a moment."""
        return frozenset(p.object for p in self.periods(subject, name, known_at=known_at) if p.begin <= at < p.end)


def _periods(told: Sequence[Change], *, single: bool) -> tuple[Period, ...]:
    begun: list[tuple[datetime, str]] = []
    ended: list[tuple[datetime, str]] = []
    for change in told:
        if change.sort == "end":
            ended.append((change.at, change.object))
        elif change.sort == "correct":
            begun = [(at, change.object if value == change.instead_of and at == change.at else value) for at, value in begun]
        elif change.sort != "repeat":
            begun.append((change.at, change.object))
    begun = sorted(dict.fromkeys(begun))
    periods = []
    for number, (at, value) in enumerate(begun):
        stops = [end for end, gone in ended if gone == value and end > at]
        later = [when for when, other in begun[number + 1 :] if single or other == value]
        periods.append(Period(object=value, begin=at, end=min([*stops, *later], default=_OPEN)))
    return tuple(periods)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How well a memory kept up with a stream.

    Attributes:
        false_invalidation: of the values that hold and that the memory took in, the share it holds for ended.
        missed_update: of the values that ended, the share it still holds for true.
        as_of: of (slot, moment) pairs, the share whose set of values is exactly right.
        holding, ended, asked: what the three are shares of.
        wrong: (subject, relation, moment, truth, belief) of wrong answers.
    """

    false_invalidation: float
    missed_update: float
    as_of: float
    holding: int
    ended: int
    asked: int
    wrong: tuple[tuple[str, str, datetime, frozenset[str], frozenset[str]], ...] = field(default=())


Belief = Callable[[str, str, datetime], AbstractSet[str]]
Taken = Callable[[str, str], AbstractSet[str]]


def judge(stream: Stream, belief: Belief, taken: Taken, *, seed: int, moments: int = 20) -> Judgement:
    """Compares a memory's beliefs with the truth.

    Args:
        stream: what was told, all of it by now.
        belief: (subject, relation, moment) -> the values that the memory holds for true then.
        taken: (subject, relation) -> every value that the memory ever took in for the slot, also those it ended.
        seed: of the moments asked.
        moments: how many random moments, between the first change and the last telling, are asked for every slot.
    """
    rng = random.Random(seed)
    first, last = min(change.at for change in stream.changes), max(change.said_at for change in stream.changes)
    now = last + timedelta(days=1)
    holding = closed = ended = kept = 0
    wrong = []
    for subject, name in stream.slots:
        truth, believed = stream.truth(subject, name, now), _folded(belief(subject, name, now))
        had = _folded(taken(subject, name))
        over = {value.casefold() for value in _ever(stream, subject, name)} - _folded(truth)
        holding += len(_folded(truth) & had)
        closed += len((_folded(truth) & had) - believed)
        ended += len(over & had)
        kept += len(over & had & believed)
    asked = right = 0
    for _ in range(moments):
        at = first + (last - first) * rng.random()
        for subject, name in stream.slots:
            expected, got = stream.truth(subject, name, at), frozenset(belief(subject, name, at))
            asked += 1
            if _folded(expected) == _folded(got):
                right += 1
            else:
                wrong.append((subject, name, at, expected, got))
    return Judgement(
        false_invalidation=closed / holding if holding else 0.0,
        missed_update=kept / ended if ended else 0.0,
        as_of=right / asked if asked else 1.0,
        holding=holding,
        ended=ended,
        asked=asked,
        wrong=tuple(wrong),
    )


def _ever(stream: Stream, subject: str, name: str) -> set[str]:
    return {change.object for change in stream.changes if (change.subject, change.relation) == (subject, name)} | {
        change.instead_of for change in stream.changes if change.instead_of and (change.subject, change.relation) == (subject, name)
    }


def _folded(values: Iterable[str]) -> set[str]:
    return {value.casefold() for value in values}


_VALUES: dict[str, tuple[str, ...]] = {
    "lives_in": CITIES,
    "works_at": COMPANIES,
    "job": ("nurse", "carpenter", "librarian", "pilot", "translator", "paramedic", "teacher", "chef"),
    "diet": ("vegan", "vegetarian", "pescatarian", "gluten-free"),
    "favourite_colour": ("green", "teal", "purple", "orange", "navy blue"),
    "likes": ("hiking", "jazz", "sushi", "chess", "gardening", "board games", "oysters", "karaoke"),
    "speaks": ("Spanish", "Polish", "Swahili", "Japanese", "Welsh", "Arabic"),
    "plays": ("piano", "tennis", "basketball", "drums", "badminton", "violin"),
    "owns": ("a sailboat", "a cabin", "a motorcycle", "a telescope", "a food truck"),
    "allergic_to": ("peanuts", "shellfish", "pollen", "latex", "penicillin"),
}
# sort -> relation -> phrasing; {when} is the month in which it became so, or ended.
_TOLD: dict[str, dict[str, str]] = {
    "assert": {
        "lives_in": "I moved to {o} in {when}.", "works_at": "I started working at {o} in {when}.", "job": "I became a {o} in {when}.",
        "diet": "I went {o} in {when}.", "favourite_colour": "My favourite colour is {o} since {when}.",
        "likes": "I have loved {o} since {when}.", "speaks": "I speak {o} since {when}.", "plays": "I have played {o} since {when}.",
        "owns": "I have owned {o} since {when}.", "allergic_to": "I am allergic to {o} since {when}.",
    },
    "repeat": {
        "lives_in": "I live in {o}.", "works_at": "I work at {o}.", "job": "I'm a {o}.", "diet": "I'm {o}.",
        "favourite_colour": "My favourite colour is {o}.", "likes": "I really love {o}.", "speaks": "I speak {o}.",
        "plays": "I play {o}.", "owns": "I own {o}.", "allergic_to": "I'm allergic to {o}.",
    },
    "end": {
        "lives_in": "I don't live in {o} anymore since {when}.", "works_at": "I no longer work at {o} since {when}.",
        "job": "I'm no longer a {o} since {when}.", "diet": "I'm no longer {o} since {when}.",
        "favourite_colour": "{o} is no longer my favourite colour since {when}.", "likes": "I don't like {o} anymore since {when}.",
        "speaks": "I don't speak {o} anymore since {when}.", "plays": "I don't play {o} anymore since {when}.",
        "owns": "I don't own {o} anymore since {when}.", "allergic_to": "I'm no longer allergic to {o} since {when}.",
    },
    "correct": {name: "No, I meant {o}, not {wrong}." for name in _VALUES},
}  # fmt: skip


def stream(seed: int, *, people: Sequence[str] = ("Ana", "Tomas", "Priya"), changes: int = 40) -> Stream:
    """A stream of life changes; the same seed gives the same stream.

    About six in ten changes begin something, the others are repeats, late tellings, ends and corrections. Things become so at the
    start of a month and are told in the same month or, when late, months after something newer was told.

    Args:
        seed: of everything random.
        people: who tells.
        changes: how many changes each of them tells.
    """
    rng = random.Random(seed)
    told = [change for person in people for change in _life(rng, person, changes)]
    return Stream(changes=tuple(sorted(told, key=lambda change: change.said_at)))


def _life(rng: random.Random, person: str, count: int) -> list[Change]:
    told: list[Change] = []
    now = datetime(2016, 1, 1, tzinfo=UTC)
    while len(told) < count:
        now = _months_after(now, rng.choice((1, 1, 2, 3)))
        said = now + timedelta(days=rng.randrange(2, 25), minutes=rng.randrange(1440))
        sort = rng.choices(("assert", "repeat", "late", "end", "correct"), (60, 14, 10, 10, 6))[0]
        change = _change(rng, Stream(changes=tuple(told)), person, sort, now, said)
        if change is not None:
            told.append(change)
    return told


def _change(rng: random.Random, so_far: Stream, person: str, sort: str, now: datetime, said: datetime) -> Change | None:
    name = rng.choice(list(_VALUES))
    periods = so_far.periods(person, name)
    holding = [period for period in periods if period.begin <= now < period.end]
    fresh = [value for value in _VALUES[name] if value not in _ever(so_far, person, name)]
    if sort == "assert" and fresh and not any(period.begin == now for period in periods):
        return _tell(person, name, rng.choice(fresh), "assert", now, said)
    if sort == "repeat" and holding:
        period = rng.choice(holding)
        return _tell(person, name, period.object, "repeat", period.begin, said)
    if sort == "end" and (old := [period for period in holding if period.begin < now]):
        return _tell(person, name, rng.choice(old).object, "end", now, said)
    if sort == "correct" and periods:
        told = [change for change in so_far.changes if change.relation == name]
        if told[-1].sort == "assert" and fresh and any(period.object == told[-1].object for period in holding):
            return _tell(person, name, rng.choice(fresh), "correct", told[-1].at, said, wrong=told[-1].object)
    if sort == "late" and fresh and periods:
        earlier = _months_after(periods[0].begin, -rng.randrange(2, 18))
        return _tell(person, name, rng.choice(fresh), "late", earlier, said)
    return None


def _tell(person: str, name: str, value: str, sort: ChangeSort, at: datetime, said: datetime, *, wrong: str = "") -> Change:
    phrasing = _TOLD["assert" if sort == "late" else sort][name]
    text = phrasing.format(o=value, when=f"{at:%B %Y}", wrong=wrong)
    return Change(
        subject=person, relation=name, object=value, sort=sort, at=at, said_at=said, instead_of=wrong, text=text[0].upper() + text[1:]
    )


def _months_after(at: datetime, months: int) -> datetime:
    years, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=years, month=month + 1)
