"""The read path: plan, channels, rank, read, pack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from mneme.core.clock import Clock, to_utc
from mneme.core.components import Item, Packed, Ranked
from mneme.core.context import ADMITTED, BoolArray, Context, Query
from mneme.core.errors import InvalidInput
from mneme.core.llm import LLM, scoped
from mneme.core.ports import Embedder, FloatArray, Store
from mneme.core.query import Filter, Hit, Recall
from mneme.core.recipe import Recipe
from mneme.core.records import Memory
from mneme.core.trace import Trace
from mneme.engine import glimpsing
from mneme.engine.conflicts import conflicts
from mneme.engine.current import CurrentIndex
from mneme.engine.finding import every
from mneme.engine.learning import Lessons
from mneme.engine.opened import read_together
from mneme.engine.prepare import text_problem
from mneme.index.view import SpaceIndex
from mneme.retrieval.explaining import explained
from mneme.retrieval.linear import LIFTS
from mneme.text.analyser import Analyser

DEFAULT_K = 10
LEAST_LINE_TOKENS = 12
"""A line of a context is hardly ever shorter; bounds how many hits a budget can hold."""

TOKENS_PER_TERM = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A recall's arguments, checked.

    Args:
        text: the question.
        k: how many hits; None takes 10, or as many as the budget holds.
        budget_tokens: how long the context may be.
        where: which memories may be seen.
        as_of: when in the world; None is now.
        known_at: as the memory knew it then; None is now.
        explain: say more about why.
    """

    text: str
    k: int | None
    budget_tokens: int | None
    where: Filter
    as_of: datetime | None
    known_at: datetime | None
    explain: bool

    @property
    def wanted(self) -> int:
        """How many hits to rank: as asked, or as many as the budget can hold."""
        if self.k is not None:
            return self.k
        if self.budget_tokens is None:
            return DEFAULT_K
        return max(DEFAULT_K, self.budget_tokens // LEAST_LINE_TOKENS)


def check(
    text: str,
    k: int | None,
    budget_tokens: int | None,
    where: Filter,
    as_of: datetime | None,
    known_at: datetime | None,
    explain: bool,
) -> Asked:
    """Return the arguments of a recall, times in UTC.

    Raises:
        InvalidInput: with every bad field.
    """
    problems: dict[str, str] = {}
    problem = text_problem(text)
    if problem or not text.strip():
        problems["query"] = problem or "is empty; ask something"
    for name, value in (("k", k), ("budget_tokens", budget_tokens)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            problems[name] = f"must be a whole number of at least 1, not {value!r}"
    times: dict[str, datetime | None] = {}
    for name, moment in (("as_of", as_of), ("known_at", known_at)):
        try:
            times[name] = None if moment is None else to_utc(moment, name)
        except InvalidInput as error:
            problems.update(error.problems)
    if problems:
        raise InvalidInput(problems)
    return Asked(text=text, k=k, budget_tokens=budget_tokens, where=where, explain=explain, **times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Answers recalls of one space.

    Args:
        space: its name.
        store: its storage.
        current: its index.
        lessons: what it learned from feedback.
        recipe: how to rank and pack.
        embedder, analyser, clock, llm: what the engine was built with.
    """

    space: str
    store: Store
    current: CurrentIndex
    lessons: Lessons
    recipe: Recipe
    embedder: Embedder
    analyser: Analyser
    clock: Clock
    llm: LLM | None = None

    def recall(self, asked: Asked, trace: Trace) -> Recall:
        """Return the hits and the context of a question."""
        with trace.stage("embed"):
            vector = self.embedder.embed([asked.text])[0]
        with self.current.lock, read_together(self.store):
            with trace.stage("index"):
                seq = None if asked.known_at is None else self.store.seq_at(asked.known_at)
                index = self._index(asked, vector, trace) if seq is None else self.current.at(seq)
            ctx = self.context(index, seq, trace)
            with trace.stage("rank"):
                query = self._query(asked, index, vector)
                admitted_count = int(np.count_nonzero(query.admitted))
                ranked = self._rank(ctx, query)
            with trace.stage("read"):
                memories = ctx.memories(ranked.positions.tolist())
                if asked.explain:
                    ranked = replace(ranked, notes=explained(ctx, query, ranked))
            hits = _hits(self.space, index.columns.ids, memories, ranked)
            with trace.stage("pack"):
                place_of = {index.columns.ids[position]: position for position in ranked.positions.tolist()}
                packed = self._pack(ctx, asked, hits, place_of)
        mark_of = {id: mark for mark, id in packed.marks.items()}
        if asked.k is None and asked.budget_tokens is not None:
            hits = [hit for hit in hits if hit.memory.id in mark_of]
        return Recall(
            query=asked.text,
            hits=tuple(
                Hit(memory=hit.memory, score=hit.score, why=hit.why, space=hit.space, mark=mark_of.get(hit.memory.id, "")) for hit in hits
            ),
            context=packed.text,
            marks=packed.marks,
            sufficiency=ranked.sufficiency,
            whole=index.whole and len(packed.marks) >= admitted_count,
            conflicts=conflicts(self.store, hits) if self.recipe.organisers else (),
            trace=trace,
            counter=self.recipe.packer.count,
        )

    def _index(self, asked: Asked, vector: FloatArray, trace: Trace) -> SpaceIndex:
        """Return the index of the present state, or what the question needs of a space that is not loaded and large."""
        excerpt = self.current.excerpt(lambda store: glimpsing.ask(store, self.analyser, asked.text, vector, asked.where))
        if excerpt is None:
            return self.current.now()
        trace.note(stage="index", searched="in the store", read=len(excerpt.ids))
        return excerpt

    def context(self, index: SpaceIndex, seq: int | None, trace: Trace) -> Context:
        """Return the read-only view that strategies get."""
        known: dict[int, Memory] = {}
        recent = index.records if seq is None else None

        def read(positions: Sequence[int]) -> list[Memory]:
            missing = [position for position in positions if position not in known]
            if missing and recent is not None:
                for position in missing:
                    if (memory := recent.get(position)) is not None:
                        known[position] = memory
                missing = [position for position in missing if position not in known]
            if missing:
                rows = index.columns["row"][missing].tolist()
                place_of = {index.columns.ids[position]: position for position in missing}
                for memory in self.store.memories_by_row(rows, at_seq=seq):
                    known[place_of[memory.id]] = memory
                    if recent is not None:
                        recent.put(place_of[memory.id], memory)
            return [known[position] for position in positions if position in known]

        return Context(
            index=index,
            clock=self.clock,
            seed=0,
            embedder=self.embedder,
            memories=read,
            episodes=self.store.episodes,
            find=lambda where: every(self.store, where),
            llm=None if self.llm is None else scoped(self.llm, space=self.space, on_call=lambda call: trace.models.append(call.to_plain())),
            links=self.store.links,
            usage=self.store.usage,
            trace=trace,
            settings={} if seq is not None else {LIFTS: self.lessons.lifts(self.store, index)},
        )

    def _query(self, asked: Asked, index: SpaceIndex, vector: object) -> Query:
        now = self.clock.now()
        terms = self.analyser.query(asked.text, index.languages())
        admitted = index.mask(asked.where, as_of=asked.as_of, now=now)
        return Query(
            text=asked.text,
            vector=vector,  # type: ignore[arg-type]
            terms=terms.ids,
            weights=terms.weights,
            words=terms.terms,
            heads=terms.heads,
            languages=terms.languages,
            admitted=admitted,
            k=max(asked.wanted, _whole(asked, index, admitted)),
            now=asked.as_of or now,
            any_kind=index.mask(replace(asked.where, kinds=()), as_of=asked.as_of, now=now) if asked.where.kinds else None,
        )

    def _rank(self, ctx: Context, query: Query) -> Ranked:
        ctx.scratch[ADMITTED] = query.admitted
        scores = {channel.name: channel.search(ctx, query) for channel in self.recipe.channels}
        ranked = self.recipe.ranker.rank(ctx, query, scores)
        for refiner in self.recipe.refiners:
            ranked = refiner.refine(ctx, query, ranked)
        return ranked

    def _pack(self, ctx: Context, asked: Asked, hits: Sequence[Hit], place_of: Mapping[str, int]) -> Packed:
        items = [Item(memory=hit.memory, score=hit.score, position=place_of.get(hit.memory.id)) for hit in hits]
        return self.recipe.packer.pack(ctx, asked.text, items, asked.budget_tokens)


def _whole(asked: Asked, index: SpaceIndex, admitted: BoolArray) -> int:
    """Return how many memories the filters admit, if all of them together may fit the budget; 0 if not.

    A space that fits is given whole: up to some dozens of conversations that beats any retrieval (Source: ConvoMem, 2025).
    """
    if asked.k is not None or asked.budget_tokens is None or not index.whole:
        return 0
    count = int(admitted.sum())
    tokens = TOKENS_PER_TERM * float(index.lengths[admitted].sum()) + LEAST_LINE_TOKENS * count
    return count if tokens <= 2 * asked.budget_tokens else 0


def _hits(space: str, ids: Sequence[str], memories: Sequence[Memory], ranked: Ranked) -> list[Hit]:
    """Return the hits in the order of rank; what another process erased meanwhile is left out."""
    read = {memory.id: memory for memory in memories}
    names = list(ranked.parts)
    parts = np.round(np.array(list(ranked.parts.values())), 4).T.tolist() if names else [[]] * len(ranked.positions)
    scores = ranked.scores.tolist()
    hits = []
    for place, position in enumerate(ranked.positions.tolist()):
        memory = read.get(ids[position])
        if memory is None:
            continue
        why: dict[str, object] = {name: part for name, part in zip(names, parts[place], strict=True) if part}
        why.update(ranked.notes.get(position, {}))
        hits.append(Hit(memory=memory, score=scores[place], why=why, space=space))
    return hits
