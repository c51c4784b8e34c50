"""RMM: topics as keys to raw dialogue, and a reranker that learns from what the answer cited."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="rmm",
    about="topic summaries as keys, raw messages as values, reranked by a residual that learns from citations",
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "sum", "key_weight": 0.5},
    formers=["speaker-topics"],
    card=Card(
        paper="RMM, arXiv 2503.08026 (ACL 2025)",
        parts=(
            ("prospective reflection per speaker, add or merge, none", "former speaker-topics, tier topic"),
            ("key is the summary, value the raw turns", "ranker keyed"),
            ("retrospective reflection: residual reranker, REINFORCE", "mneme.retrieval.residual: Residual"),
            ("twenty candidates, five kept, citations", "mneme.recipes.agent.citing: Citing"),
        ),
        differs=(
            "A merge is a revision; the earlier summary stays in its history.",
            "A session is looked at after every fourth message, and when another follows after an hour of silence.",
            "Citing reranks messages by their own vectors, not by those of their topics.",
            "Learnt weights live with the caller and are clipped; a fresh reranker leaves the order as it is.",
        ),
        without_model="Topics are a speaker's messages between shifts of topic, described by a central sentence, merged from cosine 0.6.",
        per_write="words of the session and one embedding per topic; with a model one call per speaker and one per topic",
        per_recall="one scan; with Citing a matrix product over twenty candidates",
    ),
)
