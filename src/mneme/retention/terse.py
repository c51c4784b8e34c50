"""A sentence in fewer words: articles, forms of to be, intensifiers and interjections go; every word that can change what is said stays.

Names, numbers, negations, conditions, modal verbs, pronouns and most prepositions are never left out, so the short form says nothing that
the sentence does not. Languages without a list, and scripts without spaces, keep their sentences whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_ENGLISH = """
a an the is are am be been being was were do does did have has it its it's that that's there there's of then as at in on and just really so
very quite pretty actually basically definitely totally absolutely honestly literally simply truly well oh ah wow hey hi yeah yep hmm um uh
haha lol also too even such i'm i've
"""

SPARED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "en": frozenset(_ENGLISH.split()),
        "de": frozenset("der die das dem den des ein eine einem einen einer eines ist sind bin bist war waren sehr wirklich ganz echt "
                        "halt mal eben also ach oh na ja doch eigentlich natürlich".split()),
        "fr": frozenset("le la les un une des est sont suis très vraiment donc alors bon ben ah oh euh voilà".split()),
        "es": frozenset("el la los las un una unos unas es son soy muy realmente bueno pues ah oh eh también".split()),
        "pt": frozenset("o a os as um uma uns umas é são sou muito realmente bem pois ah oh né também".split()),
        "it": frozenset("il lo la i gli le un uno una è sono molto davvero beh ah oh anche".split()),
        "nl": frozenset("de het een is zijn ben was waren heel echt zeer wel nou ach oh eh ook".split()),
    }
)  # fmt: skip
"""Language -> the words that are left out; never a negation."""

_EDGES = ".,;:!?…\"'“”‘()[]-–—*_"
_CARRIED = ".!?…,;:"
_LEAST_WORDS = 2


def terse(text: str, language: str) -> str:
    """Return ``text`` without the words that its language can spare; the text itself when fewer than two words would be left.

    Example:
        >>> terse("The meeting was really in the old library, and I'm not going.", "en")
        'meeting old library, not going.'
    """
    spared = SPARED.get(language)
    if spared is None:
        return text
    kept: list[str] = []
    left = 0
    for word in text.split():
        core = word.strip(_EDGES).replace("’", "'").casefold()
        if core and core not in spared:
            kept.append(word)
            left += 1
        elif kept and not core:
            kept.append(word)
        elif kept and core and word[-1] in _CARRIED and kept[-1][-1] not in _CARRIED:
            # The mark behind a word that goes still ends or divides the sentence.
            kept[-1] += word[-1]
    return " ".join(kept) if left >= _LEAST_WORDS else text
