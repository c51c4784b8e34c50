"""Refinements: what experts put right in a conversation, in three kinds, so that the next conversation starts from it.

Source: MARK (arXiv 2505.05177): residual (insight from corrections), user question (terms and abbreviations that users explain), response
(answers that were accepted). Differs: without a model a term needs "means", "stands for" or the like, a residual follows a correction of
the assistant, and a response is an answer that was praised; each refinement cites the words that it rests on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode, Memory, Span
from mneme.formation.earlier import before
from mneme.formation.rules import derived_id
from mneme.formation.summary import extracts, render
from mneme.text.stopwords import stopwords

TAG = "refined"
KINDS = ("residual", "question", "response")
ASSISTANT = frozenset({"assistant", "ai", "bot", "model"})
"""Roles of the one who answers."""

_LEAST_WORDS = 3

_UPPER = r"[^\W\d_a-zà-öø-ÿ][\w/&-]*"
_TERM = re.compile(
    rf"\b(?P<term>{_UPPER}(?:\s{_UPPER}){{0,3}})\s+(?:means|stands\s+for|is\s+short\s+for|refers\s+to|is\s+our\s+word\s+for)\s+"
    r"(?P<meaning>[^.!?\n]{2,160})"
)
_POINTS = frozenset("all everyone everything i it nothing one someone something that there these they this those what which who".split())
_ACTUALLY = re.compile(
    r"\bactually,?\s+(?P<term>[\w][\w\s/&-]{0,40}?)\s+(?:is|are|means)\s+(?P<meaning>[^.!?\n]{2,160})",
    re.IGNORECASE,
)
_PUT_RIGHT = re.compile(
    r"^\W*(?:no\b|not\s+(?:quite|right|correct)|wrong|incorrect|that(?:['’]s|\s+is)\s+(?:wrong|not\s+(?:right|correct|true))|you(?:['’]re|\s+are)\s+wrong)"
    r"[\s,.:;!-]*(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_ACCEPTED = re.compile(
    r"^\W*(?:perfect|exactly|excellent|great\s+answer|spot\s+on|that(?:['’]s|\s+is)\s+(?:perfect|right|correct|exactly|what\s+i\s+needed)"
    r"|thanks?(?:\s+you)?,?\s+that(?:['’]s|\s+is)\s+(?:it|right|perfect|what))",
    re.IGNORECASE,
)

READ = {
    "residual": Prompt(
        role="refine.residual",
        system="You note what an expert taught an assistant about their field: corrections and insights that hold beyond the talk.",
        template="Conversation:\n$talk\n\nList each insight in one sentence, with the numbers of the lines that it rests on.",
        trim=(("talk", "tail"),),
    ),
    "question": Prompt(
        role="refine.question",
        system="You note terms, abbreviations and facts that users explain, so that the next question can be understood.",
        template="Conversation:\n$talk\n\nList each term with its meaning, and the numbers of the lines that say it.",
        trim=(("talk", "tail"),),
    ),
    "response": Prompt(
        role="refine.response",
        system="You note what made an answer of the assistant be accepted: its key points and form. Answers nobody approved are left out.",
        template="Conversation:\n$talk\n\nList what to keep in one sentence each, with the numbers of the lines that it rests on.",
        trim=(("talk", "tail"),),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refinement:
    """One refinement as the model gives it; ``term`` and ``meaning`` are for explained words."""

    text: str
    lines: list[int]
    term: str = ""
    meaning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refinements:
    """What the model answers."""

    items: list[Refinement]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    kind: str
    text: str
    said: tuple[tuple[Episode, int, int], ...]
    term: str = ""
    meaning: str = ""
    attributes: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefinementFormer:
    """Keeps refinements as lessons with the tag ``refined`` and their kind.

    Args:
        most_chars: of what is kept of an accepted answer.
        heard: how many earlier messages of the session a model reads with the new ones.
    """

    most_chars: int = 400
    heard: int = 60

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return one ``Keep`` per refinement, in the order of the conversation."""
        fresh = {episode.id for episode in episodes}
        talks = [self._heard(ctx, episodes, name) for name in dict.fromkeys(episode.session for episode in episodes) if name is not None]
        talks += [[episode] for episode in episodes if episode.session is None]
        operations: list[Operation] = []
        for talk in talks:
            found = self._by_rule(talk) if ctx.llm is None else self._by_model(ctx, talk)
            new = [item for item in found if any(episode.id in fresh for episode, _, _ in item.said)]
            operations += [Keep(memory=_memory(item)) for item in new]
            ctx.trace.note(former="refinements", found=len(new))
        return operations

    def _heard(self, ctx: Context, episodes: Sequence[Episode], session: str) -> list[Episode]:
        """Return the new messages of a session after those that came last before them."""
        new = sorted((episode for episode in episodes if episode.session == session), key=lambda episode: (episode.at, episode.id))
        return [*before(ctx, episodes, new[0], self.heard if ctx.llm is not None else 1), *new]

    def _by_rule(self, talk: Sequence[Episode]) -> Iterator[_Found]:
        for episode in talk:
            if episode.role not in ASSISTANT:
                yield from _terms(episode)
        for reply, episode in pairwise(talk):
            if reply.role not in ASSISTANT or episode.role in ASSISTANT:
                continue
            if rest := put_right(episode.text):
                start = episode.text.rindex(rest)
                yield _Found(kind="residual", text=rest, said=((episode, start, len(episode.text)), (reply, 0, len(reply.text))))
            elif accepted(episode.text):
                told = render([reply], extracts([reply], most=3)) or reply.text
                said = ((reply, 0, len(reply.text)), (episode, 0, len(episode.text)))
                yield _Found(kind="response", text=told[: self.most_chars], said=said)

    def _by_model(self, ctx: Context, talk: Sequence[Episode]) -> Iterator[_Found]:
        assert ctx.llm is not None
        lines = "\n".join(f"[{number}] {episode.author or episode.role or 'user'}: {episode.text}" for number, episode in enumerate(talk))
        for kind, prompt in READ.items():
            for item in ctx.llm.ask(prompt, {"talk": lines}, Refinements).items:
                cited = [talk[number] for number in dict.fromkeys(item.lines) if 0 <= number < len(talk)]
                if not cited or not item.text.strip():
                    ctx.trace.note(refinements={"without a source": kind})
                    continue
                said = tuple((episode, 0, len(episode.text)) for episode in cited)
                yield _Found(kind=kind, text=item.text.strip(), said=said, term=item.term.strip(), meaning=item.meaning.strip())


def put_right(text: str) -> str:
    """Return what a message that rejects the one before it says instead; empty where it rejects nothing or says nothing.

    Example:
        >>> put_right("No, the press must stay below 80 degrees."), put_right("No.")
        ('the press must stay below 80 degrees.', '')
    """
    found = _PUT_RIGHT.match(text)
    rest = found["rest"].strip() if found else ""
    return rest if len(rest.split()) >= _LEAST_WORDS else ""


def accepted(text: str) -> bool:
    """Return whether a message praises the one before it.

    Example:
        >>> accepted("Perfect, thanks."), accepted("Hm.")
        (True, False)
    """
    return _ACCEPTED.match(text) is not None


def _terms(episode: Episode) -> Iterator[_Found]:
    for pattern in (_TERM, _ACTUALLY):
        for found in pattern.finditer(episode.text):
            term, meaning = found["term"].strip(), found["meaning"].strip()
            words = term.casefold().split()
            if all(word in stopwords("en") or word in _POINTS for word in words) or words[0] in _POINTS:
                continue  # "this means that we are late" explains no term
            said = ((episode, found.start("term"), found.end()),)
            yield _Found(kind="question", text=f"{term} means {meaning}.", said=said, term=term, meaning=meaning)


def _memory(item: _Found) -> Memory:
    episode = item.said[0][0]
    told: dict[str, object] = {"refined": item.kind}
    if item.term:
        told |= {"term": item.term, "meaning": item.meaning}
    return Memory(
        id=derived_id(episode.id, f"refined|{item.kind}|{item.text}"),
        text=item.text,
        kind="lesson",
        at=episode.at,
        recorded_at=episode.recorded_at,
        valid_from=episode.at,
        author=episode.author,
        session=episode.session,
        channel=episode.channel,
        tags=(TAG, item.kind),
        attributes=told,
        sources=tuple(Span(episode=source.id, start=start, end=end) for source, start, end in item.said),
    )
