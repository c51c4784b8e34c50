"""How spaces grew: counts by minute, read from the journal once and kept up with it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from mneme.core.journal import Entry
from mneme.server.ui.looking import View

MOST_SPACES = 64
MOST_POINTS = 300
BUDGET_S = 0.4
_PAGE = 500
_MINUTE_S = 60


@dataclass(slots=True)
class _Followed:
    """How far a journal was read, and what was counted: minute -> episodes, memories, entries."""

    seq: int = 0
    hash: str = ""
    minutes: dict[int, list[int]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Growth:
    """Follows the journals of the spaces that were looked at last.

    Args:
        budget_s: how long one call may read; a long journal takes several.
    """

    def __init__(self, budget_s: float = BUDGET_S) -> None:
        self._budget_s = budget_s
        self._followed: OrderedDict[str, _Followed] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, view: View) -> dict[str, Any]:
        """Return the points of a space so far, and whether its journal was read to the end.

        Every call reads through the caller's own rights first, so what was counted for one is never told to another without them.
        """
        last = view.last_entry()
        with self._lock:
            followed = self._followed.setdefault(view.space, _Followed())
            self._followed.move_to_end(view.space)
            while len(self._followed) > MOST_SPACES:
                self._followed.popitem(last=False)
        with followed.lock:
            self._forget_another(followed, view, last)
            until = time.monotonic() + self._budget_s
            while followed.seq < last and time.monotonic() < until:
                page = view.service.journal(view.caller, view.space, after=followed.seq, limit=_PAGE)
                if not page:
                    break
                for entry in page:
                    _count(followed, entry)
            return {"done": followed.seq >= last, "read": followed.seq, "of": last, "points": _points(followed.minutes)}

    def _forget_another(self, followed: _Followed, view: View, last: int) -> None:
        """Begin anew when the space was removed and made again under its name."""
        if followed.seq == 0:
            return
        here = view.service.journal(view.caller, view.space, after=followed.seq - 1, limit=1) if followed.seq <= last else []
        if not here or here[0].hash != followed.hash:
            followed.seq, followed.hash, followed.minutes = 0, "", {}


def _count(followed: _Followed, entry: Entry) -> None:
    minute = int(entry.recorded_at.timestamp()) // _MINUTE_S
    counted = followed.minutes.setdefault(minute, [0, 0, 0])
    for change in entry.changes:
        if change.op == "observe":
            counted[0] += 1
        elif change.op == "keep":
            counted[1] += 1
        elif change.op == "erase":
            counted[0 if change.subject.startswith("ep_") else 1] -= 1
    counted[2] += 1
    followed.seq, followed.hash = entry.seq, entry.hash


def _points(minutes: dict[int, list[int]]) -> list[dict[str, Any]]:
    """Return cumulative counts, oldest first, thinned to what a plot can show."""
    points: list[dict[str, Any]] = []
    episodes = memories = entries = 0
    for minute in sorted(minutes):
        more = minutes[minute]
        episodes, memories, entries = episodes + more[0], memories + more[1], entries + more[2]
        points.append({"at": minute * _MINUTE_S * 1000, "episodes": episodes, "memories": memories, "entries": entries})
    step = -(-len(points) // MOST_POINTS)
    return points[::-1][:: max(step, 1)][::-1]
