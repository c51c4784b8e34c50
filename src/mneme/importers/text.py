"""Plain text: each paragraph (a run of lines between blank ones) is one message; ``ref`` is ``FILE:LINE`` of its first line.

A paragraph that goes on for more than two thousand characters, such as a log or a list, is cut at line ends.
"""

from __future__ import annotations

from collections.abc import Iterator

from mneme.core.records import Message
from mneme.importers.item import Item, Report
from mneme.importers.source import Source

SUMMARY = "plain text, one message for each paragraph"
_LONG = 2_000


def source_items(source: Source, report: Report) -> Iterator[Item]:
    """Yield the paragraphs of a file, in order; the file is never held whole."""
    for index, (line, text) in enumerate(_paragraphs(source, report)):
        ref = f"{source.name}:{line}"
        message = Message(text=text, session=source.stem, ref=ref, channel="document")
        yield Item(message=message, conversation=source.name, index=index, place=f"{source.name}, line {line}")


def _paragraphs(source: Source, report: Report) -> Iterator[tuple[int, str]]:
    first, size = 0, 0
    lines: list[str] = []
    for number, raw in source.lines(report):
        line = raw.rstrip()
        if lines and (not line or size + len(line) > _LONG):
            yield first, "\n".join(lines)
            first, size, lines = 0, 0, []
        if line:
            first = first or number
            size += len(line)
            lines.append(line)
    if lines:
        yield first, "\n".join(lines)
