"""CHIME: passages are read one after the other; one memory gathers what they say, another holds the answer and is refined at each step.

Paper: CHIME, cross-passage hierarchical memory for generative answers to questions about reviews. Parts: context memory and answer memory
are :class:`mneme.retrieval.two_memories.Reading`; recall reads its hits with the refiner ``two-memories``, and
:class:`mneme.recipes.agent.passages.PassageReader` reads for an answer, with or without a model. The deviations are in the card below.
"""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="chime",
    about="passages read in turn: agreeing evidence is gathered, the answer of most sources leads, the minority is shown",
    channels=["voiced", "lexical"],
    ranker="weighted-sum",
    refiners=["two-memories"],
    formers=["rules"],
    card=Card(
        paper="CHIME, cross-passage hierarchical memory for question answering (COLING 2020); rules after its abstract",
        parts=(
            ("context memory: evidence across passages", "Reading.evidence: one item per source, with what it says"),
            ("answer memory, refined step by step", "Reading.candidates and Reading.history: support, opposition, flips"),
            ("passages in rank order", "refiner two-memories; mneme.recipes.agent.passages: PassageReader"),
            ("generated answer", "PassageReader, roles chime.read and chime.answer"),
        ),
        differs=(
            "Nothing is trained: the memories are lists that can be read, not vectors of a network.",
            "Evidence agrees when it has the same number with its unit, time, name, yes or no, or half of the same words.",
            "An answer weighs its sources less those against it; equal weights go to what was said last.",
            "Reading ends after three passages that agree while nothing changes; passages that say nothing don't count for it.",
            "Four that agree at the start end the reading, whatever comes later; a larger patience reads on.",
            "A model's quotation must stand in the passage, and its wording may name nothing that the evidence does not.",
            "Recall reads every hit by rule and puts what agrees first, unless the question is open; only PassageReader asks a model.",
            "Most sources outweigh the latest one: for what changes in time, ask with as_of or take another recipe.",
            "A kept answer is a summary that cites its sources.",
        ),
        without_model="Evidence is a passage's best sentence by the question's words, and the answer is a sentence word for word.",
        per_write="one pass of rules",
        per_recall="one scan and a pass of rules over the hits; PassageReader asks a model at most twice per passage",
    ),
)
