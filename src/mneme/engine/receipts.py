"""Receipts of what a store did, and lists in parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mneme.core.ports import Applied
from mneme.core.query import Receipt
from mneme.core.trace import Trace


def receipt(applied: Applied, trace: Trace, refused: tuple[Any, ...] = ()) -> Receipt:
    """Return the receipt of a call for what the store did."""
    changes = applied.entry.changes if applied.entry else ()
    return Receipt(
        verb=trace.verb,
        ids=tuple(change.subject for change in changes if change.op == "keep"),
        episodes=tuple(change.subject for change in changes if change.op == "observe"),
        jobs=tuple(change.subject for change in changes if change.op == "enqueue"),
        refused=refused,
        entry=applied.entry.seq if applied.entry else 0,
        duplicate=applied.duplicate,
        trace=trace,
    )


def chunks(lines: Iterable[Any], size: int) -> Iterable[list[Any]]:
    """Yield items in lists of at most ``size``."""
    part: list[Any] = []
    for line in lines:
        part.append(line)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
