"""The asynchronous facade: the synchronous verbs on threads, no second copy of the code."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mneme.space import Space


class AsyncSpace:
    """The verbs of a space, to be awaited: each runs the synchronous one on a thread."""

    def __init__(self, space: Space) -> None:
        self._space = space

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._space, name)

        @functools.wraps(method)
        async def call(*args: Any, **kwargs: Any) -> Any:
            return await asyncio.to_thread(method, *args, **kwargs)

        return call
