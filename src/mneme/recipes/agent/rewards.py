"""Rewards and advantages for policies that manage memory, as functions: training itself happens elsewhere.

Source: Memory-R1 (arXiv 2508.19828): exact match of the answer; group advantage (r - mean) / std. Mem-alpha (arXiv 2509.25911):
r = r1 + r2 + 0.05 r3 + 0.1 r4. One step of REINFORCE over a softmax stands for a trainer in tests and small experiments.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Sequence

BETA, GAMMA = 0.05, 0.1

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def normalised(answer: str) -> str:
    """Return an answer without case, punctuation and articles.

    Example:
        >>> normalised("The Two dogs!")
        'two dogs'
    """
    plain = answer.casefold().translate(str.maketrans("", "", string.punctuation))
    return " ".join(_ARTICLES.sub(" ", plain).split())


def exact_match(answer: str, gold: str) -> float:
    """Return 1.0 when both are the same after normalisation, else 0.0."""
    return float(normalised(answer) == normalised(gold))


def advantages(rewards: Sequence[float]) -> list[float]:
    """Return each reward's distance from the group's mean in standard deviations; zeros when all are equal.

    Example:
        >>> advantages([1, 0, 0, 1])
        [1.0, -1.0, -1.0, 1.0]
    """
    mean = sum(rewards) / len(rewards)
    spread = (sum((reward - mean) ** 2 for reward in rewards) / len(rewards)) ** 0.5
    return [0.0 if spread < 1e-12 else (reward - mean) / spread for reward in rewards]


def reinforced(logits: Sequence[float], chosen: Sequence[int], gains: Sequence[float], rate: float) -> list[float]:
    """Return the logits of a softmax over choices after one REINFORCE step: what gained more becomes likelier.

    Args:
        logits: one for each choice.
        chosen: the choice of each rollout.
        gains: its advantage, parallel.
        rate: how far a step goes.

    Example:
        >>> [round(logit, 3) for logit in reinforced([0.0, 0.0], [0, 1], [1.0, -1.0], 0.1)]
        [0.05, -0.05]
    """
    most = max(logits)
    odds = [math.exp(logit - most) for logit in logits]
    chances = [part / sum(odds) for part in odds]
    moved = list(logits)
    for choice, gain in zip(chosen, gains, strict=True):
        for place, chance in enumerate(chances):
            moved[place] += rate * gain * ((place == choice) - chance) / len(chosen)
    return moved


def reward(*, correct: float, calls: int, failed: int, memory_chars: int, input_chars: int, valid: float) -> float:
    """Return Mem-alpha's reward of one run.

    Args:
        correct: r1, share of questions answered right from the memory.
        calls, failed: tool calls, and how many of them failed; r2 is the share that did not.
        memory_chars, input_chars: sizes; r3 is 1 less their ratio.
        valid: r4, share of entries that fit their type.
    """
    formed = 1.0 if calls == 0 else (calls - failed) / calls
    return correct + formed + BETA * (1 - memory_chars / max(input_chars, 1)) + GAMMA * valid
