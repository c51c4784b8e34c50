"""A profile that is sealed at rest: slots with values in a space of their own, kept with consent, open to their owner, erased on request.

Source: MMAG (arXiv 2512.01710), long-term user memory: encrypted biographical profile with a consent flag. Differs: what contradicts a slot
waits until the user confirms it; erasing a slot erases the messages that it rests on, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from mneme.core.errors import NotFound
from mneme.core.query import Filter
from mneme.engine.prepare import Given
from mneme.recipes.agent.ciphers import Cipher
from mneme.recipes.agent.everything import everything
from mneme.space import Space

TAG, PENDING, CONSENT = "sealed-profile", "pending", "consent"
_TEXT = "a sealed entry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What is known of a person under one name.

    Args:
        id: the memory that holds it.
        name, value: such as ``level`` and ``beginner``.
        since: when it was said.
        sources: the messages that it rests on.
        pending: it contradicts what is known and was not confirmed yet.
    """

    id: str
    name: str
    value: str
    since: datetime
    sources: tuple[str, ...] = ()
    pending: bool = False


class SealedProfile:
    """A person's profile.

    Args:
        space: where the sealed entries are kept; one that holds nothing else.
        cipher: seals names and values.
        talk: where the messages are that entries rest on; erased with them. None leaves messages alone.
    """

    def __init__(self, space: Space, cipher: Cipher, talk: Space | None = None) -> None:
        self._space = space
        self._cipher = cipher
        self._talk = talk

    @property
    def consent(self) -> bool:
        """Whether the person agreed to a profile."""
        return bool(self._space.memories(Filter(tags=(CONSENT,)), limit=1))

    def agree(self) -> None:
        """Note the person's consent."""
        if not self.consent:
            self._space.remember(memories=[Given(text="consent to a profile", kind="note", tags=(CONSENT,))])

    def withdraw(self) -> int:
        """Take the consent back and erase the whole profile; returns how many entries there were."""
        slots = self._read((TAG, PENDING))
        for slot in slots:
            self.forget(slot.name)
        agreed = [memory.id for memory in self._space.memories(Filter(tags=(CONSENT,)))]
        if agreed:
            self._space.forget(agreed)
        return len(slots)

    def slots(self) -> dict[str, Slot]:
        """Return what is known, by name.

        Raises:
            Refused: the key does not open it.
        """
        return {slot.name: slot for slot in self._read((TAG,))}

    def pending(self) -> dict[str, Slot]:
        """Return what waits to be confirmed, by name."""
        return {slot.name: slot for slot in self._read((PENDING,))}

    def propose(self, name: str, value: str, *, sources: Sequence[str] = ()) -> bool:
        """Keep a value; one that contradicts what is known waits, and without consent nothing is kept. Returns whether it is known now."""
        if not self.consent:
            return False
        known = self.slots().get(name)
        if known is not None and known.value.casefold() == value.casefold():
            return True
        waiting = self.pending().get(name)
        if waiting is not None:
            self._space.forget(waiting.id, erase=True)
        self._write(name, value, sources, TAG if known is None else PENDING)
        return known is None

    def confirm(self, name: str) -> Slot:
        """Let a waiting value take the place of the known one.

        Raises:
            NotFound: nothing waits under this name.
        """
        waiting = self.pending().get(name)
        if waiting is None:
            raise NotFound("pending profile slot", name)
        known = self.slots().get(name)
        self._space.forget([slot.id for slot in (known, waiting) if slot is not None], erase=True)
        self._write(name, waiting.value, waiting.sources, TAG)
        return self.slots()[name]

    def edit(self, name: str, value: str) -> Slot:
        """Let the person set a slot themselves."""
        for slot in (self.slots().get(name), self.pending().get(name)):
            if slot is not None:
                self._space.forget(slot.id, erase=True)
        self._write(name, value, (), TAG)
        return self.slots()[name]

    def forget(self, name: str) -> int:
        """Erase what is known and what waits under a name, and the messages that it rests on; returns how many entries there were."""
        slots = [slot for slot in self._read((TAG, PENDING)) if slot.name == name]
        if slots:
            self._space.forget([slot.id for slot in slots], erase=True)
        said = list(dict.fromkeys(source for slot in slots for source in slot.sources))
        if said and self._talk is not None:
            there = [id for id in said if self._talk.memories(Filter(ids=(id,)), limit=1, statuses=("active", "archived", "quarantined"))]
            if there:
                self._talk.forget(there, erase=True)
        return len(slots)

    def _read(self, tags: tuple[str, ...]) -> list[Slot]:
        return [
            self._slot(memory.id, memory.at, memory.attributes, memory.tags)
            for memory in everything(self._space, Filter(tags=tags))
        ]

    def _slot(self, id: str, at: datetime, attributes: Mapping[str, object], tags: tuple[str, ...]) -> Slot:
        told = orjson.loads(self._cipher.open(str(attributes["sealed"])))
        return Slot(id=id, name=told["name"], value=told["value"], since=at, sources=tuple(told["sources"]), pending=PENDING in tags)

    def _write(self, name: str, value: str, sources: Sequence[str], tag: str) -> None:
        sealed = self._cipher.seal(orjson.dumps({"name": name, "value": value, "sources": list(sources)}).decode())
        self._space.remember(memories=[Given(text=_TEXT, kind="profile", tags=(tag,), attributes={"sealed": sealed})])
