"""Answers without a model: the sentences that bear most on a question, word for word, or that nothing is known.

An extract is never reworded, so nothing in it can be invented. Whether it answers is judged by how near its best sentence comes to the
question, in meaning and in words; when a recall brings a calibrated sufficiency, that decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mneme.core.query import Recall
from mneme.core.records import Memory as Record
from mneme.memory import Memory
from mneme.text.sentences import sentence_spans

MOST_SENTENCES = 96
LONGEST_SENTENCE = 600
ENOUGH = 0.5
NEAR = 0.55
"""A best sentence whose nearness is lower is not taken for an answer.

Chosen on four LoCoMo conversations: 84 % of their own questions pass, and 25 % of the questions of another one, names changed to fit.
"""

_WORDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """A sentence of a memory.

    Args:
        memory: where it stands.
        start, end: its characters in the memory's text.
        nearness: to the question; cosine of its vector plus half the share of the question's words that it has.
    """

    memory: Record
    start: int
    end: int
    nearness: float

    @property
    def text(self) -> str:
        """The sentence, word for word."""
        return self.memory.text[self.start : self.end].strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a space says to a question.

    Args:
        extracts: the sentences that bear most on it, best first.
        known: whether they are likely enough to answer it.
        confidence: in [0, 1], how likely.
    """

    extracts: tuple[Extract, ...]
    known: bool
    confidence: float


def answer(engine: Memory, found: Recall, most: int = 4) -> Answer:
    """Return the best sentences of a recall's hits.

    Args:
        engine: whose vectors and words compare sentences with the question.
        found: the recall.
        most: how many sentences at most; those much weaker than the best are left out.
    """
    sentences = _sentences([hit.memory for hit in found.hits])
    if not sentences:
        return Answer(extracts=(), known=False, confidence=0.0)
    texts = [memory.text[start:end] for memory, start, end in sentences]
    vectors = engine.embedder.embed([found.query, *texts])
    cosines = vectors[1:] @ vectors[0]
    asked = engine.analyser.query(found.query)
    weights = dict(zip(asked.terms, asked.weights.tolist(), strict=True))
    shares = [_share(weights, set(engine.analyser.terms(text))) for text in texts]
    nearness = cosines + _WORDS * np.asarray(shares, dtype=np.float32)
    order = np.argsort(-nearness, kind="stable")[:most]
    best = float(nearness[order[0]])
    extracts = tuple(
        Extract(memory=sentences[i][0], start=sentences[i][1], end=sentences[i][2], nearness=float(nearness[i]))
        for i in order.tolist()
        if nearness[i] >= 0.6 * best
    )
    confidence = found.sufficiency if found.sufficiency > 0 else min(max(best / (2 * NEAR), 0.0), 1.0)
    return Answer(extracts=extracts, known=confidence >= ENOUGH, confidence=confidence)


def _sentences(memories: Sequence[Record]) -> list[tuple[Record, int, int]]:
    """Return (memory, start, end) of the hits' sentences, best hit first."""
    found: list[tuple[Record, int, int]] = []
    for memory in memories:
        text = memory.text[: MOST_SENTENCES * LONGEST_SENTENCE]
        for start, end in sentence_spans(text):
            if text[start:end].strip():
                found.append((memory, start, min(end, start + LONGEST_SENTENCE)))
            if len(found) == MOST_SENTENCES:
                return found
    return found


def _share(asked: Mapping[str, float], said: set[str]) -> float:
    """Return the share of the question's words, by weight, that a sentence has."""
    whole = sum(asked.values())
    return sum(weight for term, weight in asked.items() if term in said) / whole if whole else 0.0
