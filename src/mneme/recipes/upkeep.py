"""What looks after a space unless told otherwise: merge, weaken, place, let lapse, summarise, let a model tell; and how memories fade."""

from __future__ import annotations

from mneme.core.components import Keeper
from mneme.core.upkeep import Curve
from mneme.retention.contradicted import Contradicted
from mneme.retention.duplicates import Duplicates
from mneme.retention.exponential import Exponential
from mneme.retention.foresight import Lapse
from mneme.retention.preferences import Preferences
from mneme.retention.tiers import Tiers
from mneme.retention.timetree import TimeTree
from mneme.retention.told import Told
from mneme.retention.topics import Topics

KEEPERS: tuple[Keeper, ...] = (Duplicates(), Contradicted(), Lapse(), Tiers(), TimeTree(), Topics(), Preferences(), Told())
"""In the order in which they work; rules come before and budgets in the midst of them (:mod:`mneme.engine.keeping`)."""

CURVE: Curve = Exponential(scale_days=30.0)
"""A memory that was never used is down to a third of itself after a month; every use makes that longer by a month."""
