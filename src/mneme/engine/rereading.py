"""Token rows of another version of the analyser or of the marks: made anew from their texts when the index is built.

Every row carries the version that made it, so a space that two versions wrote to is put in order row by row, and one of the present
version pays for a look at each row.
"""

from __future__ import annotations

from dataclasses import replace

from mneme.core.errors import Busy, ReadOnly
from mneme.core.ports import IndexRows, Rewriting, Store
from mneme.text.analyser import Analyser, is_current

_CHUNK = 1000


def reread(store: Store, analyser: Analyser, rows: IndexRows) -> IndexRows:
    """Return the rows with the terms and marks of the present version.

    A store that can is given the new ones to keep, so that they are made once.
    """
    stale = [place for place, row in enumerate(rows.terms) if rows.passages[place] and not is_current(row)]
    if not stale:
        return rows
    terms = list(rows.terms)
    for start in range(0, len(stale), _CHUNK):
        part = stale[start : start + _CHUNK]
        memories = store.memories([rows.memory[place] for place in part], at_seq=rows.seq)
        there = [place for place in part if rows.memory[place] in memories]
        for place in there:
            terms[place] = analyser.document(memories[rows.memory[place]].indexed_text)
        _keep(store, rows, there, [terms[place] for place in there])
    return replace(rows, terms=terms)


def _keep(store: Store, rows: IndexRows, places: list[int], terms: list[bytes]) -> None:
    if not isinstance(store, Rewriting):
        return
    try:
        store.rewrite_terms(rows.row[places].tolist(), rows.text_version[places].tolist(), terms)
    except (ReadOnly, Busy):
        return  # searched as they are in memory; a later opening keeps them
