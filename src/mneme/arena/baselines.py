"""The baselines: small, fixed designs that every other one is compared with.

Each is a way to score the corpus; feeding, ranking and packing are shared. Contexts are filled in the order of rank.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from mneme.arena.corpus import Corpus, Scores
from mneme.arena.subject import Answer, Asked, Context, Recipe, Stopwatch, Subject, Tools, context_line, fill
from mneme.arena.task import Sample
from mneme.core.ports import FloatArray
from mneme.core.records import Message

RRF_K = 60
WINDOW_REACH = 2
NEIGHBOUR_REACH = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question on its way through a scorer; the vector is there when the scorer asked for one."""

    asked: Asked
    vector: FloatArray | None
    seed: int


Scorer = Callable[[Corpus, Probe], Scores]


@dataclass(slots=True, kw_only=True)
class Scored:
    """A subject that scores every message and returns the best.

    Args:
        tools: what it is built from.
        scorer: returns ``(n,)`` scores; minus infinity leaves a message out.
        by_session: whether it ranks whole sessions, so that their order is known beyond the hits.
        needs: which of ``vectors`` and ``terms`` are prepared when messages are fed.
    """

    tools: Tools
    scorer: Scorer
    needs: frozenset[str]
    by_session: bool = False
    corpus: Corpus = field(init=False)
    _lengths: dict[str, int] = field(init=False, default_factory=dict)
    _last: tuple[str, Sequence[tuple[str, float]]] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.corpus = Corpus(self.tools.embedder, self.tools.analyser)

    def feed(self, messages: Sequence[Message]) -> None:
        """Take in messages and prepare what the scorer needs."""
        self.corpus.add(messages)
        self._last = None
        if "vectors" in self.needs:
            self.corpus.prepare_vectors()
        if "terms" in self.needs:
            self.corpus.prepare_terms()

    def ask(self, asked: Asked, k: int) -> Answer:
        """Return the ``k`` best messages; ties in the order in which they were fed."""
        watch = Stopwatch()
        ranking = self._rank(asked, watch)
        sessions = None
        if self.by_session:
            session_of = dict(zip(self.corpus.refs, self.corpus.messages, strict=True))
            sessions = list(dict.fromkeys(session for ref, _ in ranking if (session := session_of[ref].session)))
        return Answer(hits=ranking[:k], stages_ms=watch.stages_ms, sessions=sessions)

    def pack(self, asked: Asked, budget_tokens: int) -> Context:
        """Fill the budget in the order of rank."""
        if self._last is None or self._last[0] != asked.id:
            self._rank(asked, Stopwatch())
        assert self._last is not None
        for message in self.corpus.messages[len(self._lengths) :]:
            self._lengths[message.ref or ""] = self.tools.count_tokens(context_line(message)) + 1
        return fill((ref for ref, _ in self._last[1]), self._lengths, budget_tokens)

    def close(self) -> None:
        """Nothing to let go of."""

    def _rank(self, asked: Asked, watch: Stopwatch) -> Sequence[tuple[str, float]]:
        ranking: list[tuple[str, float]] = []
        if len(self.corpus):
            vector = None
            if "vectors" in self.needs:
                with watch.stage("embed"):
                    vector = self.corpus.embed_query(asked.text)
            with watch.stage("search"):
                scores = self.scorer(self.corpus, Probe(asked=asked, vector=vector, seed=self.tools.seed))
                order = np.argsort(-scores, kind="stable")
                ranking = [(self.corpus.refs[position], float(scores[position])) for position in order if np.isfinite(scores[position])]
        self._last = (asked.id, ranking)
        return ranking


def bm25(corpus: Corpus, probe: Probe) -> Scores:
    """Score the words of the message; messages without any of the query's words are left out."""
    scores = corpus.bm25(probe.asked.text)
    return np.where(scores > 0, scores, -np.inf)


def dense(corpus: Corpus, probe: Probe) -> Scores:
    """Score the cosine of the message's best passage."""
    return corpus.dense(_vector(probe))


def hybrid_rrf(corpus: Corpus, probe: Probe) -> Scores:
    """Fuse the ranks of both (Cormack et al. 2009, k = 60)."""
    total = np.zeros(len(corpus))
    for scores in (bm25(corpus, probe), dense(corpus, probe)):
        ranks = np.empty(len(corpus))
        ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(corpus) + 1)
        total += np.where(np.isfinite(scores), 1 / (RRF_K + ranks), 0.0)
    return total


def four_sum(corpus: Corpus, probe: Probe) -> Scores:
    """Sum the z-scores of message vector, mean of the neighbours' vectors, BM25 of the message and BM25 of its five-message window.

    The mean of vectors, taken with a query, is the mean of their cosines. Windows end at the session's edge.
    """
    cosines = corpus.dense(_vector(probe))
    window = corpus.windows(NEIGHBOUR_REACH)
    means = (window @ cosines) / np.asarray(window.sum(axis=1)).ravel()
    words = corpus.bm25(probe.asked.text)
    window_words = corpus.bm25(probe.asked.text, reach=WINDOW_REACH)
    return z_scores(cosines) + z_scores(means) + z_scores(words) + z_scores(window_words)


def session_dense(corpus: Corpus, probe: Probe) -> Scores:
    """Score whole sessions by the mean of their vectors; messages of a session keep their order."""
    members, vectors = corpus.session_vectors()
    cosines = vectors @ _vector(probe)
    scores = np.empty(len(corpus))
    # Sessions that score alike must not be shuffled into each other: the rank of the session is the score.
    for rank, session in enumerate(np.argsort(-cosines, kind="stable")):
        scores[members[session]] = len(members) - rank
    return scores


def full_context(corpus: Corpus, probe: Probe) -> Scores:
    """Rank the newest first: a prompt that holds everything, cut at its old end when it must be."""
    return np.arange(len(corpus), dtype=np.float64)


def random_order(corpus: Corpus, probe: Probe) -> Scores:
    """Draw an order from the seed and the question's id."""
    rng = np.random.default_rng([probe.seed, *probe.asked.id.encode()])
    return rng.random(len(corpus))


def z_scores(scores: Scores) -> Scores:
    """Return the scores less their mean, over their standard deviation; zeros when they are all equal."""
    spread = float(scores.std())
    return (scores - scores.mean()) / spread if spread > 1e-12 else np.zeros_like(scores)


def _vector(probe: Probe) -> FloatArray:
    assert probe.vector is not None
    return probe.vector


def _scored(scorer: Scorer, *needs: str, by_session: bool = False) -> Callable[[Tools, Sample], Subject]:
    def build(tools: Tools, sample: Sample) -> Subject:
        return Scored(tools=tools, scorer=scorer, needs=frozenset(needs), by_session=by_session)

    return build


def _oracle(tools: Tools, sample: Sample) -> Subject:
    gold = {question.id: question.gold for question in sample.questions}
    sessions = {question.id: question.gold_sessions for question in sample.questions}

    def score(corpus: Corpus, probe: Probe) -> Scores:
        grades = gold[probe.asked.id]
        wanted = sessions[probe.asked.id] if not grades else frozenset()
        found = [float(grades.get(message.ref or "", 0)) or 0.5 * (message.session in wanted) for message in corpus.messages]
        return np.array([grade if grade > 0 else -np.inf for grade in found])

    return Scored(tools=tools, scorer=score, needs=frozenset())


def _recipe(name: str, summary: str, build: Callable[[Tools, Sample], Subject], **settings: object) -> Recipe:
    return Recipe(name=name, summary=summary, build=build, spec={"name": name, "version": 1, **settings})


BASELINES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            _recipe("bm25", "words of author and message", _scored(bm25, "terms"), k1=1.2, b=0.75),
            _recipe("dense", "vector of author and message, of a long one the best passage", _scored(dense, "vectors")),
            _recipe("hybrid-rrf", "bm25 and dense, fused by rank", _scored(hybrid_rrf, "vectors", "terms"), k=RRF_K),
            _recipe(
                "four-sum",
                "z-scores of vector, neighbours' vectors, words, words of the five-message window",
                _scored(four_sum, "vectors", "terms"),
                neighbours=NEIGHBOUR_REACH,
                window=WINDOW_REACH,
            ),
            _recipe("session-dense", "whole sessions by the mean of their vectors", _scored(session_dense, "vectors", by_session=True)),
            _recipe("full-context", "everything, newest first", _scored(full_context)),
            _recipe("random", "an order drawn at random", _scored(random_order)),
            _recipe("oracle", "the gold evidence itself: the most that can be reached", _oracle),
        )
    }
)
