"""Markdown: each section is one message that begins with its path of headings; front matter gives the date, author and title.

``ref`` is ``FILE#ANCHOR`` as web pages name sections. Headings inside code fences are code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from mneme.core.records import Message
from mneme.importers.item import Item, Report
from mneme.importers.moments import read_moment
from mneme.importers.source import Source

SUMMARY = "Markdown, one message for each section"
_HEADING = re.compile(r" {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})\s*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_FIELD = re.compile(r"([A-Za-z_-]+):\s*(.*?)\s*")


@dataclass(slots=True, kw_only=True)
class _Section:
    line: int
    headings: tuple[str, ...] = ()
    body: list[str] = field(default_factory=list)


def source_items(source: Source, report: Report) -> Iterator[Item]:
    """Yield the sections of a file that have a body, in order."""
    lines = source.text(report).splitlines()
    matter, start = _front_matter(lines)
    at = _date(matter.get("date"), source.name, report)
    anchors: dict[str, int] = {}
    index = 0
    for section in _sections(lines, start):
        anchor = _anchor(section.headings, anchors)
        body = "\n".join(section.body).strip()
        if not body:
            continue
        path = " › ".join(section.headings)
        titled = {"title": matter.get("title"), "section": path}
        message = Message(
            text=f"{path}\n\n{body}" if path else body,
            author=matter.get("author"),
            at=at,
            session=source.stem,
            ref=f"{source.name}#{anchor}" if anchor else source.name,
            channel="document",
            attributes={name: value for name, value in titled.items() if value},
        )
        yield Item(message=message, conversation=source.name, index=index, place=f"{source.name}, line {section.line}")
        index += 1


def _front_matter(lines: list[str]) -> tuple[dict[str, str], int]:
    if not lines or lines[0].strip() != "---":
        return {}, 0
    end = next((n for n, line in enumerate(lines[1:], start=1) if line.strip() in ("---", "...")), None)
    if end is None:
        return {}, 0
    fields = [found for line in lines[1:end] if (found := _FIELD.fullmatch(line))]
    return {f[1].lower(): f[2].strip("\"'") for f in fields if f[2]}, end + 1


def _date(written: str | None, name: str, report: Report) -> datetime | None:
    if written is None:
        return None
    try:
        return read_moment(written)
    except ValueError:
        report.problem(f"{name}, front matter", f"its date {written!r} is not a date; the text is dated by the import")
        return None


def _sections(lines: list[str], start: int) -> Iterator[_Section]:
    open_headings: list[tuple[int, str]] = []
    section = _Section(line=start + 1)
    fence = ""
    for number, line in enumerate(lines[start:], start=start + 1):
        fence = _fence(line, fence)
        heading = None if fence else _heading(line, section.body)
        if heading is None:
            section.body.append(line)
            continue
        level, title = heading
        yield section
        open_headings = [(depth, text) for depth, text in open_headings if depth < level] + [(level, title)]
        section = _Section(line=number, headings=tuple(text for _, text in open_headings if text))
    yield section


def _fence(line: str, fence: str) -> str:
    found = _FENCE.match(line)
    if not found:
        return fence
    if not fence:
        return found[1]
    return "" if found[1].startswith(fence) and not line.strip().strip(fence[0]) else fence


def _heading(line: str, body: list[str]) -> tuple[int, str] | None:
    if found := _HEADING.fullmatch(line):
        return len(found[1]), found[2] or ""
    # An underlined heading is one line between a blank one and its underline.
    underline = _UNDERLINE.fullmatch(line)
    alone = bool(body) and bool(body[-1].strip()) and (len(body) == 1 or not body[-2].strip())
    if underline and alone and not body[-1].lstrip().startswith(("-", "*", "|", ">")):
        return (1 if underline[1][0] == "=" else 2), body.pop().strip()
    return None


def _anchor(headings: tuple[str, ...], used: dict[str, int]) -> str:
    if not headings:
        return ""
    slug = re.sub(r"[^\w\- ]", "", headings[-1].lower()).replace(" ", "-")
    count = used.get(slug, 0)
    used[slug] = count + 1
    return f"{slug}-{count}" if count else slug
