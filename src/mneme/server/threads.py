"""The threads on which everything that blocks runs; the event loop only passes messages."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread

_P = ParamSpec("_P")
_T = TypeVar("_T")

DEFAULT_THREADS = 3
"""More make quick calls slower: Python runs one at a time, and they take the interpreter from each other many times in a call."""

LONG_THREADS = 16
_BLOCK_BYTES = 64 * 1024


class Threads:
    """A bounded number of threads.

    Args:
        count: how many quick calls may run at once; more wait in order.
    """

    def __init__(self, count: int = DEFAULT_THREADS) -> None:
        self.count = count
        self._limiter: anyio.CapacityLimiter | None = None
        self._long: anyio.CapacityLimiter | None = None

    async def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run a quick call on a thread and return its result; a caller that goes away does not stop it half way."""
        if self._limiter is None:  # belongs to the loop that runs
            self._limiter = anyio.CapacityLimiter(self.count)
        return await anyio.to_thread.run_sync(functools.partial(function, *args, **kwargs), limiter=self._limiter)

    async def run_long(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run a call that may take seconds or waits for its caller's network, on threads apart so that it holds no quick one up."""
        if self._long is None:
            self._long = anyio.CapacityLimiter(LONG_THREADS)
        return await anyio.to_thread.run_sync(functools.partial(function, *args, **kwargs), limiter=self._long)


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
