"""Any sentence-transformers model, from a local folder or by its name; an extra, for it brings torch."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mneme.core.errors import InvalidInput, MissingExtra, ModelUnavailable
from mneme.core.ports import FloatArray
from mneme.models.passages import passages

MARKS = 2
UNKNOWN_WINDOW = 512
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


class SentenceTransformerEmbedder:
    """A sentence-transformers model in this process. It is loaded by the first call that needs it.

    Args:
        model: a folder, or a name that sentence-transformers can load (it downloads what is not on this computer).
        revision: the version of a named model; without it, a model that changes under its name goes unnoticed.
        device: as torch names it; None lets sentence-transformers choose.
        batch: texts of one forward pass.
    """

    def __init__(self, model: str, *, revision: str | None = None, device: str | None = None, batch: int = 32) -> None:
        problems = {}
        if not model:
            problems["model"] = "it is empty; give a folder or a name"
        if batch < 1:
            problems["batch"] = f"is {batch}; give a number above 0"
        if problems:
            raise InvalidInput(problems)
        self._name = model
        self._revision = revision
        self._device = device
        self._batch = batch
        self._model: Any = None
        self._loading = threading.Lock()
        self._identity: str | None = None

    @property
    def identity(self) -> str:
        """The model's name and revision, or its folder's name and the first digits of its weights' SHA-256."""
        if self._identity is None:
            self._identity = f"sentence-transformers:{_named(self._name, self._revision)}"
        return self._identity

    @property
    def width(self) -> int:
        """The length of a vector."""
        model = self._loaded()
        # The method was renamed in version 5.2 of the package.
        get = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
        return int(get())

    @property
    def window_tokens(self) -> int:
        """The most tokens of a passage, start and end marks left out."""
        longest = self._loaded().max_seq_length or UNKNOWN_WINDOW
        return max(1, int(longest) - MARKS)

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of ``text``, start and end marks left out."""
        encoded = self._loaded().tokenizer(_clean(text), add_special_tokens=False, truncation=False, verbose=False)
        return len(encoded["input_ids"])

    def passages(self, text: str) -> list[str]:
        """Return ``text`` cut into overlapping passages that fit the window, at sentences; itself if it fits."""
        return passages(text, self.count_tokens, self.window_tokens)

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return ``(n, width) float32 unit-norm``, in the order of ``texts``. The model reads each text up to its window."""
        if isinstance(texts, str):
            raise InvalidInput({"texts": "it is one string; pass a list of strings"})
        if not texts:
            return np.empty((0, self.width), dtype=np.float32)
        vectors = self._loaded().encode(
            [_clean(text) for text in texts],
            batch_size=self._batch,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, dtype=np.float32)

    def _loaded(self) -> Any:
        with self._loading:
            if self._model is None:
                try:
                    from sentence_transformers import SentenceTransformer
                except ImportError as error:
                    raise MissingExtra("a sentence-transformers model", "sentence-transformers") from error
                try:
                    self._model = SentenceTransformer(self._name, revision=self._revision, device=self._device)
                except (OSError, ValueError) as error:
                    raise ModelUnavailable(f"{self._name}: can't be loaded ({error}); give a folder or a known name") from error
            return self._model


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _named(model: str, revision: str | None) -> str:
    folder = Path(model)
    if not folder.is_dir():
        return f"{model}@{revision}" if revision else model
    digest = hashlib.sha256()
    for pattern in _WEIGHTS:
        for path in sorted(folder.rglob(pattern)):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"{folder.resolve().name}@{digest.hexdigest()[:8]}"
