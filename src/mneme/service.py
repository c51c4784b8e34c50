"""What a network face does, once: every verb over a :class:`mneme.Memory`, for a caller with limited rights.

REST and MCP translate into these calls. Whether a caller may do something is decided here, before any storage is touched, so that an
answer to a space that is out of reach is the same whether it exists or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from mneme import calls
from mneme.core.errors import Forbidden, InvalidInput, MnemeError, NotFound
from mneme.core.journal import Entry
from mneme.core.query import Answer, ErasureReport, Filter, Hit, Recall, Receipt, Verification
from mneme.core.records import Episode, Job, Link, Usage
from mneme.core.records import Memory as Record
from mneme.engine.blocks import Block, Blocks
from mneme.engine.compaction import check_followed
from mneme.engine.fading import Left
from mneme.engine.keeping import Due, PolicyChange
from mneme.engine.upkeep import UpkeepReport
from mneme.memory import Memory
from mneme.space import Space, Step
from mneme.values import Call, Filters

READ, WRITE, ERASE, ADMIN = "read", "write", "erase", "admin"
RIGHTS = (READ, WRITE, ERASE, ADMIN)

_OUT_OF_REACH = "the key does not hold for this space or this verb; ask whoever runs the server for one that does"
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, and what they may do.

    Args:
        actor: how the journal names them.
        spaces: patterns of space names; ``*`` stands for any characters.
        rights: of ``read``, ``write``, ``erase`` and ``admin``.
        key_id: the key they came with; empty without one.
    """

    actor: str
    spaces: tuple[str, ...] = ("*",)
    rights: frozenset[str] = frozenset(RIGHTS)
    key_id: str = ""

    def may(self, right: str, space: str | None = None) -> bool:
        """Return whether they have a right, for a space if one is named."""
        return right in self.rights and (space is None or self.reaches(space))

    def reaches(self, space: str) -> bool:
        """Return whether a space is one of theirs."""
        return any(matches(pattern, space) for pattern in self.spaces)

    def require(self, right: str, space: str | None = None) -> None:
        """Check a right.

        Raises:
            Forbidden: they do not have it. The message is the same in every case.
        """
        if not self.may(right, space):
            raise Forbidden(_OUT_OF_REACH)


def matches(pattern: str, space: str) -> bool:
    """Return whether a space's name fits a pattern, in which only ``*`` has a meaning.

    Example:
        >>> matches("team-a/*", "team-a/ana"), matches("team-a/*", "team-b/bo")
        (True, False)
    """
    if "*" not in pattern:
        return pattern == space
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), space, re.DOTALL) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one call of a batch: a result or an error.

    Args:
        verb: the call.
        result: what the verb returned; None after an error.
        error: why it failed; None after a success.
    """

    verb: str
    result: object = None
    error: MnemeError | None = None


class Service:
    """The verbs, for callers with limited rights. Blocks: call it on a thread.

    Args:
        memory: the engine; closing it is its owner's task.
        changed: called with the name of a space after a change of it.
    """

    def __init__(self, memory: Memory, changed: Callable[[str], None] | None = None) -> None:
        self.memory = memory
        self._changed = changed or (lambda space: None)

    def _space(self, caller: Caller, right: str, name: str, *, create: bool = False) -> Space:
        """Return a space that a caller may use.

        Raises:
            Forbidden: they may not, whether it exists or not.
            NotFound: it does not exist and ``create`` is false.
        """
        caller.require(right, name)
        space = self.memory.space(name)
        if not create and not self.memory.has_space(name):
            raise NotFound("space", name)
        return space

    def _write(self, space: Space, result: _Result) -> _Result:
        self._changed(space.name)
        return result

    def spaces(self, caller: Caller) -> list[str]:
        """Return the names of the caller's spaces, sorted."""
        caller.require(READ)
        return [name for name in self.memory.spaces() if caller.reaches(name)]

    def drop(self, caller: Caller, space: str) -> None:
        """Remove a space with everything in it."""
        self._space(caller, ERASE, space)
        self.memory.drop(space)
        self._changed(space)

    def remember(self, caller: Caller, space: str, call: calls.Remember) -> Receipt:
        """Store messages and memories; the space is made when it is new."""
        chosen = self._space(caller, WRITE, space, create=True)
        return self._write(chosen, chosen.remember(**call.arguments(), actor=caller.actor))

    def recall(self, caller: Caller, space: str, call: calls.Recall) -> Recall:
        """Find what bears on a question."""
        return self._space(caller, READ, space).recall(**call.arguments())

    def ask(self, caller: Caller, space: str, call: calls.Ask) -> Answer:
        """Answer a question from what is remembered."""
        return self._space(caller, READ, space).ask(**call.arguments())

    def recall_many(self, caller: Caller, call: calls.RecallMany) -> Recall:
        """Ask several spaces; one that is out of reach refuses the whole call before any is looked at."""
        for name in call.spaces:
            caller.require(READ, name)
        for name in call.spaces:
            self._space(caller, READ, name)
        return self.memory.recall(**call.arguments())

    def revise(self, caller: Caller, space: str, id: str, call: calls.Revise) -> Receipt:
        """Correct or supersede a memory."""
        chosen = self._space(caller, WRITE, space)
        values = {name: value for name, value in call.arguments().items() if name != "id"}
        return self._write(chosen, chosen.revise(id, **values, actor=caller.actor))

    def forget(self, caller: Caller, space: str, call: calls.Forget) -> Receipt | ErasureReport:
        """Archive memories, or erase them."""
        chosen = self._space(caller, ERASE if call.erase else WRITE, space)
        return self._write(chosen, chosen.forget(_target(call.target), erase=call.erase, reason=call.reason, actor=caller.actor))

    def restore(self, caller: Caller, space: str, call: calls.Restore) -> Receipt:
        """Make memories active again."""
        chosen = self._space(caller, WRITE, space)
        return self._write(chosen, chosen.restore(_target(call.target), reason=call.reason, actor=caller.actor))

    def feedback(self, caller: Caller, space: str, call: calls.Feedback) -> Receipt:
        """Count which memories helped."""
        chosen = self._space(caller, WRITE, space)
        named = [seen.id for seen in call.hits] if call.hits is not None else [*call.useful, *call.useless]
        present = {id: chosen.get(id) for id in dict.fromkeys(named)}
        seen = call.hits if call.hits is not None else [calls.Seen(id=id) for id in present]
        hits = tuple(Hit(memory=present[one.id], score=one.score, why=dict(one.parts), mark=one.mark) for one in seen)
        result = chosen.feedback(Recall(query="", hits=hits), useful=call.useful, useless=call.useless, actor=caller.actor)
        return self._write(chosen, result)

    def undo(self, caller: Caller, space: str, call: calls.Undo) -> Receipt:
        """Take back changes."""
        chosen = self._space(caller, WRITE, space)
        return self._write(chosen, chosen.undo(call.count, entry=call.entry, reason=call.reason, actor=caller.actor))

    def history(self, caller: Caller, space: str, id: str) -> list[Step]:
        """Return what happened to a memory, oldest first."""
        return self._space(caller, READ, space).history(id)

    def get(self, caller: Caller, space: str, id: str) -> Record:
        """Return a memory in its present version."""
        return self._space(caller, READ, space).get(id)

    def present_version(self, caller: Caller, space: str, id: str) -> int:
        """Return the version at which a memory is, for a caller who may change it."""
        return self._space(caller, WRITE, space).get(id).version

    def memories(self, caller: Caller, space: str, filters: Filter, *, after: str, limit: int, statuses: tuple[str, ...]) -> list[Record]:
        """Return a page of memories, in order of id."""
        return self._space(caller, READ, space).memories(filters, after=after, limit=limit, statuses=statuses)

    def episodes(self, caller: Caller, space: str, *, after: str, limit: int) -> list[Episode]:
        """Return a page of episodes, in order of id."""
        return self._space(caller, READ, space).episodes(after=after, limit=limit)

    def episodes_of(self, caller: Caller, space: str, ids: Sequence[str]) -> list[Episode]:
        """Return the episodes with these ids, in the order asked; unknown ones are left out."""
        return self._space(caller, READ, space).episodes(ids)

    def episode(self, caller: Caller, space: str, id: str) -> Episode:
        """Return an episode.

        Raises:
            NotFound: there is none, or it was erased.
        """
        found = self._space(caller, READ, space).episodes([id])
        if not found:
            raise NotFound("episode", id)
        return found[0]

    def episodes_named(self, caller: Caller, space: str, ids: Sequence[str]) -> list[Episode]:
        """Return the episodes with these ids, in their order; those that are not there are left out."""
        chosen = self._space(caller, READ, space)
        return chosen.episodes(ids) if ids else []

    def links(self, caller: Caller, space: str, ids: Sequence[str] | None) -> list[Link]:
        """Return the links of some memories, or all."""
        return self._space(caller, READ, space).links(ids)

    def usage(self, caller: Caller, space: str, ids: Sequence[str]) -> dict[str, Usage]:
        """Return how memories have fared."""
        return self._space(caller, READ, space).usage(ids)

    def formed_from(self, caller: Caller, space: str, episodes: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the memories that rest on some episodes."""
        return self._space(caller, READ, space).formed_from(episodes)

    def entry_at(self, caller: Caller, space: str, moment: datetime) -> int:
        """Return the number of the last journal entry recorded at or before a moment."""
        return self._space(caller, READ, space).entry_at(moment)

    def follow(self, caller: Caller, space: str, *, after: int, limit: int, known: int) -> list[Entry]:
        """Return journal entries to someone who has read all up to ``after`` and must miss none.

        Args:
            caller, space: who, where.
            after, limit: as of :meth:`journal`.
            known: the last entry of the checkpoint that the reader began with; 0 if there was none.

        Raises:
            Folded: entries behind ``after`` were folded.
        """
        chosen = self._space(caller, READ, space)
        entries = chosen.journal(after=after, limit=limit)
        check_followed(after, chosen.folded(), known)
        return entries

    def folded(self, caller: Caller, space: str) -> int:
        """Return the last entry of a space that was folded into a checkpoint."""
        return self._space(caller, READ, space).folded()

    def journal(self, caller: Caller, space: str, *, after: int, limit: int) -> list[Entry]:
        """Return a page of journal entries, oldest first."""
        return self._space(caller, READ, space).journal(after=after, limit=limit)

    def jobs(self, caller: Caller, space: str, *, states: tuple[str, ...] = ()) -> list[Job]:
        """Return jobs."""
        return self._space(caller, READ, space).jobs(states=states)

    def retry_jobs(self, caller: Caller, space: str, call: calls.Jobs) -> Receipt:
        """Put jobs that were given up back into the queue."""
        chosen = self._space(caller, WRITE, space)
        return self._write(chosen, chosen.retry_jobs(call.ids, actor=caller.actor))

    def drop_jobs(self, caller: Caller, space: str, call: calls.Jobs) -> Receipt:
        """Take jobs out of the queue for good."""
        chosen = self._space(caller, WRITE, space)
        return self._write(chosen, chosen.drop_jobs(call.ids, actor=caller.actor))

    def stats(self, caller: Caller, space: str) -> dict[str, Any]:
        """Return what a space holds, in figures."""
        return self._space(caller, READ, space).stats()

    def upkeep(self, caller: Caller, space: str, call: calls.Upkeep) -> UpkeepReport:
        """Look after a space; what its policies erase is erased."""
        chosen = self._space(caller, ADMIN, space)
        return self._write(chosen, chosen.upkeep(**call.arguments(), actor=caller.actor))

    def due(self, caller: Caller, space: str, count: int) -> list[Due]:
        """Return what is worth confirming before it is forgotten."""
        return self._space(caller, READ, space).due(count)

    def foreseen(self, caller: Caller, space: str, ahead: timedelta) -> list[Record]:
        """Return tasks and intentions whose time has come or is near."""
        return self._space(caller, READ, space).foreseen(ahead)

    def fading(self, caller: Caller, space: str, id: str, until: datetime | None) -> list[Left]:
        """Return how a memory has faded and will."""
        return self._space(caller, READ, space).fading(id, until)

    def blocks(self, caller: Caller, space: str) -> Sequence[Block]:
        """Return the texts that are always in context."""
        return self._space(caller, READ, space).blocks.list()

    def block(self, caller: Caller, space: str, name: str) -> Block:
        """Return one of them."""
        return self._space(caller, READ, space).blocks.get(name)

    def write_block(self, caller: Caller, space: str, name: str, call: calls.WriteBlock) -> Block:
        """Write a block; the space is made when it is new."""
        chosen = self._space(caller, WRITE, space, create=True)
        return self._write(chosen, Blocks(chosen, caller.actor).set(name, call.text, limit_chars=call.limit_chars))

    def edit_block(self, caller: Caller, space: str, name: str, call: calls.EditBlock) -> Block:
        """Add to a block or replace a piece of it."""
        chosen = self._space(caller, WRITE, space)
        blocks = Blocks(chosen, caller.actor)
        if call.append is not None:
            return self._write(chosen, blocks.append(name, call.append))
        return self._write(chosen, blocks.replace(name, call.old or "", call.new or ""))

    def policies(self, caller: Caller, space: str) -> str:
        """Return a space's policies as TOML."""
        return self._space(caller, READ, space).policies()

    def set_policies(self, caller: Caller, space: str, call: calls.SetPolicies) -> str:
        """Give a space its policies."""
        return self._space(caller, ADMIN, space).policies(call.toml, reason=call.reason, actor=caller.actor)

    def policy_changes(self, caller: Caller, space: str) -> list[PolicyChange]:
        """Return who changed a space's policies, when, why and from what to what."""
        return self._space(caller, READ, space).policy_changes()

    def verify(self, caller: Caller, space: str) -> Verification:
        """Check a space against its journal."""
        return self._space(caller, ADMIN, space).verify()

    def reembed(self, caller: Caller, space: str) -> int:
        """Give every text a vector of the server's model; returns how many got one."""
        chosen = self._space(caller, ADMIN, space)
        return self._write(chosen, chosen.reembed())

    def export(self, caller: Caller, space: str) -> Iterator[bytes]:
        """Return the lines of an export, without line ends. The right is checked at once, not at the first line."""
        return self._space(caller, READ, space).export_lines()

    def import_(self, caller: Caller, space: str, lines: Iterable[bytes]) -> Receipt:
        """Add what the lines of an export hold; the space is made when it is new."""
        chosen = self._space(caller, WRITE, space, create=True)
        try:
            return chosen.import_lines(lines, actor=caller.actor)
        finally:
            self._changed(space)

    def call(self, caller: Caller, space: str, verb: str, arguments: Mapping[str, Any]) -> object:
        """Make one call from plain JSON values.

        Raises:
            InvalidInput: there is no such verb, or an argument is bad.
        """
        if verb not in _VERBS:
            raise InvalidInput({"verb": f"there is no verb {verb[:40]!r} here; known are {', '.join(_VERBS)}"})
        kind, run = _VERBS[verb]
        return run(self, caller, space, calls.parse(kind, arguments))

    def batch(self, caller: Caller, space: str, batch: calls.Batch) -> list[Outcome]:
        """Make calls one after another; each succeeds or fails for itself."""
        outcomes = []
        for call in batch.calls:
            try:
                outcomes.append(Outcome(verb=call.verb, result=self.call(caller, space, call.verb, call.arguments)))
            except MnemeError as error:
                outcomes.append(Outcome(verb=call.verb, error=error))
        return outcomes


def _target(target: calls.Target) -> str | list[str] | Filter:
    return target.filter() if isinstance(target, Filters) else target


_Run = Callable[[Service, Caller, str, Any], object]
_VERBS: dict[str, tuple[type[Call], _Run]] = {
    "remember": (calls.Remember, Service.remember),
    "recall": (calls.Recall, Service.recall),
    "ask": (calls.Ask, Service.ask),
    "upkeep": (calls.Upkeep, Service.upkeep),
    "revise": (calls.ReviseOne, lambda service, caller, space, call: service.revise(caller, space, call.id, call)),
    "forget": (calls.Forget, Service.forget),
    "restore": (calls.Restore, Service.restore),
    "feedback": (calls.Feedback, Service.feedback),
    "undo": (calls.Undo, Service.undo),
    "retry_jobs": (calls.Jobs, Service.retry_jobs),
    "drop_jobs": (calls.Jobs, Service.drop_jobs),
    "history": (calls.One, lambda service, caller, space, call: service.history(caller, space, call.id)),
    "get": (calls.One, lambda service, caller, space, call: service.get(caller, space, call.id)),
}
