"""Forming memories out of episodes: formers, guards and organisers of the recipe, applied in one transaction under the job's key."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from mneme.core.components import Guard
from mneme.core.context import Context
from mneme.core.ids import Ids
from mneme.core.llm import LLM, Prompt
from mneme.core.operations import Archive, Connect, Keep, Operation, Quarantine, Restore, Revise, Supersede
from mneme.core.ports import Store
from mneme.core.recipe import Recipe
from mneme.core.records import Episode, Job

TASK = "form"
MOST_BY_MODEL = 24
"""How many episodes one job forms when there is a model."""

_NO_ROOM = ("erased", "quarantined", "undone")
"""What no former archives: it is not in the way of anything, and what was done to it stays done."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Formed:
    """What forming came to.

    Args:
        operations: to be applied, in order.
        refused: reason -> how many formed memories it kept out.
        quarantined: how many were kept out of recall until somebody judges them.
    """

    operations: tuple[Operation, ...]
    refused: dict[str, int]
    quarantined: int = 0


def form_job(id: str, episodes: Sequence[Episode]) -> Job:
    """Return the job that forms memories out of episodes; the same episodes make the same job."""
    ids = [episode.id for episode in episodes]
    key = hashlib.blake2b("\n".join(ids).encode(), digest_size=16).hexdigest()
    return Job(id=id, task=TASK, payload={"episodes": ids}, key=f"form:{key}", due_at=episodes[-1].recorded_at)


def form_jobs(ids: Ids, episodes: Sequence[Episode], most: int | None) -> list[Job]:
    """Return the jobs that form memories out of episodes: one, or with ``most`` one for so many of them each.

    With a model a job is small: what fails is tried again in small parts, and several workers share the work.
    """
    size = most or max(len(episodes), 1)
    return [form_job(ids.new("job"), episodes[start : start + size]) for start in range(0, len(episodes), size)]


class Aside:
    """A model that is asked without holding the index: nobody's recall waits for it.

    Args:
        llm: the model.
        lock: what the caller holds; it is let go during each question.
    """

    def __init__(self, llm: LLM, lock: Lock) -> None:
        self._llm = llm
        self._lock = lock

    @property
    def identity(self) -> str:
        """The provider and model."""
        return self._llm.identity

    def ask(self, role: Prompt | str, variables: Mapping[str, object], schema: type[T]) -> T:
        """Return the model's answer; see :meth:`mneme.core.llm.LLM.ask`."""
        with let_go(self._lock):
            return self._llm.ask(role, variables, schema)


class Lock(Protocol):
    """What can be held and let go."""

    def acquire(self) -> object:
        """Hold it."""
        ...

    def release(self) -> None:
        """Let it go."""
        ...


@contextmanager
def let_go(lock: Lock) -> Iterator[None]:
    """Let go, for the block, of what the caller holds."""
    lock.release()
    try:
        yield
    finally:
        lock.acquire()


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What formers read in episodes, before it is fitted to what is there.

    Args:
        groups: the operations as the formers gave them, those of each former together.
    """

    groups: tuple[tuple[Operation, ...], ...]

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations of all formers, in order."""
        return tuple(operation for group in self.groups for operation in group)


def read(ctx: Context, recipe: Recipe, episodes: Sequence[Episode]) -> Read:
    """Return what the recipe's formers read in episodes; with a model this is what takes long."""
    return Read(groups=tuple(tuple(former.form(ctx, episodes)) for former in recipe.formers))


def fit(ctx: Context, recipe: Recipe, store: Store, found: Read, *, revive: bool = False) -> Formed:
    """Return what was read, judged and fitted to the space as it is.

    What was formed before (ids of formed memories follow from their source) is left out, so fitting again adds nothing.

    Args:
        ctx: the space as it is.
        recipe: the memory design.
        store: tells what was formed before.
        found: what was read.
        revive: make active again what another recipe had formed and was archived since.
    """
    fresh = [list(_fresh(store, group, revive)) for group in found.groups]
    judged, refused, quarantined = _judge(ctx, recipe.guards, fresh)
    for organiser in recipe.organisers:
        judged = organiser.organise(ctx, judged)
    judged = _in_order(store, found.operations, judged)
    if revive:
        judged = [*_revived(store, judged), *_restored(store, judged)]
    ctx.trace.note(formed=len(found.operations), refused=refused, quarantined=quarantined, operations=len(judged))
    return Formed(operations=tuple(judged), refused=refused, quarantined=quarantined)


def _in_order(store: Store, formed: Sequence[Operation], operations: Sequence[Operation]) -> list[Operation]:
    """Return the operations with what leans on a new memory after that memory, and without links to one that was not kept after all.

    Organisers see a batch one after the other: one may link to a statement of the batch that a later one puts elsewhere or leaves out.
    """
    kept = {operation.memory.id for operation in operations if isinstance(operation, Keep)}
    gone = {operation.memory.id for operation in formed if isinstance(operation, Keep)} - kept
    gone = {id for id in gone if store.status_of(id) is None}
    known: set[str] = set()
    first: list[Operation] = []
    later: list[Operation] = []
    for operation in operations:
        ends = _ends(operation)
        if isinstance(operation, Connect) and gone.intersection(ends):
            continue
        if isinstance(operation, Keep):
            known.add(operation.memory.id)
        (later if any(end in kept and end not in known for end in ends) else first).append(operation)
    return [*first, *later]


def _restored(store: Store, operations: Sequence[Operation]) -> Iterator[Operation]:
    """Return the operations with what is in the archive brought back as it was first formed, under its id and with its history."""
    for operation in operations:
        if not isinstance(operation, Keep) or store.status_of(operation.memory.id) != "archived":
            yield operation
            continue
        memory, first = operation.memory, store.versions(operation.memory.id)[0].memory
        yield Restore(id=memory.id, version=1)
        if first.text != memory.text:
            yield Revise(id=memory.id, text=memory.text, changes={"attributes": memory.attributes, "sources": memory.sources})


def _revived(store: Store, operations: Sequence[Operation]) -> list[Operation]:
    """Return what makes active again the archived memories that new links lead to, messages apart."""
    linked = dict.fromkeys(end for operation in operations if isinstance(operation, Connect) for end in _ends(operation))
    done = {operation.memory.id for operation in operations if isinstance(operation, Keep)}
    archived = [id for id in linked if id not in done and store.status_of(id) == "archived"]
    return [Restore(id=id) for id, memory in store.memories(archived).items() if memory.kind != "turn"]


def _ends(operation: Operation) -> tuple[str, ...]:
    """Return the memories that must be there before an operation."""
    if isinstance(operation, Connect):
        return operation.link.source, operation.link.target
    return (operation.id, operation.by) if isinstance(operation, Supersede) and operation.by else ()


def _fresh(store: Store, formed: Sequence[Operation], revive: bool) -> Iterator[Operation]:
    for operation in formed:
        if isinstance(operation, Archive) and store.status_of(operation.id) in _NO_ROOM:
            continue
        status = store.status_of(operation.memory.id) if isinstance(operation, Keep) else None
        if status is None:
            yield operation
        elif isinstance(operation, Keep) and revive and status == "archived":
            yield operation  # organisers treat it like a new one, so that its links come back, too


def _judge(ctx: Context, guards: Sequence[Guard], groups: Sequence[Sequence[Operation]]) -> tuple[list[Operation], dict[str, int], int]:
    """Return what the guards let in of each former's operations, reason -> how many they refused, and how many they set aside."""
    passed: list[Operation] = []
    refused: dict[str, int] = {}
    quarantined = 0
    for group in groups:
        mine: list[Operation] = []
        out: set[str] = set()
        for operation in group:
            verdicts = [guard.check(ctx, operation) for guard in guards]
            bad = [verdict for verdict in verdicts if not verdict.admit]
            if not bad:
                mine.append(operation)
                continue
            if isinstance(operation, Keep | Revise):
                out.add(_id(operation))
            if isinstance(operation, Keep) and all(verdict.quarantine for verdict in bad):
                why = "; ".join(verdict.why for verdict in bad)
                mine += [Keep(memory=replace(operation.memory)), Quarantine(id=operation.memory.id, why=why)]
                quarantined += 1
            else:
                for verdict in bad:
                    refused[verdict.why] = refused.get(verdict.why, 0) + 1
        passed += _making_room(mine, out)
    return passed, refused, quarantined


def _making_room(operations: Sequence[Operation], out: Collection[str]) -> list[Operation]:
    """Return a former's operations without archiving what was not let in itself, and without any where what takes the place was not.

    Args:
        operations: of one former, judged.
        out: the memories that were refused or set aside.
    """
    over = {operation.id for operation in operations if isinstance(operation, Archive)}
    stay = over if set(out) - over else set(out)
    return [operation for operation in operations if not (isinstance(operation, Archive) and operation.id in stay)]


def _id(operation: Keep | Revise) -> str:
    return operation.memory.id if isinstance(operation, Keep) else operation.id
