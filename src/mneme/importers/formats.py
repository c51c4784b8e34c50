"""The table of formats, how one is recognised, and how a path is read with it."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from mneme.core.errors import InvalidInput, UnknownComponent
from mneme.importers.item import Item, Report
from mneme.importers.source import Source, sources

# name -> module; the order is the order in which a JSON document is tried.
FORMATS = {
    "locomo": "mneme.importers.locomo",
    "longmemeval": "mneme.importers.longmemeval",
    "chatgpt": "mneme.importers.chatgpt",
    "claude": "mneme.importers.claude",
    "messages": "mneme.importers.messages",
    "markdown": "mneme.importers.markdown",
    "text": "mneme.importers.text",
}
EXPORT = "mneme"
"""What :func:`detect` calls mneme's own export; ``space.import_`` takes it, ids and all."""

_DOCUMENTS = ("locomo", "longmemeval", "chatgpt", "claude", "messages")
_LINES = (".jsonl", ".ndjson")
_MARKDOWN = (".md", ".markdown", ".mdown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """A source with the format in which it will be read; ``document`` is its parsed JSON unless it is read as a stream."""

    source: Source
    format: str
    streamed: bool = True
    document: Any = None


def read(path: str | Path, format: str | None = None, *, report: Report | None = None) -> Iterator[Item]:
    """Yield the messages that a path holds, in their order.

    Args:
        path: a file, a zip archive of a ChatGPT or Claude export, or a folder with an export or with notes.
        format: a name of ``FORMATS``; None finds out.
        report: filled while reading; pass one to see what was malformed.

    Raises:
        UnknownComponent: there is no such format.
        InvalidInput: nothing is there, it can't be read, or its format can't be told.
    """
    report = report if report is not None else Report()
    for found in detect_all(path, format, report=report):
        if found.format == EXPORT:
            raise InvalidInput({"path": f"{path} is an export of mneme; take it in with space.import_(path)"})
        report.format = found.format
        for item in _items(found, report):
            report.messages += 1
            yield replace(item, message=report.clean_message(item.message))


def count(path: str | Path, format: str | None = None) -> int:
    """Return how many messages :func:`read` would yield."""
    return sum(1 for _ in read(path, format))


def detect(path: str | Path) -> str:
    """Return the name of the format that a path holds; of its first file when it is a folder or an archive.

    Raises:
        InvalidInput: nothing is there, or its format can't be told.
    """
    return next(detect_all(path, None, report=Report())).format


def detect_all(path: str | Path, format: str | None, *, report: Report) -> Iterator[Detected]:
    """Yield the sources of a path, each with its format."""
    if format is not None and format not in FORMATS and format != EXPORT:
        raise UnknownComponent("format", format, difflib.get_close_matches(format, FORMATS, n=3) or list(FORMATS))
    for source in sources(Path(path)):
        if format is None or format == EXPORT:
            yield _detect(source, report)
            continue
        streamed = format in ("markdown", "text") or (format == "messages" and _in_lines(source))
        document = None if streamed else source.json(report)
        if not streamed and document != [] and not _module(format).matches(document):
            raise InvalidInput({"path": f"{source.name} is JSON but not of format {format}; {_guess(document)}"})
        yield Detected(source=source, format=format, streamed=streamed, document=document)


def _module(format: str) -> Any:
    return importlib.import_module(FORMATS[format])


def _items(found: Detected, report: Report) -> Iterator[Item]:
    module = _module(found.format)
    if found.format in ("markdown", "text"):
        return iter(module.source_items(found.source, report))
    if found.streamed:
        return iter(module.line_items(found.source, report))
    return iter(module.items(found.document, found.source.name, report))


def _detect(source: Source, report: Report) -> Detected:
    head = source.head()
    if b"\x00" in head and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise InvalidInput({"path": f"{source.name} is not text; mneme import reads {', '.join(FORMATS)}"})
    if source.suffix in _MARKDOWN:
        return Detected(source=source, format="markdown")
    looks_json = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")
    if source.suffix == ".txt" or not (looks_json or source.suffix in (".json", *_LINES)):
        return Detected(source=source, format="text")
    if _in_lines(source):
        return Detected(source=source, format=EXPORT if _is_export(head) else "messages")
    document = source.json(report)
    for name in _DOCUMENTS:
        if _module(name).matches(document):
            return Detected(source=source, format=name, streamed=False, document=document)
    raise InvalidInput({"path": f"{source.name} is JSON of no known shape; name it with --format, one of {', '.join(FORMATS)}"})


def _in_lines(source: Source) -> bool:
    """Return whether a file is JSON lines: by its name, or because its first line alone is a whole object and another follows."""
    if source.suffix in _LINES:
        return True
    first, _, rest = source.head().removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")
    if not first.startswith(b"{") or not rest.lstrip().startswith(b"{"):
        return False
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    return True


def _is_export(head: bytes) -> bool:
    try:
        first = orjson.loads(head.partition(b"\n")[0])
    except orjson.JSONDecodeError:
        return False
    return isinstance(first, dict) and first.get("format") == "mneme-export"


def _guess(document: object) -> str:
    fitting = [name for name in _DOCUMENTS if _module(name).matches(document)]
    return f"try --format {fitting[0]}" if fitting else "is it the right file?"
