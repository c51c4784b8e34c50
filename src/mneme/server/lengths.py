"""How long a request may be: refused by what it says of itself, and cut off by what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mneme.core.errors import TooLarge

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope


def limited(scope: Scope, receive: Receive, refusal: TooLarge, limit: int) -> Receive:
    """Return a ``receive`` that gives no more than ``limit`` bytes of a body.

    Raises:
        TooLarge: the refusal; at once when the request tells its length, else when that much has come.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise refusal
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise refusal
        return message

    return counted
