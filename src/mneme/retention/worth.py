"""What a text is worth keeping, by its form: small talk, repetition and greetings go first; what is personal, dated or numeric stays.

A linear score over ten features that need no model, and the same for a whole message or for one of its sentences. The weights come from a
logistic regression of "has the words of some answer" over the sentences of development conversations (``mneme arena worth``), rounded; no
feature looks at what anything is about, and weights from half of the conversations keep as much of the other half.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, log1p
from types import MappingProxyType

from mneme.core.errors import InvalidInput
from mneme.text.analyser import Analyser
from mneme.text.marks import phrases

FEATURES = ("length", "rarity", "names", "dated", "numbered", "asks", "tells", "plain", "user", "polite")

WEIGHTS = {
    "length": 0.0, "rarity": 1.7, "names": 0.0, "dated": 1.25, "numbered": 0.25, "asks": -0.4, "tells": 1.0, "plain": -0.15,
    "user": 3.0, "polite": 0.1,
}  # fmt: skip
BIAS = -7.0
DEFAULT_WEIGHTS: Mapping[str, float] = MappingProxyType({**WEIGHTS, "bias": BIAS})

_DATED = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|ago|last|next|this (?:week|month|year|morning|weekend|past)|weekend|weeks?|months?|years?"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|june|july|august|september|october|november|december"
    r"|(?:19|20)\d\d|recently|since|\d{1,2}(?:st|nd|rd|th))\b|\d{4}-\d\d|[年月日周]",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|once|twice|couple|several|dozen|first|second|third)\b",
    re.IGNORECASE,
)
_TELLS = re.compile(r"\b(?:I|me|my|mine|we|our|ours|I['’]\w+|we['’]\w+)\b")
_TOLD = re.compile(
    r"\b(?:i|we)(?:['’](?:ve|d|m|re))?\s+(?:\w+ly\s+|just\s+|also\s+)?(?:\w+ed|had|have|got|bought|went|took|made|did|was|were|saw|met"
    r"|read|spent|found|love|like|want|need|work|live|prefer|hate|use|plan)\b|\bmy\s+\w+",
    re.IGNORECASE,
)
_PLAIN = re.compile(
    r"^\W*(?:hey|hi|hello|thanks|thank\s+you|wow|cool|awesome|great|nice|haha|lol|ok|okay|yes|yeah|yep|sure"
    r"|no\s+problem|bye|see\s+(?:you|ya)|take\s+care|good\s+luck"
    r"|congrat\w*|sounds|that['’]s|you['’]re\s+welcome|absolutely|definitely|of\s+course|glad"
    r"|keep\s+(?:it\s+)?up|i\s+(?:totally\s+)?(?:agree|understand)|no\s+worries)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"\b(?:thanks|thank|please|help|welcome|happy\s+to|glad|great|amazing|awesome|wonderful|inspiring|proud)\b", re.IGNORECASE
)
_SHORT_WORDS = 12
USERS = frozenset({"user", "human"})
MACHINES = frozenset({"assistant", "ai", "bot", "model", "system", "tool", "function", "developer"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Commonness:
    """How many texts have each term.

    Args:
        texts: how many texts were counted.
        having: term -> texts that have it.
    """

    texts: int
    having: Counter[str]

    def rarity(self, terms: Iterable[str]) -> float:
        """Return the mean inverse document frequency of the five rarest terms, over the highest there can be: in [0, 1]."""
        highest = log1p(self.texts)
        rare = sorted((log((self.texts + 1) / (self.having[term] + 1)) for term in set(terms)), reverse=True)[:5]
        return sum(rare) / (5 * highest) if rare and highest else 0.0


def commonness(analyser: Analyser, texts: Sequence[str]) -> Commonness:
    """Return the counts over these texts."""
    having: Counter[str] = Counter()
    for text in texts:
        having.update(set(analyser.terms(text)))
    return Commonness(texts=len(texts), having=having)


def features(text: str, terms: Sequence[str], common: Commonness, role: str | None) -> tuple[float, ...]:
    """Return the features of a text, in the order of ``FEATURES``."""
    words = len(text.split()) or len(terms)
    return (
        log1p(min(len(set(terms)), 40)),
        common.rarity(terms) * 3,
        log1p(len(phrases(text))),
        float(bool(_DATED.search(text))),
        float(bool(_NUMBER.search(text))),
        float(text.rstrip().endswith(("?", "？", "؟"))),
        float(bool(_TELLS.search(text))) * 0.5 + float(bool(_TOLD.search(text))) * 0.5,
        float(words <= _SHORT_WORDS and bool(_PLAIN.match(text))),
        1.0 if (role or "") in USERS else 0.0 if (role or "") in MACHINES else 0.5,
        float(bool(_POLITE.search(text))),
    )


def weighed(changes: Mapping[str, float]) -> Mapping[str, float]:
    """Return the weights of all features and of ``bias``, with some changed.

    Raises:
        InvalidInput: a name is no feature.
    """
    unknown = sorted(set(changes) - set(DEFAULT_WEIGHTS))
    if unknown:
        raise InvalidInput({"weights": f"unknown: {', '.join(unknown)}; known are bias, {', '.join(FEATURES)}"})
    return {**DEFAULT_WEIGHTS, **changes}


def worth(values: Sequence[float], weights: Mapping[str, float] = DEFAULT_WEIGHTS) -> float:
    """Return how likely a text with these features is asked for some day, in (0, 1); ``weights`` as :func:`weighed` returns them."""
    total = weights["bias"] + sum(weights[name] * value for name, value in zip(FEATURES, values, strict=True))
    return 1 / (1 + exp(-total))
