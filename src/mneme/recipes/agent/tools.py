"""A tool surface: functions that a model may call, described by JSON schemas; whatever goes wrong comes back as text.

:func:`run` is the loop: a model answers with one call at a time; a call that asks for a heartbeat, or fails, gives it another step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mneme.core.errors import MnemeError
from mneme.core.llm import LLM, Prompt

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
            return Result(text=f"Error: there is no tool {name!r}; there are {', '.join(self._tools)}.", failed=True)
        problems = _problems(tool, arguments)
        if problems:
            return Result(text=f"Error: {name}: {'; '.join(problems)}.", failed=True)
        try:
            return Result(text=tool.call(**arguments))
        except (ToolFailed, MnemeError) as error:
            return Result(text=f"Error: {error}", failed=True)


def _problems(tool: Tool, arguments: Mapping[str, Any]) -> list[str]:
    found = [f"{name} is missing" for name in tool.parameters if name not in arguments and name not in tool.optional]
    for name, value in arguments.items():
        schema = tool.parameters.get(name)
        if schema is None:
            found.append(f"{name} is unknown; arguments are {', '.join(tool.parameters) or 'none'}")
            continue
        wanted = str(schema.get("type", "string"))
        if not isinstance(value, _TYPES[wanted]) or (isinstance(value, bool) and wanted != "boolean"):
            found.append(f"{name} must be of type {wanted}")
        elif "enum" in schema and value not in schema["enum"]:
            found.append(f"{name} must be one of {', '.join(map(str, schema['enum']))}")
        elif "minimum" in schema and value < schema["minimum"]:
            found.append(f"{name} must be at least {schema['minimum']}")
    return found


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
        The steps, in order.
    """
    steps: list[Step] = []
    while len(steps) < most_steps:
        call = llm.ask(prompt, variables(steps), Call)
        steps.append(Step(call=call, result=surface.call(call.tool, call.arguments)))
        if ends(steps[-1]) or not (call.heartbeat or steps[-1].result.failed):
            break
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
