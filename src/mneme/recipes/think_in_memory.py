"""Think-in-Memory: conclusions instead of turns, in hash buckets, inserted, forgotten and merged within their bucket."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="think-in-memory",
    about="thoughts in hash buckets lead to the messages behind them",
    channels=["voiced", "lexical"],
    ranker={"use": "buckets", "buckets": 8, "probes": 3},
    formers=[{"use": "either", "by_rule": "rules", "by_model": "model-statements"}],
    organisers=["duplicates", "model-reconcile", "joined-thoughts"],
    card=Card(
        paper="Think-in-Memory, arXiv 2311.08719",
        parts=(
            ("thoughts with a relation triple", "former either: statements with subject, relation, object"),
            ("insert and forget; merge within a bucket", "organisers duplicates and model-reconcile; organiser joined-thoughts"),
            ("F(x) = argmax([xR; -xR])", "ranker buckets"),
        ),
        differs=(
            "Forgetting closes the older thought, whatever its bucket; it stays in the history.",
            "Thoughts are merged by rule, where subject and relation are the same and the relation may have many values.",
            "Three buckets of eight are probed; messages follow behind.",
        ),
        without_model="Thoughts are statements that rules can read for certain.",
        per_write="one pass of rules",
        per_recall="one scan; thoughts count in the probed buckets alone",
    ),
)
