"""The retention simulation: conversations arrive in order, the space is held to a share of its tokens, and questions are asked.

For every share and policy: recall@10 of the questions that have gold, and the share of gold messages of which something is still in the
default recall (coverage), beside an unlimited space. A condensed memory counts for the message whose words it has. Upkeep runs after
every session once the space is over its limit, and a share of the questions is asked on the way, of what was said up to then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from mneme.arena.significance import Interval, bootstrap_mean, holm, permutation_p
from mneme.arena.task import Question, Sample
from mneme.core.clock import FrozenClock
from mneme.core.ports import Embedder
from mneme.core.records import Memory as MemoryRecord
from mneme.core.records import Message
from mneme.memory import Memory
from mneme.retention.budgets import Limit
from mneme.retention.duplicates import Duplicates
from mneme.retention.exponential import Exponential
from mneme.space import Space
from mneme.text.analyser import Analyser
from mneme.text.tokens import count_tokens

POLICIES = ("value", "fifo", "lru", "random")
SHARES = (0.5, 0.25, 0.1)
UNLIMITED = "unlimited"
_DEPTH = 10
_ANALYSER = Analyser("en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One question under one policy and share.

    Args:
        question: its id.
        recall: recall@10.
        coverage: how much of its gold is still there, at least in part.
        answer: of the words of the reference answer that its gold has, how many are still there; None when it has none of them.
    """

    question: str
    recall: float
    coverage: float
    answer: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One policy at one share, over all samples.

    Args:
        policy: its name; ``unlimited`` for the space without a limit.
        share: of the tokens; 1.0 for ``unlimited``.
        scores: one per question, in a fixed order.
        tokens: what was left of the tokens, as a share of all.
        seconds: spent in upkeep.
    """

    policy: str
    share: float
    scores: tuple[Score, ...]
    tokens: float
    seconds: float

    @property
    def recall(self) -> Interval:
        """Mean recall@10 with its interval."""
        return bootstrap_mean([score.recall for score in self.scores])

    @property
    def coverage(self) -> float:
        """Mean coverage."""
        return float(np.mean([score.coverage for score in self.scores]))

    @property
    def answer(self) -> float:
        """Mean share of the answers' words that were kept, over questions whose gold has any."""
        return float(np.mean([score.answer for score in self.scores if score.answer is not None] or [0.0]))


@dataclass(slots=True, kw_only=True)
class _Run:
    """One sample under one policy."""

    sample: Sample
    policy: str
    limit: int | None
    embedder: Embedder
    folder: Path
    every: int
    refs: dict[str, str] = field(default_factory=dict)
    said: dict[str, set[str]] = field(default_factory=dict)
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
                self.said.update((message.ref or "", _words(_indexed(message))) for message in part)
                self.refs.update(zip(receipt.episodes, (message.ref or "" for message in part), strict=True))
                self._keep(space)
                if on_the_way and number % 4 == 3:
                    self._ask(space, _answerable(self.sample.questions, set(self.refs.values()), number), f"@{number}")
            self._ask(space, [question for question in self.sample.questions if question.gold], "")
            self.left = space.tokens() / max(sum(count_tokens(message.text) for message in self.sample.messages), 1)

    def _keep(self, space: Space) -> None:
        if self.limit is not None:
            report = space.upkeep(limits=[Limit(tokens=self.limit, policy=self.policy)])
            self.seconds += report.seconds

    def _ask(self, space: Space, questions: Sequence[Question], when: str) -> None:
        words: dict[str, set[str]] = {}
        for memory in _all(space):
            for ref in self._refs_of(memory):
                words.setdefault(ref, set()).update(_words(memory.indexed_text))
        there = set(words)
        for question in questions:
            found = space.recall(question.text, k=_DEPTH)
            hit = {ref for each in found.hits for ref in self._refs_of(each.memory)}
            gold = set(question.gold)
            asked = _words(question.answer) & set().union(*(self.said[ref] for ref in gold if ref in self.said))
            kept = set().union(*(words.get(ref, set()) for ref in gold))
            self.scores.append(
                Score(
                    question=question.id + when,
                    recall=len(gold & hit) / len(gold),
                    coverage=len(gold & there) / len(gold),
                    answer=len(asked & kept) / len(asked) if asked else None,
                )
            )

    def _refs_of(self, memory: MemoryRecord) -> list[str]:
        return [ref for span in memory.sources if (ref := self.refs.get(span.episode))] or ([memory.ref] if memory.ref else [])


def simulate(
    samples: Sequence[Sample],
    embedder: Embedder,
    folder: Path,
    *,
    policies: Sequence[str] = POLICIES,
    shares: Sequence[float] = SHARES,
    on_the_way: bool = True,
    every: int = 0,
    progress: Callable[[str], None] | None = None,
) -> list[Outcome]:
    """Return an outcome for the unlimited space and for every policy at every share.

    Args:
        samples: the conversations.
        embedder: cached by content, so that runs share the work.
        folder: where spaces may be written.
        policies: replacement policies.
        shares: of each sample's tokens.
        on_the_way: ask between sessions too.
        every: upkeep after so many sessions; 0 spreads about eight passes over a sample.
        progress: told what was done.
    """
    outcomes = []
    for policy, share in [(UNLIMITED, 1.0), *((policy, share) for share in shares for policy in policies)]:
        scores: list[Score] = []
        left, seconds = [], 0.0
        for sample in samples:
            tokens = sum(count_tokens(_indexed(message)) for message in sample.messages)
            limit = None if policy == UNLIMITED else int(tokens * share)
            run = _Run(sample=sample, policy=policy, limit=limit, embedder=embedder, folder=folder, every=every)
            run.run(on_the_way)
            scores += run.scores
            left.append(run.left)
            seconds += run.seconds
        outcomes.append(Outcome(policy=policy, share=share, scores=tuple(scores), tokens=float(np.mean(left)), seconds=seconds))
        if progress is not None:
            done = outcomes[-1]
            progress(f"{policy} {share:.0%}: recall@10 {done.recall.mean:.3f}, coverage {done.coverage:.3f}, {done.seconds:.1f} s upkeep")
    return outcomes


def compared(outcomes: Sequence[Outcome], ours: str = POLICIES[0]) -> dict[tuple[str, float], float]:
    """Return (policy, share) -> p of the paired test that ours is no better or worse than it at the same share, Holm-corrected."""
    by = {(outcome.policy, outcome.share): outcome for outcome in outcomes}
    pairs = [key for key in by if key[0] not in (ours, UNLIMITED)]
    ps = [permutation_p(_differences(by[ours, share], by[policy, share])) for policy, share in pairs]
    return dict(zip(pairs, holm(ps), strict=True))


def relative(outcomes: Sequence[Outcome]) -> dict[tuple[str, float], float]:
    """Return (policy, share) -> recall as a share of the unlimited space's."""
    whole = next(outcome for outcome in outcomes if outcome.policy == UNLIMITED).recall.mean
    return {(outcome.policy, outcome.share): outcome.recall.mean / whole if whole else 0.0 for outcome in outcomes}


def _differences(ours: Outcome, other: Outcome) -> list[float]:
    return [a.recall - b.recall for a, b in zip(ours.scores, other.scores, strict=True)]


def _indexed(message: Message) -> str:
    captions = [medium.caption for medium in message.media if medium.caption]
    return "\n".join([message.text, *captions])


def _words(text: str) -> set[str]:
    return {term for term in _ANALYSER.terms(text) if len(term) > 2 or term.isdigit()}


def _batches(messages: Sequence[Message], every: int) -> Iterator[list[Message]]:
    sessions = [list(group) for _, group in groupby(messages, key=lambda message: message.session)]
    size = every or max(1, len(sessions) // 8)
    for start in range(0, len(sessions), size):
        yield [message for session in sessions[start : start + size] for message in session]


def _answerable(questions: Sequence[Question], said: set[str], number: int) -> list[Question]:
    """Return a few of the questions whose gold was said already, others each time."""
    ready = [question for question in questions if question.gold and set(question.gold) <= said]
    return ready[number % 7 :: 7]


def _all(space: Space) -> Iterator[MemoryRecord]:
    after = ""
    while part := space.memories(after=after, limit=1000):
        yield from part
        after = part[-1].id


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the figures as a Markdown table."""
    shares, p = relative(outcomes), compared(outcomes)
    lines = ["| policy | tokens | recall@10 | of unlimited | coverage | answer words | p against ours |", "|---|---|---|---|---|---|---|"]
    for outcome in outcomes:
        key = (outcome.policy, outcome.share)
        test = f"{p[key]:.4f}" if key in p else ""
        lines.append(
            f"| {outcome.policy} | {outcome.share:.0%} | {outcome.recall.mean:.3f} [{outcome.recall.lo:.3f}, {outcome.recall.hi:.3f}]"
            f" | {shares[key]:.2f} | {outcome.coverage:.3f} | {outcome.answer:.3f} | {test} |"
        )
    return "\n".join(lines)


def figures(outcomes: Sequence[Outcome]) -> Mapping[str, object]:
    """Return the figures as plain values."""
    shares, p = relative(outcomes), compared(outcomes)
    return {
        f"{outcome.policy}@{outcome.share:g}": {
            "recall": round(outcome.recall.mean, 4),
            "of_unlimited": round(shares[outcome.policy, outcome.share], 4),
            "coverage": round(outcome.coverage, 4),
            "answer": round(outcome.answer, 4),
            "p": p.get((outcome.policy, outcome.share)),
            "n": len(outcome.scores),
        }
        for outcome in outcomes
    }
