"""Measures that are no retrieval: extraction, updating over time, expressions of time and answers, each with its targets and its seeds."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mneme.arena import answering, halumem
from mneme.arena.figure import Figure
from mneme.arena.generated.believing import believe
from mneme.arena.generated.extraction import Extracted, Score, Turn, corpus, score
from mneme.arena.generated.life_changes import stream
from mneme.arena.task import near
from mneme.core.composing import resolve
from mneme.core.errors import InvalidInput, UnknownComponent
from mneme.core.records import Memory as Record
from mneme.core.records import Message
from mneme.memory import Memory
from mneme.text.time_expressions import TimeMention, find_times

_DISTRACTORS = ("hypothetical", "question", "hearsay", "chitchat")


Run = Callable[[Sequence[int], Path | None, str], list[Figure]]
"""Takes seeds, a file and a recipe."""


def extraction(seeds: Sequence[int], data: Path | None, recipe: str) -> list[Figure]:
    """Generated dialogues with known facts: what the recipe's formers and guards make of each turn."""
    turns = [turn for seed in seeds for dialogue in corpus(seed) for turn in dialogue]
    made = _formed(turns, recipe)
    found = score([turns], lambda turn: made[id(turn)])
    fabricated = sum(_invented(turn, item) for turn in turns for item in made[id(turn)])
    halu = _halumem(turns, made, found)
    stored = sum(len(items) for items in made.values())
    return [
        Figure(name="precision", value=found.precision, of=found.extracted, least=0.95),
        Figure(name="recall", value=found.recall, of=found.required, least=0.6),
        Figure(name="fabricated", value=float(fabricated), of=stored, most=0),
        Figure(name="relations", value=float(len(found.by_relation)), of=len(found.by_relation), least=20),
        *(Figure(name=f"halumem {name}", value=getattr(halu, name), of=found.required) for name in halumem.Extraction.__slots__),
    ]


def _formed(turns: Sequence[Turn], recipe: str) -> dict[int, list[Extracted]]:
    """Return what is formed of each turn, by the turn's identity; without organisers, which would merge repeats."""
    design = replace(resolve(recipe), organisers=())
    made: dict[int, list[Extracted]] = {id(turn): [] for turn in turns}
    with (
        tempfile.TemporaryDirectory(prefix="mneme-extraction-") as folder,
        Memory(folder, embedder="hash", recipe=design, durability="normal") as memory,
    ):
        space = memory.space("dialogues")
        receipt = space.remember([Message(text=turn.text, author=turn.author, at=turn.at) for turn in turns])
        turn_of = dict(zip(receipt.episodes, turns, strict=True))
        after = ""
        while page := space.memories(after=after, limit=1000):
            after = page[-1].id
            for record in page:
                if (item := _extracted(record)) is not None:
                    made[id(turn_of[record.sources[0].episode])].append(item)
    return made


def _extracted(record: Record) -> Extracted | None:
    told = record.attributes
    if told.get("statement") in (None, "correction"):
        return None
    return Extracted(
        subject=str(told["subject"]), relation=str(told["relation"]), object=str(told["object"]), polarity=bool(told["polarity"])
    )


def _invented(turn: Turn, item: Extracted) -> bool:
    """Whether a statement has a name or value that its turn does not."""
    said = f"{turn.author} {turn.text}".casefold()
    return any(word not in said for word in f"{item.subject} {item.object}".casefold().replace("'s", "").split())


def _halumem(turns: Sequence[Turn], made: Mapping[int, Sequence[Extracted]], found: Score) -> halumem.Extraction:
    missed = {(text, fact) for text, fact in found.missed}
    wrong = {(text, item) for text, item in found.wrong}
    gold: list[int] = []
    stored: list[int] = []
    targets: list[int] = []
    for turn in turns:
        facts = [fact for fact in turn.facts if fact.required]
        for fact in facts:
            partly = any(item.subject == fact.subject or item.relation == fact.relation for item in made[id(turn)])
            gold.append(2 if (turn.text, fact) not in missed else 1 if partly else 0)
        scores = [0 if (turn.text, item) in wrong and not facts else 1 if (turn.text, item) in wrong else 2 for item in made[id(turn)]]
        stored += scores
        targets += scores if facts else []
    noise = [2 if made[id(turn)] else 0 for turn in turns if turn.sort in _DISTRACTORS and not turn.facts]
    return halumem.extraction(gold, [1.0] * len(gold), stored, targets, noise)


def updating(seeds: Sequence[int], data: Path | None, recipe: str) -> list[Figure]:
    """Generated streams of life changes, told message by message: what is believed now, and at 20 random moments of each stream."""
    held = closed = ended = kept = asked = right = 0
    for seed in seeds:
        judged = believe(stream(seed), seed=seed, recipe=recipe)
        held, ended, asked = held + judged.holding, ended + judged.ended, asked + judged.asked
        closed += round(judged.false_invalidation * judged.holding)
        kept += round(judged.missed_update * judged.ended)
        right += round(judged.as_of * judged.asked)
    verdicts: list[halumem.Judged] = ["correct" for _ in range(ended - kept)]
    verdicts += ["omission" for _ in range(kept)]
    updates = halumem.shares(verdicts)
    return [
        Figure(name="false invalidation", value=closed / held if held else 0.0, of=held, most=0.01),
        Figure(name="missed update", value=kept / ended if ended else 0.0, of=ended, most=0.10),
        Figure(name="as of", value=right / asked if asked else 1.0, of=asked, least=0.98),
        Figure(name="halumem update correct", value=updates.correct, of=ended),
        Figure(name="halumem update omission", value=updates.omission, of=ended),
    ]


def time(seeds: Sequence[int], data: Path | None, recipe: str) -> list[Figure]:
    """Expressions of time with the moment they were said: how many are resolved to the right interval or repetition."""
    if data is None:
        raise InvalidInput({"data": "is missing; give the file of expressions, tests/unit/data/time_expressions.jsonl in the source tree"})
    cases = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines() if line.strip()]
    right = sum(_resolved(case, find_times(case["text"], datetime.fromisoformat(case["said"]))) for case in cases)
    return [Figure(name="right", value=right / len(cases) if cases else 0.0, of=len(cases), least=0.95)]


def _resolved(case: Mapping[str, Any], found: Sequence[TimeMention]) -> bool:
    if case["means"] is None:
        return not found
    if len(found) != 1 or found[0].kind != case["kind"]:
        return False
    if case["means"].startswith("R:"):
        return found[0].recurring == str(case["means"])[2:]
    lower, upper = _bounds(case["means"], datetime.fromisoformat(case["said"]))
    return lower in (None, found[0].lower) and upper in (None, found[0].upper)


def _bounds(means: str, said: datetime) -> tuple[datetime | None, datetime | None]:
    """A day, month or year written short, or "lower/upper" with ".." for an end that is not judged."""
    if "/" in means:
        ends = [None if text == ".." else datetime.fromisoformat(text).replace(tzinfo=said.tzinfo) for text in means.split("/")]
        return ends[0], ends[1]
    parts = [int(part) for part in means.split("-")]
    year, month, day = [*parts, 1, 1][:3]
    lower = datetime(year, month, day, tzinfo=said.tzinfo)
    if len(parts) == 3:
        return lower, lower + timedelta(days=1)
    return lower, lower.replace(year=year + 1) if len(parts) == 1 else (lower + timedelta(days=31)).replace(day=1)


MEASURES: Mapping[str, Run] = MappingProxyType(
    {"extraction": extraction, "updating": updating, "time": time, "answering": answering.answering, "asking": answering.asking}
)


def get_measure(name: str) -> Run:
    """Return the measure of this name.

    Raises:
        UnknownComponent: there is none; the message lists near matches.
    """
    if name not in MEASURES:
        raise UnknownComponent("measure", name, near(name, list(MEASURES)))
    return MEASURES[name]
