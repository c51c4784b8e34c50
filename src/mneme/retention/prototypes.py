"""Prototypes: of what working memory held, the most used elements stay for long, each strengthened by those like it.

Source: XMem: usage is accumulated affinity over life; the top P become prototypes, v_p = sum_j softmax_j(sim(k_j, k_p)) v_j over the
candidates; the first frame and the most recent stay; the least used of the long-term memory make room. Legend: k keys, v values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.upkeep import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Consolidated:
    """What consolidation chose.

    Args:
        chosen: ``(p,)`` places of the prototypes among the candidates.
        values: ``(p, d)`` their potentiated values.
    """

    chosen: IntArray
    values: FloatArray


def consolidate(keys: FloatArray, values: FloatArray, usage: FloatArray, life: FloatArray, prototypes: int) -> Consolidated:
    """Return the prototypes of the candidates.

    Args:
        keys: ``(n, c)``.
        values: ``(n, d)``.
        usage: ``(n,)`` accumulated affinity.
        life: ``(n,)`` steps since each came, at least 1.
        prototypes: how many to keep; all when there are fewer candidates.
    """
    rate = np.asarray(usage, np.float64) / np.maximum(life, 1)
    chosen = np.sort(np.argsort(-rate, kind="stable")[:prototypes])
    distance = ((keys[:, None, :].astype(np.float64) - keys[chosen][None, :, :]) ** 2).sum(axis=2) / np.sqrt(keys.shape[1])
    weight = np.exp(-(distance - distance.min(axis=0, keepdims=True)))
    weight /= weight.sum(axis=0, keepdims=True)
    return Consolidated(chosen=chosen.astype(np.int64), values=(weight.T @ values).astype(np.float32))


def least_used(usage: FloatArray, life: FloatArray, room: int, most: int) -> IntArray:
    """Return which of the long-term elements go so that ``room`` more fit into ``most``, rising."""
    over = len(usage) + room - most
    if over <= 0:
        return np.zeros(0, np.int64)
    rate = np.asarray(usage, np.float64) / np.maximum(life, 1)
    return np.sort(np.argsort(rate, kind="stable")[:over]).astype(np.int64)
