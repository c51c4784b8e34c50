"""Mem-alpha's memory under a policy: core, semantic and episodic entries, changed by tools, chunk by chunk.

Source: Mem-alpha (arXiv 2509.25911) and its code: insert, update, delete, search by words or by vectors; exact repetitions are skipped; an
episodic entry needs a time; the core paragraph has at most 512 tokens and is replaced whole. Differs: entries are memories of a space that
rest on the chunks they were written from, so each change is journalled, can be undone, and goes with an erased chunk; an entry's id is a
small number, which a model copies without mistakes; there is no second pass over what was written; the policy is a model, a function of
the caller's own (the place of a trained one), or rules.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from mneme.core.llm import LLM, Prompt, scoped
from mneme.core.query import Filter
from mneme.core.records import Memory
from mneme.engine.prepare import Given
from mneme.recipes.agent.entries import entry, nearest, reworded, spans
from mneme.recipes.agent.everything import everything
from mneme.recipes.agent.rewards import reward
from mneme.recipes.agent.tools import Call, ShortIds, Step, Surface, Tool, ToolFailed, run
from mneme.space import Space
from mneme.text.script import is_paired, normalise, raw_tokens
from mneme.text.sentences import sentences
from mneme.text.stopwords import stopwords
from mneme.text.terms import K1, B
from mneme.text.time_expressions import find_times
from mneme.text.tokens import count_tokens

KINDS = {"semantic": "fact", "episodic": "event"}
CORE = "core"
TAG = "mem-alpha"
SHOWN = 20
CORE_TOKENS = 512
CORE_CHARS = 8 * CORE_TOKENS
SAME = 0.6
"""Share of words from which the rule policy updates an entry instead of adding one."""

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)|(?<!\d)\d{1,2}:\d{2}(?!\d)")
_PROFILE = re.compile(
    r"\b(?:my name is|i am called|call me|i(?:['’]m| am) (?:an? )?\w+|my favou?rite"
    r"|i (?:like|love|prefer|hate)(?! (?:it|this|that|them|these|those|to (?:hear|know|see))\b))\b",
    re.IGNORECASE,
)
_PASSING = re.compile(
    r"\bi(?:['’]m| am) (?:(?:so|very|really|just|still|all|quite|pretty|too|now|already|also|a bit|a little|not|doing|feeling) )*"
    r"(?:(?:good|great|bad)(?! (?:at|with)\b)|afraid(?! of\b)|fine|well|ok|okay|alright|right|sorry|back|here|there|home|late|early|ready"
    r"|done|free|busy|tired|sleepy|hungry|thirsty|cold|sick|ill|glad|happy|sad|angry|upset|excited|surprised|confused|worried|stuck|sure|unsure"
    r"|able|unable|curious|off|out|up|down|on|better|worse|doing|feeling|going|coming|leaving|getting|looking|trying|thinking"
    r"|wondering|hoping|waiting|asking)(?![\w'’-])",
    re.IGNORECASE,
)
"""A state that is over tomorrow: it says nothing of who somebody is."""

_COURTESY = frozenset("thanks thank please hello hi hey bye today tonight tomorrow much lot hear say know see ask".split())
_WORD = re.compile(r"[\w'-]+")

WRITE = Prompt(
    role="mem-alpha.write",
    system=(
        "You keep a memory with tools. core is one short paragraph that is always shown, semantic holds facts, episodic holds events with"
        " their time. Store what later questions may need, update instead of repeating, and ask for a heartbeat until you are done."
    ),
    template="Core: $core\n\nEntries:\n$entries\n\nNew text:\n$chunk\n\nTools:\n$tools\n\nDone:\n$steps\n\nChoose the next call.",
    trim=(("entries", "tail"), ("chunk", "head")),
)

Policy = Callable[["PolicyMemory", str], Iterator[Call]]
"""Yields the calls for a chunk, one after the other; each is done before the next is asked for, so that a policy can look at the memory."""


class PolicyMemory:
    """A space under a policy.

    Args:
        space: where entries are kept.
        llm: the policy, where it is a model.
        policy: the policy, where it is a function; None takes the model, and :func:`by_rule` where there is none.
    """

    def __init__(self, space: Space, llm: LLM | None = None, policy: Policy | None = None) -> None:
        self.space = space
        self.steps: list[Step] = []
        self._read: tuple[str, ...] = ()
        self._llm = None if llm is None else scoped(llm, space=space.name)
        self._policy = policy or (by_rule if llm is None else None)
        self._ids = ShortIds()
        kind = {"type": "string", "enum": ["semantic", "episodic"]}
        any_kind = {"type": "string", "enum": [CORE, "semantic", "episodic"]}
        method = {"type": "string", "enum": ["embedding", "bm25"]}
        text = {"type": "string", "maxLength": 8000}
        self.surface = Surface(
            [
                Tool(name="new_memory_insert", about="Add an entry.", parameters={"type": kind, "content": text}, call=self._insert),
                Tool(
                    name="memory_update",
                    about="Replace an entry, or the whole core paragraph.",
                    parameters={"type": any_kind, "id": text, "new": text},
                    call=self._update,
                    optional=("id",),
                ),
                Tool(name="memory_delete", about="Take an entry out.", parameters={"type": kind, "id": text}, call=self._delete),
                Tool(
                    name="search_memory",
                    about="Find the 20 best entries, by meaning or by words.",
                    parameters={"type": kind, "query": text, "method": method},
                    call=self._search,
                    optional=("method",),
                ),
            ]
        )

    def read(self, chunk: str, *, most_steps: int = 20) -> list[Step]:
        """Store a chunk as it is, and let the policy work on it; returns its steps."""
        self._read = self.space.remember(chunk).ids
        made: list[Step] = []
        try:
            if self._policy is not None:
                for call in self._policy(self, chunk):
                    made.append(Step(call=call, result=self.surface.call(call.tool, call.arguments)))
            elif self._llm is not None:
                made = run(self._llm, WRITE, lambda steps: self._variables(chunk, steps), self.surface, most_steps=most_steps)
        finally:
            self.steps += made
            self._read = ()
        return made

    def entries(self, type: str) -> list[Memory]:
        """Return the entries of a type, oldest first."""
        return everything(self.space, Filter(kinds=(KINDS[type],), tags=(TAG,)))

    def near(self, type: str, text: str) -> list[Memory]:
        """Return the entries of a type that are nearest to a text, best first."""
        return [memory for memory, _ in nearest(self.space, text, TAG, kind=KINDS[type])]

    def core(self) -> str:
        """Return the core paragraph; empty when there is none."""
        return next((block.text for block in self.space.blocks.list() if block.name == CORE), "")

    def size(self) -> int:
        """Return how many characters the memory has in all."""
        return len(self.core()) + sum(len(entry.text) for type in KINDS for entry in self.entries(type))

    def context(self, question: str, k: int = SHOWN) -> str:
        """Return what a reader gets for a question: core, and the best entries of each type by words."""
        parts = [f"core: {self.core()}"] if self.core() else []
        return "\n".join([*parts, *(hit for type in KINDS for hit in self._found(type, question, "bm25")[:k])])

    def number(self, entry: Memory) -> str:
        """Return the small number under which tools know an entry."""
        return self._ids.number(entry.id)

    def failed(self) -> int:
        """Return how many calls failed so far."""
        return sum(step.result.failed for step in self.steps)

    def reward(self, *, correct: float, input_chars: int, valid: float) -> float:
        """Return what this run earns: see :func:`mneme.recipes.agent.rewards.reward`; calls, failures and size are its own."""
        return reward(
            correct=correct,
            calls=len(self.steps),
            failed=self.failed(),
            memory_chars=self.size(),
            input_chars=input_chars,
            valid=valid,
        )  # fmt: skip

    def _variables(self, chunk: str, steps: Sequence[Step]) -> dict[str, object]:
        lines = [f"{self.number(entry)} ({type}): {entry.text}" for type in KINDS for entry in self.entries(type)[-SHOWN:]]
        done = [f"{step.call.tool} -> {step.result.text}" for step in steps]
        shown: dict[str, Any] = {"core": self.core() or "empty", "entries": "\n".join(lines) or "none", "chunk": chunk}
        return {**shown, "tools": self.surface.schemas(), "steps": "\n".join(done) or "nothing"}

    def _insert(self, type: str, content: str) -> str:
        self._check_time(type, content)
        same = next((entry for entry in self.near(type, content) if entry.text == content), None)
        if same is not None:
            return f"already there as {self.number(same)}"
        given = Given(text=content, kind=KINDS[type], tags=(TAG,), sources=self._read)
        return f"inserted {self.number(self.space.get(self.space.remember(memories=[given]).ids[0]))}"

    def _update(self, type: str, new: str, id: str = "") -> str:
        if type == CORE:
            if (length := count_tokens(new)) > CORE_TOKENS:
                raise ToolFailed(f"core would have {length} tokens, at most {CORE_TOKENS} are kept; shorten it")
            self.space.blocks.set(CORE, new, limit_chars=CORE_CHARS, sources=spans(self.space, self._read))
            return "core replaced"
        self._check_time(type, new)
        reworded(self.space, self._entry(type, id), new, self._read)
        return f"updated {id}"

    def _delete(self, type: str, id: str) -> str:
        self.space.forget(self._entry(type, id).id)
        return f"deleted {id}"

    def _search(self, type: str, query: str, method: str = "embedding") -> str:
        return "\n".join(self._found(type, query, method)) or "nothing found"

    def _found(self, type: str, query: str, method: str) -> list[str]:
        if method == "bm25":
            found = by_words(query, self.entries(type), SHOWN)
        else:
            hits = self.space.recall(query, k=SHOWN, filters=Filter(kinds=(KINDS[type],), tags=(TAG,))).hits if query.strip() else ()
            found = [hit.memory for hit in hits]
        return [f"{self.number(entry)}: {entry.text}" for entry in found]

    def _check_time(self, type: str, text: str) -> None:
        if type == "episodic" and not timed(text, self.space._memory.clock.now()):
            raise ToolFailed("an episodic entry needs a time, such as a date")

    def _entry(self, type: str, id: str) -> Memory:
        found = entry(self.space, self._ids.id(id), TAG, kind=KINDS[type])
        if found is None:
            raise ToolFailed(f"there is no {type} entry {id!r}")
        return found


def by_rule(memory: PolicyMemory, chunk: str) -> Iterator[Call]:
    """Yield the calls of the rule policy: who somebody is goes to the core, dated sentences become events, others facts.

    A sentence that shares most of its words with an entry updates it; small talk, passing states and questions are left out.
    """
    now = memory.space._memory.clock.now()
    for sentence in sentences(chunk):
        text, core = sentence.strip(), memory.core()
        lasting = _PASSING.sub(" ", text)
        profile = _PROFILE.search(lasting) is not None
        empty = slight(text) or (lasting != text and not _words(lasting) - _COURTESY)
        if text.endswith(("?", "？", "؟")) or (not profile and empty) or (profile and text in core):
            continue
        if profile and count_tokens(joined := f"{core} {text}".strip()) <= CORE_TOKENS:
            yield Call(tool="memory_update", arguments={"type": CORE, "new": joined})
            continue
        type = "episodic" if timed(text, now) else "semantic"
        words = _words(text)
        near = next((entry for entry in memory.near(type, text) if _overlap(words, _words(entry.text)) > SAME), None)
        if near is None:
            yield Call(tool="new_memory_insert", arguments={"type": type, "content": text})
        elif near.text != text:
            yield Call(tool="memory_update", arguments={"type": type, "id": memory.number(near), "new": text})


def by_words(query: str, entries: Sequence[Memory], k: int) -> list[Memory]:
    """Return the ``k`` entries with the best BM25, best first, none without a word of the query; ties by id."""
    lists = [[word.casefold() for word in _WORD.findall(entry.text)] for entry in entries]
    mean = sum(map(len, lists)) / max(len(lists), 1)
    scores = [0.0] * len(lists)
    for word in _words(query):
        having = sum(word in words for words in lists)
        idf = math.log(1 + (len(lists) - having + 0.5) / (having + 0.5))
        for place, words in enumerate(lists):
            times = words.count(word)
            scores[place] += idf * times / (times + K1 * (1 - B + B * len(words) / max(mean, 1.0)))
    order = sorted((place for place in range(len(lists)) if scores[place] > 0), key=lambda place: (-scores[place], entries[place].id))
    return [entries[place] for place in order[:k]]


def timed(text: str, now: datetime) -> bool:
    """Return whether a text names a time, in any language whose dates are read.

    Example:
        >>> from datetime import UTC
        >>> [timed(text, datetime(2024, 5, 9, tzinfo=UTC)) for text in ("Ana moved", "Ana moved on 8 May", "昨天安娜搬家了")]
        [False, True, True]
    """
    return _YEAR.search(text) is not None or any(found.kind not in ("order", "recurring") for found in find_times(text, now))


def slight(text: str) -> bool:
    """Return whether a sentence is too short to say anything: at most three words, or characters of a script without spaces.

    Example:
        >>> slight("Thanks a lot!"), slight("我住在里斯本。")
        (True, False)
    """
    tokens = raw_tokens(normalise(text))
    return len(tokens) <= 3 and not any(is_paired(token) and len(token) > 3 for token in tokens)


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in map(str.casefold, _WORD.findall(text)) if word not in stopwords("en"))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(len(one | other), 1)
