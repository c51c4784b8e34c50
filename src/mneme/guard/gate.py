"""The gate before formed memories: each must cite words that bear it out; what does not is refused or set aside, and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mneme.core.components import Verdict
from mneme.core.context import Context
from mneme.core.operations import Keep, Operation, Revise
from mneme.core.records import Episode, Memory
from mneme.guard.grounding import grounded

_ADMIT = Verdict(admit=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounding:
    """Checks that names, numbers, dates and denials of a formed memory are in the spans that it cites.

    Args:
        quarantine: set aside what is not borne out, for somebody to judge, instead of refusing it.
        name: its name in traces.
    """

    quarantine: bool = False
    name: str = "grounding"

    def check(self, ctx: Context, operation: Operation) -> Verdict:
        """Return whether the memory says no more than its sources; the reason names what kind of thing is missing, never the words."""
        if isinstance(operation, Revise) or not isinstance(operation, Keep):
            return _ADMIT
        memory = operation.memory
        episodes = ctx.episodes(list(dict.fromkeys(span.episode for span in memory.sources)))
        if not memory.sources or any(span.episode not in episodes for span in memory.sources):
            return self._refuse("grounding: no source")
        found = [
            grounded(memory.text, self._cited(memory, episodes, at), at, known=_known(ctx, memory, episodes))
            for at in dict.fromkeys(episodes[span.episode].at for span in memory.sources)
        ]
        if any(verdict.ok for verdict in found):
            return _ADMIT
        kinds = sorted({problem.kind for problem in found[-1].problems})
        return self._refuse(f"grounding: {', '.join(kinds)} not in the source")

    def _refuse(self, why: str) -> Verdict:
        return Verdict(admit=False, quarantine=self.quarantine, why=why)

    @staticmethod
    def _cited(memory: Memory, episodes: Mapping[str, Episode], at: datetime) -> list[str]:
        """The cited words; dates of all of them are read as said at ``at``."""
        return [episodes[span.episode].text[span.start : span.end] for span in memory.sources]


def _known(ctx: Context, memory: Memory, episodes: Mapping[str, Episode]) -> list[str]:
    """Names that count as there: who speaks in the cited episodes, and whom the author may speak to by a short name."""
    _, authors = ctx.index.codes("author")
    speakers = [episode.author for episode in episodes.values() if episode.author]
    short = [author for author in authors if isinstance(author, str) and author not in speakers and author in memory.text]
    return list(dict.fromkeys([*speakers, *(name for name in short if _called(name, memory, episodes))]))


def _called(name: str, memory: Memory, episodes: Mapping[str, Episode]) -> bool:
    """Whether the cited words use the name, its beginning, or speak to somebody in the same conversation."""
    cited = " ".join(episodes[span.episode].text[span.start : span.end] for span in memory.sources).casefold()
    return any(word and word[:3] in cited for word in name.casefold().split())
