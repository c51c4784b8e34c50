"""LoCoMo: questions over conversations of many sessions; gold is the evidence turns.

Source: Maharana et al. 2024, "Evaluating Very Long-Term Conversational Memory of LLM Agents"; file ``locomo10.json``.
Differs: category 5 (adversarial) has no gold and is left out of retrieval metrics, as in the paper; evidence labels that name
no turn are dropped. With ``--given`` the facts that a model wrote (``observation``, each with its turn) and the events of each
session (``event_summary``) are brought in as memories; a hit on a fact counts as its turn's, one on an event as nobody's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from mneme.arena.task import DERIVED, WHOLE_SESSION, Dataset, Options, Question, Sample, Task, existing_files, hash_files, names
from mneme.arena.tasks.dialogue import find_evidence, read_turns
from mneme.core.records import Message

ADVERSARIAL = "5"
METRICS = names(
    "recall@10", "recall@1", "recall@5", "recall@20", "recall@50", "ndcg@10", "recall_all@10", "session_recall@1", "session_recall@5",
    "session_recall@10", "coverage@500", "coverage@1000", "coverage@2000",
)  # fmt: skip
BUDGETS = (500, 1000, 2000)


def load(path: Path, options: Options) -> Dataset:
    """Read one official file, or all JSON files of a folder."""
    files = existing_files(path, "*.json")
    conversations: list[Mapping[str, Any]] = []
    for file in files:
        content = orjson.loads(file.read_bytes())
        conversations.extend(content if isinstance(content, list) else [content])
    samples = [_sample(conversation, number, options.triples) for number, conversation in enumerate(conversations)]
    sha256 = hash_files(files, extra="given" if options.triples else "")
    return Dataset(samples=tuple(samples[: options.limit]), sha256=sha256)


def _sample(conversation: Mapping[str, Any], number: int, given: bool) -> Sample:
    name = str(conversation.get("sample_id", f"conv-{number}"))
    messages = read_turns(conversation["conversation"])
    questions = tuple(read_questions(conversation["qa"], messages, name))
    brought = [*_facts(conversation, messages), *_events(conversation, messages)] if given else []
    return Sample(id=name, messages=(*messages, *brought), questions=questions)


def _facts(conversation: Mapping[str, Any], messages: Sequence[Message]) -> Iterator[Message]:
    """Yield what a model observed, each with the time and session of the first turn that it names."""
    turns = {message.ref: message for message in messages if message.ref}
    for group, of_speaker in conversation.get("observation", {}).items():
        for speaker, rows in of_speaker.items():
            for number, (text, labels) in enumerate(rows):
                named = find_evidence([labels] if isinstance(labels, str) else labels, turns)
                if named and text.strip():
                    turn = turns[named[0]]
                    ref = f"{turn.ref}{DERIVED}{group}/{speaker}/{number}"
                    yield Message(text=text, at=turn.at, session=turn.session, ref=ref, attributes={"speaker": speaker})


def _events(conversation: Mapping[str, Any], messages: Sequence[Message]) -> Iterator[Message]:
    """Yield the events that a model tells of each session, at the session's last turn."""
    last = {message.session: message for message in messages if message.session}
    for group, of_speaker in conversation.get("event_summary", {}).items():
        turn = last.get(group.removeprefix("events_"))
        for speaker, rows in of_speaker.items() if turn else ():
            for number, text in enumerate(rows if isinstance(rows, list) else ()):
                if turn and text.strip():
                    ref = f"{turn.session}{DERIVED}{speaker}/{number}"
                    told = {"speaker": speaker, WHOLE_SESSION: True}
                    yield Message(text=text, at=turn.at, session=turn.session, ref=ref, attributes=told)


def read_questions(rows: list[Mapping[str, Any]], messages: list[Message], name: str) -> list[Question]:
    """Return the questions of one conversation with their evidence turns as gold."""
    sessions = {message.ref: message.session for message in messages}
    questions = []
    for index, row in enumerate(rows):
        category = str(row.get("category", "all"))
        answerable = category != ADVERSARIAL
        gold = find_evidence(row.get("evidence") or [], [ref for ref in sessions if ref]) if answerable else []
        questions.append(
            Question(
                id=f"{name}/{index}",
                text=str(row["question"]),
                category=category,
                gold=dict.fromkeys(gold, 1),
                gold_sessions=frozenset(session for ref in gold if (session := sessions[ref])),
                answerable=answerable,
                answer=str(row.get("answer", row.get("adversarial_answer", ""))),
            )
        )
    return questions


TASK = Task(
    name="locomo",
    summary="turns of two-person conversations over months; gold is the evidence turns, five question categories",
    load=load,
    metrics=METRICS,
    budgets=BUDGETS,
    data="locomo/locomo.json",
    given=True,
)
