"""A vault: secrets are found by their caption and shown masked; their value is never embedded or indexed.

Source: MIRIX (arXiv 2507.07957), knowledge vault: sensitivity low, medium or high; captions alone are searched; high never enters a context
by itself. Differs: values are attributes of the memory, which no index reads; encrypting the space's file is left to the disk.
"""

from __future__ import annotations

from dataclasses import dataclass

from mneme.core.errors import InvalidInput, NotFound
from mneme.core.query import Filter
from mneme.engine.prepare import Given
from mneme.space import Space

LEVELS = ("low", "medium", "high")
MASK = "••••"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret as it is shown.

    Args:
        id: the memory.
        caption: what it is.
        shown: its value, masked.
        sensitivity: ``low``, ``medium`` or ``high``.
    """

    id: str
    caption: str
    shown: str
    sensitivity: str


class Vault:
    """The secrets of one space.

    Args:
        space: the space.
    """

    def __init__(self, space: Space) -> None:
        self._space = space

    def put(self, caption: str, value: str, *, sensitivity: str = "high") -> str:
        """Keep a secret and return its id.

        Raises:
            InvalidInput: the caption holds the value, or the sensitivity is unknown.
        """
        problems = {}
        if sensitivity not in LEVELS:
            problems["sensitivity"] = f"is {sensitivity!r}; give one of {', '.join(LEVELS)}"
        if not value or value.casefold() in caption.casefold():
            problems["caption"] = "holds the value itself, or there is no value; describe it without saying it"
        if problems:
            raise InvalidInput(problems)
        given = Given(text=caption, kind="secret", attributes={"value": value, "sensitivity": sensitivity})
        return self._space.remember(memories=[given]).ids[0]

    def search(self, query: str, *, highest: str = "medium", k: int = 10) -> list[Secret]:
        """Return secrets up to a sensitivity whose caption fits, best first, values masked."""
        allowed = LEVELS[: LEVELS.index(highest) + 1]
        found = self._space.recall(query, k=k, filters=Filter(kinds=("secret",)))
        return [
            Secret(id=hit.memory.id, caption=hit.text, shown=MASK, sensitivity=str(hit.memory.attributes["sensitivity"]))
            for hit in found.hits
            if hit.memory.attributes.get("sensitivity") in allowed
        ]

    def reveal(self, id: str) -> str:
        """Return the value of a secret.

        Raises:
            NotFound: the id is no secret of this space.
        """
        memory = self._space.get(id)
        if memory.kind != "secret":
            raise NotFound("secret", id)
        return str(memory.attributes["value"])
