from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mneme.core.errors import InvalidInput
from mneme.core.ports import Embedder
from mneme.models.cached import CachedEmbedder
from mneme.models.embedder import resolve_embedder

BUILD: dict[str, Callable[[Path], Embedder]] = {
    "local": lambda _: resolve_embedder("local"),
    "hash": lambda _: resolve_embedder("hash:64"),
    "cached": lambda folder: CachedEmbedder(resolve_embedder("hash"), folder),
}
ODD = ["", " ", "\x00", "\ud800", "a", "مرحبا hello 你好", "🙂" * 40, "word " * 300, "x" * 3000]


@pytest.fixture(params=sorted(BUILD))
def embedder(request: pytest.FixtureRequest, tmp_path: Path) -> Embedder:
    return BUILD[request.param](tmp_path)


def test_every_string_has_a_unit_vector(embedder: Embedder) -> None:
    vectors = embedder.embed(ODD)
    assert vectors.shape == (len(ODD), embedder.width)
    assert vectors.dtype == np.float32
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5


def test_a_vector_depends_on_its_text_alone(embedder: Embedder) -> None:
    together = embedder.embed(ODD)
    assert all(np.array_equal(embedder.embed([text])[0], vector) for text, vector in zip(ODD, together, strict=True))


def test_no_texts_give_an_empty_matrix(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.width)


def test_two_of_a_kind_have_one_identity(embedder: Embedder, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    assert BUILD[request.node.callspec.params["embedder"]](tmp_path).identity == embedder.identity


def test_a_short_text_is_its_own_passage(embedder: Embedder) -> None:
    assert embedder.passages("A short text.") == ["A short text."]


def test_a_long_text_is_cut_and_kept_whole(embedder: Embedder) -> None:
    text = " ".join(f"Sentence number {number} is here." for number in range(300))
    parts = embedder.passages(text)
    assert len(parts) > 2
    assert {word for part in parts for word in part.split()} == set(text.split())


def test_one_string_instead_of_a_list_is_refused(embedder: Embedder) -> None:
    with pytest.raises(InvalidInput, match="texts"):
        embedder.embed("one string")
