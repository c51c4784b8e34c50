"""The gate before formed memories: each must cite words that bear it out; what does not is refused or set aside, and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from mneme.core.components import Verdict
from mneme.core.context import Context
from mneme.core.operations import Keep, Operation, Revise
from mneme.core.records import Episode, Memory, Span
from mneme.guard.grounding import borne_out

STATEMENTS = ("fact", "event", "preference", "profile")
"""Kinds that state one thing; memories of other kinds, such as notes and summaries, are prose."""

_ADMIT = Verdict(admit=True)


def present(ctx: Context, id: str) -> Memory | None:
    """Return a memory as it is now; None where it is not there or not active."""
    return ctx.once(f"present {id}", lambda: _present(ctx, id))


def _present(ctx: Context, id: str) -> Memory | None:
    try:
        place = ctx.index.ids.index(id)
    except ValueError:
        return None
    return next((memory for memory in ctx.memories([place]) if memory.id == id and memory.status == "active"), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounding:
    """Checks that names, numbers, dates and denials of a formed memory are in the spans that it cites; of prose, not its denials.

    Args:
        quarantine: set aside what is not borne out, for somebody to judge, instead of refusing it.
        name: its name in traces.
    """

    quarantine: bool = False
    name: str = "grounding"

    def check(self, ctx: Context, operation: Operation) -> Verdict:
        """Return whether the memory says no more than its sources; the reason names what kind of thing is missing, never the words."""
        told = _told(ctx, operation)
        if told is None:
            return _ADMIT
        text, sources, kind = told
        episodes = ctx.episodes(list(dict.fromkeys(span.episode for span in sources)))
        if not sources or any(span.episode not in episodes for span in sources):
            return self._refuse("grounding: no source")
        found = borne_out(text, _said(sources, episodes), known=_known(ctx, text, sources, episodes), prose=kind not in STATEMENTS)
        if found.ok:
            return _ADMIT
        kinds = sorted({problem.kind for problem in found.problems})
        return self._refuse(f"grounding: {', '.join(kinds)} not in the source")

    def _refuse(self, why: str) -> Verdict:
        return Verdict(admit=False, quarantine=self.quarantine, why=why)


def _told(ctx: Context, operation: Operation) -> tuple[str, tuple[Span, ...], str] | None:
    """Return the text that an operation brings, with its sources and kind; None where it brings none, or revises what is not there."""
    if isinstance(operation, Keep):
        return operation.memory.text, operation.memory.sources, operation.memory.kind
    if not isinstance(operation, Revise) or operation.text is None:
        return None
    before, changes = present(ctx, operation.id), operation.changes
    if before is None and "sources" not in changes:
        return None
    sources = cast("tuple[Span, ...]", changes.get("sources", before.sources if before else ()))
    return operation.text, sources, str(changes.get("kind", before.kind if before else "note"))


def _said(sources: Sequence[Span], episodes: Mapping[str, Episode]) -> dict[datetime, str]:
    """Return when -> the cited words of that time."""
    parts: dict[datetime, list[str]] = {}
    for span in sources:
        episode = episodes[span.episode]
        parts.setdefault(episode.at, []).append(episode.text[span.start : span.end])
    return {moment: "\n".join(words) for moment, words in parts.items()}


def _known(ctx: Context, text: str, sources: Sequence[Span], episodes: Mapping[str, Episode]) -> list[str]:
    """Names that count as there: who speaks in the cited episodes, and whom the author may speak to by a short name."""
    _, authors = ctx.index.codes("author")
    speakers = [episode.author for episode in episodes.values() if episode.author]
    short = [author for author in authors if isinstance(author, str) and author not in speakers and author in text]
    return list(dict.fromkeys([*speakers, *(name for name in short if _called(name, sources, episodes))]))


def _called(name: str, sources: Sequence[Span], episodes: Mapping[str, Episode]) -> bool:
    """Whether the cited words use the name, its beginning, or speak to somebody in the same conversation."""
    cited = " ".join(episodes[span.episode].text[span.start : span.end] for span in sources).casefold()
    return any(word and word[:3] in cited for word in name.casefold().split())
