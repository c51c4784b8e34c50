"""H-MEM: domain, category, trace and episode; a question descends and compares only children."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="h-mem",
    about="four layers; a question is compared only with the children of the best nodes",
    channels=["voiced", "lexical"],
    ranker={"use": "descent", "layers": ["domain", "category", "trace"], "beam": 10, "behind": 1.0},
    refiners=["weighed"],
    formers=["hierarchy"],
    curve={"use": "exponential", "scale_days": 30.0},
    keepers=["rehang"],
    card=Card(
        paper="H-MEM, arXiv 2507.22925",
        parts=(
            ("four layers with pointers", "former hierarchy: concept memories linked part_of"),
            ("top k of the children of the top k", "ranker descent, beam 10"),
            ("strength by feedback", "curve exponential with feedback, refiner weighed"),
            ("pointers that hold", "keeper rehang: what lost its parent by an erasure gets another"),
        ),
        differs=(
            "Pointers are links: moving a memory is one link; what was known earlier is asked through the pointers of now.",
            "Messages that the descent does not reach are put one standard deviation behind, instead of being out of reach.",
            "The beam is of a layer, not of a parent: ten nodes of each layer are followed, not ten children of each.",
            "An episode is the message itself; no summary, profile or emotion is written of it, and a context does not tell its strength.",
            "The paper's strength formula is not published; an exponential of 30 days stands for it. Silence weakens in upkeep's retention"
            " alone, not in the ranking, and a contradiction weakens nothing without feedback.",
        ),
        without_model="Nodes are named by keywords and found by cosine, coarse above and finer below.",
        per_write="one embedding and a comparison per layer",
        per_recall="comparisons with the nodes on the way alone, and one scan for the rest",
    ),
)
