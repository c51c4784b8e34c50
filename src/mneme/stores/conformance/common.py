"""What the parts of the suite share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from mneme.core.errors import MnemeError
from mneme.core.ports import Store
from mneme.stores.samples import (
    memory_id,
)

_E = TypeVar("_E", bound=MnemeError)
A, B, C = memory_id(1), memory_id(2), memory_id(3)


def refused(error: type[_E], call: Callable[[], Any]) -> _E:
    """Return the error of the given type that the call raises."""
    try:
        call()
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} was not raised")


def text_of(store: Store, id: str) -> str:
    """Return the present text of a memory."""
    return store.memories([id])[id].text
