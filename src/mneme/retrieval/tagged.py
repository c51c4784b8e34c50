"""Thoughts of the question's tags first: only they are compared with it, and the messages that they rest on are lifted.

Source: CAIM (arXiv 2505.13044): query to tags and a time window, a filter on both, then a judgement of relevance. Differs: tags are the
labels nearest to the question, and a thought is relevant from a cosine on, where no model says so; other messages follow by the plain order
instead of being left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.components import Ranked
from mneme.core.context import BoolArray, Context, Query
from mneme.core.llm import Prompt
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.consulting import consulted
from mneme.retrieval.fusion import best
from mneme.retrieval.keyed import summed
from mneme.retrieval.provenance import kind_mask, or_all, provenance
from mneme.text.time_expressions import query_time

TAG, OF = "thought", "tag:"

WHICH = Prompt(
    role="tagged.which",
    system="You say which tags of a list a question is about. None is a good answer.",
    template="Tags: $tags\n\nQuestion: $question",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """The tags that a question is about."""

    tags: list[str]


RELEVANT = Prompt(
    role="tagged.relevant",
    system="You say which of some notes bear on a question, by their numbers. None is a good answer.",
    template="Notes:\n$notes\n\nQuestion of $today: $question",
    trim=(("notes", "tail"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevant:
    """The numbers of the notes that bear on the question."""

    numbers: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """Ranks messages, those lifted by thoughts of the question's tags first.

    Args:
        ontology: ``label: words``; the same as the former's.
        near: cosine that a label needs with the question.
        least: cosine that a thought needs to count as relevant.
        lift: what a relevant thought adds to its messages, in standard deviations.
        most_tags: of a question.
        judged: thoughts that a model is shown, the nearest.
    """

    ontology: tuple[str, ...]
    near: float = 0.25
    least: float = 0.2
    lift: float = 1.0
    most_tags: int = 2
    judged: int = 20

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return admitted messages, best first; ties by time, then position."""
        plain = summed(query, channels, {})
        thoughts = np.flatnonzero(_tagged(ctx, (TAG,)) & query.admitted)
        labels = self._labels(ctx, query) if len(thoughts) else []
        passed = self._passed(ctx, query, thoughts, labels)
        lifted = np.zeros(ctx.index.size, np.float32)
        if len(passed):
            cosines = ctx.index.exact(passed, query.vector)
            found = provenance(ctx)
            for position, cosine in self._relevant(ctx, query, passed, cosines):
                values = found.values_of(position)
                lifted[values] = np.maximum(lifted[values], np.float32(self.lift * (0.5 + cosine)))
        ctx.trace.note(tagged={"tags": labels, "of": len(thoughts), "compared": len(passed)})
        total = (plain + lifted).astype(np.float32)
        among = or_all(query.admitted & kind_mask(ctx, ("turn",)), query.admitted)
        positions = best(total, among, ctx.index.at, query.k)
        return Ranked(positions=positions, scores=total[positions], parts={"match": plain[positions], "tag": lifted[positions]})

    def _labels(self, ctx: Context, query: Query) -> list[str]:
        names = [entry.partition(":")[0].strip().casefold() for entry in self.ontology]
        reply = consulted(ctx, WHICH, {"tags": ", ".join(names), "question": query.text}, Which)
        if reply is not None:
            asked = {tag.strip().casefold() for tag in reply.tags}
            return [name for name in names if name in asked][: self.most_tags]
        rows = ctx.index.memo(
            f"labels {hash(self.ontology)}", lambda: ctx.embedder.embed([entry.replace(":", ",") for entry in self.ontology])
        )
        cosines = rows @ query.vector
        order = np.argsort(-cosines, kind="stable")[: self.most_tags]
        return [names[number] for number in order.tolist() if cosines[number] >= self.near]

    def _relevant(self, ctx: Context, query: Query, passed: IntArray, cosines: FloatArray) -> list[tuple[int, float]]:
        """Return the thoughts that bear on the question with their cosines: as the model says, by cosine where there is none."""
        order = np.argsort(-cosines, kind="stable")
        shown = [(int(passed[place]), float(cosines[place])) for place in order[: self.judged].tolist()]
        by_id = {memory.id: memory for memory in ctx.memories([position for position, _ in shown])} if ctx.llm is not None else {}
        notes = [f"[{number}] {by_id[ctx.index.ids[one]].text}" for number, (one, _) in enumerate(shown) if ctx.index.ids[one] in by_id]
        said = {"notes": "\n".join(notes), "question": query.text, "today": query.now.date()}
        reply = consulted(ctx, RELEVANT, said, Relevant) if notes else None
        if reply is not None:
            return [shown[number] for number in dict.fromkeys(reply.numbers) if 0 <= number < len(shown)]
        return [(int(passed[place]), float(cosines[place])) for place in order.tolist() if cosines[place] >= self.least]

    def _passed(self, ctx: Context, query: Query, thoughts: IntArray, labels: Sequence[str]) -> IntArray:
        """Return the thoughts of these tags within the question's time window."""
        if not labels:
            return thoughts[:0]
        passed = thoughts[_tagged(ctx, [f"{OF}{label}" for label in labels])[thoughts]]
        window = query_time(query.text, query.now).range
        if window is not None:
            at = ctx.index.at[passed]
            passed = passed[(at >= to_micros(window[0])) & (at < to_micros(window[1]))]
        return passed


def _tagged(ctx: Context, tags: Sequence[str]) -> BoolArray:
    codes, values = ctx.index.codes("tags")
    wanted = [code for code, value in enumerate(values) if isinstance(value, (tuple, list)) and set(value) & set(tags)]
    return np.isin(codes, wanted) & ctx.index.present
