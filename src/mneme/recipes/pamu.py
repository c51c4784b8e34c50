"""PAMU: a person's style as window mean and moving average, with a test for change, beside any memory."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="pamu",
    about="the default ranking, with the user's style measured beside it",
    base="default",
    keepers=["styles"],
    card=Card(
        paper="PAMU, arXiv 2510.09720 (Findings of ACL 2026)",
        parts=(
            ("tone, emotion, length, density, formality of a message", "mneme.retention.style: traits, mneme.text.feelings"),
            ("window mean, moving average, fused value, change test", "mneme.retention.drift: Drift"),
            ("control prefix", "Style.prefix; keeper styles keeps it as a preference with the tag style"),
            ("host memory", "the default recipe"),
        ),
        differs=(
            "The change score's denominator is floored at 0.02, so that a slow smooth drift is not flagged every turn.",
            "Traits are measured by words and marks of English, not by classifiers; other languages count by length and marks alone.",
            "A run of flags is one change; the prefix changes with a third of a trait's scale.",
            "A change is told, also of the leading emotion; the share of the window stays as it is.",
            "The line is renewed by upkeep and is the caller's to prepend; followed() gives it at any time.",
        ),
        without_model="Nothing: the measures need none.",
        per_write="nothing",
        per_recall="as the default",
    ),
)
