"""Moving whole spaces between stores, history and all: row by row, resumable, verified by a digest of every row.

Both stores have the same logical rows, so ids, versions, salts and the journal's hashes arrive unchanged and the chain proves itself in
the new place. A space is read in one snapshot, so its source stays in use; it is listed in the target only when it is whole and verified.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mneme.core.errors import Conflict, InvalidInput, StorageError
from mneme.stores.logical import COLUMNS, NUMBERED
from mneme.stores.sqlite import SQLiteRoot, SQLiteStore
from mneme.stores.sqlite.moving import SQLiteFile

if TYPE_CHECKING:
    from mneme.core.ports import Root, Store

Row = tuple[Any, ...]
Progress = Callable[[str, str, int], None]

CHUNK = 1000
_HEAD = struct.Struct(">cQ")
_MODULUS = 1 << 256


class Snapshot(Protocol):
    """One state of a space, to be read."""

    def rows(self, table: str, after: int) -> Iterator[Row]:
        """Yield rows in the order of ``COLUMNS``; of a numbered table, those after a number, rising."""
        ...

    def mark(self) -> str:
        """Return what changes when anything numbered changes: the last entry and the model."""
        ...


class Place(Protocol):
    """Where a space is, or arrives."""

    def reading(self) -> AbstractContextManager[Snapshot]:
        """Return a block in which the space is read in one state."""
        ...

    def begin(self, mark: str) -> None:
        """Get ready for rows; what arrived of another state is thrown away, what arrived of this one stays."""
        ...

    def last(self, table: str) -> int:
        """Return the last number that arrived in a numbered table, 0 when none did."""
        ...

    def put(self, table: str, rows: Sequence[Row]) -> None:
        """Take rows in, durably; those that are there already stay as they are."""
        ...

    def clear(self, table: str | None = None) -> None:
        """Throw away the rows of a table, or everything."""
        ...

    def finish(self) -> None:
        """List the space: it is whole."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A space that is in both places.

    Args:
        space: its name.
        rows: how many rows it has.
        digest: of every row, the same in both places.
        there_before: it had been moved before, and nothing had changed since.
    """

    space: str
    rows: int
    digest: str
    there_before: bool


def digest(snapshot: Snapshot) -> tuple[int, str]:
    """Return how many rows a space has and a digest of all of them, which does not depend on their order."""
    count, total = 0, 0
    for table in COLUMNS:
        prefix = table.encode()
        for row in snapshot.rows(table, 0):
            total += int.from_bytes(hashlib.sha256(prefix + b"".join(map(_tagged, row))).digest(), "big")
            count += 1
    return count, f"{total % _MODULUS:064x}"


def _tagged(value: Any) -> bytes:
    if value is None:
        return b"n"
    if isinstance(value, int):
        return b"i%d;" % value
    if isinstance(value, float):
        return b"f" + struct.pack(">d", value)
    raw = value.encode() if isinstance(value, str) else bytes(value)
    return _HEAD.pack(b"s" if isinstance(value, str) else b"b", len(raw)) + raw


def move(source: Root, target: Root, space: str, progress: Progress | None = None) -> Moved:
    """Copy a space with its history from one root to another; call it again to go on after it was stopped.

    Args:
        source: where it is; it may be in use.
        target: where it goes.
        space: its name.
        progress: called with the space, the table and the rows copied so far.

    Raises:
        NotFound: there is no such space.
        Conflict: the target has a space of that name with other content.
        StorageError: the copy differs from its source.
    """
    with closing(source.open(space, create=False)) as opened, _place(opened).reading() as snapshot:
        if space in target.spaces():
            return _same(target, space, snapshot)
        with closing(_arriving(target, space)) as place:
            return _copy(snapshot, place, space, progress or (lambda space, table, rows: None))


def _same(target: Root, space: str, snapshot: Snapshot) -> Moved:
    rows, wanted = digest(snapshot)
    with closing(target.open(space, create=False)) as there, _place(there).reading() as held:
        if digest(held) != (rows, wanted):
            raise Conflict(f"space: {space!r} is in the target already, with other content; drop it there, or move it under another root")
    return Moved(space=space, rows=rows, digest=wanted, there_before=True)


def _copy(snapshot: Snapshot, place: Any, space: str, progress: Progress) -> Moved:
    place.begin(snapshot.mark())
    done = 0
    for table in COLUMNS:
        after = place.last(table) if table in NUMBERED else 0
        if table not in NUMBERED:
            place.clear(table)
        for part in _parts(snapshot.rows(table, after)):
            place.put(table, part)
            done += len(part)
            progress(space, table, done)
    rows, wanted = digest(snapshot)
    with place.reading() as held:
        if digest(held) != (rows, wanted):
            place.clear()
            raise StorageError(f"space: the copy of {space!r} differs from its source and was thrown away; move it again")
    place.finish()
    return Moved(space=space, rows=rows, digest=wanted, there_before=False)


def to_file(store: Store, path: Path) -> None:
    """Write a space as a file of the embedded store.

    Raises:
        InvalidInput: there is something at ``path`` already.
    """
    if path.exists():
        raise InvalidInput({"path": f"{path} exists; choose a new name"})
    with _place(store).reading() as snapshot, closing(SQLiteFile(path)) as place:
        _copy(snapshot, place, path.name, lambda space, table, rows: None)


def _parts(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while part := list(islice(rows, CHUNK)):
        yield part


def _place(store: Any) -> Place:
    if isinstance(store, SQLiteStore):
        return SQLiteFile(store.path, store=store)
    if hasattr(store, "snapshot"):
        from mneme.stores.postgres.moving import PostgresSpace

        return PostgresSpace(store)
    raise InvalidInput({"from": "spaces in memory can't be moved; export and import them"})


def _arriving(root: Any, space: str) -> Any:
    if isinstance(root, SQLiteRoot):
        return SQLiteFile(root.file_of(space), root=root, space=space)
    if hasattr(root, "arriving"):
        from mneme.stores.postgres.moving import PostgresSpace

        return PostgresSpace(root.arriving(space), root=root, space=space)
    raise InvalidInput({"to": "must be a folder or a database"})
