"""The server's log: one JSON object a line, without memory content, questions or secrets.

Of an unexpected error it has the kind and the places in the code, not the message, which may quote what was sent.
"""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

from mneme import wire

LOGGER = logging.getLogger("mneme.server")


class JSONLines(logging.Formatter):
    """Writes a record with the fields that came with it in ``extra={"fields": {...}}``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage() if record.name.startswith("mneme") else "message",
        }
        if not record.name.startswith("mneme"):
            line["message"] = record.getMessage()
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = where(record.exc_info[1])
        return wire.encode(line).decode()


def where(error: BaseException) -> dict[str, Any]:
    """Return the kind of an error and where it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    return {"kind": type(error).__name__, "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]}


def to_stderr(level: str = "info") -> None:
    """Send the logs of the server and of uvicorn to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONLines())
    for name in ("mneme", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level.upper())
        logger.propagate = False
