"""HGMem (arXiv 2512.23959): the working memory of a question is a hypergraph, whose points are updated, added and merged as it looks.

Entities and statements are of ``retrieval.hypergraph``, the loop is the refiner ``investigating``; the card lists every deviation.
"""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="hgmem",
    about="an investigation keeps points that tie entities together; the messages that they rest on come along",
    channels=["voiced", "lexical"],
    ranker="weighted-sum",
    refiners=[{"use": "investigating", "steps": 3, "same": 0.85, "share": 0.4}],
    formers=[{"use": "either", "by_rule": "rules", "by_model": "triples"}],
    card=Card(
        paper="HGMem, arXiv 2512.23959 (ICML 2026)",
        parts=(
            ("graph of entities, relations and chunks", "former rules or triples; names in messages, ends of triples"),
            ("points: hyperedges over two or more entities", "retrieval.hypergraph: Point, Points"),
            ("planner: enough, local, global", "refiner investigating, role hgmem.plan"),
            ("update and insert; merge for the question", "refiner investigating, roles hgmem.evolve and hgmem.merge"),
            ("answer from points and chunks", "why.points of hits; recipes.agent.point_answers, role hgmem.answer"),
        ),
        differs=(
            "Chunks are messages; relations are facts by rule, brought in, or messages that name two entities.",
            "An entity is described by what is said of it; nothing is reached over one in a tenth of more than a hundred messages.",
            "A point keeps the sources that it was made of, not all chunks of its entities; its entities are those of its evidence.",
            "Messages behind points take at most two fifths of the places; the others stay in the order of words and vectors.",
            "The first look goes by the question or the planner's queries alike; a point is merged at most once a step.",
            "A model that fails is replaced by rules, step by step; temperature and length of replies are the caller's.",
        ),
        without_model="Enough is when points have all words of the question; points are statements; near ones with a common entity merge.",
        per_write="one pass of rules, or one model call per message",
        per_recall="up to three looks, with a model three calls each; the first recall after a write builds the graph",
    ),
)
