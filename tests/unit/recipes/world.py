"""A small world for recipes: texts with chosen vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.composing import compose, resolve
from mneme.core.ports import FloatArray
from mneme.core.recipe import Recipe

START = datetime(2024, 1, 1, 12, tzinfo=UTC)


class TableEmbedder:
    """Embeds texts as a table says; others get an axis of their own."""

    identity = "test:table"
    width = 64

    def __init__(self, table: Mapping[str, Sequence[float]] | None = None) -> None:
        self.table = dict(table or {})
        self.seen: dict[str, int] = {}

    def embed(self, texts: Sequence[str]) -> FloatArray:
        return np.stack([self._one(text) for text in texts]) if texts else np.zeros((0, self.width), np.float32)

    def passages(self, text: str) -> list[str]:
        return [text]

    def _one(self, text: str) -> FloatArray:
        row = np.zeros(self.width, np.float32)
        if text in self.table:
            row[: len(self.table[text])] = self.table[text]
        else:
            row[16 + self.seen.setdefault(text, len(self.seen)) % 48] = 1.0
        return (row / np.linalg.norm(row)).astype(np.float32)


def memory_of(
    recipe: str | Recipe, table: Mapping[str, Sequence[float]] | str | None = None, **more: object
) -> tuple[mneme.Memory, FrozenClock]:
    """Return a memory in RAM that works by a recipe, and its clock."""
    clock = FrozenClock(START)
    embedder = table if isinstance(table, str) else TableEmbedder(table)
    chosen = resolve(recipe) if isinstance(recipe, str) else recipe
    return mneme.Memory(":memory:", embedder=embedder, recipe=chosen, clock=clock, seed=3, background=False, **more), clock  # type: ignore[arg-type]


def bare(**slots: object) -> Recipe:
    """Return a recipe of the parts under test."""
    return compose(name="bare", **{"channels": ["dense", "lexical"], "ranker": "weighted-sum", **slots})


def at_angle(cosine: float) -> list[float]:
    """Return a vector with this cosine to the first axis."""
    return [cosine, float(np.sqrt(1 - cosine * cosine))]
