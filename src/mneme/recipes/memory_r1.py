"""Memory-R1: a bank of facts that a manager keeps by ADD, UPDATE, DELETE and NOOP, and an answer agent that distils sixty entries."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="memory-r1",
    about="a bank of facts under a policy; thirty candidates of each speaker, the relevant ones first",
    channels=["voiced", "lexical"],
    ranker={"use": "distilled", "ranker": {"use": "keyed", "pool": "max", "key_weight": 0.9}, "each": 30},
    formers=[{"use": "structures", "kinds": ["atomic-facts"]}],
    organisers=["duplicates", "managed"],
    card=Card(
        paper="Memory-R1, arXiv 2508.19828",
        parts=(
            ("bank of facts per turn", "former structures: atomic facts"),
            ("manager: (new fact, related entries) -> (operation, content)", "organiser managed; its policy is a port, rules by default"),
            ("answer agent: 60 retrieved, 30 of each participant, distilled", "ranker distilled, role distil.select"),
            ("manager and answer agent as agents with tools", "mneme.recipes.agent.memory_r1: Bank"),
            ("exact match as reward, group advantages", "mneme.recipes.agent.rewards: exact_match, advantages, reinforced"),
        ),
        differs=(
            "No weights are trained or shipped: a trained policy goes where RulePolicy stands.",
            "UPDATE is a new version that rests on both messages, and DELETE an end of validity; nothing is removed.",
            "Entries are keys: the message that an entry rests on is returned.",
            "Entries that are not chosen follow behind the chosen ones instead of being dropped.",
        ),
        without_model="Facts are clauses; the manager goes by shared words, the distiller by words of the question.",
        per_write="one pass of rules; with a model one call for a dozen messages and one for each fact",
        per_recall="one scan; with a model one call",
    ),
)
