"""Marks of texts as arrays over the space."""

from __future__ import annotations

import numpy as np

from mneme.core.context import Index
from mneme.core.ports import FloatArray


def marked(index: Index, mark: int) -> FloatArray:
    """Return ``(size,)``: 1 where a text has the mark."""

    def build() -> FloatArray:
        found = np.zeros(index.size, np.float32)
        found[index.postings(mark)[0]] = 1.0
        return found

    return index.memo(f"mark-{mark}", build)
