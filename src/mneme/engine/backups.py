"""Putting a backup back: it is copied beside the spaces, verified whole, and only then entered under its name."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from mneme.core.errors import Conflict, CorruptStore, InvalidInput
from mneme.core.ports import Root, Store


def check_backup(path: Path) -> int:
    """Return how many memories a backup holds, after every check that a store has: chain, digests, rows, the file itself.

    Raises:
        CorruptStore: something does not hold; the message says what.
    """
    store = cast("Store", import_module("mneme.stores.sqlite").SQLiteStore(path, read_only=True))
    try:
        problems = store.check()
        if problems:
            raise CorruptStore(f"path: {path} is damaged: {'; '.join(problems[:5])}; take another backup")
        return store.counts()["memories"]
    finally:
        store.close()


def restore_backup(root: Root, path: Path, space: str) -> int:
    """Make a space out of a backup and return how many memories it holds.

    Raises:
        InvalidInput: there is no such file, or this kind of root keeps no files.
        Conflict: there is a space of that name; drop it first, or choose another name.
        CorruptStore: the backup is damaged; nothing was made.
    """
    if not path.is_file():
        raise InvalidInput({"path": f"there is no file {path}; give one that `mneme backup` wrote"})
    places = cast("Any", root)
    if not hasattr(root, "file_of") or not hasattr(root, "enter"):
        raise InvalidInput({"root": "keeps no files; restore the backup into a folder"})
    if space in root.spaces():
        raise Conflict(f"space: {space!r} exists; drop it first, or restore under another name")
    target: Path = places.file_of(space)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".restoring")
    try:
        shutil.copyfile(path, part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        count = check_backup(part)
        part.rename(target)
    finally:
        for leftover in (part, *(Path(f"{part}{end}") for end in ("-wal", "-shm", ".lock"))):
            with suppress(FileNotFoundError):
                leftover.unlink()
    places.enter(space)
    return count
