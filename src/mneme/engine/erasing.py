"""Erasing: what has to go with what, and the search that proves it is gone.

What goes: the memories asked for; the episodes that are theirs (a verbatim memory shares the tail of its id with its episode, and a
revision by a caller is an episode that names the memory it revises); and every memory with a version that rests only on those
episodes, again with its own episodes, until nothing more follows. A memory whose present version rests on something else too
survives; it is kept anew under another id, so that its history goes and its belief stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mneme.core.errors import ErasureIncomplete
from mneme.core.ids import Ids
from mneme.core.operations import Erase, Keep, Operation
from mneme.core.ports import Applied, Material, Store
from mneme.core.query import ErasureReport
from mneme.core.records import Episode, Memory
from mneme.engine.opened import Opened

REVISES = "mneme:revises"
"""Attribute of the episode of a revision: the memory that it revises."""

OUTSIDE = ("copies that were made of the space: exports, backups, snapshots of the disk", "what agents have copied from recalls")
"""What no erasure inside the store can reach, for the operator's list."""

_WORD = re.compile(r"\w+")
_SHORTEST_WORD_BYTES = 5
_PIECE_BYTES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing:
    """What an erasure will do.

    Args:
        memories: ids of the memories that go, those asked for first.
        derived: of these, those that nobody asked for.
        episodes: ids of the episodes that go.
        reborn: memories that survive under a new id, with what rests on nothing erased.
        needles: what -> bytes that must not be found afterwards.
    """

    memories: tuple[str, ...]
    derived: tuple[str, ...]
    episodes: tuple[str, ...]
    reborn: tuple[Memory, ...]
    needles: Mapping[str, bytes]

    def operations(self) -> list[Operation]:
        """Return the erasure as operations."""
        gone: list[Operation] = [Erase(id=id) for id in (*self.memories, *self.episodes)]
        return [*gone, *(Keep(memory=memory) for memory in self.reborn)]


def plan(store: Store, ids: Sequence[str], new_ids: Ids) -> Erasing:
    """Return what has to go with these memories."""
    gone = dict.fromkeys(ids)
    episodes: dict[str, Episode] = {}
    reborn: dict[str, Memory] = {}
    fresh = list(gone)
    while fresh:
        found = _own_episodes(store, fresh)
        episodes.update(found)
        fresh = []
        for id in store.resting_on(list(found)):
            if id in gone or id in reborn:
                continue
            fate = _fate(store, id, episodes)
            if fate is None:
                continue
            if isinstance(fate, Memory):
                reborn[id] = fate
            gone[id] = None
            fresh.append(id)
    asked = set(ids)
    return Erasing(
        memories=tuple(gone),
        derived=tuple(id for id in gone if id not in asked),
        episodes=tuple(episodes),
        reborn=tuple(replace(memory, id=new_ids.new("mem"), version=1) for memory in reborn.values()),
        needles=needles(_texts(store, gone, episodes), _vectors(store, gone)),
    )


def _own_episodes(store: Store, ids: Iterable[str]) -> dict[str, Episode]:
    own: dict[str, Episode] = {}
    for id in ids:
        rests_on = {span.episode for version in store.versions(id) for span in version.memory.sources}
        for episode in store.episodes(sorted(rests_on)).values():
            if episode.id[3:] == id[4:] or episode.attributes.get(REVISES) == id:
                own[episode.id] = episode
    return own


def _fate(store: Store, id: str, erased: Mapping[str, Episode]) -> Memory | str | None:
    """Return None if a memory stays, ``"gone"`` if it goes, and itself without its erased sources if it has to be kept anew."""
    versions = [version.memory for version in store.versions(id)]
    doomed = [memory for memory in versions if memory.sources and all(span.episode in erased for span in memory.sources)]
    if not doomed:
        return None
    head = versions[-1]
    if head in doomed:
        return "gone"
    return replace(head, sources=tuple(span for span in head.sources if span.episode not in erased))


def _texts(store: Store, memories: Iterable[str], episodes: Mapping[str, Episode]) -> list[str]:
    texts = {version.memory.indexed_text for id in memories for version in store.versions(id)}
    texts.update(episode.text for episode in episodes.values())
    return sorted(texts)


def _vectors(store: Store, memories: Iterable[str]) -> list[bytes]:
    found = []
    for id in memories:
        for row, text_version in store.places(id):
            found += [vector.tobytes()[:64] for vector in store.vectors([row], [text_version])[0]]
    return found


def needles(texts: Sequence[str], vectors: Sequence[bytes]) -> dict[str, bytes]:
    """Return what must not be found in the store's bytes: pieces of the texts, their words, and the fronts of the vectors.

    Pieces are short, so that one lies whole within a page wherever the file's pages cut the text, and hold no character that JSON
    escapes. Words of fewer than 5 bytes turn up in binary data by chance and are covered by the pieces.
    """
    found: dict[str, bytes] = {}
    for text in texts:
        for run in re.split(r'["\\\x00-\x1f\x7f]+', text):
            found.update((f"text {len(found)}", piece) for piece in _pieces(run.encode("utf-8", "surrogatepass")))
    words = {word for text in texts for word in _WORD.findall(text)}
    long_enough = sorted(raw for word in words if len(raw := word.encode("utf-8", "surrogatepass")) >= _SHORTEST_WORD_BYTES)
    found.update((f"word {number}", raw) for number, raw in enumerate(long_enough))
    found.update((f"vector {number}", raw) for number, raw in enumerate(vectors))
    return found


def _pieces(raw: bytes) -> list[bytes]:
    if len(raw) < _SHORTEST_WORD_BYTES:
        return []
    if len(raw) <= _PIECE_BYTES:
        return [raw]
    return [raw[start : start + _PIECE_BYTES] for start in range(0, len(raw) - _PIECE_BYTES + 1, _PIECE_BYTES)]


def erase(
    opened: Opened,
    ids: Sequence[str],
    new_ids: Ids,
    apply: Callable[[Sequence[Operation], Mapping[str, Material]], Applied],
    material_for: Callable[[Sequence[Memory]], Mapping[str, Material]],
) -> ErasureReport:
    """Erase memories with what follows from them, then search for them, and report.

    Args:
        opened: the space.
        ids: the memories.
        new_ids: for memories that are kept anew.
        apply: applies operations in one transaction.
        material_for: works out what search needs of memories.

    Raises:
        ErasureIncomplete: something of it was found afterwards.
    """
    store = opened.store
    erasing = plan(store, ids, new_ids)
    applied = apply(erasing.operations(), material_for(erasing.reborn))
    opened.current.drop()
    store.scrub()
    needles = erasing.needles
    kept_elsewhere = store.held(list(needles.values()))
    gone = {what: raw for what, raw in needles.items() if raw not in kept_elsewhere}
    searched, findings = store.scan(gone)
    report = ErasureReport(
        erased=(*erasing.memories, *erasing.episodes),
        derived=erasing.derived,
        entry=applied.entry.seq if applied.entry else 0,
        places=applied.removed,
        searched_bytes=searched,
        needles=len(gone),
        findings=tuple(findings),
        outside=OUTSIDE,
    )
    if findings:
        places = ", ".join(sorted({finding.place for finding in findings})[:5])
        raise ErasureIncomplete(f"erase: {len(findings)} traces of erased content were still found, in {places}", report)
    return report
