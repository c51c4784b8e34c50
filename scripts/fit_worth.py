"""Fit the weights of ``mneme.retention.worth``: which messages of development conversations are evidence for some question.

Usage: python scripts/fit_worth.py DATA. Prints the weights and the area under the curve on conversations that were left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from mneme.arena.task import Options
from mneme.arena.tasks import get_task
from mneme.retention.worth import FEATURES, commonness, features
from mneme.text.analyser import Analyser


def rows(data: Path, task: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, labels and the number of the conversation of every message."""
    analyser = Analyser()
    found, labels, groups = [], [], []
    for number, sample in enumerate(get_task(task).load(data / get_task(task).data, Options()).samples):
        gold = {ref for question in sample.questions for ref in question.gold}
        if task == "longmemeval" and not gold:
            continue
        terms = [analyser.terms(message.text) for message in sample.messages]
        common = commonness(analyser, [message.text for message in sample.messages])
        for message, words in zip(sample.messages, terms, strict=True):
            found.append(features(message.text, words, common, message.role))
            labels.append(message.ref in gold)
            groups.append(number)
    return np.array(found), np.array(labels, float), np.array(groups)


def fit(x: np.ndarray, y: np.ndarray, weight: np.ndarray, l2: float = 1.0) -> np.ndarray:
    """Return weights and bias of a ridge logistic regression."""
    design = np.c_[x, np.ones(len(x))]

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = design @ w
        p = 1 / (1 + np.exp(-z))
        penalty = np.r_[w[:-1], 0.0]
        value = float((weight * (np.logaddexp(0, z) - y * z)).sum() + l2 * penalty @ penalty)
        return value, design.T @ (weight * (p - y)) + 2 * l2 * penalty

    return np.asarray(minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B").x)


def auc(scores: np.ndarray, y: np.ndarray) -> float:
    """Return the area under the curve."""
    order = np.argsort(np.argsort(scores)) + 1
    ones = y > 0
    return float((order[ones].sum() - ones.sum() * (ones.sum() + 1) / 2) / (ones.sum() * (~ones).sum()))


def main() -> None:
    """Fit, judge, print."""
    data = Path(sys.argv[1])
    parts = {task: rows(data, task) for task in ("locomo", "longmemeval")}
    for task, (x, y, groups) in parts.items():
        held = []
        for group in np.unique(groups)[:5]:
            out = groups == group
            if y[out].sum():
                w = fit(x[~out], y[~out], np.ones((~out).sum()))
                held.append(auc(x[out] @ w[:-1], y[out]))
        w = fit(x, y, np.ones(len(x)))
        print(task, len(x), int(y.sum()), "held-out auc", np.round(held, 3))
        print("  ", {name: round(float(v), 2) for name, v in zip((*FEATURES, "bias"), w, strict=True)})
    x = np.concatenate([part[0] for part in parts.values()])
    y = np.concatenate([part[1] for part in parts.values()])
    weight = np.concatenate([np.full(len(part[1]), 1000 / max(part[1].sum(), 1)) for part in parts.values()])
    w = fit(x, y, weight)
    print("both", {name: round(float(v), 2) for name, v in zip((*FEATURES, "bias"), w, strict=True)})
    for task, (px, py, _) in parts.items():
        print(" ", task, "auc", round(auc(px @ w[:-1], py), 3))


if __name__ == "__main__":
    main()
