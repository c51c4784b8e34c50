"""A memory with something on every page of the inspector, and the server that shows it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn

import mneme
from mneme.core.operations import Connect, Enqueue, Operation, Quarantine, Reinforce
from mneme.core.ports import Batch
from mneme.core.records import Job, Link
from mneme.demo.story import conversation
from mneme.server.app import create_app
from mneme.server.keys import Keys
from mneme.server.ui.part import add

SCRIPT = '<script>window.harmed = true</script><img src=x onerror="window.harmed = true">'
MANY = 3000
LONG_WORDS = "Every line of this long memory says the same thing again. "


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is where.

    Args:
        revised: a memory with two versions, a link and uses.
        script: a memory whose text is markup.
        long: a memory of a megabyte.
        held: a quarantined memory.
    """

    revised: str
    script: str
    long: str
    held: str


def apply(space: mneme.Space, operations: list[Operation], verb: str) -> None:
    """Apply operations as a strategy's result would be."""
    batch = Batch(operations=operations, material={}, model="", verb=verb, actor="former", trace_id="", at=datetime.now(UTC))
    with space._use() as opened:
        opened.store.apply(batch)


def fill(memory: mneme.Memory) -> Told:
    """Fill the spaces ``home``, ``many`` and ``odd/space #1``."""
    home = memory.space("home")
    home.remember(conversation())
    where, wedding = home.memories({"refs": "january.3"})[0].id, home.memories({"refs": "february.1"})[0].id
    home.revise(where, "Ines lives in Porto, in Rua do Almada 310.", since=datetime(2025, 5, 3, tzinfo=UTC), reason="she moved")
    home.revise(wedding, "Clara's wedding is on the 28th of June, in Viana do Castelo.", reason="she took the 21st back")
    later = home.memories({"refs": "march.1"})[0].id
    now = datetime.now(UTC)
    formed = home.remember(memories=[{"text": "Ines is allergic to penicillin.", "kind": "fact", "sources": ["january.2"]}]).id
    held = home.remember(memories=[{"text": "Ines owns three castles.", "kind": "fact"}]).id
    operations: list[Operation] = [Connect(link=Link(source=wedding, target=later, type="contradicts", weight=0.9))]
    operations += [Connect(link=Link(source=formed, target=wedding, type="about")), Quarantine(id=held, why="no source supports it")]
    operations += [Reinforce(id=wedding, uses=1.0, strength=0.4, at=now + timedelta(seconds=step)) for step in range(3)]
    operations += [Enqueue(job=Job(id="job_1", task="form", due_at=now))]
    apply(home, operations, "upkeep")
    script = home.remember(SCRIPT, author=SCRIPT, session=SCRIPT, tags=[SCRIPT]).id
    long = home.remember(LONG_WORDS * (1_000_000 // len(LONG_WORDS)) + SCRIPT, author="bulk").id
    memory.space("many").remember([f"Row {number} of many." for number in range(MANY)])
    memory.space("odd/space #1").remember("A space whose name has a slash.")
    return Told(revised=wedding, script=script, long=long, held=held)


@contextmanager
def serving(memory: mneme.Memory) -> Iterator[tuple[str, str]]:
    """Serve the inspector on a free port; gives its URL and a key that may do everything."""
    keys = Keys(None)
    _, token = keys.create("tests", rate_per_s=10_000)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(memory, keys, parts=[add]), log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", token
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def open_memory(root: Path) -> mneme.Memory:
    """Return a memory whose embedder needs no model file."""
    return mneme.Memory(root, embedder="hash")
