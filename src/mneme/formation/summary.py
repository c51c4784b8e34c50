"""Extractive summaries of sessions and days: the sentences that say most, in order, dated and with who said them.

Nothing is rewritten but relative times, which get their date in brackets; so a summary is grounded in the spans it cites.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from mneme.core.context import Context
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode, Memory, Span
from mneme.formation.reading import read
from mneme.formation.rules import derived_id
from mneme.formation.segments import lexical_vectors
from mneme.formation.wording import dated_stretch
from mneme.text.sentences import sentence_spans
from mneme.text.time_expressions import find_times

_WORD = re.compile(r"\w+", re.UNICODE)
_SMALL_TALK = re.compile(
    r"^\W*(?:hey|hi|hello|thanks|thank\s+you|wow|cool|awesome|great|nice|haha|lol|ok|okay|bye|see\s+(?:you|ya)|take\s+care|good\s+luck|congrats|sounds|that['’]s\s+\w+)\b"
    r"(?:\W+\w+){0,4}\W*$",
    re.IGNORECASE,
)
_DAMPING, _ROUNDS = 0.85, 30
_MOST_COMPARED = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """A sentence chosen for a summary.

    Attributes:
        episode: position of its episode in what was summarised.
        start: its first character in the episode's text.
        end: the character after its last.
        text: the sentence as written.
        weight: how central it is; higher is more.
    """

    episode: int
    start: int
    end: int
    text: str
    weight: float


def extracts(
    episodes: Sequence[Episode], *, most: int = 5, diversity: float = 0.3, vectors: NDArray[np.float32] | None = None
) -> list[Extract]:
    """The sentences that stand for all of it, in the order in which they were said.

    Source: TextRank (sentence similarity, PageRank) with a centroid; maximal marginal relevance against repetition. Differs:
    sentences that state something readable weigh more, questions and small talk less.

    Args:
        episodes: in the order of time.
        most: how many sentences.
        diversity: in [0, 1]; how much likeness to a chosen sentence counts against another.
        vectors: ``(s, width) float32 unit-norm`` of the sentences, in the order of ``sentences_of``; None uses their words.
    """
    found = sentences_of(episodes)
    if not found:
        return []
    if vectors is None and len(found) > _MOST_COMPARED:
        # Each is read, and compared with each: of a talk that never ends, only the longest that are no small talk and ask nothing.
        order = sorted(range(len(found)), key=lambda place: (_slight(found[place].text), -len(found[place].text)))
        found = [found[place] for place in sorted(order[:_MOST_COMPARED])]
    rows = vectors if vectors is not None else lexical_vectors([item.text for item in found])
    likeness = np.clip(rows @ rows.T, 0, None).astype(np.float64)
    weights = _centrality(likeness) * np.array([_worth(episodes[item.episode], item.text) for item in found])
    weights = weights / max(float(weights.max()), 1e-12)
    chosen: list[int] = []
    while len(chosen) < min(most, len(found)):
        repeated = likeness[:, chosen].max(axis=1) if chosen else np.zeros(len(found))
        gain = (1 - diversity) * weights - diversity * repeated
        gain[chosen] = -np.inf
        best = int(gain.argmax())
        if weights[best] <= 0.05 and chosen:
            break
        chosen.append(best)
    return [
        Extract(episode=found[i].episode, start=found[i].start, end=found[i].end, text=found[i].text, weight=float(weights[i]))
        for i in sorted(chosen)
    ]


def sentences_of(episodes: Sequence[Episode]) -> list[Extract]:
    """Every sentence of the episodes with at least three words, weight 0."""
    return [
        Extract(episode=number, start=start + lead, end=start + lead + len(text), text=text, weight=0.0)
        for number, episode in enumerate(episodes)
        for start, end in sentence_spans(episode.text)
        if len(_WORD.findall(text := episode.text[start:end].strip())) >= 3 or (len(text) > 8 and not text.isascii())
        for lead in (len(episode.text[start:end]) - len(episode.text[start:end].lstrip()),)
    ]


def with_dates(text: str, at: datetime) -> str:
    """The text with the date of each relative time in brackets: "yesterday (on 7 May 2023)"."""
    for found in reversed(find_times(text, at)):
        absolute = re.search(r"(?:19|20)\d\d", found.text)
        if absolute or found.kind in ("recurring", "order", "since", "until") or found.precision in ("minute", "hour"):
            continue
        text = f"{text[: found.end]} ({dated_stretch(found.lower, found.upper, found.precision)}){text[found.end :]}"
    return text


def _centrality(likeness: NDArray[np.float64]) -> NDArray[np.float64]:
    """PageRank over the likeness of sentences, times likeness to their mean."""
    graph = likeness.copy()
    np.fill_diagonal(graph, 0)
    totals = graph.sum(axis=0)
    count = len(graph)
    step = np.divide(graph, totals, out=np.full_like(graph, 1 / count), where=totals > 0)
    rank = np.full(count, 1 / count)
    for _ in range(_ROUNDS):
        rank = (1 - _DAMPING) / count + _DAMPING * step @ rank
    centroid = likeness.mean(axis=1)
    return np.asarray(rank * (0.5 + centroid / max(float(centroid.max()), 1e-12)))


def _slight(text: str) -> bool:
    return _SMALL_TALK.match(text) is not None or text.rstrip().endswith(("?", "？"))


def _worth(episode: Episode, text: str) -> float:
    words = len(_WORD.findall(text))
    worth = min(words, 12) / 12
    if _SMALL_TALK.match(text):
        return worth * 0.1
    if text.rstrip().endswith(("?", "？")):
        worth *= 0.35
    if read(text, episode.author or "someone", episode.at):
        worth *= 1.8
    return worth


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryFormer:
    """Summarises what it is given by session, by day, or both.

    Args:
        by: the stretches; a day's summary is left out when the day is a single session that has its own.
        most: sentences in one summary.
        least: stretches of fewer episodes get none: their words are short enough.
    """

    by: tuple[str, ...] = ("session", "day")
    most: int = 5
    least: int = 4

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return one ``Keep`` per stretch, oldest first, sessions before the day they fall on."""
        ordered = sorted(episodes, key=lambda episode: (episode.at, episode.id))
        operations: list[Operation] = []
        done: set[tuple[str, ...]] = set()
        for by in self.by:
            for stretch in _stretches(ordered, by):
                ids = tuple(episode.id for episode in stretch)
                if len(stretch) >= self.least and ids not in done:
                    done.add(ids)
                    operations += [Keep(memory=memory) for memory in self._summary(stretch, by)]
        ctx.trace.note(former="summaries", episodes=len(ordered), summaries=len(operations))
        return operations

    def _summary(self, stretch: Sequence[Episode], by: str) -> list[Memory]:
        chosen = extracts(stretch, most=self.most)
        if not chosen:
            return []
        first, last = stretch[0], stretch[-1]
        return [
            Memory(
                id=derived_id(first.id, "|".join(("summary", by, *(episode.id for episode in stretch)))),
                text=render(stretch, chosen),
                kind="summary",
                at=first.at,
                recorded_at=last.recorded_at,
                valid_from=first.at,
                session=first.session if by == "session" else None,
                attributes={
                    "by": by,
                    "until": last.at.isoformat(),
                    "episodes": len(stretch),
                    "people": sorted({episode.author for episode in stretch if episode.author}),
                },
                sources=tuple(Span(episode=stretch[item.episode].id, start=item.start, end=item.end) for item in chosen),
                importance=0.5,
            )
        ]


def render(episodes: Sequence[Episode], chosen: Sequence[Extract]) -> str:
    """The summary's text: the day, then each sentence with its speaker; times are dated."""
    first = episodes[0]
    lines, speaker = [f"{first.at.day} {first.at:%B %Y}."], None
    for item in chosen:
        episode = episodes[item.episode]
        told = with_dates(item.text, episode.at)
        if episode.author and episode.author != speaker:
            told = f"{episode.author}: {told}"
        speaker = episode.author
        lines.append(told)
    return " ".join(lines)


def _stretches(episodes: Sequence[Episode], by: str) -> list[list[Episode]]:
    if by == "day":
        return [list(group) for _, group in groupby(episodes, key=lambda episode: episode.at.date())]
    sessions: dict[str, list[Episode]] = {}
    for episode in episodes:
        if episode.session is not None:
            sessions.setdefault(episode.session, []).append(episode)
    return list(sessions.values())
