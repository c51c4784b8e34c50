"""RetroRAG: answering in rounds over evidence that may be revised, so that an early mistake does not stay."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="retrorag",
    about="rounds of search and inference over a pool of evidence; what better evidence contradicts falls, and the answer with it",
    channels=["voiced", "lexical"],
    ranker={"use": "weighted-sum"},
    refiners=["retroactive"],
    card=Card(
        paper="RetroRAG, arXiv 2501.05475",
        parts=(
            ("evidence collation: source evidence, by query and round", "mneme.retrieval.evidence_pool: EvidencePool.collate"),
            ("evidence discovery: inferences per entity", "mneme.recipes.agent.retroactive: RetroReader, role retro.discover"),
            ("filter by relevance and attribution, retroactive update", "mneme.retrieval.evidence_pool: EvidencePool.admit"),
            ("answerer with and without inferences, evaluation", "mneme.recipes.agent.retroactive: RetroReader, role retro.answer"),
            ("sub-query for the missing link, no duplicates", "mneme.recipes.agent.retroactive: RetroReader, role retro.missing"),
            ("rounds of retrieval in a plain recall", "refiner retroactive: three rounds by rule, the last fifth of the places"),
        ),
        differs=(
            "The reader answers; a recall of the space itself does three rounds by rule and returns evidence alone.",
            "Thresholds and the five rounds are our own; the paper's were not to be read.",
            "Attribution is names, numbers, four fifths of the words and no denial, not entailment.",
            "Relevance is shared words or names, not a cosine.",
            "In a conflict the inference wins whose sources have more of the question's words, then the later one.",
            "A conflict is the same relation of the same thing with other names; one that may have many values is taken for one, too.",
            "Sources are never dropped, only inferences; these stay in the pool's log with the reason, and may come again.",
            "The answer without inferences is kept for comparison and decides nothing.",
            "Without a model an answer is reliable when its chain has four fifths of the question's words, as they are written.",
            "The pool lives for one question and is not stored.",
        ),
        without_model="Inferences are sentences that share a name; the answer is the end of a chain that has the question's words.",
        per_write="one embedding",
        per_recall="three scans; with RetroReader one scan per round, with a model four calls per round",
    ),
)
