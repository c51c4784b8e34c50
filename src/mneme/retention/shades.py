"""Shades: what a person's notes cluster around, each a page with a name and a timeline, and a short biography over all of them.

Source: Second Me (arXiv 2503.08102), layer L1: hierarchical clustering of notes, a shade per cluster, a biography in the third person and
again in the second. Differs: clusters are made anew from the nearest mean (average linkage) until no two are near; without a model a shade
is named by its keywords and described by its most central note; a page whose notes stay the same is not made again; the biography is of who
wrote most of the notes, and has what matters most of what is known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count, pairwise

import numpy as np

from mneme.core.llm import Prompt
from mneme.core.operations import Archive, Operation, Restore
from mneme.core.records import Memory
from mneme.core.upkeep import BoolArray, FloatArray, Proposal, Round, kept, made_id
from mneme.text.language import detect
from mneme.text.script import clusters as characters
from mneme.text.script import is_paired, normalise, raw_tokens, script_of
from mneme.text.stopwords import stopwords

SHADE, BIOGRAPHY = "shade", "biography"

_WORD = re.compile(r"[^\W\d_][\w’'-]*")
LEAST_CHARS = 4
"""Shorter words name no interest, in scripts that part words by blanks."""

_ADVERBS = r"(?:(?:always|also|never|often|perhaps|sometimes|now|still|just|once|\w+ly)\s+)*"

NAME = Prompt(
    role="shades.name",
    system="You name an interest of a person from their notes: a short name, the aspect of it, and one sentence that describes it.",
    template="Notes:\n$notes",
    trim=(("notes", "tail"),),
)
LIFE = Prompt(
    role="shades.biography",
    system=(
        "You write a short biography of a person from interests and what is known, and add nothing: once in the third person, by name, "
        "and once more said to them, with 'you' and without the name."
    ),
    template="Name: $name\n\nInterests:\n$shades\n\nKnown:\n$known",
    trim=(("known", "tail"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What the model says of a shade."""

    name: str
    aspect: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A biography in the third person and in the second."""

    text: str
    second: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shades:
    """Keeps a shade per cluster of notes, and a biography of who wrote most of them.

    Args:
        near: mean cosine from which two clusters become one.
        least: notes of a shade; fewer make none.
        most: notes that are clustered, the newest.
        kinds: what counts as a note.
        known: how many facts, preferences and traits a biography has, those that matter most.
    """

    near: float = 0.15
    least: int = 3
    most: int = 500
    kinds: tuple[str, ...] = ("turn", "resource")
    known: int = 12
    name: str = "shades"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose shades and biographies that are missing, in place of those that no longer hold."""
        census = ctx.census
        notes = census.active & census.kind.among(self.kinds)
        gone = ~census.active & census.kind.among(self.kinds)
        if not np.any((notes | gone) & ctx.fresh) and not self._lacking(ctx, notes):
            return
        places = np.flatnonzero(notes)[-self.most :]
        memories = ctx.memories(places.tolist())
        if len(memories) < self.least:
            memories, groups = [], []
        else:
            groups = [group for group in clusters(ctx.vectors(places.tolist()), self.near) if len(group) >= self.least]
        shades = _pages(ctx, [[memories[number] for number in group] for group in groups])
        yield from _replaced(ctx, self.name, SHADE, shades)
        yield from _replaced(ctx, self.name, BIOGRAPHY, [_biography(ctx, memories, shades, self.known)] if shades else [])

    def _lacking(self, ctx: Round, notes: BoolArray) -> bool:
        """Return whether pages went with something that was erased, or tell of more notes than there are."""
        census = ctx.census
        pages = census.active & census.tags.where(lambda tags: SHADE in tags or BIOGRAPHY in tags)
        if not pages.any():
            return int(notes.sum()) >= self.least
        there = {census.ids[place] for place in np.flatnonzero(notes | pages).tolist()}
        made = ctx.memories(np.flatnonzero(pages).tolist())
        told = {str(id) for page in made for name in ("notes", "shades") for id in _ids(page, name)}
        return not told <= there or {SHADE, BIOGRAPHY} != {tag for page in made for tag in page.tags}


def clusters(rows: FloatArray, near: float) -> list[list[int]]:
    """Return groups of rows by average linkage: the two groups with the greatest mean cosine join while it is at least ``near``.

    Args:
        rows: ``(n, width)`` unit-norm.
        near: a cosine.

    Example:
        >>> import numpy as np
        >>> clusters(np.eye(3, dtype=np.float32)[[0, 1, 0]], 0.5)
        [[0, 2], [1]]
    """
    size = len(rows)
    groups: list[list[int]] = [[number] for number in range(size)]
    means = np.asarray(rows @ rows.T, np.float64)
    np.fill_diagonal(means, -np.inf)
    sizes = np.ones(size)
    for _ in range(size - 1):
        one, other = divmod(int(np.argmax(means)), size)
        if means[one, other] < near:
            break
        one, other = min(one, other), max(one, other)
        joined = (sizes[one] * means[one] + sizes[other] * means[other]) / (sizes[one] + sizes[other])
        joined[[one, other]] = -np.inf
        means[one], means[:, one] = joined, joined
        means[other], means[:, other] = -np.inf, -np.inf
        sizes[one] += sizes[other]
        groups[one] += groups[other]
        groups[other] = []
    return [sorted(group) for group in groups if group]


def second_person(text: str, name: str) -> str:
    """Return a text about a person as it is said to them.

    Example:
        >>> second_person("Ana lives in Porto. Ana's notes have a shade: Ana has been baking.", "Ana")
        'You live in Porto. Your notes have a shade: you have been baking.'
    """
    said = re.sub(rf"\b{re.escape(name)}['’]s\b", "your", text)
    said = re.sub(rf"\b{re.escape(name)}\s+({_ADVERBS})(\w+)", lambda found: f"you {found[1]}{_agreeing(found[2])}", said)
    said = re.sub(rf"\b{re.escape(name)}\b", "you", said)
    return re.sub(r"(^|[.!?]\s+)(you)", lambda found: found[1] + found[2].capitalize(), said)


def _addressed(second: str, text: str, name: str) -> str:
    """Return a model's words to a person; where those do not speak to them, its words about them turned, if that can be done."""
    if second and not _english(second, name):
        return second
    if re.search(r"\byou\b", second, re.IGNORECASE) and not re.search(rf"\b{re.escape(name)}\b", second):
        return second
    return second_person(text, name) if _english(text, name) else text


def _english(text: str, name: str) -> bool:
    """Whether a text, without the name in it, may be English."""
    plain = normalise(text.replace(name, " "))
    words = raw_tokens(plain)
    latin = sum(len(word) for word in words if script_of(word) == "latin")
    return 2 * latin >= sum(map(len, words)) and detect(words, plain) == "en"


def _agreeing(verb: str) -> str:
    irregular = {"is": "are", "was": "were", "has": "have", "does": "do", "goes": "go"}
    if verb in irregular:
        return irregular[verb]
    if verb.endswith("ies") and len(verb) > 4:
        return verb[:-3] + "y"
    if verb.endswith(("sses", "shes", "ches", "xes", "zes")):
        return verb[:-2]
    return verb[:-1] if verb.endswith("s") and not verb.endswith("ss") and len(verb) > 3 else verb


def _pages(ctx: Round, groups: Sequence[Sequence[Memory]]) -> list[Memory]:
    """Return the page of each cluster: as it was made once, or a new one under a name that no other has."""
    ids = {_page_id(notes) for notes in groups}
    census = ctx.census
    pages = np.flatnonzero(census.tags.where(lambda tags: SHADE in tags)).tolist()
    stored = {page.id: page for page in ctx.memories([place for place in pages if census.ids[place] in ids])}
    taken = {str(page.attributes["name"]) for page in stored.values()}
    shades: list[Memory] = []
    for notes in groups:
        shades.append(stored.get(_page_id(notes)) or _shade(ctx, notes, taken))
        taken.add(str(shades[-1].attributes["name"]))
    return shades


def _page_id(notes: Sequence[Memory]) -> str:
    return made_id(notes[0].id, f"shade|{'|'.join(note.id for note in notes)}")


def _shade(ctx: Round, notes: Sequence[Memory], taken: Collection[str]) -> Memory:
    """Return the page of a cluster, under a name that no other has."""
    words = _words([note.text for note in notes])
    central = max(notes, key=lambda note: (sum(word in note.text.casefold() for word in words), -len(note.text)))
    plain = _free([*words, "notes"], taken)
    named = Named(name=plain, aspect=", ".join([word for word in words if word != plain][:3]), description=central.text)
    id = _page_id(notes)
    if ctx.llm is not None and ctx.status_of(id) is None:
        reply = ctx.llm.ask(NAME, {"notes": "\n".join(f"- {note.text}" for note in notes)}, Named)
        named = replace(reply, name=_free([reply.name.strip(), plain], taken) if reply.name.strip() else plain)
    first, last = min(note.at for note in notes), max(note.at for note in notes)
    told = {
        "name": named.name, "aspect": named.aspect, "description": named.description, "notes": [note.id for note in notes],
        "timeline": [f"{note.at:%Y-%m-%d}: {note.id}" for note in notes],
    }  # fmt: skip
    span = f"{len(notes)} notes, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    text = f"{named.name} ({named.aspect}; {span}): {named.description}" if named.aspect else f"{named.name} ({span}): {named.description}"
    return _made(notes, id, text, "concept", (SHADE,), told)


def _free(names: Sequence[str], taken: Collection[str]) -> str:
    """Return the first name that is free, or the last one with a number."""
    numbered = (f"{names[-1]} {number}" for number in count(2))
    return next(name for name in chain(names, numbered) if name not in taken)


def _biography(ctx: Round, notes: Sequence[Memory], shades: Sequence[Memory], most: int) -> Memory:
    authors = Counter(note.author for note in notes if note.author)
    name = authors.most_common(1)[0][0] if authors else "The user"
    census = ctx.census
    known = [
        memory
        for memory in ctx.memories(np.flatnonzero(census.active & census.kind.among(("profile", "preference", "fact"))).tolist())
        if memory.attributes.get("subject") == name and memory.valid_to is None and BIOGRAPHY not in memory.tags
    ]
    known = sorted(
        sorted(known, key=lambda memory: (-memory.importance, -memory.at.timestamp(), memory.id))[:most], key=lambda m: (m.at, m.id)
    )
    id = made_id(notes[0].id, f"biography|{name}|{'|'.join(memory.id for memory in (*shades, *known))}")
    parts = [f"{shade.attributes['name']} ({len(_ids(shade, 'notes'))} notes)" for shade in shades]
    text = " ".join([f"{name} writes about {_joined(parts)}.", *(memory.text.rstrip(". ") + "." for memory in known)])
    second = second_person(text, name)
    if ctx.llm is not None and ctx.status_of(id) is None:
        variables = {
            "name": name,
            "shades": "\n".join(shade.text for shade in shades),
            "known": "\n".join(m.text for m in known) or "nothing",
        }
        life = ctx.llm.ask(LIFE, variables, Life)
        text = life.text.strip() or text
        second = _addressed(life.second.strip(), text, name)
    told = {"second_person": second, "subject": name, "shades": [shade.id for shade in shades]}
    return _made([*notes, *known], id, text, "profile", (BIOGRAPHY,), told)


def _made(rests_on: Sequence[Memory], id: str, text: str, kind: str, tags: tuple[str, ...], told: Mapping[str, object]) -> Memory:
    last = max(rests_on, key=lambda memory: (memory.at, memory.id))
    return Memory(
        id=id,
        text=text,
        kind=kind,
        at=last.at,
        recorded_at=last.recorded_at,
        valid_from=min(memory.at for memory in rests_on),
        tags=tags,
        attributes=told,
        sources=tuple(dict.fromkeys(span for memory in rests_on for span in memory.sources)),
        importance=0.7,
    )


def _replaced(ctx: Round, keeper: str, tag: str, wanted: Sequence[Memory]) -> Iterator[Proposal]:
    census = ctx.census
    there = {census.ids[place] for place in np.flatnonzero(census.active & census.tags.where(lambda tags: tag in tags)).tolist()}
    ids = {memory.id for memory in wanted}
    operations: list[Operation] = [operation for memory in wanted if memory.id not in there for operation in _back(ctx, memory)]
    operations += [Archive(id=id) for id in sorted(there - ids)]
    if operations:
        yield Proposal(keeper=keeper, why=f"{len(wanted)} of tag {tag}", operations=tuple(operations))


def _back(ctx: Round, memory: Memory) -> list[Operation]:
    return [Restore(id=memory.id)] if ctx.status_of(memory.id) == "archived" else kept(ctx, memory)


def _ids(page: Memory, name: str) -> Sequence[object]:
    ids = page.attributes.get(name)
    return ids if isinstance(ids, (list, tuple)) else ()


def _words(texts: Sequence[str]) -> list[str]:
    """Return the content words that most of the texts share, most telling first."""
    found: Counter[str] = Counter()
    for text in texts:
        runs = _WORD.findall(text.casefold())
        long = {word for word in runs if len(word) >= LEAST_CHARS and not is_paired(word) and word not in stopwords("en")}
        found.update(long | {"".join(pair) for run in runs if is_paired(run) for pair in pairwise(characters(run))})
    return [word for word, _ in sorted(found.items(), key=lambda pair: (-pair[1], -len(pair[0]), pair[0]))]


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
