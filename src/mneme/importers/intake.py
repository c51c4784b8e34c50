"""Taking a source into spaces, in batches that can be repeated: a batch has a key made of its content, so that doing it again adds nothing.

Every batch is one durable transaction. Whatever stops the work (Ctrl-C, a full disk, a power cut) stops it between two batches, and the
same call goes on where it stopped. Messages that carry an id of their own are known again by it, so a newer export of the same
conversations adds only what is new in them, and nothing that was erased here comes back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from mneme.core.clock import to_micros
from mneme.core.query import Receipt
from mneme.core.records import Memory, Message
from mneme.importers.formats import read
from mneme.importers.item import Item, Report

BATCH = 256
# A batch of very long messages is cut short, so that stopping never loses more than a few seconds of work.
BATCH_CHARACTERS = 400_000
_PAGE = 1000

Identity = tuple[str | None, str | None]
"""The session and the ref of a message."""


class Remembering(Protocol):
    """What an import needs of a space."""

    def remember(self, what: list[Message], /, *, key: str | None = ..., partial: bool = ...) -> Receipt:
        """Store messages in one transaction."""
        ...

    def memories(self, *, after: str = ..., limit: int = ..., statuses: Sequence[str] = ...) -> list[Memory]:
        """Return memories in the order of their ids."""
        ...


@dataclass(slots=True, kw_only=True)
class Intake:
    """What an import did; grows while it runs.

    Args:
        report: what the reading met.
        stored: messages that were stored by this run, by space.
        known: messages that an earlier run had stored.
        refused: messages that the space refused; their problems are in the report.
    """

    report: Report = field(default_factory=Report)
    stored: dict[str, int] = field(default_factory=dict)
    known: int = 0
    refused: int = 0

    @property
    def total(self) -> int:
        """How many messages were stored by this run."""
        return sum(self.stored.values())

    @property
    def done(self) -> int:
        """How many messages have been dealt with."""
        return self.total + self.known + self.refused


def take_in(
    path: str | Path,
    open_space: Callable[[str], Remembering],
    *,
    format: str | None = None,
    space: str | None = None,
    otherwise: str = "default",
    only: Sequence[str] = (),
    undated: datetime | None = None,
    intake: Intake | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> Intake:
    """Store what a path holds, and return what was done.

    Args:
        path: as :func:`mneme.importers.read` takes it.
        open_space: gives the space of a name, such as ``memory.space``.
        format: a format's name; None finds out.
        space: the space for everything; None takes those that the format suggests.
        otherwise: the space for formats that suggest none.
        only: names of conversations; empty takes all.
        undated: when messages without a date were said; None takes the moment of the import.
        intake: grows while the work runs; pass one to know what was done when the work is interrupted.
        progress: called after each batch with the number of its messages.

    Raises:
        MnemeError: as reading and storing do; what ``intake`` counts is durable.
    """
    intake = intake if intake is not None else Intake()
    items = (item for item in read(path, format, report=intake.report) if not only or item.conversation in only)
    homed = _homed(items, space, otherwise, undated, several=len(only) != 1)
    spaces: dict[str, tuple[Remembering, set[Identity]]] = {}
    for batch in _batches(homed):
        name = batch[0].space or otherwise
        if name not in spaces:
            opened = open_space(name)
            spaces[name] = (opened, _identities(opened))
        _store(batch, name, *spaces[name], intake)
        progress(len(batch))
    return intake


def _store(batch: Sequence[Item], name: str, space: Remembering, known: set[Identity], intake: Intake) -> None:
    new = _unknown(batch, known)
    intake.known += len(batch) - len(new)
    if not new:
        return
    # The key stands for the whole batch: if it was stored before, what is missing from it now was taken out on purpose.
    receipt = space.remember([item.message for item in new], key=batch_key(batch), partial=True)
    if receipt.duplicate:
        intake.known += len(new)
        return
    intake.stored[name] = intake.stored.get(name, 0) + len(receipt.ids)
    _note_refused(new, receipt, intake)


def _identity(message: Message | Memory) -> Identity:
    return (message.session, message.ref)


def _identities(space: Remembering) -> set[Identity]:
    """Return session and ref of every memory that has a ref."""
    found: set[Identity] = set()
    after = ""
    while page := space.memories(after=after, limit=_PAGE, statuses=("active", "archived", "quarantined")):
        found.update(_identity(memory) for memory in page if memory.ref is not None)
        after = page[-1].id
    return found


def _unknown(batch: Sequence[Item], known: set[Identity]) -> list[Item]:
    """Return what a conversation has grown by: what stands after the last message that the space has.

    What is missing before it was erased or refused, and stays out.
    """
    there = [place for place, item in enumerate(batch) if item.message.ref is not None and _identity(item.message) in known]
    return list(batch[there[-1] + 1 :]) if there else list(batch)


def batch_key(batch: Sequence[Item]) -> str:
    """Return the idempotency key of a batch: a digest of where it stands and what it says."""
    digest = hashlib.sha256(_bytes([batch[0].conversation, batch[0].index]))
    for item in batch:
        message = item.message
        media = [[medium.uri, medium.mime, medium.caption] for medium in message.media]
        at = to_micros(message.at) if message.at else None
        said = [message.text, message.author, message.role, at, message.session, message.ref, message.channel]
        digest.update(_bytes([*said, media, list(message.tags), dict(message.attributes)]))
    return f"import-{digest.hexdigest()}"


def _homed(items: Iterator[Item], space: str | None, otherwise: str, undated: datetime | None, *, several: bool) -> Iterator[Item]:
    """Yield items with their space; conversations that share one against the format's advice keep their sessions and refs apart."""
    for item in items:
        if undated is not None and item.message.at is None:
            item = replace(item, message=replace(item.message, at=undated))
        if space is not None and item.space is not None and several:
            message = item.message
            session = f"{item.conversation}/{message.session}" if message.session else item.conversation
            ref = f"{item.conversation}/{message.ref}" if message.ref else None
            item = replace(item, message=replace(message, session=session, ref=ref))
        yield replace(item, space=space or item.space or otherwise)


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    characters = 0
    for item in items:
        # A batch never spans two conversations: its key must not change when a later export has a new one before it.
        if batch and (item.conversation != batch[0].conversation or len(batch) >= BATCH or characters >= BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(item)
        characters += len(item.message.text)
    if batch:
        yield batch


def _note_refused(batch: Sequence[Item], receipt: Receipt, intake: Intake) -> None:
    for refusal in receipt.refused:
        number = refusal.subject.rpartition(" ")[2]
        place = batch[int(number)].place if number.isdigit() and int(number) < len(batch) else refusal.subject
        intake.report.problem(place, "; ".join(f"{name}: {what}" for name, what in refusal.problems.items()))
        intake.refused += 1


def _bytes(values: list[object]) -> bytes:
    """Return plain values as bytes; a lone surrogate, which the intake mends or refuses later, does no harm here."""
    return repr(values).encode("utf-8", "backslashreplace")
