"""A space on a server: the verbs of :class:`mneme.Space`, as requests."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from mneme import wire
from mneme.client.asking import Ask, given, part
from mneme.client.blocks import RemoteBlocks
from mneme.core.journal import Entry
from mneme.core.query import Answer, ErasureReport, Filter, Hit, Recall, Receipt, Verification
from mneme.core.records import Episode, Job, Media, Message
from mneme.core.records import Memory as Record
from mneme.engine.fading import Left
from mneme.engine.keeping import Due, PolicyChange
from mneme.engine.naming import Target, as_filter
from mneme.engine.prepare import Given
from mneme.engine.upkeep import UpkeepBudget, UpkeepReport
from mneme.space import Step
from mneme.text.tokens import count_tokens

_T = TypeVar("_T")
Send = Callable[[Ask[Any]], Any]


class RemoteSpace:
    """One space on a server. Get one with :meth:`mneme.client.Client.space`.

    Arguments, results and errors are those of :class:`mneme.Space`; reading a space that does not exist raises ``NotFound``.
    """

    def __init__(self, name: str, send: Send) -> None:
        self.name = name
        self._send = send
        self._path = f"/v1/spaces/{part(name)}"

    def remember(
        self,
        what: str | Message | Mapping[str, Any] | Iterable[str | Message | Mapping[str, Any]] = (),
        *,
        at: datetime | None = None,
        author: str | None = None,
        role: str | None = None,
        session: str | None = None,
        ref: str | None = None,
        channel: str | None = None,
        media: Sequence[Media] = (),
        tags: Sequence[str] = (),
        kind: str = "turn",
        memories: Iterable[Given | Mapping[str, Any]] = (),
        key: str | None = None,
        partial: bool = False,
        wait: bool = False,
        reason: str | None = None,
    ) -> Receipt:
        """Store messages; see :meth:`mneme.Space.remember`. Without a key the client makes one, so that it can safely try again."""
        body = given(at=at, author=author, role=role, session=session, ref=ref, channel=channel, reason=reason)
        body |= {
            "what": what if isinstance(what, str | Message | Mapping) else list(what),
            "media": list(media),
            "tags": list(tags),
            "kind": kind,
            "memories": list(memories),
            "partial": partial,
            "wait": wait,
            "key": key or f"client:{uuid.uuid4().hex}",
        }
        return self._ask("POST", "/remember", Receipt, body, repeatable=True)

    def recall(
        self,
        query: str,
        *,
        k: int | None = None,
        budget_tokens: int | None = None,
        filters: Filter | Mapping[str, Any] | None = None,
        kinds: Sequence[str] = (),
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        explain: bool = False,
        archived: bool = False,
    ) -> Recall:
        """Find what bears on a question; see :meth:`mneme.Space.recall`."""
        body = given(query=query, k=k, budget_tokens=budget_tokens, as_of=as_of, known_at=known_at)
        body |= {"filters": _filters(filters), "kinds": list(kinds), "explain": explain, "archived": archived}
        return self._send(Ask(method="POST", path=f"{self._path}/recall", body=body, read=read_recall, repeatable=True))  # type: ignore[no-any-return]

    def ask(
        self,
        question: str,
        *,
        k: int | None = None,
        budget_tokens: int = 2000,
        filters: Filter | Mapping[str, Any] | None = None,
        kinds: Sequence[str] = (),
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Answer:
        """Answer a question from what is remembered, with citations; see :meth:`mneme.Space.ask`."""
        body = given(question=question, k=k, budget_tokens=budget_tokens, as_of=as_of, known_at=known_at)
        body |= {"filters": _filters(filters), "kinds": list(kinds)}
        return self._ask("POST", "/ask", Answer, body, repeatable=True)

    def upkeep(self, *, dry_run: bool = False, budget: UpkeepBudget | None = None) -> UpkeepReport:
        """Look after the space; see :meth:`mneme.Space.upkeep`. Needs a key with the right ``admin``."""
        taken = budget or UpkeepBudget()
        return self._ask("POST", "/upkeep", UpkeepReport, given(dry_run=dry_run, seconds=taken.seconds, operations=taken.operations))

    def due(self, n: int = 10) -> list[Due]:
        """Return up to ``n`` memories worth asking the user to confirm before they are forgotten, most worth first."""
        return self._get("/due", _list_of(Due), {"n": n})

    def foreseen(self, ahead: timedelta = timedelta(days=1)) -> list[Record]:
        """Return tasks and intentions whose time has come, or comes within ``ahead``, and is not over; soonest end first."""
        return self._get("/foreseen", _list_of(Record), {"ahead_s": ahead.total_seconds()})

    def fading(self, id: str, until: datetime | None = None) -> list[Left]:
        """Return how much of a memory was left from its birth to now, and will be; see :meth:`mneme.Space.fading`."""
        return self._get(f"/memories/{part(id)}/fading", _list_of(Left), given(until=until))

    @property
    def blocks(self) -> RemoteBlocks:
        """The texts that are always in context: persona, user, task, and others."""
        return RemoteBlocks(f"{self._path}/blocks", self._send)

    def policies(self, toml: str | None = None, *, reason: str | None = None) -> str:
        """Return the space's policies as TOML; given a text, make it the policies first, which needs the right ``admin``."""
        method, body = ("GET", None) if toml is None else ("PUT", given(toml=toml, reason=reason))
        read = lambda plain: str(plain["toml"])  # noqa: E731
        return self._send(Ask(method=method, path=f"{self._path}/policies", body=body, read=read, repeatable=True))  # type: ignore[no-any-return]

    def policy_changes(self) -> list[PolicyChange]:
        """Return who changed the policies, when, why and from what to what; see :meth:`mneme.Space.policy_changes`."""
        return self._get("/policies/changes", _list_of(PolicyChange))

    def revise(
        self,
        id: str,
        text: str | None = None,
        *,
        since: datetime | None = None,
        reason: str | None = None,
        expected_version: int | None = None,
        **changes: Any,
    ) -> Receipt:
        """Correct a memory, or tell that the world changed; see :meth:`mneme.Space.revise`."""
        body = given(text=text, since=since, reason=reason, expected_version=expected_version) | changes
        return self._ask("PATCH", f"/memories/{part(id)}", Receipt, body)

    def forget(self, target: Target, *, erase: bool = False, reason: str | None = None) -> Receipt | ErasureReport:
        """Archive memories, or remove them for good; see :meth:`mneme.Space.forget`."""
        body = given(reason=reason) | {"target": _target(target), "erase": erase}
        return self._send(Ask(method="POST", path=f"{self._path}/forget", body=body, read=_forgotten))  # type: ignore[no-any-return]

    def restore(self, target: Target, *, reason: str | None = None) -> Receipt:
        """Make memories active again; see :meth:`mneme.Space.restore`."""
        return self._ask("POST", "/restore", Receipt, given(reason=reason) | {"target": _target(target)})

    def feedback(self, found: Recall, *, useful: Sequence[str | Hit] = (), useless: Sequence[str | Hit] = ()) -> Receipt:
        """Tell which hits of a recall helped; see :meth:`mneme.Space.feedback`."""
        body = {
            "hits": [{"id": hit.memory.id, "mark": hit.mark, "score": hit.score, "parts": _parts(hit)} for hit in found.hits],
            "useful": [_name(one) for one in useful],
            "useless": [_name(one) for one in useless],
        }
        return self._ask("POST", "/feedback", Receipt, body)

    def undo(self, count: int | None = None, *, entry: int | None = None, reason: str | None = None) -> Receipt:
        """Take back changes; see :meth:`mneme.Space.undo`."""
        return self._ask("POST", "/undo", Receipt, given(count=count, entry=entry, reason=reason))

    def history(self, id: str) -> list[Step]:
        """Return what happened to a memory, oldest first."""
        return self._get(f"/memories/{part(id)}/history", _list_of(Step))

    def get(self, id: str) -> Record:
        """Return a memory in its present version."""
        return self._get(f"/memories/{part(id)}", lambda plain: wire.decode(Record, plain))

    def memories(
        self, filters: Filter | Mapping[str, Any] | None = None, *, after: str = "", limit: int = 100, statuses: Sequence[str] = ("active",)
    ) -> list[Record]:
        """Return memories in the order of their ids, those after id ``after``; at most 1,000 in one call."""
        where = as_filter(filters, ())
        params = {name: getattr(where, name) for name in where.__dataclass_fields__ if name != "archived"}
        return self._get("/memories", _page_of(Record), params | {"after": after, "limit": limit, "status": list(statuses)})

    def episodes(self, ids: Sequence[str] = (), *, after: str = "", limit: int = 100) -> list[Episode]:
        """Return the episodes with these ids, or, without ids, those after id ``after``; at most 1,000 in one call."""
        return self._get("/episodes", _page_of(Episode), {"ids": list(ids), "after": after, "limit": limit})

    def journal(self, *, after: int = 0, limit: int = 100) -> list[Entry]:
        """Return journal entries with a higher number than ``after``, oldest first; at most 1,000 in one call."""
        return self._get("/journal", _page_of(Entry), {"after": after, "limit": limit})

    def jobs(self, *, states: Sequence[str] = ()) -> list[Job]:
        """Return the space's jobs in these states, or all."""
        return self._get("/jobs", _list_of(Job), {"state": list(states)})

    def retry_jobs(self, ids: Sequence[str] = ()) -> Receipt:
        """Put jobs that were given up back into the queue; see :meth:`mneme.Space.retry_jobs`."""
        return self._ask("POST", "/jobs/retry", Receipt, {"ids": list(ids)})

    def drop_jobs(self, ids: Sequence[str] = ()) -> Receipt:
        """Take jobs out of the queue for good; see :meth:`mneme.Space.drop_jobs`."""
        return self._ask("POST", "/jobs/drop", Receipt, {"ids": list(ids)})

    def stats(self) -> dict[str, Any]:
        """Return what the space holds, in figures."""
        return self._get("", dict)

    def verify(self) -> Verification:
        """Check the space against its journal; needs a key with the right ``admin``."""
        return self._ask("POST", "/verify", Verification, repeatable=True)

    def reembed(self) -> int:
        """Give every text a vector of the server's model; needs a key with the right ``admin``."""
        return self._send(Ask(method="POST", path=f"{self._path}/reembed", read=lambda plain: int(plain["memories"])))  # type: ignore[no-any-return]

    def _ask(self, method: str, path: str, kind: type[_T], body: Any = None, *, repeatable: bool = False) -> _T:
        read: Callable[[Any], _T] = lambda plain: wire.decode(kind, plain)  # noqa: E731
        return self._send(Ask(method=method, path=self._path + path, body=body, read=read, repeatable=repeatable))  # type: ignore[no-any-return]

    def _get(self, path: str, read: Callable[[Any], _T], params: Mapping[str, Any] | None = None) -> _T:
        return self._send(Ask(method="GET", path=self._path + path, params=params, read=read, repeatable=True))  # type: ignore[no-any-return]


class AsyncRemoteSpace:
    """The verbs of a space on a server, to be awaited."""

    def __init__(self, name: str, send: Send) -> None:
        self.name = name
        self._space = RemoteSpace(name, send)
        self._path = self._space._path

    @property
    def blocks(self) -> RemoteBlocks:
        """The texts that are always in context; what their verbs send is awaited."""
        return self._space.blocks

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the verb of that name; what it sends is awaited."""
        if name.startswith("_") or not hasattr(RemoteSpace, name):
            raise AttributeError(f"a space has no verb {name!r}")
        verb: Callable[..., Any] = getattr(self._space, name)
        return verb


def read_recall(plain: Any) -> Recall:
    """Return a recall; what counts its context's tokens does not travel, so it is the usual one."""
    return replace(wire.decode(Recall, plain), counter=count_tokens)


def _filters(filters: Filter | Mapping[str, Any] | None) -> Filter | None:
    return None if filters is None else as_filter(filters, ())


def _target(target: Target) -> Any:
    if isinstance(target, str | Filter):
        return target
    if isinstance(target, Record | Hit):
        return _name(target)
    return [_name(one) for one in target]


def _parts(hit: Hit) -> dict[str, float]:
    """Return what a hit's score is made of, as far as it is numbers."""
    return {name: part for name, part in hit.why.items() if isinstance(part, float)}


def _name(one: str | Record | Hit) -> str:
    return one if isinstance(one, str) else one.memory.id if isinstance(one, Hit) else one.id


def _forgotten(plain: Any) -> Receipt | ErasureReport:
    return wire.decode(ErasureReport, plain) if "erased" in plain else wire.decode(Receipt, plain)


def _list_of(kind: type[_T]) -> Callable[[Any], list[_T]]:
    return lambda plain: [wire.decode(kind, one) for one in plain]


def _page_of(kind: type[_T]) -> Callable[[Any], list[_T]]:
    return lambda plain: [wire.decode(kind, one) for one in plain["items"]]
