"""A real server in a thread, for tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn

from mneme import Client, Memory
from mneme.server.app import create_app
from mneme.server.keys import Keys
from mneme.server.run import Address, bind, listen, url_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server that runs."""

    url: str
    memory: Memory
    keys: Keys | None
    app: Any
    opened: ExitStack

    def key(self, name: str = "test", **settings: Any) -> str:
        """Return a new key."""
        assert self.keys is not None
        return self.keys.create(name, **settings)[1]

    def client(self, **settings: Any) -> Client:
        """Return a client with a new key."""
        return self.opened.enter_context(Client(self.url, None if self.keys is None else self.key(**settings), retries=0))

    def http(self, key: str | None = None, **settings: Any) -> httpx.Client:
        """Return a plain HTTP client with a key, or with a new one."""
        given = self.key(**settings) if key is None and self.keys is not None else key
        headers = {"Authorization": f"Bearer {given}"} if given else {}
        return self.opened.enter_context(httpx.Client(base_url=self.url, headers=headers))


@contextmanager
def serving(memory: Memory, keys: Keys | None, parts: Sequence[Any] = (), **settings: Any) -> Iterator[Served]:
    """Serve a memory in a thread."""
    app = create_app(memory, keys, parts=parts, **settings)
    address = Address(port=0)
    listening = listen(bind(address))
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    try:
        with ExitStack() as opened:
            yield Served(url=url_of(listening, address), memory=memory, keys=keys, app=app, opened=opened)
    finally:
        app.state.mneme.feed.stop()
        server.should_exit = True
        thread.join(20)
        listening.close()
