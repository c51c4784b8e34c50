"""What texts tell: which of their words say something, and which a memory has from one source and from no other.

Compared are a memory's text, captions, free tags and free attributes. Structure is not: names of blocks and tables, ids, times, and
settings are vocabulary of the machine, whatever words they happen to share with a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import chain
from typing import Final

from mneme.core.records import Episode, Memory
from mneme.text.analyser import Analyser
from mneme.text.stopwords import listed_languages, stopwords

NOTES: Final = ("why", "quarantine")
"""Attributes that say why a memory was let in or kept out; one that tells something erased is left out, and the memory stays."""

_SETTINGS: Final = frozenset("block by decision form formed_by layer modality of relation statement store table tier".split())
_LABELS: Final = ("block:", "of:", "structure:", "table:", "tree:")
_FORMAL: Final = re.compile(r"(?:mem|ep|lnk|job)_\w+|\d{4}-\d\d(?:-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?)?")  # an id, a time

# Of scripts without blanks: what stands for grammar. A pair with one of them says no more than its other character, which is a term, too.
_PARTICLES: Final = frozenset(
    "的了是在我你他她它们這这那有和与與也都就不没沒很到会會要把被给給吗嗎呢吧着著过過得地之其而且或从從對对于於個个"  # Chinese
)
_SYLLABLES: Final = frozenset("은는이가을를에의도와과로")
_KANA: Final = frozenset("はがをにでのと")
_KANA_PAIRS: Final = frozenset(
    "です ます した して する ない いる ある この その あの から まで など ので では には とは での った って れた".split()
)


_SURE: Final = 3
"""So many different function words are no chance."""


class Telling:
    """Reads texts, each of them once."""

    def __init__(self) -> None:
        self._terms: dict[str, frozenset[str]] = {}
        self._languages: dict[str, frozenset[str]] = {}
        self._said: dict[str, frozenset[str]] = {}

    def terms(self, texts: Iterable[str]) -> set[str]:
        """Return the stems of texts, function words among them; one analyser for all, so that a word and its other form meet."""
        return set().union(*map(self._of, texts))

    def weighty(self, texts: Iterable[str]) -> set[str]:
        """Return the stems of texts without function words of their language."""
        read = list(texts)
        return self._without_function_words(self.terms(read), read)

    def only(self, told: Iterable[str], gone: Iterable[Episode], left: Iterable[Episode]) -> set[str]:
        """Return the stems of what is told that episodes which go have and those that stay have not."""
        going, staying, read = list(gone), list(left), list(told)
        shared = self.terms(read) & set().union(*map(self._heard, going))
        shared -= set().union(*map(self._heard, staying)) if shared else set()
        if not shared:
            return shared
        return self._without_function_words(shared, chain(read[:1], *(said(episode) for episode in (*going, *staying))))

    def _heard(self, episode: Episode) -> frozenset[str]:
        known = self._said.get(episode.id)
        if known is None:
            known = self._said[episode.id] = frozenset(self.terms(said(episode)))
        return known

    def _of(self, text: str) -> frozenset[str]:
        known = self._terms.get(text)
        if known is None:
            known = self._terms[text] = frozenset(_english().terms(text))
        return known

    def _without_function_words(self, terms: set[str], texts: Iterable[str]) -> set[str]:
        languages = set().union(*map(self._spoken, texts))
        return {term for term in terms if not any(term in _function_words(code) for code in ("en", *languages)) and not _is_grammar(term)}

    def _spoken(self, text: str) -> frozenset[str]:
        known = self._languages.get(text)
        if known is None:
            known = self._languages[text] = _languages(text, self._of(text))
        return known


def said(episode: Episode) -> Iterator[str]:
    """Yield what an episode says: its text, the captions of its media, and who said it."""
    yield episode.text
    yield from (medium.caption for medium in episode.media)
    if episode.author:
        yield episode.author


def told(memory: Memory) -> Iterator[str]:
    """Yield every text that a memory has, its own first, those of its free attributes and tags among them."""
    yield memory.indexed_text
    yield from (tag for tag in memory.tags if not is_label(tag))
    yield from _texts({key: value for key, value in memory.attributes.items() if key not in NOTES})


def noted(memory: Memory) -> Iterator[str]:
    """Yield why a memory was let in or kept out."""
    yield from _texts({key: memory.attributes[key] for key in NOTES if key in memory.attributes})


def is_label(tag: str) -> bool:
    """Return whether a tag ties a memory to something by name, and is no text."""
    return tag.startswith(_LABELS)


def is_setting(key: str, value: object) -> bool:
    """Return whether an attribute is a setting of one word, an id or a time, and no text."""
    return isinstance(value, str) and (_FORMAL.fullmatch(value) is not None or (key in _SETTINGS and len(value.split()) < 2))


def _texts(value: object, key: str = "") -> Iterator[str]:
    if is_setting(key, value):
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _texts(part, str(name))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)


def _is_grammar(term: str) -> bool:
    """Return whether a character or a pair of them stands for grammar."""
    if not term or term.isascii() or len(term) > 2:
        return False
    if term in _KANA_PAIRS or all(character in _SYLLABLES for character in term):
        return True
    if any(character in _PARTICLES for character in term):
        return True
    kana = [character in _KANA for character in term]
    return any(kana) and any("\u3400" <= character <= "\u9fff" for character in term)


def _languages(text: str, terms: AbstractSet[str]) -> frozenset[str]:
    """Return the languages that a text may be in: the one found, and those whose function words it has by far more of than of English."""
    counts = {code: len(terms & _function_words(code)) for code in listed_languages()}
    most = max(counts.values())
    near = {code for code, count in counts.items() if count == most and count >= max(_SURE, 2 * counts["en"] + 1)}
    return frozenset({_any_language().detect(text), *near})


@lru_cache(maxsize=1)
def _english() -> Analyser:
    return Analyser("en")


@lru_cache(maxsize=1)
def _any_language() -> Analyser:
    return Analyser()


@lru_cache(maxsize=len(listed_languages()) + 8)
def _function_words(language: str) -> frozenset[str]:
    return frozenset(term for word in stopwords(language) for term in _english().terms(word))
