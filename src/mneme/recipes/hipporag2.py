"""HippoRAG 2: triples that fit the question start a walk over phrases and passages."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="hipporag2",
    about="a walk over triples and passages, started at the triples that fit the question",
    channels=["voiced", "lexical"],
    ranker={"use": "hipporag2", "facts": 5, "passage_weight": 0.05},
    formers=[{"use": "either", "by_rule": "rules", "by_model": "triples"}],
    card=Card(
        paper="HippoRAG 2, arXiv 2502.14802 (ICML 2025)",
        parts=(
            ("triples of a passage", "former rules or triples (role form.triples), or brought in with remember(memories=...)"),
            ("query to triple, recognition memory", "ranker hipporag2, role hipporag2.recognise of the model"),
            ("phrase and passage nodes, mixed resets, PageRank at damping 0.5", "ranker hipporag2"),
            ("delete(docs) with reference counting", "forget(erase=True): the graph is built from what is there"),
        ),
        differs=(
            "Triples are memories: their vectors are the space's own, and they are dated, cited and undone like any memory.",
            "Passages and triples are matched by words as well as by vectors, also where nothing is recognised.",
            "Who speaks is a phrase of what is said.",
            "Without a model the filter keeps a triple that shares a word with the question; a word of phrases all over the space is none.",
        ),
        without_model="Recognition is by shared words; triples are those that rules can read for certain.",
        per_write="one pass of rules, or one model call per message",
        per_recall="one PageRank; the first after a write builds the graph; with a model one call of about 200 tokens",
    ),
)
