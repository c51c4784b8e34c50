"""Text to search terms: NFKC, Unicode words, stems by language, pairs of characters where a script has no spaces.

A document is stemmed once, in its own language. A query is stemmed in every language that its space holds, so the two
meet also when a text is too short to tell its language: each form of a query's word can only match documents stemmed
the same way, and nothing is counted twice.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import Stemmer
from numpy.typing import NDArray

from mneme.text.language import (
    SCRIPT_DEFAULT,
    SNOWBALL,
    UNSTEMMED,
    detect,
    detect_by_letters,
    language_code,
    script_of_language,
)
from mneme.text.marks import MARKS_VERSION
from mneme.text.marks import marks as kinds
from mneme.text.script import clusters, fold_marks, is_paired, normalise, raw_tokens, script_of, stands_alone
from mneme.text.stopwords import stopwords
from mneme.text.terms import TermIds, encode_counts, term_id

ANALYSER_VERSION: Final = 1
"""Rises when the same text gives other terms; token rows of another version are made anew from their texts."""

ROW_MARK: Final = term_id(f"\x00row:{ANALYSER_VERSION}.{MARKS_VERSION}")
"""Marks the token rows of the present version, so that those of another are known one by one."""

_ROW_MARK_BYTES: Final = ROW_MARK.to_bytes(8, "little")

STOP_WEIGHT: Final = 0.1
"""Weight of a function word in a query that has other words."""

_CACHED_WORDS: Final = 32_768
_SAMPLE_TOKENS: Final = 2_000
_ASSUMED: Final = frozenset(SCRIPT_DEFAULT.values())
# English endings behind an apostrophe that add no meaning to the word before it.
_CLITICS: Final = frozenset({"s", "m", "re", "ve", "ll", "d"})
_ORDINAL: Final = re.compile(r"(\d+)(?:st|nd|rd|th)")
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_RANGE: Final = re.compile(r"\d{1,2}-\d{1,2}|\d{4}-\d{4}")
_YEAR: Final = re.compile(r"(?<!\d)(?:1[5-9]|20|21)\d\d(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTerms:
    """A query ready for the lexical index.

    Attributes:
        terms: distinct terms, in the order of the query.
        ids: their hashes, ``(n,) uint64``.
        weights: ``(n,) float32``: 1 for words that carry meaning, 0.1 for function words, 1 for all if it has no others.
        language: the language found or given for the query's Latin words.
        heads: for each term the place of the term whose word it is another form of; its own place where it is none.
        languages: for each term the languages of the texts that it can stand in; empty where it can stand in any.
    """

    terms: tuple[str, ...]
    ids: TermIds
    weights: NDArray[np.float32]
    language: str
    heads: tuple[int, ...]
    languages: tuple[tuple[str, ...], ...]


def is_current(row: bytes) -> bool:
    """Return whether a token row is of the present version; an empty one, of a text without words, always is.

    >>> is_current(Analyser().document("a red kite"))
    True
    """
    return not row or _ROW_MARK_BYTES in row


class Analyser:
    """Turns texts and queries into terms. Safe to share between threads.

    Args:
        language: the language of every text, as a code. None finds each text's own, and takes English for Latin
            script where a text is too short to tell.
    """

    def __init__(self, language: str | None = None) -> None:
        self.language = None if language is None else language_code(language)
        self._caches: dict[str, dict[str, str]] = {}
        self._local = threading.local()

    def terms(self, text: str, language: str | None = None) -> list[str]:
        """The terms of a document in order, repeated as often as it has them.

        A run of Chinese or Korean characters gives its pairs, then its single characters, so that a query of one character finds it.

        Args:
            text: any text, also with lone surrogates, NUL or no words at all.
            language: the text's language where the caller knows it.

        Raises:
            InvalidInput: the language is not a code or name.

        >>> Analyser().terms("Caroline's sister moved to Zürich on 2023-05-07.")
        ['carolin', 'sister', 'move', 'to', 'zurich', 'on', '2023-05-07', '2023']
        """
        normalised = normalise(text)
        raw = raw_tokens(normalised)
        return self._stemmed(_cut(raw), self._languages(raw, normalised, language), singles=True)

    def document(self, text: str, language: str | None = None) -> bytes:
        """The text's terms as the blob that a store keeps (see ``encode_terms``), marked with its languages, kinds and version."""
        normalised = normalise(text)
        raw = raw_tokens(normalised)
        languages = self._languages(raw, normalised, language)
        known = self._cache(languages["latin"])
        counts: dict[str, int] = {}
        # Each different token is treated once: long texts repeat themselves. Plain words that were met before are most of it.
        for token, count in Counter(raw).items():
            term = known.get(token) if token.isalpha() else None
            for one in (term,) if term else self._stemmed(_cut([token]), languages, singles=True):
                counts[one] = counts.get(one, 0) + count
        marks = {code if code in SNOWBALL else UNSTEMMED for code in languages.values() if code not in _ASSUMED}
        return encode_counts(counts, marks, [*kinds(text), ROW_MARK]) if counts else b""

    def query(self, text: str, languages: Iterable[str] = (), language: str | None = None) -> QueryTerms:
        """The terms to look for; of Chinese and Korean runs these are the pairs and the single characters.

        Args:
            text: the query.
            languages: languages that the space's texts are stemmed in (``Postings.languages()``).
            language: the query's own language where the caller knows it.
        """
        normalised = normalise(text)
        raw = raw_tokens(normalised)
        tokens = _cut(raw)
        own = self._languages(raw, normalised, language)
        forms = _distinct([("", own), ("", SCRIPT_DEFAULT), *((code, _form(code)) for code in languages)], normalised.isascii())
        stops = frozenset[str]().union(*(stopwords(code) for code in own.values()))
        weights: dict[str, float] = {}
        heads: dict[str, str] = {}
        standing: dict[str, tuple[str, ...]] = {}
        for token in dict.fromkeys(tokens):
            weight = STOP_WEIGHT if token in stops else 1.0
            stems = self._stemmed([token], own, singles=True)
            for stem in stems:
                heads[stem] = stem
                weights[stem] = max(weight, weights.get(stem, 0.0))
                standing[stem] = ()
            # Another language's form stands in texts of that language only: in others it is another word, as "man" is to "many".
            for code, form in forms[1:]:
                for term, stem in zip(self._stemmed([token], form, singles=True), stems, strict=True):
                    weights[term] = max(weight, weights.get(term, 0.0))
                    heads.setdefault(term, stem)
                    anywhere = not code or standing.get(term) == ()
                    standing[term] = () if anywhere else tuple(dict.fromkeys((*standing.get(term, ()), code)))
        if weights and max(weights.values()) < 1.0:
            weights = dict.fromkeys(weights, 1.0)
        place_of = {term: place for place, term in enumerate(weights)}
        return QueryTerms(
            terms=tuple(weights),
            ids=np.fromiter(map(term_id, weights), dtype=np.uint64, count=len(weights)),
            weights=np.fromiter(weights.values(), dtype=np.float32, count=len(weights)),
            language=own["latin"],
            heads=tuple(place_of[heads[term]] for term in weights),
            languages=tuple(standing[term] for term in weights),
        )

    def detect(self, text: str) -> str:
        """The language taken for the text's Latin words, or for its main script if it has none."""
        normalised = normalise(text)
        raw = raw_tokens(normalised)
        scripts = {script_of(token) for token in raw[:64] if token[0].isalpha()} or {"latin"}
        languages = self._languages(raw, normalised, None)
        return languages["latin"] if "latin" in scripts else languages.get(min(scripts), languages["latin"])

    def _languages(self, raw: list[str], normalised: str, given: str | None) -> dict[str, str]:
        """Script -> language for one text, from its raw tokens."""
        fixed = self.language if given is None else language_code(given)
        found: dict[str, str] = {}
        if not normalised.isascii():
            for script in {script_of(token) for token in raw[:_SAMPLE_TOKENS]} - {"latin", "other"}:
                found[script] = detect_by_letters(script, normalised) or UNSTEMMED
        if fixed is not None:
            found[script_of_language(fixed)] = fixed
        if "latin" not in found:
            found["latin"] = detect(raw, normalised)
        return found

    def _stemmed(self, tokens: list[str], languages: dict[str, str], *, singles: bool = False) -> list[str]:
        latin = self._cache(languages.get("latin", "en"))
        terms: list[str] = []
        for token in tokens:
            if token.isascii():
                term = latin.get(token)
                if term is None:
                    term = self._stem(token, languages.get("latin", "en"), latin)
                terms.append(term)
            elif is_paired(token):
                terms += _pairs(token, singles=singles)
            else:
                script = script_of(token)
                language = languages.get(script) or SCRIPT_DEFAULT.get(script, UNSTEMMED)
                cache = self._cache(language)
                terms.append(cache.get(token) or self._stem(token, language, cache))
        return terms

    def _cache(self, language: str) -> dict[str, str]:
        return self._caches.setdefault(language, {})

    def _stem(self, token: str, language: str, cache: dict[str, str]) -> str:
        name = SNOWBALL.get(language)
        stemmed = self._stemmer(name).stemWord(token) if name and not token[0].isdigit() else token
        # A stemmer that leaves one letter of a word has gone too far.
        term = fold_marks(stemmed if len(stemmed) > 1 else token) or token
        if len(cache) >= _CACHED_WORDS:
            cache.clear()
        cache[token] = term
        return term

    def _stemmer(self, name: str) -> Stemmer.Stemmer:
        # A Snowball stemmer has inner state: one for each thread.
        stemmers: dict[str, Stemmer.Stemmer] | None = getattr(self._local, "stemmers", None)
        if stemmers is None:
            stemmers = self._local.stemmers = {}
        if name not in stemmers:
            stemmers[name] = Stemmer.Stemmer(name, 0)
        return stemmers[name]


def _form(language: str) -> dict[str, str]:
    if language == UNSTEMMED:
        return dict.fromkeys(SCRIPT_DEFAULT, UNSTEMMED)
    return {script_of_language(language): language}


def _distinct(forms: list[tuple[str, dict[str, str]]], ascii_only: bool) -> list[tuple[str, dict[str, str]]]:
    """Return the languages to stem a query in; of those that stem plain Latin alike the first, where it holds nothing else."""
    if not ascii_only:
        return forms
    first: dict[str, tuple[str, dict[str, str]]] = {}
    for code, form in forms:
        first.setdefault(form.get("latin", "en"), (code, form))
    return list(first.values())


def _cut(tokens: list[str]) -> list[str]:
    """Raw tokens with numbers made canonical and apostrophes resolved; most pass as they are."""
    words: list[str] = []
    for token in tokens:
        if token[0].isdigit():
            words += _numbers(token)
        elif "'" in token:
            words += _apostrophes(token)
        else:
            words.append(token)
    return words


def _numbers(token: str) -> list[str]:
    if token.isalnum():
        ordinal = _ORDINAL.fullmatch(token)
        plain = ordinal[1] if ordinal else token
        if not plain.isascii() and plain.isdecimal():
            plain = "".join(str(int(digit)) for digit in plain)
        return [plain.lstrip("0") or "0"] if len(plain) <= 2 and plain.isdecimal() else [plain]
    token = token.rstrip("t")
    if _THOUSANDS.fullmatch(token):
        return [token.replace(",", "")]
    if _RANGE.fullmatch(token):
        return token.split("-")
    years = [year for year in _YEAR.findall(token) if year != token] if "." not in token or token.count(".") > 1 else []
    return [token, *years]


def _apostrophes(token: str) -> list[str]:
    if script_of(token) != "latin":
        return [token.replace("'", "")]
    *front, last = token.split("'")
    if last == "t" and front[-1].endswith("n"):
        return [*front[:-1], f"{front[-1]}t"]
    return [part for part in (*front, *(() if last in _CLITICS else (last,))) if part]


def _pairs(run: str, *, singles: bool) -> list[str]:
    """Pairs of neighbouring characters; of Chinese and Korean also single ones, for a document that a one-character query should find."""
    chars = clusters(run)
    if len(chars) < 2:
        return [fold_marks(char) for char in chars]
    pairs = [first + second for first, second in pairwise(chars)]
    return [*pairs, *filter(stands_alone, chars)] if singles else pairs
