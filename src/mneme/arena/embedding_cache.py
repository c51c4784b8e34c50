"""Embeddings kept on disk by content, so that a task is embedded once and every recipe and rerun shares the work.

One folder for each model identity, holding chunks that are written whole and never changed: any number of processes can read and add.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mneme.core.ports import Embedder, FloatArray

FLUSH_TEXTS = 4000
"""So many new texts are written as a chunk; fewer when :meth:`EmbeddingCache.flush` is called."""


class EmbeddingCache:
    """An embedder that asks another one only for texts it has not seen.

    Args:
        embedder: computes what is missing.
        folder: where the vectors are kept.
    """

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        self._embedder = embedder
        self._folder = folder / "".join(c if c.isalnum() or c in "-_.@" else "_" for c in embedder.identity)
        self._vectors: dict[bytes, FloatArray] = {}
        self._new: list[bytes] = []
        for chunk in sorted(self._folder.glob("*.npz")) if self._folder.is_dir() else []:
            self._read(chunk)

    @property
    def identity(self) -> str:
        """The model and its exact weights."""
        return self._embedder.identity

    @property
    def width(self) -> int:
        """The length of a vector."""
        return self._embedder.width

    def passages(self, text: str) -> list[str]:
        """Return the parts of a text that fit the model's window."""
        return self._embedder.passages(text)

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return ``(n, width) float32 unit-norm`` vectors in the order of ``texts``."""
        keys = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._vectors}
        if missing:
            self._vectors.update(zip(missing, self._embedder.embed(list(missing.values())), strict=True))
            self._new.extend(missing)
            if len(self._new) >= FLUSH_TEXTS:
                self.flush()
        if not keys:
            return np.empty((0, self.width), np.float32)
        return np.stack([self._vectors[key] for key in keys])

    def flush(self) -> None:
        """Write what is new as a chunk of its own."""
        if not self._new:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        keys = np.frombuffer(b"".join(self._new), np.uint8).reshape(-1, 16)
        vectors = np.stack([self._vectors[key] for key in self._new])
        target = self._folder / f"{uuid.uuid4().hex}.npz"
        partial = target.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, keys=keys, vectors=vectors)
        os.replace(partial, target)
        self._new.clear()

    def _read(self, chunk: Path) -> None:
        with np.load(chunk) as content:
            keys: NDArray[np.uint8] = content["keys"]
            vectors: FloatArray = content["vectors"]
        joined = keys.tobytes()
        self._vectors.update((joined[place : place + 16], vector) for place, vector in zip(range(0, len(joined), 16), vectors, strict=True))
