"""Forms of memory besides text: ports for what lives in a model's cache or weights, a stub for tests, and the data that training needs.

Source: MemOS (arXiv 2507.03724), activation and parametric memory; Second Me (arXiv 2503.08102), L2. Differs: nothing here trains or
holds a model; a form is a port that others fill, and :class:`NearestAnswers` stands in for weights by the nearest prepared question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import orjson

from mneme.core.ports import Embedder
from mneme.core.records import Memory


class Parametric(Protocol):
    """Memory in weights: answers without looking anything up."""

    @property
    def identity(self) -> str:
        """Which model it is."""
        ...

    def answer(self, question: str) -> str | None:
        """Return the answer, None where it has none."""
        ...


class Activation(Protocol):
    """Memory in a model's cache: texts that were read already."""

    def warm(self, memories: Sequence[Memory]) -> str:
        """Read memories into the cache and return the handle of that prefix."""
        ...

    def drop(self, handle: str) -> None:
        """Give a prefix up."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A question with its answer, as training data.

    Args:
        key: names it for good; the same source gives the same key.
        kind: ``self``, ``preference`` or ``diversity``.
        question, answer: what a model should say.
        rejected: what it should not; an answer to another question.
        sources: the memories that the answer rests on.
    """

    key: str
    kind: str
    question: str
    answer: str
    rejected: str = ""
    sources: tuple[str, ...] = ()


class NearestAnswers:
    """A stand-in for weights: the answer to the nearest prepared question, if it is near enough.

    Args:
        pairs: what was prepared.
        embedder: compares questions.
        least: cosine that a question needs.
    """

    def __init__(self, pairs: Sequence[Pair], embedder: Embedder, least: float = 0.6) -> None:
        self._pairs = list(pairs)
        self._embedder = embedder
        self._least = least
        self._rows = embedder.embed([pair.question for pair in self._pairs]) if self._pairs else None

    @property
    def identity(self) -> str:
        """How many questions it was made from."""
        return f"nearest-answers:{len(self._pairs)}"

    def answer(self, question: str) -> str | None:
        """Return the prepared answer, None where no question is near."""
        if self._rows is None:
            return None
        cosines = self._rows @ self._embedder.embed([question])[0]
        best = int(np.argmax(cosines))
        return self._pairs[best].answer if cosines[best] >= self._least else None


def write_preferences(pairs: Iterable[Pair], path: Path) -> int:
    """Write lines of ``prompt``, ``chosen`` and ``rejected`` for preference training and return how many.

    Pairs without a rejected answer are left out, since there is nothing to prefer.
    """
    lines = [_line(prompt=pair.question, chosen=pair.answer, rejected=pair.rejected, pair=pair) for pair in pairs if pair.rejected]
    return _written(lines, path)


def write_instructions(pairs: Iterable[Pair], path: Path, *, system: str = "") -> int:
    """Write lines of ``messages`` for supervised training, each after a standing instruction if one is given, and return how many."""
    standing = [{"role": "system", "content": system}] if system else []
    lines = [
        _line(
            messages=[*standing, {"role": "user", "content": pair.question}, {"role": "assistant", "content": pair.answer}],
            pair=pair,
        )
        for pair in pairs
    ]
    return _written(lines, path)


def _line(*, pair: Pair, **told: object) -> bytes:
    return orjson.dumps({**told, "key": pair.key, "kind": pair.kind, "sources": list(pair.sources)})


def _written(lines: Sequence[bytes], path: Path) -> int:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return len(lines)
