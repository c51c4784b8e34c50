"""A wire between a client and a server that is cut when the client commits: before the server hears of it, after, or in between."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal

from psycopg.conninfo import conninfo_to_dict

Cut = Literal["unheard", "unanswered", "heard late"]


class Proxy:
    """Passes everything on; the first ``COMMIT`` after :meth:`cut` loses its connection.

    Args:
        url: of the server.
    """

    def __init__(self, url: str) -> None:
        self._known = conninfo_to_dict(url)
        self._folder = Path(tempfile.mkdtemp(prefix="mneme-wire-"))
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self._folder / ".s.PGSQL.5432"))
        self._listening.listen()
        self._next: Cut | None = None
        self._lock = threading.Lock()
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The same database through the wire."""
        known = {**self._known, "host": str(self._folder), "port": "5432"}
        return "postgresql://?" + "&".join(f"{key}={value}" for key, value in known.items() if value)

    def cut(self, how: Cut) -> None:
        """Cut the wire at the next commit."""
        self._next = how

    def close(self) -> None:
        """Take no more connections; closing twice is fine."""
        if not self._folder.exists():
            return
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        shutil.rmtree(self._folder)

    def _server(self) -> socket.socket:
        host, port = str(self._known.get("host") or "localhost"), str(self._known.get("port") or "5432")
        if not host.startswith("/"):
            return socket.create_connection((host, int(port)))
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(f"{host}/.s.PGSQL.{port}")
        return connected

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, self._server() as server:
            back = threading.Thread(target=self._pass, args=(server, client, False), daemon=True)
            back.start()
            self._pass(client, server, True)
            back.join()

    def _pass(self, source: socket.socket, target: socket.socket, from_client: bool) -> None:
        try:
            while data := source.recv(65536):
                how = self._taken() if from_client and b"COMMIT" in data else None
                if how is not None:
                    self._cut(source, target, data, how)
                    return
                target.sendall(data)
        except OSError:
            pass
        finally:
            _end(target)

    def _taken(self) -> Cut | None:
        with self._lock:
            how, self._next = self._next, None
            self.cuts += how is not None
            return how

    def _cut(self, client: socket.socket, server: socket.socket, data: bytes, how: Cut) -> None:
        if how == "unanswered":
            client.shutdown(socket.SHUT_WR)  # the answer can't be passed on any more
            server.sendall(data)
            time.sleep(0.2)
        _end(client)
        if how == "heard late":
            time.sleep(0.5)
            server.sendall(data)
            time.sleep(0.2)


def _end(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
