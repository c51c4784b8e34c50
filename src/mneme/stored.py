"""What a space is beside its memories: something stored, that is proved, counted, copied, folded, embedded anew and worked through."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mneme.core.compaction import COMPACT, Folding
from mneme.core.errors import InvalidInput, NotFound
from mneme.core.operations import Operation
from mneme.core.ports import Applied, Batch, Material
from mneme.core.query import Receipt, Verification
from mneme.core.records import Job
from mneme.core.records import Memory as Record
from mneme.core.trace import Trace
from mneme.engine import compaction, naming, prepare, proving, reembedding, transfer
from mneme.engine.deferred import Deferred
from mneme.engine.jobs import Done, Task, dropped, given_up, put_back, work
from mneme.engine.material import material_for
from mneme.engine.opened import Opened
from mneme.engine.receipts import chunks
from mneme.engine.receipts import receipt as receipt_of

if TYPE_CHECKING:
    from mneme.memory import Memory


class StoredSpace:
    """A space as what is stored of it; :class:`mneme.Space` adds the verbs of a memory.

    A light handle: the store behind it is opened when a call needs it and may be closed between calls.
    """

    def __init__(self, memory: Memory, name: str) -> None:
        self._memory = memory
        self.name = name

    def verify(self) -> Verification:
        """Check that the journal's chain is whole, that rows hold what it says, and that the index agrees with the rows."""
        with self._use(create=False) as opened:
            return proving.verify(opened.store, opened.current, self._memory.analyser)

    def stats(self) -> dict[str, Any]:
        """Return counts of memories, episodes, links, jobs and entries, sizes in bytes, the model and the recipe."""
        with self._use(create=False, any_model=True) as opened:
            counts: dict[str, Any] = dict(opened.store.counts())
            meta = opened.store.meta()
            counts["resident_bytes"] = opened.nbytes()
            recipe = self._memory.recipe_of(self.name, opened)
        return {"space": self.name, **counts, "model": meta.get("model", ""), "recipe": recipe.name}

    def export(self, path: str | Path) -> int:
        """Write the space as lines of JSON and return how many lines; see :mod:`mneme.engine.transfer`."""
        with self._use(create=False, any_model=True) as opened:
            return transfer.write(opened.store, self.name, naming.as_path(path), self._memory.clock.now())

    def export_lines(self) -> Iterator[bytes]:
        """Return the lines of an export one by one, without line ends; the space stays open until the last was taken."""

        def lines() -> Iterator[bytes]:
            with self._use(create=False, any_model=True) as opened:
                yield from transfer.lines(opened.store, self.name, self._memory.clock.now())

        return lines()

    def import_(self, path: str | Path, *, reason: str | None = None, actor: str | None = None) -> Receipt:
        """Add what an export holds and is not here yet; ids are kept, so importing twice adds nothing.

        Raises:
            InvalidInput: the file is no export, or a line of it is broken; what stood before that line is in.
        """
        with transfer.reading(naming.as_path(path)) as file:
            return self.import_lines(file, name=Path(path).name, reason=reason, actor=actor)

    def import_lines(self, lines: Iterable[bytes], *, name: str = "export", reason: str | None = None, actor: str | None = None) -> Receipt:
        """Add what the lines of an export hold, as :meth:`import_` does; ``name`` is what messages call their source."""
        trace = Trace(id=self._memory.ids.new("tr"), verb="import")
        ids: list[str] = []
        refused: list[Any] = []
        applied = Applied(entry=None)
        with self._use() as opened:
            for part in chunks(transfer.read(lines, name), transfer.CHUNK):
                operations, memories, refused_here = transfer.operations(opened.store, part, self._memory.embedder)
                refused += refused_here
                if operations:
                    material = material_for(memories, self._memory.embedder, self._memory.analyser)
                    applied = self._apply(opened, operations, trace, material=material, reason=reason, actor=actor)
                    ids += [memory.id for memory in memories]
        return replace(receipt_of(applied, trace, tuple(refused)), ids=tuple(ids))

    def backup(self, path: str | Path) -> None:
        """Write a consistent copy of the space with its whole history to a file, while the space is in use."""
        with self._use(any_model=True) as opened:
            opened.store.backup(naming.as_path(path))

    def compact(
        self,
        older_than: timedelta = timedelta(days=90),
        *,
        dry_run: bool = False,
        reason: str | None = None,
        actor: str | None = None,
    ) -> Folding:
        """Fold the journal's old entries into a checkpoint: the state that they led to stays, the way there goes.

        ``known_at`` is exact from ``Folding.since`` on and refused before it; folded calls can't be undone; superseded versions from
        before go, unless their text still holds. The chain goes on from the hash of the last folded entry, and ``verify`` proves it.

        Args:
            older_than: entries recorded longer ago are folded.
            dry_run: change nothing, say what would go.
            reason, actor: for the journal.

        Raises:
            InvalidInput: ``older_than`` is below 0, or no span of time.
        """
        if not isinstance(older_than, timedelta):
            raise InvalidInput({"older_than": f"must be a timedelta, not {type(older_than).__name__}"})
        if older_than < timedelta(0):
            raise InvalidInput({"older_than": "must not be below 0; give how old what is folded is at least"})
        trace = Trace(id=self._memory.ids.new("tr"), verb=COMPACT)
        now = self._memory.clock.now()
        before = now - min(older_than, now - datetime.min.replace(tzinfo=now.tzinfo))
        batch = Batch(
            operations=(), verb=COMPACT, actor=self._memory.actor if actor is None else actor, reason=reason, trace_id=trace.id, at=now
        )
        with self._use(any_model=True) as opened, opened.keeping:
            done = compaction.compact(opened.store, before, batch, dry_run=dry_run)
            if done.entry:
                opened.current.drop()  # past states before the checkpoint are gone
        return done

    def vacuum(self) -> compaction.Vacuum:
        """Give the room of what is gone back to the system while others read; returns the bytes on disk before and after.

        Raises:
            Busy: readers or writers kept the files in use for too long; nothing was lost, call it again.
        """
        with self._use(any_model=True) as opened:
            return compaction.vacuum(opened.store)

    def reembed(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Give every text a vector of this memory's model, beside the old ones, then switch all at once; recalls go on meanwhile.

        Args:
            progress: called with (done, of).

        Returns:
            How many memories got new vectors; 0 when the space already uses the model.
        """
        with self._use(any_model=True) as opened:
            return reembedding.reembed(opened, self._memory.embedder, progress)

    def jobs(self, *, states: Sequence[str] = ()) -> list[Job]:
        """Return the space's jobs in these states, or all."""
        with self._use(create=False) as opened:
            return opened.store.jobs(states=states)

    def retry_jobs(self, ids: Sequence[str] = (), *, actor: str | None = None) -> Receipt:
        """Put jobs that were given up back into the queue, due now and with their attempts forgotten.

        Args:
            ids: which; none puts back all of them.
            actor: who the journal names.

        Raises:
            NotFound: there is no such job.
            InvalidInput: one was not given up.
        """
        return self._changed_jobs(ids, ("dead",), actor, retry=True)

    def drop_jobs(self, ids: Sequence[str] = (), *, actor: str | None = None) -> Receipt:
        """Take jobs out of the queue for good; the messages that they were about stay, and can be formed again later.

        Args:
            ids: which, given up or waiting; none drops all that were given up.
            actor: who the journal names.

        Raises:
            NotFound: there is no such job.
            InvalidInput: one is done, or a worker is at it.
        """
        return self._changed_jobs(ids, ("dead", "waiting"), actor, retry=False)

    def _changed_jobs(self, ids: Sequence[str], states: Sequence[str], actor: str | None, *, retry: bool) -> Receipt:
        trace = Trace(id=self._memory.ids.new("tr"), verb="jobs")
        with self._use(create=False) as opened:
            chosen = given_up(opened.store, ids, states)
            operations = put_back(chosen, self._memory.clock.now()) if retry else dropped(chosen)
            applied = self._apply(opened, operations, trace, actor=actor) if operations else None
        if retry and chosen:
            self._memory.notice(self.name)
        entry = applied.entry if applied is not None else None
        return Receipt(verb="jobs", jobs=tuple(job.id for job in chosen), entry=entry.seq if entry else 0, trace=trace)

    def drain(self) -> Done:
        """Do the space's deferred work that is due, in this thread, and return what came of it."""
        return self._drain()

    def close(self) -> None:
        """Close the space's files; a later call opens them again."""
        self._memory._pool.drop(self.name)

    def _use(self, *, create: bool = True, any_model: bool = False, steady: bool = False) -> AbstractContextManager[Opened]:
        """Lend the open space; with ``create`` false one that is not there is empty and stays unmade."""
        return self._memory._pool.use(self.name, create=create, or_empty=True, any_model=any_model, steady=steady)

    def _deferred(self, opened: Opened) -> Deferred:
        """Return what can be done later in this space."""
        return Deferred(engine=self._memory, space=self.name, opened=opened, apply=functools.partial(self._apply, opened))

    def _drain(self, names: Sequence[str] = ()) -> Done:
        total = Done()
        with self._use() as opened:
            self._memory.recipe_of(self.name, opened)  # a switched recipe is work too
            tasks = {name: task for name, task in self._deferred(opened).tasks().items() if not names or name in names}
            while (done := self._work_once(opened, tasks)).any:
                total += done
        return total

    def _work_once(self, opened: Opened, tasks: Mapping[str, Task]) -> Done:
        """Do one job; what another thread of this process is at is over when this returns."""
        with opened.working:
            return work(opened.store, tasks, self._memory.clock, limit=1)

    def _apply(
        self,
        opened: Opened,
        operations: Sequence[Operation],
        trace: Trace,
        *,
        material: Mapping[str, Material] | None = None,
        key: str | None = None,
        reason: str | None = None,
        actor: str | None = None,
        undoes: int | None = None,
        based_on: int | None = None,
        rivals: tuple[str, ...] = (),
    ) -> Applied:
        if reason is not None and (problem := prepare.text_problem(reason)):
            raise InvalidInput({"reason": problem})
        return opened.store.apply(
            Batch(
                operations=operations,
                material=material or {},
                model=self._memory.embedder.identity if material else "",
                verb=trace.verb,
                actor=self._memory.actor if actor is None else actor,
                reason=reason,
                trace_id=trace.id,
                undoes=undoes,
                at=self._memory.clock.now(),
                key=key,
                based_on=based_on,
                rivals=rivals,
            )
        )

    def _present(self, opened: Opened, id: str) -> Record:
        found = opened.store.memories([naming.one_id(id)])
        if id not in found:
            raise NotFound("memory", id)
        return found[id]
