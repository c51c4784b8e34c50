"""A deterministic embedder for tests: hashed words and character trigrams; no model, no dependencies, no meaning."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from mneme.core.errors import InvalidInput
from mneme.core.ports import FloatArray
from mneme.models.passages import passages

WINDOW_WORDS = 256
NARROWEST = 8
_WORD = re.compile(r"\w+")


@lru_cache(maxsize=65_536)
def _bucket(feature: str) -> tuple[int, float]:
    """Return a 63-bit number and a sign, the same in every process."""
    digest = int.from_bytes(hashlib.blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
    return digest >> 1, 1.0 if digest & 1 else -1.0


def _features(text: str) -> Iterator[tuple[str, float]]:
    """Yield features and weights: words count more than the trigrams that let their forms meet."""
    for word in _WORD.findall(text.lower()):
        yield word, 1.0
        padded = f"<{word}>"
        for at in range(len(padded) - 2):
            yield f"#{padded[at : at + 3]}", 0.3


class HashEmbedder:
    """Vectors of hashed words: texts that share words are near, and that is all it knows.

    Args:
        width: the length of a vector, at least 8. Narrow vectors collide more.

    Example:
        >>> first, second, third = HashEmbedder(width=256).embed(["red apples", "a red apple", "winter"])
        >>> bool(first @ second > first @ third)
        True
    """

    def __init__(self, width: int = 64) -> None:
        if width < NARROWEST:
            raise InvalidInput({"width": f"{width} is less than {NARROWEST}; take 64 or 256"})
        self._width = width

    @property
    def identity(self) -> str:
        """The method's version and the width."""
        return f"hash:{self._width}@1"

    @property
    def width(self) -> int:
        """The length of a vector."""
        return self._width

    def passages(self, text: str) -> list[str]:
        """Return ``text`` cut into overlapping passages of at most 256 words, at sentences; itself if it fits."""
        return passages(text, lambda part: len(_WORD.findall(part)), WINDOW_WORDS)

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return ``(n, width) float32 unit-norm``, in the order of ``texts``; a text without words gets a fixed vector."""
        if isinstance(texts, str):
            raise InvalidInput({"texts": "it is one string; pass a list of strings"})
        vectors = np.zeros((len(texts), self._width), dtype=np.float64)
        for row, text in zip(vectors, texts, strict=True):
            for (feature, weight), count in Counter(_features(text)).items():
                number, sign = _bucket(feature)
                row[number % self._width] += sign * weight * count**0.5
            if not row.any():
                row[0] = 1.0
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors.astype(np.float32)
