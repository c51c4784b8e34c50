"""Talks that a pause has closed: a message that comes after a long silence sums up what was said before it.

Source: LD-Agent (arXiv 2406.05925): more than 3,600 s after the last message the session is summed up in at most 20 words with its nouns as
topics, and the short-term memory begins anew. Differs: talks of several sessions stand apart, and a later message of any of them closes
what paused; without a model the summary is the most central sentence; names and content words stand for nouns; messages stay where they
are, so the short-term memory is what no summary covers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Archive, Keep, Operation
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
        most: messages of a talk that are read for it, the latest.
    """

    pause_s: float = 3600.0
    words: int = 20
    topics: int = 8
    most: int = 300

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return one ``Keep`` per talk that these messages closed, oldest first; what was kept of it before late ones came is archived."""
        operations: dict[str, Operation] = {}
        for talk in closed(ctx, episodes, self.pause_s):
            older, ids = _told(ctx, talk), {said.id for said in talk}
            if any(ids <= {span.episode for span in memory.sources} for memory in older):
                continue
            operations |= {memory.id: Archive(id=memory.id, expected_version=memory.version) for memory in older}
            summary = self._summary(ctx, talk)
            operations[summary.id] = Keep(memory=summary)
        return list(operations.values())

    def _summary(self, ctx: Context, talk: Sequence[Episode]) -> Memory:
        read = talk[-self.most :]
        chosen = extracts(read, most=1)
        text = render(read, chosen) if chosen else read[0].text
        if ctx.llm is not None:
            lines = "\n".join(f"{said.author or said.role or 'someone'}: {said.text}" for said in read)
            text = ctx.llm.ask(SUMMARISE, {"date": talk[0].at.date(), "talk": lines}, Summed).text.strip() or text
        return Memory(
            id=derived_id(talk[0].id, "|".join((BY, *(said.id for said in talk)))),
            text=" ".join(text.split()[: self.words]),
            kind="summary",
            at=talk[0].at,
            recorded_at=talk[-1].recorded_at,
            valid_from=talk[0].at,
            session=talk[0].session,
            attributes={"by": BY, "topics": keywords([said.text for said in read], self.topics), "until": talk[-1].at.isoformat()},
            sources=tuple(Span(episode=said.id, start=0, end=len(said.text)) for said in talk),
        )


def _told(ctx: Context, talk: Sequence[Episode]) -> list[Memory]:
    """Return the summaries that rest on messages of a talk."""
    ids, positions = {said.id for said in talk}, among(ctx, "summary")
    at, (codes, values) = ctx.index.at[positions], ctx.index.codes("session")
    mine = np.isin(codes[positions], [code for code, value in enumerate(values) if value == talk[0].session])
    near = positions[mine & (at >= to_micros(talk[0].at)) & (at <= to_micros(talk[-1].at))]
    there = [memory for memory in ctx.memories(near.tolist()) if memory.status == "active" and memory.attributes.get("by") == BY]
    return [memory for memory in there if any(span.episode in ids for span in memory.sources)]


def closed(ctx: Context, episodes: Sequence[Episode], pause_s: float) -> list[list[Episode]]:
    """Return the talks that these messages closed, oldest message first.

    A talk is what was said in one session without a pause. The next message of the session closes it, and so does one of any session that
    comes more than a pause after its last.
    """
    turns, new = among(ctx, "turn"), {"mem" + episode.id[2:] for episode in episodes}
    order = turns[np.lexsort((turns, ctx.index.at[turns]))]
    at, sessions = ctx.index.at[order], ctx.index.codes("session")[0][order]
    pause, fresh = int(pause_s * _MICROS), np.zeros(len(order), bool)
    first = int(np.searchsorted(at, min((to_micros(episode.at) for episode in episodes), default=0)))
    fresh[first:] = [ctx.index.ids[position] in new for position in order[first:].tolist()]
    if not fresh.any():
        return []
    latest, before = int(at[-1]), int(at[~fresh].max(initial=-(2**62)))
    lately = ~fresh & (at + pause >= before)
    talks: list[list[str]] = []
    for session in np.unique(sessions[fresh | lately]).tolist():
        mine = np.flatnonzero(sessions == session)
        edges = [0, *(np.flatnonzero(np.diff(at[mine]) > pause) + 1).tolist(), len(mine)]
        for begin, end in pairwise(edges):
            over = int(at[mine[end - 1]]) + pause
            by_next = end < len(mine) and bool(fresh[mine[end]])
            by_any = over < latest and (over >= before or bool(fresh[mine[begin:end]].any()))
            if by_next or by_any:
                talks.append([ctx.index.ids[position] for position in order[mine[begin:end]].tolist()])
    read = (ctx.episodes(["ep" + id[3:] for id in ids]).values() for ids in talks)
    said = [sorted((one for one in talk if one.text.strip()), key=lambda one: (one.at, one.id)) for talk in read]
    return sorted((talk for talk in said if talk), key=lambda talk: (talk[0].at, talk[0].id))
