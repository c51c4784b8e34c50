"""The language of a text, from its function words and letters: cheap, stable, and silent when unsure.

No model: a text names its language by the small words it uses. That costs one dictionary look-up a word, gives the
same answer on every machine, and abstains on a text too short to tell, where statistical detectors guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from mneme.core.errors import InvalidInput
from mneme.text.stopwords import listed_languages, stopwords

SNOWBALL: Final[dict[str, str]] = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "st": "sesotho", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
"""Language code -> name of its Snowball stemmer. Other languages keep their words as they are."""

UNSTEMMED: Final = "xx"
"""Stands for every language that has no stemmer here."""

SCRIPT_DEFAULT: Final[dict[str, str]] = {
    "latin": "en", "cyrillic": "ru", "arabic": "ar", "devanagari": "hi", "greek": "el", "armenian": "hy",
    "hebrew": "he", "tamil": "ta",
}  # fmt: skip
"""Script -> the language assumed for its words when nothing tells more."""

_SCRIPT_OF: Final[dict[str, str]] = {
    "ru": "cyrillic", "uk": "cyrillic", "be": "cyrillic", "bg": "cyrillic", "mk": "cyrillic", "sr": "cyrillic",
    "ar": "arabic", "fa": "arabic", "ur": "arabic", "hi": "devanagari", "ne": "devanagari", "mr": "devanagari",
    "el": "greek", "hy": "armenian", "he": "hebrew", "yi": "hebrew", "ta": "tamil", "zh": "paired", "ja": "paired",
    "ko": "paired", "th": "paired", "lo": "paired", "my": "paired", "km": "paired",
}  # fmt: skip
_ALIASES: Final[dict[str, str]] = {name: code for code, name in SNOWBALL.items()} | {"nb": "no", "nn": "no", "iw": "he"}

# Function words elsewhere that are ordinary words of English: no evidence for the other language.
_ENGLISH_WORDS: Final = (
    "a ad ai ale all also am an ante are as at bazaar be ben bez bin biz bra by come con dan dar den did die dies "
    "dig dins do doch dog door dove e ed end era fa fan fast fi fin fins for ha had ham has hat he hem hep her "
    "here hi hun i in is it ja jag jo kan kick kim kin la le les los ma mam man mange may me men met mi min mine "
    "mit mod mon more most must ned ni no not nu o on ones or over pan pas per plus pod pour pro sans sari sedan "
    "sen sent ser si sin so sofa soft sol solo son sou sun sur te ten ti to ton tot tu u un una under up va van "
    "vet via vide voor want war was we were what y ze zo"
)
_ENGLISH_TOO: Final = frozenset(_ENGLISH_WORDS.split())
_LETTER_EVIDENCE: Final = (
    (re.compile("[ãõ]"), "pt"), (re.compile("[ñ¿¡]"), "es"), (re.compile("ß"), "de"), (re.compile("[őű]"), "hu"),
    (re.compile("[ğı]"), "tr"), (re.compile("[łąęśżź]"), "pl"), (re.compile("[řěů]"), "cs"),
    (re.compile("[șță]"), "ro"), (re.compile("ŀ|l·l"), "ca"),
)  # fmt: skip
_CYRILLIC: Final = ((re.compile("[ўЎ]"), "be"), (re.compile("[іїєґ]"), "uk"), (re.compile("[ђћџјљњ]"), "sr"))
_ARABIC: Final = ((re.compile("[ٹڈڑےں]"), "ur"), (re.compile("[پچژگکی]"), "fa"))

SAMPLE_WORDS: Final = 256
"""How many words from a text's beginning the detector reads."""
_UNIQUE, _PAIR, _SHARED = 4, 2, 1
_LEAST_SCORE, _LEAST_WORDS, _LEAST_LEAD = 5, 2, 3


def language_code(language: str, field: str = "language") -> str:
    """The two- or three-letter code for a language given as a code, a tag (``pt-BR``) or a Snowball name.

    Args:
        language: for example ``"de"``, ``"pt-BR"`` or ``"german"``.
        field: the name that the error gives to the argument.

    Raises:
        InvalidInput: it is none of these.
    """
    name = language.strip().lower()
    if name in _ALIASES:
        return _ALIASES[name]
    code = re.split("[-_]", name)[0]
    if re.fullmatch("[a-z]{2,3}", code):
        return _ALIASES.get(code, code)
    raise InvalidInput({field: f"{language!r} is no language; give a code such as 'en', 'de' or 'pt-BR'"})


def script_of_language(language: str) -> str:
    """The script that the language's own words are written in (``latin`` unless known otherwise)."""
    return _SCRIPT_OF.get(language, "latin")


def detect(words: Sequence[str], normalised: str, default: str = "en") -> str:
    """The language of the Latin-script words of a text.

    Args:
        words: raw tokens of the text, in order; the first 256 are read.
        normalised: the text they come from; its letters are evidence too.
        default: the answer when the evidence is thin: fewer than two function words, or no clear lead.

    Returns:
        A language code. Ties go to the language listed first.
    """
    score: dict[str, int] = {}
    seen: dict[str, int] = {}
    votes, voters = _votes()
    for word in voters.intersection(words[:SAMPLE_WORDS]):
        for language, weight in votes[word]:
            score[language] = score.get(language, 0) + weight
            seen[language] = seen.get(language, 0) + 1
    if not normalised.isascii():
        sample = normalised[:4096]
        for letters, language in _LETTER_EVIDENCE:
            if letters.search(sample):
                score[language] = score.get(language, 0) + _UNIQUE
                seen[language] = seen.get(language, 0) + 1
    if not score or max(score.values()) == score.get(default):
        return default
    best = max((lang for lang in listed_languages() if lang in score), key=score.__getitem__)
    if best == default or seen[best] < _LEAST_WORDS or score[best] < _LEAST_SCORE:
        return default
    return best if score[best] >= score.get(default, 0) + _LEAST_LEAD else default


def detect_by_letters(script: str, normalised: str) -> str | None:
    """The language of the words of a script other than Latin, told by the letters it alone uses; None if unknown."""
    rules = {"cyrillic": _CYRILLIC, "arabic": _ARABIC}.get(script, ())
    for letters, language in rules:
        if letters.search(normalised[:4096]):
            return language
    return SCRIPT_DEFAULT.get(script)


@cache
def _votes() -> tuple[dict[str, tuple[tuple[str, int], ...]], frozenset[str]]:
    """Word -> the languages it speaks for and how strongly; and the words alone."""
    owners: dict[str, list[str]] = {}
    for language in listed_languages():
        if script_of_language(language) == "latin":
            for word in stopwords(language):
                owners.setdefault(word, []).append(language)
    votes: dict[str, tuple[tuple[str, int], ...]] = {}
    for word, languages in owners.items():
        weight = {1: _UNIQUE, 2: _PAIR}.get(len(languages), _SHARED)
        kept = [language for language in languages if language == "en" or word not in _ENGLISH_TOO]
        votes[word] = tuple((language, weight) for language in kept)
    return votes, frozenset(votes)
