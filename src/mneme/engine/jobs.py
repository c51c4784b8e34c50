"""Durable work: jobs that were stored with the change that needs them, done once, retried with back-off, never lost silently.

A job's changes are applied under the job's own idempotency key. A worker that dies between applying and reporting leaves a job that is
claimed again when its lease ends; its second run finds the key used and only reports. So every job takes effect once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mneme.core.clock import Clock
from mneme.core.errors import BudgetExceeded, Closed, InvalidInput, MnemeError, NotFound
from mneme.core.operations import Cancel, Enqueue, Operation
from mneme.core.ports import Store
from mneme.core.records import Job

LEASE_S = 120.0
RENEWALS = 3
"""How often a lease is renewed while it lasts."""

MOST_ATTEMPTS = 5
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 600.0
BUDGET_PAUSE_S = 3600.0

Task = Callable[[Job], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a round of work did.

    Args:
        done: jobs that ended well.
        retried: jobs that failed and will be tried again.
        dead: jobs that were given up, with their reason on them.
    """

    done: int = 0
    retried: int = 0
    dead: int = 0

    def __add__(self, other: Done) -> Done:
        """Return the sums."""
        return Done(done=self.done + other.done, retried=self.retried + other.retried, dead=self.dead + other.dead)

    @property
    def any(self) -> bool:
        """Whether there was anything to do."""
        return bool(self.done or self.retried or self.dead)


def job_key(id: str) -> str:
    """Return the idempotency key under which a job's changes are applied."""
    return f"mneme:job:{id}"


def work(store: Store, tasks: Mapping[str, Task], clock: Clock, *, limit: int = 16) -> Done:
    """Claim due jobs, do them, and report each; failures of one never stop the others.

    Args:
        store: the space.
        tasks: task name -> what does it; a job of an unknown task stays for a worker that knows it.
        clock: the time.
        limit: how many jobs to take.
    """
    total = Done()
    for _ in range(limit):
        claimed = store.claim(now=clock.now(), lease_s=LEASE_S, tasks=tuple(tasks), limit=1)
        if not claimed:
            break
        total += _do(store, claimed[0], tasks[claimed[0].task], clock)
    return total


def given_up(store: Store, ids: Sequence[str], states: Sequence[str]) -> list[Job]:
    """Return the jobs of these ids, or with none all that were given up.

    Raises:
        NotFound: there is no such job.
        InvalidInput: one is in none of the states; it is done, or a worker is at it.
    """
    there = {job.id: job for job in store.jobs()}
    for id in ids:
        if id not in there:
            raise NotFound("job", id)
    bad = {id: f"is {there[id].state}; only jobs that are {' or '.join(states)} can be" for id in ids if there[id].state not in states}
    if bad:
        raise InvalidInput(bad)
    return [there[id] for id in dict.fromkeys(ids)] if ids else [job for job in there.values() if job.state == "dead"]


def put_back(jobs: Sequence[Job], now: datetime) -> list[Operation]:
    """Return what puts jobs that were given up back into the queue, due now and with their attempts forgotten."""
    fresh = [replace(job, state="waiting", attempts=0, error=None, due_at=now, leased_until=None) for job in jobs]
    return [operation for job in fresh for operation in (Cancel(id=job.id), Enqueue(job=job))]


def dropped(jobs: Sequence[Job]) -> list[Operation]:
    """Return what takes jobs out of the queue for good; the input that they were about stays."""
    return [Cancel(id=job.id) for job in jobs]


@contextmanager
def kept_leased(store: Store, job: Job, clock: Clock, lease_s: float = LEASE_S) -> Iterator[None]:
    """Renew a job's lease while the block runs, so that no other worker takes it however long it is; a killed worker renews nothing."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(lease_s / RENEWALS):
            try:
                if not store.renew(job, now=clock.now(), lease_s=lease_s):
                    return
            except MnemeError:
                return  # the store is closed or busy: the lease runs out, and the key keeps the work from being done twice

    thread = threading.Thread(target=renew, name="mneme-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _do(store: Store, job: Job, task: Task, clock: Clock) -> Done:
    try:
        with kept_leased(store, job, clock):
            task(job)
    except Closed:
        store.finish(job, state="waiting", now=clock.now(), due_at=clock.now(), error="the worker was stopped")
        raise
    except BudgetExceeded as error:
        # Money comes back with time: the job waits and its attempt does not count against it for good.
        store.finish(job, state="waiting", now=clock.now(), due_at=later(clock.now(), BUDGET_PAUSE_S), error=_reason(error))
        return Done(retried=1)
    except Exception as error:  # noqa: BLE001  # the background loop records whatever went wrong and goes on
        if job.attempts >= MOST_ATTEMPTS:
            store.finish(job, state="dead", now=clock.now(), error=_reason(error))
            return Done(dead=1)
        pause = min(FIRST_PAUSE_S * 2 ** (job.attempts - 1), LONGEST_PAUSE_S)
        store.finish(job, state="waiting", now=clock.now(), due_at=later(clock.now(), pause), error=_reason(error))
        return Done(retried=1)
    store.finish(job, state="done", now=clock.now())
    return Done(done=1)


def later(now: datetime, seconds: float) -> datetime:
    """Return a moment some seconds after another."""
    return now + timedelta(seconds=seconds)


def _reason(error: Exception) -> str:
    """Return why a job failed. Only our own errors are quoted: they hold no content of the space."""
    return f"{type(error).__name__}: {error}" if isinstance(error, MnemeError) else type(error).__name__


class WorkerThread:
    """A background thread that works through the jobs of spaces as they are named to it.

    Args:
        work: does due jobs of the space of that name and says whether more wait there.
        idle_s: how long to wait before looking again at spaces with jobs that are not due yet.
    """

    def __init__(self, work: Callable[[str], bool], *, idle_s: float = 1.0) -> None:
        self._work = work
        self._idle_s = idle_s
        self._wake = threading.Condition()
        self._spaces: dict[str, None] = {}
        self._stopping = False
        self._thread: threading.Thread | None = None

    def notice(self, spaces: Iterable[str]) -> None:
        """Look at these spaces soon; starts the thread on first use."""
        with self._wake:
            self._spaces.update(dict.fromkeys(spaces))
            if self._thread is None and not self._stopping:
                self._thread = threading.Thread(target=self._run, name="mneme-worker", daemon=True)
                self._thread.start()
            self._wake.notify()

    def stop(self, timeout_s: float = 30.0) -> None:
        """Finish the job at hand and stop; what is left stays queued."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._spaces and not self._stopping:
                    self._wake.wait()
                if self._stopping:
                    return
                names = list(self._spaces)
                self._spaces.clear()
            waiting = [name for name in names if self._round(name)]
            if waiting:
                with self._wake:
                    if not self._stopping:
                        self._wake.wait(self._idle_s)
                    self._spaces.update(dict.fromkeys(waiting))

    def _round(self, name: str) -> bool:
        """Work on one space; returns whether to come back to it, for jobs that are not due yet."""
        try:
            return self._work(name)
        except Exception:  # noqa: BLE001  # a space that can't be opened now is tried again when it is next named
            return False
