"""The processes of a server: one, or several over the same root that share an address.

Python runs one thread at a time, so a server uses as many cores as it has processes. Every process opens the spaces that its requests name;
stores and indexes keep up with the others' writes.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from mneme.core.errors import Closed, InvalidInput
from mneme.server.logs import LOGGER
from mneme.server.run import Address, bind, listen, serve, url_of

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess
    from multiprocessing.synchronize import Event

_READY_WITHIN_S = 60.0
_LOOK_EVERY_S = 1.0
_COLLECT = (50_000, 20, 100)
_PAUSE_S = 1.0
"""Before a worker that died is replaced, so that one that can't live does not take the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How to serve.

    Args:
        root, embedder, llm, recipe, durability, max_open_bytes: of the memory; None takes its default.
        keys_path: the file of the keys; None admits everybody on this machine.
        address: where to listen.
        workers: how many processes.
        threads: calls that may run at once in each.
        otel: send traces.
        log_level: from which level on to log.
        figures: the folder where workers leave their figures for each other; None for a single one.
        number: which worker this is.
    """

    root: str | None
    embedder: str | None
    llm: str | None = None
    recipe: str | None = None
    durability: str = "full"
    max_open_bytes: int | None = None
    keys_path: Path | None
    address: Address
    workers: int = 1
    threads: int
    otel: bool = False
    log_level: str = "info"
    figures: Path | None = None
    number: int = 0


def start(serving: Serving, started: Callable[[str], None]) -> None:
    """Serve until the process is told to stop.

    Args:
        serving: how.
        started: called with the URL once connections are taken.

    Raises:
        InvalidInput: the address can't be served so, or several processes are asked for where there can be but one.
    """
    serving.address.check(keyed=serving.keys_path is not None)
    if serving.workers > 1 and (serving.root == ":memory:" or sys.platform == "win32"):
        raise InvalidInput({"workers": "must be 1 here: the root is in the memory of one process, or the system can't share an address"})
    bound = bind(serving.address, shared=serving.workers > 1)
    if serving.workers == 1:
        with closing(bound), _application(serving) as (app, stopping):
            listening = listen(bound)
            started(url_of(bound, serving.address))
            serve(app, listening, serving.address, stopping)
        return
    # The address is now this server's; the workers bind to it too, and the system spreads connections over them.
    fixed = replace(serving, address=replace(serving.address, port=bound.getsockname()[1]))
    with closing(bound), tempfile.TemporaryDirectory(prefix="mneme-figures-") as folder:
        _supervise(replace(fixed, figures=Path(folder)), lambda: started(url_of(bound, serving.address)))


@contextmanager
def _application(serving: Serving) -> Iterator[tuple[Any, Callable[[], None]]]:
    from mneme.memory import Memory
    from mneme.server.app import create_app
    from mneme.server.keys import Keys
    from mneme.server.logs import to_stderr
    from mneme.server.metrics import Metrics
    from mneme.server.parts import installed
    from mneme.server.tracing import Tracing

    to_stderr(serving.log_level)
    names = ("embedder", "llm", "recipe", "max_open_bytes")
    settings: dict[str, Any] = {name: value for name in names if (value := getattr(serving, name)) is not None}
    with Memory(serving.root, **settings, durability=serving.durability) as memory:  # type: ignore[arg-type]
        app = create_app(
            memory,
            None if serving.keys_path is None else Keys(serving.keys_path),
            threads=serving.threads,
            workers=serving.workers,
            tracing=Tracing() if serving.otel else None,
            metrics=Metrics(serving.figures, serving.number),
            parts=installed(),
        )
        _calm_collector()
        yield app, app.state.mneme.feed.stop


def _calm_collector() -> None:
    """Let the garbage collector look less often: with many open spaces it walks millions of live objects to find next to nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)


def _work(serving: Serving, ready: Event) -> None:
    """Be one of several workers."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    with _application(serving) as (app, stopping):
        listening = listen(bind(serving.address, shared=True))
        ready.set()
        serve(app, listening, serving.address, stopping)


def _stop_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def _supervise(serving: Serving, started: Callable[[], None]) -> None:
    """Run the workers, and another for one that dies, until the process is told to stop."""
    spawn = multiprocessing.get_context("spawn")
    stopping = False
    running: dict[int, SpawnProcess] = {}

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        for process in running.values():
            if process.is_alive():
                process.terminate()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        readies = [spawn.Event() for _ in range(serving.workers)]
        for number, ready in enumerate(readies):
            running[number] = _spawned(spawn, replace(serving, number=number), ready)
        _await_ready(running, readies, lambda: stopping)
        if not stopping:
            started()
        while not stopping:
            wait([process.sentinel for process in running.values()], timeout=_LOOK_EVERY_S)
            for number, process in running.items():
                if not process.is_alive() and not stopping:
                    LOGGER.error("worker died", extra={"fields": {"worker": number, "exit": process.exitcode}})
                    time.sleep(_PAUSE_S)
                    running[number] = _spawned(spawn, replace(serving, number=number), readies[number])
    finally:
        for process in running.values():
            if process.is_alive():
                process.terminate()
            process.join()
        for number, handler in before.items():
            signal.signal(number, handler)


def _await_ready(running: Mapping[int, SpawnProcess], readies: Sequence[Event], stopping: Callable[[], bool]) -> None:
    """Wait until all workers take connections, or the process is told to stop.

    Raises:
        Closed: one ended before it was ready; its own message says why.
    """
    until = time.monotonic() + _READY_WITHIN_S
    while not all(ready.is_set() for ready in readies) and not stopping():
        if time.monotonic() > until or not all(process.is_alive() for process in running.values()):
            raise Closed("server: a worker could not start; its message stands above")
        time.sleep(0.05)


def _spawned(spawn: Any, serving: Serving, ready: Event) -> SpawnProcess:
    process: SpawnProcess = spawn.Process(target=_work, args=(serving, ready), name=f"mneme-worker-{serving.number}")
    process.start()
    return process
