"""Deferred work of one space: forming, forming anew, and repairing what was found only as raw words."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, cast

from mneme.core.context import Context
from mneme.core.errors import Conflict, NotFound
from mneme.core.operations import Enqueue, Keep, Operation, Revise
from mneme.core.ports import Applied, Material
from mneme.core.query import Filter, Recall
from mneme.core.recipe import Recipe
from mneme.core.records import Job
from mneme.core.records import Memory as Record
from mneme.core.trace import Trace
from mneme.engine import forming, reforming, repairing
from mneme.engine.believed import believed
from mneme.engine.jobs import Task, job_key
from mneme.engine.material import material_for
from mneme.engine.opened import Opened

if TYPE_CHECKING:
    from mneme.memory import Memory

MOST_FITTED = 16
"""How often what was read is fitted to the space before the job is left for later."""

RIVALS = ("form", "re-form", "revise", "forget", "restore", "undo", "upkeep")
"""Verbs of entries that change beliefs; what was fitted before one of them is fitted again."""

MOST_REMEMBERED = 100_000
"""How many memories a process remembers as looked at for repair."""


class Apply(Protocol):
    """Applies operations in one transaction."""

    def __call__(self, operations: Sequence[Operation], trace: Trace, **more: object) -> Applied:
        """Return what the store did."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """What can be done later in an open space.

    Args:
        engine: the memory that the space belongs to.
        space: its name.
        opened: the space.
        apply: applies operations to it.
    """

    engine: Memory
    space: str
    opened: Opened
    apply: Apply

    def repair(self, found: Recall, trace: Trace) -> None:
        """Have what was found only as raw words formed; what was tried by this process is not looked at again."""
        engine, recipe = self.engine, self.engine.recipe_of(self.space, self.opened)
        assert engine.llm is not None
        fresh = [hit for hit in found.hits if (self.space, hit.memory.id) not in engine.repaired]
        if not recipe.formers or not fresh:
            return
        by = f"{recipe.forming} {engine.llm.identity}"
        if len(engine.repaired) > MOST_REMEMBERED:
            engine.repaired.clear()
        jobs = repairing.repair_jobs(self.opened.store, fresh, engine.ids, engine.clock.now(), by)
        engine.repaired.update((self.space, hit.memory.id) for hit in fresh)
        if jobs:
            self.apply([Enqueue(job=job) for job in jobs], Trace(id=trace.id, verb="repair"))
            engine.notice(self.space)

    def tasks(self) -> dict[str, Task]:
        """Return what this engine can do of the space's deferred work."""
        return {forming.TASK: lambda job: self._do_form(job), reforming.TASK: lambda job: self._do_reform(job)}

    def _do_form(self, job: Job) -> None:
        trace = Trace(id=self.engine.ids.new("tr"), verb="form")
        wanted = [str(id) for id in cast("Sequence[object]", job.payload.get("episodes", ()))]
        present = self.opened.store.episodes(wanted)  # what was erased meanwhile is not formed
        self._apply_formed(self._read(list(present), trace), trace, job)

    def _do_reform(self, job: Job) -> None:
        """Do one step of forming the space anew; a job of a recipe that was switched away from again has nothing to do."""
        recipe, engine = self.engine.recipe_of(self.space, self.opened), self.engine
        if job.payload.get("forming") != recipe.forming:
            return
        trace = Trace(id=engine.ids.new("tr"), verb=reforming.TASK)
        after = job.payload.get("after")
        if after is None:
            following = reforming.reform_job(engine.ids.new("job"), recipe, engine.clock.now(), after="")
            self.apply(reforming.then(reforming.retiring(self.opened.store), following), trace, key=job_key(job.id))
            return
        ids = reforming.step(self.opened.store, str(after))
        if ids:
            following = reforming.reform_job(engine.ids.new("job"), recipe, engine.clock.now(), after=ids[-1])
            self._apply_formed(self._read(ids, trace), trace, job, revive=True, following=following)

    def _apply_formed(self, found: forming.Read, trace: Trace, job: Job, *, revive: bool = False, following: Job | None = None) -> None:
        """Fit what was read to the space and apply it; fitted again when another worker's beliefs came in between."""
        for attempt in range(MOST_FITTED):
            seq = self.opened.store.last_seq()
            operations = list(self._fit(found, trace, revive=revive).operations)
            if following is not None:
                operations = reforming.then(operations, following)
            if not operations:
                return
            material = self._material(operations)
            try:
                self.apply(operations, trace, material=material, key=job_key(job.id), based_on=seq, rivals=RIVALS)
            except (Conflict, NotFound):  # what it was fitted to has changed, or was taken away
                if attempt == MOST_FITTED - 1:
                    raise
            else:
                return

    def _material(self, operations: Sequence[Operation]) -> dict[str, Material]:
        reworded = [operation.memory for operation in operations if isinstance(operation, Keep)]
        for operation in operations:
            if isinstance(operation, Revise) and operation.text is not None:
                reworded.append(replace(self.opened.store.memories([operation.id])[operation.id], text=operation.text))
        return material_for(reworded, self.engine.embedder, self.engine.analyser)

    def formed(self, ids: Sequence[str], trace: Trace) -> forming.Formed:
        """Return what the recipe makes of episodes, with nothing of it applied.

        Raises:
            NotFound: there is no such episode.
        """
        return self._fit(self._read(ids, trace), trace)

    def _read(self, ids: Sequence[str], trace: Trace) -> forming.Read:
        found = self.opened.store.episodes(ids)
        for id in ids:
            if id not in found:
                raise NotFound("episode", id)
        with self.opened.current.lock:
            return forming.read(self._context(trace), self._recipe(), [found[id] for id in ids])

    def _fit(self, found: forming.Read, trace: Trace, *, revive: bool = False) -> forming.Formed:
        with self.opened.current.lock:
            return forming.fit(self._context(trace), self._recipe(), self.opened.store, found, revive=revive)

    def known(self, question: str, moment: datetime, where: Filter, trace: Trace) -> list[Record]:
        """Return the statements that answer a question by themselves; none where the recipe forms none."""
        if not self._recipe().formers:
            return []
        with self.opened.current.lock:
            return believed(self._context(trace), question, moment, where)

    def _recipe(self) -> Recipe:
        return self.engine.recipe_of(self.space, self.opened)

    def _context(self, trace: Trace) -> Context:
        """Return the space as it is; a model is asked without holding the index. Hold the index's lock meanwhile."""
        ctx = self.engine._reader(self.space, self.opened).context(self.opened.current.now(), None, trace)
        lock = self.opened.current.lock
        ctx = replace(ctx, aside=functools.partial(forming.let_go, lock))
        return ctx if ctx.llm is None else replace(ctx, llm=forming.Aside(ctx.llm, lock))
