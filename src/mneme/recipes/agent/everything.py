"""All memories of a space that pass a filter, however many there are."""

from __future__ import annotations

from collections.abc import Sequence

from mneme.core.query import Filter
from mneme.core.records import Memory
from mneme.space import Space

PAGE = 1000


def everything(space: Space, where: Filter, statuses: Sequence[str] = ("active",)) -> list[Memory]:
    """Return the memories in order of id, read page by page."""
    found = page = space.memories(where, limit=PAGE, statuses=tuple(statuses))
    while len(page) == PAGE:
        page = space.memories(where, after=page[-1].id, limit=PAGE, statuses=tuple(statuses))
        found = [*found, *page]
    return found
