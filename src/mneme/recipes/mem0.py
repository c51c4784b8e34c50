"""Mem0: facts extracted per exchange and reconciled with what is stored: ADD, UPDATE, DELETE, NOOP."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="mem0",
    about="reconciled facts with a history, and the messages they rest on",
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "max"},
    formers=[{"use": "either", "by_rule": "rules", "by_model": "model-statements"}],
    organisers=["duplicates", "model-reconcile"],
    card=Card(
        paper="Mem0, arXiv 2504.19413",
        parts=(
            ("extraction of facts", "former either: model-statements, or rules"),
            ("the four operations on the ten nearest facts", "organisers duplicates and model-reconcile"),
            ("history per fact; edges marked invalid", "supersession: the old fact ends, history() shows it"),
            ("manager and distiller as policies (Memory-R1)", "recipe memory-r1; mneme.recipes.agent.memory_r1: Bank; rewards"),
        ),
        differs=(
            "DELETE closes the fact at the time of the new one; nothing is removed.",
            "Statements are read a dozen messages at a time, without a running summary of the conversation beside them.",
            "Relations that rules know are reconciled by rule, also where there is a model.",
            "Facts are keys: the message that a fact rests on is returned.",
            "The graph variant is left out: subject, relation and object are attributes, and an ended fact is the invalid edge.",
            "Training is left out; rewards and group advantages are functions.",
        ),
        without_model="Facts are those that rules can read for certain.",
        per_write="one pass of rules; with a model one call for a dozen messages and one for what no rule can reconcile",
        per_recall="one scan",
    ),
)
