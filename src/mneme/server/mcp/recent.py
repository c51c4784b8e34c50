"""The last recalls of every caller, so that feedback by ids alone says what the scores of the judged memories were made of."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable

from mneme import calls
from mneme.core.query import Recall
from mneme.service import Caller

MOST_CALLERS = 256
MOST_RECALLS = 8


class Recent:
    """What callers were shown, a few recalls each. Safe for threads."""

    def __init__(self) -> None:
        self._shown: OrderedDict[tuple[str, str, str], deque[list[calls.Seen]]] = OrderedDict()
        self._lock = threading.Lock()

    def show(self, caller: Caller, space: str, found: Recall) -> None:
        """Keep what a recall gave."""
        hits = [
            calls.Seen(id=hit.memory.id, mark=hit.mark, score=hit.score, parts={n: p for n, p in hit.why.items() if isinstance(p, float)})
            for hit in found.hits
        ]
        with self._lock:
            kept = self._shown.setdefault((caller.actor, caller.key_id, space), deque(maxlen=MOST_RECALLS))
            self._shown.move_to_end((caller.actor, caller.key_id, space))
            kept.appendleft(hits)
            while len(self._shown) > MOST_CALLERS:
                self._shown.popitem(last=False)

    def hits(self, caller: Caller, space: str, ids: Iterable[str]) -> list[calls.Seen] | None:
        """Return the hits of the caller's newest recall that had all of these memories; None when there was none."""
        wanted = set(ids)
        with self._lock:
            kept = list(self._shown.get((caller.actor, caller.key_id, space), ()))
        return next((hits for hits in kept if wanted <= {hit.id for hit in hits}), None) if wanted else None
