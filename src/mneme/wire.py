"""Results as JSON and back: what the server sends, the client reads, and the command line prints.

A record is an object of its fields, a time is ISO 8601 in UTC, a trace is what it writes of itself.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson

from mneme.core.query import Recall, Receipt
from mneme.core.trace import Trace

_T = TypeVar("_T")
_NATIVE = orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY
_OPTIONS = _NATIVE | orjson.OPT_PASSTHROUGH_DATACLASS


def encode(value: object) -> bytes:
    """Return a result, or plain values that hold results, as JSON.

    Example:
        >>> from mneme.core.records import Span
        >>> encode(Span(episode="ep_1", start=0, end=5))
        b'{"episode":"ep_1","start":0,"end":5}'
    """
    if isinstance(value, Recall | Receipt):
        # These are most of what a server sends; below their top, every record is its fields, and orjson is fastest by itself.
        return orjson.dumps(_plain(value) | {"trace": value.trace and value.trace.to_plain()}, default=_plain, option=_NATIVE)
    return orjson.dumps(value, default=_plain, option=_OPTIONS)


def plain(value: object) -> Any:
    """Return a result as plain JSON values."""
    return orjson.loads(encode(value))


def decode(kind: type[_T], values: Any) -> _T:
    """Return the result of a class that :func:`encode` wrote; fields that this version does not know are left out.

    Example:
        >>> from mneme.core.records import Span
        >>> decode(Span, {"episode": "ep_1", "start": 0, "end": 5}).end
        5
    """
    result: _T = _read(kind, values)
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, Trace):
        return value.to_plain()
    kind: Any = type(value)
    names = _names(kind)
    if names:
        return {name: getattr(value, name) for name in names}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


@cache
def _names(kind: type) -> tuple[str, ...]:
    # What a repr leaves out, such as a function that counts, is no part of the result.
    return tuple(field.name for field in fields(kind) if field.repr) if is_dataclass(kind) else ()


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(hint: Any, value: Any) -> Any:
    if value is None or hint is Any or hint is object:
        return value
    if hint is datetime:
        return datetime.fromisoformat(value).astimezone(UTC)
    if hint is Trace:
        return _trace(value)
    if isinstance(hint, type) and is_dataclass(hint):
        hints = _hints(hint)
        return hint(**{name: _read(hints[name], value[name]) for name in hint.__dataclass_fields__ if name in value})
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        chosen = [argument for argument in arguments if argument is not types.NoneType]
        return _read(chosen[0], value) if len(chosen) == 1 else value
    if origin is tuple:
        return tuple(_read(arguments[0], item) for item in value)
    if origin is list:
        return [_read(arguments[0], item) for item in value]
    if hint is float:
        return float(value)
    return value


def _trace(value: Mapping[str, Any]) -> Trace:
    return Trace(
        id=value["id"],
        verb=value["verb"],
        stages=[(name, ms) for name, ms in value.get("stages_ms", ())],
        notes=list(value.get("notes", ())),
        models=list(value.get("models", ())),
    )
