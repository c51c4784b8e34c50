"""Events: stretches of a session about one thing, each with a memory that its messages are part of.

Source: EM-LLM (arXiv 2407.09450), HiMem (arXiv 2601.06377: topic shift or surprise), MemoryOS (arXiv 2506.06326: a new page joins the
segment with the greatest cosine + Jaccard of keywords, if that is at least 0.6). Differs: turns take the place of tokens and pages; where
segments never join by likeness, messages that come later go on with the last event of their session until a boundary ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, pairwise

import numpy as np

from mneme.core.context import Context
from mneme.core.errors import InvalidInput
from mneme.core.llm import Prompt
from mneme.core.operations import Connect, Disconnect, Keep, Operation, Revise
from mneme.core.ports import FloatArray, IntArray
from mneme.core.records import Episode, Link, Memory, Span
from mneme.formation.growing import Ongoing, ongoing
from mneme.formation.nearby import among
from mneme.formation.rules import derived_id
from mneme.formation.segments import Either, Segmenter, SessionGap, Surprise, TopicShift, refined, segments
from mneme.formation.stretches import keywords
from mneme.formation.summary import extracts, render

REFINED = ("", "modularity", "conductance")
MOST_WORDS = 8

THEME = Prompt(
    role="segments.theme",
    system="You say what a stretch of talk is about: its theme in a few words, up to 8 keywords, and its content in at most 60 words.",
    template="Talk of $date:\n$talk",
    trim=(("talk", "tail"),),
)
_NO_VECTOR = np.zeros(0, np.float32)
_PARTS: Mapping[str, Callable[[], Segmenter]] = {
    "gap": SessionGap,
    "topic": TopicShift,
    "surprise": Surprise,
    "novelty": partial(Surprise, feeling=0.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """What a stretch is about."""

    theme: str
    keywords: list[str]
    content: str


@dataclass(slots=True, kw_only=True)
class Segment:
    """A segment while it is being filled.

    Args:
        id: of its memory.
        vector: of its text; empty for one that the index has.
        words: its keywords.
        pages: the messages that joined it now.
        kept: whether its memory is there already.
    """

    id: str
    vector: FloatArray
    words: frozenset[str]
    pages: list[Episode] = field(default_factory=list)
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFormer:
    """Keeps a memory per event, with links from its messages.

    Args:
        boundaries: where an event may end: ``gap``, ``topic``, ``surprise`` (novelty, or a burst of feeling), ``novelty``.
        join: F; a stretch joins the earlier segment whose cosine plus Jaccard of keywords is at least this; above 2, never.
        least, most: messages of a stretch.
        sentences: of its text.
        tier: of the memories.
        refine: how boundaries are moved to where the talk beside them is most separate: ``modularity``, ``conductance``, or not at all.
        themes: where there is a model, it says what a stretch is about: its theme, keywords and content are the segment's.
    """

    boundaries: tuple[str, ...] = ("gap", "topic", "surprise")
    join: float = 0.6
    least: int = 2
    most: int = 24
    sentences: int = 3
    tier: str = "mid"
    refine: str = ""
    themes: bool = False

    def __post_init__(self) -> None:
        problems = {}
        if self.refine not in REFINED:
            problems["refine"] = f"is {self.refine!r}; give modularity, conductance or nothing"
        if unknown := [name for name in self.boundaries if name not in _PARTS]:
            problems["boundaries"] = f"has {', '.join(map(repr, unknown))}; give some of {', '.join(_PARTS)}"
        if problems:
            raise InvalidInput(problems)

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return the events and the links of their messages, oldest first."""
        said = sorted((episode for episode in episodes if episode.text.strip()), key=lambda episode: (episode.at, episode.id))
        if not said:
            return []
        if self.join > 2:
            runs = [list(run) for _, run in groupby(said, key=lambda episode: episode.session)]
            before = [ongoing(ctx, run, self.tier, said) for run in runs]
            if any(before):
                pairs = zip(runs, before, strict=True)
                return [one for run, was in pairs for one in (self._grown(ctx, run, was) if was else self._formed(ctx, run))]
        return self._formed(ctx, said)

    def _grown(self, ctx: Context, new: Sequence[Episode], was: Ongoing) -> list[Operation]:
        """Return what new messages do to the open event: they go on with it, or end it, now or a little before them."""
        said = [*was.said, *new]
        rows = np.vstack([was.vectors, ctx.embedder.embed([episode.text for episode in new])])
        apart = {place for place in self._apart(said) if place >= len(was.said)}
        starts = {place for place in self._starts(said, rows) if place >= was.first} | apart
        begin = len(was.said) - was.held if was.event is not None else len(was.said)
        # The last event is open: what it lacks of its least length may still come.
        kept = [begin]
        for place in sorted(starts):
            if place > begin and (place in apart or place - kept[-1] >= self.least):
                kept.append(place)
        spans = [(low, min(low + self.most, high)) for start, high in pairwise([*kept, len(said)]) for low in range(start, high, self.most)]
        pieces = [said[low:high] for low, high in spans]
        operations: list[Operation] = []
        if was.event is not None:
            first, *pieces = pieces
            if len(first) != was.held:
                memory = self._memory(first, *self._words(first))
                changes = {"attributes": memory.attributes, "sources": memory.sources}
                operations.append(Revise(id=was.event.id, text=memory.text, changes=changes, expected_version=was.event.version))
            linked = {episode.id for episode in was.said[len(was.said) - was.held :]}
            operations += [_part(episode, was.event.id) for episode in first if episode.id not in linked]
            moved = [episode for piece in pieces for episode in piece if episode.id in linked]
            operations += [Disconnect(source="mem" + episode.id[2:], target=was.event.id, type="part_of") for episode in moved]
        for piece in pieces:
            memory = self._memory(piece, *self._words(piece))
            operations += [Keep(memory=memory), *(_part(episode, memory.id) for episode in piece)]
        return operations

    def _words(self, stretch: Sequence[Episode]) -> tuple[str, list[str]]:
        words = {word.casefold() for word in keywords([episode.text for episode in stretch])}
        return _text(stretch, self.sentences), sorted(words)

    def _formed(self, ctx: Context, said: Sequence[Episode]) -> list[Operation]:
        """Return the events of messages that nothing came before."""
        stretches = [[said[number] for number in part] for part in self._parts(ctx, said)]
        told = [self._told(ctx, stretch) for stretch in stretches]
        texts = [text for text, _ in told]
        vectors = ctx.embedder.embed(texts)
        stored, positions = self._known(ctx)
        fresh: list[Segment] = []
        operations: list[Operation] = []
        for stretch, (text, words), vector in zip(stretches, told, vectors, strict=True):
            cosines = [*(ctx.index.exact(positions, vector).tolist() if stored else []), *(float(one.vector @ vector) for one in fresh)]
            segment = nearest([*stored, *fresh], cosines, words, self.join)
            if segment is None:
                memory = self._memory(stretch, text, sorted(words))
                segment = Segment(id=memory.id, vector=vector, words=words)
                fresh.append(segment)
                operations.append(Keep(memory=memory))
            operations += [_part(episode, segment.id) for episode in stretch]
        return operations

    def _told(self, ctx: Context, stretch: Sequence[Episode]) -> tuple[str, frozenset[str]]:
        """Return what a stretch is about, and its keywords."""
        text, words = _text(stretch, self.sentences), keywords([episode.text for episode in stretch])
        if self.themes and ctx.llm is not None:
            talk = "\n".join(f"{one.author or one.role or 'someone'}: {one.text}" for one in stretch)
            said = ctx.llm.ask(THEME, {"date": stretch[0].at.date(), "talk": talk}, Theme)
            text = ". ".join(part for part in (said.theme.strip(" ."), said.content.strip()) if part) or text
            words = [word.strip() for word in said.keywords if word.strip()][:MOST_WORDS] or words
        return text, frozenset(word.casefold() for word in words)

    def _parts(self, ctx: Context, said: Sequence[Episode]) -> list[range]:
        vectors = ctx.embedder.embed([episode.text for episode in said]) if set(self.boundaries) - {"gap"} else None
        return segments(self._starts(said, vectors), len(said), least=self.least, most=self.most, forced=self._apart(said))

    def _apart(self, said: Sequence[Episode]) -> set[int]:
        """Return where a segment starts whatever its length: with another session, and after a gap where gaps count."""
        apart = {number for number in range(1, len(said)) if said[number].session != said[number - 1].session}
        return apart | (SessionGap().starts(said) if "gap" in self.boundaries else set())

    def _starts(self, said: Sequence[Episode], vectors: FloatArray | None) -> set[int]:
        starts, apart = Either(parts=tuple(_PARTS[name]() for name in self.boundaries)).starts(said, vectors), self._apart(said)
        if not self.refine or vectors is None or not starts - apart:
            return starts
        return apart | refined(starts | apart, np.clip(vectors @ vectors.T, 0, None).astype(np.float64), by=self.refine)

    def _known(self, ctx: Context) -> tuple[list[Segment], IntArray]:
        """Return the segments that are there, and their positions; vectors are the index's."""
        positions = among(ctx, "summary", self.tier) if self.join <= 2 else np.zeros(0, np.int64)
        read = {memory.id: memory for memory in ctx.memories(positions.tolist())}
        kept, segments = [], []
        for position in positions.tolist():
            memory = read.get(ctx.index.ids[position])
            if memory is not None and memory.status == "active" and "words" in memory.attributes:
                kept.append(position)
                segments.append(Segment(id=memory.id, vector=_NO_VECTOR, words=frozenset(map(str, memory.attributes["words"]))))  # type: ignore[call-overload]
        return segments, np.array(kept, np.int64)

    def _memory(self, stretch: Sequence[Episode], text: str, words: Sequence[str]) -> Memory:
        first, last = stretch[0], stretch[-1]
        return Memory(
            id=derived_id(first.id, f"segment|{self.tier}|{last.id}"),
            text=text,
            kind="summary",
            at=first.at,
            recorded_at=last.recorded_at,
            valid_from=first.at,
            session=first.session,
            attributes={"by": "segment", "words": list(words), "until": last.at.isoformat()},
            sources=tuple(Span(episode=episode.id, start=0, end=len(episode.text)) for episode in stretch),
            tier=self.tier,
        )


def _part(episode: Episode, event: str) -> Connect:
    return Connect(link=Link(source="mem" + episode.id[2:], target=event, type="part_of"))


def nearest(there: Sequence[Segment], cosines: Sequence[float], words: frozenset[str], least: float) -> Segment | None:
    """Return the segment with the greatest cosine plus Jaccard of keywords, None when that is below ``least``."""
    scores = [cosine + jaccard(segment.words, words) for segment, cosine in zip(there, cosines, strict=True)]
    if not scores or max(scores) < least:
        return None
    return there[int(np.argmax(scores))]


def affinity(one: FloatArray, other: FloatArray, words: frozenset[str], others: frozenset[str]) -> float:
    """Return F: the cosine of two unit vectors plus the Jaccard index of two sets of keywords."""
    return float(one @ other) + jaccard(words, others)


def jaccard(words: frozenset[str], others: frozenset[str]) -> float:
    """Return the share of words that two sets have in common."""
    together = len(words | others)
    return len(words & others) / together if together else 0.0


def _text(stretch: Sequence[Episode], most: int) -> str:
    chosen = extracts(stretch, most=most)
    return render(stretch, chosen) if chosen else " ".join(episode.text for episode in stretch)
