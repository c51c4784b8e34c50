"""The obvious store: plain dictionaries in memory. It defines the semantics and is the oracle of the other stores' tests.

Every change works on a copy of the whole state that replaces it at the end, so a failed batch leaves no trace and a reader never
sees half a batch. Nothing here is fast, except by accident.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from mneme.core.clock import to_micros, to_utc
from mneme.core.codec import (
    dumps,
    episode_from_plain,
    job_from_plain,
    job_to_plain,
    link_to_plain,
    loads,
    memory_from_plain,
    usage_to_plain,
)
from mneme.core.errors import Closed, Conflict, InvalidInput, NotFound, ReadOnly
from mneme.core.journal import Change, Entry, content_digest, entry_hash, new_salt
from mneme.core.operations import (
    Cancel,
    Connect,
    Disconnect,
    Enqueue,
    Erase,
    Observe,
    Operation,
    Reinforce,
    Supersede,
)
from mneme.core.ports import Applied, Batch, FloatArray, IndexRows, Material, Version
from mneme.core.query import Filter, Finding
from mneme.core.records import Episode, Job, Link, Memory, Usage
from mneme.core.transition import Versioned, next_version, subject
from mneme.stores import semantics as rules

OPEN_END = np.iinfo(np.int64).max
_T = TypeVar("_T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    memory: Memory
    seq: int
    text_version: int
    salt: bytes
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    link: Link
    from_seq: int
    to_seq: int | None = None

    def holds(self, seq: int | None) -> bool:
        if seq is None:
            return self.to_seq is None
        return self.from_seq <= seq and (self.to_seq is None or self.to_seq > seq)


@dataclass(slots=True, kw_only=True)
class _State:
    """Everything a space holds; the values of the dictionaries are never changed in place."""

    meta: dict[str, str] = field(default_factory=dict)
    entries: dict[int, Entry] = field(default_factory=dict)
    reason_salts: dict[int, bytes] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    versions: dict[str, tuple[_Version, ...]] = field(default_factory=dict)
    erased: dict[str, int] = field(default_factory=dict)  # memory id -> the version it had
    changed: dict[str, int] = field(default_factory=dict)  # memory id -> the last entry that touched its row
    material: dict[tuple[str, int], Material] = field(default_factory=dict)
    staged: dict[tuple[str, int], FloatArray] = field(default_factory=dict)
    episodes: dict[str, tuple[Episode, bytes] | None] = field(default_factory=dict)
    links: dict[tuple[str, str, str, int], _Link] = field(default_factory=dict)
    usage: dict[str, Usage] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    keys: dict[bytes, int] = field(default_factory=dict)

    def copy(self) -> _State:
        return _State(**{each.name: dict(getattr(self, each.name)) for each in fields(self)})

    def head(self, id: str) -> Memory | None:
        if id in self.erased:
            version = self.erased[id]
            return Memory(id=id, text="", at=_EPOCH, recorded_at=_EPOCH, valid_from=_EPOCH, version=version, status="erased")
        versions = self.versions.get(id)
        return versions[-1].memory if versions else None

    def status(self, id: str) -> str | None:
        head = self.head(id)
        return None if head is None else head.status

    def as_of(self, id: str, seq: int | None) -> _Version | None:
        known = [version for version in self.versions.get(id, ()) if seq is None or version.seq <= seq]
        return known[-1] if known else None


class _Application:
    """One batch on its way into a copy of the state."""

    def __init__(self, state: _State, batch: Batch) -> None:
        self.state = state
        self.batch = batch
        self.seq = len(state.entries) + 1
        last = state.entries.get(self.seq - 1)
        at = to_utc(batch.at, "at")
        self.recorded_at = at if last is None else max(at, last.recorded_at)
        self.changes: list[Change] = []
        self.erasing: set[str] = set()
        self.removed: Counter[str] = Counter()

    def run(self) -> Applied:
        model, width = rules.check_model(self.batch, self.state.meta.get("model", ""), int(self.state.meta.get("width", "0")))
        for operation in self.batch.operations:
            self._do(operation)
        self._drop_jobs()
        if not self.changes:
            return Applied(entry=None)
        if width:
            self.state.meta |= {"model": model, "width": str(width)}
        entry = self._entry()
        self.state.entries[self.seq] = entry
        if self.batch.key is not None:
            self.state.keys[rules.key_digest(self.batch.key)] = self.seq
        return Applied(entry=entry, removed=dict(self.removed))

    def _entry(self) -> Entry:
        reason = self.batch.reason or None
        salt = new_salt()
        if reason is not None:
            self.state.reason_salts[self.seq] = salt
        entry = Entry(
            seq=self.seq,
            recorded_at=self.recorded_at,
            verb=self.batch.verb,
            actor=self.batch.actor,
            reason=reason,
            reason_digest="" if reason is None else content_digest(salt, reason.encode()),
            trace_id=self.batch.trace_id,
            undoes=self.batch.undoes,
            changes=tuple(self.changes),
            previous=self.state.entries[self.seq - 1].hash if self.seq > 1 else "",
        )
        return replace(entry, hash=entry_hash(entry))

    def _do(self, operation: Operation) -> None:
        match operation:
            case Observe():
                self._observe(operation.episode)
            case Connect():
                self._connect(operation.link)
            case Disconnect():
                self._disconnect(operation)
            case Reinforce():
                self._reinforce(operation)
            case Enqueue():
                self._enqueue(operation.job)
            case Cancel():
                self._cancel(operation.id)
            case Erase():
                self._erase(operation.id)
            case _:
                self._change(operation)

    def _observe(self, episode: Episode) -> None:
        if episode.id in self.state.episodes:
            raise Conflict(f"episode: the id {episode.id!r} is taken")
        content = rules.episode_bytes(replace(episode, recorded_at=self.recorded_at))
        salt = new_salt()
        self.state.episodes[episode.id] = (episode_from_plain(loads(content)), salt)
        self.changes.append(Change(op="observe", subject=episode.id, after=1, digest=content_digest(salt, content)))

    def _change(self, operation: Versioned) -> None:
        id = subject(operation)
        current = self.state.head(id)
        versions = self.state.versions.get(id, ())
        by_number = {version.memory.version: version for version in versions}

        def version_of(number: int) -> Memory | None:
            return by_number[number].memory if number in by_number else None

        changed = next_version(operation, current, self.recorded_at, version_of)
        if isinstance(operation, Supersede) and operation.by is not None:
            rules.check_alive(operation.by, self.state.status(operation.by))
        if changed is not None:
            content = rules.memory_bytes(changed)
            text_version = versions[-1].text_version if versions else 1
            restored = rules.restored_version(operation)
            if restored is not None:
                text_version = by_number[restored].text_version
            material = rules.fresh_material(operation, self.batch, current is None or changed.text != current.text)
            if material is not None:
                text_version = changed.version
                self.state.material[id, text_version] = material
            salt = new_salt()
            version = _Version(
                memory=memory_from_plain(loads(content)),
                seq=self.seq,
                text_version=text_version,
                salt=salt,
                content=content,
            )
            self.state.versions[id] = (*versions, version)
            self.state.rows.setdefault(id, len(self.state.rows) + 1)
            self.state.changed[id] = self.seq
            self.changes.append(
                Change(
                    op=type(operation).__name__.lower(),
                    subject=id,
                    before=0 if current is None else current.version,
                    after=changed.version,
                    digest=content_digest(salt, content),
                )
            )
        if isinstance(operation, Supersede) and operation.by is not None:
            self._connect(rules.supersedes(operation.by, id).link)

    def _connect(self, link: Link) -> None:
        rules.check_link(link)
        for end in (link.source, link.target):
            rules.check_alive(end, self.state.status(end))
        before = self._close_link(link.source, link.target, link.type, unless=link.weight)
        if before == link.weight:
            return
        self.state.links[link.source, link.target, link.type, self.seq] = _Link(link=link, from_seq=self.seq)
        self.changes.append(rules.connect_change(link, before))

    def _disconnect(self, operation: Disconnect) -> None:
        before = self._close_link(operation.source, operation.target, operation.type)
        if before is not None:
            self.changes.append(rules.disconnect_change(operation.source, operation.target, operation.type, before))

    def _close_link(self, source: str, target: str, type: str, unless: float | None = None) -> float | None:
        """End the present link unless it has the weight ``unless``; returns the weight that it had."""
        for key, row in list(self.state.links.items()):
            if key[:3] == (source, target, type) and row.to_seq is None:
                if row.link.weight != unless:
                    if row.from_seq == self.seq:
                        del self.state.links[key]
                    else:
                        self.state.links[key] = replace(row, to_seq=self.seq)
                return row.link.weight
        return None

    def _reinforce(self, operation: Reinforce) -> None:
        rules.check_alive(operation.id, self.state.status(operation.id))
        done = rules.reinforced(self.state.usage.get(operation.id, Usage()), operation)
        if done is not None:
            self.state.usage[operation.id], change = done
            self.state.changed[operation.id] = self.seq
            self.changes.append(change)

    def _enqueue(self, job: Job) -> None:
        rules.check_job(job)
        same = [other for other in self.state.jobs.values() if other.key == job.key and other.state != "cancelled"]
        if job.key is not None and same:
            return
        present = self.state.jobs.get(job.id)
        if present is not None and present.state != "cancelled":
            raise Conflict(f"job: the id {job.id!r} is taken")
        self.state.jobs[job.id] = job_from_plain(loads(dumps(job_to_plain(job))))
        self.changes.append(Change(op="enqueue", subject=job.id, detail={"task": job.task}))

    def _cancel(self, id: str) -> None:
        job = self.state.jobs.get(id)
        if job is None:
            raise NotFound("job", id)
        if job.state == "waiting":
            self.state.jobs[id] = replace(job, state="cancelled")
            self.changes.append(Change(op="cancel", subject=id, detail={"job": job_to_plain(job)}))

    def _erase(self, id: str) -> None:
        state = self.state
        if id in state.erased or state.episodes.get(id, ()) is None:
            return
        if id not in state.versions and id not in state.episodes:
            raise NotFound("memory or episode", id)
        before = 1
        if id in state.versions:
            before = state.versions[id][-1].memory.version
            self._erase_memory(id, before)
        else:
            state.episodes[id] = None
            self.removed["episode"] += 1
        for seq, entry in list(state.entries.items()):
            if entry.reason is not None and id in rules.touched(entry.changes):
                state.entries[seq] = replace(entry, reason=None)
                del state.reason_salts[seq]
                self.removed["reason"] += 1
        self.erasing.add(id)
        self.changes.append(Change(op="erase", subject=id, before=before))

    def _erase_memory(self, id: str, version: int) -> None:
        state = self.state
        versions = state.versions.pop(id)
        sources = {span.episode for each in versions for span in each.memory.sources}
        state.erased[id] = version
        state.changed[id] = self.seq
        self.removed["memory"] += 1
        self.removed["memory_version"] += len(versions)
        self.removed["source"] += len(sources)
        for key in [key for key in state.material if key[0] == id]:
            self.removed["terms"] += 1
            self.removed["vector"] += len(state.material.pop(key).vectors)
        for key in [key for key in state.staged if key[0] == id]:
            self.removed["staged_vector"] += len(state.staged.pop(key))
        for end in [key for key in state.links if id in key[:2]]:
            del state.links[end]
            self.removed["link"] += 1
        self.removed["usage"] += state.usage.pop(id, None) is not None
        self.removed = +self.removed

    def _drop_jobs(self) -> None:
        for job in list(self.state.jobs.values()):
            if self.erasing and rules.names_any(job.payload, self.erasing):
                self.state.jobs[job.id] = replace(job, payload={}, key=None, error=None, state="cancelled")
                self.removed["job"] += 1


class _Space:
    """What several open stores of one space share."""

    def __init__(self) -> None:
        self.state = _State()
        self.lock = threading.Lock()


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
    def _state(self) -> _State:
        if self._closed:
            raise Closed("the store is closed; open the space again")
        return self._space.state

    def _write(self, change: Callable[[_State], _T]) -> _T:
        with self._space.lock:
            state = self._state.copy()
            result = change(state)
            self._space.state = state
            return result

    def apply(self, batch: Batch) -> Applied:
        """Apply a batch; see :meth:`mneme.core.ports.Store.apply`."""
        rules.check_batch(batch)

        def change(state: _State) -> Applied:
            used = state.keys.get(rules.key_digest(batch.key)) if batch.key is not None else None
            if used is not None:
                return Applied(entry=state.entries[used], duplicate=True)
            return _Application(state, batch).run()

        return self._write(change)

    def last_seq(self) -> int:
        """Return the number of the last entry."""
        return len(self._state.entries)

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
        return max((seq for seq, entry in self._state.entries.items() if entry.recorded_at <= moment), default=0)

    def index_rows(self, *, after: int = 0, vectors: bool = True) -> IndexRows:
        """Return the rows that entries after ``after`` touched."""
        state = self._state
        ids = [id for id in state.rows if state.changed[id] > after and (after or id not in state.erased)]
        return _index(state, [(id, state.as_of(id, None)) for id in ids], len(state.entries), vectors)

    def index_rows_at(self, seq: int) -> IndexRows:
        """Return the rows as of an entry."""
        state = self._state
        known = [(id, state.as_of(id, seq)) for id in state.rows]
        return _index(state, [pair for pair in known if pair[1] is not None], min(seq, len(state.entries)), True)

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

        def change(state: _State) -> list[Job]:
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

    def finish(self, job: Job, *, state: str, now: datetime, due_at: datetime | None = None, error: str | None = None) -> bool:
        """End an attempt at a job."""
        if state not in ("done", "dead", "waiting"):
            raise InvalidInput({"state": f"must be done, dead or waiting, not {state!r}"})
        due = to_utc(due_at or now, "due_at")

        def change(held: _State) -> bool:
            present = held.jobs.get(job.id)
            if present is None or present.state != "leased" or present.attempts != job.attempts:
                return False
            later = due if state == "waiting" else present.due_at
            held.jobs[job.id] = replace(present, state=state, leased_until=None, error=error, due_at=later)
            return True

        return self._write(change)

    def stage_vectors(self, model: str, rows: Sequence[int], text_versions: Sequence[int], vectors: Sequence[FloatArray]) -> None:
        """Store another model's vectors beside those in use."""

        def change(state: _State) -> None:
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

    def unstaged(self, model: str, *, limit: int = 1000) -> list[tuple[int, int, str]]:
        """Return what has no staged vectors of a model yet."""
        state = self._state
        staged = state.staged if state.meta.get("staged_model") == model else {}
        missing = sorted((state.rows[id], number, id) for id, number in state.material if (id, number) not in staged)
        return [(row, number, _version(state, id, number).memory.embedded_text) for row, number, id in missing[:limit]]

    def switch_model(self, model: str, width: int) -> bool:
        """Use the staged vectors."""
        if self.unstaged(model, limit=1):
            return False

        def change(state: _State) -> bool:
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
            "entries": len(state.entries),
            "bytes": len(self._dump()),
        }

    def check(self) -> list[str]:
        """Return what is wrong: the chain, digests and material."""
        state, previous, problems = self._state, "", []
        digests: dict[tuple[str, int], str] = {}
        for seq, entry in sorted(state.entries.items()):
            if entry.previous != previous or entry.hash != entry_hash(entry):
                problems.append(f"entry {seq}: its hash does not follow from the entry before it")
            previous = entry.hash
            digests |= {(change.subject, change.after): change.digest for change in entry.changes if change.digest}
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
        held = self._dump()
        return len(held), [Finding(place="memory", what=what) for what, needle in needles.items() if needle in held]

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
        return b"\n".join([*parts, dumps(plain)])

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
            if self._spaces.pop(space, None) is None:
                raise NotFound("space", space)

    def close(self) -> None:
        """Close the root."""


def _version(state: _State, id: str, number: int) -> _Version:
    return next(each for each in state.versions[id] if each.memory.version == number)


def _micros(moment: datetime | None) -> int:
    return OPEN_END if moment is None else to_micros(moment)


def _index(state: _State, known: Sequence[tuple[str, _Version | None]], seq: int, vectors: bool) -> IndexRows:
    known = sorted(known, key=lambda pair: state.rows[pair[0]])
    heads = [state.head(id) if version is None else version.memory for id, version in known]
    memories = [head for head in heads if head is not None]
    numbers = [0 if version is None else version.text_version for _, version in known]
    materials = [state.material.get((id, number)) for (id, _), number in zip(known, numbers, strict=True)]
    arrays = [material.vectors for material in materials if material is not None and len(material.vectors)]
    width = int(state.meta.get("width", "0"))
    usage = [state.usage.get(id, Usage()) for id, _ in known]
    return IndexRows(
        seq=seq,
        row=np.array([state.rows[id] for id, _ in known], np.int64),
        memory=[memory.id for memory in memories],
        text_version=np.array(numbers, np.int64),
        kind=[memory.kind for memory in memories],
        status=[memory.status for memory in memories],
        author=[memory.author for memory in memories],
        role=[memory.role for memory in memories],
        session=[memory.session for memory in memories],
        channel=[memory.channel for memory in memories],
        tier=[memory.tier for memory in memories],
        tags=[memory.tags for memory in memories],
        ref=[memory.ref for memory in memories],
        at=np.array([to_micros(memory.at) for memory in memories], np.int64),
        valid_from=np.array([to_micros(memory.valid_from) for memory in memories], np.int64),
        valid_to=np.array([_micros(memory.valid_to) for memory in memories], np.int64),
        importance=np.array([memory.importance for memory in memories], np.float32),
        uses=np.array([each.uses for each in usage], np.float32),
        strength=np.array([each.strength for each in usage], np.float32),
        terms=[b"" if material is None else material.terms for material in materials],
        vectors=np.concatenate(arrays) if vectors and arrays else np.zeros((0, width), np.float32),
        passages=np.array([0 if material is None else len(material.vectors) for material in materials], np.int64),
    )
