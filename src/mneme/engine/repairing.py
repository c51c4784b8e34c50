"""Retrospective repair: what a recall found only as raw words, with nothing formed of it, is formed then.

Source: HiMem, reconsolidation: a search that fails on notes and succeeds on episodes makes the missing note. Differs: as a job, once for
each message, recipe and model, so that a recall stays as fast as it is and a second one changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from mneme.core.ids import Ids
from mneme.core.ports import Store
from mneme.core.query import Hit
from mneme.core.records import Job
from mneme.engine.forming import TASK

MOST = 10
"""How many of the best hits are looked at."""


def repair_jobs(store: Store, hits: Sequence[Hit], ids: Ids, now: datetime, forming: str) -> list[Job]:
    """Return a job for each hit that stands for an episode of which nothing was formed.

    Args:
        store: the space.
        hits: best first.
        ids: names the jobs.
        now: when they are due.
        forming: what forms, recipe and model; the same episode is tried once with each.
    """
    turns = {hit.memory.sources[0].episode for hit in hits[:MOST] if _is_turn(hit)}
    if not turns:
        return []
    formed = {episode for id, rests in store.resting_on(sorted(turns)).items() for episode in rests if "ep" + id[3:] != episode}
    return [
        Job(id=ids.new("job"), task=TASK, payload={"episodes": [episode]}, key=_key(episode, forming), due_at=now)
        for episode in sorted(turns - formed)
    ]


def _is_turn(hit: Hit) -> bool:
    """Whether the memory is the verbatim one of its only source: the two share what follows the prefix of their ids."""
    sources = hit.memory.sources
    return len(sources) == 1 and sources[0].episode[2:] == hit.memory.id[3:]


def _key(episode: str, forming: str) -> str:
    return "repair:" + hashlib.blake2b(f"{episode}\n{forming}".encode(), digest_size=16).hexdigest()
