"""Clients of a server, for threads and for coroutines: they send what spaces ask, and try again where that is safe."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from mneme import wire
from mneme.client.asking import Ask, EventReader, entries_of, error_of, given, part
from mneme.client.space import AsyncRemoteSpace, RemoteSpace, read_recall
from mneme.core.errors import MissingExtra, MnemeError, Unreachable
from mneme.core.journal import Entry
from mneme.core.query import Filter, Recall, Receipt
from mneme.engine.naming import as_filter

if TYPE_CHECKING:
    import httpx

_T = TypeVar("_T")
TIMEOUT_S = 60.0
RETRIES = 2
LONGEST_PAUSE_S = 5.0

_TRY_AGAIN = frozenset({429, 503})
_FIRST_PAUSE_S = 0.2
_ENDLESS = 60.0  # the server says something at least every 15 seconds
_BLOCK_BYTES = 1 << 16
_NDJSON = {"Content-Type": "application/x-ndjson"}
_PAGE = 1000


def _httpx() -> Any:
    try:
        import httpx
    except ImportError as error:
        raise MissingExtra("mneme.Client", "client") from error
    return httpx


class Client:
    """A memory on a server. Safe for threads.

    Args:
        url: where the server is, such as ``http://localhost:8765``.
        key: an API key; None for a server without keys.
        timeout_s: how long a call may take.
        retries: how often to try again when the server can't be reached or is busy; only calls for which that is safe.
        transport: for tests, of httpx.

    Example:
        >>> client = Client("http://localhost:8765", "mneme_...")
        >>> client.space("alice").name
        'alice'
        >>> client.close()
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        retries: int = RETRIES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url, self._key, self._timeout_s, self._retries = url, key, timeout_s, retries
        self._http: httpx.Client = _httpx().Client(
            base_url=url, headers=_headers(key), timeout=timeout_s, transport=transport, follow_redirects=False
        )

    def __repr__(self) -> str:
        return f"Client({self._url!r})"

    @property
    def aio(self) -> AsyncClient:
        """A client of the same server whose calls are awaited; close it with ``await client.aclose()``."""
        return AsyncClient(self._url, self._key, timeout_s=self._timeout_s, retries=self._retries)

    def space(self, name: str = "default") -> ServedSpace:
        """Return the space of that name; it is made by the first write into it."""
        return ServedSpace(name, self)

    def spaces(self) -> list[str]:
        """Return the names of the spaces that the key opens, sorted."""
        names: list[str] = []
        cursor: str | None = None
        while True:
            page = self._send(_spaces(cursor))
            names += page["items"]
            cursor = page["next"]
            if cursor is None:
                return names

    def recall(self, query: str, *, spaces: Sequence[str], **asked: Any) -> Recall:
        """Ask several spaces and merge their hits fairly; arguments as for :meth:`mneme.Memory.recall`."""
        return self._send(_recall(query, spaces, asked))

    def drop(self, space: str) -> None:
        """Remove a space with everything in it; needs a key with the right ``erase``."""
        self._send(_drop(space))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _send(self, ask: Ask[_T]) -> _T:
        for attempt in range(self._retries + 1):
            try:
                return ask.read(_content(self._once(ask.method, ask.path, **ask.arguments())))
            except MnemeError as error:
                if attempt == self._retries or not _may_repeat(ask, error):
                    raise
                time.sleep(_pause(attempt, error))
        raise AssertionError("unreachable")

    def _once(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **arguments)
        except _httpx().HTTPError as error:
            raise _unreachable(self._url, error) from error

    @contextmanager
    def _stream(self, path: str, **arguments: Any) -> Iterator[httpx.Response]:
        try:
            with self._http.stream("GET", path, **arguments) as response:
                if response.status_code >= 400:
                    raise error_of(response.status_code, response.read())
                yield response
        except _httpx().HTTPError as error:
            raise _unreachable(self._url, error) from error


class AsyncClient:
    """A memory on a server, whose calls are awaited; arguments as for :class:`Client`."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        retries: int = RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url, self._retries = url, retries
        self._http: httpx.AsyncClient = _httpx().AsyncClient(
            base_url=url, headers=_headers(key), timeout=timeout_s, transport=transport, follow_redirects=False
        )

    def __repr__(self) -> str:
        return f"AsyncClient({self._url!r})"

    def space(self, name: str = "default") -> AsyncServedSpace:
        """Return the space of that name; it is made by the first write into it."""
        return AsyncServedSpace(name, self)

    async def spaces(self) -> list[str]:
        """Return the names of the spaces that the key opens, sorted."""
        names: list[str] = []
        cursor: str | None = None
        while True:
            page = await self._send(_spaces(cursor))
            names += page["items"]
            cursor = page["next"]
            if cursor is None:
                return names

    async def recall(self, query: str, *, spaces: Sequence[str], **asked: Any) -> Recall:
        """Ask several spaces and merge their hits fairly; arguments as for :meth:`mneme.Memory.recall`."""
        return await self._send(_recall(query, spaces, asked))

    async def drop(self, space: str) -> None:
        """Remove a space with everything in it; needs a key with the right ``erase``."""
        await self._send(_drop(space))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def _send(self, ask: Ask[_T]) -> _T:
        for attempt in range(self._retries + 1):
            try:
                return ask.read(_content(await self._once(ask.method, ask.path, **ask.arguments())))
            except MnemeError as error:
                if attempt == self._retries or not _may_repeat(ask, error):
                    raise
                await asyncio.sleep(_pause(attempt, error))
        raise AssertionError("unreachable")

    async def _once(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            return await self._http.request(method, path, **arguments)
        except _httpx().HTTPError as error:
            raise _unreachable(self._url, error) from error

    @asynccontextmanager
    async def _stream(self, path: str, **arguments: Any) -> AsyncIterator[httpx.Response]:
        try:
            async with self._http.stream("GET", path, **arguments) as response:
                if response.status_code >= 400:
                    raise error_of(response.status_code, await response.aread())
                yield response
        except _httpx().HTTPError as error:
            raise _unreachable(self._url, error) from error


class ServedSpace(RemoteSpace):
    """A space of a :class:`Client`: the verbs of :class:`mneme.Space`, and the change feed."""

    def __init__(self, name: str, client: Client) -> None:
        super().__init__(name, client._send)
        self._client = client

    def changes(self, *, after: int | None = None) -> Iterator[Entry]:
        """Follow the space: its journal entries after number ``after``, or from now on, as they are made.

        A connection that breaks is opened anew where it broke, without a gap and without repeating an entry.
        """
        attempt = 0
        while True:
            try:
                with self._client._stream(f"{self._path}/changes", params=given(after=after), timeout=_ENDLESS) as response:
                    for entry in entries_of(response.iter_lines()):
                        after, attempt = entry.seq, 0
                        yield entry
            except Unreachable:
                attempt += 1
                if attempt > self._client._retries:
                    raise
            time.sleep(_pause(attempt))

    def export(self, path: str | Path) -> int:
        """Write the space as lines of JSON to a local file and return how many lines; the file appears when it is whole."""
        target = Path(path)
        waiting = target.with_name(target.name + ".part")
        count = 0
        with self._client._stream(f"{self._path}/export") as response, waiting.open("wb") as file:
            for block in response.iter_bytes():
                count += block.count(b"\n")
                file.write(block)
        waiting.replace(target)
        return count

    def import_(self, path: str | Path) -> Receipt:
        """Add what a local export holds; importing twice adds nothing."""
        with Path(path).open("rb") as file:
            response = self._client._once("POST", f"{self._path}/import", content=file, headers=_NDJSON)
        return wire.decode(Receipt, _content(response))


class AsyncServedSpace(AsyncRemoteSpace):
    """A space of an :class:`AsyncClient`: the verbs of :class:`mneme.Space`, to be awaited, and the change feed."""

    def __init__(self, name: str, client: AsyncClient) -> None:
        super().__init__(name, client._send)
        self._client = client

    async def changes(self, *, after: int | None = None) -> AsyncIterator[Entry]:
        """Follow the space until the connection ends; call again with the last number to go on."""
        reader = EventReader()
        async with self._client._stream(f"{self._path}/changes", params=given(after=after), timeout=_ENDLESS) as response:
            async for line in response.aiter_lines():
                if (entry := reader.take(line)) is not None:
                    yield entry

    async def export(self, path: str | Path) -> int:
        """Write the space as lines of JSON to a local file and return how many lines; the file appears when it is whole."""
        target = Path(path)
        waiting = target.with_name(target.name + ".part")
        count = 0
        async with self._client._stream(f"{self._path}/export") as response:
            with waiting.open("wb") as file:
                async for block in response.aiter_bytes():
                    count += block.count(b"\n")
                    await asyncio.to_thread(file.write, block)
        waiting.replace(target)
        return count

    async def import_(self, path: str | Path) -> Receipt:
        """Add what a local export holds; importing twice adds nothing."""

        async def blocks() -> AsyncIterator[bytes]:
            with Path(path).open("rb") as file:
                while block := await asyncio.to_thread(file.read, _BLOCK_BYTES):
                    yield block

        response = await self._client._once("POST", f"{self._path}/import", content=blocks(), headers=_NDJSON)
        return wire.decode(Receipt, _content(response))


def _headers(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def _spaces(cursor: str | None) -> Ask[dict[str, Any]]:
    return Ask(method="GET", path="/v1/spaces", params={"limit": _PAGE, "cursor": cursor}, read=dict, repeatable=True)


def _recall(query: str, spaces: Sequence[str], asked: Mapping[str, Any]) -> Ask[Recall]:
    body = given(**asked) | {"query": query, "spaces": list(spaces)}
    if "filters" in body and not isinstance(body["filters"], Filter):
        body["filters"] = as_filter(body["filters"], ())
    body |= {"kinds": list(body.get("kinds", ()))}
    return Ask(method="POST", path="/v1/recall", body=body, read=read_recall, repeatable=True)


def _drop(space: str) -> Ask[None]:
    return Ask(method="DELETE", path=f"/v1/spaces/{part(space)}", read=lambda plain: None)


def _content(response: httpx.Response) -> Any:
    """Return the JSON of an answer.

    Raises:
        MnemeError: the one that the server answered with.
    """
    if response.status_code >= 400:
        error = error_of(response.status_code, response.content)
        error.__dict__["status"] = response.status_code
        raise error
    if response.status_code == 204:
        return None
    try:
        return response.json()
    except ValueError as error:
        raise Unreachable("server: its answer is no JSON; check the address") from error


def _may_repeat(ask: Ask[Any], error: MnemeError) -> bool:
    status = error.__dict__.get("status")
    if status is not None:
        return status == 429 or (ask.repeatable and status in _TRY_AGAIN)
    return ask.repeatable and isinstance(error, Unreachable)


def _pause(attempt: int, error: MnemeError | None = None) -> float:
    wanted = getattr(error, "retry_after_s", None) or _FIRST_PAUSE_S * 2**attempt
    return min(float(wanted), LONGEST_PAUSE_S)


def _unreachable(url: str, error: Exception) -> Unreachable:
    return Unreachable(f"server: {url} can't be reached ({type(error).__name__}); is `mneme serve` running there?")
