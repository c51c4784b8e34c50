"""Traces: what a call read, asked a model, decided and cost; attached to every receipt, recall and journal entry."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class Trace:
    """A call's own record of itself; grows while the call runs.

    Args:
        id: ``tr_...``; the journal entry of the call names it.
        verb: the call.
        stages: (stage, milliseconds), in the order in which they ended.
        notes: what components decided, in order.
        models: model calls with their role, prompt hash, tokens and cost.
    """

    id: str
    verb: str
    stages: list[tuple[str, float]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a stage of the call."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages.append((name, (time.perf_counter() - start) * 1000))

    def note(self, **facts: Any) -> None:
        """Write down a decision."""
        self.notes.append(facts)

    def to_plain(self) -> dict[str, Any]:
        """Return the trace as plain JSON values."""
        return {
            "id": self.id,
            "verb": self.verb,
            "stages_ms": [[name, round(ms, 3)] for name, ms in self.stages],
            "notes": self.notes,
            "models": self.models,
        }
