"""Erasing: what has to go with what, and the search that proves it is gone.

What goes: the memories asked for; the episodes that are theirs (a verbatim memory shares the tail of its id with its episode, and a
revision by a caller is an episode that names the memory it revises); and every memory with a version that rests only on those
episodes, or that tells what of all it rests on only they say, again with its own episodes, until nothing more follows. A memory
survives by its last version that does neither, or by the lines that tell none of it, whichever is more; it is kept anew under another id,
so that its history goes and its belief stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

import numpy as np

from mneme.core.errors import Busy, ErasureIncomplete, StorageFull
from mneme.core.ids import Ids
from mneme.core.operations import Erase, Keep, Observe, Operation, Revise
from mneme.core.ports import Applied, FloatArray, Limited, Material, Store
from mneme.core.query import ErasureReport
from mneme.core.records import Episode, Memory, Span
from mneme.engine.opened import Opened
from mneme.engine.telling import NOTES, Telling, is_label, is_setting, noted, told

REVISES = "mneme:revises"
"""Attribute of the episode of a revision: the memory that it revises."""

OUTSIDE = ("copies that were made of the space: exports, backups, snapshots of the disk", "what agents have copied from recalls")
"""What no erasure inside the store can reach, for the operator's list."""

ALL = "\0"
"""Stands for every term of a version that rests on nothing but what is erased."""

_WORD = re.compile(r"\w+")
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]+')  # what JSON escapes, and so lies otherwise in a file
_SHORTEST_BYTES = 5
_PIECE_BYTES = 40
_VECTOR_BYTES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What one memory or episode leaves in a file.

    Args:
        pieces: short runs of its text, one of which lies whole within a page wherever pages cut the text.
        words: its words of at least 5 bytes; shorter ones turn up in binary data by chance and are covered by the pieces.
        vectors: runs of its vectors' bytes.
    """

    pieces: tuple[bytes, ...]
    words: tuple[bytes, ...]
    vectors: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing:
    """What an erasure will do.

    Args:
        memories: ids of the memories that go, those asked for first.
        derived: of these, those that nobody asked for.
        episodes: ids of the episodes that go.
        reborn: memories that survive under a new id, with what rests on nothing erased.
        moved: episodes of those that survive with them, under new ids.
        rehung: other memories that rest on such an episode -> what they rest on from now on.
        traces: what must not be found afterwards.
    """

    memories: tuple[str, ...]
    derived: tuple[str, ...]
    episodes: tuple[str, ...]
    reborn: tuple[Memory, ...]
    moved: tuple[Episode, ...] = ()
    rehung: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    traces: tuple[Trace, ...]

    def operations(self) -> list[Operation]:
        """Return the erasure as operations."""
        gone: list[Operation] = [Erase(id=id) for id in (*self.memories, *self.episodes)]
        gone += [Observe(episode=episode) for episode in self.moved]
        gone += [Revise(id=id, changes={"sources": sources}) for id, sources in self.rehung.items()]
        return [*gone, *(Keep(memory=memory) for memory in self.reborn)]


def plan(store: Store, ids: Sequence[str], new_ids: Ids) -> Erasing:
    """Return what has to go with these memories."""
    telling = Telling()
    gone = dict.fromkeys(ids)
    reborn: dict[str, Memory] = {}
    fresh = _own_episodes(store, gone)
    episodes = dict(fresh)
    while fresh:
        touched, fresh = store.resting_on(list(fresh)), {}
        for id in touched:
            if id in gone and id not in reborn:
                continue
            fate = _fate(store, telling, id, episodes)
            if fate is None:
                continue
            gone[id] = None
            reborn.pop(id, None)
            if isinstance(fate, Memory):
                reborn[id] = fate
            kept = {span.episode for span in reborn[id].sources} if id in reborn else set()
            fresh |= {key: own for key, own in _own_episodes(store, [id]).items() if key not in kept and key not in episodes}
        episodes |= fresh
    asked = set(ids)
    anew = {id: new_ids.new("mem") for id in reborn}
    moved = {
        own.id: _moved(own, id, anew[id], new_ids) for id in reborn for own in _own_episodes(store, [id]).values() if own.id not in episodes
    }

    others = [id for id in store.resting_on(list(moved)) if id not in gone] if moved else []
    return Erasing(
        memories=tuple(gone),
        derived=tuple(id for id in gone if id not in asked),
        episodes=(*episodes, *moved),
        reborn=tuple(replace(memory, id=anew[id], version=1, sources=_rehung(memory, moved)) for id, memory in reborn.items()),
        moved=tuple(moved.values()),
        rehung={memory.id: _rehung(memory, moved) for memory in store.memories(others).values()},
        traces=(*(_memory_trace(store, id) for id in gone), *(_trace([episode.text]) for episode in episodes.values())),
    )


def _own_episodes(store: Store, ids: Iterable[str]) -> dict[str, Episode]:
    own: dict[str, Episode] = {}
    for id in ids:
        rests_on = {span.episode for version in store.versions(id) for span in version.memory.sources}
        # A memory that came out of an export rests on its last words alone, and its first ones came along.
        for episode in store.episodes(sorted({*rests_on, "ep" + id[3:]})).values():
            if episode.id[3:] == id[4:] or episode.attributes.get(REVISES) == id:
                own[episode.id] = episode
    return own


def _moved(episode: Episode, old: str, new: str, new_ids: Ids) -> Episode:
    """Return an episode that stays with a memory which is kept anew, so that it is found to be that one's."""
    if episode.id[3:] == old[4:]:
        return replace(episode, id="ep" + new[3:])
    return replace(episode, id=new_ids.new("ep"), attributes={**episode.attributes, REVISES: new})


def _rehung(memory: Memory, moved: Mapping[str, Episode]) -> tuple[Span, ...]:
    return tuple(replace(span, episode=moved[span.episode].id) if span.episode in moved else span for span in memory.sources)


def _fate(store: Store, telling: Telling, id: str, erasing: Mapping[str, Episode]) -> Memory | str | None:
    """Return None if a memory stays, ``"gone"`` if it goes, and itself without its erased sources if it has to be kept anew."""
    versions = [version.memory for version in store.versions(id)]
    rests_on = {span.episode for memory in versions for span in memory.sources}
    present = store.episodes(sorted(rests_on))
    erased = (rests_on - present.keys()) | (rests_on & erasing.keys())  # some may have been erased before
    if not erased:
        return None

    def only(memory: Memory, texts: Iterable[str]) -> set[str]:
        return _only(telling, memory, texts, erased, erasing, present)

    tells = [only(memory, told(memory)) for memory in versions]
    if not any(tells) and not any(only(memory, noted(memory)) for memory in versions):
        return None
    head = versions[-1]
    if head.status == "undone":
        return "gone"
    earlier = [memory for memory, terms in zip(versions, tells, strict=True) if not terms and memory.status == "active"]
    fits = earlier if tells[-1] else [head]
    left = [*fits[-1:], *([cut] if (cut := _cut(telling, head, tells[-1])) is not None else [])]
    if not left:
        return "gone"
    most = max(left, key=lambda memory: len(telling.weighty([memory.text])))  # as much of it as may be told; the first of equals
    attributes = {key: value for key, value in most.attributes.items() if key not in NOTES}
    for key in NOTES:  # why it is kept out goes with its status; a note that tells what is erased goes
        said = (most if key in most.attributes else head).attributes.get(key)
        if said is not None and not only(head, [str(said)]) and not only(most, [str(said)]):
            attributes[key] = said
    return replace(
        most,
        attributes=attributes,
        status=head.status,
        tier=head.tier,
        valid_from=head.valid_from,
        valid_to=head.valid_to,
        sources=tuple(span for span in most.sources if span.episode not in erased),
    )


def _only(
    telling: Telling,
    memory: Memory,
    texts: Iterable[str],
    erased: AbstractSet[str],
    erasing: Mapping[str, Episode],
    present: Mapping[str, Episode],
) -> set[str]:
    """Return the terms that a version has from what is erased and from nothing else it rests on; ``ALL`` when it rests on nothing else."""
    episodes = {span.episode for span in memory.sources}
    left = episodes - erased
    if not episodes or not episodes & erased:
        return set()
    if not left:
        return {ALL}
    return telling.only(texts, (erasing[id] for id in episodes if id in erasing), (present[id] for id in left))


def _cut(telling: Telling, memory: Memory, only: AbstractSet[str]) -> Memory | None:
    """Return a memory of several lines without those that have such terms; None where it begins with one, is one line, or shows it."""
    lines = memory.text.splitlines()
    kept = [line for line in lines if not telling.terms([line]) & only]
    if ALL in only or len(lines) < 2 or kept[:1] != lines[:1] or telling.terms(medium.caption for medium in memory.media) & only:
        return None

    def without(value: object, key: str = "") -> object:
        if is_setting(key, value):
            return value
        if isinstance(value, str):
            return "" if telling.terms([value]) & only else value
        if isinstance(value, Mapping):
            return {name: without(part, str(name)) for name, part in value.items()}
        return [part for part in map(without, value) if part != ""] if isinstance(value, (list, tuple)) else value

    attributes = {key: value if key in NOTES else without(value, key) for key, value in memory.attributes.items()}
    tags = tuple(tag for tag in memory.tags if is_label(tag) or not telling.terms([tag]) & only)
    return replace(memory, text="\n".join(kept), attributes=attributes, tags=tags)


def _memory_trace(store: Store, id: str) -> Trace:
    texts = {version.memory.indexed_text for version in store.versions(id)}
    places = store.places(id)
    vectors = store.vectors([row for row, _ in places], [text_version for _, text_version in places])
    return _trace(sorted(texts), tuple(part for passages in vectors for passage in passages if (part := _distinctive(passage))))


def _distinctive(vector: FloatArray) -> bytes:
    """Return a run of a vector's bytes that nothing else has by chance; nothing when it has none, being almost all zeros."""
    raw = vector.tobytes()
    start = max(0, min(int(np.argmax(np.abs(vector))) * vector.itemsize - _VECTOR_BYTES // 2, len(raw) - _VECTOR_BYTES))
    part = raw[start : start + _VECTOR_BYTES]
    return part if len(set(part)) >= _VECTOR_BYTES // 4 else b""


def _trace(texts: Sequence[str], vectors: tuple[bytes, ...] = ()) -> Trace:
    runs = [run.encode("utf-8", "surrogatepass") for text in texts for run in _ESCAPED.split(text)]
    words = {word.encode("utf-8", "surrogatepass") for text in texts for word in _WORD.findall(text)}
    return Trace(
        pieces=tuple(dict.fromkeys(piece for run in runs for piece in _pieces(run))),
        words=tuple(sorted(word for word in words if len(word) >= _SHORTEST_BYTES)),
        vectors=vectors,
    )


def _pieces(run: bytes) -> list[bytes]:
    if len(run) < _SHORTEST_BYTES:
        return []
    if len(run) <= _PIECE_BYTES:
        return [run]
    return [run[start : start + _PIECE_BYTES] for start in range(0, len(run) - _PIECE_BYTES + 1, _PIECE_BYTES)]


def needles(store: Store, traces: Sequence[Trace]) -> dict[str, bytes]:
    """Return what -> bytes to search for: of the traces, what no row that is still there holds rightfully.

    The vector of a text that another memory holds word for word is that memory's too.
    """
    held = store.held(list(dict.fromkeys(raw for trace in traces for raw in (*trace.pieces, *trace.words))))
    wanted: dict[bytes, str] = {}
    for trace in traces:
        pieces = [piece for piece in trace.pieces if piece not in held]
        wanted.update(dict.fromkeys(pieces, "text"))
        wanted.update(dict.fromkeys((word for word in trace.words if word not in held), "word"))
        if pieces:
            wanted.update(dict.fromkeys(trace.vectors, "vector"))
    return {f"{what} {number}": raw for number, (raw, what) in enumerate(wanted.items())}


def erase(
    opened: Opened,
    ids: Sequence[str],
    new_ids: Ids,
    apply: Callable[[Sequence[Operation], Mapping[str, Material]], Applied],
    material_for: Callable[[Sequence[Memory]], Mapping[str, Material]],
    check: Callable[[Sequence[Memory]], None] | None = None,
) -> ErasureReport:
    """Erase memories with what follows from them, then search for them, and report.

    Args:
        opened: the space.
        ids: the memories.
        new_ids: for memories that are kept anew.
        apply: applies operations in one transaction.
        material_for: works out what search needs of memories.
        check: is shown every memory that goes or loses a part, before anything is done; it raises to refuse.

    Raises:
        ErasureIncomplete: something of it was found afterwards, or the files could not be rewritten and searched.
    """
    store = opened.store
    erasing = plan(store, ids, new_ids)
    if check is not None:
        check(list(store.memories(list(erasing.memories)).values()))
    applied = apply(erasing.operations(), material_for(erasing.reborn))
    opened.current.drop()
    report = ErasureReport(
        erased=(*erasing.memories, *erasing.episodes),
        derived=erasing.derived,
        entry=applied.entry.seq if applied.entry else 0,
        places=applied.removed,
        outside=(*OUTSIDE, *(store.outside() if isinstance(store, Limited) else ())),
    )
    try:
        store.scrub()
        gone = needles(store, erasing.traces)
        searched, findings = store.scan(gone)
    except (StorageFull, Busy) as error:
        problem = "no space is left to rewrite the files" if isinstance(error, StorageFull) else "others kept the files in use"
        said = f"erase: the rows are gone, but {problem}, in which bytes of them may be left; mend that, then vacuum the space"
        raise ErasureIncomplete(said, report) from error
    if findings:  # somebody may have said the same words anew since; then they are rightfully there
        anew = store.held([gone[finding.what] for finding in findings])
        findings = [finding for finding in findings if gone[finding.what] not in anew]
    report = replace(report, searched_bytes=searched, needles=len(gone), findings=tuple(findings))
    if findings:
        places = ", ".join(sorted({finding.place for finding in findings})[:5])
        raise ErasureIncomplete(f"erase: {len(findings)} traces of erased content were still found, in {places}", report)
    return report
