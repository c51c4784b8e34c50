"""mneme: the memory of an AI agent.

>>> import mneme
>>> memory = mneme.Memory(":memory:", embedder="hash")
>>> space = memory.space("alice")
>>> receipt = space.remember("I moved to Porto in May.", author="alice")
>>> space.recall("Where do I live?").hits[0].memory.text
'I moved to Porto in May.'
>>> memory.close()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mneme.client.client import Client
    from mneme.core.errors import MnemeError
    from mneme.core.query import ErasureReport, Filter, Hit, Recall, Receipt, Verification
    from mneme.core.records import Episode, Link, Media, Message, Span
    from mneme.engine.prepare import Given
    from mneme.memory import Memory
    from mneme.space import Space

__version__ = "0.1.0"

__all__ = [
    "Client", "Episode", "ErasureReport", "Filter", "Given", "Hit", "Link", "Media", "Memory", "Message", "MnemeError", "Recall", "Receipt",
    "Space", "Span", "Verification", "__version__",
]  # fmt: skip

_WHERE = {
    "Client": "mneme.client.client",
    **dict.fromkeys(("Episode", "Link", "Media", "Message", "Span"), "mneme.core.records"),
    **dict.fromkeys(("ErasureReport", "Filter", "Hit", "Recall", "Receipt", "Verification"), "mneme.core.query"),
    "Given": "mneme.engine.prepare",
    "Memory": "mneme.memory",
    "MnemeError": "mneme.core.errors",
    "Space": "mneme.space",
}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that ``import mneme`` stays quick and loads no model."""
    if name not in _WHERE:
        raise AttributeError(f"module 'mneme' has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
