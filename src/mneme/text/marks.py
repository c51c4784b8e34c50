"""Marks of a text: what kind of thing it says, kept in its token row beside its terms.

A question may ask for a time, an answer follows a question, and two texts with the same rare name belong together; a text is marked
for such things when it is stored, so that ranking reads posting lists and no text. Marks have a count of 0: they weigh nothing as words.
English, with digits and dates in any language.
"""

from __future__ import annotations

import re
from typing import Final

from mneme.text.terms import term_id

MARKS_VERSION: Final = 2
"""Rises when the same text gives other marks; token rows of another version are made anew from their texts."""

TIME: Final = term_id("\x00mark:time")
ASKS: Final = term_id("\x00mark:asks")
TITLED: Final = term_id("\x00mark:titled")

_TIME = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|ago|last|next|this (?:week|month|year|morning|weekend|past)|weeks?|weekend|months?|years?|days?"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|june|july|august|september|october|november|december"
    r"|(?:19|20)\d\d|recently|since|\d{1,2}(?:st|nd|rd|th))\b|\d{4}-\d\d|[年月日周]",
    re.IGNORECASE,
)
_NAME = r"[A-Z](?:[\w'’-]|\.(?=\w))*"
_PHRASE = re.compile(rf"{_NAME}(?:(?:\s+(?:of|the|and|de|la|von|van|for|in|du|del))*\s+{_NAME})*")
_OPENERS = frozenset(
    "the a an it he she they in on at this that these his her its there when after as for with by from i we you and but if so what who how"
    " yes no wow hey thanks hi oh yeah my our all to of is are was were be while although during one some many most such since both".split()
)
_SHORTEST_PHRASE = 3
_LONGEST_TITLE = 10
"""In words; a longer first line is no title."""


def marks(text: str) -> list[int]:
    """Return the ids of a text's marks: its kinds and its names."""
    found = []
    if _TIME.search(text):
        found.append(TIME)
    if text.rstrip().endswith(("?", "？", "؟")):
        found.append(ASKS)
    if heading := title(text):
        found += [TITLED, title_mark(heading)]
    return [*found, *map(phrase_mark, sorted(phrases(text)))]


def title_mark(title: str) -> int:
    """Return the id that marks the texts under a title."""
    return term_id(f"\x00title:{title}")


def title(text: str) -> str:
    r"""Return what a note, page or passage is headed with, in small letters; empty if it is headed with nothing.

    That is a short first line above the rest, or the key of a line such as ``door code: 4711``, without what stands in brackets behind.

    >>> title("The Color Purple (film)\nA film of 1985.")
    'color purple'
    >>> title("Door code: 4711")
    'door code'
    """
    first, _, rest = text.strip().partition("\n")
    if not rest:
        first, _, rest = first.partition(": ")
    words = first.partition("(")[0].strip(" .:#*").casefold().split()
    if not rest or not 0 < len(first.split()) <= _LONGEST_TITLE:
        return ""
    while words and words[0] in _OPENERS:
        words = words[1:]
    found = " ".join(words)
    return found if len(found) >= _SHORTEST_PHRASE else ""


def phrase_mark(phrase: str) -> int:
    """Return the id that marks the texts that have a capitalised phrase."""
    return term_id(f"\x00phrase:{phrase}")


def phrases(text: str) -> set[str]:
    """Return the capitalised phrases of a text, in small letters, without the words that merely open a sentence.

    >>> sorted(phrases("Yes, we saw the Museum of Modern Art with Ana."))
    ['ana', 'museum of modern art']
    """
    found = set()
    for match in _PHRASE.finditer(text):
        words = match[0].strip(".'’-").split()
        while words and words[0].casefold() in _OPENERS:
            words = words[1:]
        phrase = " ".join(words).casefold().strip(".").removesuffix("'s").removesuffix("’s")
        if len(phrase) >= _SHORTEST_PHRASE:
            found.add(phrase)
    return found
