"""A tool surface: functions that a model may call, described by JSON schemas; whatever goes wrong comes back as text.

:func:`run` is the loop: a model answers with one call at a time; a call that asks for a heartbeat, or fails, gives it another step. What
a model can do wrong costs it a step and nothing else: unknown tools, missing, misspelt, oversized or mistyped arguments, replies that are
no call at all, and heartbeats without end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from mneme.core.errors import InvalidReply, MnemeError
from mneme.core.llm import LLM, Prompt

MOST_ARGUMENT_CHARS = 20_000
"""Of all arguments of a call together, as JSON."""

MOST_RESULT_CHARS = 8_000
"""A longer result is cut, and says so."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}


class ToolFailed(Exception):
    """A tool can't do what it was asked; its text goes back to the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function that a model may call.

    Args:
        name, about: as the model sees them.
        parameters: name -> JSON schema of the argument.
        call: gets the arguments by name and returns text.
        optional: arguments that may be left out.
    """

    name: str
    about: str
    parameters: Mapping[str, Mapping[str, Any]]
    call: Callable[..., str]
    optional: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """Return the tool as providers want it: name, description, parameters."""
        required = [name for name in self.parameters if name not in self.optional]
        parameters = {"type": "object", "properties": dict(self.parameters), "required": required, "additionalProperties": False}
        return {"name": self.name, "description": self.about, "parameters": parameters}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a call came to.

    Args:
        text: for the model.
        failed: whether it failed.
    """

    text: str
    failed: bool = False


class Surface:
    """The tools of one agent.

    Args:
        tools: what may be called.
    """

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def schemas(self) -> list[dict[str, Any]]:
        """Return every tool's schema, in order."""
        return [tool.schema() for tool in self._tools.values()]

    def call(self, name: str, arguments: Mapping[str, Any]) -> Result:
        """Return what a call came to; unknown tools, bad arguments and failures are text."""
        tool = self._tools.get(name)
        if tool is None:
            return Result(text=f"Error: there is no tool {name[:100]!r}; there are {', '.join(self._tools)}.", failed=True)
        given = {key: value for key, value in arguments.items() if value is not None or key not in tool.optional}
        problems = _oversize(given) or _problems(tool, given)
        if problems:
            return Result(text=f"Error: {name}: {'; '.join(problems)}.", failed=True)
        try:
            text = tool.call(**given)
        except (ToolFailed, MnemeError) as error:
            return Result(text=f"Error: {error}"[:MOST_RESULT_CHARS], failed=True)
        if len(text) > MOST_RESULT_CHARS:
            text = f"{text[:MOST_RESULT_CHARS]}\n(cut: {len(text):,} characters in all; ask for less at once)"
        return Result(text=text)


def _oversize(arguments: Mapping[str, Any]) -> list[str]:
    try:
        size = len(orjson.dumps(dict(arguments)))
    except orjson.JSONEncodeError:
        return ["arguments must be plain JSON values"]
    return [f"arguments have {size:,} characters, at most {MOST_ARGUMENT_CHARS:,} are taken"] if size > MOST_ARGUMENT_CHARS else []


def _problems(tool: Tool, arguments: Mapping[str, Any]) -> list[str]:
    found = [f"{name} is missing" for name in tool.parameters if name not in arguments and name not in tool.optional]
    for name, value in arguments.items():
        schema = tool.parameters.get(name)
        if schema is None:
            found.append(f"{name[:100]} is unknown; arguments are {', '.join(tool.parameters) or 'none'}")
        elif problem := _misfit(value, schema):
            found.append(f"{name} {problem}")
    return found


def _misfit(value: Any, schema: Mapping[str, Any]) -> str:
    """Return what is wrong with a value; empty when it fits."""
    wanted = str(schema.get("type", "string"))
    fits = isinstance(value, _TYPES[wanted])
    if not fits or (wanted != "boolean" and type(value) is bool):
        return f"must be of type {wanted}"
    if "enum" in schema and value not in schema["enum"]:
        return f"must be one of {', '.join(map(str, schema['enum']))}"
    if "minimum" in schema and value < schema["minimum"]:
        return f"must be at least {schema['minimum']}"
    if "maximum" in schema and value > schema["maximum"]:
        return f"must be at most {schema['maximum']}"
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        return f"has {len(value):,} characters, at most {schema['maxLength']:,} are taken"
    if wanted == "array" and "items" in schema:
        problems = [f"item {number} {problem}" for number, item in enumerate(value) if (problem := _misfit(item, schema["items"]))]
        return "; ".join(problems[:3])
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A model's next step.

    Args:
        tool: which tool.
        arguments: by name.
        heartbeat: another step is wanted after this one.
    """

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)
    heartbeat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A call and its result."""

    call: Call
    result: Result


def run(
    llm: LLM,
    prompt: Prompt,
    variables: Callable[[Sequence[Step]], Mapping[str, object]],
    surface: Surface,
    *,
    most_steps: int = 10,
    ends: Callable[[Step], bool] = lambda step: False,
) -> list[Step]:
    """Let a model call tools until it yields.

    Args:
        llm, prompt: what is asked, with what words.
        variables: steps so far -> the prompt's variables.
        surface: the tools.
        most_steps: a model that never yields is stopped after so many.
        ends: whether a step hands control back even if a heartbeat was asked for.

    Returns:
        The steps, in order. A reply that is no call, after every retry of the model, is a step that failed; a model that still wants to go
        on after the last step finds that in the result of this step.

    Raises:
        ModelUnavailable, BudgetExceeded, ContextOverflow: the model can't be asked at all.
    """
    steps: list[Step] = []
    while len(steps) < most_steps:
        try:
            call = llm.ask(prompt, variables(steps), Call)
        except InvalidReply as error:
            text = f"Error: the reply was no call; answer with tool, arguments and heartbeat ({error})"
            steps.append(Step(call=Call(tool=""), result=Result(text=text[:MOST_RESULT_CHARS], failed=True)))
            continue
        steps.append(Step(call=call, result=surface.call(call.tool, call.arguments)))
        if ends(steps[-1]) or not (call.heartbeat or steps[-1].result.failed):
            return steps
    if steps:
        told = f"{steps[-1].result.text}\n(stopped after {most_steps} steps)"
        steps[-1] = replace(steps[-1], result=replace(steps[-1].result, text=told))
    return steps


def paged(lines: Sequence[str], page: int, size: int, what: str) -> str:
    """Return one page of results; pages count from 0.

    Example:
        >>> print(paged(["a", "b", "c"], 1, 2, "results"))
        page 2 of 2, 3 results
        c
    """
    pages = max(1, -(-len(lines) // size))
    if page >= pages:
        raise ToolFailed(f"page {page} is past the end; there are {pages} pages, counted from 0")
    return "\n".join([f"page {page + 1} of {pages}, {len(lines)} {what}", *lines[page * size : (page + 1) * size]])


class ShortIds:
    """Small numbers for ids, which a model copies without mistakes. A number is given once and never to another id."""

    def __init__(self) -> None:
        self._number: dict[str, str] = {}
        self._id: dict[str, str] = {}

    def number(self, id: str) -> str:
        """Return the number of an id, the next free one for a new id."""
        if id not in self._number:
            self._number[id] = str(len(self._number) + 1)
            self._id[self._number[id]] = id
        return self._number[id]

    def id(self, number: str) -> str:
        """Return the id that a number stands for.

        Raises:
            ToolFailed: no such number was given out.
        """
        if number not in self._id:
            raise ToolFailed(f"there is no entry {number[:100]!r}; search for entries and use their numbers")
        return self._id[number]
