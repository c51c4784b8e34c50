"""A symbolic memory: tables whose rows are memories, read and changed by chains of SQL.

Source: ChatDB (arXiv 2306.03901), chain-of-memory: a text becomes numbered steps, each with its SQL; placeholders are filled from earlier
results; the chain is one transaction. Differs: each row is a memory of the space, so that every change is journalled, has the message that
caused it as its source, and can be undone, seen as of then and erased; placeholders are bound by column name, and a model is asked
only for those that name no column; without a model, intents of the caller's own turn texts into steps.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mneme.core.errors import Conflict, InvalidInput, MnemeError
from mneme.core.llm import LLM, Prompt
from mneme.core.operations import Archive, Keep, Operation, Revise
from mneme.core.query import Filter
from mneme.core.records import Episode, Memory, Span
from mneme.core.trace import Trace
from mneme.engine.material import material_for
from mneme.engine.prepare import Given
from mneme.formation.rules import derived_id
from mneme.recipes.agent.binding import Done, as_value, bind, told, unknown
from mneme.recipes.agent.tools import Surface, Tool, ToolFailed
from mneme.space import Space
from mneme.stores.tables import Change, Found, Row, Tables, Value

TAG = "table:"
SCHEMA = "chatdb:schema"
MOST_STATEMENTS = 500
"""Statements of one chain, with all rows that a placeholder stands for."""

TRIES = 3
"""How often a chain is run again when another writer was faster."""

PLAN = Prompt(
    role="chatdb.plan",
    system=(
        "You turn a request into a chain of SQLite statements over the tables shown, one statement a step, in the order in which they"
        " must run. <column> or <column@step2> in a statement stands for a value that an earlier step found. Small talk and questions"
        " that the tables say nothing about need no steps: reply to them."
    ),
    template="Tables:\n$schema\n\nToday: $today\n\nRequest: $request\n\nWhat went wrong before: $trouble\n\nGive the steps, or a reply.",
)
FILL = Prompt(
    role="chatdb.fill",
    system="You fill the placeholders in a SQLite statement from earlier results; one statement for each value that is meant.",
    template="Results so far:\n$results\n\nStatement: $sql\n\nGive the finished statements.",
    trim=(("results", "tail"),),
)
ANSWER = Prompt(
    role="chatdb.answer",
    system="You answer from the results of queries alone, in one or two sentences.",
    template="Request: $request\n\nResults:\n$results\n\nAnswer:",
    trim=(("results", "tail"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A step as planned: what it is for, and its SQL."""

    about: str
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps, or a reply where none are needed."""

    steps: list[Planned]
    reply: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """A statement with its placeholders filled, once for each value."""

    statements: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """An answer."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a kind of request means, for a memory without a model.

    Args:
        pattern: a regular expression with named groups, looked for anywhere in the text.
        steps: SQL in which ``:name`` stands for a group and ``<column@step1>`` for an earlier result.
    """

    pattern: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What came of a request.

    Args:
        steps: those that ran, in order; none for small talk.
        answer: for the user.
        error: why nothing of the chain was kept; empty when it was.
        entry: the journal entry of its changes, 0 when it changed nothing; ``space.undo(entry=...)`` takes the chain back.
        changed: how many rows were added, changed or removed.
    """

    steps: tuple[Done, ...] = ()
    answer: str = ""
    error: str = ""
    entry: int = 0
    changed: int = 0


class SymbolicMemory:
    """Tables in a space.

    Args:
        space: where rows are kept.
        schema: ``CREATE TABLE`` statements; empty takes those that the space holds. Besides them ``statements`` (what formers read:
            subject, relation, object, times) and ``messages`` can be read by every query.
        llm: plans and answers; None goes by ``intents``.
        intents: what requests mean without a model.
    """

    def __init__(self, space: Space, schema: str = "", llm: LLM | None = None, intents: Sequence[Intent] = ()) -> None:
        self.space = space
        self.schema = self._kept_schema(schema)
        self.columns = _layout(self.schema)
        self._llm = llm
        self._intents = [(re.compile(intent.pattern, re.IGNORECASE), intent.steps) for intent in intents]
        text = {"type": "string", "maxLength": 20_000}
        self.surface = Surface(
            [
                Tool(name="describe_tables", about="Show the tables.", parameters={}, call=lambda: self.schema),
                Tool(
                    name="run_sql",
                    about="Run one SQLite statement (SELECT, INSERT, UPDATE or DELETE); changes are kept and can be undone.",
                    parameters={"statement": text, "why": {**text, "description": "what was said that this follows from"}},
                    call=self._run_sql,
                    optional=("why",),
                ),
            ]
        )

    def tell(self, request: str, *, author: str | None = None, at: datetime | None = None, retries: int = 1) -> Chain:
        """Remember a request, plan its chain and run it, all of it or nothing.

        Args:
            request: what somebody said.
            author, at: as for ``remember``.
            retries: how often a model may plan anew after a chain that failed.
        """
        (episode,) = self.space.episodes(self.space.remember(request, author=author, at=at).episodes)
        trouble = ""
        for attempt in range(retries + 1 if self._llm else 1):
            plan, groups = self._plan(request, episode.at, trouble)
            if not plan.steps:
                return Chain(answer=plan.reply, error=trouble)
            chain = self._run(plan.steps, episode, groups)
            if not chain.error or attempt == retries:
                break
            trouble = chain.error
        return replace(chain, answer=chain.error or self._answer(request, chain))

    def rows(self, table: str) -> list[dict[str, Value]]:
        """Return the rows of a table, in the order of their numbers."""
        if table not in self.columns:
            raise InvalidInput({"table": f"there is no {table!r}; there are {', '.join(self.columns)}"})
        columns = self.columns[table]
        found = sorted((memory for memory in self._memories() if memory.attributes["table"] == table), key=_number)
        return [dict(zip(columns, _values(memory, columns), strict=True)) for memory in found]

    def select(self, sql: str, values: Sequence[Value] = ()) -> Found:
        """Return what one query finds; a statement that would change rows is refused.

        Raises:
            InvalidInput: it fails, or changes rows.
            Refused: it reaches for something other than the tables.
        """
        tables = self._open(self._memories())
        try:
            found = tables.execute(sql, values)
            if tables.changes():
                raise InvalidInput({"sql": "changes rows; send it as a request, so that it has a source"})
            return found
        finally:
            tables.close()

    def _plan(self, request: str, at: datetime, trouble: str) -> tuple[Plan, Mapping[str, Value]]:
        if self._llm is not None:
            said = {"schema": self.schema, "today": at.date(), "request": request, "trouble": trouble or "nothing"}
            return self._llm.ask(PLAN, said, Plan), {}
        for pattern, steps in self._intents:
            if found := pattern.search(request):
                groups = {name: as_value(text) for name, text in found.groupdict().items()}
                return Plan(steps=[Planned(about=found[0], sql=sql) for sql in steps]), groups
        return Plan(steps=[]), {}

    def _run(self, steps: Sequence[Planned], episode: Episode, groups: Mapping[str, Value]) -> Chain:
        """Run a chain on the rows as they are, and keep what it changed unless somebody else changed the same rows meanwhile."""
        for attempt in range(TRIES):
            there = self._memories()
            tables = self._open(there)
            done: list[Done] = []
            try:
                for step in steps:
                    done.append(self._step(tables, step, done, groups))
                changes = tables.changes()
                entry = self._keep(changes, tables.columns, there, episode)
                return Chain(steps=tuple(done), entry=entry, changed=len(changes))
            except Conflict:
                if attempt == TRIES - 1:
                    raise
            except MnemeError as error:
                return Chain(steps=tuple(done), error=f"step {len(done) + 1} of {len(steps)}, nothing was changed: {error}")
            finally:
                tables.close()
        raise AssertionError("the loop returns or raises")

    def _step(self, tables: Tables, step: Planned, done: Sequence[Done], groups: Mapping[str, Value]) -> Done:
        ready = self._filled(step.sql, done, groups)
        if len(ready) + sum(len(one.statements) for one in done) > MOST_STATEMENTS:
            raise InvalidInput({"sql": f"makes more than {MOST_STATEMENTS} statements; join the tables instead of naming rows one by one"})
        return Done(about=step.about, statements=tuple(ready), found=tuple(tables.execute(sql, values) for sql, values in ready))

    def _filled(self, sql: str, done: Sequence[Done], groups: Mapping[str, Value]) -> list[tuple[str, Row]]:
        """Return the statements of a step; a model fills what names no column."""
        if self._llm is None or not unknown(sql, done):
            return bind(sql, done, groups)
        return [(statement, ()) for statement in self._llm.ask(FILL, {"results": told(done) or "none", "sql": sql}, Statements).statements]

    def _keep(self, changes: Sequence[Change], columns: Mapping[str, Sequence[str]], there: Sequence[Memory], episode: Episode) -> int:
        """Store what a chain changed, in one transaction; returns the journal entry."""
        engine = self.space._memory
        held = {(memory.attributes["table"], _number(memory)): memory for memory in there}
        operations: list[Operation] = []
        texts: list[Memory] = []
        for change in changes:
            before = held.get((change.table, change.row))
            if before is not None and change.after is None:
                operations.append(Archive(id=before.id, expected_version=before.version))
                continue
            made = _memory(change, columns[change.table], episode, before, engine.clock.now())
            if before is None:
                made = replace(made, id=self._free_id(change))
                operations.append(Keep(memory=made))
            else:
                told = {"attributes": made.attributes, "sources": made.sources}
                operations.append(Revise(id=made.id, text=made.text, changes=told, expected_version=before.version))
            texts.append(made)
        if not operations:
            return 0
        trace = Trace(id=engine.ids.new("tr"), verb="chain")
        material = material_for(texts, engine.embedder, engine.analyser)
        with self.space._use() as opened:
            applied = self.space._apply(opened, operations, trace, material=material, reason=episode.ref or episode.id)
        return applied.entry.seq if applied.entry else 0

    def _free_id(self, change: Change) -> str:
        """Return the id of a new row: the first that no earlier row with this number had, be it gone, undone or erased.

        Two chains that add the same row at once make the same id, and the second one is told so.
        """
        with self.space._use() as opened:
            for earlier in itertools.count():
                id = derived_id("ep_0000000000", f"{change.table}|{change.row}|{earlier}")
                if opened.store.status_of(id) in (None, "active"):
                    return id
        raise AssertionError("numbers do not end")

    def _answer(self, request: str, chain: Chain) -> str:
        if self._llm is None:
            return told(chain.steps)
        return self._llm.ask(ANSWER, {"request": request, "results": told(chain.steps)}, Text).text

    def _run_sql(self, statement: str, why: str = "") -> str:
        (episode,) = self.space.episodes(self.space.remember(why or statement, role="tool").episodes)
        chain = self._run([Planned(about=why, sql=statement)], episode, {})
        if chain.error:
            raise ToolFailed(chain.error)
        return told(chain.steps)

    def _open(self, memories: Iterable[Memory]) -> Tables:
        rows: dict[str, dict[int, Row]] = {}
        for memory in memories:
            table = str(memory.attributes["table"])
            if table in self.columns:
                rows.setdefault(table, {})[_number(memory)] = _values(memory, self.columns[table])
        return Tables(self.schema, rows, {"statements": (STATEMENTS, self._statements), "messages": (MESSAGES, self._messages)})

    def _memories(self) -> list[Memory]:
        return [memory for memory in self._all(Filter(kinds=("fact",))) if "table" in memory.attributes]

    def _statements(self) -> list[Row]:
        found = self._all(Filter(kinds=("fact", "event", "preference", "profile")))
        return [
            (
                *(str(memory.attributes[name]) for name in ("subject", "relation", "object")),
                memory.valid_from.isoformat(), memory.valid_to.isoformat() if memory.valid_to else None,
                memory.at.isoformat(), memory.author, memory.text,
            )
            for memory in found
            if "relation" in memory.attributes
        ]  # fmt: skip

    def _messages(self) -> list[Row]:
        found = self._all(Filter(kinds=("turn",)))
        return [(memory.at.isoformat(), memory.author or memory.role, memory.session, memory.text) for memory in found]

    def _all(self, where: Filter) -> list[Memory]:
        found: list[Memory] = []
        while page := self.space.memories(where, after=found[-1].id if found else "", limit=1000):
            found += page
        return found

    def _kept_schema(self, schema: str) -> str:
        """Return the schema that holds from now on, stored with the space as a memory of its own."""
        kept = self.space.memories({"kinds": ["resource"], "tags": [SCHEMA]}, limit=1)
        if not schema and not kept:
            raise InvalidInput({"schema": "is missing and the space holds none; give CREATE TABLE statements"})
        _layout(schema or kept[0].text)
        if schema and not kept:
            self.space.remember(memories=[Given(text=schema, kind="resource", tags=(SCHEMA,))])
        elif schema and kept[0].text != schema:
            self.space.revise(kept[0].id, schema)
        return schema or kept[0].text


STATEMENTS = ("subject", "relation", "object", "valid_from", "valid_to", "at", "author", "text")
MESSAGES = ("at", "author", "session", "text")


def _memory(change: Change, columns: Sequence[str], episode: Episode, before: Memory | None, now: datetime) -> Memory:
    """Return a row as a memory; it rests on the messages that its present values come from, so that it goes with any of them."""
    assert change.after is not None
    values = dict(zip(columns, change.after, strict=True))
    told = ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)
    new = Span(episode=episode.id, start=0, end=len(episode.text))
    origin: dict[str, str] = {}
    known: dict[str, Span] = {}
    if before is not None:
        held, told_by = before.attributes["values"], before.attributes.get("told_by", {})
        assert isinstance(held, Mapping)
        assert isinstance(told_by, Mapping)
        known = {span.episode: span for span in before.sources}
        first = before.sources[0].episode
        origin = {name: str(told_by.get(name, first)) for name, value in values.items() if name in held and held[name] == value}
    origin = {name: origin.get(name, episode.id) for name in columns}
    return Memory(
        id=before.id if before is not None else derived_id("ep_0000000000", f"{change.table}|{change.row}"),
        text=f"{change.table} {change.row}: {told}",
        kind="fact",
        at=episode.at,
        recorded_at=now,
        valid_from=episode.at,
        author=episode.author,
        session=episode.session,
        tags=(TAG + change.table,),
        attributes={"table": change.table, "row": change.row, "values": values, "told_by": origin},
        sources=tuple(known.get(id, new) for id in sorted(set(origin.values()))),
    )


def _layout(schema: str) -> Mapping[str, Sequence[str]]:
    """Return table -> columns of a schema, checked."""
    tables = Tables(schema, {}, {"statements": (STATEMENTS, tuple), "messages": (MESSAGES, tuple)})
    tables.close()
    return tables.columns


def _number(memory: Memory) -> int:
    return int(str(memory.attributes["row"]))


def _values(memory: Memory, columns: Sequence[str]) -> Row:
    kept = memory.attributes["values"]
    assert isinstance(kept, Mapping)
    return tuple(kept.get(name) for name in columns)
