"""Where a memory makes things up: in extraction, in updating, or in answering.

Source: HaluMem, arXiv 2511.03506. Differs: the judge is no language model but a comparison of normalised slots: 2 when every
slot agrees, 1 when some do, 0 when none does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Judged = Literal["correct", "hallucination", "omission", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """How complete, right and resistant extraction is; each in [0, 1].

    Args:
        recall: share of gold points that are stored whole.
        weighted_recall: the same with half points, weighed by importance.
        target_precision: mean score of the stored memories that concern a gold point.
        accuracy: mean score of all stored memories.
        resistance: share of interference points that were not stored.
        f1: of recall and target precision.
    """

    recall: float
    weighted_recall: float
    target_precision: float
    accuracy: float
    resistance: float
    f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Shares of verdicts; they sum to 1, or are all 0 when nothing was judged."""

    correct: float
    hallucination: float
    omission: float
    other: float


def extraction(
    gold: Sequence[int], importance: Sequence[float], stored: Sequence[int], targets: Sequence[int], interference: Sequence[int]
) -> Extraction:
    """Return the measures of stage 1.

    Args:
        gold: 0, 1 or 2 for each gold point: how much of it is stored.
        importance: of each gold point.
        stored: 0, 1 or 2 for each stored memory: how right it is.
        targets: the same for those that concern a gold point.
        interference: 0, 1 or 2 for each point that must not be stored.

    Example:
        >>> found = extraction([2, 1, 0, 2], [1, 1, 1, 0.5], [2, 2, 1, 0, 2], [2, 2, 1, 2], [0, 2, 0])
        >>> found.recall, round(found.weighted_recall, 3), found.accuracy, found.target_precision, round(found.f1, 3)
        (0.5, 0.571, 0.7, 0.875, 0.636)
        >>> round(found.resistance, 3)
        0.667
    """
    recall = sum(score == 2 for score in gold) / len(gold) if gold else 0.0
    total = sum(importance)
    precision = sum(0.5 * score for score in targets) / len(targets) if targets else 0.0
    return Extraction(
        recall=recall,
        weighted_recall=sum(0.5 * s * w for s, w in zip(gold, importance, strict=True)) / total if total else 0.0,
        target_precision=precision,
        accuracy=sum(0.5 * score for score in stored) / len(stored) if stored else 0.0,
        resistance=sum(score == 0 for score in interference) / len(interference) if interference else 1.0,
        f1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
    )


def shares(verdicts: Sequence[Judged]) -> Shares:
    """Return the measures of stages 2 and 3: how often an update or an answer was right, made up, left out, or something else.

    Example:
        >>> shares(["correct", "hallucination", "omission", "omission"])
        Shares(correct=0.25, hallucination=0.25, omission=0.5, other=0.0)
    """
    count = len(verdicts)
    return Shares(**{name: verdicts.count(name) / count if count else 0.0 for name in ("correct", "hallucination", "omission", "other")})
