"""Beliefs: what is said becomes statements with a source, kept true as the world changes, and used as further keys to what was said."""

from __future__ import annotations

from dataclasses import replace

from mneme.formation.correcting import Corrections
from mneme.formation.rules import RuleFormer
from mneme.guard.fingerprints import Fingerprints
from mneme.guard.gate import Grounding
from mneme.organisation.reconcile import Reconcile
from mneme.recipes.default import recipe as default

recipe = replace(
    default,
    name="beliefs",
    about="the default ranking over what was said, with statements formed by rule, grounded and kept true as keys to it",
    formers=(RuleFormer(), Corrections()),
    guards=(Grounding(), Fingerprints()),
    organisers=(Reconcile(),),
)
