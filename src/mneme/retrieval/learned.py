"""A ranking that learns from feedback: one small vector for each space that lifts or lowers what the features contribute.

Every judged memory holds one vote, from the last time it was judged: how its contributions stood out from those of the other hits, each
taken as often as the ranking believed in it. The vector is the clipped sum of all votes, so it needs no order, a judgement that is undone
or a memory that is erased leaves no trace in it, and judging one memory a hundred times counts once.

Source: RMM (arXiv 2503.08026), retrospective reflection: REINFORCE on which recalled memories were cited. Differs: the policy is the
recipe's own linear sum and not a residual on embeddings, so the gradient is that of the features' shares; what the caller calls useful or
useless is the reward, nothing is drawn at random, and the vector is off below ``LEAST`` votes and never beyond ``MOST``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mneme.core.query import Hit

PREFIX = "rank."
"""Begins the names of the numbers of ``Usage.state`` that hold a vote."""

RATE = 0.01
LEAST = 20
"""With fewer votes nothing is learned from them: chance would decide."""

MOST = 0.4
"""A share grows or shrinks by no more than this, so that learned taste never hides what was asked for."""

COMPARED = 20
"""A hit is held against so many of the best; those further down are no choice that anybody made."""


def votes(hits: Sequence[Hit], useful: Sequence[str], useless: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return for each judged memory its vote: ``rank.FEATURE`` -> how it pulls on the feature's share.

    Args:
        hits: of one recall, best first.
        useful, useless: ids of memories among them; in both counts as useless.

    Returns:
        Nothing for a single hit, which stands out from nothing, or for hits that don't say what their score is made of.
    """
    judged = {id: 1.0 for id in useful} | {id: -1.0 for id in useless}
    near = list(hits[:COMPARED]) + [hit for hit in hits[COMPARED:] if hit.memory.id in judged]
    shares = [_shares(hit) for hit in near]
    names = sorted({name for share in shares for name in share})
    if len(near) < 2 or not names:
        return {}
    table = np.array([[share.get(name, 0.0) for name in names] for share in shares])
    scores = np.array([hit.score for hit in near])
    odds = np.exp(scores - scores.max())
    expected = (odds / odds.sum()) @ table
    return {
        hit.memory.id: {f"{PREFIX}{name}": judged[hit.memory.id] * float(part) for name, part in zip(names, row - expected, strict=True)}
        for hit, row in zip(near, table, strict=True)
        if hit.memory.id in judged
    }


def lifts(cast: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return feature -> what its share is multiplied by, from all votes; empty while there are too few.

    >>> lifts([{"rank.dense": 1.0}] * 19)
    {}
    >>> round(lifts([{"rank.dense": 1.0}] * 30)["dense"], 6)
    1.3
    """
    counted = [vote for vote in cast if vote]
    if len(counted) < LEAST:
        return {}
    total: dict[str, float] = {}
    for vote in counted:
        for name, pull in vote.items():
            total[name] = total.get(name, 0.0) + pull
    return {name.removeprefix(PREFIX): 1.0 + float(np.clip(RATE * pull, -MOST, MOST)) for name, pull in sorted(total.items())}


def vote_of(state: Mapping[str, float]) -> dict[str, float]:
    """Return the vote among the numbers that a memory's usage holds."""
    return {name: number for name, number in state.items() if name.startswith(PREFIX) and number}


def _shares(hit: Hit) -> dict[str, float]:
    return {
        name: float(part) for name, part in hit.why.items() if isinstance(part, int | float) and not isinstance(part, bool)
    }
