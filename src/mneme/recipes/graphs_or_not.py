"""The graphs-or-not study's strong baseline: raw sessions as values, facts, keywords and summaries as keys of their own."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="graphs-or-not",
    about="independent structured keys, scores averaged, raw messages returned",
    channels=["dense", "lexical"],
    ranker={"use": "keyed", "pool": "mean"},
    formers=["rules", "sessions"],
    card=Card(
        paper="Does Memory Need Graphs?, arXiv 2601.01280 (ACL 2026)",
        parts=(
            ("userfact, keyphrase and summary as separate keys", "formers rules and sessions"),
            ("mean over key types", "ranker keyed with pool mean"),
        ),
        differs=("The mean is over own text and best key, message by message.",),
        without_model="Facts by rule, keywords by repetition, summaries of central sentences.",
        per_write="one pass of rules and a digest per session",
        per_recall="one scan",
    ),
)
