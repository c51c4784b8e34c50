"""The graphs-or-not study's strong baseline: raw messages as values, facts, keywords and summaries as keys of their own."""

from typing import Any

from mneme.core.card import Card
from mneme.core.composing import compose
from mneme.core.errors import InvalidInput
from mneme.core.recipe import Recipe

DESIGNS: dict[str, dict[str, Any]] = {
    "flat": {"ranker": "weighted-sum", "formers": []},
    "separate": {"ranker": {"use": "keyed", "pool": "mean"}},
    "merge": {"ranker": {"use": "keyed", "pool": "merged"}},
    "graph": {"ranker": {"use": "entity-graph"}},
    "graph-hop": {"ranker": {"use": "entity-graph", "hops": 1}},
    "graph-hop-no-hub": {"ranker": {"use": "entity-graph", "hops": 1, "hub": False}},
}
"""One framework, configuration alone between its designs; what is left out is as in the strong baseline."""

recipe = compose(
    name="graphs-or-not",
    about="independent structured keys, scores averaged, raw messages returned",
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "mean"},
    formers=["rules", "sessions"],
    card=Card(
        paper="Does Memory Need Graphs?, arXiv 2601.01280 (ACL 2026)",
        parts=(
            ("userfact, keyphrase and summary as separate keys", "formers rules and sessions"),
            ("mean over key types; merge", "ranker keyed with pool mean; with pool merged"),
            ("graph: entity, chunk, one-hop expand, remove user node", "ranker entity-graph with hops and hub"),
            ("stage-wise ablations", 'names "graphs-or-not:DESIGN": flat, separate, merge, graph, graph-hop, graph-hop-no-hub'),
            ("maintenance agent: create, update, pass", "organiser managed with policy model and again = 5, for those who want it"),
        ),
        differs=(
            "A message is the value, not a session; keywords and a summary of its session are keys of it like its facts.",
            "The mean is over a message's own text, which the study's baseline leaves out, and the best of its keys.",
            "Keys join as none, separate or merge; the study's merge_raw, merged and raw text side by side, is not there.",
            "Communities of a graph are left out; relations count as edges between entities.",
            "Organisation by links that a model names, and maintenance, are not part of the plain recipe.",
        ),
        without_model="Facts by rule, keywords by repetition, summaries of central sentences.",
        per_write="one pass of rules and a digest per session",
        per_recall="one scan",
    ),
)


def variant(design: str = "separate") -> Recipe:
    """Return one design of the framework; ``resolve("graphs-or-not:graph-hop")`` gives the same.

    Args:
        design: one of ``DESIGNS``.

    Raises:
        InvalidInput: there is no such design.
    """
    if design not in DESIGNS:
        raise InvalidInput({"design": f"is {design!r}; give one of {', '.join(DESIGNS)}"})
    given: dict[str, Any] = {"formers": ["rules", "sessions"], **DESIGNS[design]}
    return compose(
        name=f"graphs-or-not:{design}", about=f"the framework with {design} keys", channels=["dense", "lexical"], card=recipe.card, **given
    )  # fmt: skip
