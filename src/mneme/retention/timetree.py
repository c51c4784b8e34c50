"""The time tree: what was said becomes days, days become weeks, weeks become months; each a dated extract that cites its sentences.

Source: H-MEM, EverMemOS and WorldMM (levels of time to descend), MemoryBank (a summary per day). Differs: extractive, so every
word has a source; a level is made when its time is over and made anew when something arrives late; ``part_of`` links lead up. A week
belongs to the month of its Thursday, so that the tree is strict. Of a day with very many messages only the most promising by form are
read, so that ten years of them are summarised in seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.operations import Archive, Connect, Operation
from mneme.core.records import Episode, Link, Memory, Span
from mneme.core.upkeep import DAY_US, BoolArray, FloatArray, IntArray, Proposal, Round, kept, made_id
from mneme.retention.condensing import joined_sentences
from mneme.retention.replacement import census_worth, standing
from mneme.retention.worth import Commonness, features, worth
from mneme.text.analyser import Analyser
from mneme.text.marks import phrases

LEVELS = ("day", "week", "month")
TAG = "tree:"
SPOKEN = ("turn", "event")
BUSY, PROMISING = 48, 12
"""Of a day with more messages than ``BUSY``, the ``PROMISING`` ones by the form that the census knows are read, the others not."""

_EPOCH = date(1970, 1, 1)
_MOST_PHRASES = 24
_REPEATED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence that stands for its time.

    Args:
        episode: where it was said.
        start, end: its characters.
        text: the sentence.
        worth: what it is worth telling.
        terms: its terms.
    """

    episode: Episode
    start: int
    end: int
    text: str
    worth: float
    terms: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What was said on a day.

    Args:
        said: its sentences, in the order of time.
        best: those that stand for the day in longer periods.
    """

    said: Sequence[Said]
    best: Sequence[Said]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeTree:
    """Makes the summaries of days, weeks and months whose time is over.

    Args:
        most: sentences in a summary, by level.
        least: messages that a period must have.
        grace_hours: how long after its end a period is summarised.
    """

    most: Mapping[str, int] = field(default_factory=lambda: {"day": 5, "week": 8, "month": 12})
    least: int = 3
    grace_hours: float = 6.0
    name: str = "time-tree"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose the missing and the outdated summaries, days first, oldest first."""
        spoken = ctx.census.status.among(("active", "archived")) & ctx.census.kind.among(SPOKEN)
        days = np.asarray(ctx.census.at // DAY_US, np.int64)
        made = _made(ctx)
        told = _Told(ctx=ctx, days=days, spoken=np.flatnonzero(spoken), best=self.most["day"])
        renewed = np.unique(days[spoken & ctx.fresh])
        linked: set[str] = set()
        for level in LEVELS:
            for first, last in self._wanted(ctx, level, days, spoken, renewed, made):
                if ctx.out_of_time():
                    return
                proposal = self._summary(ctx, level, first, last, told, made, linked)
                if proposal is not None:
                    yield proposal

    def _wanted(
        self, ctx: Round, level: str, days: IntArray, spoken: BoolArray, fresh: IntArray, made: Mapping[str, str]
    ) -> list[tuple[int, int]]:
        """Return the (first, last) days of periods that are over and have no summary, or something new."""
        places = np.flatnonzero(spoken)
        present, which, counts = np.unique(days[places], return_inverse=True, return_counts=True)
        newest = np.zeros(len(present), np.int64)
        np.maximum.at(newest, which, ctx.census.row[places])
        over = (to_micros(ctx.now) - int(self.grace_hours * 3_600_000_000)) // DAY_US
        sizes: Counter[tuple[int, int]] = Counter()
        rows: dict[tuple[int, int], int] = {}
        for day, count, row in zip(present.tolist(), counts.tolist(), newest.tolist(), strict=True):
            span = period(level, day)
            sizes[span] += count
            rows[span] = max(rows.get(span, 0), row)
        renewed = {period(level, day) for day in fresh.tolist()}
        row_of = {id: int(ctx.census.row[place]) for place, id in _placed(ctx, made)}

        def outdated(span: tuple[int, int]) -> bool:
            # A summary has a later row than all that it was made from, so a pass that was stopped goes on behind what it made.
            id = made.get(tag(level, span[0]))
            return id is None or (span in renewed and rows[span] > row_of.get(id, 2**62))

        return sorted(span for span, size in sizes.items() if size >= self.least and span[1] < over and outdated(span))

    def _summary(
        self, ctx: Round, level: str, first: int, last: int, told: _Told, made: dict[str, str], fresh: set[str]
    ) -> Proposal | None:
        sentences: list[Said] = []
        for day in range(first, last + 1):
            sentences += told.on(day).said if level == "day" else told.on(day).best
        best = chosen(sentences, self.most[level])
        if not best:
            return None
        memory = _memory(level, first, last, best)
        name = tag(level, first)
        old = made.get(name)
        operations: list[Operation] = []
        if old != memory.id:
            operations += kept(ctx, memory)
            if old is not None and ctx.status_of(old) == "active":
                operations.append(Archive(id=old))
            made[name] = memory.id
            fresh.add(memory.id)
        children = [child for child in _children(level, first, last, made) if child in fresh or memory.id in fresh]
        operations += [Connect(link=Link(source=child, target=memory.id, type="part_of")) for child in children]
        if not operations:
            return None
        return Proposal(keeper=self.name, why=f"{level} of {_day(first)} is over", operations=tuple(operations))


def period(level: str, day: int) -> tuple[int, int]:
    """Return the first and last day (since 1970) of the period of a level that a day is in."""
    if level == "day":
        return day, day
    monday = day - (day + 3) % 7
    if level == "week":
        return monday, monday + 6
    thursday = _day(monday + 3)
    first = date(thursday.year, thursday.month, 1)
    if (thursday.year, thursday.month) == (date.max.year, date.max.month):
        return _first_week(first), (date.max - _EPOCH).days
    following = date(thursday.year + thursday.month // 12, thursday.month % 12 + 1, 1)
    return _first_week(first), _first_week(following) - 1


def tag(level: str, first: int) -> str:
    """Return the tag of a period's summary."""
    return f"{TAG}{level}:{_day(first).isoformat()}"


def chosen(sentences: Sequence[Said], most: int) -> list[Said]:
    """Return the sentences most worth telling that do not repeat each other, in the order of time."""
    taken: list[Said] = []
    for said in sorted(sentences, key=lambda each: -each.worth):
        if len(taken) == most:
            break
        if all(len(said.terms & other.terms) <= _REPEATED * min(len(said.terms), len(other.terms)) for other in taken):
            taken.append(said)
    return sorted(taken, key=lambda each: (each.episode.at, each.episode.id, each.start))


def _first_week(first: date) -> int:
    """Return the Monday of the first week whose Thursday is in the month of ``first``."""
    day = (first - _EPOCH).days
    return day + (3 - (day + 3) % 7) % 7 - 3


def _day(number: int) -> date:
    return _EPOCH + timedelta(days=number)


def _placed(ctx: Round, made: Mapping[str, str]) -> list[tuple[int, str]]:
    wanted = set(made.values())
    mine = ctx.census.tags.where(lambda tags: any(each.startswith(TAG) for each in tags))
    return [(place, id) for place in np.flatnonzero(mine).tolist() if (id := ctx.census.ids[place]) in wanted]


def _made(ctx: Round) -> dict[str, str]:
    """Return tag -> id of the summaries that are there."""
    census = ctx.census
    mine = census.tags.where(lambda tags: any(each.startswith(TAG) for each in tags)) & census.status.among(("active", "archived"))
    found: dict[str, str] = {}
    active = census.active
    for place in np.flatnonzero(mine).tolist():
        for each in census.tags.values[int(census.tags.codes[place])]:
            if each.startswith(TAG) and (each not in found or active[place]):
                found[each] = census.ids[place]
    return found


@dataclass(slots=True, kw_only=True)
class _Told:
    """The sentences of days with their worth, read when first asked for."""

    ctx: Round
    days: IntArray
    spoken: IntArray
    best: int
    _order: IntArray = field(init=False)
    _read: dict[int, Day] = field(init=False, default_factory=dict)
    _analyser: Analyser = field(init=False, default_factory=Analyser)
    _promise: FloatArray | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._order = self.spoken[np.argsort(self.days[self.spoken], kind="stable")]
        self.days = self.days[self._order]

    def on(self, day: int) -> Day:
        """Return what was said on a day."""
        if day not in self._read:
            start, end = np.searchsorted(self.days, [day, day + 1])
            said = self._sentences_of(self._promising(self._order[start:end]), day) if end > start else []
            self._read[day] = Day(said=said, best=chosen(said, self.best))
        return self._read[day]

    def _promising(self, places: IntArray) -> IntArray:
        if len(places) <= BUSY:
            return places
        if self._promise is None:
            # By form alone: what the day tells does not depend on how well it is remembered.
            self._promise = (census_worth(self.ctx) / np.maximum(standing(self.ctx), 1e-9)).astype(np.float32)
        return np.sort(places[np.argsort(-self._promise[places], kind="stable")[:PROMISING]])

    def _sentences_of(self, places: IntArray, day: int) -> list[Said]:
        memories = self.ctx.memories(places.tolist())
        episodes = self.ctx.episodes(sorted({span.episode for memory in memories for span in memory.sources}))
        # What was said again on another day is one memory with the sources of both; each day tells its own.
        again = {span.episode for memory in memories if memory.kind == "turn" and len(memory.sources) > 1 for span in memory.sources}
        own = [each for each in episodes.values() if each.id not in again or to_micros(each.at) // DAY_US == day]
        ordered = sorted(own, key=lambda each: (each.at, each.id))
        read = [_cut(episode, self._analyser) for episode in ordered]
        having = Counter(term for cuts in read for term in {term for _, _, terms in cuts for term in terms})
        common = Commonness(texts=len(ordered), having=having)
        return [said for episode, cuts in zip(ordered, read, strict=True) for said in _sentences(episode, cuts, common)]


def _cut(episode: Episode, analyser: Analyser) -> list[tuple[int, str, list[str]]]:
    """Return the sentences of an episode: where each starts, its text, its terms."""
    found = []
    for start, end in joined_sentences(episode.text):
        raw = episode.text[start:end]
        text = raw.strip()
        found.append((start + len(raw) - len(raw.lstrip()), text, analyser.terms(text)))
    return found


def _sentences(episode: Episode, cuts: Sequence[tuple[int, str, list[str]]], common: Commonness) -> Iterator[Said]:
    for start, text, terms in cuts:
        if len(terms) >= 3 and not text.endswith(("?", "？")):
            value = worth(features(text, terms, common, episode.role))
            yield Said(episode=episode, start=start, end=start + len(text), text=text, worth=value, terms=frozenset(terms))


def _memory(level: str, first: int, last: int, best: Sequence[Said]) -> Memory:
    start = datetime.combine(_day(first), datetime.min.time(), UTC)
    episodes = [said.episode for said in best]
    # Only what it cites: a name of a sentence that it leaves out would stay when that is erased.
    named = Counter(phrase for said in best for phrase in sorted(phrases(said.text)))
    key = "|".join((level, str(first), *(f"{said.episode.id}:{said.start}:{said.end}" for said in best)))
    return Memory(
        id=made_id(episodes[0].id, f"tree|{key}"),
        text=_rendered(level, first, last, best),
        kind="summary",
        at=max(start, min(episode.at for episode in episodes)),
        recorded_at=max(episode.recorded_at for episode in episodes),
        valid_from=start,
        tags=(f"{TAG}{level}", tag(level, first)),
        attributes={
            "by": level,
            "from": _day(first).isoformat(),
            "until": _day(last).isoformat(),
            "people": sorted({episode.author for episode in episodes if episode.author}),
            "phrases": [phrase for phrase, _ in named.most_common(_MOST_PHRASES)],
        },
        sources=tuple(Span(episode=said.episode.id, start=said.start, end=said.end) for said in best),
    )


def _rendered(level: str, first: int, last: int, best: Sequence[Said]) -> str:
    """Return the text: the period, then each sentence with who said it and, above a day, when."""
    head = _written(_day(first)) if level == "day" else f"{_written(_day(first))} to {_written(_day(last))}"
    lines, speaker, day = [f"{head}."], None, None
    for said in best:
        when, who = said.episode.at.date(), said.episode.author
        mark = f"{when.day} {when:%B}, " if level != "day" and when != day else ""
        name = f"{who}: " if who and (who != speaker or mark) else ""
        lines.append(f"{mark}{name}{said.text}")
        speaker, day = who, when
    return " ".join(lines)


def _written(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _children(level: str, first: int, last: int, made: Mapping[str, str]) -> list[str]:
    """Return the summaries of the level below in these days."""
    if level == "day":
        return []
    below = LEVELS[LEVELS.index(level) - 1]
    return [made[name] for day in range(first, last + 1) if (name := tag(below, day)) in made]


__all__ = ["LEVELS", "TAG", "Said", "TimeTree", "chosen", "period", "tag"]
