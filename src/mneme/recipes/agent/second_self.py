"""The second self: what a space knows of a person as training data, and answers from that alone where they are prepared.

Source: Second Me (arXiv 2503.08102), layer L2: preference, diversity and self questions from notes and shades; served with the biography as
the standing instruction (``write_instructions(pairs, path, system=self.biography())``). Differs: export only, one style of answer, no modes
for completing and criticising. Weights are a port (:class:`~mneme.recipes.agent.forms.Parametric`); every pair names the memories that it
rests on, so that forgetting a note takes its pairs out, and what no pair answers falls through to the notes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mneme.core.llm import LLM, Prompt
from mneme.core.query import Filter
from mneme.core.records import Memory
from mneme.recipes.agent.forms import Pair, Parametric
from mneme.retention.shades import BIOGRAPHY, SHADE
from mneme.space import Space

ASK = Prompt(
    role="second-self.ask",
    system="You write one question that a person might ask about themselves, and its answer in the second person, from a text alone.",
    template="Kind of question: $kind\n\nText:\n$text",
)

_KINDS = {"preference": "preference", "profile": "self", "fact": "self", "event": "self"}
_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer and where it came from.

    Args:
        text: the answer, or the context to answer from.
        form: ``parametric`` or ``notes``.
    """

    text: str
    form: str


class SecondSelf:
    """A person's second self over one space.

    Args:
        space: the person's notes.
        llm: words the pairs; None uses plain templates.
        parametric: L2; None leaves it out, so that every question goes to the notes.
    """

    def __init__(self, space: Space, llm: LLM | None = None, parametric: Parametric | None = None) -> None:
        self.space = space
        self.parametric = parametric
        self._llm = llm
        self._told: dict[tuple[str, str], Asked] = {}
        self._used: set[tuple[str, str]] = set()

    def biography(self, *, second: bool = True) -> str:
        """Return the biography, said to the person or about them; empty before the first upkeep."""
        found = self.space.memories(Filter(tags=(BIOGRAPHY,)), limit=1)
        return "" if not found else str(found[0].attributes["second_person"]) if second else found[0].text

    def shades(self) -> list[Memory]:
        """Return the person's shades."""
        return self.space.memories(Filter(tags=(SHADE,)), limit=_PAGE)

    def pairs(self) -> list[Pair]:
        """Return the training data that the space gives now; what was asked of a model before is not asked again."""
        notes, others, after = [], [], ""
        while page := self.space.memories(after=after, limit=_PAGE):
            notes += [memory for memory in page if memory.kind == "turn"]
            others += [memory for memory in page if memory.kind in _KINDS and BIOGRAPHY not in memory.tags]
            after = page[-1].id
        there = {memory.id for memory in notes}
        self._used = set()
        made = [self._of_shade(shade) for shade in self.shades()]
        made += [self._of_memory(memory, there) for memory in (*notes, *others)]
        made += [
            Pair(key="biography", kind="diversity", question="Who am I?", answer=self.biography(), sources=_sources(memory, there))
            for memory in self.space.memories(Filter(tags=(BIOGRAPHY,)), limit=1)
        ]
        self._told = {key: asked for key, asked in self._told.items() if key in self._used}  # nothing of what is gone is kept
        pairs = [pair for pair in made if pair.question and pair.answer and pair.sources]
        return [replace(pair, rejected=_other(pairs, number)) for number, pair in enumerate(pairs)]

    def ask(self, question: str, *, budget_tokens: int = 1000) -> Said:
        """Return the answer of the weights where they have one, else the notes that bear on the question."""
        answer = None if self.parametric is None else self.parametric.answer(question)
        if answer is not None:
            return Said(text=answer, form="parametric")
        return Said(text=self.space.recall(question, budget_tokens=budget_tokens).context, form="notes")

    def _of_shade(self, shade: Memory) -> Pair:
        name, notes = str(shade.attributes["name"]), shade.attributes["notes"]
        sources = tuple(map(str, notes)) if isinstance(notes, (list, tuple)) else ()
        asked = self._worded(
            f"shade:{name}", "diversity", shade, Asked(question=f"What do you know about me and {name}?", answer=shade.text)
        )
        return Pair(key=f"shade:{name}", kind="diversity", question=asked.question, answer=asked.answer, sources=sources)

    def _of_memory(self, memory: Memory, there: set[str]) -> Pair:
        kind = _KINDS.get(memory.kind, "self")
        day = f"{memory.at.day} {memory.at:%B %Y}"
        if memory.kind == "turn":
            plain = Asked(question=f"What did I write on {day} that begins with “{' '.join(memory.text.split()[:4])}”?", answer=memory.text)
        else:
            about = str(memory.attributes.get("relation", memory.kind)).replace("_", " ")
            plain = Asked(question=f"What did I say about “{about}”, as of {day}?", answer=memory.text)
        sources = _sources(memory, there)
        asked = self._worded(f"memory:{memory.id}", kind, memory, plain) if sources else plain
        return Pair(key=f"memory:{memory.id}", kind=kind, question=asked.question, answer=asked.answer, sources=sources)

    def _worded(self, key: str, kind: str, memory: Memory, plain: Asked) -> Asked:
        if self._llm is None:
            return plain
        self._used.add((key, memory.text))
        known = self._told.get((key, memory.text))
        if known is None:
            known = self._told[key, memory.text] = self._llm.ask(ASK, {"kind": kind, "text": memory.text}, Asked)
        return known


def _sources(memory: Memory, there: set[str]) -> tuple[str, ...]:
    """Return the notes that a memory rests on and that are still there; a pair without any is no training data."""
    return tuple(dict.fromkeys(id for span in memory.sources if (id := "mem" + span.episode[2:]) in there))


def rebuilt(before: Sequence[Pair], now: Sequence[Pair]) -> tuple[list[str], list[str]]:
    """Return the keys that a rebuild took out, and those whose answer or sources it changed."""
    present = {pair.key: pair for pair in now}
    gone = [pair.key for pair in before if pair.key not in present]
    changed = [
        pair.key
        for pair in before
        if pair.key in present and (pair.answer, pair.sources) != (present[pair.key].answer, present[pair.key].sources)
    ]
    return gone, changed


def _other(pairs: Sequence[Pair], number: int) -> str:
    """Return an answer to another question of the same kind where there is one: plausible, and wrong here."""
    own = pairs[number]
    around = range(number + 1, number + len(pairs))

    def first(fits: Callable[[Pair], bool]) -> str:
        others = (pairs[place % len(pairs)] for place in around)
        return next((pair.answer for pair in others if pair.answer != own.answer and fits(pair)), "")

    def apart(pair: Pair) -> bool:
        return not set(pair.sources) & set(own.sources)

    return first(lambda pair: pair.kind == own.kind and apart(pair)) or first(apart) or first(lambda pair: True)
