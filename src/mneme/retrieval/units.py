"""Units of several structures searched in one step, reranked, or in turns, and turned into the messages they come from.

Source: On the Structural Memory of LLM Agents (arXiv 2412.15266): chunks, triples, atomic facts, summaries or all of them; single-step,
reranking, iterative retrieval with a thought appended to the question (4 turns of 50, best score of each unit kept, 100 at the end);
answers from units or from their documents; optionally only units whose session is among those of the best summaries. Differs: messages
are the chunks; without a model reranking goes by the share of the question's words that a unit has together with its neighbours, and the
thought is the best unit that was not thought of before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import BoolArray, Context, Query
from mneme.core.errors import InvalidInput
from mneme.core.llm import Prompt
from mneme.core.ports import FloatArray
from mneme.core.records import Memory
from mneme.retrieval.again import closeness, reworded, texts_at
from mneme.retrieval.consulting import consulted
from mneme.retrieval.fusion import best
from mneme.retrieval.hipporag2 import matched
from mneme.retrieval.phrases import normalised, triple
from mneme.retrieval.provenance import or_all, provenance
from mneme.text.stopwords import stopwords

STRUCTURES = ("chunks", "triples", "atomic-facts", "summaries")
RETRIEVALS = ("single-step", "reranking", "iterative")
ANSWERS = ("documents", "units")
TIE = 0.1
"""How much a message's own closeness counts beside that of its best unit: all messages of a summary have the summary's."""

TAG = "structure:"
"""Begins the tag with which a former marks a unit; what has none goes by its kind."""

RERANK = Prompt(
    role="units.rerank",
    system="You put passages in the order in which they help to answer a question, most helpful first; leave out what does not help.",
    template="Question: $question\n\nPassages by number:\n$passages\n\nGive the numbers of at most $most.",
    trim=(("passages", "head"),),
)
THINK = Prompt(
    role="units.think",
    system="You work towards an answer step by step. Say in one sentence what is known by now and what is still missing.",
    template="Question: $question\n\nFound so far:\n$passages",
    trim=(("passages", "head"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Numbers of passages, most helpful first."""

    numbers: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """What is known and what is missing."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Ranks units of the chosen structures, or the messages that they come from.

    Args:
        structures: which are searched: ``chunks``, ``triples``, ``atomic-facts``, ``summaries``.
        retrieval: ``single-step``, ``reranking`` or ``iterative``.
        answer: ``documents`` returns messages, each once; ``units`` what was found.
        turns: N, rounds of iterative retrieval, each one search.
        each: T, units that one round takes; also how many are reranked.
        most: units that are kept after all rounds.
        sessions: keep only units of the sessions of so many best summaries; 0 keeps all.
    """

    structures: tuple[str, ...] = STRUCTURES
    retrieval: str = "single-step"
    answer: str = "documents"
    turns: int = 4
    each: int = 50
    most: int = 100
    sessions: int = 0

    def __post_init__(self) -> None:
        problems = {}
        if not self.structures or set(self.structures) - set(STRUCTURES):
            problems["structures"] = f"is {self.structures!r}; give some of {', '.join(STRUCTURES)}"
        for name, value, known in (("retrieval", self.retrieval, RETRIEVALS), ("answer", self.answer, ANSWERS)):
            if value not in known:
                problems[name] = f"is {value!r}; give one of {', '.join(known)}"
        if problems:
            raise InvalidInput(problems)

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return admitted messages or units, best first; ties by time, then position."""
        among = self._among(ctx, query)
        plain = scores = matched(channels) if {"dense", "lexical"} <= set(channels) else closeness(ctx, query)
        if self.retrieval == "iterative":
            scores = self._iterated(ctx, query, scores, among)
        elif self.retrieval == "reranking":
            scores = self._reranked(ctx, query, scores, among)
        if self.answer == "documents":
            scores, among = self._documents(ctx, query, scores, plain, among)
        among = or_all(among, query.admitted)
        positions = best(scores, among, ctx.index.at, query.k)
        return Ranked(positions=positions, scores=scores[positions], parts={"match": scores[positions]})

    def _among(self, ctx: Context, query: Query) -> BoolArray:
        """Return which positions hold units of the chosen structures that may be looked at."""
        marks = ctx.index.memo("structures", lambda: _marks(ctx))
        of_structure = np.isin(marks, [STRUCTURES.index(name) for name in self.structures])
        found = provenance(ctx)
        covered = np.zeros(ctx.index.size, bool)
        covered[found.value[of_structure[found.derived]]] = True
        # What was said and has no unit of the structure is a unit itself, or a short session without a summary would be out of reach.
        among = (of_structure | (found.verbatim & ~covered)) & query.admitted
        if self.sessions:
            groups, _ = ctx.index.groups
            summaries = (marks == STRUCTURES.index("summaries")) & ctx.index.present
            top = best(closeness(ctx, query), summaries, ctx.index.at, self.sessions)
            narrowed = among & np.isin(groups, groups[top])
            among = narrowed if narrowed.any() else among
        return among

    def _iterated(self, ctx: Context, query: Query, scores: FloatArray, among: BoolArray) -> FloatArray:
        """Return the best score of each unit over all rounds, nothing for those that no round took."""
        merged = np.full(len(scores), -np.inf, np.float32)
        thoughts: list[str] = []
        for turn in range(self.turns):
            if turn:
                thought = self._thought(ctx, query, merged, thoughts)
                if not thought:
                    break
                thoughts.append(thought)
                scores = closeness(*reworded(ctx, query, f"{query.text} {thought}"))
            taken = best(scores, among, ctx.index.at, self.each)
            merged[taken] = np.maximum(merged[taken], scores[taken])
        kept = best(merged, np.isfinite(merged), ctx.index.at, self.most)
        ctx.trace.note(units="iterative", searches=1 + len(thoughts), thoughts=len(thoughts))
        chosen = np.zeros(len(merged), bool)
        chosen[kept] = True
        return _behind(np.where(chosen, merged, scores).astype(np.float32), chosen)

    def _thought(self, ctx: Context, query: Query, merged: FloatArray, thoughts: Sequence[str]) -> str:
        found = best(merged, np.isfinite(merged), ctx.index.at, 20)
        texts = texts_at(ctx, found.tolist())
        if ctx.llm is not None and texts:
            thought = consulted(ctx, THINK, {"question": query.text, "passages": _numbered(texts)}, Thought)
            if thought is not None:
                return thought.text.strip()
        return next((text for text in texts if text not in thoughts), "")

    def _reranked(self, ctx: Context, query: Query, scores: FloatArray, among: BoolArray) -> FloatArray:
        """Return scores that put the pool in its new order before everything else."""
        pool = best(scores, among, ctx.index.at, self.each).tolist()
        texts = texts_at(ctx, pool)
        said = {"question": query.text, "passages": _numbered(texts), "most": query.k}
        order = consulted(ctx, RERANK, said, Order) if texts else None
        if order is not None:
            numbers = [number for number in dict.fromkeys(order.numbers) if 0 <= number < len(pool)]
        else:
            covered = _covered(ctx, query.text, pool, texts)
            numbers = sorted(range(len(texts)), key=lambda number: (-(float(scores[pool[number]]) + covered[number]), number))
        moved = scores.copy()
        top = float(scores[among].max()) if among.any() else 0.0
        for place, number in enumerate(numbers):
            moved[pool[number]] = top + 1.0 - place / (len(numbers) + 1)
        return moved

    def _documents(
        self, ctx: Context, query: Query, scores: FloatArray, plain: FloatArray, among: BoolArray
    ) -> tuple[FloatArray, BoolArray]:
        """Return the score of each message as that of its best unit; messages that no unit leads to follow by their own."""
        found = provenance(ctx)
        units = np.where(among, scores, -np.inf).astype(np.float32)
        lifted = np.maximum(found.lift(units, empty=-np.inf), np.where(found.verbatim, units, -np.inf))
        sourceless = among & ~found.verbatim
        sourceless[found.derived] = False
        reached = np.isfinite(lifted) & found.verbatim
        total = np.where(reached, lifted + TIE * plain, scores)
        return _behind(total, reached | sourceless), query.admitted & (found.verbatim | sourceless)


def structure_of(memory: Memory) -> str:
    """Return which structure a memory is a unit of."""
    tagged = [tag.removeprefix(TAG) for tag in memory.tags if tag.startswith(TAG)]
    if tagged and tagged[0] in STRUCTURES:
        return tagged[0]
    if memory.kind == "turn":
        return "chunks"
    if memory.kind == "summary":
        return "summaries"
    return "triples" if triple(memory) else "atomic-facts"


def _marks(ctx: Context) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    marks = np.zeros(ctx.index.size, np.int8)
    for position, memory in provenance(ctx).memories.items():
        marks[position] = STRUCTURES.index(structure_of(memory))
    return marks


def _behind(scores: FloatArray, chosen: BoolArray) -> FloatArray:
    """Return the scores with what was not chosen behind what was, in its own order."""
    if not chosen.any():
        return scores.astype(np.float32)
    return np.where(chosen, scores, scores[chosen].min() - 1.0 + TIE * np.clip(scores, -5.0, 5.0)).astype(np.float32)


def _covered(ctx: Context, question: str, pool: Sequence[int], texts: Sequence[str]) -> list[float]:
    """Return for each of the pool what share of the question's content words it has, words of its neighbours counting half."""
    wanted = _content(question)
    if not wanted:
        return [0.0] * len(texts)
    shares = []
    for position, text in zip(pool, texts, strict=True):
        own = wanted & _content(text)
        beside = [int(step[position]) for step in (ctx.index.previous, ctx.index.following) if step[position] < ctx.index.size]
        near = (wanted & set[str]().union(*(_content(other) for other in texts_at(ctx, beside)))) - own
        shares.append((len(own) + 0.5 * len(near)) / len(wanted))
    return shares


def _content(text: str) -> set[str]:
    return {word for word in normalised(text).split() if word not in stopwords("en")}


def _numbered(texts: Sequence[str]) -> str:
    return "\n".join(f"{number}. {text}" for number, text in enumerate(texts))
