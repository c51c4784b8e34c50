"""Sessions of the inspector: a signed cookie after a key was shown, and a token that only its own pages can know.

The cookie is ``HttpOnly`` and ``SameSite=Strict``, so no other site's page makes a browser send it and no script reads it. Every call
also needs the token in a header, which a form or an image can't send, and is refused when the browser says that another site made it. A
session ends when it is left, and with its key: both are refused at once, in every server process over the root.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

from mneme.core.codec import dumps, loads
from mneme.core.errors import Forbidden, MnemeError, TooLarge, Unauthorised
from mneme.server.gate import CALLER, MAX_BYTES, Gate
from mneme.server.keys import DEFAULT_MAX_BYTES, Key
from mneme.server.lengths import limited
from mneme.server.problems import problem_response
from mneme.server.ui.left import Left
from mneme.service import Caller

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "mneme_session"
TOKEN_HEADER = b"x-mneme-token"
API = "/ui/api"
DOOR = "/ui/api/session"
"""Where sessions begin, are looked up and end; reachable without one."""

LASTS_S = 12 * 3600
_DOOR_BYTES = 4096
_MAC_BYTES = 32
_NO_SESSION = "the session is over; show a key again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A session that holds.

    Args:
        caller: who.
        token: what the page sends in its header.
        max_bytes: how long a request may be.
    """

    caller: Caller
    token: str
    max_bytes: int


class Sessions:
    """Begins and reads sessions.

    Args:
        gate: the server's; without keys there, every request that comes to a loopback name has a session.
        clock: seconds since 1970.
    """

    def __init__(self, gate: Gate, clock: Callable[[], float] = time.time) -> None:
        self._gate = gate
        self._clock = clock
        shared = b"" if gate.keys is None else gate.keys.cursor_secret()
        self._secret = hashlib.blake2b(key=shared[:64], person=b"mneme-session").digest()
        self._left = Left(None if gate.keys is None else gate.keys.path, clock)

    @property
    def keyed(self) -> bool:
        """Whether a key is needed."""
        return self._gate.keys is not None

    def begin(self, token: str) -> tuple[str, Sitting]:
        """Return a cookie's value and the session for whoever shows a key.

        Raises:
            Unauthorised: it does not hold.
        """
        assert self._gate.keys is not None, "without keys there is nothing to begin"
        key = self._gate.keys.check(token)
        self._gate.spend(key)
        cookie = self._sealed(dumps([key.id, int(self._clock()) + LASTS_S, secrets.token_hex(16)]))
        return cookie, self._sitting(key, cookie)

    def find(self, scope: Scope) -> Sitting:
        """Return the session of a request.

        Raises:
            Unauthorised: there is none, it is over, or its key no longer holds.
            Forbidden: without keys, the request came through a foreign name or page.
        """
        if self._gate.keys is None:
            self._gate.admit(scope)
            return self._sitting(None, "")
        cookie = _cookie(scope)
        id, expires, name = loads(self._opened(cookie))
        found = next((key for key in self._gate.keys.list() if key.id == id), None)
        if found is None or expires < self._clock() or self._left.has(name) or not self._gate.holds(found.caller()):
            raise Unauthorised(_NO_SESSION)
        return self._sitting(found, cookie)

    def end(self, scope: Scope) -> None:
        """End the session of a request; one that is over already, or never was, needs no ending.

        Raises:
            ReadOnly: it can't be kept that it is over.
        """
        try:
            _, expires, name = loads(self._opened(_cookie(scope)))
        except Unauthorised:
            return
        self._left.add(name, expires)

    def enter(self, scope: Scope) -> Sitting:
        """Return the session of a call, which must carry its token and count against its key.

        Raises:
            Unauthorised, Forbidden, TooManyCalls: it may not be answered.
        """
        sitting = self.find(scope)
        headers = dict(scope["headers"])
        if not hmac.compare_digest(headers.get(TOKEN_HEADER, b""), sitting.token.encode()):
            raise Forbidden("token: the page's token is missing or old; load the page again")
        if self._gate.keys is not None:
            for key in self._gate.keys.list():
                if key.id == sitting.caller.key_id:
                    self._gate.spend(key)
        return sitting

    def _sitting(self, key: Key | None, cookie: str) -> Sitting:
        if key is None:
            # Any header of its own makes a browser ask first before it sends another site's call; several processes must agree on it.
            return Sitting(caller=Caller(actor="ui:local"), token="local", max_bytes=DEFAULT_MAX_BYTES)
        token = hmac.new(self._secret, b"token:" + cookie.encode(), hashlib.sha256).hexdigest()
        return Sitting(caller=key.caller(), token=token, max_bytes=key.max_bytes)

    def _sealed(self, payload: bytes) -> str:
        mac = hmac.new(self._secret, payload, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(mac + payload).decode().rstrip("=")

    def _opened(self, cookie: str) -> bytes:
        try:
            raw = base64.b64decode(cookie + "=" * (-len(cookie) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise Unauthorised(_NO_SESSION) from None
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, hmac.new(self._secret, payload, hashlib.sha256).digest()):
            raise Unauthorised(_NO_SESSION)
        return payload


class Seated:
    """An application whose calls under ``/ui/api`` need a session.

    Args:
        app: the application.
        sessions: finds them.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not scope["path"].startswith(API + "/"):
            await self._app(scope, receive, send)
            return
        try:
            _same_site(scope)
            limit = _DOOR_BYTES
            if scope["path"] != DOOR:
                sitting = self._sessions.enter(scope)
                scope[CALLER], scope[MAX_BYTES] = sitting.caller, sitting.max_bytes
                limit = sitting.max_bytes
            receive = limited(scope, receive, _too_large(limit), limit)
        except MnemeError as error:
            await problem_response(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _same_site(scope: Scope) -> None:
    """Refuse what another site's page made the browser send."""
    if dict(scope["headers"]).get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none"):
        raise Forbidden("origin: the inspector answers its own pages only")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"body: is longer than the {limit:,} bytes that may be sent; shorten it")


def _cookie(scope: Scope) -> str:
    """Return the session's cookie, empty when there is none."""
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                found = SimpleCookie(value.decode("latin-1")).get(COOKIE)
            except CookieError:
                continue
            if found is not None:
                return found.value
    return ""
