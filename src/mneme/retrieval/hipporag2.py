"""Triples that fit the question start a walk over phrases and passages; passages are nodes and are ranked by it.

Source: HippoRAG 2, arXiv 2502.14802: the best five triples, filtered ("recognition memory"); phrase reset = score of the triple over the
number of the phrase's passages, averaged over its triples; passage reset = 0.05 times the scaled cosine; damping 0.5; nothing kept by
the filter means plain order. Differs: passages and triples are matched by words as well as by vectors; without a model the filter keeps
a triple that shares a word with the question that tells something: one of phrases that are in one passage of ten, such as the name of
who speaks, does not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import BoolArray, Context, Query
from mneme.core.llm import Prompt
from mneme.core.ports import FloatArray
from mneme.retrieval.consulting import consulted
from mneme.retrieval.fusion import best
from mneme.retrieval.pagerank import Numbers, pagerank
from mneme.retrieval.phrases import Phrases, normalised, phrases
from mneme.retrieval.provenance import or_all
from mneme.text.stopwords import stopwords

RECOGNISE = Prompt(
    role="hipporag2.recognise",
    system="You choose statements that help to answer a question, directly or as one step of a chain. You choose nothing when none helps.",
    template="Question: $question\n\nStatements by number:\n$facts\n\nGive the numbers of those that help.",
    trim=(("facts", "head"),),
)


LEAST_WALK = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """The numbers of the triples that help."""

    numbers: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class HippoRag2:
    """Ranks messages by a walk from the triples that fit the question, and a little from every passage.

    Args:
        damping: how likely the walk goes on.
        synonym: the cosine from which phrases mean the same.
        facts: how many triples are considered, and how many phrases are kept to start from.
        passage_weight: how much of the start is at passages, by their cosine.
        words: how much the share of the question's words counts beside the cosine, where words are a channel.
        common: a phrase in more than this share of the passages tells nothing of a triple.
        names: the names in a passage are phrases of it; False leaves the graph to triples, as in the paper.
    """

    damping: float = 0.5
    synonym: float = 0.8
    facts: int = 5
    passage_weight: float = 0.05
    words: float = 2.0
    common: float = 0.1
    names: bool = False

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return admitted messages, best first; ties by time, then position."""
        known = phrases(ctx, self.synonym, names=self.names)
        cosines = matched(channels, self.words)
        scores, among = cosines, or_all(_passages(ctx, known) & query.admitted, query.admitted)
        kept = self._recognised(ctx, query, known, cosines)
        if kept:
            reset = self.reset(known, cosines, kept)
            walk = pagerank(known.graph(passages=True), reset, damping=self.damping)
            scores = np.zeros(ctx.index.size, np.float32)
            # On a logarithmic scale, so that a packer can weigh it against length.
            scores[known.passages] = np.log(np.maximum(walk[len(known.names) :], LEAST_WALK))
        else:
            ctx.trace.note(hipporag2="no triple fits; ranked by vectors")
        positions = best(scores, among, ctx.index.at, query.k)
        return Ranked(positions=positions, scores=scores[positions], parts={"walk" if kept else "dense": scores[positions]})

    def reset(self, known: Phrases, cosines: FloatArray, kept: Mapping[int, float]) -> Numbers:
        """Return ``(p + m,)`` where the walk starts.

        Args:
            known: the graph.
            cosines: ``(size,)`` of the question.
            kept: position of a triple -> its score.
        """
        weights: dict[int, list[float]] = defaultdict(list)
        for position, score in kept.items():
            for phrase in known.facts[position]:
                weights[phrase].append(score / max(known.spread[phrase], 1.0))
        means = {phrase: sum(found) / len(found) for phrase, found in weights.items()}
        chosen = sorted(means, key=lambda phrase: (-means[phrase], phrase))[: self.facts]
        reset = np.zeros(len(known.names) + len(known.passages))
        for phrase in chosen:
            reset[phrase] = means[phrase]
        reset[len(known.names) :] = self.passage_weight * min_max(cosines[known.passages])
        return reset

    def _recognised(self, ctx: Context, query: Query, known: Phrases, cosines: FloatArray) -> dict[int, float]:
        """Return the triples that help, with their scores scaled to [0, 1]."""
        rows = np.fromiter(known.facts, np.int64, len(known.facts))
        rows = rows[query.admitted[rows]] if len(rows) else rows
        if not len(rows):
            return {}
        scaled = min_max(cosines[rows])
        order = np.argsort(-scaled, kind="stable")[: self.facts]
        texts = [memory.text for memory in ctx.memories(rows[order].tolist())]
        chosen = _by_model(ctx, query.text, texts)
        if chosen is None:
            chosen = _by_words(query.text, texts, self._common(known))
        return {int(rows[order[number]]): float(scaled[order[number]]) for number in chosen}

    def _common(self, known: Phrases) -> frozenset[str]:
        """Return the words of the phrases that are in too many passages to tell anything."""
        often = np.flatnonzero(known.spread > self.common * len(known.passages))
        return frozenset(word for phrase in often.tolist() for word in _content(known.names[phrase]))


def matched(channels: Mapping[str, FloatArray], words: float = 0.5) -> FloatArray:
    """Return ``(size,)`` how well each memory fits by itself: its cosine, and where words are a channel so much of their score besides."""
    cosines = channels["dense"]
    return cosines + np.float32(words) * channels["lexical"] if "lexical" in channels else cosines


def min_max(scores: FloatArray) -> Numbers:
    """Return scores scaled to [0, 1]; ones when they are all equal."""
    if not len(scores):
        return np.zeros(0)
    low, high = float(scores.min()), float(scores.max())
    return (np.asarray(scores, np.float64) - low) / (high - low) if high > low else np.ones(len(scores))


def _passages(ctx: Context, known: Phrases) -> BoolArray:
    among = np.zeros(ctx.index.size, bool)
    among[known.passages] = True
    return among


def _by_model(ctx: Context, question: str, texts: Sequence[str]) -> list[int] | None:
    listed = "\n".join(f"{number}. {text}" for number, text in enumerate(texts))
    reply = consulted(ctx, RECOGNISE, {"question": question, "facts": listed}, Recognised)
    return None if reply is None else [number for number in dict.fromkeys(reply.numbers) if 0 <= number < len(texts)]


def _by_words(question: str, texts: Sequence[str], common: frozenset[str]) -> list[int]:
    wanted = _content(question) - common
    return [number for number, text in enumerate(texts) if wanted & _content(text)]


def _content(text: str) -> set[str]:
    return {word[:6] for word in normalised(text).split() if word not in stopwords("en") and len(word) > 2}
