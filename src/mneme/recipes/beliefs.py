"""Beliefs: what is said becomes statements with a source, kept true as the world changes, and used as further keys to what was said."""

from __future__ import annotations

from dataclasses import replace

from mneme.formation.correcting import Corrections
from mneme.formation.rules import RuleFormer
from mneme.guard.fingerprints import Fingerprints
from mneme.guard.gate import Grounding
from mneme.organisation.duplicates import Duplicates
from mneme.organisation.links import Links
from mneme.organisation.reconcile import Reconcile
from mneme.recipes.default import recipe as default
from mneme.retrieval.keyed import Keyed

KEY_WEIGHTS = {"dense": 0.9, "lexical": 0.6}
"""How much of a statement's score counts for its turn. A statement is shorter than what it was read from and so scores higher."""

recipe = replace(
    default,
    name="beliefs",
    about="the default ranking over what was said, with statements formed by rule, grounded and kept true as keys to it",
    ranker=Keyed(channels=default.channels, ranker=default.ranker, refiners=default.refiners, weights=KEY_WEIGHTS),
    refiners=(),
    formers=(RuleFormer(), Corrections()),
    guards=(Grounding(), Fingerprints()),
    organisers=(Duplicates(), Reconcile(), Links()),
)
