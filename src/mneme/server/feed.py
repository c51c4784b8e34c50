"""The change feed: journal entries as server-sent events, in order, without gaps, resumable by their numbers.

Changes made through this server wake the feed at once, and those that the storage tells of (PostgreSQL); where it tells of none, those
of other processes are found by looking now and then.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable

from mneme import wire
from mneme.core.errors import MnemeError, TooManyCalls, Unauthorised
from mneme.core.journal import Entry
from mneme.server.gate import Gate
from mneme.server.metrics import Metrics
from mneme.server.problems import problem
from mneme.server.threads import Threads
from mneme.service import Caller, Service

LOOK_EVERY_S = 0.5
LOOK_WHEN_TOLD_EVERY_S = 2.0
"""Where the storage tells of changes, looking is for what it could not tell, such as an expired key."""

COMMENT_EVERY_S = 15.0
MOST_STREAMS_OF_A_KEY = 100
_PAGE = 500


class Feed:
    """Change feeds of one server.

    Args:
        service: reads the journals.
        gate: knows whether a caller's key still holds.
        threads: where reading happens.
        metrics: counts open streams.
    """

    def __init__(self, service: Service, gate: Gate, threads: Threads, metrics: Metrics) -> None:
        self._service = service
        self._gate = gate
        self._threads = threads
        self._metrics = metrics
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._open: dict[str, int] = defaultdict(int)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self.told: Callable[[], bool] = lambda: False

    def changed(self, space: str | None) -> None:
        """Wake those who wait for changes of a space, of any when it is None; from any thread."""
        if self._loop is None or self._stopping:
            return
        for name in list(self._waiting) if space is None else [space]:
            if self._waiting.get(name):
                self._loop.call_soon_threadsafe(self._wake, name)

    def stop(self) -> None:
        """End every stream; from the event loop."""
        self._stopping = True
        for space in list(self._waiting):
            self._wake(space)

    def _wake(self, space: str) -> None:
        for event in self._waiting.get(space, ()):
            event.set()

    async def start(self, caller: Caller, space: str, after: int | None) -> AsyncIterator[bytes]:
        """Return the events after entry ``after``, None for those from now on.

        A reader that comes back with a number from before a compaction is told so; one that begins with 0 gets the checkpoint first.

        Raises:
            Forbidden, NotFound: before any event.
            Folded: entries behind ``after`` were folded into a checkpoint.
            TooManyCalls: the caller has too many streams open.
        """
        known = 0
        if after is None:
            after = int((await self._threads.run(self._service.stats, caller, space))["entries"])
        elif after:
            await self._threads.run(self._service.follow, caller, space, after=after, limit=1, known=known)
        else:
            known = await self._threads.run(self._service.folded, caller, space)
        if self._open[caller.key_id] >= MOST_STREAMS_OF_A_KEY:
            raise TooManyCalls(f"streams: this key has {MOST_STREAMS_OF_A_KEY} open; close some", retry_after_s=COMMENT_EVERY_S)
        self._loop = asyncio.get_running_loop()
        return self._events(caller, space, after, known)

    async def _events(self, caller: Caller, space: str, after: int, known: int) -> AsyncIterator[bytes]:
        woken = asyncio.Event()
        self._waiting[space].add(woken)
        self._open[caller.key_id] += 1
        self._metrics.streams += 1
        said = time.monotonic()
        try:
            yield b"retry: 1000\n\n"
            while not self._stopping:
                woken.clear()
                entries = await self._entries(caller, space, after, known)
                for entry in entries:
                    yield event(entry)
                    after = entry.seq
                if entries:
                    said = time.monotonic()
                    continue
                if time.monotonic() - said > COMMENT_EVERY_S:
                    yield b": still here\n\n"
                    said = time.monotonic()
                try:
                    await asyncio.wait_for(woken.wait(), LOOK_WHEN_TOLD_EVERY_S if self.told() else LOOK_EVERY_S)
                except TimeoutError:
                    continue
        except MnemeError as error:
            yield b"event: end\ndata: " + wire.encode(problem(error)) + b"\n\n"
        finally:
            self._metrics.streams -= 1
            self._open[caller.key_id] -= 1
            self._waiting[space].discard(woken)
            if not self._waiting[space]:
                del self._waiting[space]

    async def _entries(self, caller: Caller, space: str, after: int, known: int) -> list[Entry]:
        if not self._gate.holds(caller):
            raise Unauthorised("the key does not hold any more")
        return await self._threads.run(self._service.follow, caller, space, after=after, limit=_PAGE, known=known)


def event(entry: Entry) -> bytes:
    """Return an entry as a server-sent event."""
    return b"id: %d\nevent: change\ndata: " % entry.seq + wire.encode(entry) + b"\n\n"
