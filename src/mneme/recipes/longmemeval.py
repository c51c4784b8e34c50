"""LongMemEval's recommended design: the raw round as value, its facts as keys, time asked for as a filter."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="longmemeval",
    about="raw messages found by their facts as well; dates in the question count",
    base="default",
    channels=["dense", "lexical"],
    ranker={"use": "keyed", "pool": "max"},
    formers=[{"use": "either", "by_rule": "rules", "by_model": "model-statements"}],
    refiners=[],
    card=Card(
        paper="LongMemEval, arXiv 2410.10813 (ICLR 2025)",
        parts=(
            ("K = V + fact, value raw", "former either, ranker keyed"),
            ("time-aware expansion", "left to filters since and until"),
            ("JSON items and notes for reading", "packer chronological: dated lines with marks"),
        ),
        differs=("Facts are keys of their own, of which the best counts, instead of text joined to the value's.",),
        without_model="Facts are those that rules can read for certain.",
        per_write="one pass of rules; with a model one call for a dozen messages",
        per_recall="one scan",
    ),
)
