"""Forming a space anew under another recipe: what the old one formed is archived, and the episodes are read again in steps.

Episodes and verbatim memories stay as they are. Each step is a job that enqueues the next in its own transaction, so a worker that
dies in between loses nothing and does nothing twice. What both recipes form keeps its id and its history.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from mneme.core.compaction import CHECKPOINT
from mneme.core.operations import Archive, Disconnect, Enqueue, Operation
from mneme.core.ports import Store
from mneme.core.recipe import Recipe
from mneme.core.records import Job

TASK = "re-form"
STEP = 256
"""Episodes of one step."""

_VERBS = frozenset({"form", TASK})
_HELD = {"held": "keep", "linked": "connect"}
"""What a change of a checkpoint stands for."""
_PAGE = 1000


def reform_job(id: str, recipe: Recipe, now: datetime, after: str | None = None) -> Job:
    """Return the job that forms anew from the episode after ``after``; None first retires what is there.

    A later switch back to a recipe is work of its own: the moment is part of the key.
    """
    payload: dict[str, object] = {"forming": recipe.forming}
    if after is not None:
        payload["after"] = after
    return Job(id=id, task=TASK, payload=payload, key=f"{TASK}:{recipe.forming}:{id}", due_at=now)


def retiring(store: Store) -> list[Operation]:
    """Return what takes back the work of earlier formers: their memories archived, their links removed."""
    memories: dict[str, None] = {}
    links: dict[tuple[str, str, str], None] = {}
    for entry in _entries(store):
        for change in entry:
            if change[0] == "keep":
                memories[change[1]] = None
            elif change[0] == "connect":
                ends, _, type_ = change[1].rpartition(":")
                source, _, target = ends.partition(">")
                links[source, target, type_] = None
    operations: list[Operation] = []
    for part in _parts(list(dict.fromkeys(source for source, _, _ in links))):
        there = {(link.source, link.target, link.type) for link in store.links(part)}
        operations += [Disconnect(source=s, target=t, type=k) for s, t, k in links if s in part and (s, t, k) in there]
    operations += [Archive(id=id) for id in memories if store.status_of(id) == "active"]
    return operations


def step(store: Store, after: str) -> list[str]:
    """Return the ids of the episodes of one step, none at the end."""
    return [episode.id for episode in store.list_episodes(after=after, limit=STEP)]


def then(operations: Sequence[Operation], job: Job) -> list[Operation]:
    """Return the operations with the next job enqueued in the same transaction."""
    return [*operations, Enqueue(job=job)]


def _entries(store: Store) -> Iterator[list[tuple[str, str]]]:
    after = 0
    while page := store.entries(after=after, limit=_PAGE):
        for entry in page:
            if entry.verb in _VERBS:
                yield [(change.op, change.subject) for change in entry.changes]
            elif entry.verb == CHECKPOINT:
                yield [
                    (_HELD[change.op], change.subject)
                    for change in entry.changes
                    if change.detail.get("by") in _VERBS and change.op in _HELD
                ]
        after = page[-1].seq


def _parts(ids: list[str], size: int = 500) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
