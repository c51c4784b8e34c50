"""Four scores, summed: the plain baseline that the engine started with.

The z-scored sum of the turn's vector, the mean of its neighbours' vectors, BM25 of the turn and BM25 of the five-turn window around it.
"""

from __future__ import annotations

from mneme.core.recipe import Recipe
from mneme.retrieval.dense import Dense, NeighbourDense
from mneme.retrieval.fusion import WeightedSum
from mneme.retrieval.lexical import Lexical, WindowLexical
from mneme.retrieval.packing import Chronological
from mneme.text.tokens import count_tokens

recipe = Recipe(
    name="four-sum",
    about="z-scored sum of the vectors and words of a turn and of its window",
    channels=(Dense(), NeighbourDense(), Lexical(), WindowLexical()),
    ranker=WeightedSum(),
    packer=Chronological(count=count_tokens),
)
