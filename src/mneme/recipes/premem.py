"""PREMem: facts, experiences and opinions, and across sessions what became of them, worked out when written."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="premem",
    about="fragments and the story of each that changed, worked out when written",
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "max", "shown": ["note"], "shown_first": True},
    formers=[{"use": "either", "by_rule": "rules", "by_model": "model-statements"}],
    organisers=["duplicates", "evolution"],
    card=Card(
        paper="PREMem, arXiv 2509.10852 (Findings of EMNLP 2025)",
        parts=(
            ("fragments: factual, experiential, subjective", "former either: fact and profile, event, preference"),
            ("five evolution patterns over clusters", "organiser evolution"),
            ("retrieval over fragments and reasoning, no reasoning at query time", "ranker keyed, notes shown"),
        ),
        differs=(
            "Clusters are statements of one subject and relation, and of shared content words.",
            "A cluster is formed when a statement comes; there is no pool of centroids.",
            "Where subject and relation agree the pattern follows by rule, with a model too; it judges other pairs.",
            "Without one those are paired by a common thing or name.",
            "A story tells the last four values. It and the messages that it rests on may both be returned, best first and not by date.",
        ),
        without_model="Fragments are those that rules can read for certain; stories are dated lists of values.",
        per_write="one pass of rules and a look at statements of the same subject",
        per_recall="one scan",
    ),
)
