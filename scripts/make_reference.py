"""Write docs/reference/ from the code: the command line from its help, Python from its docstrings, errors from their table.

``make reference`` writes the pages; ``python scripts/make_reference.py --check`` says whether they are current.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import mneme
from mneme.cli.app import App
from mneme.cli.main import COMMANDS, cli
from mneme.core import errors
from mneme.core.error_map import INTERRUPTED, codes_of
from mneme.importers import FORMATS

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = "<!-- Written by scripts/make_reference.py; change the code and run `make reference`. -->\n"
WIDTH = 100
# Beside the names of the package: what its objects give back or take, and the importers.
FURTHER = ("mneme.space:Step", "mneme.core.journal:Entry", "mneme.core.journal:Change", "mneme.core.trace:Trace")
IMPORTERS = ("read", "count", "detect", "take_in", "Item", "Problem", "Report", "Intake")
_SECTION = re.compile(r"(Args|Returns|Raises|Yields|Attributes|Example|Source|Differs):$")
_NAMED = re.compile(r"(\w[\w, *.]*): (.*)")
_ROLE = re.compile(r":\w+:`~?([^`]*)`")


def pages() -> dict[str, str]:
    """Return file name -> text of every page."""
    return {"cli.md": NOTE + cli_page(), "python.md": NOTE + python_page(), "errors.md": NOTE + errors_page()}


def cli_page() -> str:
    """Return the page of the command line."""
    parts = ["# The command line\n", *_command("mneme", cli)]
    for commands in COMMANDS.values():
        for name in commands:
            command = cli.get_command(click.Context(cli), name)
            assert command is not None
            parts += _command(f"mneme {name}", command)
    parts.append("## Formats of `mneme import`\n")
    parts += [f"- `{name}`: {importlib.import_module(module).SUMMARY}" for name, module in FORMATS.items()]
    parts.append("- `mneme`: an export of mneme, with its ids\n")
    return "\n".join(parts)


def _command(name: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=name, obj=App(), terminal_width=WIDTH, max_content_width=WIDTH)
    parts = [f"## {name}\n", "```text", command.get_help(context), "```\n"]
    if isinstance(command, click.Group) and command is not cli:
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            parts += _command(f"{name} {inner}", found)
    return parts


def python_page() -> str:
    """Return the page of the Python names."""
    parts = ["# Python\n", "Everything here is imported from `mneme`, unless it says otherwise.\n"]
    for name in mneme.__all__:
        if not name.startswith("__"):
            parts += _described(f"mneme.{name}", getattr(mneme, name))
    parts.append("# What calls return beside that\n")
    for place in FURTHER:
        module, _, name = place.partition(":")
        parts += _described(f"{module}.{name}", getattr(importlib.import_module(module), name))
    parts.append("# mneme.importers\n")
    importers = importlib.import_module("mneme.importers")
    for name in IMPORTERS:
        parts += _described(f"mneme.importers.{name}", getattr(importers, name))
    return "\n".join(parts)


def _described(name: str, thing: Any) -> list[str]:
    parts = [f"## {name}\n"]
    shown = name.rpartition(".")[2]
    if not (inspect.isclass(thing) and issubclass(thing, Exception)):
        parts += ["```python", f"{shown}{signature(thing)}", "```\n"]
    parts += [markdown(inspect.getdoc(thing) or ""), ""]
    if inspect.isclass(thing):
        for member, function in _members(thing):
            head = f"### {shown}.{member}\n"
            code = [] if isinstance(function, property) else ["```python", f"{member}{signature(function)}", "```\n"]
            parts += [head, *code, markdown(inspect.getdoc(function) or ""), ""]
    return parts


def _members(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the public members of a class, then those of what it is made of that has no heading of its own."""
    parts = [kind, *(part for part in kind.__mro__[1:] if part.__module__.startswith("mneme.") and not hasattr(mneme, part.__name__))]
    for name, member in (item for part in parts for item in vars(part).items()):
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
            yield name, member


def signature(thing: Any) -> str:
    """Return a signature as it stands in the source, one parameter a line when it is long."""
    found = inspect.signature(thing)
    parts: list[str] = []
    keyword_only = False
    for parameter in found.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            keyword_only = True
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            parts.append("*")
        stars = "*" * (parameter.kind is parameter.VAR_POSITIONAL) + "**" * (parameter.kind is parameter.VAR_KEYWORD)
        text = f"{stars}{parameter.name}"
        if parameter.annotation is not parameter.empty:
            text += f": {parameter.annotation}"
        if parameter.default is not parameter.empty:
            text += f" = {_default(parameter.default)}"
        parts.append(text)
    returns = "" if inspect.isclass(thing) or found.return_annotation is found.empty else f" -> {found.return_annotation}"
    line = f"({', '.join(parts)}){returns}"
    return line if len(line) <= WIDTH - 10 else "(\n    " + ",\n    ".join(parts) + f",\n){returns}"


def _default(value: object) -> str:
    text = repr(value)
    if callable(value) or " object at 0x" in text or "factory" in text:
        return "..."
    return text


def markdown(doc: str) -> str:
    """Return a Google docstring as Markdown: sections as bold words, named items as a list."""
    lines: list[str] = []
    section = ""
    for line in _ROLE.sub(r"`\1`", doc).replace("``", "`").splitlines():
        found = _SECTION.match(line)
        if found:
            section = found[1]
            lines += [f"**{section}**", ""]
        elif not line.strip() or not line.startswith("    "):
            section = section if not line.strip() else ""
            lines.append(line)
        elif section == "Example":
            lines.append(line)
        else:
            lines.append(_item(line))
    return "\n".join(lines).rstrip()


def _item(line: str) -> str:
    inner = line[4:]
    if inner.startswith("    "):
        return "  " + inner.lstrip()
    named = _NAMED.match(inner)
    return f"- `{named[1]}`: {named[2]}" if named else inner


def errors_page() -> str:
    """Return the page of the errors and their codes."""
    parts = [
        "# Errors\n",
        "Every error that mneme raises is a `mneme.MnemeError`; they live in `mneme.core.errors`. Its message names the field and the fix.",
        f"The command line leaves with the exit code; 0 is success, {INTERRUPTED} an interruption, 1 also a check that found something.\n",
        "| error | what happened | exit code | HTTP | MCP |",
        "|---|---|---|---|---|",
    ]
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.MnemeError):
            codes = codes_of(kind)
            first = (inspect.getdoc(kind) or "").splitlines()[0]
            parts.append(f"| `{name}` | {first} | {codes.exit} | {codes.http} | {codes.mcp} |")
    return "\n".join(parts) + "\n"


def main() -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; leave with 1 if a page is not current")
    check = parser.parse_args().check
    FOLDER.mkdir(parents=True, exist_ok=True)
    stale = [name for name, text in pages().items() if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text]
    if check:
        for name in stale:
            print(f"docs/reference/{name} is not current; run make reference")
        return 1 if stale else 0
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
    print(f"Wrote {', '.join(stale) or 'nothing: all pages were current'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
