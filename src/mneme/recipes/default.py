"""What ``Memory`` uses unless told otherwise: two channels, features of the window, session, speaker, form and time, one linear sum.

The weights are constants, chosen by ``scripts/choose_weights.py`` on development data with cross-validation over conversations.
"""

from __future__ import annotations

from mneme.core.recipe import Recipe
from mneme.retrieval.dense import Dense
from mneme.retrieval.features.form import Answers, Length, TellsNumber, TellsTime
from mneme.retrieval.features.neighbourhood import WindowDense, WindowLexical
from mneme.retrieval.features.pairs import Pairs
from mneme.retrieval.features.people import Asker, Speaker
from mneme.retrieval.features.session import SessionDense, SessionLexical
from mneme.retrieval.features.times import InRange, Newest
from mneme.retrieval.latest import LatestFirst
from mneme.retrieval.lexical import Lexical
from mneme.retrieval.linear import LinearSum
from mneme.retrieval.packing import Chronological
from mneme.text.tokens import count_tokens

WEIGHTS = {
    "dense": 4.5,
    "window-dense": 2.8,
    "session-dense": 6.0,
    "lexical": 2.25,
    "window-lexical": 4.5,
    "session-lexical": 7.0,
    "pairs": 3.2,
    "speaker": 1.4,
    "asker": 2.5,
    "answers": 0.67,
    "length": 0.7,
    "tells-time": 1.7,
    "tells-number": 0.7,
    "in-range": 4.2,
    "newest": 0.5,
}

recipe = Recipe(
    name="default",
    about="vectors and words of a memory, its window and its session; who speaks, when, and what kind of answer is asked for",
    channels=(Dense(), Lexical()),
    ranker=LinearSum(
        features=(
            WindowDense(),
            SessionDense(),
            WindowLexical(),
            SessionLexical(),
            Pairs(),
            Speaker(),
            Asker(),
            Answers(),
            Length(),
            TellsTime(),
            TellsNumber(),
            InRange(),
            Newest(),
        ),
        weights=WEIGHTS,
    ),
    refiners=(LatestFirst(),),
    packer=Chronological(counter=count_tokens),
)
