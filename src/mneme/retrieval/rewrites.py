"""Six ways to put a question to a memory, and what about a question may tell which of them helps: the arms and the context of a bandit.

Source: QueryBandits (abstract): keep, paraphrase, simplify, disambiguate, expand, clarify terms; seventeen linguistic features. Differs:
the features are our own choice of seventeen cheap ones and a bias; rules stand in for the model that rewrites, and they read what a first
search for the question as asked has found.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from mneme.core.llm import Prompt
from mneme.retrieval.bandit import Vector
from mneme.text.names import canonical_name, mentions
from mneme.text.stopwords import stopwords

REWRITES = ("keep", "paraphrase", "simplify", "disambiguate", "expand", "clarify-terms")
CLUES = (
    "length", "long-words", "word-length", "pronoun", "negation", "clauses", "question-word", "name", "number", "polite",
    "comparison", "superlative", "time", "presupposition", "vague", "abbreviation", "quoted",
)  # fmt: skip
"""Names of the features, in order, after the bias."""
WIDTH = 1 + len(CLUES)
MOST_WORDS = 60
"""A rewrite with more words is no question any more."""

REWRITE = Prompt(
    role="bandit.rewrite",
    system="You put a question in other words for a search in a memory, in the way that you are told. You never answer it, and never "
    "change what it asks for.",
    template="Way: $way\n\nWhat a first search found:\n$found\n\nQuestion: $question",
    trim=(("found", "head"),),
)
WAYS = {
    "paraphrase": "say the same in other words",
    "simplify": "leave out politeness and everything that the search does not need",
    "disambiguate": "put the name for every pronoun, where what was found or the question leaves no doubt",
    "expand": "add words that texts which answer it are likely to use",
    "clarify-terms": "write short names, abbreviations and jargon out in full",
}

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_POLITE = re.compile(
    r"\b(?:please|could you|can you|would you|tell me|i(?:['’]d| would) like to know|do you (?:know|remember))\b[,:]?\s*", re.I
)
_ASKED = {
    "who": "person",
    "whom": "person",
    "whose": "person",
    "where": "place",
    "when": "date",
    "why": "because",
    "how": "",
    "what": "",
    "which": "",
}
_AUXILIARY = re.compile(r"^(?:do|does|did|is|are|was|were|has|have|had|can|could|will|would|should)\b\s*", re.I)
_LEADING = re.compile(
    r"^(?:(?:do|does|did|is|are|was|were|has|have|had|can|could|will|would|should|who|whom|whose|what|when|where|why|how|which)\b\s*)+",
    re.I,
)
_PERSONAL = re.compile(r"\b(?P<owner>his|her|their)(?=\s+\w)|\b(?:he|she|him|her|they|them)\b", re.I)
_ABBREVIATION = re.compile(r"\b[A-Z]{2,6}\b")
_PATTERNS = {
    "pronoun": re.compile(r"\b(?:s?he|him|her|his|they|them|their|it|its)\b", re.I),
    "negation": re.compile(r"\b(?:not|never|no|without)\b|n['’]t\b", re.I),
    "question-word": re.compile(r"^\W*(?:who|whom|whose|what|when|where|why|how|which)\b", re.I),
    "number": re.compile(r"\d"),
    "polite": re.compile(r"\b(?:please|could you|can you|would you|tell me|like to know|do you (?:know|remember))\b", re.I),
    "comparison": re.compile(r"\b(?:than|versus|vs|differ\w*|compared?|more|less|\w+er than)\b", re.I),
    "superlative": re.compile(r"\b(?:most|least|best|worst|first|last|\w{3,}est)\b", re.I),
    "time": re.compile(r"\b(?:yesterday|today|ago|week|month|year|since|before|after|19\d\d|20\d\d)\b", re.I),
    "presupposition": re.compile(r"\b(?:why|again|still|stop(?:ped)?|no longer|already|anymore|even though)\b", re.I),
    "vague": re.compile(r"\b(?:thing|things|stuff|something|someone|somebody|one|that|this|those|these)\b", re.I),
    "abbreviation": _ABBREVIATION,
    "quoted": re.compile(r"[\"“”«»]"),
}
_CLAUSE = re.compile(r",|;|\band\b|\bbut\b|\bwhich\b|\bbecause\b", re.I)


def clues_of(question: str) -> Vector:
    """Return ``(18,)``: a bias and the features that :data:`CLUES` names, each in [0, 1].

    Example:
        >>> x = clues_of("Why did she not call in 2023?")
        >>> [name for name, value in zip(("bias", *CLUES), x) if value == 1.0]
        ['bias', 'pronoun', 'negation', 'question-word', 'number', 'time', 'presupposition']
    """
    words = _WORD.findall(question)
    count = max(len(words), 1)
    values = {name: float(pattern.search(question) is not None) for name, pattern in _PATTERNS.items()}
    values["length"] = min(count, 30) / 30
    values["long-words"] = sum(len(word) > 8 for word in words) / count
    values["word-length"] = min(sum(map(len, words)) / count, 10) / 10
    values["clauses"] = min(len(_CLAUSE.findall(question)), 4) / 4
    values["name"] = float(bool(_names(question)))
    return np.array([1.0, *(values[name] for name in CLUES)])


def reworded_by_rule(question: str, way: str, found: Sequence[str] = (), before: Sequence[str] = ()) -> str:
    """Return a question as an arm rewrites it without a model; the question itself where the arm has nothing to do.

    Args:
        question: as asked.
        way: one of :data:`REWRITES`.
        found: texts that a search for the question as asked has found, best first.
        before: earlier questions, the latest last; a pronoun may stand for whom they name.

    Example:
        >>> reworded_by_rule("Where does she work?", "disambiguate", before=["Who is Ana?"])
        'Where does Ana work?'
        >>> reworded_by_rule("Where does Mel work?", "clarify-terms", ["Melanie works at Siemens."])
        'Where does Melanie work?'
    """
    made = question
    if way == "paraphrase":
        made = _statement(question)
    elif way == "simplify":
        made = _plain(question)
    elif way == "disambiguate":
        made = _named(question, found, before)
    elif way == "expand":
        made = " ".join([question, *company(question, found)])
    elif way == "clarify-terms":
        made = _spelled_out(question, found)
    return made if usable(made) else question


def usable(text: str) -> bool:
    """Return whether a text can be searched with: some words, and not too many."""
    return 0 < len(_WORD.findall(text)) <= MOST_WORDS


def company(question: str, found: Sequence[str], most: int = 4) -> list[str]:
    """Return words that keep the company of the question's words in what was found, those of most texts first.

    Example:
        >>> company("Where is the puppy?", ["The puppy Rex sleeps.", "Rex is a puppy.", "It rains."], 1)
        ['rex']
    """
    asked = _content(question)
    seen: Counter[str] = Counter()
    for text in found:
        held = _content(text)
        if asked & held:
            seen.update({word for word in held - asked if len(word) > 2})
    return [word for word, _ in sorted(seen.items(), key=lambda pair: (-pair[1], pair[0]))[:most]]


def _content(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.casefold()) if word not in stopwords("en") and word not in _ASKED}


def _names(text: str) -> list[str]:
    """Return the names in a text; a question's first words are none of them."""
    held = (_LEADING.sub("", found.text) for found in mentions(text) if found.kind in ("person", "name"))
    return [name for name in held if name and name.casefold() not in stopwords("en") and name.casefold() not in _ASKED]


def _plain(question: str) -> str:
    """Return a question without its politeness; as it is where it has nothing else."""
    return _POLITE.sub("", question).strip() or question


def _statement(question: str) -> str:
    """Return a question as the words that a statement which answers it may have: what is asked for stands at the end."""
    body = _plain(question).strip().rstrip("?!. ")
    first, _, rest = body.partition(" ")
    asked = _ASKED.get(first.casefold())
    if asked is None:
        return _AUXILIARY.sub("", body)
    return f"{_AUXILIARY.sub('', rest)} {asked}".strip()


def _named(question: str, found: Sequence[str], before: Sequence[str]) -> str:
    """Return a question with the name for its pronouns, whom the last question named, or else what was found names most."""
    if _names(question):
        return question  # the pronoun stands for whom the question names itself
    name = next((names[-1] for names in map(_names, reversed(before)) if names), "")
    if not name:
        counted = Counter(name for text in found for name in dict.fromkeys(_names(text)))
        best = counted.most_common(2)
        if not best or (len(best) == 2 and best[0][1] == best[1][1]):
            return question
        name = best[0][0]
    return _PERSONAL.sub(lambda match: f"{name}'s" if match["owner"] else name, question)


def _spelled_out(question: str, found: Sequence[str]) -> str:
    """Return a question with short names and abbreviations in the full form that one of the texts uses."""
    known = list(dict.fromkeys(name for text in found for name in _names(text)))
    made = question
    for name in dict.fromkeys(_names(question)):
        full = canonical_name(name, [one for one in known if one.casefold() != name.casefold()])
        if full:
            made = re.sub(rf"\b{re.escape(name)}\b", full, made)
    for short in dict.fromkeys(_ABBREVIATION.findall(made)):
        phrase = r"\b" + r"[\s-]+(?:(?:of|and|the|for)\s+)*".join(rf"{letter}\w+" for letter in short)
        full = next((match[0] for text in found if (match := re.search(phrase, text))), None)
        if full:
            made = re.sub(rf"\b{short}\b", f"{short} {full}", made)
    return made
