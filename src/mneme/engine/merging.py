"""Merging recalls of several spaces.

Scores are comparable within one space only: z-scores know nothing of other spaces. Evidence that is comparable is the cosine with the
question and the share of the question's weighty words that a text has, words that are rare among all hits counting more. Each space
keeps its own order; at every step the space whose next hit has the best comparable evidence gives its hit.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import replace

from mneme.core.components import Item, Packer
from mneme.core.ports import Embedder
from mneme.core.query import Hit, Recall
from mneme.core.trace import Trace
from mneme.engine.recalling import Asked
from mneme.text.analyser import Analyser


def merge(asked: Asked, found: Sequence[Recall], packer: Packer, embedder: Embedder, analyser: Analyser, trace: Trace) -> Recall:
    """Return one recall out of several spaces' recalls, best first; scores are the comparable evidence, made to fall."""
    evidence = _evidence(asked.text, [hit.memory.indexed_text for recall in found for hit in recall.hits], embedder, analyser)
    queues, start = [], 0
    for recall in found:
        scores = evidence[start : start + len(recall.hits)]
        start += len(recall.hits)
        queues.append(_falling(recall.hits, scores))
    merged = list(heapq.merge(*queues, key=lambda hit: (-hit.score, hit.memory.at, hit.memory.id)))[: asked.wanted]
    items = [Item(memory=hit.memory, score=hit.score) for hit in merged]
    packed = packer.pack(None, asked.text, items, asked.budget_tokens)
    mark_of = {id: mark for mark, id in packed.marks.items()}
    if asked.k is None and asked.budget_tokens is not None:
        merged = [hit for hit in merged if hit.memory.id in mark_of]
    return Recall(
        query=asked.text,
        hits=tuple(replace(hit, mark=mark_of.get(hit.memory.id, "")) for hit in merged),
        context=packed.text,
        marks=packed.marks,
        sufficiency=max((recall.sufficiency for recall in found), default=0.0),
        trace=trace,
        counter=packer.count,
    )


def _falling(hits: Sequence[Hit], evidence: Sequence[float]) -> list[Hit]:
    """Return a space's hits with the best evidence among each and those behind it, so that its own order stands."""
    falling: list[Hit] = []
    best = -math.inf
    for hit, score in zip(reversed(hits), reversed(evidence), strict=True):
        best = max(best, score)
        falling.append(replace(hit, score=best))
    return falling[::-1]


def _evidence(query: str, texts: Sequence[str], embedder: Embedder, analyser: Analyser) -> list[float]:
    if not texts:
        return []
    vectors = embedder.embed([query, *(embedder.passages(text)[0] for text in texts)])
    cosines = vectors[1:] @ vectors[0]
    terms = analyser.query(query)
    held = [set(analyser.terms(text)) for text in texts]
    weights = {
        word: float(weight) * math.log1p(len(texts) / (1 + sum(word in words for words in held)))
        for word, weight in zip(terms.terms, terms.weights, strict=True)
    }
    total = sum(weights.values()) or 1.0
    return [
        float(cosine) + sum(weight for word, weight in weights.items() if word in words) / total
        for cosine, words in zip(cosines, held, strict=True)
    ]
