"""The columns of a space in memory: what filters, neighbours and features read, one array per field.

A memory's text at one version is one position. A changed text takes a new position and its old one goes absent, so that posting lists
and vector codes only ever grow. Neighbours in a session are a linked list over positions, ordered by time, then by row. A pause of more
than an hour ends a conversation: what stands on the two sides of it explains each other no more than two sessions do. Messages of
somebody without a session are one conversation between pauses; texts of nobody (documents) stand alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mneme.core.clock import to_micros
from mneme.core.ports import FloatArray, IndexRows, IntArray
from mneme.core.query import Filter
from mneme.core.upkeep import NEVER

FIELDS = ("kind", "status", "author", "role", "session", "channel", "tier", "tags")
SEARCHABLE = ("active", "archived")
PAUSE_MICROS = 3_600_000_000
"""A longer pause ends a conversation."""

_NUMBERS: tuple[tuple[str, Any], ...] = (
    ("row", np.int64), ("text_version", np.int64), ("at", np.int64), ("valid_from", np.int64), ("valid_to", np.int64),
    ("importance", np.float32), ("uses", np.float32), ("strength", np.float32), ("last_used", np.int64),
    *((name, np.int32) for name in FIELDS),
    ("previous", np.int64), ("following", np.int64), ("group", np.int64), ("present", np.bool_),
)  # fmt: skip

_UNREAD: dict[str, Any] = {
    "row": -1, "text_version": 0, "valid_from": NEVER, "valid_to": np.iinfo(np.int64).max, "importance": 0.0, "uses": 0.0,
    "strength": 1.0, "last_used": NEVER, "previous": -1, "following": -1, "present": True,
}  # fmt: skip


class Columns:
    """Growable parallel arrays over positions."""

    def __init__(self) -> None:
        self.size = 0
        self._capacity = 0
        self._data: dict[str, NDArray[Any]] = {name: np.empty(0, dtype) for name, dtype in _NUMBERS}
        self._values: dict[str, list[object]] = {name: [] for name in FIELDS}
        self._code_of: dict[str, dict[object, int]] = {name: {} for name in FIELDS}
        self._position_of_row: dict[int, int] = {}
        self._tails: dict[int, int] = {}
        self._groups = 0
        self._regroup = False
        self.ids: list[str] = []
        self.refs: list[str | None] = []

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a column, ``(size,)``; ``previous`` and ``following`` hold -1 where there is no neighbour."""
        return self._data[name][: self.size]

    def values(self, field: str) -> Sequence[object]:
        """Return what each code of a coded field means."""
        return self._values[field]

    def code(self, field: str, value: object) -> int:
        """Return the code of a value, -1 when no memory ever had it."""
        return self._code_of[field].get(value, -1)

    def position_of(self, row: int) -> int:
        """Return the position of a row, -1 when it has none."""
        return self._position_of_row.get(row, -1)

    def append(self, rows: IndexRows, chosen: IntArray) -> IntArray:
        """Add rows as new positions, linked into their sessions, and return the positions."""
        count = len(chosen)
        self._grow(count)
        positions = np.arange(self.size, self.size + count)
        data, start, end = self._data, self.size, self.size + count
        self.size = end
        data["row"][start:end] = rows.row[chosen]
        data["present"][start:end] = True
        data["previous"][start:end] = -1
        data["following"][start:end] = -1
        self.update(rows, chosen, positions)
        self.ids.extend(rows.memory[i] for i in chosen)
        self.refs.extend(rows.ref[i] for i in chosen)
        self._position_of_row.update(zip(rows.row[chosen].tolist(), positions.tolist(), strict=True))
        self._link(positions)
        return positions

    def append_unread(self, count: int, authors: Sequence[str], span: tuple[int, int], together: int = 1) -> None:
        """Add positions for memories of the space that were not read: present, of no status that is admitted.

        Args:
            count: how many.
            authors: who speaks in the space, besides those who were read.
            span: when its first and its last memory were said.
            together: how many of them, one after another, make a conversation.
        """
        self.groups()
        for author in authors:
            self._encode("author", author)
        self._grow(count)
        start, end = self.size, self.size + count
        self.size = end
        none = {name: self._encode(name, () if name == "tags" else "unread" if name == "status" else None) for name in FIELDS}
        for name, value in {**_UNREAD, **none}.items():
            self._data[name][start:end] = value
        self._data["at"][start:end] = span[0]
        self._data["at"][end - 1 : end] = span[1]
        number = np.arange(count) // together
        self._data["group"][start:end] = self._groups + number
        if count:
            same = number[1:] == number[:-1]
            self._data["previous"][start + 1 : end][same] = np.arange(start, end - 1)[same]
            self._data["following"][start : end - 1][same] = np.arange(start + 1, end)[same]
            self._groups += int(number[-1]) + 1
        self.ids.extend([""] * count)
        self.refs.extend([None] * count)

    def update(self, rows: IndexRows, chosen: IntArray, positions: IntArray) -> None:
        """Overwrite everything but text and place in the session."""
        for name in ("text_version", "at", "valid_from", "valid_to", "importance", "uses", "strength"):
            self._data[name][positions] = getattr(rows, name)[chosen]
        self._data["last_used"][positions] = NEVER if rows.last_used is None else rows.last_used[chosen]
        picked = chosen.tolist()
        for name in FIELDS:
            source = getattr(rows, name)
            self._data[name][positions] = [self._encode(name, source[i]) for i in picked]

    def remove(self, position: int) -> None:
        """Make a position absent and take it out of its session."""
        self._data["present"][position] = False
        self._unlink(position)
        row = int(self._data["row"][position])
        if self._position_of_row.get(row) == position:
            del self._position_of_row[row]

    def mask(self, where: Filter, *, as_of: datetime | None, now: datetime) -> NDArray[np.bool_]:
        """Return ``(size,)``: the present positions that a filter admits and that hold at ``as_of``, or have not ended by ``now``."""
        admitted = self["present"].copy()
        if not where.archived:
            admitted &= self["status"] == self.code("status", "active")
        if as_of is None:
            admitted &= self["valid_to"] > to_micros(now)
        else:
            moment = to_micros(as_of)
            admitted &= (self["valid_from"] <= moment) & (self["valid_to"] > moment)
        for name in ("kind", "author", "role", "session", "channel", "tier"):
            wanted = getattr(where, f"{name}s")
            if wanted:
                admitted &= np.isin(self[name], [self.code(name, value) for value in wanted])
        if where.tags:
            tags = set(where.tags)
            codes = [code for code, value in enumerate(self._values["tags"]) if tags & set(value)]  # type: ignore[call-overload]
            admitted &= np.isin(self["tags"], codes)
        if where.since is not None:
            admitted &= self["at"] >= to_micros(where.since)
        if where.until is not None:
            admitted &= self["at"] < to_micros(where.until)
        for wanted, have in ((where.refs, self.refs), (where.ids, self.ids)):
            if wanted:
                accepted = set(wanted)
                admitted &= np.fromiter((value in accepted for value in have), bool, self.size)
        return admitted

    def neighbours(self) -> tuple[IntArray, IntArray]:
        """Return (previous, following), ``(size,)`` each, with ``size`` where there is no neighbour or a pause is between."""
        at = self["at"]
        found = []
        for name in ("previous", "following"):
            places = self[name].copy()
            linked = places >= 0
            linked[linked] = np.abs(at[places[linked]] - at[linked]) <= PAUSE_MICROS
            places[~linked] = self.size
            found.append(places)
        return found[0], found[1]

    def groups(self) -> tuple[IntArray, int]:
        """Return ``(size,)`` the number of each position's conversation, and a bound above all numbers."""
        if self._regroup:
            self._number_groups()
        return self["group"], self._groups

    def nbytes(self) -> int:
        """Return roughly how many bytes the columns take."""
        return sum(column.nbytes for column in self._data.values()) + 180 * self.size

    def _encode(self, field: str, value: object) -> int:
        codes = self._code_of[field]
        code = codes.get(value)
        if code is None:
            code = codes[value] = len(codes)
            self._values[field].append(value)
        return code

    def _grow(self, count: int) -> None:
        needed = self.size + count
        if needed <= self._capacity:
            return
        self._capacity = max(needed, self._capacity + self._capacity // 2, 64)
        for name, column in self._data.items():
            grown = np.empty(self._capacity, column.dtype)
            grown[: self.size] = column[: self.size]
            self._data[name] = grown

    def _link(self, positions: IntArray) -> None:
        """Link new positions into their sessions."""
        alone = self._alone(positions)
        singles = positions[alone]
        self._data["group"][singles] = self._groups + np.arange(len(singles))
        self._groups += len(singles)
        joined = positions[~alone]
        if not len(joined):
            return
        data = self._data
        ordered = joined[np.lexsort((data["row"][joined], data["at"][joined], data["session"][joined]))]
        codes = data["session"][ordered]
        starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
        for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(ordered)], strict=True):
            self._link_run(int(codes[start]), ordered[start:end])

    def _alone(self, positions: IntArray) -> NDArray[np.bool_]:
        """Return which positions belong to no session and to nobody."""
        nobody = np.ones(len(positions), bool)
        for name in ("session", "author", "role"):
            nobody &= self._data[name][positions] == self.code(name, None)
        return nobody

    def _link_run(self, session: int, run: IntArray) -> None:
        tail = self._tails.get(session, -1)
        if tail >= 0 and self._key(tail) > self._key(int(run[0])):
            self._merge(session, run)
            self._regroup = True
            return
        data = self._data
        data["previous"][run[1:]] = run[:-1]
        data["following"][run[:-1]] = run[1:]
        data["previous"][run[0]] = tail
        if tail >= 0:
            data["following"][tail] = run[0]
        self._tails[session] = int(run[-1])
        before = data["at"][run[0]] if tail < 0 else data["at"][tail]
        pauses = np.diff(data["at"][run], prepend=before) > PAUSE_MICROS
        first = self._groups if tail < 0 else int(data["group"][tail])
        numbers = np.cumsum(pauses)
        data["group"][run] = np.where(numbers > 0, self._groups + numbers - (tail >= 0), first)
        self._groups += int(numbers[-1]) + (tail < 0)

    def _number_groups(self) -> None:
        """Number all conversations anew, after something came in before the end of its session."""
        data, size = self._data, self.size
        order = np.lexsort((data["row"][:size], data["at"][:size], data["session"][:size], ~data["present"][:size]))
        at, session = data["at"][order], data["session"][order]
        starts = np.r_[True, (session[1:] != session[:-1]) | (np.diff(at) > PAUSE_MICROS)]
        starts |= self._alone(order) | ~data["present"][order]
        data["group"][order] = np.cumsum(starts) - 1
        self._groups = int(starts.sum())
        self._regroup = False

    def _merge(self, session: int, run: IntArray) -> None:
        """Put positions, in order, where they belong in their session: one walk from its end, however many they are."""
        previous, following = self._data["previous"], self._data["following"]
        before, after = self._tails.get(session, -1), -1
        for position in reversed(run.tolist()):
            key = self._key(position)
            while before >= 0 and self._key(before) > key:
                before, after = int(previous[before]), before
            previous[position], following[position] = before, after
            if before >= 0:
                following[before] = position
            if after >= 0:
                previous[after] = position
            else:
                self._tails[session] = position
            after = position

    def _unlink(self, position: int) -> None:
        previous, following = self._data["previous"], self._data["following"]
        before, after = int(previous[position]), int(following[position])
        if before >= 0:
            following[before] = after
        if after >= 0:
            previous[after] = before
        session = int(self._data["session"][position])
        if self._tails.get(session) == position:
            self._tails[session] = before
        self._regroup = True
        previous[position] = following[position] = -1

    def _key(self, position: int) -> tuple[int, int]:
        return int(self._data["at"][position]), int(self._data["row"][position])


def select(array: FloatArray, passages: IntArray, chosen: IntArray) -> tuple[FloatArray, IntArray]:
    """Return the passage vectors of chosen rows and how many each of them has."""
    counts = passages[chosen]
    if len(chosen) == len(passages):
        return array, counts
    starts = np.concatenate([[0], np.cumsum(passages)])[chosen]
    picked = np.concatenate([np.arange(s, s + c) for s, c in zip(starts.tolist(), counts.tolist(), strict=True)] or [np.empty(0, np.int64)])
    return array[picked.astype(np.int64)], counts
