"""Reading from a memory of vectors by attention: kernels, the best few weighed, time steps, and the gate that mixes what was read in.

Source: XMem (arXiv 2207.07115): S(k, q) = -s sum_c e_c (k_c - q_c)^2 / sqrt(C), softmax over the best 30, usage grows by affinity.
MemoryVLA (arXiv 2508.19236): keys with sinusoidal time steps, g = sigmoid(W [current; read]), fused = g read + (1 - g) current.
Differs: plain NumPy, one question at a time; nothing is learned here, weights are given. Legend: k keys, q question, s shrinkage (how
sharp a key is), e selection (which components count), C width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mneme.core.errors import InvalidInput

Numbers = NDArray[np.float64]

TOP = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a question read out of a memory.

    Args:
        value: ``(d,)`` the weighed mean of the values.
        affinity: ``(n,)`` how much each element gave, together 1; 0 for all but the best few. Added up it is an element's usage.
    """

    value: Numbers
    affinity: Numbers


def similarities(keys: ArrayLike, question: ArrayLike, shrinkage: ArrayLike = 1.0, selection: ArrayLike = 1.0) -> Numbers:
    """Return ``(n,)`` similarities, at most 0.

    Args:
        keys: ``(n, c)``.
        question: ``(c,)``.
        shrinkage: ``(n,)`` or one number; a larger one makes a key more particular.
        selection: ``(c,)`` or one number.
    """
    every = np.atleast_2d(np.asarray(keys, np.float64))
    apart = (np.asarray(selection, np.float64) * (every - np.asarray(question, np.float64)) ** 2).sum(axis=1)
    return np.asarray(-np.asarray(shrinkage, np.float64) * apart / np.sqrt(every.shape[1]))


def top_softmax(scores: ArrayLike, top: int = TOP) -> Numbers:
    """Return ``(n,)`` the softmax over the ``top`` highest scores, 0 for the others; of equal ones the first counts.

    Raises:
        InvalidInput: ``top`` is below 1.
    """
    if top < 1:
        raise InvalidInput({"top": f"must be at least 1, not {top}"})
    given = np.asarray(scores, np.float64)
    weights = np.zeros(len(given))
    best = np.argsort(-given, kind="stable")[:top]
    if len(best):
        weights[best] = np.exp(given[best] - given[best[0]])
        weights /= weights.sum()
    return weights


def readout(
    keys: ArrayLike, values: ArrayLike, question: ArrayLike, *, top: int = TOP, shrinkage: ArrayLike = 1.0, selection: ArrayLike = 1.0
) -> Read:
    """Return what a question reads: the values of the most similar keys, weighed.

    Args:
        keys: ``(n, c)``, at least one.
        values: ``(n, d)``.
        question: ``(c,)``.
        top: how many elements are read.
        shrinkage, selection: as of :func:`similarities`.

    Raises:
        InvalidInput: there are no keys, or not as many values.
    """
    rows, every = np.atleast_2d(np.asarray(values, np.float64)), np.atleast_2d(np.asarray(keys, np.float64))
    if not len(rows) or len(every) != len(rows):
        raise InvalidInput({"values": f"{len(rows)} for {len(every)} keys; give one value for each, at least one"})
    affinity = top_softmax(similarities(every, question, shrinkage, selection), top)
    return Read(value=affinity @ rows, affinity=affinity)


def time_steps(times: ArrayLike, width: int, longest: float = 10_000.0) -> Numbers:
    """Return ``(n, width)`` sinusoidal embeddings of time steps: sines in the first half, cosines in the second.

    Raises:
        InvalidInput: the width is odd or below 2.
    """
    if width < 2 or width % 2:
        raise InvalidInput({"width": f"must be even and at least 2, not {width}"})
    rates = longest ** -(np.arange(width // 2) / (width // 2))
    angles = np.asarray(times, np.float64)[:, None] * rates
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def gated(current: ArrayLike, read: ArrayLike, weights: ArrayLike = 0.0, bias: ArrayLike = 0.0) -> Numbers:
    """Return what is current mixed with what was read; zero weights mix them equally.

    Args:
        current, read: ``(d,)``.
        weights: W, ``(d, 2 d)``, or one number.
        bias: added before the sigmoid, ``(d,)`` or one number; large takes what was read, very negative what is current.
    """
    now, then = np.asarray(current, np.float64), np.asarray(read, np.float64)
    both = np.concatenate([now, then])
    pull = np.asarray(weights, np.float64) @ both if np.ndim(weights) else np.full(len(now), float(np.asarray(weights)) * both.sum())
    gate = 1.0 / (1.0 + np.exp(-np.clip(pull + np.asarray(bias, np.float64), -500, 500)))
    return np.asarray(gate * then + (1 - gate) * now)
