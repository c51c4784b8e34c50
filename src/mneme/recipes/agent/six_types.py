"""Six types of memory, each kept by a manager of its own that a meta manager calls when a message concerns it.

Source: MIRIX (arXiv 2507.07957): core, episodic, semantic, procedural, resource, knowledge vault; one tool call per manager; a core block
is rewritten from 90 % on; active retrieval of ten per type. Differs: messages are stored before any model is asked, with secrets masked;
what the vault manager finds later is masked in them, too. Without a model, and where the meta manager can't be asked, types are
routed by rules; without one an event of one session is merged by likeness.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import numpy as np

from mneme.core.errors import ModelError
from mneme.core.llm import LLM, Prompt
from mneme.core.query import Filter
from mneme.core.records import Memory
from mneme.recipes.agent.ciphers import Cipher
from mneme.recipes.agent.entries import spans
from mneme.recipes.agent.everything import everything
from mneme.recipes.agent.tools import Step, Surface, Tool, ToolFailed, run
from mneme.recipes.agent.vault import LEVELS, MASK, Vault
from mneme.space import Space

Type = Literal["core", "episodic", "semantic", "procedural", "resource", "vault"]
TYPES: tuple[Type, ...] = ("core", "episodic", "semantic", "procedural", "resource", "vault")
KINDS: Mapping[str, str] = {"episodic": "event", "semantic": "fact", "procedural": "skill", "resource": "resource"}
TAG = "mirix"
BLOCKS = ("human", "persona")
BLOCK_CHARS, FULL = 5000, 0.9
EACH = 10
_TOGETHER = timedelta(hours=2)
_LONG = 1200

META = Prompt(
    role="mirix.meta",
    system=(
        "You decide which memories a message concerns: core (who the user and the assistant are), episodic (what happened, with a time),"
        " semantic (concepts, people, facts), procedural (how something is done), resource (documents), vault (secrets). None will do."
    ),
    template="Messages:\n$messages",
    trim=(("messages", "head"),),
)
KEEP = Prompt(
    role="mirix.keep",
    system="You keep one kind of memory with tools. Make one call: insert what is new, merge what goes on, update what changed.",
    template="Memory: $type\n\nThere already:\n$there\n\nMessages:\n$messages\n\nTools:\n$tools\n\nDone:\n$steps",
    trim=(("there", "tail"), ("messages", "head")),
)
COMPRESS = Prompt(
    role="mirix.compress",
    system="You rewrite a note about a person in half its length and lose no fact.",
    template="Note:\n$text",
)

_SECRET = re.compile(
    r"\b(?P<what>(?:pass(?:word|phrase|code)|pin|api\s+key|access\s+(?:key|code)|secret\s+key|token)\b[^:=\n.]{0,40}?)"
    r"\s*(?:(?:is|are)(?:\s+(?:now|as\s+follows|the\s+following))?\s*:?|=|:)\s*(?P<value>\S+[^\s.,;!?])",
    re.IGNORECASE,
)
_CAPTIONS = ("a value that was masked", "secret")  # they share no two letters in a row, so that one does not hold the value
_HOW = re.compile(
    r"\b(?:how\s+to|steps?\s+(?:to|for|\d)|first,?\s.*\bthen\b|to\s+\w+\s+\w+,\s+(?:press|open|click|run|go))", re.IGNORECASE | re.DOTALL
)
_SELF = re.compile(r"\b(?:my\s+name\s+is|i\s+(?:am|prefer|like|love|hate|live|work)|i['’]m)\b", re.IGNORECASE)
_HAPPENED = re.compile(
    r"\b(?:yesterday|today|this\s+morning|tonight|last\s+\w+|on\s+(?:mon|tues|wednes|thurs|fri|satur|sun)day|\d{4}-\d\d-\d\d"
    r"|went|met|visited|bought|started|finished|meeting|decided|agreed)\b",
    re.IGNORECASE,
)
_IS = re.compile(r"^\W*(?:the\s+|an?\s+)?[\w' -]{2,40}\s+(?:is|are|means|was)\s+(?:an?|the|called)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which memories a message concerns."""

    types: list[Type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A shorter text."""

    text: str


def _masked(text: str) -> str:
    return _SECRET.sub(lambda found: text[found.start() : found.start("value")] + MASK + text[found.end("value") : found.end()], text)


def routed(text: str) -> list[Type]:
    """Return which memories a message concerns, by rule.

    Example:
        >>> routed("My password is hunter2."), routed("How to reset it: first unplug it, then wait."), routed("Hi!")
        (['vault'], ['procedural'], [])
    """
    if _SECRET.search(text):
        return ["vault"]
    if len(text) > _LONG:
        return ["resource"]
    found: list[Type] = []
    for type_, pattern in (("core", _SELF), ("procedural", _HOW), ("episodic", _HAPPENED), ("semantic", _IS)):
        if pattern.search(text) and not (type_ == "semantic" and found):
            found.append(type_)  # type: ignore[arg-type]
    return found


class SixTypes:
    """The six memories of one space.

    Args:
        space: where they are kept.
        llm: meta manager and managers; None routes by rule.
        cipher: seals what is in the vault.
        block_chars: of a core block.
    """

    def __init__(self, space: Space, llm: LLM | None = None, cipher: Cipher | None = None, *, block_chars: int = BLOCK_CHARS) -> None:
        self.space = space
        self.vault = Vault(space, cipher)
        self.steps: list[tuple[Type, Step]] = []
        self._llm = llm
        self._block_chars = block_chars
        self._ids: dict[str, str] = {}
        self._secrets: list[str] = []
        self._stored: list[str] = []
        self._session: str | None = None
        self.surfaces: dict[Type, Surface] = {type_: Surface(self._tools(type_)) for type_ in TYPES}

    def read(self, *messages: str, session: str | None = None) -> list[Type]:
        """Store messages, secrets masked, and let the managers of the memories that they concern work; returns which those were.

        The vault's manager works first and alone sees values that a rule finds; what else it takes is masked for the managers after it
        and in the messages.
        """
        masked = [_masked(text) for text in messages]
        self._stored = list(self.space.remember([{"text": text, "session": session} for text in masked]).ids) if masked else []
        self._session = session
        try:
            types = self._chosen(masked)
            if masked != list(messages) and "vault" not in types:
                types.append("vault")
            if "vault" in types:
                try:
                    self._work("vault", messages)
                finally:
                    try:
                        self._saved(messages)  # also where the manager could not be asked
                    finally:
                        masked = self._hide(masked)
            for type_ in types:
                if type_ != "vault":
                    self._work(type_, masked)
        finally:
            self._stored, self._session = [], None
        return types

    def rows(self, type_: Type) -> list[Memory]:
        """Return the entries of a memory, oldest first; of the core, its blocks."""
        if type_ == "core":
            return [self.space.get(block.id) for block in self.space.blocks.list() if block.name in BLOCKS]
        if type_ == "vault":
            return everything(self.space, Filter(kinds=("secret",)))
        return everything(self.space, Filter(kinds=(KINDS[type_],), tags=(TAG,)))

    def active(self, topic: str) -> dict[Type, list[str]]:
        """Return what a context shows of a topic: ten of each memory, of the episodic ten recent and ten relevant; no secret value."""
        found: dict[Type, list[str]] = {"core": [memory.text for memory in self.rows("core")]}
        for type_, kind in KINDS.items():
            hits = self.space.recall(topic, k=EACH, filters=Filter(kinds=(kind,), tags=(TAG,))).hits
            entries = {hit.memory.id: hit.text for hit in hits}
            if type_ == "episodic":
                recent = sorted(self.rows("episodic"), key=lambda memory: (memory.at, memory.id))[-EACH:]
                entries |= {memory.id: memory.text for memory in recent}
            found[type_] = list(entries.values())  # type: ignore[index]
        found["vault"] = [f"{secret.caption}: {secret.shown}" for secret in self.vault.search(topic, k=EACH)]
        return {type_: lines for type_, lines in found.items() if lines}

    def context(self, topic: str) -> str:
        """Return :meth:`active` as text with a tag for each type."""
        return "\n".join(f"<{type_}>\n" + "\n".join(lines) + f"\n</{type_}>" for type_, lines in self.active(topic).items())

    def search(self, type_: str, query: str, method: str = "embedding") -> str:
        """Return entries of a memory: by ``embedding``, by words (``bm25``), or that hold the query (``string_match``)."""
        if type_ == "vault":
            return "\n".join(f"{secret.caption}: {secret.shown}" for secret in self.vault.search(query, k=EACH)) or "nothing found"
        rows = self.rows(type_)  # type: ignore[arg-type]
        if method == "string_match":
            lines = [f"{self._number(row)}: {row.text}" for row in rows if query.casefold() in row.text.casefold()]
        elif type_ == "core":
            lines = [f"{self._number(row)}: {row.text}" for row in rows]
        else:
            found = self.space.recall(query, k=EACH, filters=Filter(kinds=(KINDS[type_],), tags=(TAG,)))
            words = set(query.casefold().split())
            hits = [hit for hit in found.hits if method == "embedding" or words & set(hit.text.casefold().replace(".", " ").split())]
            lines = [f"{self._number(hit.memory)}: {hit.text}" for hit in hits]
        return "\n".join(lines[:EACH]) or "nothing found"

    def append_core(self, block: str, text: str) -> str:
        """Add a line to a core block; one that is nine tenths full is rewritten shorter, once."""
        there = {one.name: one.text for one in self.space.blocks.list()}
        now = f"{there[block]}\n{text}" if block in there else text
        if len(now) >= FULL * self._block_chars:
            now = self._shorter(now)
        self.space.blocks.set(block, now[: self._block_chars], limit_chars=self._block_chars, sources=spans(self.space, self._stored))
        return f"{block} has {len(now)} of {self._block_chars} characters"

    def _shorter(self, text: str) -> str:
        if self._llm is not None:
            try:
                shorter = self._llm.ask(COMPRESS, {"text": text}, Rewritten).text.strip()
            except ModelError:
                shorter = ""
            if shorter and len(shorter) < len(text):
                return shorter
        lines = list(dict.fromkeys(text.splitlines()))
        while len(lines) > 1 and len("\n".join(lines)) > self._block_chars // 2:
            lines.pop(0)
        return "\n".join(lines)[-(self._block_chars // 2) :]

    def _chosen(self, messages: Sequence[str]) -> list[Type]:
        by_rule = list(dict.fromkeys(type_ for text in messages for type_ in routed(text)))
        if self._llm is None:
            return by_rule
        try:
            return list(dict.fromkeys(self._llm.ask(META, {"messages": "\n".join(messages)}, Chosen).types))
        except ModelError:
            return by_rule

    def _work(self, type_: Type, messages: Sequence[str]) -> None:
        """Let one manager work, by model or by rule."""
        if self._llm is None:
            self._by_rule(type_, messages)
            return
        made = run(self._llm, KEEP, self._variables(type_, "\n".join(messages)), self.surfaces[type_], most_steps=4)
        self.steps += [(type_, step) for step in made]

    def _saved(self, messages: Sequence[str]) -> None:
        """Put into the vault what was masked by rule and no manager took: its value is nowhere else."""
        for text in messages:
            for found in _SECRET.finditer(text):
                what, value = found["what"].strip(), found["value"]
                if value not in (MASK, *self._secrets):
                    caption = next(one for one in (what, *_CAPTIONS) if value.casefold() not in one.casefold())
                    self._put_secret(caption, value, "medium")

    def _variables(self, type_: Type, text: str) -> Callable[[Sequence[Step]], Mapping[str, object]]:
        def variables(steps: Sequence[Step]) -> Mapping[str, object]:
            there = [f"{self._number(row)}: {row.text}" for row in self.rows(type_)[-2 * EACH :]]
            done = [f"{step.call.tool} -> {step.result.text}" for step in steps]
            tools = self.surfaces[type_].schemas()
            return {
                "type": type_, "there": "\n".join(there) or "nothing", "messages": text,
                "tools": tools, "steps": "\n".join(done) or "nothing",
            }  # fmt: skip

        return variables

    def _by_rule(self, type_: Type, messages: Sequence[str]) -> None:
        for text in messages:
            if type_ == "vault" or type_ not in routed(text):
                continue  # what the patterns find in a message is saved in any case
            if type_ == "core":
                self.append_core("human", text.strip())
            elif type_ == "episodic" and (going_on := self._going_on(text)) is not None:
                self._merge(type_, self._number(going_on), text)
            else:
                self._insert(type_, text)

    def _going_on(self, text: str) -> Memory | None:
        """Return the latest event if this is more of it: of the same session, not long ago, about the same."""
        events = [event for event in self.rows("episodic") if event.session == self._session]
        if not events:
            return None
        last = max(events, key=lambda event: (event.at, event.id))
        if self.space._memory.clock.now() - last.at > _TOGETHER:
            return None
        rows = self.space._memory.embedder.embed([last.text, text])
        return last if float(np.dot(rows[0], rows[1])) >= 0.3 else None

    def _insert(self, type_: Type, summary: str, details: str = "", replaces: Sequence[Memory] = ()) -> str:
        text = f"{summary}\n{details}" if details else summary
        same = next((row for row in self.rows(type_) if row.text == text and row not in replaces), None)
        if same is not None:
            return f"already there as {self._number(same)}"
        before = tuple(dict.fromkeys(span.episode for row in replaces for span in row.sources))
        rests = [episode.id for episode in self.space.episodes(before)] if before else []  # those that were not erased
        given = {
            "text": text, "kind": KINDS[type_], "tags": (TAG,), "session": self._session, "sources": (*rests, *self._stored),
            "attributes": {"type": type_, "summary": summary, "details": details},
        }  # fmt: skip
        id = self.space.remember(memories=[given]).ids[0]
        return f"inserted {self._number(self.space.get(id))}"

    def _merge(self, type_: Type, id: str, details: str, summary: str = "") -> str:
        row = self._row(type_, id)
        summary = summary or str(row.attributes.get("summary", row.text))
        joined = "\n".join(part for part in (str(row.attributes.get("details", "")), details) if part)
        told = {**row.attributes, "summary": summary, "details": joined}
        rests = tuple(dict.fromkeys((*row.sources, *spans(self.space, self._stored))))
        self.space.revise(row.id, f"{summary}\n{joined}", attributes=told, sources=rests)
        return f"merged into {id}"

    def _update(self, type_: Type, ids: Sequence[str], summary: str, details: str = "") -> str:
        rows = [self._row(type_, id) for id in ids]
        if not rows:
            raise ToolFailed("ids is empty; name the entries that the new one replaces, or insert it")
        done = self._insert(type_, summary, details, rows)  # before these go, since it may fail
        self.space.forget([row.id for row in rows])
        return done

    def _put_secret(self, caption: str, value: str, sensitivity: str) -> str:
        id = self.vault.put(caption, value, sensitivity=sensitivity)
        self._secrets.append(value)
        return f"kept as {self._number(self.space.get(id))}"

    def _hide(self, texts: Sequence[str]) -> list[str]:
        """Return the messages with what the vault took in masked, in the space too."""
        shown = []
        for place, text in enumerate(texts):
            clean = text
            for value in sorted(self._secrets, key=len, reverse=True):
                clean = clean.replace(value, MASK)
            if clean != text:
                self.space.forget(self._stored[place], erase=True)
                self._stored[place] = self.space.remember(clean, session=self._session).ids[0]
            shown.append(clean)
        self._secrets.clear()
        return shown

    def _number(self, row: Memory) -> str:
        number = next((short for short, full in self._ids.items() if full == row.id), str(len(self._ids) + 1))
        self._ids[number] = row.id
        return number

    def _row(self, type_: Type, id: str) -> Memory:
        found = next((row for row in self.rows(type_) if row.id == self._ids.get(id)), None)
        if found is None:
            raise ToolFailed(f"there is no {type_} entry {id!r}")
        return found

    def _tools(self, type_: Type) -> list[Tool]:
        text = {"type": "string"}
        many = {"type": "array", "items": text}
        block = {"type": "string", "enum": list(BLOCKS)}
        finish = Tool(name="finish_memory_update", about="Say that nothing more is to be done.", parameters={}, call=lambda: "finished")
        methods = {"type": "string", "enum": ["embedding", "bm25", "string_match"]}
        search = Tool(
            name="search_in_memory",
            about="Find entries of a memory.",
            parameters={"type": {"type": "string", "enum": list(TYPES)}, "query": text, "method": methods},
            call=lambda type, query, method="embedding": self.search(type, query, method),
            optional=("method",),
        )
        if type_ == "core":
            append = Tool(
                name="core_append",
                about="Add a line to a block.",
                parameters={"block": block, "text": text},
                call=lambda block, text: self.append_core(block, text),
            )
            return [append, search, finish]
        if type_ == "vault":
            put = Tool(
                name="vault_insert",
                about="Keep a secret under a caption that does not say it.",
                parameters={"caption": text, "secret_value": text, "sensitivity": {"type": "string", "enum": list(LEVELS)}},
                call=lambda caption, secret_value, sensitivity: self._put_secret(caption, secret_value, sensitivity),
            )
            return [put, search, finish]
        insert = Tool(
            name=f"{type_}_insert",
            about="Add an entry.",
            parameters={"summary": text, "details": text},
            call=lambda summary, details="": self._insert(type_, summary, details),
            optional=("details",),
        )
        merge = Tool(
            name=f"{type_}_merge",
            about="Add details to an entry that goes on.",
            parameters={"id": text, "details": text, "summary": text},
            call=lambda id, details, summary="": self._merge(type_, id, details, summary),
            optional=("summary",),
        )
        update = Tool(
            name=f"{type_}_update",
            about="Replace entries by one that holds now.",
            parameters={"ids": many, "summary": text, "details": text},
            call=lambda ids, summary, details="": self._update(type_, ids, summary, details),
            optional=("details",),
        )
        return [insert, merge, update, search, finish]
