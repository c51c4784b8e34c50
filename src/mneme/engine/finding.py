"""Reading all memories that pass a filter, page by page: a store returns a thousand at a time."""

from __future__ import annotations

from mneme.core.ports import Store
from mneme.core.query import Filter
from mneme.core.records import Memory

PAGE = 1000


def every(store: Store, where: Filter) -> list[Memory]:
    """Return all active memories that pass a filter, in order of id, however many there are."""
    found = page = store.find(where, limit=PAGE)
    while len(page) == PAGE:
        page = store.find(where, after=page[-1].id, limit=PAGE)
        found = [*found, *page]
    return found
