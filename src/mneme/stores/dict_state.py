"""What the store in memory holds: a space as plain dictionaries, and its rows for the index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.journal import Entry
from mneme.core.ports import FloatArray, IndexRows, Material
from mneme.core.records import Episode, Job, Link, Memory, Usage
from mneme.core.upkeep import NEVER

OPEN_END = np.iinfo(np.int64).max
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """A version of a memory with the entry that made it, whose text it has, and what its digest was made of."""

    memory: Memory
    seq: int
    text_version: int
    salt: bytes
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLink:
    """A link, from the entry that made it to the one that ended it."""

    link: Link
    from_seq: int
    to_seq: int | None = None

    def holds(self, seq: int | None) -> bool:
        """Return whether the link is there after an entry, or now."""
        if seq is None:
            return self.to_seq is None
        return self.from_seq <= seq and (self.to_seq is None or self.to_seq > seq)


@dataclass(slots=True, kw_only=True)
class State:
    """Everything a space holds; the values of the dictionaries are never changed in place."""

    meta: dict[str, str] = field(default_factory=dict)
    entries: dict[int, Entry] = field(default_factory=dict)
    reason_salts: dict[int, bytes] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    versions: dict[str, tuple[StoredVersion, ...]] = field(default_factory=dict)
    erased: dict[str, int] = field(default_factory=dict)  # memory id -> the version it had
    changed: dict[str, int] = field(default_factory=dict)  # memory id -> the last entry that touched its row
    material: dict[tuple[str, int], Material] = field(default_factory=dict)
    staged: dict[tuple[str, int], FloatArray] = field(default_factory=dict)
    episodes: dict[str, tuple[Episode, bytes] | None] = field(default_factory=dict)
    links: dict[tuple[str, str, str, int], StoredLink] = field(default_factory=dict)
    usage: dict[str, Usage] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    keys: dict[bytes, int] = field(default_factory=dict)

    @property
    def last_seq(self) -> int:
        """The number of the last entry, 0 when there is none."""
        return max(self.entries, default=0)

    def copy(self) -> State:
        """Return a copy that can be changed without changing this one."""
        return State(**{each.name: dict(getattr(self, each.name)) for each in fields(self)})

    def head(self, id: str) -> Memory | None:
        """Return the present version of a memory; of an erased one what is left of it."""
        if id in self.erased:
            version = self.erased[id]
            return Memory(id=id, text="", at=_EPOCH, recorded_at=_EPOCH, valid_from=_EPOCH, version=version, status="erased")
        versions = self.versions.get(id)
        return versions[-1].memory if versions else None

    def status(self, id: str) -> str | None:
        """Return a memory's status."""
        head = self.head(id)
        return None if head is None else head.status

    def as_of(self, id: str, seq: int | None) -> StoredVersion | None:
        """Return the version of a memory that holds after an entry, or now."""
        known = [version for version in self.versions.get(id, ()) if seq is None or version.seq <= seq]
        return known[-1] if known else None

    def numbered(self, id: str, version: int) -> StoredVersion:
        """Return a version of a memory that is there."""
        return next(each for each in self.versions[id] if each.memory.version == version)


def _micros(moment: datetime | None) -> int:
    return OPEN_END if moment is None else to_micros(moment)


def index_of(state: State, known: Sequence[tuple[str, StoredVersion | None]], seq: int, vectors: bool) -> IndexRows:
    """Return the rows for the index of these memories in these versions; None stands for an erased one."""
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
        last_used=np.array([NEVER if each.last_used_at is None else to_micros(each.last_used_at) for each in usage], np.int64),
    )
