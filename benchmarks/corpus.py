"""Texts for benchmarks: generated from a seed, with the word frequencies of talk (Zipf) and 34 tokens or so each."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from mneme.core.ports import Embedder, FloatArray
from mneme.core.records import Message

START = datetime(2020, 1, 1, tzinfo=UTC)
TURNS_PER_SESSION = 20
WORDS_PER_TURN = 24
VOCABULARY = 30_000
FUNCTION_WORDS = (
    "the a I you it is was to and of in that for on with my we at have be this are so but not they he she do me your what just about"
).split()
SYLLABLES = "ba ce di fo gu ka le mi no pu ra se ti vo xa ya zo bri cla dre fli gro".split()


def texts(count: int, seed: int) -> list[str]:
    """Return that many generated turns."""
    draw = np.random.default_rng(seed)
    words = _words(seed)
    ranks = np.minimum(draw.zipf(1.3, size=count * WORDS_PER_TURN), VOCABULARY) - 1
    picked = [words[rank] for rank in ranks.tolist()]
    return [" ".join(picked[i : i + WORDS_PER_TURN]) for i in range(0, len(picked), WORDS_PER_TURN)]


def messages(count: int, seed: int) -> list[Message]:
    """Return that many messages of two people, in sessions of 20 turns, one session a day."""
    return [
        Message(
            text=text,
            author=("Ana", "Ben")[i % 2],
            session=f"s{i // TURNS_PER_SESSION}",
            at=START + timedelta(days=i // TURNS_PER_SESSION, minutes=i % TURNS_PER_SESSION),
            ref=f"m{i}",
        )
        for i, text in enumerate(texts(count, seed))
    ]


def _words(seed: int) -> list[str]:
    draw = random.Random(seed)
    made = dict.fromkeys(FUNCTION_WORDS)
    while len(made) < VOCABULARY:
        made["".join(draw.choices(SYLLABLES, k=draw.randint(2, 4)))] = None
    return list(made)


class RandomVectors:
    """Stands in for a model where only storage and search are measured: a random unit vector per text, from its hash.

    Args:
        like: whose identity and width it takes on.
    """

    def __init__(self, like: Embedder) -> None:
        self.identity = like.identity
        self.width = like.width

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return ``(n, width) float32 unit-norm`` vectors."""
        draw = np.random.default_rng(zlib.crc32("\n".join(texts[:3]).encode()))
        vectors = draw.standard_normal((len(texts), self.width), dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def passages(self, text: str) -> list[str]:
        """Return the text as its only passage."""
        return [text]
