"""Events: stretches of a session about one thing, each with a memory that its messages are part of.

Source: EM-LLM (arXiv 2407.09450), HiMem (arXiv 2601.06377: topic shift or surprise), MemoryOS (arXiv 2506.06326: a new page joins the
segment with the greatest cosine + Jaccard of keywords, if that is at least 0.6). Differs: turns take the place of tokens and pages; where
segments never join by likeness, messages that come later go on with the last event of their session until a boundary ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
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
from mneme.formation.growing import Late, Ongoing, members, ongoing, parted
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
        """Return the events and the links of their messages, session by session, oldest first."""
        said = _by_session(episodes)
        if not said or self.join <= 2:
            return self._formed(ctx, said) if said else []
        runs = [list(run) for _, run in groupby(said, key=lambda episode: episode.session)]
        parts = [parted(ctx, run, self.tier, self._are_apart) for run in runs]
        before = [ongoing(ctx, rest, self.tier, run) if rest else None for run, (rest, _) in zip(runs, parts, strict=True)]
        if not any(before) and not any(late for _, late in parts):
            return self._formed(ctx, said)
        return [one for (rest, late), was in zip(parts, before, strict=True) for one in self._placed(ctx, rest, was, late)]

    def _placed(self, ctx: Context, rest: Sequence[Episode], was: Ongoing | None, late: Sequence[Late]) -> list[Operation]:
        """Return what new messages of a session do to its events."""
        operations: list[Operation] = []
        within: Sequence[Episode] = ()
        for one in late:
            if one.event is None:
                operations += self._formed(ctx, one.came)
            elif was is not None and was.event is not None and was.event.id == one.event.id:
                within = one.came
            else:
                there = members(ctx, [span.episode for span in one.event.sources])
                operations += self._laid(ctx, one.event, there, self._bounded(_merged([*there, *one.came])))
        if not rest:
            return operations
        return operations + (self._grown(ctx, rest, was, within) if was is not None else self._formed(ctx, rest))

    def _grown(self, ctx: Context, new: Sequence[Episode], was: Ongoing, late: Sequence[Episode]) -> list[Operation]:
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
        parts = [said[low:high] for low, high in pairwise([*kept, len(said)])]
        if was.event is None:
            return self._opened(ctx, [piece for part in parts for piece in self._bounded(part)])
        for episode in [*was.before, *late]:
            last = max((number for number, part in enumerate(parts) if part[0].at <= episode.at), default=0)
            parts[last] = _merged([*parts[last], episode])
        pieces = [piece for part in parts for piece in self._bounded(part)]
        return self._laid(ctx, was.event, [*was.before, *was.said[len(was.said) - was.held :]], pieces)

    def _laid(self, ctx: Context, event: Memory, there: Sequence[Episode], pieces: Sequence[Sequence[Episode]]) -> list[Operation]:
        """Return what makes the first piece of an event's messages all that it has, and the others events of their own."""
        first, *others = pieces
        linked, stay = {episode.id for episode in there}, {episode.id for episode in first}
        operations: list[Operation] = []
        if linked != stay:
            text, words = self._told(ctx, first)
            memory = self._memory(first, text, sorted(words))
            changes: dict[str, object] = {"attributes": memory.attributes, "sources": memory.sources}
            if memory.at < event.at:
                changes |= {"at": memory.at, "valid_from": memory.valid_from}
            operations.append(Revise(id=event.id, text=memory.text, changes=changes, expected_version=event.version))
        operations += [_part(episode, event.id) for episode in first if episode.id not in linked]
        moved = [episode for episode in there if episode.id not in stay]
        operations += [Disconnect(source="mem" + episode.id[2:], target=event.id, type="part_of") for episode in moved]
        # What was in an event may have begun it, and given it its id.
        return operations + self._opened(ctx, others, f"|{event.id}|{event.version}", linked)

    def _opened(self, ctx: Context, pieces: Sequence[Sequence[Episode]], out_of: str = "", moved: Collection[str] = ()) -> list[Operation]:
        operations: list[Operation] = []
        for piece in pieces:
            text, words = self._told(ctx, piece)
            memory = self._memory(piece, text, sorted(words), out_of if piece[0].id in moved else "")
            operations += [Keep(memory=memory), *(_part(episode, memory.id) for episode in piece)]
        return operations

    def _bounded(self, part: Sequence[Episode]) -> list[Sequence[Episode]]:
        return [part[low : low + self.most] for low in range(0, len(part), self.most)]

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

    def _are_apart(self, one: Episode, other: Episode) -> bool:
        return bool(self._apart([one, other]))

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

    def _memory(self, stretch: Sequence[Episode], text: str, words: Sequence[str], out_of: str = "") -> Memory:
        first, last = stretch[0], stretch[-1]
        return Memory(
            id=derived_id(first.id, f"segment|{self.tier}|{last.id}{out_of}"),
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


def _by_session(episodes: Sequence[Episode]) -> list[Episode]:
    """Return the episodes that say something, session by session in the order of their beginnings, each oldest first."""
    said = sorted((episode for episode in episodes if episode.text.strip()), key=lambda episode: (episode.at, episode.id))
    begins = {session: number for number, session in reversed(list(enumerate(episode.session for episode in said)))}
    return sorted(said, key=lambda episode: begins[episode.session])


def _merged(episodes: Sequence[Episode]) -> list[Episode]:
    return sorted(episodes, key=lambda episode: episode.at)


def _part(episode: Episode, event: str) -> Connect:
    return Connect(link=Link(source="mem" + episode.id[2:], target=event, type="part_of"))


def nearest(there: Sequence[Segment], cosines: Sequence[float], words: frozenset[str], least: float) -> Segment | None:
    """Return the segment with the greatest cosine plus Jaccard of keywords, None when that is below ``least``."""
    scores = [cosine + jaccard(segment.words, words) for segment, cosine in zip(there, cosines, strict=True)]
    if not scores or max(scores) < least:
        return None
    return there[int(np.argmax(scores))]


def jaccard(words: frozenset[str], others: frozenset[str]) -> float:
    """Return the share of words that two sets have in common."""
    together = len(words | others)
    return len(words & others) / together if together else 0.0


def _text(stretch: Sequence[Episode], most: int) -> str:
    chosen = extracts(stretch, most=most)
    return render(stretch, chosen) if chosen else " ".join(episode.text for episode in stretch)
