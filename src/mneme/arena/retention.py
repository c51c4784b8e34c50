"""The retention simulation: conversations arrive in order, the space is held to a share of its tokens, and questions are asked.

One trial is one sample under one policy and share. Upkeep runs about eight times over a sample, and a share of the questions is asked on
the way, of what was said up to then. What counts as found is measured twice. *Recall* counts a hit that rests on a gold message, also
when only a part of the message is left, as everywhere in the arena. *Content* counts of a gold message only the share of its
answer-bearing words that the hits still have: the words it shares with the reference answer, if there are none those with the question,
if there are none all of its content words; a whole message has all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np

from mneme.arena.significance import Interval, bootstrap_mean, holm, permutation_p
from mneme.arena.task import Question, Sample
from mneme.core.clock import FrozenClock
from mneme.core.ports import Embedder
from mneme.core.records import NO_NUMBERS, Message
from mneme.core.records import Memory as MemoryRecord
from mneme.memory import Memory
from mneme.retention.budgets import Limit
from mneme.retention.duplicates import NEGATIONS, Duplicates
from mneme.retention.exponential import Exponential
from mneme.retention.replacement import DEFAULT
from mneme.space import Space
from mneme.text.analyser import Analyser
from mneme.text.stopwords import stopwords
from mneme.text.tokens import count_tokens

POLICIES = (DEFAULT, "fifo", "lru", "lfu", "w-tinylfu", "lowest-retention", "lowest-heat", "value-whole", "random")
"""What is compared; ``value-whole`` is value per token with whole messages, nothing condensed."""
SHARES = (0.5, 0.25, 0.1)
UNLIMITED = "unlimited"
MEASURES = ("recall", "content", "coverage", "kept", "kept_content")
TARGETS: Mapping[float, float] = {0.5: 0.9, 0.25: 0.75, 0.1: 0.5}
"""Share of the tokens -> the share of the unlimited recall that the default policy should keep."""

_ON_THE_WAY = " on the way "
_DEPTH = 10
_CONTEXT = 1000
_ANALYSER = Analyser("en")
_FUNCTION_WORDS = stopwords("en") - NEGATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One question under one policy and share; all but the first field in [0, 1].

    Args:
        question: its id, with the pass behind it when it was asked on the way.
        recall: share of the gold messages that one of ten hits rests on.
        content: mean share of the answer-bearing words of each gold message in the hits that rest on it.
        coverage: share of the gold messages in a context of 1,000 tokens.
        kept: share of the gold messages of which something is in the space.
        kept_content: mean share of their answer-bearing words that is.
    """

    question: str
    recall: float
    content: float
    coverage: float
    kept: float
    kept_content: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One sample under one policy and share.

    Args:
        sample: its id.
        policy: its name; ``unlimited`` for the space without a limit.
        share: of the tokens; 1.0 for ``unlimited``.
        scores: one per question, in a fixed order.
        left: tokens in the space at the end, as a share of all.
        seconds: spent in upkeep.
    """

    sample: str
    policy: str
    share: float
    scores: tuple[Score, ...]
    left: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One policy at one share, over all samples.

    Args:
        policy, share, scores, left, seconds: as in :class:`Trial`; ``left`` is the mean, ``seconds`` the sum.
    """

    policy: str
    share: float
    scores: tuple[Score, ...]
    left: float
    seconds: float

    def values(self, measure: str) -> list[float]:
        """Return one of ``MEASURES``, a value per question."""
        return [getattr(score, measure) for score in self.scores]

    def mean(self, measure: str) -> Interval:
        """Return the mean of one of ``MEASURES`` with its interval."""
        return bootstrap_mean(self.values(measure))


@dataclass(slots=True, kw_only=True)
class _Run:
    """One sample under one policy."""

    sample: Sample
    limit: Limit | None
    embedder: Embedder
    every: int
    refs: dict[str, str] = field(default_factory=dict)
    said: dict[str, frozenset[str]] = field(default_factory=dict)
    scores: list[Score] = field(default_factory=list)
    seconds: float = 0.0
    left: float = 0.0

    def run(self, on_the_way: bool) -> None:
        """Feed, keep, ask."""
        start = self.sample.messages[0].at
        clock = FrozenClock(start) if start is not None else None
        recipe = replace(Memory(":memory:", embedder=self.embedder).recipe, keepers=(Duplicates(),), curve=Exponential(scale_days=365.0))
        with Memory(":memory:", embedder=self.embedder, recipe=recipe, clock=clock, seed=1) as memory:
            space = memory.space("arena")
            for number, part in enumerate(_batches(self.sample.messages, self.every)):
                if clock is not None and part[-1].at is not None:
                    clock.set(max(clock.now(), part[-1].at))
                receipt = space.remember(part)
                self.said.update((message.ref or "", content_words(indexed(message))) for message in part)
                self.refs.update(zip(receipt.episodes, (message.ref or "" for message in part), strict=True))
                if self.limit is not None:
                    self.seconds += space.upkeep(limits=[self.limit]).seconds
                if on_the_way and number % 4 == 3:
                    self._ask(space, _answerable(self.sample.questions, set(self.refs.values()), number), f"{_ON_THE_WAY}{number}")
            self._ask(space, [question for question in self.sample.questions if question.gold], "")
            self.left = space.tokens() / max(tokens_of(self.sample), 1)

    def _ask(self, space: Space, questions: Sequence[Question], when: str) -> None:
        there = self._words_by_ref(_all(space))
        for question in questions:
            hits = self._words_by_ref([hit.memory for hit in space.recall(question.text, k=_DEPTH).hits])
            packed = space.recall(question.text, budget_tokens=_CONTEXT)
            marked = set(packed.marks.values())
            context = {ref for hit in packed.hits if hit.memory.id in marked for ref in self._refs_of(hit.memory)}
            gold = [ref for ref in question.gold if ref in self.said] or list(question.gold)
            self.scores.append(
                Score(
                    question=question.id + when,
                    recall=float(np.mean([ref in hits for ref in gold])),
                    content=self._content(question, gold, hits),
                    coverage=float(np.mean([ref in context for ref in gold])),
                    kept=float(np.mean([ref in there for ref in gold])),
                    kept_content=self._content(question, gold, there),
                )
            )

    def _content(self, question: Question, gold: Sequence[str], found: Mapping[str, set[str]]) -> float:
        shares = []
        for ref in gold:
            bearing = bearing_words(question, self.said.get(ref, frozenset()))
            here = found.get(ref, set())
            shares.append(len(bearing & here) / len(bearing) if bearing else float(ref in found))
        return float(np.mean(shares))

    def _words_by_ref(self, memories: Sequence[MemoryRecord]) -> dict[str, set[str]]:
        words: dict[str, set[str]] = {}
        for memory in memories:
            for ref in self._refs_of(memory):
                words.setdefault(ref, set()).update(content_words(memory.indexed_text))
        return words

    def _refs_of(self, memory: MemoryRecord) -> list[str]:
        return [ref for span in memory.sources if (ref := self.refs.get(span.episode))] or ([memory.ref] if memory.ref else [])


def trial(
    sample: Sample,
    embedder: Embedder,
    policy: str,
    share: float,
    *,
    weights: Mapping[str, float] = NO_NUMBERS,
    on_the_way: bool = True,
    every: int = 0,
) -> Trial:
    """Return what one policy makes of one sample.

    Args:
        sample: the conversation and its questions.
        embedder: cached by content, so that trials share the work.
        policy: one of ``POLICIES`` or ``unlimited``.
        share: of the sample's tokens.
        weights: what makes a text worth keeping; empty takes the constants of :mod:`mneme.retention.worth`.
        on_the_way: ask between sessions too.
        every: upkeep after so many sessions; 0 spreads about eight passes over a sample.
    """
    limit = None
    if policy != UNLIMITED:
        whole = policy == "value-whole"
        limit = Limit(tokens=int(tokens_of(sample) * share), policy=DEFAULT if whole else policy, condense=not whole, weights=dict(weights))
    run = _Run(sample=sample, limit=limit, embedder=embedder, every=every)
    run.run(on_the_way)
    return Trial(sample=sample.id, policy=policy, share=share, scores=tuple(run.scores), left=run.left, seconds=run.seconds)


def simulate(
    samples: Sequence[Sample],
    embedder: Embedder,
    *,
    policies: Sequence[str] = POLICIES,
    shares: Sequence[float] = SHARES,
    weights: Callable[[int], Mapping[str, float]] = lambda number: NO_NUMBERS,
    on_the_way: bool = True,
    every: int = 0,
) -> list[Outcome]:
    """Return an outcome for the unlimited space and for every policy at every share.

    Args:
        samples: the conversations.
        embedder, on_the_way, every: as :func:`trial`.
        policies: replacement policies.
        shares: of each sample's tokens.
        weights: number of a sample -> its weights, so that they may come from other samples.
    """
    trials = [
        trial(sample, embedder, policy, share, weights=weights(number), on_the_way=on_the_way, every=every)
        for policy, share in conditions(policies, shares)
        for number, sample in enumerate(samples)
    ]
    return gathered(trials)


def conditions(policies: Sequence[str], shares: Sequence[float]) -> list[tuple[str, float]]:
    """Return every policy with every share, the unlimited space first."""
    return [(UNLIMITED, 1.0), *((policy, share) for share in shares for policy in policies)]


def gathered(trials: Sequence[Trial]) -> list[Outcome]:
    """Return the outcomes of trials, in the order of their first."""
    by: dict[tuple[str, float], list[Trial]] = {}
    for each in trials:
        by.setdefault((each.policy, each.share), []).append(each)
    return [
        Outcome(
            policy=policy,
            share=share,
            scores=tuple(score for each in rows for score in each.scores),
            left=float(np.mean([each.left for each in rows])),
            seconds=sum(each.seconds for each in rows),
        )
        for (policy, share), rows in by.items()
    ]


def compared(outcomes: Sequence[Outcome], ours: str = DEFAULT, measure: str = "recall") -> dict[tuple[str, float], float]:
    """Return (policy, share) -> p of the paired test that ours is no better or worse than it at the same share, Holm-corrected.

    Pairs are questions: one that was asked several times counts once, by its mean.
    """
    by = {(outcome.policy, outcome.share): outcome for outcome in outcomes}
    pairs = [key for key in by if key[0] not in (ours, UNLIMITED) and (ours, key[1]) in by]
    ps = [permutation_p(_by_question(by[ours, share], by[policy, share], measure)) for policy, share in pairs]
    return dict(zip(pairs, holm(ps), strict=True))


def _by_question(ours: Outcome, other: Outcome, measure: str) -> list[float]:
    """Return the mean difference of each question."""
    differences: dict[str, list[float]] = {}
    for one, two in zip(ours.scores, other.scores, strict=True):
        differences.setdefault(one.question.partition(_ON_THE_WAY)[0], []).append(getattr(one, measure) - getattr(two, measure))
    return [float(np.mean(values)) for values in differences.values()]


def relative(outcomes: Sequence[Outcome], measure: str = "recall") -> dict[tuple[str, float], float]:
    """Return (policy, share) -> the measure as a share of the unlimited space's."""
    whole = next(outcome for outcome in outcomes if outcome.policy == UNLIMITED).mean(measure).mean
    return {(outcome.policy, outcome.share): outcome.mean(measure).mean / whole if whole else 0.0 for outcome in outcomes}


def tokens_of(sample: Sample) -> int:
    """Return the tokens of everything that is said in a sample."""
    return sum(count_tokens(indexed(message)) for message in sample.messages)


def bearing_words(question: Question, every: frozenset[str]) -> frozenset[str]:
    """Return those of a gold message's content words that bear the answer."""
    return (every & content_words(question.answer)) or (every & content_words(question.text)) or every


def indexed(message: Message) -> str:
    """Return what search sees of a message."""
    captions = [medium.caption for medium in message.media if medium.caption]
    return "\n".join([message.text, *captions])


def content_words(text: str) -> frozenset[str]:
    """Return the content words of a text: function words tell nothing of what is remembered."""
    return frozenset(_ANALYSER.terms(text)) - _FUNCTION_WORDS


def _batches(messages: Sequence[Message], every: int) -> Iterator[list[Message]]:
    sessions = [list(group) for _, group in groupby(messages, key=lambda message: message.session)]
    size = every or max(1, len(sessions) // 8)
    for start in range(0, len(sessions), size):
        yield [message for session in sessions[start : start + size] for message in session]


def _answerable(questions: Sequence[Question], said: set[str], number: int) -> list[Question]:
    """Return a few of the questions whose gold was said already, others each time."""
    ready = [question for question in questions if question.gold and set(question.gold) <= said]
    return ready[number % 7 :: 7]


def _all(space: Space) -> list[MemoryRecord]:
    found: list[MemoryRecord] = []
    while part := space.memories(after=found[-1].id if found else "", limit=1000):
        found += part
    return found
