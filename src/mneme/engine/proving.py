"""Proving: the chain is whole, rows hold what the journal says, and the index in memory agrees with the rows."""

from __future__ import annotations

from mneme.core.operations import SETTINGS
from mneme.core.ports import Store
from mneme.core.query import Verification
from mneme.engine.current import CurrentIndex
from mneme.index.columns import SEARCHABLE
from mneme.text.analyser import Analyser

_CHUNK = 1000


def verify(store: Store, current: CurrentIndex, analyser: Analyser) -> Verification:
    """Return what was checked and everything that does not hold."""
    problems = store.check() + _setting_problems(store)
    if not problems:  # an index of rows that don't hold together proves nothing
        problems = _index_problems(store, current) + _term_problems(store, analyser)
    counts = store.counts()
    last = store.last_seq()
    newest = store.entries(after=last - 1, limit=1) if last else []
    return Verification(
        entries=counts["entries"],
        memories=counts["memories"],
        head=newest[0].hash if newest else "",
        problems=tuple(problems),
    )


def _setting_problems(store: Store) -> list[str]:
    """Compare settings that people decide on with the last entry that changed them."""
    settings = store.meta()
    problems = []
    for key in SETTINGS:
        told = [change.detail["after"] for entry in store.entries_of(key) for change in entry.changes if change.op == "configure"]
        if told and told[-1] != settings.get(key, ""):
            problems.append(f"settings: {key} are not what the journal says")
    return problems


def _index_problems(store: Store, current: CurrentIndex) -> list[str]:
    """Compare the index in memory with the rows it was derived from."""
    with current.lock:
        index = current.now()
        rows = store.index_rows(vectors=False)
        if rows.seq != index.seq:
            index, rows = current.now(), store.index_rows(vectors=False)
    columns = index.columns
    wanted = {int(row): i for i, row in enumerate(rows.row) if rows.status[i] in SEARCHABLE}
    have = {int(row): int(p) for p, row in enumerate(columns["row"]) if columns["present"][p]}
    problems = [f"index: row {row} is missing" for row in sorted(set(wanted) - set(have))]
    problems += [f"index: row {row} is there and should not be" for row in sorted(set(have) - set(wanted))]
    for row in sorted(set(wanted) & set(have)):
        i, position = wanted[row], have[row]
        for name in ("text_version", "at", "valid_from", "valid_to"):
            if columns[name][position] != getattr(rows, name)[i]:
                problems.append(f"index: row {row} has another {name} than the store")
    return problems


def _term_problems(store: Store, analyser: Analyser) -> list[str]:
    """Work the token rows out again from the texts."""
    rows = store.index_rows(vectors=False)
    terms = {id: row for id, row, status in zip(rows.memory, rows.terms, rows.status, strict=True) if status in SEARCHABLE}
    ids = list(terms)
    problems: list[str] = []
    for start in range(0, len(ids), _CHUNK):
        for id, memory in store.memories(ids[start : start + _CHUNK]).items():
            if analyser.document(memory.indexed_text) != terms[id]:
                problems.append(f"terms: the token row of {id} does not follow from its text")
    return problems
