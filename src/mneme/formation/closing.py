"""Talks that a pause has closed: a message that comes after a long silence sums up what was said before it.

Source: LD-Agent (arXiv 2406.05925): more than 3,600 s after the last message the session is summed up in at most 20 words with its nouns as
topics, and the short-term memory begins anew. Differs: without a model the summary is the most central sentence; names and content words
stand for nouns; messages stay where they are, so the short-term memory is what no summary covers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode, Memory, Span
from mneme.formation.nearby import among
from mneme.formation.rules import derived_id
from mneme.formation.stretches import keywords
from mneme.formation.summary import extracts, render

BY = "closed-talk"
_MICROS = 1_000_000

SUMMARISE = Prompt(
    role="talks.summarise",
    system="You sum up a short conversation in one sentence of at most 20 words that names who did or said what.",
    template="Conversation of $date:\n$talk",
    trim=(("talk", "tail"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summed:
    """One sentence."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTalks:
    """Keeps a summary of every talk that a pause has closed.

    Args:
        pause_s: a longer silence closes a talk.
        words: of a summary, at most.
        topics: words that it is about, at most.
    """

    pause_s: float = 3600.0
    words: int = 20
    topics: int = 8

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return one ``Keep`` per talk that these messages closed, oldest first."""
        new = {"mem" + episode.id[2:] for episode in episodes}
        closed: dict[str, list[str]] = {}
        for session in dict.fromkeys(episode.session for episode in episodes):
            turns = among(ctx, "turn")
            if session is not None:
                codes, values = ctx.index.codes("session")
                turns = turns[codes[turns] == next((code for code, value in enumerate(values) if value == session), -1)]
            order = turns[np.lexsort((turns, ctx.index.at[turns]))]
            breaks = np.flatnonzero(np.diff(ctx.index.at[order]) > self.pause_s * _MICROS) + 1
            edges = [0, *breaks.tolist()]
            for begin, end in pairwise(edges):
                if ctx.index.ids[order[end]] in new:
                    ids = [ctx.index.ids[position] for position in order[begin:end].tolist()]
                    closed.setdefault(ids[-1], ids)
        talks = [list(ctx.episodes(["ep" + id[3:] for id in ids]).values()) for ids in closed.values()]
        summaries = [self._summary(ctx, sorted(talk, key=lambda said: (said.at, said.id))) for talk in talks if talk]
        return [Keep(memory=memory) for memory in sorted(summaries, key=lambda memory: (memory.at, memory.id))]

    def _summary(self, ctx: Context, talk: Sequence[Episode]) -> Memory:
        chosen = extracts(talk, most=1)
        text = render(talk, chosen) if chosen else talk[0].text
        if ctx.llm is not None:
            lines = "\n".join(f"{said.author or said.role or 'someone'}: {said.text}" for said in talk)
            text = ctx.llm.ask(SUMMARISE, {"date": talk[0].at.date(), "talk": lines}, Summed).text.strip() or text
        return Memory(
            id=derived_id(talk[0].id, f"{BY}|{talk[-1].id}"),
            text=" ".join(text.split()[: self.words]),
            kind="summary",
            at=talk[0].at,
            recorded_at=talk[-1].recorded_at,
            valid_from=talk[0].at,
            session=talk[0].session,
            attributes={"by": BY, "topics": keywords([said.text for said in talk], self.topics), "until": talk[-1].at.isoformat()},
            sources=tuple(Span(episode=said.id, start=0, end=len(said.text)) for said in talk if said.text),
        )
