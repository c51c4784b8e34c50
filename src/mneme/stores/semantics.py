"""What every store must agree on beyond the versions of one memory: checks of a batch, usage, jobs, and what an entry touches.

Pure functions: nothing here reads or writes a store.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from mneme.core.clock import from_micros, to_micros, to_utc
from mneme.core.codec import dumps, episode_to_plain, memory_to_plain
from mneme.core.errors import Conflict, InvalidInput, ModelMismatch, NotFound, Refused
from mneme.core.journal import Change
from mneme.core.operations import SETTINGS, Configure, Connect, Keep, Operation, Reinforce, Restore, Revise
from mneme.core.ports import Batch, FloatArray, Material
from mneme.core.records import KINDS, LINK_TYPES, STATUSES, Episode, Job, Link, Memory, Usage

JOB_STATES = ("waiting", "leased", "done", "dead", "cancelled")
NOT_JSON = "holds a lone surrogate, a time without a zone, or a value that JSON can't hold; clean it before storing"


CANCELLABLE = ("waiting", "dead")
"""States of a job that can be cancelled: nobody is at it, and it has not taken effect."""


def check_batch(batch: Batch) -> None:
    """Check what can be checked without the store.

    Raises:
        InvalidInput: a bad field of the batch itself.
    """
    problems: dict[str, str] = {}
    for name in ("verb", "actor", "reason", "trace_id", "key", "model"):
        value = getattr(batch, name)
        if not isinstance(value, str):
            if value is not None or name not in ("reason", "key"):
                problems[name] = f"must be a string, not {type(value).__name__}"
        elif not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                problems[name] = "holds a lone surrogate; clean it before storing"
    if batch.key == "":
        problems["key"] = "is empty; give a non-empty key or None"
    to_utc(batch.at, "at")
    if problems:
        raise InvalidInput(problems)


def overtaken(seq: int) -> Conflict:
    """Return the error of a batch that was decided on before a rival entry."""
    return Conflict(f"batch.based_on: entry {seq} was written since; decide again on the space as it is now")


def key_digest(key: str) -> bytes:
    """Return the digest under which an idempotency key is stored, so that the key itself never reaches the disk."""
    return hashlib.blake2b(key.encode(), digest_size=16).digest()


def check_model(batch: Batch, model: str, width: int) -> tuple[str, int]:
    """Return the model and width that the space has once the batch is applied.

    Args:
        batch: what is to be applied.
        model: the space's model; empty when no vector was stored yet.
        width: the length of the space's vectors; 0 when no vector was stored yet.

    Raises:
        ModelMismatch: the batch comes from another model.
        InvalidInput: vectors of a wrong shape, type or width, or without a model.
    """
    if batch.model and model and batch.model != model:
        raise ModelMismatch(
            f"model: the space holds vectors of {model!r}, not {batch.model!r}; change them with `mneme reembed` or open the "
            f"space with {model!r}"
        )
    arrays = [material.vectors for material in batch.material.values()]
    wanted = width
    for memory, material in batch.material.items():
        vectors = material.vectors
        if vectors.ndim != 2 or vectors.dtype != np.float32:
            raise InvalidInput({f"vectors of {memory}": "must be a two-dimensional float32 array"})
        if not len(vectors):
            continue
        wanted = wanted or vectors.shape[1]
        if vectors.shape[1] != wanted:
            raise InvalidInput({f"vectors of {memory}": f"have width {vectors.shape[1]}, the space has {wanted}"})
    filled = [array for array in arrays if len(array)]
    if not filled:
        return model, width
    if not batch.model:
        raise InvalidInput({"model": "is empty but there are vectors; name the model that made them"})
    if not np.isfinite(np.concatenate(filled) if len(filled) > 1 else filled[0]).all():
        raise InvalidInput({"vectors": "hold numbers that are not finite; embed the texts again"})
    return batch.model, wanted


def check_memory(memory: Memory) -> None:
    """Check a version that is about to be written.

    Raises:
        InvalidInput: a field has a value that no memory can have.
    """
    problems: dict[str, str] = {}
    if not memory.id or ">" in memory.id:
        problems["id"] = "is empty or holds '>'; use ids as core.ids makes them"
    if memory.kind not in KINDS:
        problems["kind"] = f"{memory.kind!r} is unknown; known are {', '.join(KINDS)}"
    if memory.status not in STATUSES or memory.status == "erased":
        problems["status"] = f"{memory.status!r} can't be set; use active, archived or quarantined"
    if not 0.0 <= memory.importance <= 1.0:
        problems["importance"] = "must lie in [0, 1]"
    if memory.valid_to is not None and memory.valid_to < memory.valid_from:
        problems["valid_to"] = "is before valid_from; give an end that is not before the start"
    if problems:
        raise InvalidInput(problems)


def memory_bytes(memory: Memory) -> bytes:
    """Return the bytes of a memory that are stored and digested.

    Raises:
        InvalidInput: it holds something that JSON can't hold.
    """
    try:
        check_memory(memory)
        return dumps(memory_to_plain(memory))
    except TypeError as error:
        raise InvalidInput({f"memory {memory.id!r}": NOT_JSON}) from error


def episode_bytes(episode: Episode) -> bytes:
    """Return the bytes of an episode that are stored and digested.

    Raises:
        InvalidInput: it holds something that JSON can't hold, or has no id.
    """
    if not episode.id:
        raise InvalidInput({"episode.id": "is empty; use ids as core.ids makes them"})
    try:
        return dumps(episode_to_plain(episode))
    except TypeError as error:
        raise InvalidInput({f"episode {episode.id!r}": NOT_JSON}) from error


def fresh_material(operation: Operation, batch: Batch, text_changed: bool) -> Material | None:
    """Return the material that an operation brings with it; None when it needs none.

    Raises:
        InvalidInput: the operation makes a new text and the batch has no material for it.
    """
    if isinstance(operation, Keep):
        subject = operation.memory.id
    elif isinstance(operation, Revise) and text_changed:
        subject = operation.id
    else:
        return None
    material = batch.material.get(subject)
    if material is None:
        raise InvalidInput({"material": f"is missing for {subject!r}; every new text needs its terms and vectors"})
    return material


def restored_version(operation: Operation) -> int | None:
    """Return the number of the version whose text comes back, if the operation brings one back."""
    return operation.version or None if isinstance(operation, Restore) else None


def check_link(link: Link) -> None:
    """Check a link.

    Raises:
        InvalidInput: an unknown type or a weight that is not finite.
    """
    problems: dict[str, str] = {}
    if link.type not in LINK_TYPES:
        problems["link.type"] = f"{link.type!r} is unknown; known are {', '.join(LINK_TYPES)}"
    if not math.isfinite(link.weight):
        problems["link.weight"] = "must be a finite number"
    if problems:
        raise InvalidInput(problems)


def check_alive(id: str, status: str | None) -> None:
    """Check that a memory can be linked or reinforced.

    Raises:
        NotFound: there is no such memory.
        Refused: it was erased.
    """
    if status is None:
        raise NotFound("memory", id)
    if status == "erased":
        raise Refused(f"memory: {id!r} was erased; nothing can change or bring back what was erased")


def link_subject(source: str, target: str, type: str) -> str:
    """Return the name under which the journal knows a link."""
    return f"{source}>{target}:{type}"


def connect_change(link: Link, weight_before: float | None) -> Change:
    """Return the change of a link that was added or given another weight."""
    detail = {
        "source": link.source, "target": link.target, "type": link.type, "weight": link.weight,
        "weight_before": weight_before,
    }  # fmt: skip
    return Change(op="connect", subject=link_subject(link.source, link.target, link.type), detail=detail)


def disconnect_change(source: str, target: str, type: str, weight_before: float) -> Change:
    """Return the change of a link that was removed."""
    detail = {"source": source, "target": target, "type": type, "weight_before": weight_before}
    return Change(op="disconnect", subject=link_subject(source, target, type), detail=detail)


def supersedes(by: str, id: str) -> Connect:
    """Return the link that a ``Supersede`` with a successor adds."""
    return Connect(link=Link(source=by, target=id, type="supersedes"))


def reinforced(usage: Usage, operation: Reinforce) -> tuple[Usage, Change] | None:
    """Return a memory's usage after a ``Reinforce`` with its change; None when nothing changes.

    Raises:
        InvalidInput: a number that is not finite, or a time without a zone.
    """
    numbers = [operation.uses, operation.strength, *operation.state.values()]
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
        raise InvalidInput({"reinforce": f"the numbers for {operation.id!r} must be finite"})
    last, state = _taken_back(usage, operation.takes_back)
    if operation.at is not None:
        at = to_utc(operation.at, "reinforce.at")
        last = at if last is None else max(last, at)
    after = Usage(
        uses=usage.uses + operation.uses,
        last_used_at=last,
        strength=usage.strength + operation.strength,
        state={**state, **operation.state},
    )
    if after == usage:
        return None
    changed = [name for name in {**usage.state, **after.state} if usage.state.get(name) != after.state.get(name)]
    detail = {
        "uses": operation.uses,
        "strength": operation.strength,
        "last_before": None if usage.last_used_at is None else to_micros(usage.last_used_at),
        "last_after": None if last is None else to_micros(last),
        "state_before": {name: usage.state.get(name) for name in changed},
        "state_after": {name: after.state.get(name) for name in changed},
    }
    return after, Change(op="reinforce", subject=operation.id, detail=detail)


def _taken_back(usage: Usage, detail: Mapping[str, Any]) -> tuple[datetime | None, dict[str, float]]:
    """Return when a memory was last used and its numbers, with what a change did to them taken back where it still stands."""
    last, state = usage.last_used_at, dict(usage.state)
    if not detail:
        return last, state
    if last is not None and to_micros(last) == detail["last_after"]:
        last = None if detail["last_before"] is None else from_micros(detail["last_before"])
    for name, number in detail["state_after"].items():
        if state.get(name) == number:
            state.pop(name, None)
            if detail["state_before"][name] is not None:
                state[name] = detail["state_before"][name]
    return last, state


def check_job(job: Job) -> bytes:
    """Return the bytes of a job's payload.

    Raises:
        InvalidInput: no id or task, an unknown state, or a payload that JSON can't hold.
    """
    problems: dict[str, str] = {}
    for name in ("id", "task"):
        if not getattr(job, name):
            problems[f"job.{name}"] = "is empty"
    if job.state not in JOB_STATES:
        problems["job.state"] = f"{job.state!r} is unknown; known are {', '.join(JOB_STATES)}"
    to_utc(job.due_at, "job.due_at")
    if problems:
        raise InvalidInput(problems)
    try:
        dumps([job.id, job.task, job.key])
        return dumps(dict(job.payload))
    except TypeError as error:
        raise InvalidInput({"job.payload": NOT_JSON}) from error


def configured(before: str, operation: Configure) -> Change | None:
    """Return the change of a setting, None when it has the value already.

    Raises:
        InvalidInput: it is no setting that people decide on, or its value can't be stored.
        Conflict: it has another value than the operation expects.
    """
    if operation.key not in SETTINGS:
        raise InvalidInput({"key": f"{operation.key!r} can't be configured; {', '.join(SETTINGS)} can"})
    try:
        operation.value.encode()
    except UnicodeEncodeError:
        raise InvalidInput({operation.key: NOT_JSON}) from None
    if operation.expected is not None and operation.expected != before:
        raise Conflict(f"{operation.key}: was changed since; read it again and decide on that")
    if operation.value == before:
        return None
    return Change(op="configure", subject=operation.key, detail={"before": before, "after": operation.value})


def names_any(value: Any, ids: frozenset[str] | set[str]) -> bool:
    """Return whether one of the ids is a string anywhere in a JSON value."""
    if isinstance(value, str):
        return value in ids
    if isinstance(value, Mapping):
        return any(names_any(item, ids) for item in value.values()) or any(key in ids for key in value)
    if isinstance(value, Sequence):
        return any(names_any(item, ids) for item in value)
    return False


def touched(changes: Iterable[Change]) -> dict[str, None]:
    """Return the ids that an entry with these changes touches, in order: subjects, and both ends of links."""
    ids: dict[str, None] = {}
    for change in changes:
        if change.op in ("connect", "disconnect"):
            ids[change.detail["source"]] = None
            ids[change.detail["target"]] = None
        else:
            ids[change.subject] = None
    return ids


def check_vectors(vectors: Sequence[FloatArray], width: int) -> int:
    """Return the common width of some vectors.

    Args:
        vectors: ``(p, width) float32`` each.
        width: what it must be; 0 when any will do.

    Raises:
        InvalidInput: they have different widths, or are no float32 arrays.
    """
    for array in vectors:
        if array.ndim != 2 or array.dtype != np.float32:
            raise InvalidInput({"vectors": "must be two-dimensional float32 arrays"})
        width = width or array.shape[1]
        if array.shape[1] != width:
            raise InvalidInput({"vectors": f"have width {array.shape[1]}, not {width}"})
    return width


def check_space_name(space: str) -> None:
    """Check the name of a space.

    Raises:
        InvalidInput: it is empty, longer than 200 characters, or no valid Unicode.
    """
    if not isinstance(space, str) or not 1 <= len(space) <= 200:
        raise InvalidInput({"space": "must be a name of 1 to 200 characters"})
    try:
        space.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput({"space": "holds a lone surrogate; clean the name"}) from error


def stored_forms(needle: bytes) -> list[bytes]:
    """Return the forms that some bytes can have in a store: as they are, and for text as JSON escapes it; none for no bytes."""
    if not needle:
        return []
    try:
        escaped = dumps(needle.decode())[1:-1]
    except UnicodeDecodeError:
        return [needle]  # bytes of a vector or a token row have no other form
    return [needle] if escaped == needle else [needle, escaped]
