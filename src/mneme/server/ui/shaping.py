"""What the pages show of records: short forms for lists, whole ones for a memory's page; never more than a page can hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mneme import wire
from mneme.core.journal import Entry
from mneme.core.query import Hit
from mneme.core.records import Episode, Span
from mneme.core.records import Memory as Record

LINE = 320
"""Characters of a text in a list."""

WHOLE = 50_000
"""Characters of a text on its page; the rest comes on request."""

AROUND = 1_500
"""Characters of an episode around what a memory rests on."""

MOST_CHANGES = 30
_LIST_FIELDS = ("id", "kind", "at", "status", "author", "session", "tags", "version", "valid_to", "importance", "tier")


def brief(memory: Record) -> dict[str, Any]:
    """Return a memory for a list."""
    return {**{name: getattr(memory, name) for name in _LIST_FIELDS}, **_text(memory.text, LINE)}


def brief_episode(episode: Episode) -> dict[str, Any]:
    """Return an episode for a list."""
    fields = ("id", "at", "recorded_at", "author", "role", "session", "ref", "channel", "tags")
    return {**{name: getattr(episode, name) for name in fields}, **_text(episode.text, LINE)}


def whole(memory: Record) -> dict[str, Any]:
    """Return a memory for its page."""
    plain: dict[str, Any] = {name: getattr(memory, name) for name in memory.__dataclass_fields__}
    return {**plain, **_text(memory.text, WHOLE)}


def hit(found: Hit, place: int) -> dict[str, Any]:
    """Return a hit with what brought it here: numbers for bars, the rest as notes."""
    bars = {name: value for name, value in found.why.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    notes = {name: value for name, value in found.why.items() if name not in bars}
    return {**brief(found.memory), "place": place, "score": found.score, "mark": found.mark, "bars": bars, "notes": wire.plain(notes)}


def entry(one: Entry) -> dict[str, Any]:
    """Return a journal entry with its first changes and how many there are of each kind."""
    shown = [{"op": change.op, "subject": change.subject, "before": change.before, "after": change.after} for change in one.changes]
    return {
        "seq": one.seq,
        "recorded_at": one.recorded_at,
        "verb": one.verb,
        "actor": one.actor,
        "reason": one.reason,
        "undoes": one.undoes,
        "hash": one.hash,
        "changes": shown[:MOST_CHANGES],
        "counts": dict(Counter(change.op for change in one.changes)),
    }


def sources(spans: Sequence[Span], episodes: Mapping[str, Episode]) -> list[dict[str, Any]]:
    """Return the episodes that a memory rests on, each as pieces of its text with the cited ones marked."""
    by_episode: dict[str, list[Span]] = {}
    for span in spans:
        by_episode.setdefault(span.episode, []).append(span)
    shown = []
    for id, cited in by_episode.items():
        episode = episodes.get(id)
        if episode is None:
            shown.append({"id": id, "erased": True, "pieces": []})
        else:
            shown.append({**brief_episode(episode), "erased": False, "pieces": pieces(episode.text, cited)})
    return shown


def pieces(text: str, spans: Sequence[Span]) -> list[dict[str, Any]]:
    """Return a text in pieces, cited or not; what lies far from every citation is left out and counted.

    Example:
        >>> pieces("I moved to Porto.", [Span(episode="ep_1", start=11, end=16)])[1]
        {'text': 'Porto', 'cited': True, 'left_out': 0}
    """
    found: list[dict[str, Any]] = []
    done = 0
    for start, end in [*_merged(spans, len(text)), (len(text), len(text))]:
        between = text[done:start]
        head, tail = (0 if done == 0 else AROUND), (0 if start == len(text) else AROUND)
        _add(found, between, head if done else 0, tail)
        if end > start:
            found.append({"text": text[start : min(end, start + WHOLE)], "cited": True, "left_out": max(end - start - WHOLE, 0)})
        done = end
    return found


def _add(found: list[dict[str, Any]], between: str, head: int, tail: int) -> None:
    """Add the text between two citations, without its middle when it is long."""
    if len(between) <= 2 * AROUND:
        if between:
            found.append({"text": between, "cited": False, "left_out": 0})
        return
    left_out = len(between) - head - tail
    if head:
        found.append({"text": between[:head], "cited": False, "left_out": left_out})
    if tail:
        found.append({"text": between[-tail:], "cited": False, "left_out": 0 if head else left_out, "after_gap": not head})
    if not head and not tail:
        found.append({"text": between[:AROUND], "cited": False, "left_out": len(between) - AROUND})


def _merged(spans: Sequence[Span], length: int) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted((min(span.start, length), min(span.end, length)) for span in spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _text(text: str, most: int) -> dict[str, Any]:
    return {"text": text[:most], "length": len(text)}
