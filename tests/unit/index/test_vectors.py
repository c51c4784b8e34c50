import numpy as np
import pytest
from numpy.typing import NDArray

from mneme.core.errors import InvalidInput
from mneme.index import vectors as module
from mneme.index.vectors import ABSENT, VectorCodes, encode_codes, pack_codes, rescore, unpack_codes

WIDTH = 384


def units(n: int, seed: int = 0, width: int = WIDTH) -> NDArray[np.float32]:
    floats = np.random.default_rng(seed).standard_normal((n, width)).astype(np.float32)
    return floats / np.linalg.norm(floats, axis=1, keepdims=True)


def test_scores_are_cosines_within_a_hundredth() -> None:
    vectors = units(500)
    codes = VectorCodes(WIDTH)
    codes.add(np.arange(500), vectors)
    for query in (*vectors[:5], *units(5, seed=1)):
        assert np.abs(codes.scores(query) - vectors @ query).max() < 0.01


def test_the_best_after_rescoring_are_the_exact_best() -> None:
    vectors = units(2000)
    codes = VectorCodes(WIDTH)
    codes.add(np.arange(2000), vectors)
    for query in units(20, seed=2):
        near = np.argsort(-codes.scores(query))[:40]
        best = near[np.argsort(-rescore(query, vectors[near]))[:10]]
        assert best.tolist() == np.argsort(-(vectors @ query))[:10].tolist()


def test_codes_give_each_component_back_within_half_a_step() -> None:
    vectors = units(50)
    codes, scales = encode_codes(vectors)
    assert (np.abs(codes * scales[:, None] - vectors) <= scales[:, None] * 0.501).all()
    assert np.abs(codes).max(axis=1).tolist() == [127] * 50


def test_a_zero_vector_is_far_from_everything() -> None:
    codes = VectorCodes(4)
    codes.add([0, 1], np.array([[0, 0, 0, 0], [1, 0, 0, 0]], np.float32))
    assert codes.scores([1, 0, 0, 0]).tolist() == pytest.approx([0.0, 1.0])


def test_a_row_is_scored_by_its_best_key() -> None:
    codes = VectorCodes(2)
    codes.add([0, 0, 2], np.array([[1, 0], [0, 1], [-1, 0]], np.float32))
    assert codes.scores([0, 1]).tolist() == pytest.approx([1.0, ABSENT, 0.0])
    assert codes.scores([1, 0]).tolist() == pytest.approx([1.0, ABSENT, -1.0])
    assert codes.key_to_row.tolist() == [0, 0, 2]


def test_keys_out_of_order_are_still_grouped_by_row() -> None:
    codes = VectorCodes(2)
    codes.add([1, 0, 1], np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32))
    assert codes.scores([0, 1]).tolist() == pytest.approx([0.8, 1.0], abs=0.01)


def test_removed_rows_score_the_least_and_their_codes_are_gone() -> None:
    vectors = units(6)
    codes = VectorCodes(WIDTH)
    codes.add(np.arange(6), vectors)
    codes.remove([2, 4, 99])
    codes.remove([2])
    scores = codes.scores(vectors[2])
    assert scores[[2, 4]].tolist() == [ABSENT, ABSENT]
    assert scores[3] == pytest.approx(float(vectors[3] @ vectors[2]), abs=0.01)
    assert not codes._blocks[0][[2, 4]].any()
    codes.add([2], vectors[:1])
    assert codes.scores(vectors[0])[2] == pytest.approx(1.0, abs=0.01)
    assert codes.key_to_row.tolist() == [0, 1, -1, 3, -1, 5, 2]


def test_blocks_fill_across_their_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK_KEYS", 8)
    vectors = units(30)
    codes = VectorCodes(WIDTH)
    for start, end in ((0, 3), (3, 20), (20, 21), (21, 30)):
        codes.add(np.arange(start, end), vectors[start:end])
    assert np.abs(codes.scores(vectors[13]) - vectors @ vectors[13]).max() < 0.01
    assert codes.scores(vectors[29]).argmax() == 29


def test_stored_codes_load_as_they_were() -> None:
    vectors = units(20)
    codes, scales = encode_codes(vectors)
    blobs = pack_codes(codes, scales)
    assert {len(blob) for blob in blobs} == {WIDTH + 4}
    loaded = VectorCodes(WIDTH)
    loaded.add_codes(np.arange(20), *unpack_codes(blobs, WIDTH))
    direct = VectorCodes(WIDTH)
    direct.add(np.arange(20), vectors)
    assert loaded.scores(vectors[7]).tolist() == direct.scores(vectors[7]).tolist()


def test_no_keys_no_scores() -> None:
    codes = VectorCodes(WIDTH)
    codes.add([], np.empty((0, WIDTH), np.float32))
    assert codes.scores(units(1)[0]).shape == (0,)


@pytest.mark.parametrize(
    ("rows", "vectors", "field"),
    [
        ([0], np.zeros((1, 3), np.float32), "vectors"),
        ([0, 1], np.zeros((1, 4), np.float32), "rows"),
        ([-1], np.zeros((1, 4), np.float32), "rows"),
        ([0], np.full((1, 4), np.nan, np.float32), "vectors"),
        ([0], np.full((1, 4), np.inf, np.float32), "vectors"),
    ],
)
def test_a_bad_add_is_refused_and_named(rows: list[int], vectors: NDArray[np.float32], field: str) -> None:
    codes = VectorCodes(4)
    with pytest.raises(InvalidInput) as caught:
        codes.add(rows, vectors)
    assert list(caught.value.problems) == [field]
    assert codes.n_keys == codes.n_rows == 0


def test_a_query_of_another_width_is_refused() -> None:
    codes = VectorCodes(4)
    with pytest.raises(InvalidInput, match="width 4"):
        codes.scores(np.zeros(5, np.float32))


def test_a_blob_of_another_width_is_refused() -> None:
    with pytest.raises(InvalidInput, match="width 5"):
        unpack_codes(pack_codes(*encode_codes(np.zeros((1, 4), np.float32))), 5)


def test_the_first_vector_is_the_key_that_was_added_first_whatever_the_order() -> None:
    codes = VectorCodes(2)
    codes.add([1, 0, 1], [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    assert codes.first_vectors(np.array([0, 1, 2])) == pytest.approx(np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]))
