"""Blocks: short texts that are always in context, such as who the agent is, who the user is, and what is being done.

Source: MemGPT (core memory: a persona and a human block with size limits, edited by append and replace). A block is a memory of kind
``profile`` with the tag ``block:<name>``, which no keeper moves, merges or archives; edits are versions, in the journal, and can be undone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mneme.core.errors import InvalidInput, NotFound
from mneme.core.query import Filter
from mneme.core.records import Memory, Span
from mneme.engine.prepare import Given, text_problem
from mneme.engine.revising import Words

if TYPE_CHECKING:
    from mneme.space import Space

TAG = "block:"
LIMIT_CHARS = 2_000
_PAGE = 1_000
NAMES = ("persona", "user", "task")
"""The blocks that come first, in this order; others follow by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A text that is always in context.

    Args:
        name: such as ``persona``.
        text: what it says.
        limit_chars: how long it may be.
        id: the memory that holds it.
    """

    name: str
    text: str
    limit_chars: int
    id: str


class Blocks:
    """The blocks of one space.

    Args:
        space: the space.
        actor: how the journal names who edits them; None is the memory's own actor.
    """

    def __init__(self, space: Space, actor: str | None = None) -> None:
        self._space = space
        self._actor = actor

    def list(self) -> Sequence[Block]:
        """Return all blocks: persona, user, task, then others by name."""
        found = [_block(memory) for memory in self._memories()]
        return sorted(found, key=lambda block: (NAMES.index(block.name) if block.name in NAMES else len(NAMES), block.name))

    def get(self, name: str) -> Block:
        """Return a block.

        Raises:
            NotFound: there is none of that name.
        """
        found = self._named(name)
        if found is None:
            raise NotFound("block", name)
        return found

    def set(self, name: str, text: str, *, limit_chars: int | None = None, sources: Sequence[Span] = ()) -> Block:
        """Write a block, made when there is none.

        Args:
            name: such as ``persona``.
            text: what it says from now on.
            limit_chars: how long it may be; None leaves that as it is.
            sources: what the text was taken from besides what it rests on already; an erasure of that takes it along.

        Raises:
            InvalidInput: the text is empty or longer than the limit.
        """
        return self._write(name, text, limit_chars, sources)

    def _write(self, name: str, text: str, limit_chars: int | None, sources: Sequence[Span], own: str = "") -> Block:
        """Write a block; ``own`` are the caller's own words in it that came with the edit, and nothing else of the text."""
        _check_names(name, text)
        known = self._named(name)
        limit = limit_chars or (known.limit_chars if known else LIMIT_CHARS)
        _check(name, text, limit)
        if known is None:
            about = {"block": name, "limit_chars": limit}
            given = Given(
                text=text, kind="profile", tags=(f"{TAG}{name}",), attributes=about, importance=1.0, sources=tuple(sources)
            )  # fmt: skip
            self._space.remember(memories=[given], actor=self._actor)
        elif known.text != text or known.limit_chars != limit:
            about = {"block": name, "limit_chars": limit}
            rests = tuple(dict.fromkeys((*self._space.get(known.id).sources, *sources)))
            new = (Words(text=own),) if rests and own.strip() and not sources else ()
            more: dict[str, Any] = {"sources": (*rests, *new)} if rests else {}
            self._space.revise(known.id, text, attributes=about, actor=self._actor, **more)
        return self.get(name)

    def append(self, name: str, text: str, *, sources: Sequence[Span] = ()) -> Block:
        """Add a line at the end of a block; ``sources`` as for :meth:`set`.

        Raises:
            NotFound: there is none of that name.
            InvalidInput: it would grow past its limit; shorten it first.
        """
        return self._edit(name, lambda now: f"{now}\n{text}", sources, text)

    def replace(self, name: str, old: str, new: str, *, sources: Sequence[Span] = ()) -> Block:
        """Replace a piece of a block; an empty ``new`` takes it out; ``sources`` as for :meth:`set`.

        Raises:
            NotFound: there is none of that name.
            InvalidInput: ``old`` is not in it exactly once, or it would grow past its limit.
        """
        count = self.get(name).text.count(old) if old else 0
        if count != 1:
            raise InvalidInput({"old": f"is in block {name!r} {count} times; give a piece that is in it once"})
        return self._edit(name, lambda now: now.replace(old, new), sources, new)

    def render(self) -> str:
        """Return all blocks as text for the top of a prompt."""
        return rendered(self.list())

    def _edit(self, name: str, change: Callable[[str], str], sources: Sequence[Span], own: str) -> Block:
        block = self.get(name)
        return self._write(name, change(block.text).strip(), block.limit_chars, sources, own)

    def _named(self, name: str) -> Block | None:
        found = self._space.memories(Filter(kinds=("profile",), tags=(f"{TAG}{name}",)), limit=1)
        return _block(found[0]) if found else None

    def _memories(self) -> Sequence[Memory]:
        after, blocks = "", []
        while page := self._space.memories(Filter(kinds=("profile",)), after=after, limit=_PAGE):
            after = page[-1].id
            blocks += [memory for memory in page if is_block(memory)]
        return blocks


def is_block(memory: Memory) -> bool:
    """Return whether a memory holds a block."""
    return any(tag.startswith(TAG) for tag in memory.tags)


def rendered(blocks: Sequence[Block]) -> str:
    """Return blocks as text for the top of a prompt; what would open or close a block within a block's text is shown as ``&lt;``."""
    names = "|".join(sorted({re.escape(name) for name in (*NAMES, *(block.name for block in blocks))}))
    forged = re.compile(rf"<(?=\s*/?\s*(?:{names})\s*>)", re.IGNORECASE)
    return "\n".join(f"<{block.name}>\n{forged.sub('&lt;', block.text)}\n</{block.name}>" for block in blocks)


def _block(memory: Memory) -> Block:
    name = next(tag[len(TAG) :] for tag in memory.tags if tag.startswith(TAG))
    return Block(name=name, text=memory.text, limit_chars=int(str(memory.attributes.get("limit_chars", LIMIT_CHARS))), id=memory.id)


def _check_names(name: object, text: object) -> None:
    problems = {field: problem for field, value in (("name", name), ("text", text)) if (problem := text_problem(value))}
    if problems:
        raise InvalidInput(problems)


def _check(name: str, text: str, limit: int) -> None:
    problems: dict[str, str] = {}
    if not name.replace("-", "").replace("_", "").isalnum():
        problems["name"] = "must be letters, digits, - and _"
    if not text.strip():
        problems["text"] = "is empty; forget the block instead"
    elif len(text) > limit:
        problems["text"] = f"has {len(text):,} characters, more than the {limit:,} of block {name!r}; shorten it, or raise limit_chars"
    if problems:
        raise InvalidInput(problems)
