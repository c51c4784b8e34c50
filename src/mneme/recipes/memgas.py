"""MemGAS: sessions at several granularities, weighted per question by how decisive each is, associated by a mixture model."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="memgas",
    about="sessions, messages, summaries and keywords, weighted by how decisive each is",
    channels=["voiced", "lexical"],
    ranker={"use": "granular", "temperature": 0.2, "damping": 0.1, "seeds": 15},
    formers=["sessions"],
    organisers=["mixture-links"],
    card=Card(
        paper="MemGAS, arXiv 2505.19549 (ICLR 2026)",
        parts=(
            ("summary and keywords per session", "former sessions"),
            ("accept set of a two-component mixture", "organiser mixture-links"),
            ("entropy router, PageRank, sum over granularities", "ranker granular"),
        ),
        differs=(
            "Entropy is divided by log N: the released code rewards the less decisive view when there are many sessions.",
            "A session is digested after every eighth message, and when another follows after an hour of silence.",
            "Lines that a model would filter out of the result stay in it.",
            "Messages are returned, by their session's score and their own.",
            "One node per session walks; its views are weighted before.",
        ),
        without_model="Summaries are central sentences; keywords are names and repeated words.",
        per_write="two embeddings per session digest",
        per_recall="one scan and one walk over sessions",
    ),
)
