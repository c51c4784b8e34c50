"""Records of an export, checked: a file or a request may have been written by anybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mneme.core import codec
from mneme.core.errors import InvalidInput
from mneme.core.records import KINDS, LINK_TYPES, Episode, Link, Memory, Usage
from mneme.engine.prepare import attribute_problem, text_problem

STATUSES = ("active", "archived", "quarantined", "undone")
_LONGEST_ID = 100
_NAMES = ("author", "role", "session", "ref", "channel")
_T = TypeVar("_T")


def episode(line: Mapping[str, Any]) -> Episode:
    """Return the episode of a line.

    Raises:
        InvalidInput: it is none.
    """
    record = _made(codec.episode_from_plain, line["episode"], "episode")
    _refuse("episode", _shared_problems(record, "ep_"))
    return record


def memory(line: Mapping[str, Any]) -> Memory:
    """Return the memory of a line.

    Raises:
        InvalidInput: it is none.
    """
    record = _made(codec.memory_from_plain, line["memory"], "memory")
    problems = _shared_problems(record, "mem_")
    if record.kind not in KINDS:
        problems["kind"] = f"is unknown; known are {', '.join(KINDS)}"
    if record.status not in STATUSES:
        problems["status"] = f"is unknown; known are {', '.join(STATUSES)}"
    if not _whole(record.version) or record.version < 1:
        problems["version"] = "must be a whole number of at least 1"
    if not _number(record.importance) or not 0 <= record.importance <= 1:
        problems["importance"] = "must be in [0, 1]"
    if not isinstance(record.tier, str):
        problems["tier"] = "must be a string"
    for span in record.sources:
        if not (isinstance(span.episode, str) and _whole(span.start) and _whole(span.end) and 0 <= span.start <= span.end):
            problems["sources"] = "must be episode, start, end"
    _refuse("memory", problems)
    return record


def usage(line: Mapping[str, Any]) -> Usage:
    """Return the usage of a line.

    Raises:
        InvalidInput: it is none.
    """
    record = _made(codec.usage_from_plain, line["usage"], "usage")
    state = record.state.items()
    if not (_number(record.uses) and _number(record.strength) and all(isinstance(k, str) and _number(v) for k, v in state)):
        raise InvalidInput({"usage": "must be numbers"})
    return record


def link(line: Mapping[str, Any]) -> Link:
    """Return the link of a line.

    Raises:
        InvalidInput: it is none.
    """
    record = _made(codec.link_from_plain, line["link"], "link")
    ends = isinstance(record.source, str) and isinstance(record.target, str)
    if not ends or record.type not in LINK_TYPES or not _number(record.weight):
        raise InvalidInput({"link": f"must have two ids, a weight, and a type of {', '.join(LINK_TYPES)}"})
    return record


def _made(make: Callable[[Mapping[str, Any]], _T], plain: Any, what: str) -> _T:
    try:
        return make(plain)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidInput({what: f"is not as mneme exports it ({type(error).__name__}); export the space again"}) from error


def _shared_problems(record: Episode | Memory, prefix: str) -> dict[str, str]:
    problems: dict[str, str] = {}
    if not isinstance(record.id, str) or not record.id.startswith(prefix) or len(record.id) > _LONGEST_ID or not record.id.isascii():
        problems["id"] = f"must begin with {prefix}"
    problem = text_problem(record.text)
    if problem:
        problems["text"] = problem
    for name in _NAMES:
        value = getattr(record, name)
        if value is not None and text_problem(value):
            problems[name] = str(text_problem(value))
    if any(text_problem(tag) for tag in record.tags):
        problems["tags"] = "must be strings"
    if any(text_problem(part) for medium in record.media for part in (medium.uri, medium.mime, medium.caption)):
        problems["media"] = "must be strings"
    return problems | ({} if isinstance(record.attributes, Mapping) and not attribute_problem(record.attributes) else _NO_OBJECT)


_NO_OBJECT = {"attributes": "must be an object of JSON values"}


def _refuse(what: str, problems: Mapping[str, str]) -> None:
    if problems:
        raise InvalidInput({f"{what}.{name}": problem for name, problem in problems.items()})


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53
