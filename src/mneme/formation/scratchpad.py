"""A scratchpad: short notes of what stands, in order, rewritten to half their length when they grow too long.

Source: LIGHT with BEAM (arXiv 2510.27246): a note per pair of messages, compressed from 28,000 tokens to 14,000. Differs: each note is a
memory that cites its message; without a model a note is made of the sentences that instruct, prefer, date or count, and compression keeps
instructions first and then the latest; with one, instructions that its text lost are put back, word for word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Archive, Keep, Operation
from mneme.core.records import Episode, Memory, Span
from mneme.formation.earlier import before
from mneme.formation.nearby import standing
from mneme.formation.rules import derived_id
from mneme.text.instructions import instructs
from mneme.text.sentences import sentence_spans
from mneme.text.stopwords import stopwords
from mneme.text.time_expressions import find_times
from mneme.text.tokens import count_tokens

TIER = "scratchpad"
INSTRUCTION = "instruction"

_PREFERS = re.compile(
    r"\b(?:prefer\w*|favou?rite|i\s+(?:really\s+|do\s+not\s+|don['’]t\s+)?(?:like|love|hate|need|want)|(?:i|we)(?:['’]ve)?\s+(?:always|never)|allergic|rather)\b",
    re.IGNORECASE,
)
_COUNTS = re.compile(r"\d|\b(?:decided|agreed|moved|changed|no\s+longer|instead|deadline|budget)\b", re.IGNORECASE)

NOTE = Prompt(
    role="scratchpad.note",
    system="You keep running notes of a conversation: facts, instructions, preferences, dates, numbers. Often there is nothing to note.",
    template="Before:\n$before\n\nNow:\n$now\n\nWrite the note in at most two sentences, or leave it empty.",
    trim=(("before", "tail"),),
)
COMPRESS = Prompt(
    role="scratchpad.compress",
    system="You rewrite notes in half their length. Standing instructions and what changed last are kept word for word.",
    template="Notes:\n$notes",
    trim=(("notes", "tail"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note; empty when there is nothing to note."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchpadFormer:
    """Keeps notes in the tier ``scratchpad``.

    Args:
        most_tokens: of all notes together; above, they are rewritten.
        to_tokens: to so many.
        before: messages that a model sees before the one it notes.
    """

    most_tokens: int = 28_000
    to_tokens: int = 14_000
    before: int = 4

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return the notes of these episodes, and, when they are too many, one text in place of all."""
        fresh = [memory for episode in episodes for memory in self._noted(ctx, episodes, episode)]
        if not fresh:
            return []
        there = standing(ctx, "note", TIER)
        notes = sorted([*there, *fresh], key=lambda memory: (memory.at, memory.id))
        if sum(count_tokens(memory.text) for memory in notes) <= self.most_tokens:
            return [Keep(memory=memory) for memory in fresh]
        whole = self._compressed(ctx, notes)
        ctx.trace.note(former="scratchpad", compressed=len(notes))
        kept = [Keep(memory=memory) for memory in fresh]  # if the whole is refused, each of its notes stands
        return [*kept, Keep(memory=whole), *(Archive(id=memory.id) for memory in notes)]

    def _noted(self, ctx: Context, episodes: Sequence[Episode], episode: Episode) -> list[Memory]:
        if ctx.llm is not None:
            earlier = "\n".join(f"{e.author or e.role or 'someone'}: {e.text}" for e in before(ctx, episodes, episode, self.before))
            now = f"{episode.author or episode.role or 'someone'}: {episode.text}"
            text = ctx.llm.ask(NOTE, {"before": earlier or "nothing", "now": now}, Note).text.strip()
            spans = [(0, len(episode.text))]
        else:
            if episode.role in ("assistant", "tool", "system"):
                return []
            spans = [span for span in sentence_spans(episode.text) if _salient(episode.text[span[0] : span[1]], episode)]
            text = " ".join(episode.text[start:end].strip() for start, end in spans)
        if not text or not spans:
            return []
        return [_memory(episode, text, spans, instructs(text))]

    def _compressed(self, ctx: Context, notes: Sequence[Memory]) -> Memory:
        text = ""
        if ctx.llm is not None:
            text = ctx.llm.ask(COMPRESS, {"notes": "\n".join(line for note in notes for line in _lines(note))}, Note).text.strip()
            # A rewriter may drop what nobody repeats: instructions that its text has no longer are put before it, word for word.
            orders = [line for note in notes for line in _lines(note) if INSTRUCTION in note.tags or instructs(line)]
            text = "\n".join([*dict.fromkeys(line for line in orders if text and not _has(text, line)), text])
        if not text or count_tokens(text) > self.to_tokens:
            text = shortened([line for note in notes for line in _lines(note)], self.to_tokens)
        last = notes[-1]
        spans = tuple(dict.fromkeys(span for note in notes for span in note.sources))
        return Memory(
            id=derived_id(last.sources[0].episode, f"scratchpad|{len(notes)}|{last.id}"),
            text=text,
            kind="note",
            at=last.at,
            recorded_at=last.recorded_at,
            valid_from=notes[0].valid_from,
            tags=("compressed",),
            attributes={"by": "scratchpad", "of": len(notes)},
            sources=spans,
            tier=TIER,
        )


def shortened(lines: Sequence[str], most_tokens: int) -> str:
    r"""Return as many lines as fit, in order: instructions first, then the latest; lines that say the same are one, the latest.

    Example:
        >>> shortened(["Always answer in French.", "It rained on 3 May.", "It rained on 4 May."], 14)
        'Always answer in French.\nIt rained on 4 May.'
    """
    latest = {" ".join(line.casefold().split())[-200:]: number for number, line in enumerate(lines)}
    distinct = sorted(latest.values())
    order = sorted(distinct, key=lambda number: (not instructs(lines[number]), -number))
    chosen: list[int] = []
    spent = 0
    for number in order:
        cost = count_tokens(lines[number]) + 1
        if spent + cost <= most_tokens:
            chosen.append(number)
            spent += cost
    return "\n".join(lines[number] for number in sorted(chosen))


def _has(text: str, line: str) -> bool:
    """Return whether a text has most of what a note says: of its words that tell something, three fifths."""
    there, wanted = _told(text), _told(line.partition(": ")[2] or line)
    return len(wanted & there) >= 0.6 * len(wanted)


def _told(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.casefold()) if word not in stopwords("en") and word != "please"}


def _salient(sentence: str, episode: Episode) -> bool:
    if sentence.rstrip().endswith("?"):
        return False
    if instructs(sentence) or any(pattern.search(sentence) for pattern in (_PREFERS, _COUNTS)):
        return True
    return bool(find_times(sentence, episode.at))


def _line(note: Memory) -> str:
    return f"{note.at:%Y-%m-%d} {note.author or 'user'}: {note.text}"


def _lines(note: Memory) -> list[str]:
    return note.text.splitlines() if "compressed" in note.tags else [_line(note)]


def _memory(episode: Episode, text: str, spans: Sequence[tuple[int, int]], standing: bool) -> Memory:
    return Memory(
        id=derived_id(episode.id, "scratchpad"),
        text=text,
        kind="note",
        at=episode.at,
        recorded_at=episode.recorded_at,
        valid_from=episode.at,
        author=episode.author,
        role=episode.role,
        session=episode.session,
        tags=(INSTRUCTION,) if standing else (),
        attributes={"by": "scratchpad"},
        sources=tuple(Span(episode=episode.id, start=start, end=end) for start, end in spans),
        tier=TIER,
    )
