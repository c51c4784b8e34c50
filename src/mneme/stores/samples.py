"""Small records and batches for the tests of stores, the same for every store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from mneme.core.operations import Keep, Observe, Operation, Revise
from mneme.core.ports import Batch, Material
from mneme.core.records import Episode, Job, Memory, Span
from mneme.text.terms import RECORD

START = datetime(2024, 1, 1, tzinfo=UTC)
MODEL = "sample-8"
WIDTH = 8


def at(minutes: float) -> datetime:
    """Return the moment so many minutes after the start."""
    return START + timedelta(minutes=minutes)


def memory_id(number: int) -> str:
    """Return the id of a sample memory."""
    return f"mem_{number:020d}"


def episode_id(number: int) -> str:
    """Return the id of a sample episode."""
    return f"ep_{number:020d}"


def episode(number: int, text: str = "raw") -> Episode:
    """Return a sample episode."""
    return Episode(id=episode_id(number), text=text, at=at(number), recorded_at=START)


def memory(number: int, text: str, *, episodes: Sequence[int] = (), **fields: Any) -> Memory:
    """Return a sample memory that rests on the sample episodes of these numbers."""
    spans = tuple(Span(episode=episode_id(each), start=0, end=3) for each in episodes)
    moment = at(number)
    filled: dict[str, Any] = {"id": memory_id(number), "text": text, "at": moment, "recorded_at": START, "valid_from": moment}
    return Memory(**filled | {"sources": spans} | fields)


def job(number: int, **fields: Any) -> Job:
    """Return a sample job."""
    filled: dict[str, Any] = {"id": f"job_{number:03d}", "task": "form", "due_at": START}
    return Job(**filled | fields)


def material(text: str, passages: int = 1, width: int = WIDTH) -> Material:
    """Return material that follows from the text alone."""
    seed = np.random.default_rng(int.from_bytes(text.encode("utf-8", "surrogatepass")[:16] or b"\0", "big"))
    vectors = seed.standard_normal((passages, width)).astype(np.float32)
    terms = b"terms of " + text.encode("utf-8", "surrogatepass")
    return Material(terms=terms + b" " * (-len(terms) % RECORD.itemsize), vectors=vectors)  # whole records, as a store may read them


def batch(*operations: Operation, minutes: float = 0, **fields: Any) -> Batch:
    """Return a batch with the material that its operations need."""
    needed = {each.memory.id: material(each.memory.text) for each in operations if isinstance(each, Keep)}
    needed |= {each.id: material(each.text) for each in operations if isinstance(each, Revise) and each.text is not None}
    filled: dict[str, Any] = {"operations": operations, "material": needed, "model": MODEL, "verb": "test", "at": at(minutes)}
    return Batch(**filled | fields)


def remembered(number: int, text: str, **fields: Any) -> list[Operation]:
    """Return the operations that take in an episode and keep it as a memory."""
    kept = Keep(memory=memory(number, text, episodes=(number,), **fields))
    return [Observe(episode=episode(number, text)), kept]
