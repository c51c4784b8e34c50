"""The registry: names of components and recipes, each a line ``name -> "module:attr"``; nothing is imported before it is asked for.

Another package adds its own by an entry point of the group ``mneme.<kind>``, for example::

    [project.entry-points."mneme.recipe"]
    mine = "my_package.memory:recipe"
"""

from __future__ import annotations

import difflib
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mneme.core.errors import InvalidInput, UnknownComponent

TABLE: dict[str, dict[str, str]] = {
    "former": {
        "admission": "mneme.formation.admission:Admission",
        "hierarchy": "mneme.formation.hierarchy:HierarchyFormer",
        "long-turns": "mneme.formation.longturns:LongTurns",
        "notes": "mneme.formation.notes:NoteFormer",
        "overflow": "mneme.formation.overflow:Overflow",
        "scenes": "mneme.formation.scenes:SceneFormer",
        "segmented": "mneme.formation.segmented:SegmentFormer",
        "refinements": "mneme.formation.refinements:RefinementFormer",
        "rehearsed": "mneme.formation.rehearsing:Rehearsed",
        "scratchpad": "mneme.formation.scratchpad:ScratchpadFormer",
        "sessions": "mneme.formation.sessions:SessionFormer",
        "closed-talks": "mneme.formation.closing:ClosedTalks",
        "corrections": "mneme.formation.correcting:Corrections",
        "either": "mneme.formation.either:Either",
        "model-statements": "mneme.formation.llm_statements:ModelFormer",
        "model-summaries": "mneme.formation.llm_summary:ModelSummary",
        "reminders": "mneme.formation.reminders:ReminderFormer",
        "routed": "mneme.formation.routed:Routed",
        "rules": "mneme.formation.rules:RuleFormer",
        "structures": "mneme.formation.structures:Structures",
        "triples": "mneme.formation.triples:TripleFormer",
        "thoughts": "mneme.formation.thoughts:ThoughtFormer",
        "traits": "mneme.formation.traits:Traits",
        "speaker-topics": "mneme.formation.prospective:TopicFormer",
        "summaries": "mneme.formation.summary:SummaryFormer",
    },
    "channel": {
        "dense": "mneme.retrieval.dense:Dense",
        "readout": "mneme.retrieval.readout:Readout",
        "voiced": "mneme.retrieval.voiced:Voiced",
        "lexical": "mneme.retrieval.lexical:Lexical",
    },
    "guard": {
        "fingerprints": "mneme.guard.fingerprints:Fingerprints",
        "grounding": "mneme.guard.gate:Grounding",
        "immutable": "mneme.guard.immutable:Immutable",
    },
    "organiser": {
        "evolution": "mneme.organisation.evolution:Evolution",
        "mixture-links": "mneme.organisation.mixture:MixtureLinks",
        "duplicates": "mneme.organisation.duplicates:Duplicates",
        "either": "mneme.organisation.either:Either",
        "frozen": "mneme.organisation.frozen:Frozen",
        "joined-thoughts": "mneme.organisation.joined:JoinedThoughts",
        "links": "mneme.organisation.links:Links",
        "managed": "mneme.organisation.managing:Managed",
        "model-reconcile": "mneme.organisation.llm_reconcile:ModelReconcile",
        "reconcile": "mneme.organisation.reconcile:Reconcile",
    },
    "ranker": {
        "buckets": "mneme.retrieval.buckets:Buckets",
        "descent": "mneme.retrieval.descent:Descent",
        "entity-graph": "mneme.retrieval.entity_graph:EntityGraph",
        "gated": "mneme.retrieval.gate:Gated",
        "granular": "mneme.retrieval.granular:Granular",
        "overlap": "mneme.retrieval.overlap:Overlap",
        "reciprocal-rank": "mneme.retrieval.rrf:ReciprocalRank",
        "dated": "mneme.retrieval.dated:Dated",
        "distilled": "mneme.retrieval.distilled:Distilled",
        "tagged": "mneme.retrieval.tagged:Tagged",
        "typed": "mneme.retrieval.typed:Typed",
        "units": "mneme.retrieval.units:Units",
        "keyed": "mneme.retrieval.keyed:Keyed",
        "hipporag": "mneme.retrieval.hipporag:HippoRag",
        "hipporag2": "mneme.retrieval.hipporag2:HippoRag2",
        "lifted": "mneme.retrieval.lifted:Lifted",
        "linear-sum": "mneme.retrieval.linear:LinearSum",
        "weighted-sum": "mneme.retrieval.fusion:WeightedSum",
    },
    "packer": {
        "chronological": "mneme.retrieval.packing:Chronological",
        "degrading": "mneme.retrieval.degrading:Degrading",
        "sections": "mneme.retrieval.sections:Sections",
    },
    "refiner": {
        "clues": "mneme.retrieval.clues:Clues",
        "contiguity": "mneme.retrieval.contiguity:Contiguity",
        "gate": "mneme.retrieval.gate:Gate",
        "investigating": "mneme.retrieval.investigating:Investigating",
        "requery": "mneme.retrieval.requery:Requery",
        "retroactive": "mneme.recipes.agent.retro_recall:Retroactive",
        "trusted": "mneme.retrieval.trusted:Trusted",
        "two-memories": "mneme.retrieval.two_memories:TwoMemories",
        "weighed": "mneme.retrieval.weighed:Weighed",
        "whenabouts": "mneme.retrieval.whenabouts:Whenabouts",
        "hops": "mneme.retrieval.hops:Hops",
        "linked": "mneme.retrieval.linked:Linked",
        "latest-first": "mneme.retrieval.latest:LatestFirst",
    },
    "keeper": {
        "adaptive": "mneme.retention.adaptive:Adaptive",
        "adjacent-merge": "mneme.retention.adjacent:AdjacentMerge",
        "contradicted": "mneme.retention.contradicted:Contradicted",
        "consolidation": "mneme.retention.consolidation:Consolidation",
        "lapse": "mneme.retention.foresight:Lapse",
        "layered-decay": "mneme.retention.layered:LayeredDecay",
        "refining": "mneme.retention.refining:Refining",
        "rehang": "mneme.retention.rehang:Rehang",
        "promotion": "mneme.retention.promotion:Promotion",
        "segment-capacity": "mneme.retention.capacity:SegmentCapacity",
        "shades": "mneme.retention.shades:Shades",
        "prototypes": "mneme.retention.prototypes:Prototypes",
        "styles": "mneme.retention.style:Styles",
        "sweep": "mneme.retention.sweep:Sweep",
        "tiers": "mneme.retention.tiers:Tiers",
        "merge-duplicates": "mneme.retention.duplicates:Duplicates",
        "budget": "mneme.retention.budgets:Budget",
        "preferences": "mneme.retention.preferences:Preferences",
        "time-tree": "mneme.retention.timetree:TimeTree",
        "topics": "mneme.retention.topics:Topics",
        "told": "mneme.retention.told:Told",
        "trust": "mneme.retention.trusting:Trusted",
    },
    "curve": {
        "beta": "mneme.retention.beta:Beta",
        "exponential": "mneme.retention.exponential:Exponential",
        "fsrs": "mneme.retention.fsrs:Fsrs",
        "half-life": "mneme.retention.half_life:HalfLife",
    },
    "policy": {
        "model": "mneme.organisation.managing:ModelPolicy",
        "rules": "mneme.organisation.managing:RulePolicy",
    },
    "family": {
        "graphs-or-not": "mneme.recipes.graphs_or_not:variant",
        "structural-memory": "mneme.recipes.structural_memory:variant",
    },
    "recipe": {
        "default": "mneme.recipes.default:recipe",
        "a-mem": "mneme.recipes.a_mem:recipe",
        "beliefs": "mneme.recipes.beliefs:recipe",
        "bmam": "mneme.recipes.bmam:recipe",
        "caim": "mneme.recipes.caim:recipe",
        "chatdb": "mneme.recipes.chatdb:recipe",
        "chime": "mneme.recipes.chime:recipe",
        "em-llm": "mneme.recipes.em_llm:recipe",
        "engram": "mneme.recipes.engram:recipe",
        "evermemos": "mneme.recipes.evermemos:recipe",
        "graphs-or-not": "mneme.recipes.graphs_or_not:recipe",
        "h-mem": "mneme.recipes.h_mem:recipe",
        "hgmem": "mneme.recipes.hgmem:recipe",
        "himem": "mneme.recipes.himem:recipe",
        "hipporag": "mneme.recipes.hipporag:recipe",
        "hipporag2": "mneme.recipes.hipporag2:recipe",
        "ld-agent": "mneme.recipes.ld_agent:recipe",
        "light": "mneme.recipes.light:recipe",
        "longmemeval": "mneme.recipes.longmemeval:recipe",
        "malp": "mneme.recipes.malp:recipe",
        "mark": "mneme.recipes.mark:recipe",
        "mem-alpha": "mneme.recipes.mem_alpha:recipe",
        "mem0": "mneme.recipes.mem0:recipe",
        "memgas": "mneme.recipes.memgas:recipe",
        "memgpt": "mneme.recipes.memgpt:recipe",
        "memorag": "mneme.recipes.memorag:recipe",
        "memory-r1": "mneme.recipes.memory_r1:recipe",
        "memorybank": "mneme.recipes.memorybank:recipe",
        "memoryos": "mneme.recipes.memoryos:recipe",
        "memos": "mneme.recipes.memos:recipe",
        "mirix": "mneme.recipes.mirix:recipe",
        "mmag": "mneme.recipes.mmag:recipe",
        "omne": "mneme.recipes.omne:recipe",
        "pamu": "mneme.recipes.pamu:recipe",
        "perltqa": "mneme.recipes.perltqa:recipe",
        "premem": "mneme.recipes.premem:recipe",
        "querybandits": "mneme.recipes.querybandits:recipe",
        "retrorag": "mneme.recipes.retrorag:recipe",
        "rmm": "mneme.recipes.rmm:recipe",
        "salm": "mneme.recipes.salm:recipe",
        "scm": "mneme.recipes.scm:recipe",
        "second-me": "mneme.recipes.second_me:recipe",
        "structural-memory": "mneme.recipes.structural_memory:recipe",
        "think-in-memory": "mneme.recipes.think_in_memory:recipe",
    },
}


def names(kind: str) -> list[str]:
    """Return every known name of a kind, sorted."""
    return sorted({*TABLE.get(kind, {}), *(point.name for point in entry_points(group=f"mneme.{kind}"))})


def load(kind: str, name: str) -> Any:
    """Return what a name stands for.

    Raises:
        UnknownComponent: there is no such name; the error lists near matches.
        InvalidInput: the entry point of another package leads nowhere.
    """
    target = TABLE.get(kind, {}).get(name)
    if target is None:
        for point in entry_points(group=f"mneme.{kind}"):
            if point.name == name:
                return _of_package(kind, point)
        known = names(kind)
        raise UnknownComponent(kind, name, difflib.get_close_matches(name, known), known)
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def _of_package(kind: str, point: EntryPoint) -> Any:
    try:
        return point.load()
    except (ImportError, AttributeError, SyntaxError) as error:
        package = point.dist.name if point.dist is not None else "another package"
        raise InvalidInput(
            {kind: f"{point.name!r} of {package} can't be loaded ({error}); mend its entry point {point.value!r}"}
        ) from error
