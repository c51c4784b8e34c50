"""Fitting what a sentence is worth keeping: a logistic regression on sentences that have the words of some answer.

A sentence's label is the largest share of an answer's words (as :mod:`mneme.arena.retention` counts them) that it has, over the questions
whose gold message it is in. Each dataset has an intercept of its own, since they label differently much. Fitted on some conversations and
judged on others, it shows whether the constants of :mod:`mneme.retention.worth` hold beyond the conversations they came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mneme.arena.retention import bearing_words, content_words, indexed
from mneme.arena.task import Sample
from mneme.core.errors import MissingExtra
from mneme.retention.condensing import joined_sentences
from mneme.retention.worth import FEATURES, commonness, features
from mneme.text.analyser import Analyser

_RIDGE = 1.0
_LEFT_OUT = ("length",)
"""What a budget spends is length, so no sentence is worth more or less for it."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """The sentences of one conversation.

    Args:
        features: ``(n, 10)`` in the order of ``FEATURES``.
        labels: ``(n,)`` in [0, 1].
    """

    features: Floats
    labels: Floats


def labelled(sample: Sample) -> Labelled:
    """Return the sentences of a sample with their labels."""
    analyser = Analyser()
    common = commonness(analyser, [indexed(message) for message in sample.messages])
    asked = {
        ref: [question for question in sample.questions if ref in question.gold] for question in sample.questions for ref in question.gold
    }
    rows: list[tuple[float, ...]] = []
    labels: list[float] = []
    for message in sample.messages:
        bearing = [bearing_words(question, content_words(indexed(message))) for question in asked.get(message.ref or "", ())]
        pieces = [message.text[start:end].strip() for start, end in joined_sentences(message.text)]
        for piece in (*pieces, *(medium.caption for medium in message.media if medium.caption)):
            words = content_words(piece)
            rows.append(features(piece, analyser.terms(piece), common, message.role))
            labels.append(max((len(part & words) / len(part) for part in bearing if part), default=0.0))
    return Labelled(features=np.array(rows, np.float64).reshape(-1, len(FEATURES)), labels=np.array(labels, np.float64))


def fit(datasets: Sequence[Sequence[Labelled]]) -> dict[str, float]:
    """Return weights and ``bias`` as a limit takes them; the bias is that of the first dataset.

    Raises:
        MissingExtra: SciPy is not installed.
    """
    try:
        from scipy.optimize import minimize
    except ImportError:
        raise MissingExtra("fitting weights", "arena") from None
    parts = [(part, number) for number, dataset in enumerate(datasets) for part in dataset]
    x = np.concatenate([_design(part.features, number, len(datasets)) for part, number in parts])
    y = np.concatenate([part.labels for part, _ in parts])
    penalised = np.r_[np.ones(len(FEATURES)), np.zeros(len(datasets))]

    def loss(weights: Floats) -> tuple[float, Floats]:
        z = x @ weights
        penalty = penalised * weights
        value = float((np.logaddexp(0, z) - y * z).sum() + _RIDGE * penalty @ penalty)
        return value, x.T @ (1 / (1 + np.exp(-z)) - y) + 2 * _RIDGE * penalty

    found = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x
    return {**dict(zip(FEATURES, found.round(4).tolist(), strict=False)), "bias": round(float(found[len(FEATURES)]), 4)}


def auc(weights: Mapping[str, float], part: Labelled) -> float | None:
    """Return how often a sentence with answer words is above one without; None where there are not both."""
    scores = part.features @ np.array([weights[name] for name in FEATURES])
    ones = part.labels >= 0.5
    if not ones.any() or ones.all():
        return None
    order = np.argsort(np.argsort(scores)) + 1
    count = int(ones.sum())
    return float((order[ones].sum() - count * (count + 1) / 2) / (count * (len(ones) - count)))


def _design(rows: Floats, dataset: int, datasets: int) -> Floats:
    own = np.zeros((len(rows), datasets))
    own[:, dataset] = 1.0
    design: Floats = np.concatenate([rows, own], axis=1)
    design[:, [FEATURES.index(name) for name in _LEFT_OUT]] = 0.0
    return design
