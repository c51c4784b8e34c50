from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mneme.core.errors import InvalidInput, UnknownComponent
from mneme.core.ports import FloatArray
from mneme.models.cached import CachedEmbedder
from mneme.models.embedder import resolve_embedder
from mneme.models.hashing import HashEmbedder
from mneme.models.local import LocalEmbedder
from mneme.models.remote import OllamaEmbedder, OpenAIEmbedder
from mneme.models.sentence_transformers import SentenceTransformerEmbedder


class Counting(HashEmbedder):
    def __init__(self, width: int = 64) -> None:
        super().__init__(width)
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> FloatArray:
        self.asked += texts
        return super().embed(texts)


def test_a_text_is_embedded_once_across_openings(tmp_path: Path) -> None:
    inner = Counting()
    expected = HashEmbedder().embed(["a b", "c", "a b", "\ud800"])
    first = CachedEmbedder(inner, tmp_path / "cache")
    assert np.array_equal(first.embed(["a b", "c", "a b", "\ud800"]), expected)
    assert np.array_equal(first.embed(["a b", "c", "a b", "\ud800"]), expected)
    again = CachedEmbedder(inner, tmp_path / "cache")
    assert np.array_equal(again.embed(["c", "a b"]), expected[[1, 0]])
    assert inner.asked == ["a b", "c", "\ud800"]
    assert (again.hits, again.misses) == (2, 0)
    assert again.identity == inner.identity


def test_models_do_not_share_vectors(tmp_path: Path) -> None:
    wide, narrow = Counting(256), Counting(64)
    assert CachedEmbedder(wide, tmp_path).embed(["x"]).shape == (1, 256)
    assert CachedEmbedder(narrow, tmp_path).embed(["x"]).shape == (1, 64)
    assert narrow.asked == ["x"]


def test_vectors_of_another_process_are_seen_while_open(tmp_path: Path) -> None:
    inner = Counting()
    cached = CachedEmbedder(inner, tmp_path)
    cached.embed(["mine"])
    code = f"""
from mneme.models.cached import CachedEmbedder
from mneme.models.hashing import HashEmbedder
CachedEmbedder(HashEmbedder(), {str(tmp_path)!r}).embed(["yours", "mine"])
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert np.array_equal(cached.embed(["yours"]), HashEmbedder().embed(["yours"]))
    assert inner.asked == ["mine"]


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_a_damaged_record_is_computed_anew(tmp_path: Path, damage: str) -> None:
    CachedEmbedder(HashEmbedder(), tmp_path).embed(["a", "b"])
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    if damage == "cut":
        content = content[:-5]
    else:
        content[-5] ^= 1
    file.write_bytes(content)
    inner = Counting()
    assert np.array_equal(CachedEmbedder(inner, tmp_path).embed(["a", "b"]), HashEmbedder().embed(["a", "b"]))
    assert inner.asked == ["b"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="is a file; name a folder"):
        CachedEmbedder(HashEmbedder(), tmp_path / "file")


def test_hash_vectors_are_the_same_in_every_process() -> None:
    code = "from mneme.models.hashing import HashEmbedder; print(HashEmbedder().embed(['red apples']).tobytes().hex())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == HashEmbedder().embed(["red apples"]).tobytes().hex()


def test_hash_vectors_of_texts_that_share_words_are_near() -> None:
    near, far = HashEmbedder(256).embed(["the red apple fell", "red apples fall"]), HashEmbedder(256).embed(["cold winter"])
    assert near[0] @ near[1] > 0.3 > abs(float(near[0] @ far[0]))


def test_too_narrow_a_hash_is_refused() -> None:
    with pytest.raises(InvalidInput, match="width: 4 is less than 8"):
        HashEmbedder(4)


def test_names_of_embedders() -> None:
    assert isinstance(resolve_embedder(None), LocalEmbedder)
    assert isinstance(resolve_embedder("local"), LocalEmbedder)
    assert resolve_embedder("hash").width == 256
    assert resolve_embedder("hash:64").width == 64
    assert isinstance(resolve_embedder("ollama:nomic-embed-text"), OllamaEmbedder)
    remote = resolve_embedder("openai:org/model", base_url="http://localhost:1/v1")
    assert isinstance(remote, OpenAIEmbedder)
    assert remote.identity == "openai:org/model"
    folder = resolve_embedder("sentence-transformers:some/model", revision="abc")
    assert isinstance(folder, SentenceTransformerEmbedder)
    assert folder.identity == "sentence-transformers:some/model@abc"
    made = HashEmbedder()
    assert resolve_embedder(made) is made


def test_an_unknown_name_lists_near_ones() -> None:
    with pytest.raises(UnknownComponent, match=r"no embedder named 'olama:x'; did you mean ollama"):
        resolve_embedder("olama:x")


@pytest.mark.parametrize("spec", ["hash:many", "local:bert", ""])
def test_an_unknown_model_of_a_known_embedder_is_refused(spec: str) -> None:
    with pytest.raises(UnknownComponent):
        resolve_embedder(spec)


def test_a_name_without_its_model_is_refused() -> None:
    with pytest.raises(InvalidInput, match="write openai:<model>"):
        resolve_embedder("openai")


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(InvalidInput, match="does not take these settings"):
        resolve_embedder("local", colour="red")
    with pytest.raises(InvalidInput, match="colour: settings go with a name"):
        resolve_embedder(HashEmbedder(), colour="red")


def test_a_folders_weights_are_part_of_the_identity(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    weights = tmp_path / "mine" / "model.safetensors"
    weights.write_bytes(b"one")
    first = SentenceTransformerEmbedder(str(tmp_path / "mine")).identity
    weights.write_bytes(b"two")
    second = SentenceTransformerEmbedder(str(tmp_path / "mine")).identity
    assert first != second
    assert first.startswith("sentence-transformers:mine@")
