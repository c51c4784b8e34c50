"""MemOS: plaintext cubes with a header, lifecycle, versions and tiers."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="memos",
    about="reconciled statements with versions, tiers by use, and plans that lapse",
    base="default",
    formers=[{"use": "either", "by_rule": "rules", "by_model": "model-statements"}],
    organisers=["duplicates", "model-reconcile", "frozen"],
    keepers=["tiers", "lapse"],
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "max"},
    refiners=[],
    card=Card(
        paper="MemOS, arXiv 2507.03724",
        parts=(
            ("MemCube: header, lifecycle, versions, rollback, frozen", "mneme.recipes.agent.cubes: Cube; organiser frozen"),
            ("composition, migration, dump and load", "cubes.together, Cube.migrate, export and import"),
            ("scheduler, working set, intent, promotion to the cache", "mneme.recipes.agent.cube_schedule: Schedule"),
            ("activation and parametric memory", "ports in mneme.recipes.agent.forms; what is stable is offered for training"),
            ("working, long-term and user memory", "the working set; keeper tiers; profile memories"),
        ),
        differs=(
            "Bands of likeness are those of Cube; what the recipe forms is reconciled by structure, a near vector only proposes.",
            "Nothing is computed in the cache or trained: both forms are ports.",
            "A contradicted item is archived and keeps its text; the paper merges it away.",
            "Caps of long-term and user memory are budgets of the policies.",
        ),
        without_model="Statements are those that rules can read for certain.",
        per_write="one pass of rules",
        per_recall="one scan",
    ),
)
