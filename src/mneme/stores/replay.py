"""The journal played through: what must be in a store, and nothing else, if the store is what its journal says.

A store's check plays every entry and compares. Pure: nothing here reads a store.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from mneme.core.clock import to_micros
from mneme.core.journal import Change, Entry
from mneme.core.records import Usage
from mneme.stores.semantics import touched

VERSIONED = frozenset({"keep", "revise", "supersede", "move", "archive", "quarantine", "restore"})

HELD = frozenset({"held", "gone", "used", "linked", "answered"})
"""The changes of a checkpoint."""

LinkKey = tuple[str, str, str]
"""Source, target, type."""

LinkSpan = tuple[int, int | None, float]
"""From which entry, until which one, with which weight."""


Used = tuple[float, float, int | None, dict[str, float]]
"""Uses, strength, time of the last use in microseconds, state."""


class Replay:
    """What follows from the entries that were played.

    Attributes:
        digests: (memory or episode, version) -> digest of its content; without what was erased.
        versions: memory -> its present version; erased ones included.
        changed: memory -> the last entry that changed its row.
        erased: memories and episodes that were erased.
        usage: memory -> how it has fared, as :func:`used` gives it.
        touched: (subject, entry) for everything that an entry touched.
        made_by: (memory, version) -> the entry that made it, where that entry was not folded.
        kept_by: memory -> the verb of the entry that kept it.
        linked_by: link -> the verb of the entry that made it.
        answered: digest of an idempotency key -> what a checkpoint says its first call did.
    """

    def __init__(self) -> None:
        self.digests: dict[tuple[str, int], str] = {}
        self.versions: dict[str, int] = {}
        self.changed: dict[str, int] = {}
        self.erased: set[str] = set()
        self.usage: dict[str, Used] = {}
        self.touched: set[tuple[str, int]] = set()
        self.made_by: dict[tuple[str, int], int] = {}
        self.kept_by: dict[str, str] = {}
        self.linked_by: dict[LinkKey, str] = {}
        self.answered: dict[str, Change] = {}
        self._links: dict[LinkKey, list[LinkSpan]] = {}
        self._linked: dict[str, set[LinkKey]] = {}

    def play(self, entry: Entry) -> None:
        """Take in the next entry."""
        for change in entry.changes:
            if change.digest:
                self.digests[change.subject, change.after] = change.digest
            if change.op == "keep":
                self.kept_by[change.subject] = entry.verb
            if change.op in VERSIONED:
                self.versions[change.subject] = change.after
                self.made_by[change.subject, change.after] = entry.seq
                self.changed[change.subject] = entry.seq
            elif change.op == "reinforce":
                self._reinforce(change)
                self.changed[change.subject] = entry.seq
            elif change.op in ("connect", "disconnect"):
                self._link(change, entry.seq)
                if change.op == "connect":
                    self.linked_by[change.detail["source"], change.detail["target"], change.detail["type"]] = entry.verb
            elif change.op in HELD:
                self._hold(change)
            elif change.op == "erase":
                self._erase(change.subject, entry.seq)
        self.touched |= {(id, entry.seq) for id in touched(entry.changes)}

    def links(self) -> Iterator[tuple[LinkKey, LinkSpan]]:
        """Yield every link that there is or was, without those of erased memories."""
        for key, spans in self._links.items():
            for span in spans:
                yield key, span

    def _hold(self, change: Change) -> None:
        """Take in what a checkpoint says of the state that it stands for."""
        id, detail = change.subject, change.detail
        if change.op == "answered":
            self.answered[id] = change
        elif change.op == "used":
            self.usage[id] = (detail["uses"], detail["strength"], detail["last"], dict(detail["state"]))
        elif change.op == "linked":
            key = (detail["source"], detail["target"], detail["type"])
            self._links[key] = [(detail["from"], None, detail["weight"])]
            self.linked_by[key] = detail["by"]
            for end in key[:2]:
                self._linked.setdefault(end, set()).add(key)
        else:
            if change.op == "gone":
                self.erased.add(id)
            if "changed" in detail:
                self.versions[id], self.changed[id] = change.after, detail["changed"]
                self.kept_by[id] = detail["by"]

    def _reinforce(self, change: Change) -> None:
        uses, strength, _, before = self.usage.get(change.subject, used(Usage()))
        detail = change.detail
        state = {**before, **detail["state_after"]}
        kept = {name: number for name, number in state.items() if number is not None}
        self.usage[change.subject] = (uses + detail["uses"], strength + detail["strength"], detail["last_after"], kept)

    def _link(self, change: Change, seq: int) -> None:
        detail = change.detail
        key = (detail["source"], detail["target"], detail["type"])
        spans = self._links.setdefault(key, [])
        if spans and spans[-1][1] is None:
            start, _, weight = spans.pop()
            if start != seq:
                spans.append((start, seq, weight))
        if change.op == "connect":
            spans.append((seq, None, detail["weight"]))
        for end in key[:2]:
            self._linked.setdefault(end, set()).add(key)

    def _erase(self, id: str, seq: int) -> None:
        self.erased.add(id)
        self.usage.pop(id, None)
        for key in self._linked.pop(id, ()):
            self._links.pop(key, None)
        for number in range(1, self.versions.get(id, 1) + 1):
            self.digests.pop((id, number), None)
        if id in self.versions:
            self.changed[id] = seq

    def lacking(self, present: Set[tuple[str, int]]) -> Iterator[str]:
        """Yield what the journal says was written and nothing erased, and is not among what is present."""
        for id, number in sorted(self.digests.keys() - present):
            yield f"{'episode' if id.startswith('ep_') else 'memory'} {id} version {number}: the journal has it, its content is gone"


def used(usage: Usage) -> Used:
    """Return a usage as :class:`Replay` has it."""
    last = None if usage.last_used_at is None else to_micros(usage.last_used_at)
    return usage.uses, usage.strength, last, dict(usage.state)
