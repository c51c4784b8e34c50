"""ChatDB: tables as symbolic memory, read and changed by chains of SQL that a model plans; sums and counts are exact."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="chatdb",
    about="statements and rows of tables as records of their own, for exact queries; messages beside them",
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "max", "key_weight": 0.7, "shown": ["fact"]},
    formers=[{"use": "either", "by_rule": "rules", "by_model": "model-statements"}],
    organisers=["duplicates", "reconcile"],
    card=Card(
        paper="ChatDB, arXiv 2306.03901",
        parts=(
            ("input processing: numbered steps with SQL", "mneme.recipes.agent.chatdb: SymbolicMemory, role chatdb.plan, or intents"),
            (
                "chain-of-memory, placeholders filled from earlier results",
                "mneme.recipes.agent.binding: bound by column, else role chatdb.fill",
            ),
            ("the database", "rows are memories of the space; mneme.stores.tables runs SQL over them in memory"),
            ("response summary", "role chatdb.answer"),
        ),
        differs=(
            "A chain is one journalled transaction: a failing step leaves every table as it was, and a chain can be undone later.",
            "A placeholder that stands for no row ends the chain; a row rests on the messages that its present values come from.",
            "A value that a statement copies or computes out of other rows counts as told by the request that asked for it.",
            "SQL may read and write rows of the schema's tables and nothing else; time, sizes and numbers of rows are bounded.",
            "What formers read, and the messages, are two more tables that queries may read.",
            "recall finds rows and messages by likeness; exact answers come from SymbolicMemory.tell and select.",
        ),
        without_model="Requests are understood where an intent of the caller's own fits; other messages are kept and change no table.",
        per_write="one pass of rules; a chain fills the tables anew in memory, with a model two calls, and one for odd placeholders",
        per_recall="one scan",
    ),
)
