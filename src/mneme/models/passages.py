"""Passages: a long text as overlapping windows that fit an embedding model, cut at sentences.

Nothing is left out of a text of up to :data:`MOST_PASSAGES` windows, some 500,000 characters of English. Of a longer one as many windows
are taken, spread evenly over it, so that a book given as one message takes seconds; its words are searched whole all the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from mneme.text.sentences import sentence_spans

MOST_PASSAGES = 512

_WORD = re.compile(r"\S++\s*+")
_CHUNK_CHARACTERS = 32
_OVERLAP_SHARE = 6

_T = TypeVar("_T")
Atom = tuple[int, int, int]  # start and end in characters, size in tokens


def passages(text: str, count_tokens: Callable[[str], int], window_tokens: int) -> list[str]:
    """Return overlapping windows of ``text`` of at most ``window_tokens`` tokens each, about equally long, in order.

    Windows begin and end at sentences; a sentence longer than half a window is cut at words, and a word without end at
    characters. Neighbours share about a sixth of a window. Time is linear in the text.

    Args:
        text: any string.
        count_tokens: the tokens of a string for the model in question, without its start and end marks.
        window_tokens: the most tokens of a window.

    Returns:
        ``[text]`` itself when it fits, else the windows without the white space round them; of more than :data:`MOST_PASSAGES` those
        that are spread evenly over the text, its first and last among them.
    """
    if len(text) <= window_tokens and text.isascii():
        return [text]
    if len(text) <= window_tokens * 16 and count_tokens(text) <= window_tokens:
        return [text]
    atoms = list(_atoms(text, count_tokens, window_tokens))
    if sum(size for *_, size in atoms) <= window_tokens:
        return [text]
    windows = spread(list(_windows(atoms, window_tokens)), MOST_PASSAGES)
    return [text[atoms[first][0] : atoms[last][1]].strip() for first, last in windows]


def spread(items: Sequence[_T], most: int) -> Sequence[_T]:
    """Return at most ``most`` items (2 or more), spread evenly, the first and the last among them.

    Example:
        >>> spread("abcdefg", 3)
        ['a', 'd', 'g']
    """
    if len(items) <= most:
        return items
    return [items[place * (len(items) - 1) // (most - 1)] for place in range(most)]


def _atoms(text: str, count_tokens: Callable[[str], int], window_tokens: int) -> Iterator[Atom]:
    """Yield what is never cut: sentences, else words, else short runs of characters; blank ones are left out."""
    for start, end in sentence_spans(text):
        size = count_tokens(text[start:end]) if end - start <= window_tokens * 16 else window_tokens
        if size > window_tokens // 2:
            yield from _word_atoms(text, start, end, count_tokens)
        elif size:
            yield start, end, size


def _word_atoms(text: str, start: int, end: int, count_tokens: Callable[[str], int]) -> Iterator[Atom]:
    for word in _WORD.finditer(text, start, end):
        if word.end() - word.start() <= _CHUNK_CHARACTERS:
            size = count_tokens(word[0])
            if size:
                yield word.start(), word.end(), size
            continue
        for at in range(word.start(), word.end(), _CHUNK_CHARACTERS):
            stop = min(at + _CHUNK_CHARACTERS, word.end())
            # The pieces of a cut word can't be counted apart; decomposed characters are an upper bound.
            yield at, stop, len(unicodedata.normalize("NFD", text[at:stop]))


def _windows(atoms: list[Atom], window_tokens: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last atom of each window."""
    overlap = window_tokens // _OVERLAP_SHARE
    total = sum(size for *_, size in atoms)
    count = -(-(total - overlap) // (window_tokens - overlap))
    goal = (total + (count - 1) * overlap) / count
    first = 0
    while True:
        last, filled = first, atoms[first][2]
        while last + 1 < len(atoms) and filled < goal and filled + atoms[last + 1][2] <= window_tokens:
            last += 1
            filled += atoms[last][2]
        yield first, last
        if last + 1 == len(atoms):
            return
        first = _step_back(atoms, first, last, overlap)


def _step_back(atoms: list[Atom], first: int, last: int, overlap: int) -> int:
    """Return where the next window begins: at least one atom is shared, when that leaves room to move on."""
    begin, shared = last, atoms[last][2]
    while begin - 1 > first and shared + atoms[begin - 1][2] <= overlap:
        begin -= 1
        shared += atoms[begin][2]
    return begin if begin > first else last + 1
