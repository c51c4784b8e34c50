"""Personalised PageRank over a weighted graph.

Source: Haveliwala 2002, with the mass of nodes without edges sent back to the start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A directed weighted graph; an undirected edge stands in it twice.

    Args:
        size: how many nodes.
        source, target: ``(e,)`` nodes.
        weight: ``(e,)`` not negative.
    """

    size: int
    source: Places
    target: Places
    weight: Numbers

    @staticmethod
    def undirected(size: int, source: Places, target: Places, weight: Numbers) -> Graph:
        """Return the graph with every edge in both directions; edges from a node to itself are left out."""
        kept = source != target
        source, target, weight = source[kept], target[kept], weight[kept]
        return Graph(
            size=size,
            source=np.concatenate([source, target]),
            target=np.concatenate([target, source]),
            weight=np.concatenate([weight, weight]),
        )


def pagerank(graph: Graph, reset: Numbers, *, damping: float = 0.5, rounds: int = 100, tolerance: float = 1e-9) -> Numbers:
    """Return ``(size,)`` how often a walker is at each node that goes on with probability ``damping`` and else starts again.

    Args:
        graph: where it walks; an edge is taken in proportion to its weight.
        reset: ``(size,)`` where it starts, not negative; invalid values count 0.
        damping: in [0, 1); 0 gives ``reset`` itself.
        rounds, tolerance: when to stop: after so many steps, or when the sum of changes is below it.

    Returns:
        Probabilities that sum to 1; zeros when ``reset`` has no mass.

    Example:
        >>> import numpy as np
        >>> chain = Graph.undirected(3, np.array([0, 1]), np.array([1, 2]), np.ones(2))
        >>> pagerank(chain, np.array([1.0, 0, 0]), damping=0.0).tolist()
        [1.0, 0.0, 0.0]
    """
    start = np.where(np.isfinite(reset) & (reset > 0), reset, 0.0)
    if not start.sum():
        return np.zeros(graph.size)
    start = start / start.sum()
    out = np.bincount(graph.source, graph.weight, graph.size)
    share = graph.weight / np.where(out[graph.source] > 0, out[graph.source], 1.0)
    dangling = out <= 0
    rank = start.copy()
    for _ in range(rounds):
        moved = np.bincount(graph.target, share * rank[graph.source], graph.size)
        after = (1 - damping) * start + damping * (moved + rank[dangling].sum() * start)
        change = np.abs(after - rank).sum()
        rank = after
        if change < tolerance:
            break
    return np.asarray(rank)
