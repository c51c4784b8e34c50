"""What a text feels like, by words, marks and shouting: a distribution over emotions, how strong, which way, and whether under stress.

A lexicon for English of a few hundred words; a text without any of them is neutral. Good enough for a trend over many messages, not for
judging a single one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

EMOTIONS = ("joy", "sadness", "anger", "fear", "surprise", "love", "neutral")

_LEXICON: Mapping[str, str] = MappingProxyType(
    {
        "joy": (
            "happy glad joy delighted thrilled excited fun laugh laughed laughing smile smiled great awesome wonderful amazing fantastic"
            " excellent enjoy enjoyed cheerful celebrate celebrated proud won yay hooray haha perfect lovely nice good best relieved"
        ),
        "sadness": (
            "sad unhappy cry cried crying tears lonely miss missed lost loss grief mourn funeral died death heartbroken depressed miserable"
            " disappointed sorry regret hopeless tired empty gloomy down hurt alone"
        ),
        "anger": (
            "angry furious annoyed annoying hate hated irritated rage outraged unfair stupid idiot terrible awful horrible damn ridiculous"
            " frustrated frustrating yelled shouting disgusting worst sick"
        ),
        "fear": (
            "afraid scared fear terrified panic anxious anxiety nervous worried worry stress stressed stressful overwhelmed danger"
            " dangerous threat nightmare dread emergency accident deadline pressure"
        ),
        "surprise": "surprised surprise shocked unbelievable suddenly unexpected wow omg astonished incredible wait what really whoa",
        "love": "love loved loving dear darling hug hugs kiss adore caring affectionate thank thanks grateful together family friend",
    }
)
_OF_WORD = {word: emotion for emotion, words in _LEXICON.items() for word in words.split()}
_GOOD, _BAD = frozenset({"joy", "love"}), frozenset({"sadness", "anger", "fear"})
_STRESS = re.compile(
    r"\b(?:stress\w*|overwhelm\w*|deadline|pressure|panic\w*|exhaust\w*|burn(?:ed|t)?\s+out|anxi\w+|emergency)\b", re.IGNORECASE
)
_NEGATED = re.compile(r"\b(?:not|never|no|n['’]t|hardly|without)\W+(?:\w+\W+){0,2}$", re.IGNORECASE)
_STRONG = frozenset("very so really extremely totally absolutely incredibly".split())
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def emotions(text: str) -> dict[str, float]:
    """Return how a text is distributed over :data:`EMOTIONS`; the values sum to 1, neutral takes what no word claims.

    Example:
        >>> told = emotions("I am so happy, what a wonderful day!")
        >>> round(sum(told.values()), 9), max(told, key=told.get)
        (1.0, 'joy')
    """
    counts = _counts(text)
    calm = 1.0 if counts else 2.0
    total = sum(counts.values()) + calm
    return {name: (calm if name == "neutral" else counts.get(name, 0.0)) / total for name in EMOTIONS}


def intensity(text: str) -> float:
    """Return how strongly a text is felt, in [0, 1].

    Example:
        >>> intensity("The train leaves at nine."), intensity("I HATE this, I'm so furious!!!") > 0.7
        (0.0, True)
    """
    words = _WORD.findall(text)
    shouted = sum(word.isupper() and len(word) > 3 for word in words)
    strong = sum(word.casefold() in _STRONG for word in words)
    raw = sum(_counts(text).values()) + 0.4 * strong + 0.5 * min(text.count("!"), 4) + 0.7 * min(shouted, 3)
    return 0.0 if raw == 0 else min(1.0, raw / 4.0)


def polarity(text: str) -> float:
    """Return in [-1, 1] whether a text leans to the bad or the good; 0 where it does not lean.

    Example:
        >>> polarity("A lovely evening"), polarity("A terrible evening"), polarity("An evening")
        (1.0, -1.0, 0.0)
    """
    counts = _counts(text)
    good = sum(count for name, count in counts.items() if name in _GOOD)
    bad = sum(count for name, count in counts.items() if name in _BAD)
    return 0.0 if good + bad == 0 else (good - bad) / (good + bad)


def stressed(text: str) -> bool:
    """Return whether a text speaks of pressure."""
    return _STRESS.search(text) is not None


def _counts(text: str) -> dict[str, float]:
    """Return emotion -> how many of its words a text has; a negated word counts for the other side, weakly."""
    counts: dict[str, float] = {}
    for found in _WORD.finditer(text):
        emotion = _OF_WORD.get(found[0].casefold())
        if emotion is None:
            continue
        if _NEGATED.search(text[max(0, found.start() - 40) : found.start()]):
            emotion = "sadness" if emotion in _GOOD else "neutral"
            if emotion == "neutral":
                continue
            counts[emotion] = counts.get(emotion, 0.0) + 0.5
        else:
            counts[emotion] = counts.get(emotion, 0.0) + 1.0
    return counts
