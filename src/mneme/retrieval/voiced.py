"""The dense channel for conversations: the question as whoever it names would put it, and what they said before what others said.

Source: most published dialogue memories embed "speaker: text", so that a question about Caroline is near to what Caroline said. Differs:
vectors here are of the words alone. A question with a name is nearest to greetings by it ("Hi Caroline!"), which others say. So what was
said is compared with the question in the first person, and what the people said whom it names gets a constant besides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.dense import DENSE
from mneme.retrieval.terms import people
from mneme.text.questions import named_people


@dataclass(frozen=True, slots=True, kw_only=True)
class Voiced:
    """The cosine with the question in the first person of whom it names; the plain cosine where it names nobody who speaks.

    Args:
        named: is added to what the people said whom the question names, if it names some of those who speak and not all.
    """

    named: float = 0.2
    name: str = DENSE

    def search(self, ctx: Context, query: Query) -> FloatArray:
        """Return ``(size,)`` cosines, ``named`` added to some."""
        everybody = ctx.index.memo("people", lambda: people(ctx.index))
        named = named_people(query.text, everybody)
        if not named:
            return ctx.index.dense(query.vector)
        cosines = ctx.index.dense(ctx.embedder.embed([first_person(query.text, named)])[0])
        if len(named) == len(everybody):
            return cosines
        codes, authors = ctx.index.codes("author")
        by = np.isin(codes, [code for code, author in enumerate(authors) if author in named])
        return cosines + np.float32(self.named) * by.astype(np.float32)


def first_person(question: str, named: Sequence[str]) -> str:
    """Return the question as one of the people named in it would put it.

    Example:
        >>> first_person("Where did Ana's sister meet Ana Costa?", ["Ana Costa"])
        "Where did my sister meet I?"
    """
    text = question
    for person in sorted(named, key=len, reverse=True):
        words = person.split()
        rest = "".join(rf"(?:\s+{re.escape(word)})?" for word in words[1:])
        who = rf"(?<!\w){re.escape(words[0])}{rest}"
        text = re.sub(rf"{who}['’]s?(?!\w)", "my", text, flags=re.IGNORECASE)
        text = re.sub(rf"{who}(?!\w)", "I", text, flags=re.IGNORECASE)
    return text
