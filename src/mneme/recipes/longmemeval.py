"""LongMemEval's recommended design: the raw round as value, its facts as keys, time asked for as a filter."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="longmemeval",
    about="raw messages found by their facts as well; the time that a question is about is a filter",
    base="default",
    channels=["voiced", "lexical"],
    ranker={"use": "dated", "ranker": {"use": "keyed", "pool": "max"}},
    formers=[{"use": "either", "by_rule": "rules", "by_model": "model-statements"}],
    refiners=[],
    card=Card(
        paper="LongMemEval, arXiv 2410.10813 (ICLR 2025)",
        parts=(
            ("K = V + fact, value raw", "former either, ranker keyed"),
            ("time-aware expansion", "ranker dated, role dated.range: what was neither said nor happened in the range is left out"),
            ("JSON items and chain of notes", "mneme.recipes.agent.chain_of_notes: ChainOfNotes, roles notes.take and notes.answer"),
        ),
        differs=(
            "Facts are keys of their own, of which the best counts, instead of text joined to the value's.",
            "A value is a message, not a round of two.",
            "A range in which nothing lies filters nothing; last month and last year begin with the month or year before this one.",
            "Upkeep and forgetting are those of default; the study has none.",
        ),
        without_model="Facts are those that rules can read for certain; the time of a question is found by grammar.",
        per_write="one pass of rules; with a model one call for a dozen messages",
        per_recall="one scan; with a model one call for the range",
    ),
)
