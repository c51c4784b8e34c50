"""Measures of answering: whether ``ask`` is right about generated lives, and whether it knows when it does not know."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from mneme.arena import halumem
from mneme.arena.figure import Figure
from mneme.arena.generated.life_changes import stream
from mneme.arena.generated.questions import end, judge_answer, questions
from mneme.arena.task import Options, prepare
from mneme.arena.tasks import get_task
from mneme.core.clock import FrozenClock
from mneme.core.errors import InvalidInput
from mneme.core.records import Message
from mneme.memory import Memory

FOUND_AT = 10
OTHERWISE = 2
"""The phrasing that rules do not read."""


def answering(seeds: Sequence[int], data: Path | None, recipe: str) -> list[Figure]:
    """Generated lives, told and then asked about: answers that are right, made up, or left out."""
    verdicts: list[halumem.Judged] = []
    others: list[halumem.Judged] = []
    strangers: list[halumem.Judged] = []
    for seed in seeds:
        told = stream(seed)
        with (
            tempfile.TemporaryDirectory(prefix="mneme-answering-") as folder,
            Memory(folder, recipe=recipe, durability="normal", clock=FrozenClock(end(told))) as memory,
        ):
            space = memory.space("life")
            for change in told.changes:
                space.remember(Message(text=change.text, author=change.subject, at=change.said_at, session=f"{change.said_at:%Y-%m}"))
            for phrasing in range(3):
                for asked in questions(told, phrasing=phrasing):
                    group = strangers if not asked.told else others if phrasing == OTHERWISE else verdicts
                    group.append(judge_answer(asked, space.ask(asked.text)))
    shares, otherwise, refused = halumem.shares(verdicts), halumem.shares(others), halumem.shares(strangers)
    return [
        Figure(name="halumem question correct", value=shares.correct, of=len(verdicts), least=0.9),
        Figure(name="halumem question hallucination", value=shares.hallucination, of=len(verdicts), most=0.05),
        Figure(name="halumem question omission", value=shares.omission, of=len(verdicts)),
        Figure(name="put otherwise: correct", value=otherwise.correct, of=len(others)),
        Figure(name="put otherwise: hallucination", value=otherwise.hallucination, of=len(others)),
        Figure(name="put otherwise: omission", value=otherwise.omission, of=len(others)),
        Figure(name="strangers not known", value=refused.correct, of=len(strangers)),
    ]


def asking(seeds: Sequence[int], data: Path | None, recipe: str) -> list[Figure]:
    """LoCoMo without a model: how often an answer is dared where the evidence was found, and where there is none."""
    if data is None:
        raise InvalidInput({"data": "is missing; give the file of LoCoMo"})
    options = Options(foreign=True)
    dared: dict[str, list[bool]] = {"found": [], "not found": [], "wrong speaker": [], "foreign": []}
    quoted: list[bool] = []
    for sample in prepare(get_task("locomo").read(data, options), options).samples:
        with (
            tempfile.TemporaryDirectory(prefix="mneme-asking-") as folder,
            Memory(folder, recipe=recipe, durability="normal") as memory,
        ):
            space = memory.space("asking")
            receipt = space.remember(list(sample.messages))
            refs = {id: message.ref for id, message in zip(receipt.ids, sample.messages, strict=False)}
            for question in sample.questions:
                answer = space.ask(question.text, k=FOUND_AT)
                if not question.answerable:
                    dared["foreign" if question.category == "foreign" else "wrong speaker"].append(answer.known)
                    continue
                found = any(hit.ref in question.gold for hit in space.recall(question.text, k=FOUND_AT).hits)
                dared["found" if found else "not found"].append(answer.known)
                if found and answer.known:
                    quoted.append(any(refs.get(one.id) in question.gold for one in answer.citations))
    least, most = {"found": 0.9}, {"foreign": 0.05}
    figures = [
        Figure(name=f"answered, {name}", value=_share(values), of=len(values), least=least.get(name), most=most.get(name))
        for name, values in dared.items()
    ]
    return [*figures, Figure(name="evidence quoted", value=_share(quoted), of=len(quoted))]


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 0.0
