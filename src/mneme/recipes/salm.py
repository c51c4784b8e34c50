"""SALM: storage, retrieval and forgetting each tuned by an adapter that learns from what turned out to be needed."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="salm",
    about="news alone is formed, forgetting slows down where it is regretted, the form that answers is learned",
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "max"},
    refiners=["weighed"],
    formers=[{"use": "admission", "by_rule": "rules"}],
    keepers=["adaptive"],
    curve="exponential",
    card=Card(
        paper="SALM, self-adaptive long-term memory, arXiv 2411.00489",
        parts=(
            ("episodic, semantic, procedural", "kinds: turn and event, fact and profile, skill (brought in; rules read none)"),
            ("storage adapter", "former admission; what weighs much is marked for distillation"),
            ("retrieval adapter; score = sim g(w)", "mneme.recipes.agent.self_adapting: SelfAdapting with StoreChoice; refiner weighed"),
            ("forgetting adapter", "keeper adaptive"),
            ("parametric memory", "port mneme.recipes.agent.forms: Parametric"),
        ),
        differs=(
            "The paper is an architecture without equations: w = (1 + log(1 + uses)) exp(-lambda t) and the updates are this project's.",
            "The storage adapter has thresholds and does not learn; how many hits are taken is the caller's.",
            "Weights fall back on the space when they have no answer, the space on weights when it has no hits.",
            "Memory moves to weights by an export of what is marked, and never back.",
            "What is forgotten is archived and comes back when it is needed.",
        ),
        without_model="Nothing: no adapter asks a model.",
        per_write="one pass of rules and one embedding per statement",
        per_recall="one scan",
    ),
)
