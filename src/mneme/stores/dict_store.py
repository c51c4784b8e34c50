"""The obvious store: plain dictionaries in memory. It defines the semantics and is the oracle of the other stores' tests.

Every change works on a copy of the whole state that replaces it at the end, so a failed batch leaves no trace and a reader never
sees half a batch. Nothing here is fast, except by accident.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from mneme.core.clock import to_utc
from mneme.core.codec import (
    dumps,
    job_to_plain,
    link_to_plain,
    usage_to_plain,
)
from mneme.core.compaction import Folding, check_kept, folded
from mneme.core.errors import Closed, InvalidInput, NotFound, ReadOnly
from mneme.core.journal import Entry, change_to_plain, content_digest
from mneme.core.ports import Applied, Batch, FloatArray, IndexRows, Version
from mneme.core.query import Filter, Finding
from mneme.core.records import Episode, Job, Link, Memory, Usage
from mneme.stores import semantics as rules
from mneme.stores.checkpoint import Chain, first_call
from mneme.stores.dict_apply import Application
from mneme.stores.dict_compaction import fold
from mneme.stores.dict_state import State, index_of

_T = TypeVar("_T")


class _Space:
    """What several open stores of one space share."""

    def __init__(self) -> None:
        self.state = State()
        self.lock = threading.Lock()
        self.dropped = False


class DictStore:
    """A space in memory.

    Example:
        >>> DictStore().last_seq()
        0
    """

    def __init__(self, space: _Space | None = None) -> None:
        self._space = space or _Space()
        self._closed = False

    @property
    def _state(self) -> State:
        if self._closed:
            raise Closed("the store is closed; open the space again")
        if self._space.dropped:
            raise Closed("store: the space was dropped; nothing can be written to it or read from it")
        return self._space.state

    def _write(self, change: Callable[[State], _T]) -> _T:
        with self._space.lock:
            state = self._state.copy()
            result = change(state)
            self._space.state = state
            return result

    def apply(self, batch: Batch) -> Applied:
        """Apply a batch; see :meth:`mneme.core.ports.Store.apply`."""
        rules.check_batch(batch)

        def change(state: State) -> Applied:
            used = state.keys.get(rules.key_digest(batch.key)) if batch.key is not None else None
            if used is not None:

                def touching(subject: str) -> list[Entry]:
                    return [entry for _, entry in sorted(state.entries.items()) if subject in rules.touched(entry.changes)]

                return Applied(entry=first_call(state.entries[used], rules.key_digest(batch.key or ""), touching), duplicate=True)
            later = (seq for seq, entry in state.entries.items() if entry.verb in batch.rivals and seq > (batch.based_on or 0))
            if batch.based_on is not None and (rival := min(later, default=None)) is not None:
                raise rules.overtaken(rival)
            return Application(state, batch).run()

        return self._write(change)

    def last_seq(self) -> int:
        """Return the number of the last entry."""
        return self._state.last_seq

    def memories(self, ids: Sequence[str], *, at_seq: int | None = None) -> dict[str, Memory]:
        """Return memories by id, now or as of an entry."""
        state = self._state
        found = {id: state.as_of(id, at_seq) for id in ids}
        return {id: version.memory for id, version in found.items() if version is not None}

    def memories_by_row(self, rows: Sequence[int], *, at_seq: int | None = None) -> list[Memory]:
        """Return memories by row, in the order asked."""
        ids = {row: id for id, row in self._state.rows.items()}
        found = self.memories([ids[row] for row in rows if row in ids], at_seq=at_seq)
        return [found[ids[row]] for row in rows if ids.get(row) in found]

    def find(self, where: Filter, *, after: str = "", limit: int = 1000, statuses: Sequence[str] = ("active",)) -> list[Memory]:
        """Return memories that pass a filter, in order of id."""
        wanted = {*statuses, "archived"} if where.archived else set(statuses)
        heads = [versions[-1].memory for id, versions in sorted(self._state.versions.items()) if id > after]
        passing = [head for head in heads if head.status in wanted and where.accepts(replace(head, status="active"))]
        return passing[:limit]

    def status_of(self, id: str) -> str | None:
        """Return a memory's status."""
        return self._state.status(id)

    def versions(self, id: str) -> list[Version]:
        """Return a memory's versions, oldest first."""
        return [Version(memory=each.memory, seq=each.seq) for each in self._state.versions.get(id, ())]

    def places(self, id: str) -> list[tuple[int, int]]:
        """Return (row, text version) of a memory's material, oldest first."""
        return sorted((self._state.rows[owner], number) for owner, number in self._state.material if owner == id)

    def episodes(self, ids: Sequence[str]) -> dict[str, Episode]:
        """Return episodes by id."""
        found = {id: self._state.episodes.get(id) for id in ids}
        return {id: kept[0] for id, kept in found.items() if kept is not None}

    def list_episodes(self, *, after: str = "", limit: int = 1000) -> list[Episode]:
        """Return episodes in order of id."""
        kept = [kept[0] for id, kept in sorted(self._state.episodes.items()) if kept is not None and id > after]
        return kept[:limit]

    def resting_on(self, episodes: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the memories that rest on any of some episodes, with all that they rest on."""
        resting: dict[str, tuple[str, ...]] = {}
        for id, versions in sorted(self._state.versions.items()):
            sources = {span.episode for each in versions for span in each.memory.sources}
            if sources & set(episodes):
                resting[id] = tuple(sorted(sources))
        return resting

    def links(self, ids: Sequence[str] | None = None, *, at_seq: int | None = None) -> list[Link]:
        """Return links, ordered by source, target and type."""
        wanted = None if ids is None else set(ids)
        found = [row.link for row in self._state.links.values() if row.holds(at_seq)]
        touching = [link for link in found if wanted is None or wanted & {link.source, link.target}]
        return sorted(touching, key=lambda link: (link.source, link.target, link.type))

    def usage(self, ids: Sequence[str]) -> dict[str, Usage]:
        """Return usage by id."""
        return {id: self._state.usage[id] for id in ids if id in self._state.usage}

    def entries(self, *, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Return entries, oldest first."""
        return [entry for seq, entry in sorted(self._state.entries.items()) if seq > after][:limit]

    def entries_of(self, subject: str) -> list[Entry]:
        """Return the entries that touched a memory, episode or job."""
        return [entry for _, entry in sorted(self._state.entries.items()) if subject in rules.touched(entry.changes)]

    def seq_at(self, moment: datetime) -> int:
        """Return the last entry recorded at or before a moment."""
        moment = to_utc(moment, "moment")
        check_kept(moment, folded(self._state.meta)[1])
        return max((seq for seq, entry in self._state.entries.items() if entry.recorded_at <= moment), default=0)

    def index_rows(self, *, after: int = 0, vectors: bool = True) -> IndexRows:
        """Return the rows that entries after ``after`` touched."""
        state = self._state
        ids = [id for id in state.rows if state.changed[id] > after and (after or id not in state.erased)]
        return index_of(state, [(id, state.as_of(id, None)) for id in ids], state.last_seq, vectors)

    def index_rows_at(self, seq: int) -> IndexRows:
        """Return the rows as of an entry."""
        state = self._state
        known = [(id, state.as_of(id, seq)) for id in state.rows]
        return index_of(state, [pair for pair in known if pair[1] is not None], min(seq, state.last_seq), True)

    def vectors(self, rows: Sequence[int], text_versions: Sequence[int]) -> list[FloatArray]:
        """Return the vectors of rows, in the order asked."""
        state = self._state
        ids = {row: id for id, row in state.rows.items()}
        empty = np.zeros((0, int(state.meta.get("width", "0"))), np.float32)
        found = [state.material.get((ids.get(row, ""), n)) for row, n in zip(rows, text_versions, strict=True)]
        return [empty if material is None or not len(material.vectors) else material.vectors for material in found]

    def meta(self) -> dict[str, str]:
        """Return the settings."""
        return dict(self._state.meta)

    def set_meta(self, key: str, value: str) -> None:
        """Set one setting."""
        self._write(lambda state: state.meta.__setitem__(key, value))

    def jobs(self, *, states: Sequence[str] = ()) -> list[Job]:
        """Return jobs by due time, then id."""
        found = [job for job in self._state.jobs.values() if not states or job.state in states]
        return sorted(found, key=lambda job: (job.due_at, job.id))

    def claim(self, *, now: datetime, lease_s: float, tasks: Sequence[str] = (), limit: int = 1) -> list[Job]:
        """Lease jobs that are due."""
        now = to_utc(now, "now")

        def change(state: State) -> list[Job]:
            claimed: list[Job] = []
            for job in sorted(state.jobs.values(), key=lambda job: (job.due_at, job.id)):
                free = job.state == "waiting" and job.due_at <= now
                lapsed = job.state == "leased" and job.leased_until is not None and job.leased_until <= now
                if len(claimed) < limit and (free or lapsed) and (not tasks or job.task in tasks):
                    until = now + timedelta(seconds=lease_s)
                    leased = replace(job, state="leased", attempts=job.attempts + 1, leased_until=until)
                    state.jobs[job.id] = leased
                    claimed.append(leased)
            return claimed

        return self._write(change)

    def renew(self, job: Job, *, now: datetime, lease_s: float) -> bool:
        """Make a lease longer."""
        until = to_utc(now, "now") + timedelta(seconds=lease_s)

        def change(held: State) -> bool:
            present = held.jobs.get(job.id)
            if present is None or present.state != "leased" or present.attempts != job.attempts:
                return False
            held.jobs[job.id] = replace(present, leased_until=until)
            return True

        return self._write(change)

    def finish(self, job: Job, *, state: str, now: datetime, due_at: datetime | None = None, error: str | None = None) -> bool:
        """End an attempt at a job."""
        if state not in ("done", "dead", "waiting"):
            raise InvalidInput({"state": f"must be done, dead or waiting, not {state!r}"})
        due = to_utc(due_at or now, "due_at")

        def change(held: State) -> bool:
            present = held.jobs.get(job.id)
            if present is None or present.state != "leased" or present.attempts != job.attempts:
                return False
            later = due if state == "waiting" else present.due_at
            held.jobs[job.id] = replace(present, state=state, leased_until=None, error=error, due_at=later)
            return True

        return self._write(change)

    def rewrite_terms(self, rows: Sequence[int], text_versions: Sequence[int], terms: Sequence[bytes]) -> None:
        """Replace token rows."""

        def change(state: State) -> None:
            ids = {row: id for id, row in state.rows.items()}
            for row, number, blob in zip(rows, text_versions, terms, strict=True):
                key = (ids.get(row, ""), number)
                if key in state.material:
                    state.material[key] = replace(state.material[key], terms=blob)

        self._write(change)

    def stage_vectors(self, model: str, rows: Sequence[int], text_versions: Sequence[int], vectors: Sequence[FloatArray]) -> None:
        """Store another model's vectors beside those in use."""

        def change(state: State) -> None:
            if state.meta.get("staged_model") != model:
                state.staged = {}
                state.meta.pop("staged_width", None)
            width = rules.check_vectors(vectors, int(state.meta.get("staged_width", "0")))
            state.meta |= {"staged_model": model, "staged_width": str(width)}
            ids = {row: id for id, row in state.rows.items()}
            for row, number, array in zip(rows, text_versions, vectors, strict=True):
                if (ids.get(row, ""), number) in state.material:
                    state.staged[ids[row], number] = array

        self._write(change)

    def unstaged(self, model: str, *, limit: int = 1000) -> list[tuple[int, int, Memory]]:
        """Return what has no staged vectors of a model yet."""
        state = self._state
        staged = state.staged if state.meta.get("staged_model") == model else {}
        missing = sorted((state.rows[id], number, id) for id, number in state.material if (id, number) not in staged)
        return [(row, number, state.numbered(id, number).memory) for row, number, id in missing[:limit]]

    def switch_model(self, model: str, width: int) -> bool:
        """Use the staged vectors."""
        if self.unstaged(model, limit=1):
            return False

        def change(state: State) -> bool:
            if state.staged and state.meta.get("staged_width") != str(width):
                raise InvalidInput({"width": f"is {width}, the staged vectors have {state.meta.get('staged_width')}"})
            if state.meta.get("staged_model") != model and state.material:
                return False
            for key, array in state.staged.items():
                state.material[key] = replace(state.material[key], vectors=array)
            state.staged = {}
            for name in ("staged_model", "staged_width"):
                state.meta.pop(name, None)
            state.meta |= {"model": model, "width": str(width)}
            return True

        return self._write(change)

    def counts(self) -> dict[str, int]:
        """Return how much of everything there is."""
        state = self._state
        statuses = Counter(state.status(id) or "" for id in state.rows)
        return {
            "memories": len(state.versions),
            **{name: statuses[name] for name in ("active", "archived", "quarantined", "undone", "erased")},
            "episodes": sum(kept is not None for kept in state.episodes.values()),
            "links": len(self.links()),
            "jobs": len(state.jobs),
            "entries": state.last_seq,
            "bytes": len(self._dump()),
        }

    def check(self) -> list[str]:
        """Return what is wrong: the chain, digests and material."""
        state, problems = self._state, list[str]()
        chain = Chain()
        digests: dict[tuple[str, int], str] = {}
        for _, entry in sorted(state.entries.items()):
            problems += chain.follow(entry)
            digests |= {(change.subject, change.after): change.digest for change in entry.changes if change.digest}
        problems += chain.end()
        for id, versions in state.versions.items():
            for each in versions:
                if digests.get((id, each.memory.version)) != content_digest(each.salt, each.content):
                    problems.append(f"memory {id} version {each.memory.version}: its content does not fit its digest")
                if (id, each.text_version) not in state.material:
                    problems.append(f"memory {id} version {each.memory.version}: its text has no material")
        return problems

    def scrub(self) -> None:
        """Do nothing: what was erased is no longer referenced."""

    def scan(self, needles: Mapping[str, bytes]) -> tuple[int, list[Finding]]:
        """Search everything that is held."""
        found = self.held(list(needles.values()))
        return len(self._dump()), [Finding(place="memory", what=what) for what, needle in needles.items() if needle in found]

    def held(self, needles: Sequence[bytes]) -> set[bytes]:
        """Return which needles occur in what is held, which is all there is."""
        dump = self._dump()
        return {needle for needle in needles if any(form in dump for form in rules.stored_forms(needle))}

    def _dump(self) -> bytes:
        state = self._state
        parts: list[bytes] = [version.content for versions in state.versions.values() for version in versions]
        parts += [rules.episode_bytes(kept[0]) for kept in state.episodes.values() if kept is not None]
        for material in state.material.values():
            parts += [material.terms, material.vectors.tobytes()]
        parts += [array.tobytes() for array in state.staged.values()]
        plain: list[Any] = [state.meta, [job_to_plain(job) for job in state.jobs.values()]]
        plain += [[link_to_plain(row.link) for row in state.links.values()]]
        plain += [{id: usage_to_plain(usage) for id, usage in state.usage.items()}]
        plain += [[entry.verb, entry.actor, entry.reason] for entry in state.entries.values()]
        plain += [[change_to_plain(change) for change in entry.changes] for entry in state.entries.values()]
        return b"\n".join([*parts, dumps(plain)])

    def fold(self, to_seq: int, batch: Batch, *, dry_run: bool = False) -> Folding:
        """Fold entries into a checkpoint; see :meth:`mneme.core.compaction.Foldable.fold`."""
        return self._write(lambda state: fold(state, to_seq, batch, dry_run=dry_run))

    def vacuum(self) -> tuple[int, int]:
        """Return its size twice: memory has no free pages."""
        size = len(self._dump())
        return size, size

    def backup(self, path: Path) -> None:
        """Refuse: a space in memory has no file form.

        Raises:
            ReadOnly: always; export the space instead.
        """
        raise ReadOnly(f"path: a space in memory can't be backed up to {path}; export it instead")

    def resident_bytes(self) -> int:
        """Return roughly how much memory the space takes."""
        return len(self._dump())

    def close(self) -> None:
        """Close the store."""
        self._closed = True


class DictRoot:
    """Spaces in memory, gone with the process."""

    def __init__(self) -> None:
        self._spaces: dict[str, _Space] = {}
        self._lock = threading.Lock()

    def open(self, space: str, *, create: bool = True) -> DictStore:
        """Open a space; see :meth:`mneme.core.ports.Root.open`."""
        rules.check_space_name(space)
        with self._lock:
            if space not in self._spaces and not create:
                raise NotFound("space", space)
            return DictStore(self._spaces.setdefault(space, _Space()))

    def spaces(self) -> list[str]:
        """Return the names of all spaces, sorted."""
        return sorted(self._spaces)

    def drop(self, space: str) -> None:
        """Remove a space."""
        with self._lock:
            dropped = self._spaces.pop(space, None)
            if dropped is None:
                raise NotFound("space", space)
            dropped.dropped = True

    def close(self) -> None:
        """Close the root."""
