"""A batch applied to the plain dictionaries, operation by operation."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from mneme.core.clock import to_utc
from mneme.core.codec import (
    dumps,
    episode_from_plain,
    job_from_plain,
    job_to_plain,
    loads,
    memory_from_plain,
)
from mneme.core.errors import Conflict, NotFound
from mneme.core.journal import Change, Entry, content_digest, entry_hash, new_salt
from mneme.core.operations import (
    Cancel,
    Configure,
    Connect,
    Disconnect,
    Enqueue,
    Erase,
    Observe,
    Operation,
    Reinforce,
    Supersede,
)
from mneme.core.ports import Applied, Batch
from mneme.core.records import Episode, Job, Link, Memory, Usage
from mneme.core.transition import Versioned, next_version, subject
from mneme.stores import semantics as rules
from mneme.stores.dict_state import State, StoredLink, StoredVersion


class Application:
    """One batch on its way into a copy of the state."""

    def __init__(self, state: State, batch: Batch) -> None:
        self.state = state
        self.batch = batch
        self.seq = state.last_seq + 1
        last = state.entries.get(self.seq - 1)
        at = to_utc(batch.at, "at")
        self.recorded_at = at if last is None else max(at, last.recorded_at)
        self.changes: list[Change] = []
        self.erasing: set[str] = set()
        self.removed: Counter[str] = Counter()

    def run(self) -> Applied:
        """Apply the batch and return what became of it; after an error the state is of no use."""
        model, width = rules.check_model(self.batch, self.state.meta.get("model", ""), int(self.state.meta.get("width", "0")))
        for operation in self.batch.operations:
            self._do(operation)
        self._drop_jobs()
        if not self.changes:
            return Applied(entry=None)
        if width:
            self.state.meta |= {"model": model, "width": str(width)}
        entry = self.write()
        if self.batch.key is not None:
            self.state.keys[rules.key_digest(self.batch.key)] = self.seq
        return Applied(entry=entry, removed=dict(self.removed))

    def write(self) -> Entry:
        """Write the entry of the changes."""
        entry = self.state.entries[self.seq] = self._entry()
        return entry

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
            case Configure():
                self._configure(operation)
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
            version = StoredVersion(
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
        self.state.links[link.source, link.target, link.type, self.seq] = StoredLink(link=link, from_seq=self.seq)
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
        if job.state in rules.CANCELLABLE:
            self.state.jobs[id] = replace(job, state="cancelled")
            self.changes.append(Change(op="cancel", subject=id, detail={"job": job_to_plain(job)}))

    def _configure(self, operation: Configure) -> None:
        change = rules.configured(self.state.meta.get(operation.key, ""), operation)
        if change is not None:
            self.state.meta[operation.key] = operation.value
            self.changes.append(change)

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
