"""What the header of a cube's item says: who may see it, how it is governed, its version and its steps.

Source: MemOS (arXiv 2507.03724), governance attributes and version chain of a MemCube.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from mneme.core.records import Memory


def visible(item: Memory, reader: str) -> bool:
    """Return whether somebody may see an item: one that names nobody is visible to all."""
    seen = item.attributes.get("visible_to", ())
    return not isinstance(seen, (list, tuple)) or not seen or reader in seen


def governed(item: Memory, about: Mapping[str, object], lasts: timedelta | None) -> bool:
    """Return whether an item is governed as a new statement is: who sees it, how much it matters, and whether it ends."""
    if (item.valid_to is None) != (lasts is None):
        return False
    kept = {"priority": "normal", "sensitivity": "low", "visible_to": (), **item.attributes}
    return all(_plain(kept[name]) == _plain(about[name]) for name in ("priority", "sensitivity", "visible_to"))


def steps_of(item: Memory) -> list[dict[str, Any]]:
    """Return the steps of an item's history as they are kept, oldest first."""
    steps = item.attributes.get("history", ())
    return [dict(step) for step in steps] if isinstance(steps, (list, tuple)) else []


def version_of(item: Memory) -> int:
    """Return an item's version; 1 where none is told."""
    version = item.attributes.get("version", 1)
    return version if isinstance(version, int) else 1


def id_of(value: object) -> str | None:
    """Return an id from an attribute; None where it holds none."""
    return value if isinstance(value, str) else None


def _plain(value: object) -> object:
    return frozenset(map(str, value)) if isinstance(value, (list, tuple)) else value
