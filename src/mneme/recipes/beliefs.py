"""Beliefs: what is said becomes statements with a source, kept true as the world changes, and used as further keys to what was said."""

from __future__ import annotations

from dataclasses import replace

from mneme.core.card import Card
from mneme.formation.correcting import Corrections
from mneme.formation.either import Either
from mneme.formation.llm_statements import ModelFormer
from mneme.formation.rules import RuleFormer
from mneme.guard.fingerprints import Fingerprints
from mneme.guard.gate import Grounding
from mneme.organisation.duplicates import Duplicates
from mneme.organisation.links import Links
from mneme.organisation.llm_reconcile import ModelReconcile
from mneme.recipes.default import recipe as default
from mneme.retrieval.lifted import Lifted

KEY_WEIGHTS = {"dense": 0.8, "lexical": 0.0}
"""How much of a statement's score counts for its turn; its words are the turn's own, or another's choice, and count for nothing."""

recipe = replace(
    default,
    name="beliefs",
    about="the default ranking over what was said and what it leads to, with statements that are grounded and kept true as keys to it",
    ranker=Lifted(channels=default.channels, ranker=default.ranker, refiners=default.refiners, weights=KEY_WEIGHTS),
    refiners=(),
    formers=(Either(by_rule=RuleFormer(), by_model=ModelFormer()), Corrections()),
    guards=(Grounding(), Fingerprints()),
    organisers=(Duplicates(), ModelReconcile(), Links()),
    card=Card(
        without_model="Statements are those that rules can read for certain and lift no message, whose words they are;"
        " unknown relations are added and never closed.",
        per_write="one pass of rules, or one model call for a dozen messages and one for what no rule can reconcile",
        per_recall="as default, and a second look at the 60 best statements of each channel",
    ),
)
