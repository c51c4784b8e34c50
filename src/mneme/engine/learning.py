"""What a space has learned from feedback, kept current from the journal; the votes themselves are usage of the judged memories."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import numpy as np

from mneme.core.operations import Reinforce
from mneme.core.ports import IntArray, Searching, Store
from mneme.core.records import Usage
from mneme.core.upkeep import NEVER
from mneme.index.columns import SEARCHABLE
from mneme.index.view import SpaceIndex
from mneme.retrieval.learned import PREFIX, lifts, vote_of

_STEP_BY_STEP = 64
"""After more journal entries than this, all judged memories are read anew."""


class Lessons:
    """The votes of a space and the vector that follows from them. Safe for threads."""

    def __init__(self) -> None:
        self._seq = -1
        self._votes: dict[str, Mapping[str, float]] = {}
        self._lifts: Mapping[str, float] = {}
        self._lock = threading.Lock()

    def lifts(self, store: Store, index: SpaceIndex) -> Mapping[str, float]:
        """Return feature -> factor as of the index's state; costs nothing where nothing changed, little where nothing was ever used."""
        with self._lock:
            if self._seq != index.seq:
                used = np.flatnonzero(index.present & (index.last_used > NEVER)) if index.whole else None
                if used is None or len(used) or self._votes:
                    self._refresh(store, index.seq, lambda: _judged(store, index, used))
                self._seq = index.seq
                self._lifts = lifts([self._votes[id] for id in sorted(self._votes)])
            return self._lifts

    def _refresh(self, store: Store, seq: int, judged: Callable[[], list[str]]) -> None:
        if self._seq < 0 or not 0 < seq - self._seq <= _STEP_BY_STEP:
            self._votes = {}
            touched = judged()
        else:
            entries = store.entries(after=self._seq, limit=seq - self._seq)
            touched = list(dict.fromkeys(change.subject for entry in entries for change in entry.changes if change.op in _TOUCHING))
        present = store.usage(touched)
        for id in touched:
            vote = vote_of(present[id].state) if id in present and store.status_of(id) in SEARCHABLE else {}
            if vote:
                self._votes[id] = vote
            else:
                self._votes.pop(id, None)


def _judged(store: Store, index: SpaceIndex, used: IntArray | None) -> list[str]:
    """Return the memories that may hold a vote: those that were used, or what the store finds where not all are in memory."""
    if used is not None:
        return [index.ids[position] for position in used.tolist()]
    return store.judged(PREFIX) if isinstance(store, Searching) else []


_TOUCHING = frozenset({"reinforce", "erase", "quarantine", "restore", "archive"})


def with_vote(operation: Reinforce, usage: Usage | None, vote: Mapping[str, float]) -> Reinforce:
    """Return the operation with the memory's new vote in place of the one it had."""
    before = {name: 0.0 for name in (usage.state if usage else {}) if name.startswith(PREFIX)}
    state = {**operation.state, **before, **vote} if vote else dict(operation.state)
    return Reinforce(id=operation.id, uses=operation.uses, strength=operation.strength, at=operation.at, state=state)
