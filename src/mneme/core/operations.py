"""Operations: every change as data. Strategies return them, the engine alone applies them, the journal keeps them.

``Observe`` takes in an episode; the others change memories, links, usage and jobs. Each has an inverse that is again made of operations
(:mod:`mneme.core.journal`), except ``Erase``, which has none by design.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mneme.core.records import EMPTY, NO_NUMBERS, Episode, Job, Link, Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Observe:
    """Take in an episode. Raw input stays when the call is undone; only ``Erase`` removes it."""

    episode: Episode


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Add a memory, as version 1."""

    memory: Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Revise:
    """Correct a memory: a new version of it, valid for the same time in the world.

    Args:
        id: the memory.
        text: its new text; None leaves it.
        changes: other fields of the record with their new values: ``kind, attributes, importance, valid_from, valid_to, tags``.
        expected_version: refuse with ``Conflict`` unless this is the present version.
    """

    id: str
    text: str | None = None
    changes: Mapping[str, object] = EMPTY
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supersede:
    """Close a memory because the world changed; ``by`` is the memory that holds from then on.

    Args:
        id: the memory that no longer holds.
        by: the memory that replaces it; None when it merely ended.
        at: when it stopped holding, exclusive.
    """

    id: str
    by: str | None = None
    at: datetime
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """Add a link, or set the weight of the one that is there."""

    link: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect:
    """Remove the link with this source, target and type."""

    source: str
    target: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reinforce:
    """Change how a memory has fared, by differences, so that concurrent ones add up.

    Args:
        uses: added to ``Usage.uses``.
        strength: added to ``Usage.strength``.
        at: becomes ``last_used_at`` if later; None leaves it.
        state: replaces these numbers of ``Usage.state``.
        takes_back: the detail of the change that this one takes back: ``last_used_at`` and the numbers of ``state`` go back to what they
            were before it, where nothing changed them since.
    """

    id: str
    uses: float = 0.0
    strength: float = 0.0
    at: datetime | None = None
    state: Mapping[str, float] = NO_NUMBERS
    takes_back: Mapping[str, object] = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Put a memory into another tier."""

    id: str
    tier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Take a memory out of the default recall; it stays reachable with ``archived=True``."""

    id: str
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """Keep a memory out of every recall until somebody has judged it."""

    id: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Make a memory active again, or set it back to an earlier version of itself.

    Args:
        id: the memory.
        version: whose text, fields and status come back; None only makes it active again. 0 undoes its ``Keep``.
        expected_version: refuse with ``Conflict`` unless this is the present version.
    """

    id: str
    version: int | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erase:
    """Remove a memory or an episode for good, with every trace of its content."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueue:
    """Add a job in the same transaction as the change that needs it."""

    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Take back a job that no worker has started; the inverse of ``Enqueue``."""

    id: str


SETTINGS = ("policies",)
"""The settings of a space that people decide on, so that every change of them is in the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configure:
    """Give one of a space's settings a value. The journal holds what it was before and after.

    Args:
        key: one of :data:`SETTINGS`.
        value: empty takes it away.
        expected: refuse with ``Conflict`` unless this is the present value.
    """

    key: str
    value: str
    expected: str | None = None


Operation = (
    Observe | Keep | Revise | Supersede | Connect | Disconnect | Reinforce | Move
    | Archive | Quarantine | Restore | Erase | Enqueue | Cancel | Configure
)  # fmt: skip
"""Any operation."""
