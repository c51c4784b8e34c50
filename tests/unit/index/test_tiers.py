"""Vector codes in two tiers score as one."""

from __future__ import annotations

import numpy as np
import pytest

from mneme.index.tiers import TieredCodes
from mneme.index.vectors import VectorCodes

WIDTH, ROWS = 16, 6_000


def filled(*, passages: int) -> tuple[TieredCodes, VectorCodes, np.ndarray]:
    vectors = np.random.default_rng(3).normal(size=(ROWS * passages, WIDTH)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tiers, plain = TieredCodes(WIDTH), VectorCodes(WIDTH)
    rows = np.repeat(np.arange(ROWS), passages)
    tiers.add(rows, vectors)
    plain.add(rows, vectors)
    return tiers, plain, vectors


@pytest.mark.parametrize("passages", [1, 2])
def test_all_rows_score_as_in_one_tier_whatever_moved(passages: int) -> None:
    tiers, plain, vectors = filled(passages=passages)
    archived = np.random.default_rng(4).random(ROWS) < 0.7
    tiers.settle(archived)
    assert tiers.n_behind == archived.sum()
    query = vectors[17]
    assert np.array_equal(tiers.scores(query, ROWS), plain.scores(query))
    archived[:300] = False  # restored: they move at once
    tiers.settle(archived)
    assert tiers.n_behind == archived.sum()
    gone = np.array([3, 301, 302, 5_000])
    tiers.remove(gone)
    plain.remove(gone)
    assert np.array_equal(tiers.scores(query, ROWS), plain.scores(query))
    tiers.settle(np.ones(ROWS, bool))
    assert np.array_equal(tiers.scores(query, ROWS), plain.scores(query))


@pytest.mark.parametrize("passages", [1, 2])
def test_the_archive_is_left_out_unless_wanted_and_looked_up_row_by_row(passages: int) -> None:
    tiers, plain, vectors = filled(passages=passages)
    archived = np.arange(ROWS) % 3 > 0
    tiers.settle(archived)
    query = vectors[5]
    whole = plain.scores(query)
    front = tiers.scores(query, ROWS, ~archived)
    assert np.array_equal(front, np.where(archived, np.float32(-1.0), whole))
    some = archived.copy()
    assert np.array_equal(tiers.scores(query, ROWS, some), whole)
    rows = np.array([0, 1, 2, 900, 901, ROWS - 1])
    assert np.array_equal(tiers.scores_at(rows, query), whole[rows])


def test_few_archived_rows_stay_in_front() -> None:
    tiers, plain, vectors = filled(passages=1)
    archived = np.zeros(ROWS, bool)
    archived[:900] = True
    tiers.settle(archived)
    assert tiers.n_behind == 0
    assert np.array_equal(tiers.scores(vectors[0], ROWS, ~archived), plain.scores(vectors[0]))


def test_rows_that_come_later_are_in_front() -> None:
    tiers, plain, vectors = filled(passages=1)
    tiers.settle(np.ones(ROWS, bool))
    for codes in (tiers, plain):
        codes.add(np.arange(ROWS, ROWS + 10), vectors[:10])
    among = np.arange(ROWS + 10) >= ROWS
    assert np.array_equal(tiers.scores(vectors[0], ROWS + 10, among)[ROWS:], plain.scores(vectors[0])[ROWS:])
    assert np.array_equal(tiers.scores(vectors[0], ROWS + 10), plain.scores(vectors[0]))


@pytest.mark.parametrize("passages", [1, 2])
def test_the_first_vector_of_a_row_is_the_one_added_first_in_either_tier(passages: int) -> None:
    tiers, plain, vectors = filled(passages=passages)
    tiers.settle(np.random.default_rng(4).random(ROWS) < 0.7)
    tiers.remove(np.array([7]))
    plain.remove(np.array([7]))
    rows = np.array([2, 3, 7, 4_000])
    found = tiers.first_vectors(rows)
    assert np.array_equal(found, plain.first_vectors(rows))
    assert found[2].tolist() == [0.0] * WIDTH
    assert np.allclose(found[[0, 1, 3]], vectors[rows[[0, 1, 3]] * passages], atol=0.01)
