"""From a model's words to a checked object: thinking and code fences off, JSON found, schema held.

Small models wrap their JSON in thinking, fences and chatter. What is found is checked as strictly as a bare reply; nothing is guessed or
mended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import orjson

from mneme.core.errors import InvalidInput, InvalidReply, MissingExtra

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")

_THOUGHT_TAG = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)
_MAX_STARTS = 40
_MAX_PROBLEMS = 6


@dataclass(frozen=True, slots=True)
class ReplySchema(Generic[T]):
    """The type of a reply with its JSON schema.

    Args:
        adapter: checks and writes values of the type.
        name: a name that providers accept.
        json_schema: the schema, an object at its root.
    """

    adapter: TypeAdapter[T]
    name: str
    json_schema: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The schema in one line, for prompts."""
        return orjson.dumps(self.json_schema).decode()

    def read(self, text: str, *, cut_off: bool = False) -> T:
        """Return the object in a reply.

        Args:
            text: the reply as it came.
            cut_off: the reply ended at its length limit.

        Raises:
            InvalidReply: there is no JSON object in it, or none that fits; the message says what to mend, in words for the model.
        """
        first: InvalidReply | None = None
        for found in _objects(text):
            try:
                return self.check(found)
            except InvalidReply as problem:
                first = first or problem
        if first is not None:
            raise first
        raise InvalidReply(_nothing_found(text, cut_off))

    def check(self, value: object) -> T:
        """Return ``value`` (plain JSON values) as an object of the type.

        Raises:
            InvalidReply: it does not fit.
        """
        from pydantic import ValidationError

        try:
            return self.adapter.validate_json(orjson.dumps(value))
        except ValidationError as problem:
            raise InvalidReply(_describe(problem)) from problem

    def dump(self, value: T) -> Any:
        """Return an object of the type as plain JSON values."""
        return self.adapter.dump_python(value, mode="json")


def reply_schema(schema: type[T]) -> ReplySchema[T]:
    """Return the schema of a reply type.

    Raises:
        InvalidInput: pydantic can't describe the type, or its JSON is not an object.
        MissingExtra: pydantic is not installed.
    """
    return cast("ReplySchema[T]", _reply_schema(cast("Hashable", schema)))


@lru_cache(maxsize=256)
def _reply_schema(schema: Any) -> ReplySchema[Any]:
    try:
        from pydantic import PydanticUserError, TypeAdapter
    except ImportError as missing:
        raise MissingExtra("checking a model's replies", "llm") from missing

    try:
        adapter = TypeAdapter(schema)
        described = adapter.json_schema()
    except (PydanticUserError, TypeError) as problem:
        raise InvalidInput({"schema": f"is no type that can be checked: {problem}"}) from problem
    if described.get("type") != "object":
        raise InvalidInput({"schema": f"its JSON is {described.get('type', 'not an object')}; wrap it in a dataclass with one field"})
    name = re.sub(r"\W+", "_", getattr(schema, "__name__", "reply")).strip("_")[:60] or "reply"
    return ReplySchema(adapter=adapter, name=name, json_schema=described)


def strip_wrapping(text: str) -> str:
    r"""Return a reply without thinking blocks and without the code fence round it.

    Example:
        >>> strip_wrapping("<think>hm</think>```json\n{}\n```")
        '{}'
    """
    bare = _without_thinking(text)
    fenced = _FENCE.fullmatch(bare)
    return fenced.group(1).strip() if fenced else bare


def _without_thinking(text: str) -> str:
    """Leave out what stands between thinking tags, before a closing tag that nothing opened, and after an opening one without an end."""
    kept: list[str] = []
    position, inside = 0, False
    # One pass: a lazy pattern would read the rest of the reply again for each of many opening tags.
    for tag in _THOUGHT_TAG.finditer(text):
        if tag.group(1):
            if not inside:  # some chat templates open the thinking themselves
                kept.clear()
            position, inside = tag.end(), False
        elif not inside:
            kept.append(text[position : tag.start()])
            inside = True
    if not inside:
        kept.append(text[position:])
    return "".join(kept).strip()


def _objects(text: str) -> Iterator[object]:
    """Yield the JSON objects of a reply: the whole of it, then fenced blocks, then whatever starts with a brace."""
    # A bare object comes first: its strings may hold what looks like a tag or a fence.
    whole = _parse(text.strip())
    if whole is not None:
        yield whole
        return
    bare = strip_wrapping(text)
    whole = _parse(bare)
    if whole is not None:
        yield whole
        return
    for block in _FENCE.finditer(bare):
        found = _parse(block.group(1).strip())
        if found is not None:
            yield found
    yield from _embedded(bare)


def _embedded(text: str) -> Iterator[object]:
    position = 0
    for _ in range(_MAX_STARTS):
        position = text.find("{", position)
        if position < 0:
            return
        try:
            found, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            position += 1
            continue
        yield found


def _parse(text: str) -> object | None:
    if not text.startswith("{"):
        return None
    try:
        return cast("object", _DECODER.decode(text))
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> object:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _nothing_found(text: str, cut_off: bool) -> str:
    if not text.strip():
        return "The reply was empty."
    if not _without_thinking(text):
        return "The reply held only thinking and no answer. Answer with the JSON object at once."
    if cut_off or _stops_short(text):
        return "The reply was cut off before its JSON ended. Answer more briefly."
    return "The reply held no valid JSON object."


def _stops_short(text: str) -> bool:
    """Tell whether the first object of a reply lacks its end, which servers do not always say."""
    bare = strip_wrapping(text)
    start = bare.find("{")
    if start < 0:
        return False
    try:
        _DECODER.raw_decode(bare, start)
    except json.JSONDecodeError as problem:
        return problem.pos >= len(bare) or problem.msg.startswith("Unterminated string")
    except (ValueError, RecursionError):
        return False
    return False


def _describe(problem: ValidationError) -> str:
    errors = problem.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"{'.'.join(str(part) for part in error['loc']) or 'the object'}: {error['msg']}" for error in errors[:_MAX_PROBLEMS]]
    if len(errors) > _MAX_PROBLEMS:
        lines.append(f"and {len(errors) - _MAX_PROBLEMS} more")
    return "The JSON does not fit: " + "; ".join(lines) + "."
