"""Events: stretches of a session about one thing, each with a memory that its messages are part of.

Source: EM-LLM (arXiv 2407.09450), HiMem (arXiv 2601.06377: topic shift or surprise), MemoryOS (arXiv 2506.06326: a new page joins the
segment with the greatest cosine + Jaccard of keywords, if that is at least 0.6). Differs: turns take the place of tokens and pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mneme.core.context import Context
from mneme.core.errors import InvalidInput
from mneme.core.operations import Connect, Keep, Operation
from mneme.core.ports import FloatArray, IntArray
from mneme.core.records import Episode, Link, Memory, Span
from mneme.formation.nearby import among
from mneme.formation.rules import derived_id
from mneme.formation.segments import Either, SessionGap, Surprise, TopicShift, refined, segments
from mneme.formation.stretches import keywords
from mneme.formation.summary import extracts, render

REFINED = ("", "modularity", "conductance")
_NO_VECTOR = np.zeros(0, np.float32)
_PARTS = {"gap": SessionGap, "topic": TopicShift, "surprise": Surprise}


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
        boundaries: where an event may end: ``gap``, ``topic``, ``surprise``.
        join: F; a stretch joins the earlier segment whose cosine plus Jaccard of keywords is at least this; above 2, never.
        least, most: messages of a stretch.
        sentences: of its text.
        tier: of the memories.
        refine: how boundaries are moved to where the talk beside them is most separate: ``modularity``, ``conductance``, or not at all.
    """

    boundaries: tuple[str, ...] = ("gap", "topic", "surprise")
    join: float = 0.6
    least: int = 2
    most: int = 24
    sentences: int = 3
    tier: str = "mid"
    refine: str = ""

    def __post_init__(self) -> None:
        if self.refine not in REFINED:
            raise InvalidInput({"refine": f"is {self.refine!r}; give modularity, conductance or nothing"})

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return the events and the links of their messages, oldest first."""
        said = sorted((episode for episode in episodes if episode.text.strip()), key=lambda episode: (episode.at, episode.id))
        if not said:
            return []
        stretches = [[said[number] for number in part] for part in self._parts(ctx, said)]
        texts = [_text(stretch, self.sentences) for stretch in stretches]
        vectors = ctx.embedder.embed(texts)
        stored, positions = self._known(ctx)
        fresh: list[Segment] = []
        operations: list[Operation] = []
        for stretch, text, vector in zip(stretches, texts, vectors, strict=True):
            words = frozenset(word.casefold() for word in keywords([episode.text for episode in stretch]))
            cosines = [*(ctx.index.exact(positions, vector).tolist() if stored else []), *(float(one.vector @ vector) for one in fresh)]
            segment = nearest([*stored, *fresh], cosines, words, self.join)
            if segment is None:
                memory = self._memory(stretch, text, sorted(words))
                segment = Segment(id=memory.id, vector=vector, words=words)
                fresh.append(segment)
                operations.append(Keep(memory=memory))
            operations += [Connect(link=Link(source="mem" + episode.id[2:], target=segment.id, type="part_of")) for episode in stretch]
        return operations

    def _parts(self, ctx: Context, said: Sequence[Episode]) -> list[range]:
        segmenter = Either(parts=tuple(_PARTS[name]() for name in self.boundaries))
        vectors = ctx.embedder.embed([episode.text for episode in said]) if {"topic", "surprise"} & set(self.boundaries) else None
        apart = {number for number in range(1, len(said)) if said[number].session != said[number - 1].session}
        apart |= SessionGap().starts(said) if "gap" in self.boundaries else set()
        starts = segmenter.starts(said, vectors)
        if self.refine and vectors is not None and starts - apart:
            moved = refined(starts | apart, np.clip(vectors @ vectors.T, 0, None).astype(np.float64), by=self.refine)
            starts = moved | apart
        return segments(starts, len(said), least=self.least, most=self.most, forced=apart)

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
