"""Connections: a pool, transactions that name their space, and what is tried again when a connection or a race is lost.

A setting lives as long as its transaction (``set_config(..., true)``), so a connection that goes back to the pool carries none.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg
from psycopg import RawCursor, RawServerCursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.types import TypeInfo
from psycopg.types.array import ListBinaryDumper
from psycopg_pool import ConnectionPool, PoolTimeout

from mneme.core.errors import Busy, InvalidInput, MnemeError, StorageError
from mneme.stores.postgres import schema
from mneme.stores.postgres.failures import RETRIED, lost, translate, translated
from mneme.stores.postgres.glance import Glance, glance
from mneme.stores.postgres.halfvec import register

Row = tuple[Any, ...]
Connection = psycopg.Connection[Row]
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_T = TypeVar("_T")
_ATTEMPTS = 5
_PAUSE_S = 0.02
_CHECK_S = 0.2
# Every statement names its space and goes by an index that begins with it, so one plan fits all values, and a plan that was made
# while a table was empty must not read it whole later. Joins look up each row by its key: such a plan knows neither the space nor how
# many rows are asked for, and would hash a whole space to read ten memories.
_PLANS = (
    "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off "
    "-c max_parallel_workers_per_gather=0 -c jit=off"
)


def shown(url: str) -> str:
    """Return how messages name a database: host and name, never a password."""
    try:
        known = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "the database"
    return f"database {known.get('dbname') or 'postgres'!r} on {known.get('host') or 'this machine'}"


def check_url(url: str) -> str:
    """Return a database URL if it is one.

    Raises:
        InvalidInput: it is none.
    """
    if urlsplit(url).scheme not in ("postgresql", "postgres"):
        raise InvalidInput({"root": "is no URL of PostgreSQL; write postgresql://role:password@host/database"})
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise InvalidInput({"root": "is no URL that PostgreSQL understands; write postgresql://role:password@host/database"}) from error
    return url


class Session:
    """A transaction that sees one space. The space is ``$1`` of every statement; parameters follow from ``$2``."""

    def __init__(self, connection: Connection, space: int) -> None:
        self.connection = connection
        self.space = space

    def run(self, sql: str, *values: Any) -> psycopg.Cursor[Row]:
        """Run a statement and return its cursor."""
        return self.connection.execute(sql, (self.space, *values), binary=True)

    def planned(self, sql: str, *values: Any) -> list[Row]:
        """Return every row of a query that is planned for these very values, which a search of a large space is worth."""
        return self.connection.execute(sql, (self.space, *values), prepare=False, binary=True).fetchall()

    def in_bulk(self) -> None:
        """Let queries planned from here on hash and merge, for those that read a whole space; prepared ones keep their plan."""
        self.connection.execute("SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on", prepare=False)

    def all(self, sql: str, *values: Any) -> list[Row]:
        """Return every row of a query."""
        return self.run(sql, *values).fetchall()

    def one(self, sql: str, *values: Any) -> Row | None:
        """Return the first row of a query, None when there is none."""
        return self.run(sql, *values).fetchone()


class _Block:
    """The reads of one thread that belong together: what was seen at their start, and their transaction once one was needed."""

    def __init__(self, space: int, look: Glance) -> None:
        self.space = space
        self.look: Glance | None = look
        self._session: Session | None = None
        self._lent = ExitStack()

    @property
    def transacting(self) -> bool:
        """Whether the transaction has begun."""
        return self._session is not None

    def begun(self, pool: ConnectionPool[Connection]) -> Session:
        """Return the transaction, begun if it is the first read."""
        if self._session is None:
            connection = self._lent.enter_context(pool.connection())
            _begin(connection, self.space, _SNAPSHOT)
            self._session = Session(connection, self.space)
        return self._session

    def end(self) -> None:
        """End the transaction and give the connection back."""
        with self._lent:
            if self._session is not None and not self._session.connection.broken:
                self._session.connection.execute("COMMIT")


class Connections:
    """A pool of connections to one database.

    Args:
        url: ``postgresql://...``.
        pool_size: most connections at a time.
        timeout_s: how long a call waits for a connection, and for other writers.
        durable: a commit waits for the server's disk.
        vacuum_url: connects as a role that may vacuum; None where the application's may.
    """

    def __init__(self, url: str, *, pool_size: int, timeout_s: float, durable: bool = True, vacuum_url: str | None = None) -> None:
        self._vacuum_url = None if vacuum_url is None else check_url(vacuum_url)
        self.url = check_url(url)
        self._shared = threading.local()
        self.where = shown(url)
        self.timeout_s = timeout_s
        options = f"-c lock_timeout={int(timeout_s * 1000)} -c idle_in_transaction_session_timeout={int(timeout_s * 4000)}"
        options += f" {_PLANS}"
        options += "" if durable else " -c synchronous_commit=off"
        given = conninfo_to_dict(url).get("options") or ""
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            min_size=0,
            max_size=pool_size,
            timeout=timeout_s,
            max_idle=300,
            open=False,
            configure=_configure,
            reconnect_timeout=timeout_s,
            kwargs={
                "autocommit": True,
                "cursor_factory": RawCursor,
                "options": f"{options} {given}".strip(),
                "application_name": "mneme",
                "connect_timeout": max(int(timeout_s), 2),
                "keepalives_idle": 30,
            },
        )
        self._pool.open()

    @contextmanager
    def raw(self) -> Iterator[Connection]:
        """Lend a connection outside any transaction."""
        with self._pool.connection() as connection:
            yield connection

    @contextmanager
    def vacuuming(self) -> Iterator[Connection]:
        """Lend a connection outside any transaction, whose role may vacuum if any of ours may."""
        with translated(self.where):
            if self._vacuum_url is None:
                with self._pool.connection() as connection:
                    yield connection
            else:
                options = {"cursor_factory": RawCursor, "connect_timeout": max(int(self.timeout_s), 2), "application_name": "mneme vacuum"}
                with psycopg.connect(self._vacuum_url, autocommit=True, **options) as connection:  # type: ignore[arg-type]
                    yield connection

    def run(self, work: Callable[[Connection], _T]) -> _T:
        """Run something that may be done twice, outside any space; tried again as reads and writes are."""
        return self._retried(work)

    def read(self, space: int, work: Callable[[Session], _T], *, snapshot: bool = False) -> _T:
        """Run a read in a transaction that sees one space; tried again on another connection when the first was lost.

        Args:
            space: the space.
            work: what to do; it may run twice.
            snapshot: see one state of the database in several statements.
        """
        block = self._block(space)
        if block is not None:
            with translated(self.where):
                return work(block.begun(self._pool))
        begin = _SNAPSHOT if snapshot else "BEGIN READ ONLY"
        return self._retried(lambda connection: self._within(connection, space, work, begin))

    @contextmanager
    def reading(self, space: int) -> Iterator[None]:
        """Look at a space once, and let the reads of this thread inside the block know what was seen and share one transaction.

        The transaction begins with the first read that the look does not answer; what is lost inside it is not tried again. Blocks
        inside blocks join the outer one.
        """
        outer: _Block | None = getattr(self._shared, "block", None)
        if outer is not None and outer.space == space:
            yield
            return
        block = _Block(space, self._retried(lambda connection: glance(connection, space)))
        self._shared.block = block
        try:
            yield
        finally:
            self._shared.block = outer
            with translated(self.where):
                block.end()

    def look(self, space: int) -> Glance | None:
        """Return what was seen of a space at the start of the block that this thread is in; None outside of one."""
        block = self._block(space)
        return None if block is None else block.look

    def at_once(self, space: int, work: Callable[[Connection, bool], _T]) -> _T:
        """Run a read that brings its own transaction; it is told whether the connection is in one already, which names the space."""
        block = self._block(space)
        if block is not None and block.transacting:
            # A second connection for one call would let callers that fill the pool wait for each other.
            with translated(self.where):
                return work(block.begun(self._pool).connection, True)
        return self._retried(lambda connection: work(connection, False))

    def looked(self, space: int, look: Glance) -> None:
        """Note what was seen later than at the start of the block that this thread is in."""
        block = self._block(space)
        if block is not None and block.look is not None:
            block.look = look

    def _block(self, space: int) -> _Block | None:
        block: _Block | None = getattr(self._shared, "block", None)
        return block if block is not None and block.space == space else None

    @contextmanager
    def snapshot(self, space: int) -> Iterator[Session]:
        """Lend a session that sees one state of a space; what is lost inside the block is not tried again."""
        with translated(self.where), self._pool.connection() as connection:
            _begin(connection, space, f"{_SNAPSHOT}; SET LOCAL idle_in_transaction_session_timeout = 0")
            try:
                yield Session(connection, space)
            finally:
                if not connection.broken:
                    connection.execute("COMMIT")

    def write(self, space: int, work: Callable[[Session], _T], *, there: Callable[[Session, _T], bool] | None = None) -> _T:
        """Run a change in one transaction; tried again after races and on another connection when one was lost.

        A connection that is lost during the commit leaves the outcome open. The number of the transaction would not tell it: a server
        that crashed gives it to another one. So the next attempt locks the space, which waits for the end of the first, and looks for
        what the first wrote.

        Args:
            space: the space.
            work: what to do; it may run several times.
            there: whether the result of an attempt is in the database; None for changes that may be made twice.

        Raises:
            StorageError: the server can't be reached, or was lost during the commit and did not come back to say what became of it.
        """
        block = self._block(space)
        if block is not None:
            block.look = None  # what was seen before a write does not hold after it
        doubtful: list[_T] = []
        try:
            return self._retried(lambda connection: self._commit(connection, space, work, there, doubtful))
        except (StorageError, Busy) as error:
            if doubtful and there is not None:
                raise StorageError(
                    f"storage: {self.where} was lost while it committed, and whether the call was written is not known; "
                    "repeat it with the same key"
                ) from error
            raise

    def probe(self) -> None:
        """Connect once outside the pool.

        Raises:
            StorageError, Busy: it can't be done, and why.
        """
        with translated(self.where):
            psycopg.connect(self.url, connect_timeout=max(int(self.timeout_s), 2)).close()

    def _within(self, connection: Connection, space: int, work: Callable[[Session], _T], begin: str) -> _T:
        _begin(connection, space, begin)
        try:
            return work(Session(connection, space))
        finally:
            if not connection.broken:
                connection.execute("COMMIT")

    def _commit(
        self,
        connection: Connection,
        space: int,
        work: Callable[[Session], _T],
        there: Callable[[Session, _T], bool] | None,
        doubtful: list[_T],
    ) -> _T:
        _begin(connection, space, "BEGIN")
        try:
            session = Session(connection, space)
            if doubtful and there is not None:
                session.run("SELECT 1 FROM mneme.head WHERE space = $1 FOR UPDATE")
                if there(session, doubtful[0]):
                    connection.execute("ROLLBACK")
                    return doubtful[0]
            doubtful.clear()
            result = work(session)
        except BaseException:
            if not connection.broken:
                connection.execute("ROLLBACK")
            raise
        try:
            connection.execute("COMMIT")
        except psycopg.Error as error:
            if lost(error):
                doubtful[:] = [result]
            raise
        return result

    def _retried(self, work: Callable[[Connection], _T]) -> _T:
        end = time.monotonic() + self.timeout_s
        attempt = 0
        while True:
            attempt += 1
            try:
                with self._pool.connection(timeout=max(end - time.monotonic(), 0.05)) as connection:
                    return work(connection)
            except MnemeError:
                raise
            except psycopg.Error as error:
                race = getattr(error, "sqlstate", None) in RETRIED and attempt < _ATTEMPTS
                if isinstance(error, PoolTimeout):
                    self.probe()  # says what is wrong when it is not the pool
                if not (race or lost(error)) or time.monotonic() > end:
                    raise translate(error, self.where) from error
                time.sleep(min(_PAUSE_S * attempt, _CHECK_S))
            except UnicodeEncodeError as error:
                raise InvalidInput({"text": "holds a lone surrogate; clean it before storing"}) from error

    def close(self) -> None:
        """Close every connection."""
        with translated(self.where):
            self._pool.close()


def _begin(connection: Connection, space: int, begin: str) -> None:
    # One round trip; the number comes from the catalogue and is an int, so it can stand in the text.
    connection.execute(f"{begin}; SET LOCAL {schema.SETTING} = '{int(space)}'", prepare=False)


def _configure(connection: Connection) -> None:
    connection.server_cursor_factory = RawServerCursor
    # Lists go as binary arrays: their items are of one type here, and bytes as text would double in size.
    connection.adapters.register_dumper(list, ListBinaryDumper)
    info = TypeInfo.fetch(connection, "halfvec")
    if info is not None:
        register(info, connection)
