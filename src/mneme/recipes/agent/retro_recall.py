"""Evidence in rounds within a plain recall: what later searches bear out takes the last places, what they contradict falls.

Source: RetroRAG (arXiv 2501.05475), as :class:`mneme.recipes.agent.retroactive.RetroReader` has it. Differs: a recall returns evidence and
no answer: the messages that the statements of the last pool rest on, those with most of the question's words first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.core.query import Hit, Recall
from mneme.recipes.agent.retroactive import RetroReader
from mneme.retrieval.again import closest
from mneme.retrieval.evidence_pool import EvidencePool
from mneme.retrieval.linked import with_tail
from mneme.retrieval.provenance import kind_mask
from mneme.space import Space


@dataclass(frozen=True, slots=True, kw_only=True)
class Retroactive:
    """Gives the last places to what further rounds bear out.

    Args:
        rounds: searches, at most; the first is the ranking itself.
        each: messages of a round.
        share: of the places that they may take.
        ask_model: the model, where there is one, infers, answers and asks on; four calls a round.
    """

    rounds: int = 3
    each: int = 5
    share: float = 0.2
    ask_model: bool = False

    def refine(self, ctx: Context, query: Query, ranked: Ranked) -> Ranked:
        """Return the hits with what was borne out among the last; as many as there were."""
        order = ranked.positions.tolist()
        places = int(self.share * len(order))
        if not places:
            return ranked
        inside = _Inside(ctx, query, ranked)
        reader = RetroReader(cast("Space", inside), ctx.llm if self.ask_model else None, rounds=self.rounds, k=self.each)
        outcome = reader.ask(query.text)
        kept = order[: len(order) - places]
        borne = [inside.place[id] for id in evidence(outcome.pool) if id in inside.place]
        added = [position for position in borne if position not in kept][:places]
        added += [position for position in order[len(kept) :] if position not in added][: places - len(added)]
        ctx.trace.note(retroactive={"rounds": len(outcome.rounds), "reliable": outcome.reliable, "statements": len(outcome.pool.active)})
        return with_tail(ranked, kept, added)


def evidence(pool: EvidencePool) -> list[str]:
    """Return the ids of the sources that active statements rest on, those of the fittest first, each once."""
    fit = sorted(pool.active, key=lambda one: (-one.fit, one.round))
    return list(dict.fromkeys(id for one in fit for id in one.support))


class _Inside:
    """The space of a recall that is under way, searched with the same filters and at the same moment."""

    def __init__(self, ctx: Context, query: Query, ranked: Ranked) -> None:
        self.place: dict[str, int] = {}
        self._ctx, self._query, self._ranked = ctx, query, ranked
        self._turns = kind_mask(ctx, ("turn",))

    def recall(self, text: str, *, k: int) -> Recall:
        """Return the first hits of the ranking for its own question, the closest messages for another."""
        own = text == self._query.text
        positions = self._ranked.positions[:k].tolist() if own else closest(self._ctx, self._query, text, self._turns, k)
        memories = {memory.id: memory for memory in self._ctx.memories(positions)}
        self.place |= {self._ctx.index.ids[position]: position for position in positions}
        found = [memories[id] for id in (self._ctx.index.ids[position] for position in positions) if id in memories]
        return Recall(query=text, hits=tuple(Hit(memory=memory, score=0.0) for memory in found))
