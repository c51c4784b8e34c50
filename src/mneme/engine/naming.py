"""What callers name: filters, targets of a change, hits of a recall, sources of a memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mneme.core.errors import InvalidInput, NotFound
from mneme.core.query import Filter, Hit, Recall
from mneme.core.records import Episode
from mneme.core.records import Memory as Record
from mneme.engine.opened import Opened

Target = str | Record | Hit | Filter | Mapping[str, Any] | Iterable["str | Record | Hit"]

_PAGE = 1000


def targets(opened: Opened, target: Target) -> list[str]:
    """Return the ids that a target names.

    Raises:
        NotFound: one of them is unknown or erased.
        InvalidInput: a filter admits everything.
    """
    if isinstance(target, Mapping):
        target = as_filter(target, ())
    if isinstance(target, Filter):
        if target in (Filter(), Filter(archived=True)):
            raise InvalidInput({"filter": "admits everything; set a field, or remove the whole space with memory.drop(name)"})
        ids, after = [], ""
        while page := opened.store.find(
            target, after=after, limit=_PAGE, statuses=("active", "archived") if target.archived else ("active",)
        ):
            ids += [memory.id for memory in page]
            after = page[-1].id
        return ids
    if not isinstance(target, str | Record | Hit | Iterable):
        raise InvalidInput({"target": f"must be an id, a hit, a memory, several of them, or a filter, not {type(target).__name__}"})
    items = [target] if isinstance(target, str | Record | Hit) else list(target)
    if odd := [item for item in items if not isinstance(item, str | Record | Hit)]:
        raise InvalidInput({"target": f"holds what is no id, hit or memory: {type(odd[0]).__name__}"})
    ids = [item if isinstance(item, str) else item.memory.id if isinstance(item, Hit) else item.id for item in items]
    known = opened.store.memories(ids)
    for id in ids:
        if id not in known:
            raise NotFound("memory", id)
    return list(dict.fromkeys(ids))


def one_id(id: object) -> str:
    """Return the id.

    Raises:
        InvalidInput: it is no string.
    """
    if not isinstance(id, str):
        raise InvalidInput({"id": f"must be a string, not {type(id).__name__}"})
    return id


def as_path(path: object) -> Path:
    """Return the path of a file.

    Raises:
        InvalidInput: it names none.
    """
    if not isinstance(path, str | Path) or "\0" in str(path):
        raise InvalidInput({"path": f"must be the path of a file, not {path!r:.80}"})
    return Path(path)


def as_filter(filters: Filter | Mapping[str, Any] | None, kinds: Sequence[str]) -> Filter:
    """Return a filter from a filter or a mapping of its fields, and kinds.

    Raises:
        InvalidInput: an unknown field or a bad value.
    """
    if filters is None:
        where = Filter()
    elif isinstance(filters, Filter):
        where = filters
    elif not isinstance(filters, Mapping):
        raise InvalidInput({"filters": f"must be a mneme.Filter or a mapping of its fields, not {type(filters).__name__}"})
    else:
        unknown = sorted(set(filters) - set(Filter.__dataclass_fields__))
        if unknown:
            known = ", ".join(Filter.__dataclass_fields__)
            raise InvalidInput({f"filters.{name}": f"is unknown; known are {known}" for name in unknown})
        fields: dict[str, Any] = {}
        for name, value in filters.items():
            single = isinstance(value, str) and name not in ("since", "until")
            fields[name] = (value,) if single else tuple(value) if isinstance(value, list | set) else value
        where = Filter(**fields)
    if kinds:
        where = replace(where, kinds=(kinds,) if isinstance(kinds, str) else tuple(kinds))
    return where


def known_kind(kind: str) -> str:
    """Return the kind.

    Raises:
        InvalidInput: it is unknown.
    """
    Filter(kinds=(kind,))
    return kind


def chosen_hits(found: Recall, field: str, chosen: str | Hit | Sequence[str | Hit]) -> list[str]:
    """Return the ids of the hits that a caller names by hit, id, mark or ref.

    Raises:
        InvalidInput: something named is no hit of this recall.
    """
    names: dict[str, str] = {}
    for hit in found.hits:
        names.update({name: hit.memory.id for name in (hit.memory.id, hit.mark, hit.memory.ref) if name})
    ids = []
    for item in [chosen] if isinstance(chosen, str | Hit) else chosen:
        name = item.memory.id if isinstance(item, Hit) else item
        if name not in names:
            raise InvalidInput({field: f"{name!r} is no hit of this recall; give hits, ids, marks or refs of it"})
        ids.append(names[name])
    return list(dict.fromkeys(ids))


def resolve_sources(opened: Opened, names: Sequence[str], new: Sequence[Episode]) -> dict[str, Episode]:
    """Return the episodes behind ids of episodes, ids of memories, and refs; those of the same call first."""
    found = {name: episode for episode in new for name in (episode.id, "mem" + episode.id[2:], episode.ref) if name}
    missing = [name for name in dict.fromkeys(names) if name not in found]
    if not missing:
        return found
    found.update(opened.store.episodes([name for name in missing if name.startswith("ep_")]))
    memories = {memory.id: memory for memory in opened.store.memories([n for n in missing if n.startswith("mem_")]).values()}
    for memory in opened.store.find(Filter(refs=tuple(missing), archived=True), limit=len(missing) * 10, statuses=("active", "archived")):
        memories.setdefault(memory.ref or "", memory)
    for name, memory in memories.items():
        for episode in opened.store.episodes([span.episode for span in memory.sources[:1]]).values():
            found.setdefault(name, episode)
    return found
