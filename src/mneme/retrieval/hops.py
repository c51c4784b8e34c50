"""Hops: from the best hits over the other thing that they name to what is said of that, as often as a question needs.

"In which city did the spouse of the author of Emma die?" is answered by three statements of which only the first shares a word with the
question. From each good hit that is a short statement, the name that it has and the question lacks is looked up; of the statements that
have it too, those nearest to the question are followed in turn. A statement that was said again later with another value is stale and is
not followed; one that merely has the same value of somebody else ("Ana plays chess", "Eva plays chess") leads nowhere. Talk is not
followed at all, only single statements in the third person, so that a conversation pays nothing and loses no place.

Source: HippoRAG (arXiv 2405.14831), which spreads over an open knowledge graph. Differs: no graph is built and no model extracts triples;
edges are names that statements share, read from the posting lists of the index, and a beam takes the place of PageRank.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.repeats import same_words
from mneme.retrieval.terms import english_terms, search_terms, stands_at
from mneme.text.marks import phrase_mark, phrases
from mneme.text.stopwords import stopwords
from mneme.text.terms import term_id

_WORD = re.compile(r"\w+(?:['’.-]\w+)*")
_TALK = re.compile(r"[?!]|\bI\b|\b(?:me|my|mine|we|us|our|you|your)\b|^\W*(?:Me|My|Mine|We|Us|Our|You|Your)\b(?!\s+[A-Z])")
"""Asked, called out, or of the speakers; "Our Mutual Friend" is a name."""
_LONGEST_NAME = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A statement on a path.

    Args:
        position: where it stands in the index.
        text: what it says.
        score: how near the path is to the question, its last statement counted.
        names: what the path has been about so far.
        before: the statement before it on the path; itself at the start.
    """

    position: int
    before: int
    text: str
    score: float
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hops:
    """Puts what the best hits lead to right behind them.

    Args:
        seeds: how many hits are followed, from the best.
        depth: hops after the hit.
        beam: how many statements are followed from one name.
        width: how many statements are followed of one hop.
        most: how many statements are put in at most.
        share: of the places that they may take.
        most_words: longer texts are no single statements.
        most_rows: a name in more memories tells nothing apart.
        read: how many statements are read for one name.
        residual: how much the question's words count that the statement before lacks, besides nearness in meaning.
        explained: how much the question's words count against a statement that the one before has too.
    """

    seeds: int = 1
    depth: int = 3
    beam: int = 2
    width: int = 4
    most: int = 6
    share: float = 0.6
    most_words: int = 30
    most_rows: int = 256
    read: int = 12
    residual: float = 0.6
    explained: float = 0.5

    def refine(self, ctx: Context, query: Query, ranked: Ranked) -> Ranked:
        """Return the hits with what they lead to behind the ones that were followed; as many as there were."""
        steps = self._starts(ctx, query, ranked)
        seen = {step.position for step in steps}
        found: dict[int, Step] = {}
        for _ in range(self.depth):
            reached = self._next(ctx, query, steps, seen)
            for step in reached:
                known = found.get(step.position)
                if known is None or known.score < step.score:
                    found[step.position] = step
            seen.update(step.position for step in reached)
            steps = sorted(reached, key=lambda step: (-step.score, step.position))[: self.width]
        if not found:
            return ranked
        best = sorted(found.values(), key=lambda step: (-step.score, step.position))[: min(self.most, int(self.share * query.k))]
        return _placed(ranked, {step.position: {"hop": ctx.index.ids[step.before]} for step in best}, self.seeds)

    def _starts(self, ctx: Context, query: Query, ranked: Ranked) -> list[Step]:
        positions = [p for p in ranked.positions[: self.seeds].tolist() if ctx.index.lengths[p] <= self.most_words]
        asked = query.text.casefold()
        steps = []
        for position, memory in zip(positions, ctx.memories(positions), strict=False):
            if is_statement(memory.text):
                held = frozenset(name for name in names(memory.text) if name in asked)
                steps.append(Step(position=position, before=position, text=memory.text, score=0.0, names=held))
        return steps

    def _next(self, ctx: Context, query: Query, steps: Sequence[Step], seen: set[int]) -> list[Step]:
        reached = []
        asked = query.text.casefold()
        for step in steps:
            for name in names(step.text):
                if name in step.names or name in asked:
                    continue
                reached += self._about(ctx, query, step, name, seen)
        return reached

    def _about(self, ctx: Context, query: Query, step: Step, name: str, seen: set[int]) -> list[Step]:
        """Return the statements nearest to the question that have a name and follow from a step."""
        rows = having(ctx, name)
        rows = rows[query.admitted[rows] & (ctx.index.lengths[rows] <= self.most_words)]
        if not 1 < len(rows) <= self.most_rows:
            return []
        rows = rows[rows != step.position]
        scores = self._scores(ctx, query, step, rows)
        best = np.argsort(-scores, kind="stable")[: self.read]
        texts = {memory.id: memory.text for memory in ctx.memories(rows[best].tolist())}
        good: list[Step] = []
        for place in best.tolist():
            position = int(rows[place])
            text = texts.get(ctx.index.ids[position])
            if text is None or not is_statement(text) or not leads(step.text, text, name):
                continue
            score = float(scores[place])
            good.append(Step(position=position, before=step.position, text=text, score=score, names=step.names | {name}))
        current = [one for one in good if not any(_later(ctx, other, one) and version(one.text, other.text) for other in good)]
        return [one for one in current if one.position not in seen][: self.beam]

    def _scores(self, ctx: Context, query: Query, step: Step, rows: IntArray) -> FloatArray:
        wanted = search_terms(ctx, query)
        scores = np.zeros(len(rows), np.float32)
        for term in wanted.terms:
            held = stands_at(term, rows)
            if step.position in term.positions:
                scores -= np.float32(self.explained) * term.idf * held
            else:
                scores += np.float32(self.residual) * term.idf * held
        scores /= wanted.ideal
        return scores + ctx.index.dense_at(rows, query.vector)


def is_statement(text: str) -> bool:
    """Return whether a text is a single statement in the third person, and no talk."""
    body = text.strip()
    return "\n" not in body and _TALK.search(body) is None


def names(text: str) -> list[str]:
    """Return what a statement may be about: its names, and what stands at its two ends in small letters."""
    found = sorted(phrases(text))
    words = _WORD.findall(text)
    stops = stopwords("en")
    for run in (_run(words, stops), _run(words[::-1], stops)[::-1]):
        name = " ".join(run).casefold()
        if run and not any(word[0].isupper() for word in run) and name not in found:
            found.append(name)
    return found


def _run(words: Sequence[str], stops: frozenset[str]) -> list[str]:
    run: list[str] = []
    for word in words[:_LONGEST_NAME]:
        if word.casefold() in stops:
            break
        run.append(word)
    return run if len(run) < len(words) else []


def having(ctx: Context, name: str) -> IntArray:
    """Return the memories that have a name: as a capitalised phrase, else all its words."""
    positions, _ = ctx.index.postings(phrase_mark(name))
    if len(positions) > 1:
        return positions
    rows: IntArray | None = None
    for term in english_terms(name):
        held, _ = ctx.index.postings(term_id(term))
        rows = held if rows is None else rows[np.isin(rows, held)]
    return np.zeros(0, np.int64) if rows is None else rows


def leads(one: str, other: str, name: str) -> bool:
    """Return whether a statement says something else of a name that another has, and is no version, twin or copy of it.

    >>> leads("Emma was written by Ana.", "Ana died in Rome.", "ana")
    True
    >>> leads("Ana plays chess.", "Eva plays chess.", "chess")
    False
    """
    if name not in other.casefold() or same_words(one, other):
        return False
    return not version(one, other)


def version(one: str, other: str) -> bool:
    """Return whether two statements differ in one name only, at whichever place."""
    words, others = _WORD.findall(one), _WORD.findall(other)
    shorter = min(len(words), len(others))
    front = 0
    while front < shorter and words[front].casefold() == others[front].casefold():
        front += 1
    back = 0
    while back < shorter - front and words[-1 - back].casefold() == others[-1 - back].casefold():
        back += 1
    return front + back > 0 and all(_is_name(part[front : len(part) - back]) for part in (words, others))


def _is_name(words: Sequence[str]) -> bool:
    if not words:
        return False
    if words[0][0].isupper() or words[0][0].isdigit():
        return words[-1][0].isupper() or words[-1][0].isdigit() or len(words) <= _LONGEST_NAME
    return len(words) <= _LONGEST_NAME and not any(word.casefold() in stopwords("en") for word in words)


def _later(ctx: Context, one: Step, other: Step) -> bool:
    at = ctx.index.at
    return bool((at[one.position], one.position) > (at[other.position], other.position))


def _placed(ranked: Ranked, found: Mapping[int, Mapping[str, object]], front: int) -> Ranked:
    """Return the hits with what was found behind the first ones, with the score of the last of these; the last hits make room."""
    order = ranked.positions.tolist()
    head = order[:front]
    added = [position for position in found if position not in head]
    new = [*head, *added, *(position for position in order[front:] if position not in found)][: len(order)]
    place = {position: number for number, position in enumerate(order)}
    source = np.array([place.get(position, -1) for position in new], np.int64)

    def taken(values: FloatArray) -> FloatArray:
        return np.where(source >= 0, values[source], np.float32(0.0)).astype(np.float32)

    scores = taken(ranked.scores)
    scores[len(head) : len(head) + len(added)] = ranked.scores[len(head) - 1]
    return replace(
        ranked,
        positions=np.array(new, np.int64),
        scores=scores,
        parts={name: taken(part) for name, part in ranked.parts.items()},
        notes={**ranked.notes, **{position: {**ranked.notes.get(position, {}), **note} for position, note in found.items()}},
    )
