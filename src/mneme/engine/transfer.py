"""Export and import: a space as lines of JSON that other programs can read, and back.

The first line is a header; then come episodes, memories in their present version, links and usage. Ids are kept, so importing the same
file twice adds nothing. The journal stays behind: ``backup`` copies a space with its history.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from mneme.core import codec
from mneme.core.errors import InvalidInput, MnemeError, ReadOnly, StorageError, StorageFull
from mneme.core.operations import Connect, Keep, Observe, Operation, Reinforce
from mneme.core.ports import Embedder, Store
from mneme.core.query import Filter, Refusal
from mneme.core.records import Episode, Link, Memory, Usage
from mneme.engine import received
from mneme.engine.erasing import REVISES

FORMAT = "mneme-export"
FORMAT_VERSION = 1
CHUNK = 1000


def lines(store: Store, space: str, now: datetime) -> Iterator[bytes]:
    """Return the lines of an export, without line ends."""
    yield codec.dumps({"format": FORMAT, "version": FORMAT_VERSION, "space": space, "exported_at": now.isoformat(), **store.counts()})
    after = ""
    while episodes := store.list_episodes(after=after, limit=CHUNK):
        for episode in _of_the_present(store, episodes):
            yield codec.dumps({"episode": codec.episode_to_plain(episode)})
        after = episodes[-1].id
    after = ""
    while memories := store.find(Filter(), after=after, limit=CHUNK, statuses=received.STATUSES):
        usage = store.usage([memory.id for memory in memories])
        for memory in memories:
            line: dict[str, Any] = {"memory": codec.memory_to_plain(memory)}
            if memory.id in usage:
                line["usage"] = codec.usage_to_plain(usage[memory.id])
            yield codec.dumps(line)
        after = memories[-1].id
    for link in store.links():
        yield codec.dumps({"link": codec.link_to_plain(link)})


def _of_the_present(store: Store, episodes: Sequence[Episode]) -> list[Episode]:
    """Return the episodes without words of corrections that were corrected again: they belong to the history, which stays behind."""
    revised = {episode.id: str(episode.attributes[REVISES]) for episode in episodes if REVISES in episode.attributes}
    present = store.memories([*revised.values(), *("mem" + id[2:] for id in revised)])

    def belongs(id: str) -> bool:
        memory = present.get(revised[id])
        return "mem" + id[2:] in present or (memory is not None and any(span.episode == id for span in memory.sources))

    return [episode for episode in episodes if episode.id not in revised or belongs(episode.id)]


def write(store: Store, space: str, path: Path, now: datetime) -> int:
    """Write an export and return how many lines it has; a file of that name is replaced only when the new one is whole.

    Raises:
        InvalidInput: the path is a folder.
        ReadOnly: the folder can't be written.
        StorageFull: there is no space left.
        StorageError: anything else that the system says.
    """
    if path.is_dir():
        raise InvalidInput({"path": f"{path} is a folder; name a file in it"})
    part = path.with_name(path.name + ".part")
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                for line in lines(store, space, now):
                    file.write(line + b"\n")
                    count += 1
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritten(path, error) from error
    return count


def _unwritten(path: Path, error: OSError) -> MnemeError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFull(f"path: no space is left for {path}; free some and export again; the file was not made")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ReadOnly(f"path: {path} can't be written ({error.strerror}); choose another folder")
    return StorageError(f"path: {path} can't be written ({error.strerror}); choose another file")


def reading(path: Path) -> BinaryIO:
    """Open an export.

    Raises:
        InvalidInput: it can't be read.
    """
    try:
        return path.open("rb")
    except OSError as error:
        raise InvalidInput({"path": f"{path} can't be read ({error.strerror}); give the file that an export wrote"}) from error


def read(lines: Iterable[bytes], name: str) -> Iterator[dict[str, Any]]:
    """Return the lines of an export after its header, as plain values.

    Args:
        lines: an open file, or any lines of bytes.
        name: what messages call it.

    Raises:
        InvalidInput: it is no export of mneme, is of a newer version, or a line is broken; the message names the line.
    """
    number = 0
    for number, raw in enumerate(lines, 1):
        try:
            line = codec.loads(raw)
        except ValueError as error:
            raise InvalidInput({f"{name}, line {number}": f"is not JSON ({error}); export the space again"}) from error
        if not isinstance(line, dict):
            raise InvalidInput({f"{name}, line {number}": "is no object; export the space again"})
        if number == 1:
            _check_header(name, line)
        else:
            yield line
    if number == 0:
        raise InvalidInput({name: "is empty; export the space again"})


def _check_header(name: str, header: dict[str, Any]) -> None:
    if header.get("format") != FORMAT:
        raise InvalidInput({name: "is no export of mneme; for other formats use `mneme import --format`"})
    version = header.get("version", 0)
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise InvalidInput({name: f"has export version {version!r}, this mneme reads {FORMAT_VERSION}; upgrade mneme"})


def operations(store: Store, part: list[dict[str, Any]], embedder: Embedder) -> tuple[list[Operation], list[Memory], list[Refusal]]:
    """Return what some lines of an export add to a space, the memories that need material, and what is refused."""
    adding: list[Operation] = []
    refused: list[Refusal] = []
    episodes = [received.episode(line) for line in part if "episode" in line]
    there = store.episodes([episode.id for episode in episodes])
    for episode in episodes:
        if episode.id in there:
            continue
        if store.entries_of(episode.id):
            refused.append(Refusal(subject=episode.id, problems={"episode": "was erased in this space; it stays erased"}))
        else:
            adding.append(Observe(episode=episode))
    memories = []
    for line in part:
        if "memory" not in line:
            continue
        memory = received.memory(line)
        status = store.status_of(memory.id)
        if status == "erased":
            refused.append(Refusal(subject=memory.id, problems={"memory": "was erased in this space; it stays erased"}))
        elif status is None:
            memories.append(memory)
            adding.append(Keep(memory=memory))
            if "usage" in line:
                adding.append(_usage(memory.id, received.usage(line)))
    for line in part:
        if "link" in line:
            adding += _link(store, received.link(line))
    return adding, memories, refused


def _usage(id: str, usage: Usage) -> Reinforce:
    return Reinforce(id=id, uses=usage.uses, strength=usage.strength - 1.0, at=usage.last_used_at, state=usage.state)


def _link(store: Store, link: Link) -> list[Operation]:
    there = any(other == link for other in store.links([link.source]))
    known = all(store.status_of(end) not in (None, "erased") for end in (link.source, link.target))
    return [Connect(link=link)] if known and not there else []
