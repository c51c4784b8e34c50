"""What ``Memory`` uses unless told otherwise: two channels, features of window, session, speaker, form and time, one linear sum.

The weights are constants, chosen by ``scripts/choose_weights.py`` on development data with cross-validation over conversations.
"""

from __future__ import annotations

from mneme.core.card import Card
from mneme.core.recipe import Recipe
from mneme.recipes.upkeep import CURVE, KEEPERS
from mneme.retrieval.dense import Dense
from mneme.retrieval.features.bridge import Bridge
from mneme.retrieval.features.form import Answers, Length, TellsTime
from mneme.retrieval.features.neighbourhood import WindowDense, WindowLexical
from mneme.retrieval.features.people import Asker, Speaker
from mneme.retrieval.features.session import SessionDense, SessionLexical
from mneme.retrieval.features.spread import Spread
from mneme.retrieval.features.strength import Strength
from mneme.retrieval.features.subject import SameSubject
from mneme.retrieval.features.times import InRange
from mneme.retrieval.features.titles import TitleAsked, TitleLed
from mneme.retrieval.features.topic import Topic
from mneme.retrieval.hops import Hops
from mneme.retrieval.latest import LatestFirst
from mneme.retrieval.lexical import Lexical
from mneme.retrieval.linear import LinearSum
from mneme.retrieval.packing import Chronological
from mneme.retrieval.sufficiency import Logistic
from mneme.text.tokens import count_tokens

WEIGHTS = {
    "dense": 5.2,
    "lexical": 2.0,
    "window-dense": 2.5,
    "session-dense": 3.0,
    "window-lexical": 5.0,
    "session-lexical": 7.5,
    "speaker": 2.8,
    "asker": 3.0,
    "answers": 0.4,
    "length": 1.9,
    "tells-time": 2.0,
    "in-range": 4.2,
    "strength": 0.3,
    "title-asked": 2.0,
    "bridge": 3.2,
    "title-led": 4.0,
    "same-subject": 8.0,
    "topic": 20.0,
    "spread": 1.0,
}

SUFFICIENCY_BIAS = -3.0
SUFFICIENCY = {"top-dense": 6.2, "stranger": -0.85, "person-best-three": 0.45, "person-words": -0.75, "person-told": 1.35}

recipe = Recipe(
    name="default",
    about="vectors and words of a memory, its window and its session; who speaks, when, and what kind of answer is asked for",
    channels=(Dense(admitted_only=True), Lexical()),
    ranker=LinearSum(
        features=(
            WindowDense(),
            SessionDense(),
            WindowLexical(),
            SessionLexical(),
            Speaker(),
            Asker(),
            Answers(),
            Length(),
            TellsTime(),
            InRange(),
            Strength(),
            TitleAsked(),
            Topic(),
        ),
        second=(Bridge(), TitleLed(), SameSubject()),
        last=(Spread(),),
        weights=WEIGHTS,
        sufficiency=Logistic(bias=SUFFICIENCY_BIAS, weights=SUFFICIENCY),
    ),
    refiners=(LatestFirst(), Hops()),
    keepers=KEEPERS,
    curve=CURVE,
    packer=Chronological(counter=count_tokens),
    card=Card(
        parts=(
            ("BM25 (Robertson and Zaragoza 2009)", "channel lexical, and features over the window and the session as one text each"),
            ("walks over what texts share (HippoRAG, arXiv 2405.14831)", "features bridge, title-led and same-subject, refiner hops"),
            ("small spaces given whole (ConvoMem, 2025)", "packer chronological, when the budget holds all that is admitted"),
            ("reranking learned from citations (RMM, arXiv 2503.08026)", "factors on the weights, from feedback alone"),
        ),
        differs=(
            "No graph is built and no triples are extracted: edges are rare names and words in the posting lists.",
            "Feedback lifts or lowers a feature by a bounded factor; nothing is learned below a minimum of evidence.",
        ),
        without_model="Nothing: no model is asked.",
        per_write="nothing beyond the embedding",
        per_recall="one scan of the vectors' codes, then features of some hundred candidates",
    ),
)
