"""The one writer of an open store: group commit inside the process, a fair queue between processes.

Callers put their change into a queue; whoever gets the lock next applies everything that waits in one transaction with one flush
to the disk, each change under a savepoint of its own. A single caller pays for nothing of this.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

from mneme.core.errors import Closed, MnemeError
from mneme.stores.sqlite.failures import translate, unfit
from mneme.stores.sqlite.locks import FileLock

_T = TypeVar("_T")


class _Ticket(Generic[_T]):
    """A change that waits for its turn."""

    __slots__ = ("change", "done", "error", "result")

    def __init__(self, change: Callable[[sqlite3.Connection], _T]) -> None:
        self.change = change
        self.done = False
        self.error: BaseException | None = None
        self.result: _T | None = None

    def settle(self, error: BaseException | None) -> None:
        self.error = error
        self.done = True


class Writer:
    """Runs changes in transactions.

    Args:
        connection: the connection for writing; the writer closes it.
        lock: the lock between processes; the writer closes it.
        path: the database file, for messages.
        check: raises if the file must not be written any more; asked while the lock is held.
    """

    def __init__(self, connection: sqlite3.Connection, lock: FileLock, path: Path, check: Callable[[], None]) -> None:
        self._connection = connection
        self._lock = lock
        self._path = path
        self._check = check
        self._changed = threading.Condition()
        self._leader: object = None
        self._closed = False
        self._queue: deque[_Ticket[Any]] = deque()

    def run(self, change: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run a change in a transaction and return its result once it is durable.

        Raises:
            MnemeError: what the change raised, or the failure of the disk; nothing of the change was written.
        """
        ticket: _Ticket[_T] = _Ticket(change)
        try:
            if self._lead_or_wait(ticket):
                self._commit(self._drain())
        finally:
            self._leave(ticket)
        if ticket.error is not None:
            raise ticket.error
        return ticket.result  # type: ignore[return-value]

    def _lead_or_wait(self, ticket: _Ticket[Any]) -> bool:
        """Queue a change; return True if this thread is to commit what waits, False when somebody else did."""
        with self._changed:
            self._queue.append(ticket)
            while self._leader is not None and not ticket.done:
                self._changed.wait()
            if ticket.done:
                return False
            self._leader = ticket
            return True

    def _leave(self, ticket: object) -> None:
        """End a leader's turn; after an interrupt, also take a change out of the queue that nobody has begun."""
        with self._changed:
            if ticket in self._queue:
                self._queue.remove(ticket)  # type: ignore[arg-type]
            if self._leader is ticket:
                self._leader = None
                self._changed.notify_all()

    def _drain(self) -> list[_Ticket[Any]]:
        waiting = []
        with self._changed:
            while self._queue:
                waiting.append(self._queue.popleft())
        return waiting

    def _commit(self, waiting: list[_Ticket[Any]]) -> None:
        try:
            self._commit_together(waiting)
        finally:
            # After an interrupt the others' changes wait for the next leader.
            self._queue.extendleft(ticket for ticket in reversed(waiting) if not ticket.done)

    def _commit_together(self, waiting: list[_Ticket[Any]]) -> None:
        try:
            with self._exclusive():
                self._transact(waiting)
        except (sqlite3.Error, OSError) as error:
            if len(waiting) == 1:
                waiting[0].settle(translate(error, self._path))
                return
            # One change may have broken the transaction of all: each gets its own.
            for ticket in waiting:
                self._commit_together([ticket])
        except MnemeError as error:
            for ticket in waiting:
                ticket.settle(error)

    def _transact(self, waiting: list[_Ticket[Any]]) -> None:
        connection = self._connection
        failures: list[Exception | None] = []
        committing = committed = False
        try:
            connection.execute("BEGIN IMMEDIATE")
            for ticket in waiting:
                failures.append(self._attempt(ticket, alone=len(waiting) == 1))
            committing = True
            if connection.in_transaction:
                connection.execute("COMMIT")
            committed = True
        except (KeyboardInterrupt, SystemExit):
            # One that came with the end of the commit must not let the changes be applied twice.
            committed = committing and not connection.in_transaction
            raise
        finally:
            if committed:
                for ticket, failure in zip(waiting, failures, strict=True):
                    ticket.settle(failure)
            elif connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")

    def _attempt(self, ticket: _Ticket[Any], *, alone: bool) -> Exception | None:
        """Run one change; returns its error after taking it back, unless it broke the whole transaction."""
        connection = self._connection
        if not alone:
            connection.execute("SAVEPOINT one")
        try:
            ticket.result = ticket.change(connection)
        except (sqlite3.Error, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - handed to the caller that asked for the change
            connection.execute("ROLLBACK" if alone else "ROLLBACK TO one")
            if not alone:
                connection.execute("RELEASE one")
            return unfit(error) if isinstance(error, UnicodeEncodeError | OverflowError) else error
        if not alone:
            connection.execute("RELEASE one")
        return None

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        if self._closed:
            raise Closed(f"store: {self._path} is closed; open the space again")
        self._lock.acquire()
        try:
            self._check()
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        turn = object()
        try:
            with self._changed:
                while self._leader is not None:
                    self._changed.wait()
                self._leader = turn
            yield
        finally:
            self._leave(turn)

    @contextmanager
    def exclusive(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection outside a transaction, with every other writer kept out."""
        with self._alone(), self._exclusive():
            yield self._connection

    def close(self) -> None:
        """Close the connection and the lock, after the change that is running."""
        with self._alone():
            self._closed = True
            self._connection.close()
            self._lock.close()
