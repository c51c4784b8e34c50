"""Where a memory lives: a folder, a dict, or a database, by what the caller names."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import cast

from mneme.core.errors import InvalidInput
from mneme.core.llm import Ledger
from mneme.core.ports import Root

IN_MEMORY = ":memory:"
ROOT_VARIABLE = "MNEME_ROOT"
VACUUM_VARIABLE = "MNEME_VACUUM_URL"
"""The URL of a role that may vacuum a database, where mneme's own may not: before PostgreSQL 17."""


def open_root(root: str | Path | None, durability: str) -> Root:
    """Return the root that a caller names.

    Raises:
        InvalidInput: the durability is unknown, or a database's URL is none of PostgreSQL's.
        MissingExtra: a database is named and its driver is not installed.
        ReadOnly: the folder can't be written.
    """
    root = root if root is not None else os.environ.get(ROOT_VARIABLE) or None
    if isinstance(root, str) and not root.strip():
        raise InvalidInput({"root": "is empty; name a folder, or leave it out for the platform's data folder"})
    if durability not in ("full", "normal"):
        raise InvalidInput({"durability": f"must be 'full' or 'normal', not {durability!r}"})
    if root == IN_MEMORY:
        return cast("Root", import_module("mneme.stores.dict_store").DictRoot())
    if is_database(root):
        vacuum_url = os.environ.get(VACUUM_VARIABLE) or None
        return cast("Root", import_module("mneme.stores.postgres").PostgresRoot(str(root), durability=durability, vacuum_url=vacuum_url))
    return cast("Root", import_module("mneme.stores.sqlite").SQLiteRoot(folder(root), durability=durability))


LEDGER_FILE = "spending.sqlite"


def open_ledger(root: str | Path | None) -> Ledger | None:
    """Return where the spends of a root are kept: a file in its folder; None for a root without one."""
    root = root if root is not None else os.environ.get(ROOT_VARIABLE) or None
    if root == IN_MEMORY or is_database(root):
        return None
    return cast("Ledger", import_module("mneme.stores.sqlite.ledger").SQLiteLedger(folder(root) / LEDGER_FILE))


def is_database(root: str | Path | None) -> bool:
    """Return whether a root is the URL of a database."""
    return isinstance(root, str) and root.startswith(("postgresql://", "postgres://"))


def folder(root: str | Path | None) -> Path:
    """Return the folder that a caller names: None is ``$MNEME_ROOT``, or else the platform's data folder."""
    if root is not None:
        return Path(root).expanduser()
    named = os.environ.get(ROOT_VARIABLE)
    return Path(named).expanduser() if named else platform_folder()


def platform_folder() -> Path:
    """Return the platform's data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("mneme", appauthor=False))
