"""Structural memory: chunks, triples, atomic facts and summaries in one mixed index."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="structural-memory",
    about="messages, statements and summaries side by side, fused to messages",
    channels=["dense", "lexical"],
    ranker={"use": "keyed", "pool": "max", "key_weight": 0.8},
    formers=["rules", {"use": "summaries"}],
    card=Card(
        paper="On the Structural Memory of LLM Agents, arXiv 2412.15266",
        parts=(
            ("chunks, triples, atomic facts, summaries, mixed", "messages; statements with subject, relation, object; former summaries"),
            ("single-step retrieval, memory to document", "ranker keyed: units are mapped to the messages they rest on"),
        ),
        differs=(
            "Triples and atomic facts are one memory with both forms.",
            "Iterative retrieval is left to the caller; a thought is appended to the question and asked again.",
        ),
        without_model="Summaries are central sentences.",
        per_write="one pass of rules and a summary per session and day",
        per_recall="one scan",
    ),
)
