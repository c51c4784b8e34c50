"""Answering in rounds over a pool of evidence that may be revised: an answer of an earlier round changes when what it rested on falls.

Source: RetroRAG (arXiv 2501.05475): collate, discover, answer with and without what was inferred, evaluate, ask for the missing link.
Differs: an answer counts as reliable only when its names and numbers stand in the pool, whatever the model says of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from mneme.core.errors import InvalidInput, ModelError
from mneme.core.llm import LLM, Prompt
from mneme.retrieval.evidence_pool import EvidencePool, Inference, Source, attributed, words_of
from mneme.space import Space
from mneme.text.sentences import sentences

T = TypeVar("T")
_TRIM = (("sources", "head"), ("inferred", "tail"))
DISCOVER = Prompt(
    role="retro.discover",
    system="From numbered sources you infer statements that help to answer a question, each about one thing, citing its sources by number. "
    "Name by number the earlier statements that a new one proves wrong.",
    template="Question: $question\n\nSources:\n$sources\n\nEarlier statements:\n$inferred",
    trim=_TRIM,  # type: ignore[arg-type]
)
ANSWER = Prompt(
    role="retro.answer",
    system="You answer a question in few words from what is given alone, and judge your answer: reliable or not, how good from 0 to 1.",
    template="Question: $question\n\nSources:\n$sources\n\nStatements:\n$inferred",
    trim=_TRIM,  # type: ignore[arg-type]
)
MISSING = Prompt(
    role="retro.missing",
    system="An answer is not certain yet. You write one short search for the link that is missing; never one that was asked before.",
    template="Question: $question\n\nStatements:\n$inferred\n\nAnswer so far: $answer\n\nAsked before:\n$asked",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A statement, what it is about, its sources and what it proves wrong, by number from 1."""

    statement: str
    entity: str
    sources: list[int]
    replaces: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """What was inferred."""

    items: list[Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An answer as its maker judges it."""

    answer: str
    reliable: bool
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What to search for next."""

    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The answer of one round: its text, the one without inferences, its score in [0, 1] and whether it is reliable."""

    round: int
    query: str
    text: str
    without: str
    score: float
    reliable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answer, every round's candidate, and the pool with all that became of it."""

    text: str
    reliable: bool
    rounds: tuple[Candidate, ...]
    pool: EvidencePool


class RetroReader:
    """Answers from one space.

    Args:
        space: the space.
        llm: infers, answers and asks on; None, or a model that fails, leaves it to rules.
        rounds: at most.
        k: passages of a round.
        enough: score from which a rule's answer is reliable.
        retroactive: False is a forward chain, for comparison.
    """

    def __init__(
        self, space: Space, llm: LLM | None = None, *, rounds: int = 5, k: int = 5, enough: float = 0.8, retroactive: bool = True
    ) -> None:
        if rounds < 1 or k < 1:
            raise InvalidInput({"rounds": "and k must be at least 1"})
        self.space, self._llm, self._rounds, self._k, self._enough, self._retroactive = space, llm, rounds, k, enough, retroactive

    def ask(self, question: str) -> Outcome:
        """Return the answer that was evaluated best, of the last round where it is reliable."""
        pool = EvidencePool(question=question, retroactive=self._retroactive)
        query: str | None = question
        asked: list[str] = []
        made: list[Candidate] = []
        while query is not None and len(made) < self._rounds:
            asked.append(query)
            for hit in self.space.recall(query, k=self._k).hits:
                pool.collate(Source(id=hit.memory.id, text=hit.text, query=query, round=len(asked)))
            self._discover(pool, len(asked))
            made.append(self._candidate(pool, query, len(asked)))
            if made[-1].reliable:
                break
            query = self._next(pool, made[-1], asked)
        best = made[-1] if made[-1].reliable else max(made, key=lambda one: (one.score, one.round))
        return Outcome(text=best.text, reliable=best.reliable, rounds=tuple(made), pool=pool)

    def _discover(self, pool: EvidencePool, number: int) -> None:
        sources, active = list(pool.sources.values()), pool.active
        found = self._told(DISCOVER, _given(pool), Discovered)
        for item in found.items if found else ():
            support = tuple(sources[place - 1].id for place in item.sources if 0 < place <= len(sources))
            replaces = [active[place - 1] for place in item.replaces if 0 < place <= len(active)]
            if item.statement.strip():
                one = Inference(statement=item.statement.strip(), entity=item.entity.strip(), support=support, round=number)
                pool.admit(one, replaces=replaces)
        if found is None:
            self._infer(pool, number)

    def _infer(self, pool: EvidencePool, number: int) -> None:
        """Infer by rule: the sentences that name what the question is about, and those that share a name with one that holds."""
        for hop in (0, 1):
            names = pool.names(pool.question) if hop == 0 else [name for one in pool.active for name in pool.names(one.statement)]
            keys = {name: pool.words(name) for name in names}
            for source in list(pool.sources.values()):
                for sentence in sentences(source.text):
                    said = pool.words(sentence)
                    entity = next((name for name, words in keys.items() if words <= said), None)
                    if entity is not None and not sentence.rstrip().endswith("?"):
                        pool.admit(Inference(statement=sentence.strip(), entity=entity, support=(source.id,), round=number))

    def _candidate(self, pool: EvidencePool, query: str, number: int) -> Candidate:
        given = _given(pool)
        said = self._told(ANSWER, given, Judged)
        plain = self._told(ANSWER, {**given, "inferred": "none"}, Judged) if said else None
        if said is None:
            chain, score = _chain(pool)
            text = chain[-1].statement if chain else ""
            nearest = max(pool.sources.values(), key=lambda one: len(pool.words(one.text) & pool.words(pool.question)), default=None)
            without = nearest.text if nearest else ""
            return Candidate(
                round=number, query=query, text=text, without=without, score=score, reliable=bool(text) and score >= self._enough
            )
        grounds = " ".join([*(one.statement for one in pool.active), *(one.text for one in pool.sources.values())])
        held = attributed(said.answer, grounds)
        score = min(max(said.score, 0.0), 1.0) if held else 0.0
        without = plain.answer if plain else ""
        return Candidate(round=number, query=query, text=said.answer, without=without, score=score, reliable=said.reliable and held)

    def _next(self, pool: EvidencePool, last: Candidate, asked: list[str]) -> str | None:
        """Return a search that was not made yet, or None."""
        told = {"question": pool.question, "inferred": _given(pool)["inferred"], "answer": last.text, "asked": "\n".join(asked)}
        said = self._told(MISSING, told, Missing)
        before = [words_of(one) for one in asked]
        chain, _ = _chain(pool)
        missing = sorted(pool.words(pool.question) - {word for one in chain for word in _backed(pool, one)})
        asked_about = pool.names(pool.question)
        names = [*(name for one in reversed(chain) for name in reversed(pool.names(one.statement))), *asked_about]
        options = [said.query] if said else []
        options += [" ".join([name, *missing]) for name in (*asked_about, *names)]
        options += [*asked_about, *(name for one in pool.active for name in pool.names(one.statement))]
        return next((one for one in options if words_of(one) and words_of(one) not in before), None)

    def _told(self, prompt: Prompt, said: Mapping[str, object], schema: type[T]) -> T | None:
        if self._llm is None:
            return None
        try:
            return self._llm.ask(prompt, said, schema)
        except ModelError:
            return None


def _given(pool: EvidencePool) -> dict[str, str]:
    sources = "\n".join(f"[{number}] {one.text}" for number, one in enumerate(pool.sources.values(), 1))
    inferred = "\n".join(f"[{number}] {one.statement}" for number, one in enumerate(pool.active, 1))
    return {"question": pool.question, "sources": sources or "none", "inferred": inferred or "none"}


def _backed(pool: EvidencePool, one: Inference) -> frozenset[str]:
    return pool.words(one.statement).union(*(pool.words(pool.sources[id].text) for id in one.support if id in pool.sources))


def _chain(pool: EvidencePool, longest: int = 3) -> tuple[list[Inference], float]:
    """Return statements that hold and lead from the question's names on, and the share of the question's words that they have."""
    active, asked, own = pool.active, pool.words(pool.question), frozenset(pool.names(pool.question))
    start = {name.casefold() for name in own}
    names = {one.statement: frozenset(pool.names(one.statement)) for one in active}
    backed = {one.statement: _backed(pool, one) & asked for one in active}
    paths = [[one] for one in active if not start or start & {name.casefold() for name in names[one.statement]}]
    best: tuple[list[Inference], float] = ([], 0.0)
    for _ in range(longest):
        for path in paths:
            share = len(frozenset().union(*(backed[one.statement] for one in path))) / max(len(asked), 1)
            if share > best[1]:
                best = (path, share)
        paths = [
            [*path, one]
            for path in paths[:64]
            for one in active
            if one not in path and names[one.statement] & (names[path[-1].statement] - own)
        ]  # fmt: skip
    return best
