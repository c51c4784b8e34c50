"""One request to a server as data, and what its answer means; sending it is another's task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from mneme import wire
from mneme.core import errors
from mneme.core.codec import loads
from mneme.core.journal import Entry
from mneme.core.query import ErasureReport

_T = TypeVar("_T")
_KINDS = {kind.__name__: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.MnemeError)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Generic[_T]):
    """A request.

    Args:
        method, path: of HTTP; the path is encoded.
        body: JSON; None sends none.
        params: of the query; values that are None or empty are left out.
        headers: beyond the usual ones.
        read: makes the result of the answer's JSON.
        repeatable: whether sending it twice does no more than sending it once.
    """

    method: str
    path: str
    body: Any = None
    params: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    read: Callable[[Any], _T]
    repeatable: bool = False

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of a request of httpx."""
        headers = dict(self.headers or {})
        arguments: dict[str, Any] = {"params": _params(self.params or {}), "headers": headers}
        if self.body is not None:
            arguments["content"] = wire.encode(self.body)
            headers["Content-Type"] = "application/json"
        return arguments


def part(name: str) -> str:
    """Return a name as one part of a path, in which a slash is no slash and a dot is no folder."""
    encoded = quote(name, safe="", errors="surrogatepass")
    return encoded.replace(".", "%2E") if encoded.strip(".") == "" else encoded


def given(**values: Any) -> dict[str, Any]:
    """Return the values that are set."""
    return {name: value for name, value in values.items() if value is not None}


def error_of(status: int, content: bytes) -> errors.MnemeError:
    """Return the error that a server answered with, as a local memory would have raised it."""
    try:
        plain = loads(content)
        title, detail = plain["title"], plain["detail"]
    except (ValueError, KeyError, TypeError):
        return errors.Unreachable(f"server: answered {status}, and not as a mneme server does; check the address")
    kind = _KINDS.get(title, errors.MnemeError)
    error = kind.__new__(kind)
    Exception.__init__(error, detail)
    for name in ("problems", "what", "name", "retry_after_s"):
        if name in plain:
            setattr(error, name, plain[name])
    if isinstance(error, errors.InvalidBatch):
        error.items = {int(place): problems for place, problems in plain.get("items", {}).items()}
    if isinstance(error, errors.ErasureIncomplete):
        error.report = wire.decode(ErasureReport, plain["report"]) if plain.get("report") else None
    return error


def entries_of(lines: Iterable[str]) -> Iterator[Entry]:
    """Return the journal entries of lines of server-sent events.

    Raises:
        MnemeError: the server ended the stream with one.
    """
    reader = EventReader()
    for line in lines:
        entry = reader.take(line)
        if entry is not None:
            yield entry


class EventReader:
    """Reads server-sent events line by line."""

    def __init__(self) -> None:
        self._event = ""
        self._data = ""

    def take(self, line: str) -> Entry | None:
        """Return the entry that a line completes, None when it completes none.

        Raises:
            MnemeError: the server ended the stream with one.
        """
        name, _, value = line.partition(": ")
        if name == "event":
            self._event = value
        elif name == "data":
            self._data = value
        if line or not self._data:
            return None
        event, data, self._event, self._data = self._event, self._data, "", ""
        if event == "end":
            raise error_of(0, data.encode())
        return wire.decode(Entry, loads(data))


def _params(values: Mapping[str, Any]) -> dict[str, Any]:
    params: dict[str, Any] = {}
    for name, value in values.items():
        if value is None or value == "" or value == () or value == []:
            continue
        params[name] = value.isoformat() if isinstance(value, datetime) else list(value) if isinstance(value, tuple) else value
    return params
