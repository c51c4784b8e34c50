"""Figures of a running server in the text format of Prometheus. Labels name routes, never spaces, keys or content."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counts requests; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = time.time()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * (len(BUCKETS_S) + 1))
        self._seconds: dict[tuple[str, str], float] = defaultdict(float)
        self.in_flight = 0
        self.streams = 0

    def begin(self) -> None:
        """Count a request that began."""
        with self._lock:
            self.in_flight += 1

    def end(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that ended."""
        method = method if method in _METHODS else "other"
        with self._lock:
            self.in_flight -= 1
            self._requests[method, route, status] += 1
            self._buckets[method, route][bisect_left(BUCKETS_S, seconds)] += 1
            self._seconds[method, route] += seconds

    def text(self, **gauges: float) -> str:
        """Return all figures, and further gauges of the caller's."""
        with self._lock:
            lines = [*self._request_lines(), *self._latency_lines()]
            gauges = {"requests_in_flight": self.in_flight, "streams_open": self.streams, **gauges}
        lines += ["# HELP mneme_start_time_seconds When the server started.", "# TYPE mneme_start_time_seconds gauge"]
        lines.append(f"mneme_start_time_seconds {self._started:.3f}")
        for name, value in gauges.items():
            lines += [f"# TYPE mneme_{name} gauge", f"mneme_{name} {value:g}"]
        return "\n".join(lines) + "\n"

    def _request_lines(self) -> list[str]:
        lines = ["# HELP mneme_requests_total Requests that ended.", "# TYPE mneme_requests_total counter"]
        for (method, route, status), count in sorted(self._requests.items()):
            lines.append(f'mneme_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}')
        return lines

    def _latency_lines(self) -> list[str]:
        name = "mneme_request_seconds"
        lines = [f"# HELP {name} How long requests took.", f"# TYPE {name} histogram"]
        for (method, route), counts in sorted(self._buckets.items()):
            labels = f'method="{method}",route="{route}"'
            total = 0
            for limit, count in zip((*BUCKETS_S, float("inf")), counts, strict=True):
                total += count
                lines.append(f'{name}_bucket{{{labels},le="{"+Inf" if limit == float("inf") else format(limit, "g")}"}} {total}')
            lines.append(f"{name}_sum{{{labels}}} {self._seconds[method, route]:.6f}")
            lines.append(f"{name}_count{{{labels}}} {total}")
        return lines
