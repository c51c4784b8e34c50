"""A vault: secrets are found by their caption and shown masked; their value is never embedded or indexed.

Source: MIRIX (arXiv 2507.07957), knowledge vault: sensitivity low, medium or high; captions alone are searched; high never enters a context
by itself. Differs: values are attributes of the memory, which no index reads; with a cipher they are sealed at rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mneme.core.errors import InvalidInput, NotFound, Refused
from mneme.core.query import Filter
from mneme.core.records import Memory
from mneme.engine.prepare import Given
from mneme.recipes.agent.ciphers import Cipher
from mneme.recipes.agent.everything import everything
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
        cipher: seals values at rest; None leaves them readable for who can read the file.
    """

    def __init__(self, space: Space, cipher: Cipher | None = None) -> None:
        self._space = space
        self._cipher = cipher

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
        told = {"value": value} if self._cipher is None else {"sealed": self._cipher.seal(value)}
        given = Given(text=caption, kind="secret", attributes={**told, "sensitivity": sensitivity})
        return self._space.remember(memories=[given]).ids[0]

    def search(self, query: str, *, highest: str = "medium", k: int = 10) -> Sequence[Secret]:
        """Return secrets up to a sensitivity whose caption fits, best first, values masked."""
        allowed = [one.id for one in self.list(highest)]
        if not allowed:
            return []
        found = self._space.recall(query, k=k, filters=Filter(kinds=("secret",), ids=tuple(allowed)))
        return [_shown(hit.memory) for hit in found.hits]

    def reveal(self, id: str) -> str:
        """Return the value of a secret.

        Raises:
            NotFound: the id is no secret of this space.
            Refused: it is sealed, and there is no cipher, or one with another key.
        """
        memory = self._space.get(id)
        if memory.kind != "secret":
            raise NotFound("secret", id)
        sealed = memory.attributes.get("sealed")
        if sealed is None:
            return str(memory.attributes["value"])
        if self._cipher is None:
            raise Refused("vault: this value is sealed; open the vault with the cipher that sealed it")
        return self._cipher.open(str(sealed))

    def list(self, highest: str = "medium") -> Sequence[Secret]:
        """Return every secret up to a sensitivity, values masked, in the order of their ids; what a context may show."""
        allowed = LEVELS[: LEVELS.index(highest) + 1]
        found = everything(self._space, Filter(kinds=("secret",)))
        return [_shown(memory) for memory in found if memory.attributes.get("sensitivity") in allowed]


def _shown(memory: Memory) -> Secret:
    return Secret(id=memory.id, caption=memory.text, shown=MASK, sensitivity=str(memory.attributes["sensitivity"]))
