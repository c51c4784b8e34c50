"""Buckets of vectors: which of a few random axes, in either direction, a vector points along.

Source: Think-in-Memory (arXiv 2311.08719): F(x) = argmax([xR; -xR]), a cross-polytope hash.
"""

from __future__ import annotations

import numpy as np

from mneme.core.ports import FloatArray, IntArray


def order(vectors: FloatArray, buckets: int, seed: int) -> IntArray:
    """Return ``(n, buckets)`` the buckets of each vector, nearest first; length does not matter.

    Example:
        >>> x = np.float32([[0.2, -0.7, 0.4]])
        >>> bool((order(x, 4, 7) == order(1.01 * x, 4, 7)).all())
        True
    """
    projection = np.random.default_rng(seed).standard_normal((vectors.shape[1], buckets // 2))
    sides = vectors @ projection
    return np.argsort(-np.concatenate([sides, -sides], axis=1), axis=1, kind="stable")
