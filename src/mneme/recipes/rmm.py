"""RMM: topics as keys to raw dialogue, and a reranker that learns from what the answer cited."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="rmm",
    about="topic summaries as keys, raw messages as values, reranked by a residual that learns from citations",
    channels=["dense", "lexical"],
    ranker={"use": "keyed", "pool": "sum", "key_weight": 0.5},
    formers=[{"use": "segmented", "boundaries": ["gap", "topic"], "join": 0.9, "tier": "topic"}],
    card=Card(
        paper="RMM, arXiv 2503.08026 (ACL 2025)",
        parts=(
            ("prospective reflection: topics per session, merged", "former segmented, tier topic, joined at 0.9"),
            ("key is the summary, value the raw turns", "ranker keyed"),
            (
                "retrospective reflection: residual reranker with REINFORCE",
                "mneme.retrieval.residual: Residual, for callers that have citations",
            ),
        ),
        differs=(
            "A topic of both speakers is one topic; speakers are told apart by the messages.",
            "Learnt weights live with the caller and are clipped; a fresh reranker leaves the order as it is.",
        ),
        without_model="Topics are found by falling similarity and described by central sentences.",
        per_write="embeddings of stretches",
        per_recall="one scan",
    ),
)
