"""Extracts: the sentences of what was found that bear most on a question, word for word.

A sentence counts by its nearness to the question in meaning, by the question's words that it has, and by how good its memory is as a
whole. Greetings, thanks and questions state nothing and are passed over; who says a thing is no evidence that it answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mneme.core.ports import Embedder
from mneme.core.query import Hit
from mneme.core.records import ROLES, Memory
from mneme.text.analyser import Analyser
from mneme.text.sentences import sentence_spans
from mneme.text.stopwords import stopwords

MOST = 3
HITS = 10
MOST_SENTENCES = 64
LONGEST = 600
"""Characters of a sentence that are given; a wall of text without a full stop is cut there."""

WORDS = 0.3
WHOLE = 0.3
FALL = 2.0
"""How far a memory's score must lie behind the best for its part to fall to 1/e."""

LEAST_WORDS = 2
"""A sentence with fewer content words, names of speakers apart, says nothing by itself."""

NEAR_BEST = 0.5
"""Sentences much weaker than the best are left out."""

_WORD = re.compile(r"\w+")
_ASKS = ("?", "？", "؟")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """A sentence of a memory.

    Args:
        memory: where it stands.
        text: its words.
    """

    memory: Memory
    text: str


def best_sentences(question: str, hits: Sequence[Hit], embedder: Embedder) -> list[Extract]:
    """Return up to three sentences, best first; none when nothing that was found states anything."""
    found = [(hit, text) for hit in hits[:HITS] for text in _sentences(hit.text)][:MOST_SENTENCES]
    speakers = {word for hit, _ in found for word in content(hit.author or "")}
    said = [content(text) - speakers for _, text in found]
    telling = [place for place, words in enumerate(said) if len(words) >= LEAST_WORDS] or list(range(len(found)))
    if not telling:
        return []
    wanted = (content(question) - speakers) or content(question)
    vectors = embedder.embed([question, *(_spoken(*found[place]) for place in telling)])
    cosines = vectors[1:] @ vectors[0]
    best = max(hit.score for hit, _ in found)
    scores = [
        float(cosine) + WORDS * len(wanted & said[place]) / max(len(wanted), 1) + WHOLE * math.exp((found[place][0].score - best) / FALL)
        for place, cosine in zip(telling, cosines, strict=True)
    ]
    order = sorted(range(len(telling)), key=lambda number: (-scores[number], telling[number]))[:MOST]
    kept = [telling[number] for number in order if scores[number] >= NEAR_BEST * scores[order[0]]]
    return [Extract(memory=found[place][0].memory, text=found[place][1]) for place in kept]


def content(text: str) -> set[str]:
    """Return the stems of a text's words, without function words."""
    stops = stopwords("en")
    return set(_analyser.terms(" ".join(word for word in _WORD.findall(text.casefold()) if word not in stops)))


_analyser = Analyser("en")


def _sentences(text: str) -> list[str]:
    spans = sentence_spans(text[: MOST_SENTENCES * LONGEST]) or [(0, len(text))]
    cut = (text[start:end].strip()[:LONGEST].strip() for start, end in spans)
    return [sentence for sentence in cut if sentence and not sentence.endswith(_ASKS)]


def _spoken(hit: Hit, text: str) -> str:
    """Return a sentence with who says it, for the embedding: "I" is somebody."""
    author = hit.author or ""
    return text if not author or author.casefold() in ROLES else f"{author}: {text}"
