"""Clues: what a global view of the memory suggests as evidence is searched for as well as the question itself.

Source: MemoRAG (arXiv 2409.05591): a memory model drafts clues and simpler questions, each retrieves its best three, clues of at most three
words are dropped, the original question stays among them. Differs: with any model the gists of the memory that the question may see are
shown to it; without one the sentences of the gists nearest to the question are the clues; what clues find takes at most ``share`` of the
places, from the end, and only where it is near enough to its clue, so clues that lead nowhere change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.core.llm import Prompt
from mneme.retrieval.consulting import consulted
from mneme.retrieval.fusion import best
from mneme.retrieval.linked import with_tail
from mneme.retrieval.provenance import kind_mask
from mneme.text.sentences import sentences

LEAST_WORDS = 4

SUGGEST = Prompt(
    role="clues.suggest",
    system="You know the gist of a long record. You suggest what its passages that answer a question may say, one sentence each, and "
    "simpler questions that lead to the answer.",
    template="Gist:\n$gist\n\nQuestion: $question\n\nSuggest at most $most sentences, and at most $most questions.",
    trim=(("gist", "head"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """Sentences that evidence may say, and questions that lead there."""

    clues: list[str]
    questions: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """Gives the last places to what clues find.

    Args:
        gists: how many summaries are looked at.
        clues: how many clues are searched with, and how many questions.
        each: how many messages a clue brings.
        share: of the places they may take.
        near: cosine with its clue that a message needs.
    """

    gists: int = 3
    clues: int = 4
    each: int = 3
    share: float = 0.2
    near: float = 0.3

    def refine(self, ctx: Context, query: Query, ranked: Ranked) -> Ranked:
        """Return the hits with what clues found among the last; as many as there were."""
        order = ranked.positions.tolist()
        places = int(self.share * len(order))
        drafted = self._clues(ctx, query) if places else []
        if not drafted:
            return ranked
        turns = kind_mask(ctx, ("turn",)) & query.admitted
        kept = order[: len(order) - places]
        found: dict[int, float] = {}
        for vector in ctx.embedder.embed(drafted):
            scores = ctx.index.dense(vector)
            for position in best(scores, turns & (scores >= self.near), ctx.index.at, self.each).tolist():
                found[position] = max(found.get(position, -1.0), float(scores[position]))
        added = [position for position in sorted(found, key=lambda at: (-found[at], at)) if position not in kept][:places]
        added += [position for position in order[len(kept) :] if position not in added][: places - len(added)]
        ctx.trace.note(clues=len(drafted))
        return with_tail(ranked, kept, added)

    def _clues(self, ctx: Context, query: Query) -> list[str]:
        gists = best(ctx.index.dense(query.vector), kind_mask(ctx, ("summary",)) & query.leading, ctx.index.at, self.gists)
        texts = [memory.text for memory in ctx.memories(gists.tolist())]
        if not texts:
            return []
        if ctx.llm is not None:
            said = {"gist": "\n".join(texts), "question": query.text, "most": self.clues}
            suggested = consulted(ctx, SUGGEST, said, Suggested)
            if suggested is not None:
                asked = long_enough(suggested.questions)[: self.clues]
                return long_enough([*long_enough(suggested.clues)[: self.clues], *asked])
        parts = long_enough([sentence for text in texts for sentence in sentences(text)])
        if not parts:
            return []
        near = np.argsort(-(ctx.embedder.embed(parts) @ query.vector), kind="stable")[: self.clues]
        return [parts[place] for place in near.tolist()]


def long_enough(clues: Sequence[str]) -> list[str]:
    """Return the clues of at least four words, each once.

    Example:
        >>> long_enough(["yes", "Ana met Ben in Rome", "Ana met Ben in Rome"])
        ['Ana met Ben in Rome']
    """
    return [clue for clue in dict.fromkeys(clue.strip() for clue in clues) if len(clue.split()) >= LEAST_WORDS]
