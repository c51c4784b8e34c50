"""The gate: who is calling, may they call now, and how much may they send. It stands before any route and reads no body."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mneme.core.errors import Forbidden, TooLarge, TooManyCalls, Unauthorised
from mneme.server.keys import DEFAULT_MAX_BYTES, Key, Keys
from mneme.server.lengths import limited
from mneme.server.problems import problem_response
from mneme.service import Caller

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

CALLER, MAX_BYTES = "mneme.caller", "mneme.max_bytes"
"""Where a request's scope carries who calls, and how many bytes they may send."""

STREAMED = "/import"
"""The end of the paths whose bodies are streams: each of their lines is limited, not the whole."""

_NO_KEY = "no key was given; send it as 'Authorization: Bearer mneme_...' and make one with `mneme keys create`"


@dataclass(slots=True)
class _Bucket:
    """Calls left, refilled as time goes."""

    left: float
    at: float


class Gate:
    """Admits requests.

    Args:
        keys: the keys; None admits everybody, as long as the request comes to a loopback address.
        workers: how many gates share the keys' rate limits; each grants its part.
        clock: seconds that only go forward.
    """

    def __init__(self, keys: Keys | None, *, workers: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self.keys = keys
        self._workers = workers
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def admit(self, scope: Scope) -> tuple[Caller, int]:
        """Return who sends a request, and how many bytes it may have.

        Raises:
            Unauthorised: no key, or none that holds.
            Forbidden: there are no keys here and the request came through a web page or under a foreign name.
            TooManyCalls: the key's rate limit is used up.
        """
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if self.keys is None:
            _same_machine(headers)
            return Caller(actor="http:local"), DEFAULT_MAX_BYTES
        scheme, _, token = headers.get(b"authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorised(_NO_KEY)
        key = self.keys.check(token.strip())
        self.spend(key)
        return key.caller(), key.max_bytes

    def holds(self, caller: Caller) -> bool:
        """Return whether a caller's key still holds, for calls that last."""
        return self.keys is None or self.keys.holds(caller.key_id)

    def spend(self, key: Key) -> None:
        """Take one call from a key's allowance.

        Raises:
            TooManyCalls: none is left; the error says when one is.
        """
        now, rate, burst = self._clock(), key.rate_per_s / self._workers, max(1.0, key.burst / self._workers)
        with self._lock:
            bucket = self._buckets.setdefault(key.id, _Bucket(left=burst, at=now))
            bucket.left = min(burst, bucket.left + (now - bucket.at) * rate)
            bucket.at = now
            if bucket.left >= 1:
                bucket.left -= 1
                return
            wait = (1 - bucket.left) / rate
        raise TooManyCalls(f"rate: this key may make {key.rate_per_s:g} calls a second; slow down", retry_after_s=wait)


class Gated:
    """An application behind a gate.

    Args:
        app: the application.
        gate: admits or refuses.
        prefixes: which paths are behind the gate.
    """

    def __init__(self, app: ASGIApp, gate: Gate, prefixes: tuple[str, ...]) -> None:
        self._app = app
        self._gate = gate
        self._prefixes = prefixes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not self._guards(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            caller, limit = self._gate.admit(scope)
            scope[CALLER], scope[MAX_BYTES] = caller, limit
            if not scope["path"].endswith(STREAMED):
                receive = limited(scope, receive, _too_large(limit), limit)
        except (Unauthorised, Forbidden, TooManyCalls, TooLarge) as error:
            await problem_response(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _guards(self, path: str) -> bool:
        return any(path == prefix or path.startswith(prefix + "/") for prefix in self._prefixes)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"body: is longer than the {limit:,} bytes that this key may send; split it")


def _same_machine(headers: dict[bytes, str]) -> None:
    """Refuse what a web page can make a browser send: requests under another host's name, or from another origin."""
    host = headers.get(b"host", "")
    if not is_loopback(urlsplit(f"//{host}").hostname or ""):
        raise Forbidden("host: without keys this server answers on loopback names only, such as localhost")
    origin = headers.get(b"origin")
    if origin is not None and urlsplit(origin).netloc != host:
        raise Forbidden("origin: without keys this server answers its own pages only")


def is_loopback(host: str) -> bool:
    """Return whether a name or address is this machine's own.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
