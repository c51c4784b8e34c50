"""A memory that adapts itself: which form answers is learned, and whatever form does not answer, the other is asked.

Source: SALM (arXiv 2411.00489): adapters for storage, retrieval and forgetting over external and parametric memory. Differs: storage and
forgetting are components of the recipe (former admission, keeper adaptive); each adapter can be left out, which leaves a static policy.
"""

from __future__ import annotations

from dataclasses import dataclass

from mneme.core.query import Recall
from mneme.recipes.agent.forms import Parametric
from mneme.retrieval.adapting import StoreChoice, question_kind
from mneme.space import Space

EXTERNAL, PARAMETRIC = "external", "parametric"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What one form of memory said.

    Args:
        question, kind: what was asked.
        form: ``external`` or ``parametric``.
        text: the answer of the weights, or the context of the recall.
        found: the recall; None for weights.
        fell_back: the form that was chosen first had nothing.
    """

    question: str
    kind: str
    form: str
    text: str
    found: Recall | None = None
    fell_back: bool = False


class SelfAdapting:
    """A space beside memory in weights.

    Args:
        space: external memory.
        parametric: memory in weights; None is a space alone.
        choice: the retrieval adapter; None asks the space first, always.
        budget_tokens: of a context.
    """

    def __init__(
        self, space: Space, parametric: Parametric | None = None, choice: StoreChoice | None = None, *, budget_tokens: int = 1000
    ) -> None:
        self.space = space
        self.parametric = parametric
        self.choice = choice
        self._budget = budget_tokens

    def ask(self, question: str) -> Answered:
        """Return what the chosen form says, or the other one where it has nothing."""
        kind = question_kind(question)
        first = EXTERNAL if self.choice is None else self.choice.choose(kind)
        second = PARAMETRIC if first == EXTERNAL else EXTERNAL
        said = self._from(first, question, kind)
        if said is not None:
            return said
        other = self._from(second, question, kind, fell_back=True)
        return other if other is not None else Answered(question=question, kind=kind, form=first, text="", fell_back=True)

    def judge(self, answered: Answered, helped: bool) -> None:
        """Tell whether an answer helped: the retrieval adapter learns, and the hits are judged for the forgetting adapter."""
        if self.choice is not None:
            if answered.fell_back:  # the form that was asked first had nothing to say
                self.choice.learn(answered.kind, PARAMETRIC if answered.form == EXTERNAL else EXTERNAL, False)
            self.choice.learn(answered.kind, answered.form, helped)
        if answered.found is not None and answered.found.hits:
            best = answered.found.hits[:1]
            self.space.feedback(answered.found, useful=best if helped else (), useless=() if helped else best)

    def _from(self, form: str, question: str, kind: str, *, fell_back: bool = False) -> Answered | None:
        if form == PARAMETRIC:
            text = None if self.parametric is None else self.parametric.answer(question)
            return None if text is None else Answered(question=question, kind=kind, form=form, text=text, fell_back=fell_back)
        found = self.space.recall(question, budget_tokens=self._budget)
        if not found.hits:
            return None
        return Answered(question=question, kind=kind, form=form, text=found.context, found=found, fell_back=fell_back)
