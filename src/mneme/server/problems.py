"""Errors as HTTP answers: one form (RFC 9457, ``application/problem+json``), one table (:mod:`mneme.core.error_map`).

An answer never repeats what was sent.
"""

from __future__ import annotations

import math
from typing import Any

from starlette.responses import Response

from mneme import wire
from mneme.core.error_map import TABLE, codes_of
from mneme.core.errors import ErasureIncomplete, InvalidBatch, InvalidInput, MnemeError, NotFound, TooManyCalls, Unauthorised

MEDIA_TYPE = "application/problem+json"
PRECONDITION_FAILED = 412
STATUSES = sorted({codes.http for codes in TABLE.values()} | {400, PRECONDITION_FAILED})
"""Every status with which a call can fail."""

_BUSY = 503


def problem(error: MnemeError, status: int | None = None) -> dict[str, Any]:
    """Return an error as plain JSON values."""
    name = type(error).__name__
    plain: dict[str, Any] = {
        "type": f"urn:mneme:error:{name}",
        "title": name,
        "status": status or codes_of(error).http,
        "detail": str(error),
    }
    if isinstance(error, InvalidInput):
        plain["problems"] = error.problems
    if isinstance(error, InvalidBatch):
        plain["items"] = {str(place): problems for place, problems in error.items.items()}
    if isinstance(error, NotFound):
        plain |= {"what": error.what, "name": str(error.name)}
    if isinstance(error, TooManyCalls):
        plain["retry_after_s"] = round(error.retry_after_s, 3)
    if isinstance(error, ErasureIncomplete):
        plain["report"] = error.report
    return plain


def problem_response(error: MnemeError, status: int | None = None) -> Response:
    """Return an error as an answer."""
    plain = problem(error, status)
    headers: dict[str, str] = {}
    if isinstance(error, Unauthorised):
        headers["WWW-Authenticate"] = 'Bearer realm="mneme"'
    if isinstance(error, TooManyCalls):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    elif plain["status"] == _BUSY:
        headers["Retry-After"] = "1"
    return Response(wire.encode(plain), status_code=plain["status"], media_type=MEDIA_TYPE, headers=headers)


def plain_response(status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Return a failure that is no error of mneme, such as an unknown path."""
    plain = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Response(wire.encode(plain), status_code=status, media_type=MEDIA_TYPE, headers=headers)
