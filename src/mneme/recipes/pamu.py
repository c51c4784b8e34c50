"""PAMU: a person's style as window mean and moving average, with a test for change, beside any memory."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="pamu",
    about="the default ranking, with the user's style measured beside it",
    base="default",
    formers=["rules"],
    card=Card(
        paper="PAMU, arXiv 2510.09720 (Findings of ACL 2026)",
        parts=(
            ("window mean, moving average, fused value, change test", "retention.drift: Drift"),
            ("host memory", "the default recipe"),
        ),
        differs=(
            "The change score's denominator is floored at 0.02, so that a slow smooth drift is not flagged every turn.",
            "Measuring traits of a message, and the prefix for a prompt, are the caller's: the tracker takes numbers.",
        ),
        without_model="Nothing: the measures need none.",
        per_write="one pass of rules",
        per_recall="as the default",
    ),
)
