"""Sessions of the inspector that were left before their time, for every server process over the same keys.

A session is a signed cookie, so nothing on the server would know that it is over. Those that were left are kept here until they would
have ended anyway: in a small file beside the keys.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mneme.server.shared_file import SharedFile


class Left:
    """The sessions that were left.

    Args:
        keys: the file of the keys beside which the list lies; None keeps it in memory.
        clock: seconds since 1970.
    """

    def __init__(self, keys: Path | None, clock: Callable[[], float]) -> None:
        self._file = None if keys is None else SharedFile(keys.with_name(f"{keys.name}.left"), self._take)
        self._clock = clock
        self._ends: dict[str, int] = {}

    def has(self, session: str) -> bool:
        """Return whether a session was left."""
        if self._file is not None:
            self._file.refresh()
        return session in self._ends

    def add(self, session: str, ends: int) -> None:
        """Note that a session was left, until the moment at which it would have ended.

        Raises:
            ReadOnly: the list can't be written; the session is over in this process only.
        """
        self._ends |= {session: ends}
        if self._file is not None:
            self._file.change(self._lines)

    def _take(self, content: bytes) -> None:
        lines = (line.partition(" ") for line in content.decode("ascii").splitlines())
        self._ends = self._ends | {session: int(ends) for session, _, ends in lines}

    def _lines(self) -> bytes:
        now = self._clock()
        return "".join(f"{session} {ends}\n" for session, ends in self._ends.items() if ends >= now).encode("ascii")
