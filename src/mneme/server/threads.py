"""The threads on which everything that blocks runs; the event loop only passes messages."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread

_P = ParamSpec("_P")
_T = TypeVar("_T")

DEFAULT_THREADS = 4 * (os.cpu_count() or 1)
_BLOCK_BYTES = 64 * 1024


class Threads:
    """A bounded number of threads.

    Args:
        count: how many calls may run at once; more wait in order.
    """

    def __init__(self, count: int = DEFAULT_THREADS) -> None:
        self.count = count
        self._limiter: anyio.CapacityLimiter | None = None
        self._streams: anyio.CapacityLimiter | None = None

    async def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run a call on a thread and return its result; a caller that goes away does not stop it half way."""
        if self._limiter is None:  # belongs to the loop that runs
            self._limiter = anyio.CapacityLimiter(self.count)
        return await anyio.to_thread.run_sync(functools.partial(function, *args, **kwargs), limiter=self._limiter)

    async def run_long(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run a call that waits for its caller's network, on threads apart so that slow callers hold nobody up."""
        if self._streams is None:
            self._streams = anyio.CapacityLimiter(self.count)
        return await anyio.to_thread.run_sync(functools.partial(function, *args, **kwargs), limiter=self._streams)


def blocks(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Return lines as blocks of many lines with their ends, so that a stream is not one hop between threads for every line."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        held += (line, b"\n")
        size += len(line) + 1
        if size >= _BLOCK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


END: Any = object()


def following(iterator: Iterator[bytes]) -> Any:
    """Return the next block, or ``END``; an exhausted iterator can't raise through a future."""
    return next(iterator, END)
