"""Figures of a running server in the text format of Prometheus. Labels name routes, never spaces, keys or content.

Several workers leave their figures for each other in a folder, about every second, so that whichever is asked answers for all.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter
from pathlib import Path
from typing import Any

from mneme.core.codec import dumps, loads

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LEAVE_EVERY_S = 1.0

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LATENCY = "mneme_request_seconds"


class Metrics:
    """Counts requests; safe for threads.

    Args:
        folder: where the workers of one server leave their figures; None when there is one.
        number: which worker this is.
    """

    def __init__(self, folder: Path | None = None, number: int = 0) -> None:
        self._lock = threading.Lock()
        self._own = None if folder is None else folder / f"{number}.json"
        self._left_at = time.monotonic()
        self._started = time.time()
        self._requests: Counter[str] = Counter()
        self._latencies: dict[str, list[float]] = {}
        self.in_flight = 0
        self.streams = 0
        self.spaces_open = 0

    def begin(self) -> None:
        """Count a request that began."""
        with self._lock:
            self.in_flight += 1

    def end(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that ended."""
        labels = f'method="{method if method in _METHODS else "other"}",route="{route}"'
        with self._lock:
            self.in_flight -= 1
            self._requests[f'{labels},status="{status}"'] += 1
            # The counts of all buckets, then the sum of all seconds.
            latency = self._latencies.setdefault(labels, [0] * (len(BUCKETS_S) + 2))
            latency[bisect_left(BUCKETS_S, seconds)] += 1
            latency[-1] += seconds
        if self._own is not None and time.monotonic() - self._left_at > LEAVE_EVERY_S:
            self._leave(self._own)

    def text(self) -> str:
        """Return the figures of all workers."""
        figures = self._figures()
        for other in self._others():
            figures["gauges"] = {name: value + other["gauges"].get(name, 0) for name, value in figures["gauges"].items()}
            for labels, count in other["requests"].items():
                figures["requests"][labels] = figures["requests"].get(labels, 0) + count
            for labels, latency in other["latencies"].items():
                here = figures["latencies"].get(labels, [0] * len(latency))
                figures["latencies"][labels] = [a + b for a, b in zip(here, latency, strict=True)]
        return "\n".join([*_request_lines(figures), *_latency_lines(figures), *self._gauge_lines(figures)]) + "\n"

    def _figures(self) -> dict[str, Any]:
        with self._lock:
            return {
                "requests": dict(self._requests),
                "latencies": {labels: list(latency) for labels, latency in self._latencies.items()},
                "gauges": {"requests_in_flight": self.in_flight, "streams_open": self.streams, "spaces_open": self.spaces_open},
            }

    def _leave(self, path: Path) -> None:
        self._left_at = time.monotonic()
        part = path.with_suffix(".part")
        part.write_bytes(dumps(self._figures()))
        part.replace(path)

    def _others(self) -> list[dict[str, Any]]:
        if self._own is None:
            return []
        return [loads(path.read_bytes()) for path in self._own.parent.glob("*.json") if path != self._own]

    def _gauge_lines(self, figures: dict[str, Any]) -> list[str]:
        lines = ["# HELP mneme_start_time_seconds When the server started.", "# TYPE mneme_start_time_seconds gauge"]
        lines.append(f"mneme_start_time_seconds {self._started:.3f}")
        for name, value in figures["gauges"].items():
            lines += [f"# TYPE mneme_{name} gauge", f"mneme_{name} {value:g}"]
        return lines


def _request_lines(figures: dict[str, Any]) -> list[str]:
    lines = ["# HELP mneme_requests_total Requests that ended.", "# TYPE mneme_requests_total counter"]
    return lines + [f"mneme_requests_total{{{labels}}} {count}" for labels, count in sorted(figures["requests"].items())]


def _latency_lines(figures: dict[str, Any]) -> list[str]:
    lines = [f"# HELP {_LATENCY} How long requests took.", f"# TYPE {_LATENCY} histogram"]
    for labels, latency in sorted(figures["latencies"].items()):
        total = 0
        for limit, count in zip((*BUCKETS_S, float("inf")), latency[:-1], strict=True):
            total += int(count)
            lines.append(f'{_LATENCY}_bucket{{{labels},le="{"+Inf" if limit == float("inf") else format(limit, "g")}"}} {total}')
        lines.append(f"{_LATENCY}_sum{{{labels}}} {latency[-1]:.6f}")
        lines.append(f"{_LATENCY}_count{{{labels}}} {total}")
    return lines
