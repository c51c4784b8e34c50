"""An investigation that keeps a hypergraph memory: look, take points in, merge what belongs together, and look again where it is open.

Source: HGMem (arXiv 2512.23959): a planner judges the memory to be enough, or asks for a local look around points or a global one at
entities that no point has; what is found updates and adds points; points are merged for the question. Differs: messages that the points
rest on take at most ``share`` of the places; without a model the words of the question that no point has say whether it is enough,
statements are points as they are, and nearness decides what is merged. A model that fails or misfits is replaced by that, step by step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Literal, TypeVar

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import BoolArray, Context, Query
from mneme.core.errors import BudgetExceeded, ContextOverflow, InvalidReply, ModelUnavailable
from mneme.core.llm import Prompt
from mneme.core.ports import FloatArray
from mneme.retrieval.hypergraph import Entities, Point, Points, entities
from mneme.retrieval.linked import with_tail
from mneme.retrieval.phrases import normalised
from mneme.text.stopwords import stopwords

T = TypeVar("T")
MOST_QUERIES = 3
HOPS = 2

PLAN = Prompt(
    role="hgmem.plan",
    system="You lead an inquiry into a record. You judge whether the notes so far answer a question, and else say what to look for.",
    template="Question: $question\n\nNotes by number, with what they are about:\n$points\n\nSay 'enough' when they answer it; 'local' to "
    "look around some notes, by their numbers; 'global' to look at what no note is about. For a look, give one to three short queries.",
    trim=(("points", "head"),),
)
EVOLVE = Prompt(
    role="hgmem.evolve",
    system="You keep the notes of an inquiry. Each ties two or more of the given entities together and says only what the evidence says.",
    template="Question: $question\n\nNotes by number:\n$points\n\nEvidence by number, with its entities:\n$evidence\n\n"
    "Correct or extend notes that the evidence bears on, and add what is new and may help. Name the evidence and the entities of each.",
    trim=(("points", "head"), ("evidence", "head")),
)
MERGE = Prompt(
    role="hgmem.merge",
    system="You bring notes of an inquiry together where two of them say more as one, for the question at hand.",
    template="Question: $question\n\nNotes by number:\n$points\n\nName the pairs that belong together, each with one text for both; "
    "none is fine.",
    trim=(("points", "head"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do next."""

    verdict: Literal["enough", "local", "global"]
    points: list[int]
    queries: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A note's new text."""

    point: int
    text: str
    evidence: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A new note."""

    text: str
    entities: list[str]
    evidence: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolved:
    """What evidence changes."""

    changed: list[Changed]
    added: list[Added]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two notes that become one."""

    first: int
    second: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The notes that become one."""

    pairs: list[Pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class Investigating:
    """Gives the last places to messages that the points of an investigation rest on.

    Args:
        steps: how often it looks at most.
        entities: how many entities are looked at for one query.
        statements: how much evidence is taken in for one query.
        same: the cosine from which a statement on the same entities updates a point.
        near: the mean cosine between two points and the question from which they are merged.
        synonym: the cosine from which entities mean the same.
        share: of the places that messages may take.
    """

    steps: int = 3
    entities: int = 10
    statements: int = 5
    same: float = 0.85
    near: float = 0.5
    synonym: float = 0.8
    share: float = 0.4

    def refine(self, ctx: Context, query: Query, ranked: Ranked) -> Ranked:
        """Return the hits with what the points rest on among the last, as many as there were; ``why["points"]`` tells the points."""
        order = ranked.positions.tolist()
        if not order:
            return ranked
        points = sorted(self.investigate(ctx, query), key=lambda point: (-float(point.vector @ query.vector), point.id))
        resting = dict.fromkeys(source for point in points for source in point.sources)
        places = min(int(self.share * len(order)), len(resting))
        kept = order[: len(order) - places]
        added = [source for source in resting if source not in kept][:places]
        added += [position for position in order[len(kept) :] if position not in added][: places - len(added)]
        told = {position: [point.text for point in points if position in point.sources] for position in (*kept, *added)}
        moved = with_tail(ranked, kept, added) if places else ranked
        notes = {position: {**ranked.notes.get(position, {}), "points": texts} for position, texts in told.items() if texts}
        return replace(moved, notes={**moved.notes, **notes})

    def investigate(self, ctx: Context, query: Query) -> list[Point]:
        """Return the points of a question, in order of making."""
        known = entities(ctx, self.synonym)
        inquiry = Inquiry(ctx=ctx, query=query, known=known, statements=query.admitted[known.positions], settings=self)
        for step in range(self.steps):
            plan = inquiry.plan(step)
            if plan.verdict == "enough":
                break
            evidence = inquiry.look(plan)
            ctx.trace.note(hgmem=plan.verdict, points=len(inquiry.points.at), evidence=len(evidence))
            if evidence:
                inquiry.evolve(evidence)
                inquiry.merge()
            elif ctx.llm is None and step:
                break
        return list(inquiry.points.at.values())


@dataclass(slots=True, kw_only=True)
class Inquiry:
    """The state of one investigation.

    Args:
        ctx, query: what is asked of which space.
        known: its entities.
        statements: ``(s,)``: which statements may be seen.
        settings: how far to look.
        points: what is known so far.
    """

    ctx: Context
    query: Query
    known: Entities
    statements: BoolArray
    settings: Investigating
    points: Points = field(default_factory=Points)

    def plan(self, step: int) -> Plan:
        """Return what to do next; nothing is local where there is no point."""
        said = self._ask(PLAN, {"question": self.query.text, "points": self._listed()}, Plan) or self._plan_by_rule(step)
        points = [id for id in dict.fromkeys(said.points) if id in self.points.at]
        queries = [text for text in dict.fromkeys(text.strip() for text in said.queries) if text] or [self.query.text]
        verdict = "global" if said.verdict == "local" and not points else said.verdict
        return Plan(verdict=verdict, points=points, queries=queries[:MOST_QUERIES])

    def candidates(self, plan: Plan) -> BoolArray:
        """Return ``(p,)``: the entities that a look may find: within two hops of its points, or those that no point has."""
        if plan.verdict == "local":
            start = frozenset().union(*(self.points.at[id].entities for id in plan.points))
            near = self.known.around(start, self.statements, hops=HOPS)
            beside = [point.entities for point in self.points.at.values() if point.entities & start]
            near[list(frozenset().union(*beside))] = True
            return near
        free = self.known.among(self.statements)
        free[list(self.points.entities)] = False
        return free

    def look(self, plan: Plan) -> list[int]:
        """Return the statements that the queries find, best first for each; none that a point has."""
        allowed = self.candidates(plan)
        fresh = self.statements.copy()
        fresh[list(self.points.statements)] = False
        # A local look stays among its candidates; a global one may tie something new to what points have.
        fresh = self.known.inside(allowed, fresh) if plan.verdict == "local" else self.known.touching(allowed, fresh)
        if not fresh.any():
            return []
        found: dict[int, None] = {}
        for vector in self._vectors(plan.queries):
            scores = self.ctx.index.dense(vector)[self.known.positions]
            chosen = self._nearest(vector, scores, allowed)
            numbers = np.flatnonzero(self.known.touching(chosen, fresh))
            best = numbers[np.argsort(-scores[numbers], kind="stable")][: self.settings.statements]
            found.update(dict.fromkeys(best.tolist()))
        return list(found)

    def evolve(self, evidence: Sequence[int]) -> None:
        """Update and add points by evidence."""
        texts = self._texts(evidence)
        listed = "\n".join(f"{number}. {text} [{self._named(self.known.of(at))}]" for number, (at, text) in enumerate(texts.items()))
        said = {"question": self.query.text, "points": self._listed(), "evidence": listed}
        reply = self._ask(EVOLVE, said, Evolved)
        if reply is None:
            self._evolve_by_rule(texts)
            return
        numbered = list(texts)
        for change in reply.changed:
            used = [numbered[number] for number in dict.fromkeys(change.evidence) if 0 <= number < len(numbered)]
            if change.text.strip() and change.point in self.points.at:
                self.points.update(change.point, change.text, self._vectors([change.text])[0], self._sources(used), used)
        for new in reply.added:
            used = [numbered[number] for number in dict.fromkeys(new.evidence) if 0 <= number < len(numbered)]
            shown = {self.known.names[end]: end for at in used for end in self.known.of(at)}
            held = {shown[name] for name in map(normalised, new.entities) if name in shown}
            if new.text.strip():
                self.points.insert(new.text, held, self._sources(used), used, self._vectors([new.text])[0])

    def merge(self) -> None:
        """Bring points together that say more as one; each takes part once."""
        if len(self.points.at) < 2:
            return
        reply = self._ask(MERGE, {"question": self.query.text, "points": self._listed()}, Pairs)
        pairs = self._pairs_by_rule() if reply is None else [(pair.first, pair.second, pair.text) for pair in reply.pairs]
        old = set(self.points.at)
        for one, other, text in pairs:
            if text.strip() and one in old and other in old and self.points.merge(one, other, text, self._vectors([text])[0]):
                old -= {one, other}

    def _plan_by_rule(self, step: int) -> Plan:
        points = list(self.points.at.values())
        wanted = _words(self.query.text)
        enough = points and wanted <= frozenset().union(*(_words(point.text) for point in points))
        nearest = max(points, key=lambda point: float(point.vector @ self.query.vector)).id if points and step % 2 else None
        verdict: Literal["enough", "local", "global"] = "enough" if enough else "global" if nearest is None else "local"
        return Plan(verdict=verdict, points=[] if nearest is None else [nearest], queries=[self.query.text])

    def _evolve_by_rule(self, texts: Mapping[int, str]) -> None:
        at = self.ctx.index.at
        for (number, text), vector in zip(texts.items(), self._vectors(list(texts.values())), strict=True):
            held, place = self.known.of(number), self.known.positions[number]
            twins = [point for point in self.points.at.values() if point.entities == held and point.vector @ vector >= self.settings.same]
            if not twins:
                self.points.insert(text, held, self._sources([number]), [number], vector)
                continue
            twin = max(twins, key=lambda point: float(point.vector @ vector))
            newer = all(at[place] >= at[self.known.positions[other]] for other in twin.statements)
            said, near = (text, vector) if newer else (twin.text, twin.vector)
            self.points.update(twin.id, said, near, self._sources([number]), [number])

    def _pairs_by_rule(self) -> list[tuple[int, int, str]]:
        """Return the pairs that share an entity and are near to each other and the question, nearest first."""
        near = []
        for one, other in combinations(self.points.at.values(), 2):
            cosines = (one.vector @ other.vector, one.vector @ self.query.vector, other.vector @ self.query.vector)
            mean = float(np.mean(cosines))
            if one.entities & other.entities and mean >= self.settings.near:
                near.append((-mean, one.id, other.id, f"{one.text} {other.text}"))
        return [(one, other, text) for _, one, other, text in sorted(near)]

    def _nearest(self, vector: FloatArray, scores: FloatArray, allowed: BoolArray) -> BoolArray:
        """Return ``(p,)``: the entities nearest to a query by their name or by what is said of them."""
        fit = np.asarray(self.known.vectors @ vector, np.float32)
        seen = self.statements[self.known.statement]
        np.maximum.at(fit, self.known.entity[seen], scores[self.known.statement[seen]])
        chosen = np.zeros(len(fit), bool)
        chosen[np.argsort(-np.where(allowed, fit, -np.inf), kind="stable")[: self.settings.entities]] = True
        return chosen & allowed

    def _texts(self, numbers: Sequence[int]) -> dict[int, str]:
        positions = self.known.positions[list(numbers)].tolist()
        read = {memory.id: memory.text for memory in self.ctx.memories(positions)}
        ids = self.ctx.index.ids
        return {number: read[ids[place]] for number, place in zip(numbers, positions, strict=True) if ids[place] in read}

    def _sources(self, numbers: Sequence[int]) -> list[int]:
        """Return the messages that statements rest on, or the statements where these may not be seen."""
        found: list[int] = []
        for place in self.known.positions[list(numbers)].tolist() if numbers else []:
            found += [rest for rest in self.known.rests.get(place, ()) if self.query.admitted[rest]] or [place]
        return found

    def _listed(self) -> str:
        return "\n".join(f"{point.id}. {point.text} [{self._named(point.entities)}]" for point in self.points.at.values()) or "none"

    def _named(self, held: frozenset[int]) -> str:
        return ", ".join(self.known.names[end] for end in sorted(held))

    def _vectors(self, texts: Sequence[str]) -> FloatArray:
        return self.ctx.embedder.embed(texts)

    def _ask(self, prompt: Prompt, said: Mapping[str, object], reply: type[T]) -> T | None:
        """Return the model's reply, None where there is no model or it fails."""
        if self.ctx.llm is None:
            return None
        try:
            return self.ctx.llm.ask(prompt, said, reply)
        except (BudgetExceeded, ContextOverflow, InvalidReply, ModelUnavailable) as error:
            self.ctx.trace.note(hgmem=f"{prompt.role} by rule: {type(error).__name__}")
            return None


def _words(text: str) -> frozenset[str]:
    """Return what the words of a text begin with, without those that are in every text."""
    return frozenset(word[:6] for word in re.findall(r"\w+", text.casefold()) if word not in stopwords("en") and len(word) > 2)
