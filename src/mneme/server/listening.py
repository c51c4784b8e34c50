"""Hearing of changes that other processes and machines make, where the storage tells of them, so that feeds need not look for them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mneme.core.errors import StorageError
from mneme.memory import Memory

_log = logging.getLogger(__name__)
_WAIT_S = 1.0
_AGAIN_S = 5.0


class Ear:
    """Listens in a thread of its own.

    Attributes:
        open: it listens now; changes that happen while it does not have to be looked for.
    """

    def __init__(self, memory: Memory, changed: Callable[[str | None], None]) -> None:
        self.open = False
        self._memory = memory
        self._changed = changed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mneme listening", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._stopping.set()
        self._thread.join(_AGAIN_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if not self._listen():
                    return
            except StorageError as error:
                _log.warning("changes of other servers are looked for until the storage is back: %s", error)
            self._stopping.wait(_AGAIN_S)

    def _listen(self) -> bool:
        """Listen until it is told to stop; False where there is nothing to listen to."""
        listener = self._memory.listen()
        if listener is None:
            return False
        try:
            self.open = True
            self._changed(None)  # what happened before it listened
            while not self._stopping.is_set():
                heard = listener.heard(timeout_s=_WAIT_S)
                for space in (None,) if heard is None else heard:
                    self._changed(space)
        finally:
            self.open = False
            listener.close()
        return True


@contextmanager
def listening(memory: Memory, changed: Callable[[str | None], None]) -> Iterator[Ear]:
    """Listen while the block lasts.

    Args:
        memory: whose changes.
        changed: is called with each space that changed, None when any may have; from the listening thread.
    """
    ear = Ear(memory, changed)
    ear.start()
    try:
        yield ear
    finally:
        ear.stop()
