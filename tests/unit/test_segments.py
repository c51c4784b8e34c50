"""Segmentation: the papers' worked examples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mneme.core.records import Episode
from mneme.formation.segments import (
    Either,
    EveryTurn,
    SessionGap,
    Surprise,
    TopicShift,
    conductance,
    lexical_vectors,
    modularity,
    refined,
    segments,
    surprising,
)

START = datetime(2023, 5, 8, 10, tzinfo=UTC)


def turns(texts: list[str], *, minutes: list[float] | None = None, session: str = "s") -> list[Episode]:
    at = [START + timedelta(minutes=m) for m in (minutes or list(range(len(texts))))]
    return [Episode(id=f"ep_{i}", text=text, at=at[i], recorded_at=at[i], session=session) for i, text in enumerate(texts)]


GARDEN = [
    "The tomatoes in my garden need water and the soil is dry.",
    "Tomatoes in the garden want good soil, mine get water daily.",
    "I put compost on the garden soil before planting tomatoes.",
    "Water the tomatoes early, garden soil dries by noon.",
    "My garden tomatoes are ripe, the soil did its work.",
]
MUSIC = [
    "The violin concert tonight has a new orchestra conductor.",
    "That orchestra plays violin concert music so well, the conductor is calm.",
    "Concert tickets for the violin and orchestra evening were cheap.",
    "The conductor let the violin lead the orchestra in the concert.",
    "OMG!!! I can't believe it, the violin concert is CANCELLED, I'm devastated!",
    "The orchestra refunds concert tickets, the conductor plays violin at home.",
    "A violin concert by the orchestra in June, conductor willing.",
]


def test_himem_dialogue_breaks_at_the_topic_and_at_the_outburst() -> None:
    talk = turns([*GARDEN, *MUSIC])
    both = Either(parts=(TopicShift(), Surprise(gamma=10)))
    assert segments(both.starts(talk), len(talk)) == [range(0, 5), range(5, 9), range(9, 12)]
    assert TopicShift().starts(talk) == {5}
    assert Surprise(gamma=10).starts(talk) == {9}


def topics(noise: float = 0.08, each: int = 30, width: int = 32) -> np.ndarray:
    rng = np.random.default_rng(5)
    centres = np.eye(width)[:4]
    rows = np.concatenate([centre + noise * rng.normal(size=(each, width)) for centre in centres])
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def test_em_llm_finds_the_three_true_boundaries_and_none_when_strict() -> None:
    rows = topics()
    found = surprising(rows, window=8, memory=32, gamma=1.0, least=0.4)
    assert found == {30, 60, 90}
    loud = topics(noise=0.3)  # a deviation of the talk itself, against which a shift is no ten of them
    assert surprising(loud, window=8, memory=32, gamma=10.0) == set()
    assert surprising(np.tile(rows[:1], (40, 1)), window=8, memory=32, gamma=1.0) == set()


@pytest.mark.parametrize("by", ["modularity", "conductance"])
def test_em_llm_refinement_moves_shifted_boundaries_back_and_separates_never_less(by: str) -> None:
    similarity = np.clip(topics() @ topics().T, 0, None).astype(np.float64)
    for shift in (3, -3):
        given = {30 + shift, 60 + shift, 90 + shift}
        moved = refined(given, similarity, by=by)
        assert all(min(abs(at - true) for true in (30, 60, 90)) <= 1 for at in moved)
        assert len(moved) == 3
        labels = [[sum(at <= row for at in starts) for row in range(120)] for starts in (given, moved)]
        before, after = (modularity(similarity, one) for one in labels)
        assert after >= before


def test_em_llm_conductance_of_clean_blocks_is_nothing_at_the_true_split() -> None:
    graph = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], dtype=np.float64)
    assert conductance(graph, [0, 0, 1, 1]) == 0.0
    assert conductance(graph, [0, 1, 1, 1]) == pytest.approx(0.5)
    assert refined({1}, graph, by="conductance") == refined({3}, graph, by="modularity") == {2}


def test_em_llm_modularity_of_the_toy_graph() -> None:
    graph = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], dtype=np.float64)
    assert modularity(graph, [0, 0, 1, 1]) == pytest.approx(0.25)
    assert modularity(graph, [0, 1, 1, 1]) < 0.25
    assert modularity(graph, [0, 0, 0, 0]) == pytest.approx(0.0)


def test_evermemos_pause_and_new_day_make_three_cells() -> None:
    day = 24 * 60
    talk = turns(["a", "b", "c", "d", "e"], minutes=[0, 1, 2, 5 * 60 + 2, day])
    assert segments(SessionGap().starts(talk), 5) == [range(0, 3), range(3, 4), range(4, 5)]


def test_talk_past_midnight_stays_together_and_a_new_session_does_not() -> None:
    late = turns(["a", "b", "c"], minutes=[13 * 60 + 50, 13 * 60 + 58, 14 * 60 + 3])
    assert SessionGap().starts(late) == set()
    other = [*late, Episode(id="x", text="d", at=late[-1].at, recorded_at=late[-1].at, session="other")]
    assert SessionGap().starts(other) == {3}


def test_lengths_are_kept_within_bounds() -> None:
    assert segments({1, 5}, 12, least=3) == [range(0, 5), range(5, 12)]
    assert segments(set(), 10, most=4) == [range(0, 3), range(3, 6), range(6, 10)]
    assert segments({1}, 12, least=3, forced={1}) == [range(0, 1), range(1, 12)]
    assert segments(set(), 0) == []
    assert EveryTurn().starts(turns(["a", "b", "c"])) == {1, 2}


def test_segments_cover_everything_once() -> None:
    talk = turns([*GARDEN, *MUSIC] * 3)
    parts = segments(Either().starts(talk), len(talk), least=2, most=6)
    assert [i for part in parts for i in part] == list(range(len(talk)))


def test_one_topic_is_not_cut_by_words_alone() -> None:
    assert TopicShift().starts(turns(GARDEN)) == set()


def test_lexical_vectors_are_unit_or_empty() -> None:
    norms = np.linalg.norm(lexical_vectors(["garden soil", "the of and", "soil"]), axis=1)
    assert norms == pytest.approx([1.0, 0.0, 1.0], abs=1e-5)
