"""MARK: what experts put right is distilled into refined memories of three kinds, trusted by feedback and retired without use."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="mark",
    about="refinements of earlier conversations, ahead of messages, by trust",
    channels=["voiced", "lexical"],
    ranker="weighted-sum",
    refiners=["trusted"],
    formers=["refinements"],
    guards=["immutable", "grounding", "fingerprints"],
    keepers=["refining"],
    curve="beta",
    card=Card(
        paper="MARK, arXiv 2505.05177",
        parts=(
            ("memory builder: three extraction agents", "former refinements: residual, question, response"),
            ("check against immutable knowledge", "guard immutable; ground truth has the tag immutable"),
            ("trust and persistence scores", "curve beta, keeper refining"),
            ("memory search ahead of documents", "refiner trusted"),
            ("user and team scope", "a space each, or grants between spaces (recipe omne)"),
        ),
        differs=(
            "The paper gives no formulas; TS = (1 + pos) / (2 + pos + neg) and PS = 2^(-age / 30 days) log(1 + uses) stand for them.",
            "All sources weigh the same.",
            "Retired refinements are archived: history() and archived=True still show them.",
            "Two refinements contradict each other when they explain one term differently; upkeep settles it.",
            "Refinements are built after each message that completes one, not after a session.",
        ),
        without_model="A term needs an explaining phrase, an insight a correction, an accepted answer a word of praise.",
        per_write="one pass of rules over two messages; with a model three calls over the last 60, one per refinement near truth",
        per_recall="one scan and the usage of the nearest refinements",
    ),
)
