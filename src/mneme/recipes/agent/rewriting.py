"""Recall by the rewrite that is likely to help: a bandit picks it from the question, and learns from what came of it.

Source: QueryBandits (abstract), Thompson sampling over rewrites by linguistic features. Differs: what the question as asked finds is fused
with what the rewrite finds, so that an untaught bandit costs little; a reward is what the caller says, the rank of what an answer cited,
or how sufficient the recall was.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mneme.core.errors import InvalidInput, ModelError
from mneme.core.llm import LLM, scoped
from mneme.core.query import Hit, Recall
from mneme.retrieval.bandit import QueryBandit, Vector
from mneme.retrieval.rewrites import REWRITE, REWRITES, WAYS, WIDTH, clues_of, reworded_by_rule, usable
from mneme.space import Space

_RANK_BASE = 60
_REMEMBERED = 20
"""Earlier questions that a pronoun may refer to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reworded:
    """A question in other words."""

    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What came of one question.

    Args:
        number: of the pull, by which it is rewarded once.
        question, rewrite: as asked, and as searched with.
        arm: the way it was rewritten.
        features: ``(18,)`` of the question.
        hits: best first.
        plain, found: the recall of the question as asked, and that of the rewrite; the same one for ``keep``.
    """

    number: int
    question: str
    rewrite: str
    arm: str
    features: Vector
    hits: tuple[Hit, ...]
    plain: Recall
    found: Recall


class Rewriting:
    """A reader over one space that learns how to ask it.

    Args:
        space: the space.
        bandit: learns; None makes a fresh one over all rewrites.
        llm: rewrites; None, or a model that fails, leaves it to rules.
        path: where what was learned is kept: read now if it is there, written after every reward; None keeps it in this object alone.
        k: hits of a recall.
        fused: whether what the question as asked finds is fused in.
    """

    def __init__(
        self,
        space: Space,
        bandit: QueryBandit | None = None,
        llm: LLM | None = None,
        *,
        path: Path | None = None,
        k: int = 10,
        fused: bool = True,
    ) -> None:
        self.space = space
        self.bandit = bandit or QueryBandit(arms=REWRITES, width=WIDTH)
        if self.bandit.width != WIDTH or not set(self.bandit.arms) <= set(REWRITES):
            raise InvalidInput({"bandit": f"must have width {WIDTH} and arms among {', '.join(REWRITES)}"})
        self._llm = None if llm is None else scoped(llm, space=space.name)
        self._path, self._k, self._fused = path, k, fused
        self._asked: list[str] = []
        self._pulls = 0
        self._open: set[int] = set()
        if path is not None and path.exists():
            self.load(path)

    def recall(self, question: str, *, arm: str | None = None) -> Pulled:
        """Return what was found; ``arm`` asks for one rewrite instead of the bandit's choice.

        Raises:
            InvalidInput: the question is empty, or the bandit has no such arm.
        """
        if arm is not None and arm not in self.bandit.arms:
            raise InvalidInput({"arm": f"is {arm!r}; give one of {', '.join(self.bandit.arms)}"})
        plain = self.space.recall(question, k=self._k)
        x = clues_of(question)
        arm = arm or self.bandit.choose(x)
        rewrite = self._rewrite(question, arm, plain)
        found = plain if rewrite == question else self.space.recall(rewrite, k=self._k)
        hits = found.hits if found is plain or not self._fused else fused_hits(found.hits, plain.hits)[: self._k]
        self._asked = [*self._asked, question][-_REMEMBERED:]
        self._pulls += 1
        self._open.add(self._pulls)
        return Pulled(
            number=self._pulls, question=question, rewrite=rewrite, arm=arm, features=x, hits=tuple(hits), plain=plain, found=found
        )  # fmt: skip

    def reward(self, pulled: Pulled, value: float | None = None) -> None:
        """Take in how good a recall was, in [0, 1]; None takes how sufficient it found its evidence. Counts once for each recall.

        Raises:
            InvalidInput: the value is out of range, or the recall was rewarded before.
        """
        if pulled.number not in self._open:
            raise InvalidInput({"pulled": "was rewarded already, or is of another reader; reward each recall once"})
        self.bandit.learn(pulled.arm, pulled.features, pulled.found.sufficiency if value is None else value)
        self._open.discard(pulled.number)
        if self._path is not None:
            self.save(self._path)

    def cited(self, pulled: Pulled, numbers: Sequence[int]) -> float:
        """Take in which hits an answer cited, by their place in ``pulled.hits``.

        Returns:
            The reward: 1 when they stood on top, less further down, 0 for none.
        """
        places = sorted({number for number in numbers if 0 <= number < len(pulled.hits)})
        ideal = sum(_gain(place) for place in range(len(places)))
        value = sum(map(_gain, places)) / ideal if places else 0.0
        self.reward(pulled, min(value, 1.0))
        useful = {pulled.hits[place].memory.id for place in places}
        counted = useful & {hit.memory.id for hit in pulled.found.hits}
        for recall, ids in ((pulled.found, counted), (pulled.plain, useful - counted)):
            if ids:
                self.space.feedback(recall, useful=sorted(ids))
        return value

    def reset(self) -> None:
        """Forget what was learned: the prior stands again."""
        self.bandit.reset()
        if self._path is not None:
            self.save(self._path)

    def save(self, path: Path) -> None:
        """Write what was learned, whole or not at all."""
        half = path.with_name(path.name + ".part")
        half.write_bytes(orjson.dumps({"width": self.bandit.width, "arms": self.bandit.state()}))
        os.replace(half, path)

    def load(self, path: Path) -> None:
        """Read what was learned.

        Raises:
            InvalidInput: the file is not of a bandit with these arms and features.
        """
        try:
            kept: Any = orjson.loads(path.read_bytes())
            if kept["width"] != self.bandit.width or not set(self.bandit.arms) <= set(kept["arms"]):
                raise InvalidInput({"path": f"{path} is of other arms or features; start a new file"})
            self.bandit.restore(kept["arms"])
        except InvalidInput:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidInput({"path": f"{path} holds no bandit; give one that save() wrote"}) from error

    def _rewrite(self, question: str, arm: str, plain: Recall) -> str:
        texts = [hit.text for hit in plain.hits]
        if self._llm is not None and arm in WAYS:
            try:
                said = {"way": WAYS[arm], "found": "\n".join(texts), "question": question}
                made = self._llm.ask(REWRITE, said, Reworded).question.strip()
            except ModelError:
                made = ""
            if usable(made):
                return made
        return reworded_by_rule(question, arm, texts, self._asked)


def fused_hits(first: Sequence[Hit], second: Sequence[Hit]) -> list[Hit]:
    """Return the hits of two recalls by the sum of their reciprocal ranks, each once."""
    total: dict[str, float] = {}
    hit_of: dict[str, Hit] = {}
    for hits in (first, second):
        for rank, hit in enumerate(hits, 1):
            total[hit.memory.id] = total.get(hit.memory.id, 0.0) + 1 / (_RANK_BASE + rank)
            hit_of.setdefault(hit.memory.id, hit)
    return [hit_of[id] for id in sorted(total, key=lambda id: -total[id])]


def _gain(place: int) -> float:
    return 1 / math.log2(place + 2)
