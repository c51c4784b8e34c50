"""Cursors: where a listing goes on, signed for one caller, one space and one question, so that none can be used for another."""

from __future__ import annotations

import base64
import hashlib
import hmac

from mneme.core.codec import dumps, loads
from mneme.core.errors import InvalidInput

_MAC_BYTES = 16


class Cursors:
    """Makes and reads cursors.

    Args:
        secret: signs them; servers over one root share it.

    Example:
        >>> cursors = Cursors(b"secret")
        >>> cursors.read(cursors.make("mem_1", "ana", "memories"), "ana", "memories")
        'mem_1'
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, position: str | int, *scope: object) -> str:
        """Return the cursor of a position; ``scope`` is all that the next call has to repeat."""
        payload = dumps(position)
        return base64.urlsafe_b64encode(self._mac(payload, scope) + payload).decode().rstrip("=")

    def read(self, cursor: str, *scope: object) -> str | int:
        """Return the position of a cursor.

        Raises:
            InvalidInput: it is none, or was made for somebody or something else.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise _BAD from None
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload, scope)):
            raise _BAD
        position: str | int = loads(payload)
        return position

    def _mac(self, payload: bytes, scope: tuple[object, ...]) -> bytes:
        return hashlib.blake2b(dumps(scope) + payload, key=self._secret[:64], digest_size=_MAC_BYTES).digest()


_BAD = InvalidInput({"cursor": "does not belong to this call; take `next` of the page before, with the same key and arguments"})
