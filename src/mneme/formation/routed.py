"""A router and three stores: what a turn tells of what happened, of what is so, and of how something is done, each as a record of its own.

Source: ENGRAM (arXiv 2511.12960): a router sets three bits for a turn, an extractor for each bit writes a record, dated like the
conversation. Differs: without a model the bits are set by rules for each sentence, and a record is the sentences of its type, as they were
said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode, Memory, Span
from mneme.formation.routing import route
from mneme.formation.rules import derived_id
from mneme.text.sentences import sentence_spans

STORES = ("episodic", "semantic", "procedural")
KINDS = {"episodic": "event", "semantic": "fact", "procedural": "skill"}

ROUTE = Prompt(
    role="router.route",
    system=(
        "You say which memories a message belongs to: episodic when it tells what happened, semantic when it tells what is so or what"
        " somebody likes, procedural when it tells how something is done. Several may be true, or none."
    ),
    template="Message of $author: $message",
    trim=(("message", "tail"),),
)
EXTRACT = Prompt(
    role="router.extract",
    system="You write down what a message holds for one kind of memory, in one or two sentences that name who is meant. You add nothing.",
    template="Memory: $store\nMessage of $author on $date: $message",
    trim=(("message", "tail"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bits:
    """Which memories a message belongs to."""

    episodic: bool
    semantic: bool
    procedural: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A record: a title, and what it says."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """Keeps a record in each store that a message belongs to.

    Args:
        skipped_roles: whose messages are not routed.
    """

    skipped_roles: tuple[str, ...] = ("tool", "system")

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return one ``Keep`` per record, in the order of messages and stores."""
        operations: list[Operation] = []
        for episode in episodes:
            if episode.role in self.skipped_roles or not episode.text.strip():
                continue
            records = _by_rule(episode) if ctx.llm is None else _by_model(ctx, episode)
            operations += [Keep(memory=record) for record in records]
            ctx.trace.note(
                former="routed", episode=episode.id, mask="".join("01"[any(r.kind == KINDS[s] for r in records)] for s in STORES)
            )
        return operations


def _by_rule(episode: Episode) -> list[Memory]:
    spans: dict[str, list[tuple[int, int]]] = {store: [] for store in STORES}
    for start, end in sentence_spans(episode.text):
        bits = route(episode.text[start:end].strip())
        for store in STORES:
            if getattr(bits, store):
                spans[store].append((start, end))
    return [
        _record(episode, store, " ".join(episode.text[start:end].strip() for start, end in found), found)
        for store, found in spans.items()
        if found
    ]


def _by_model(ctx: Context, episode: Episode) -> list[Memory]:
    assert ctx.llm is not None
    said = {"author": episode.author or episode.role or "someone", "message": episode.text}
    bits = ctx.llm.ask(ROUTE, said, Bits)
    records = []
    for store in STORES:
        if getattr(bits, store):
            written = ctx.llm.ask(EXTRACT, {**said, "store": store, "date": episode.at.date()}, Written)
            text = written.text.strip() or episode.text
            title = written.title.strip()
            records.append(_record(episode, store, f"{title}: {text}" if title else text, [(0, len(episode.text))]))
    return records


def _record(episode: Episode, store: str, text: str, spans: Sequence[tuple[int, int]]) -> Memory:
    return Memory(
        id=derived_id(episode.id, f"routed|{store}"),
        text=text,
        kind=KINDS[store],
        at=episode.at,
        recorded_at=episode.recorded_at,
        valid_from=episode.at,
        author=episode.author,
        role=episode.role,
        session=episode.session,
        ref=episode.ref,
        attributes={"by": "router", "store": store},
        sources=tuple(Span(episode=episode.id, start=start, end=end) for start, end in spans),
    )
