"""Why a hit is a hit, in terms that a person can check: the words and the passage that matched, who and when, and what stood beside it.

Worked out for the hits of a recall that asks for it, after ranking; a recall that doesn't ask pays nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC

import numpy as np

from mneme.core.clock import from_micros
from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.core.records import Memory
from mneme.retrieval.features.neighbourhood import windows
from mneme.retrieval.features.people import own_words
from mneme.retrieval.features.times import told_of, years_of
from mneme.retrieval.terms import english_terms, people, search_terms
from mneme.text.marks import phrase_mark, phrases
from mneme.text.questions import asked_ranges, named_people

EVIDENCE = "evidence"
"""The entry of ``hit.why`` that holds what this module finds: part of the score -> what it rests on."""

BRIDGE_FROM = 3
MOST_SHOWN = 3
_SHOWN_CHARS = 120
_WORD = re.compile(r"\w+")

Told = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the explanations of all hits of one recall share."""

    ctx: Context
    query: Query
    ranked: Ranked
    cosines: FloatArray
    where: Mapping[str, IntArray]
    texts: Mapping[int, Memory]


def explained(ctx: Context, query: Query, ranked: Ranked) -> dict[int, dict[str, object]]:
    """Return the notes of a ranking with what each part of each hit's score rests on.

    Parts that gave a hit nothing are left out, and so are those of a recipe that has other parts. Values are lists, mappings and strings:

    - ``dense``: the passage of a long text that is nearest; ``lexical``: the words of the question in it, as they are written there.
    - ``window-dense``, ``window-lexical``: the neighbours that are nearer than it, and the words that only they have.
    - ``session-dense``: the nearest memory of its conversation; ``session-lexical``: the words of the question that its conversation has.
    - ``speaker``, ``asker``: who said it. ``answers``: the question that it follows. ``tells-time``: the question asked when.
    - ``in-range``: the range that the question names, and whether it was said in it or shortly after.
    - ``topic``: what the asker said in its conversation that is nearest. ``spread``: how many hits before it are of its conversation.
    - ``bridge``: the rare names that it shares with one of the best hits, and which.
    """
    positions = ranked.positions.tolist()
    words = dict(zip(query.terms.tolist(), query.words, strict=True))
    where = {words[term.id]: term.positions for term in search_terms(ctx, query).terms}
    memories = dict(zip(positions, ctx.memories(positions), strict=False)) if positions else {}
    if len(memories) != len(positions):  # something was erased meanwhile
        return {position: dict(notes) for position, notes in ranked.notes.items()}
    asked = _Asked(ctx=ctx, query=query, ranked=ranked, cosines=ctx.index.dense(query.vector), where=where, texts=memories)
    notes: dict[int, dict[str, object]] = {}
    for place, position in enumerate(positions):
        told = {name: said for name, tell in _TELLERS.items() if _gave(ranked, name, place) and (said := tell(asked, position))}
        notes[position] = {**ranked.notes.get(position, {}), **({EVIDENCE: told} if told else {})}
    return notes


def _gave(ranked: Ranked, name: str, place: int) -> bool:
    part = ranked.parts.get(name)
    return part is not None and bool(part[place])


def _passage(asked: _Asked, position: int) -> object:
    """Return the passage of a long text that is nearest to the question; a text of one passage needs no telling."""
    parts = asked.ctx.embedder.passages(asked.texts[position].indexed_text)
    if len(parts) < 2:
        return None
    return _shown(parts[int(np.argmax(asked.ctx.embedder.embed(parts) @ asked.query.vector))])


def _words(asked: _Asked, position: int) -> object:
    """Return the words of the question that the memory has, as it writes them; stems where it writes no words apart."""
    having = {stem for stem, positions in asked.where.items() if position in positions}
    written: dict[str, str] = {}
    for word in _WORD.findall(asked.texts[position].indexed_text):
        for stem in having & set(english_terms(word)):
            written.setdefault(stem, word)
    return [written.get(stem, stem) for stem in asked.where if stem in having]


def _near_neighbours(asked: _Asked, position: int) -> object:
    """Return the neighbours in the window that are nearer to the question than the memory."""
    nearer = [place for place in _neighbours(asked, position) if asked.cosines[place] > asked.cosines[position]]
    return _texts(asked, sorted(nearer, key=lambda place: -float(asked.cosines[place])))


def _wordy_neighbours(asked: _Asked, position: int) -> object:
    """Return the words of the question that only neighbours in the window have, each with the neighbour."""
    found: dict[str, str] = {}
    for stem, having in asked.where.items():
        if position not in having and (places := [place for place in _neighbours(asked, position) if place in having]):
            found[stem] = _text(asked, places[0])
    return found


def _session_best(asked: _Asked, position: int) -> object:
    """Return the nearest memory of the conversation, unless it is this one."""
    groups, _ = asked.ctx.index.groups
    same = np.flatnonzero((groups == groups[position]) & asked.ctx.index.present)
    best = int(same[np.argmax(asked.cosines[same])])
    return None if best == position else _text(asked, best)


def _session_words(asked: _Asked, position: int) -> object:
    """Return the words of the question that the conversation has."""
    groups, _ = asked.ctx.index.groups
    return [stem for stem, positions in asked.where.items() if groups[position] in groups[positions]]


def _speaker(asked: _Asked, position: int) -> object:
    """Return who said it, whom the question names."""
    named = named_people(asked.query.text, people(asked.ctx.index))
    author = asked.texts[position].author
    return author if author in named else None


def _asker(asked: _Asked, position: int) -> object:
    memory = asked.texts[position]
    return memory.author or memory.role


def _question_before(asked: _Asked, position: int) -> object:
    """Return the question that the memory follows."""
    before = int(asked.ctx.index.previous[position])
    return _text(asked, before) if before < asked.ctx.index.size else None


def _time_words(asked: _Asked, position: int) -> object:
    return "the question asks when, and it tells a time"


def _range(asked: _Asked, position: int) -> object:
    """Return the ranges that the question names which the memory falls into, or follows shortly."""
    index = asked.ctx.index
    at = index.at[[position]]
    said = {1.0: "said in it", 0.5: "said shortly after it"}
    return [
        {"from": _date(lower), "until": _date(upper), "how": said[share]}
        for lower, upper in asked_ranges(asked.query.text, asked.query.now, years_of(index))
        if (share := float(told_of(at, lower, upper)[0]))
    ]


def _topic(asked: _Asked, position: int) -> object:
    """Return what the asker said in the conversation that is nearest to the question."""
    index = asked.ctx.index
    same = (index.groups[0] == index.groups[0][position]) & index.present
    said = np.flatnonzero(same & (own_words(index) > 0))
    return _texts(asked, said[np.argsort(-asked.cosines[said], kind="stable")].tolist())


def _before(asked: _Asked, position: int) -> object:
    """Return how many hits before it are of the same conversation."""
    groups = asked.ctx.index.groups[0][asked.ranked.positions]
    place = int(np.flatnonzero(asked.ranked.positions == position)[0])
    return f"hits of its conversation before it: {np.count_nonzero(groups[:place] == groups[place])}"


def _bridge(asked: _Asked, position: int) -> object:
    """Return the names that the memory shares with one of the best hits, and which hit."""
    question = asked.query.text.casefold()
    best = [place for place in asked.ranked.positions[:BRIDGE_FROM].tolist() if place != position]
    here = phrases(asked.texts[position].indexed_text)
    for place in best:
        shared = [name for name in here & phrases(asked.texts[place].indexed_text) if name not in question]
        if shared:
            shared.sort(key=lambda name: (len(asked.ctx.index.postings(phrase_mark(name))[0]), name))
            return {"names": shared[:MOST_SHOWN], "shared with": _text(asked, place)}
    return None


_TELLERS: Mapping[str, Callable[[_Asked, int], object]] = {
    "dense": _passage,
    "lexical": _words,
    "window-dense": _near_neighbours,
    "window-lexical": _wordy_neighbours,
    "session-dense": _session_best,
    "session-lexical": _session_words,
    "speaker": _speaker,
    "asker": _asker,
    "answers": _question_before,
    "tells-time": _time_words,
    "in-range": _range,
    "topic": _topic,
    "spread": _before,
    "bridge": _bridge,
}


def _neighbours(asked: _Asked, position: int) -> list[int]:
    index = asked.ctx.index
    return [place for place in windows(index)[position].tolist() if place < index.size and place != position and index.present[place]]


def _texts(asked: _Asked, positions: list[int]) -> list[str]:
    return [_text(asked, position) for position in positions[:MOST_SHOWN]]


def _text(asked: _Asked, position: int) -> str:
    """Return the beginning of a memory's text, with who said it."""
    found = asked.ctx.memories([position])
    if not found:
        return ""
    author = f"{found[0].author}: " if found[0].author else ""
    return author + _shown(found[0].indexed_text)


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARS else line[: _SHOWN_CHARS - 1].rstrip() + "…"


def _date(micros: int) -> str:
    moment = from_micros(micros).astimezone(UTC)
    whole = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    return moment.strftime("%Y-%m-%d" if whole else "%Y-%m-%d %H:%M")
