"""MemGPT: a bounded context that the model manages with tools: core blocks, a queue with a summary in front, and two searchable stores.

Source: MemGPT (arXiv 2310.08560) and its code at 0.2.0: alert at 0.7 of the window, flush above it down to half, the last three messages
stay, pages of five, timed heartbeats that the model may pause. Differs: messages are stored in the space before they enter the queue, so a
flush loses nothing; what the model writes rests on the message that it acts on, and the summary on those that it sums up, so that an
erasure takes them along; the window is that of the queue; without a model, and where the model fails, the summary of what was evicted is
made of its central sentences; without one, what rules can read of the user is appended to the block ``human``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from unicodedata import normalize

from mneme.core.errors import InvalidInput, ModelError
from mneme.core.llm import LLM, Prompt, scoped
from mneme.core.query import Filter
from mneme.core.records import Episode, Memory, Message
from mneme.engine.prepare import Given
from mneme.formation.summary import extracts, render
from mneme.recipes.agent.entries import reworded, spans
from mneme.recipes.agent.everything import everything
from mneme.recipes.agent.tools import Step, Surface, Tool, ToolFailed, paged, run
from mneme.space import Space
from mneme.text.tokens import count_tokens

ARCHIVAL = "archival"
PAGE = 5
SESSION = "memgpt"
SUMMARY = "memgpt:summary"
BLOCKS = ("persona", "human")
BEAT = "system event: a timed heartbeat; nobody has spoken"
PAUSE_MINUTES = 360
SUMMARY_WORDS = 100
PRESSURE = "system alert: the context is nearly full; save what matters now, older messages will be summarised"

ACT = Prompt(
    role="memgpt.act",
    system="You talk with a user and manage your own memory with tools. Speak only through send_message. Call one tool at a time.",
    template="Memory:\n$core\n\nConversation:\n$queue\n\nTools:\n$tools\n\nDone in this turn:\n$steps\n\nChoose the next call.",
    trim=(("queue", "tail"),),
)
SUMMARISE = Prompt(
    role="memgpt.summarise",
    system="You keep a running summary of a conversation in at most 100 words.",
    template="Summary so far: $summary\n\nMessages that leave:\n$messages",
    trim=(("messages", "tail"),),
)

_NAME = re.compile(
    r"\bmy name is ([\w'’-]+(?: [\w'’-]{2,})?)|\bi (?:like|love) ([\w'’ -]{2,40}?)(?=[.,!?]|$| and (?:i|my)\b)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A running summary."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Bounds of the context.

    Args:
        window_tokens: of the queue.
        warn_at, flush_at, flush_to: shares of the window.
        keep_last: messages that a flush never takes.
        block_chars: of a block.
        most_steps: of one turn.
    """

    window_tokens: int = 4096
    warn_at: float = 0.7
    flush_at: float = 1.0
    flush_to: float = 0.5
    keep_last: int = 3
    block_chars: int = 2000
    most_steps: int = 10


class MemGPT:
    """An agent over one space.

    Args:
        space: where everything is kept.
        llm: the model; None follows rules and never speaks.
        settings: bounds of the context.
        count: the length of a text in tokens.
    """

    def __init__(
        self, space: Space, llm: LLM | None = None, settings: Settings | None = None, count: Callable[[str], int] = count_tokens
    ) -> None:
        self.space = space
        self.settings = settings or Settings()
        self.summary = ""
        said = everything(space, Filter(kinds=("turn",), sessions=(SESSION,)))[-self.settings.keep_last :]
        self.queue = [Message(text=memory.text, role=memory.role, at=memory.at, ref=memory.id) for memory in said]
        self.alerts = 0
        self.failed_summaries = 0
        self.said: list[str] = []
        self._llm = None if llm is None else scoped(llm, space=space.name)
        self._paused_until: datetime | None = None
        self._heard: tuple[str, ...] = ()
        self._count = count
        self._warned = False
        self.surface = Surface(self._tools())
        self._look()

    def receive(self, text: str, *, role: str = "user", at: datetime | None = None) -> list[Step]:
        """Take in a message and let the model act on it; returns its steps."""
        self._look()
        self._heard = (self._push(Message(text=text, role=role, at=at)),)
        if self._llm is None:
            self._by_rule(text)
            return []
        return self._act()

    def heartbeat(self) -> list[Step]:
        """Give the model a turn of its own, unless it has paused these; returns its steps."""
        if self._llm is None or (self._paused_until is not None and self.space._memory.clock.now() < self._paused_until):
            return []
        self._look()
        self._heard = ()
        self.queue.append(Message(text=BEAT, role="system"))
        return self._act()

    def _act(self) -> list[Step]:
        assert self._llm is not None
        steps = run(self._llm, ACT, self._variables, self.surface, most_steps=self.settings.most_steps)
        self._flush()
        return steps

    def context(self) -> str:
        """Return what is always visible: blocks, the summary of what left the queue, and the queue."""
        self._look()
        return "\n".join([self.space.blocks.render(), *self.lines()])

    def lines(self) -> list[str]:
        """Return the queue, its first slot the summary."""
        first = [f"summary: {self.summary}"] if self.summary else []
        return first + [f"{message.role}: {message.text}" for message in self.queue]

    def tokens(self) -> int:
        """Return how long the queue is."""
        return sum(self._count(line) for line in self.lines())

    def _look(self) -> None:
        """See the space as it is: what was erased or forgotten since leaves the queue and the summary; a block that went begins anew."""
        refs = tuple(message.ref for message in self.queue if message.ref is not None)
        there = {memory.id for memory in self.space.memories(Filter(ids=refs), limit=len(refs))} if refs else set()
        self.queue = [message for message in self.queue if message.ref is None or message.ref in there]
        self.summary = next((memory.text for memory in self._kept_summary(self.space)), "")
        known = {block.name for block in self.space.blocks.list()}
        for name in BLOCKS:
            if name not in known:
                self.space.blocks.set(name, f"({name})", limit_chars=self.settings.block_chars)

    def _push(self, message: Message) -> str:
        id = self.space.remember(message, session=SESSION).ids[0]
        self.queue.append(replace(message, ref=id))
        window = self.settings.window_tokens
        if self.tokens() > self.settings.warn_at * window and not self._warned:
            self._warned = True
            self.alerts += 1
            self.queue.append(Message(text=PRESSURE, role="system"))
        self._flush()
        return id

    def _flush(self) -> None:
        """Evict from the front until the queue is short enough, and sum up what left."""
        window = self.settings.window_tokens
        if self.tokens() <= self.settings.flush_at * window:
            return
        gone: list[Message] = []
        while len(self.queue) > self.settings.keep_last and self.tokens() > self.settings.flush_to * window:
            gone.append(self.queue.pop(0))
        gone = [message for message in gone if message.ref is not None]  # not alerts and heartbeats
        if not gone:
            return
        self._warned = False
        try:
            self.summary = self._summed_by_model(gone) if self._llm is not None else self._summed(gone)
        except ModelError:
            # What was said is in the space already; a flush that fails would block every later message.
            self.summary = self._summed(gone)
            self.failed_summaries += 1
        left = tuple(str(message.ref) for message in gone)
        for kept in self._kept_summary(self.space):
            reworded(self.space, kept, self.summary or "nothing", left)
            return
        if self.summary:
            given = Given(text=self.summary, kind="summary", tags=(SUMMARY,), attributes={"by": "memgpt"}, sources=left)
            self.space.remember(memories=[given])

    @staticmethod
    def _kept_summary(space: Space) -> list[Memory]:
        return space.memories(Filter(kinds=("summary",), tags=(SUMMARY,)), limit=1)

    def _summed_by_model(self, gone: Sequence[Message]) -> str:
        assert self._llm is not None
        talk = "\n".join(f"{message.role}: {message.text}" for message in gone)
        words = self._llm.ask(SUMMARISE, {"summary": self.summary or "none", "messages": talk}, Summary).text.split()
        return " ".join(words[:SUMMARY_WORDS])

    def _summed(self, gone: Sequence[Message]) -> str:
        now = self.space._memory.clock.now() if not gone or gone[0].at is None else gone[0].at
        said = [
            Episode(id=f"ep_{number}", text=message.text, at=now, recorded_at=now, author=message.role)
            for number, message in enumerate(gone)
        ]
        words = " ".join([self.summary, render(said, extracts(said, most=3))] if said else [self.summary]).split()
        return " ".join(words[-min(SUMMARY_WORDS, self.settings.window_tokens // 10) :])

    def _by_rule(self, text: str) -> None:
        """Append what the user says of himself to the block, and keep it in the archive where the block is full."""
        known = self.space.blocks.get("human").text.splitlines()
        for found in _NAME.finditer(normalize("NFC", text)):
            fact = f"name: {_named(found[1])}" if found[1] else f"likes {found[2].strip()}"
            if fact not in known and self.surface.call("core_memory_append", {"name": "human", "content": fact}).failed:
                self.surface.call("archival_memory_insert", {"content": fact})

    def _variables(self, steps: Sequence[Step]) -> dict[str, object]:
        done = [f"{step.call.tool}({step.call.arguments}) -> {step.result.text}" for step in steps]
        return {
            "core": self.space.blocks.render(),
            "queue": "\n".join(self.lines()),
            "tools": self.surface.schemas(),
            "steps": "\n".join(done) or "nothing",
        }

    def _tools(self) -> list[Tool]:
        block = {"type": "string", "enum": list(BLOCKS), "description": "which block"}
        text = {"type": "string", "maxLength": 8000}
        page = {"type": "integer", "minimum": 0, "description": "counted from 0"}
        minutes = {"type": "integer", "minimum": 1, "maximum": PAUSE_MINUTES}
        return [
            Tool(name="send_message", about="Say something to the user.", parameters={"message": text}, call=self._send),
            Tool(
                name="core_memory_append",
                about="Add a line to a block.",
                parameters={"name": block, "content": text},
                call=self._append,
            ),
            Tool(
                name="core_memory_replace",
                about="Replace a piece of a block; empty new_content removes it.",
                parameters={"name": block, "old_content": text, "new_content": text},
                call=self._replace,
            ),
            Tool(
                name="conversation_search",
                about="Find earlier messages that have these words.",
                parameters={"query": text, "page": page},
                call=self._search,
                optional=("page",),
            ),
            Tool(
                name="conversation_search_date",
                about="Find earlier messages between two dates such as 2024-05-01.",
                parameters={"start_date": text, "end_date": text, "page": page},
                call=self._search_date,
                optional=("page",),
            ),
            Tool(name="archival_memory_insert", about="Keep a text for good.", parameters={"content": text}, call=self._insert),
            Tool(
                name="archival_memory_search",
                about="Find kept texts by meaning.",
                parameters={"query": text, "page": page},
                call=self._search_archive,
                optional=("page",),
            ),
            Tool(
                name="pause_heartbeats", about="Take no turns of your own for so long.", parameters={"minutes": minutes}, call=self._pause
            ),
        ]

    def _send(self, message: str) -> str:
        with _as_text(text="message"):
            self._push(Message(text=message, role="assistant"))
        self.said.append(message)
        return "sent"

    def _pause(self, minutes: int) -> str:
        self._paused_until = self.space._memory.clock.now() + timedelta(minutes=minutes)
        return f"no timed heartbeats until {self._paused_until:%Y-%m-%d %H:%M}"

    def _append(self, name: str, content: str) -> str:
        with _as_text(text="content"):
            block = self.space.blocks.append(name, content, sources=spans(self.space, self._heard))
        return f"{name} now has {len(block.text)} characters"

    def _replace(self, name: str, old_content: str, new_content: str) -> str:
        if not old_content:
            raise ToolFailed("old_content is empty; give a piece of the block, or append to it")
        with _as_text(old="old_content", new="new_content", text="new_content"):
            block = self.space.blocks.replace(name, old_content, new_content, sources=spans(self.space, self._heard))
        return f"{name} now has {len(block.text)} characters"

    def _search(self, query: str, page: int = 0) -> str:
        wanted = query.casefold()
        return paged([line for line in self._said() if wanted in line.casefold()], page, PAGE, "messages")

    def _search_date(self, start_date: str, end_date: str, page: int = 0) -> str:
        try:
            since, until = (date.fromisoformat(text.strip()[:10]) for text in (start_date, end_date))
        except ValueError as error:
            raise ToolFailed("dates are written like 2024-05-01") from error
        if until < since:
            raise ToolFailed("end_date is before start_date; swap them")
        after = min(until, date.max - timedelta(days=1)) + timedelta(days=1)
        first, last = (datetime.combine(day, time.min, UTC) for day in (since, after))
        return paged(self._said(Filter(kinds=("turn",), since=first, until=last)), page, PAGE, "messages")

    def _said(self, where: Filter | None = None) -> list[str]:
        lines, after = [], ""
        while found := self.space.memories(where or Filter(kinds=("turn",)), after=after, limit=500):
            lines += [f"{memory.at:%Y-%m-%d %H:%M} {memory.role or ''}: {memory.text}" for memory in found]
            after = found[-1].id
        return lines

    def _insert(self, content: str) -> str:
        with _as_text(text="content"):
            self.space.remember(memories=[Given(text=content, kind="note", tags=(ARCHIVAL,), sources=self._heard)])
        return "kept"

    def _search_archive(self, query: str, page: int = 0) -> str:
        found = self.space.recall(query, k=100, filters=Filter(tags=(ARCHIVAL,)))
        return paged([hit.text for hit in found.hits], page, PAGE, "results")


def _named(words: str) -> str:
    """Return the first of two words, or both where the second is a surname: each begins with a capital, in whatever alphabet."""
    first, _, second = words.partition(" ")
    return words if first[:1].isupper() and second[:1].isupper() else first


@contextmanager
def _as_text(**argument_of: str) -> Iterator[None]:
    """Tell a model what is wrong by the names of the arguments that it gave, which are not the engine's."""
    try:
        yield
    except InvalidInput as error:
        told = [(field.rpartition(", ")[2], problem) for field, problem in error.problems.items()]
        raise ToolFailed("; ".join(f"{argument_of.get(field, field)}: {problem}" for field, problem in told)) from error
