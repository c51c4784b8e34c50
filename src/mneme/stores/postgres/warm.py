"""What a process keeps of a space from one look to the next: contents that were read, settings that are long."""

from __future__ import annotations

from collections.abc import Sequence

from mneme.core.ports import FloatArray, IndexRows
from mneme.stores.postgres import excerpt, index, reads
from mneme.stores.postgres.connect import Connections
from mneme.stores.postgres.glance import Content, Glance, Kept, contents

_LATELY = 64
"""So many entries later it is asked again who spoke lately."""


class Warm:
    """The part of a space that is in memory, and the reads that go by it. Safe for threads.

    Args:
        connections: the pool of the root.
        space: the space's number.
    """

    def __init__(self, connections: Connections, space: int) -> None:
        self.kept = Kept()
        self._connections = connections
        self._space = space
        self._long: dict[str, tuple[str, str]] = {}
        self._lately: tuple[int, tuple[tuple[str, ...], int]] | None = None

    @property
    def nbytes(self) -> int:
        """How many bytes are kept, roughly."""
        return self.kept.nbytes + sum(len(value) for _, value in self._long.values())

    def clear(self) -> None:
        """Let go of everything."""
        self.kept.clear()
        self._long = {}
        self._lately = None

    def lately(self, seq: int) -> tuple[tuple[str, ...], int]:
        """Return who spoke lately and how many conversations there are, asked anew some entries later."""
        if self._lately is None or seq - self._lately[0] > _LATELY:
            self._lately = seq, self._connections.read(self._space, excerpt.lately)
        return self._lately[1]

    def contents(self, look: Glance, rows: Sequence[int]) -> dict[int, Content]:
        """Return the contents of rows: kept ones, and the others with a round trip."""
        found = self.kept.take(look, rows)
        missing = [row for row in rows if row not in found]
        if missing:
            at, read = self._connections.at_once(self._space, lambda link, begun: contents(link, self._space, missing, begun=begun))
            self.kept.keep(at, read)
            if at.settings != look.settings:
                self._connections.looked(self._space, at)
            found |= read
        return found

    def vectors(self, look: Glance, rows: Sequence[int], text_versions: Sequence[int]) -> list[FloatArray] | None:
        """Return the vectors of rows, in the order asked; None when some have none, or those of another text."""
        wanted = [(int(row), int(number)) for row, number in zip(rows, text_versions, strict=True)]
        found = self.contents(look, [row for row, _ in wanted])
        fitting = [found[row].vectors for row, number in wanted if row in found and found[row].text_version == number]
        there = [each for each in fitting if each is not None]
        return there if len(there) == len(wanted) else None

    def changed(self, after: int) -> IndexRows | None:
        """Return the rows that entries after ``after`` touched, in one round trip; None when they are many."""
        few = self._connections.at_once(self._space, lambda link, begun: index.changed(link, self._space, after, begun=begun))
        if few is None:
            return None
        look, rows, read = few
        self.kept.follow(after, rows.row.tolist(), rows.seq)
        self.kept.keep(look, read)
        self._connections.looked(self._space, look)
        return rows

    def settings(self, look: Glance) -> dict[str, str]:
        """Return the settings that a look saw; long ones are read again only when they stand where they did not stand before."""
        if not look.long:
            return dict(look.settings)
        kept = self._long
        if kept.keys() != look.long.keys() or any(kept[key][0] != place for key, place in look.long.items()):
            names = list(look.long)
            kept = self._long = self._connections.read(self._space, lambda session: reads.placed_meta(session, names))
        return {**look.settings, **{key: value for key, (_, value) in kept.items()}}
