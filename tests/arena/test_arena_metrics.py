"""Metrics by hand, statistics against known values and another library."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mneme.arena.calibration import auc, calibrate, expected_calibration_error
from mneme.arena.log import Outcome
from mneme.arena.metrics import Judged, Metric, score
from mneme.arena.significance import bootstrap_mean, holm, permutation_p
from mneme.arena.task import names, of_sessions
from mneme.core.errors import InvalidInput


def judged(**fields: object) -> Judged:
    plain: dict[str, object] = {
        "id": "q", "ranking": [], "sessions": [], "gold": {}, "gold_sessions": frozenset(), "stale": frozenset(), "packed": {},
    }  # fmt: skip
    return Judged(**{**plain, **fields})  # type: ignore[arg-type]


def value(name: str, row: Judged) -> float:
    return score(names(name), [row])[name]["q"]


RANKED = judged(ranking=["a", "x", "b", "y", "c"], gold={"a": 1, "b": 1, "z": 1})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("recall@1", 1 / 3),
        ("recall@3", 2 / 3),
        ("recall@50", 2 / 3),
        ("recall_any@1", 1.0),
        ("recall_all@5", 0.0),
        ("map", (1 / 1 + 2 / 3) / 3),
        ("ndcg@10", (1 + 1 / math.log2(4)) / (1 + 1 / math.log2(3) + 1 / math.log2(4))),
    ],
)
def test_rank_metrics_agree_with_figures_by_hand(name: str, expected: float) -> None:
    assert value(name, RANKED) == pytest.approx(expected)


def test_graded_gain_is_linear() -> None:
    row = judged(ranking=["low", "high"], gold={"low": 2, "high": 10})
    assert value("ndcg@10", row) == pytest.approx((2 + 10 / math.log2(3)) / (10 + 2 / math.log2(3)))


def test_all_gold_within_the_cut_counts_as_recall_all() -> None:
    row = judged(ranking=["x", "b", "a"], gold={"a": 1, "b": 1})
    assert (value("recall_all@2", row), value("recall_all@3", row)) == (0.0, 1.0)


def test_equal_positions_do_not_depend_on_names() -> None:
    forwards = judged(ranking=["a", "b", "c", "d"], gold={"a": 1})
    backwards = judged(ranking=["d", "c", "b", "a"], gold={"d": 1})
    assert value("ndcg@10", forwards) == value("ndcg@10", backwards) == 1.0


def test_sessions_are_ranked_by_their_own_gold() -> None:
    row = judged(sessions=["s2", "s1"], gold_sessions=frozenset({"s1"}), ranking=["a"], gold={"a": 1})
    assert value("session_recall@1", row) == 0.0
    assert value("session_recall@2", row) == 1.0
    labelled = of_sessions("recall_all@1", "ndcg@10")
    assert score(labelled, [row]) == {"recall_all@1": {"q": 0.0}, "ndcg@10": {"q": pytest.approx(1 / math.log2(3))}}


def test_coverage_is_the_share_of_gold_in_the_context() -> None:
    row = judged(gold={"a": 1, "b": 1}, packed={500: ["x", "a"], 1000: ["x", "a", "b"], 2000: []})
    assert [value(f"coverage@{budget}", row) for budget in (500, 1000, 2000)] == [0.5, 1.0, 0.0]


@pytest.mark.parametrize(
    ("ranking", "first", "stale_above"),
    [(["new", "old"], 1.0, 0.0), (["x", "new", "old"], 0.0, 0.0), (["old", "new"], 0.0, 1.0), (["x", "old"], 0.0, 1.0), ([], 0.0, 0.0)],
)
def test_the_current_value_must_outrank_the_overwritten(ranking: list[str], first: float, stale_above: float) -> None:
    row = judged(ranking=ranking, gold={"new": 1}, stale=frozenset({"old"}))
    assert (value("current_first", row), value("stale_above_current", row)) == (first, stale_above)


def test_questions_without_gold_are_not_scored() -> None:
    rows = [judged(id="q", ranking=["a"]), judged(id="r", ranking=[], gold={"a": 1})]
    found = score(names("recall@5", "map", "coverage@100", "current_first", "session_recall@1"), rows)
    assert found == {"recall@5": {"r": 0.0}, "map": {"r": 0.0}, "coverage@100": {}, "current_first": {}, "session_recall@1": {}}


@pytest.mark.parametrize("name", ["recall@10", "session_recall@5", "recall_all@5", "ndcg@10", "coverage@1000", "map", "current_first"])
def test_names_are_read_back(name: str) -> None:
    assert Metric.parse(name).name == name


@pytest.mark.parametrize("name", ["recall", "map@5", "precision@3", "recall@", "recall@-1", "", "recall@5 "])
def test_names_that_mean_nothing_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="metric"):
        Metric.parse(name)


def test_the_interval_agrees_with_another_library() -> None:
    data = np.random.default_rng(5).random(200)
    ours = bootstrap_mean(data, seed=1, resamples=4000)
    theirs = stats.bootstrap((data,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(2)).confidence_interval
    assert ours.mean == pytest.approx(data.mean())
    assert (ours.lo, ours.hi) == (pytest.approx(theirs.low, abs=0.005), pytest.approx(theirs.high, abs=0.005))


def test_the_interval_repeats_and_is_a_point_when_all_agree() -> None:
    data = [0.0, 1.0, 1.0, 0.5]
    assert bootstrap_mean(data, seed=3) == bootstrap_mean(data, seed=3)
    same = bootstrap_mean([0.25, 0.25, 0.25])
    assert (same.lo, same.mean, same.hi) == (0.25, 0.25, 0.25)
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_mean([])


def test_few_differences_are_tested_exactly() -> None:
    # All eight sign patterns of three equal differences: two are as extreme as what was seen.
    assert permutation_p([1.0, 1.0, 1.0]) == pytest.approx(2 / 8)
    assert permutation_p([1.0, 1.0, 1.0, 0.0, 0.0]) == pytest.approx(2 / 8)
    assert permutation_p([1.0, -1.0]) == 1.0
    assert permutation_p([0.0, 0.0]) == 1.0


def test_many_differences_agree_with_another_library() -> None:
    gaps = np.random.default_rng(8).normal(0.12, 1.0, 150)
    theirs = stats.permutation_test((gaps,), np.mean, permutation_type="samples", n_resamples=10_000, rng=np.random.default_rng(1)).pvalue
    assert permutation_p(gaps, seed=4) == pytest.approx(theirs, abs=0.02)


def test_a_clear_difference_never_has_a_p_of_zero() -> None:
    assert permutation_p([1.0] * 100) == pytest.approx(1 / 10_001)


def test_holm_agrees_with_the_worked_example() -> None:
    # Holm 1979 on p = .01, .04, .03, .005: multiplied by 4, 3, 2, 1 in rising order, never falling.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_auc_counts_ties_half() -> None:
    assert auc(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])) == pytest.approx(3.5 / 4)


def test_calibration_error_is_the_weighted_gap() -> None:
    scores, labels = np.array([0.95, 0.95, 0.15, 1.0]), np.array([True, False, False, True])
    assert expected_calibration_error(scores, labels) == pytest.approx((3 * abs(2.9 / 3 - 2 / 3) + 0.15) / 4)


def test_sufficiency_needs_both_kinds_of_question() -> None:
    good = [
        Outcome(id=str(number), category="c", answerable=number % 2 == 0, sufficiency=0.9 if number % 2 == 0 else 0.1)
        for number in range(20)
    ]
    assert calibrate(good)["sufficiency_auc"]["mean"] == 1.0
    assert calibrate(good)["sufficiency_auc"]["n"] == 20
    assert calibrate([row for row in good if row.answerable]) == {}
    assert calibrate([Outcome(id="x", category="c")]) == {}
    assert calibrate([Outcome(id=str(number), category="c", answerable=number > 1, sufficiency=0.0) for number in range(4)]) == {}
