"""The story of the demonstration, scene by scene: every scene is made of real calls and what they returned."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from mneme.core.records import Message
from mneme.importers import read

if TYPE_CHECKING:
    from mneme.space import Space

SPACE = "demo"
LISBON = "january.3"
MOVE = "may.1"
PORTO = "Ines lives in Porto, in Rua do Almada 310, on the second floor, with a lift."
NEVER_COFFEE = "january.6"
WRONG = "february.1"
CORRECTED = "march.1"
PRIVATE = "july.6"
WEDDING = "Clara's wedding is on the 28th of June, in the garden of our grandmother's house in Viana do Castelo."


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call and what came back.

    Args:
        code: the call as a person would write it.
        result: what it returned.
    """

    code: str
    result: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A part of the story.

    Args:
        title: what happens.
        words: why it matters, in a sentence or two.
        calls: what was called, in order.
    """

    title: str
    words: str
    calls: tuple[Call, ...]


def conversation() -> list[Message]:
    """Return the conversation that ships with mneme: Ines, her brother and an assistant, five sessions from January to July 2025."""
    with as_file(files("mneme.demo") / "conversation.jsonl") as path:
        return [item.message for item in read(path, "messages")]


def story(space: Space) -> Iterator[Scene]:
    """Tell the story in a space, one scene after the other; each scene's calls are made when it is asked for.

    Args:
        space: an empty space.
    """
    messages = conversation()
    yield _taking_in(space, messages)
    yield _asking(space)
    yield _world_changing(space)
    yield from _correcting(space)
    yield _undoing(space)
    yield from _erasing(space)


def _taking_in(space: Space, messages: list[Message]) -> Scene:
    receipt = space.remember(messages, key="demo")
    sessions = len({message.session for message in messages})
    return Scene(
        title="It takes in a conversation",
        words=f"{len(messages)} messages in {sessions} sessions from January to July 2025: Ines, her brother Tomas, and an assistant, Kit. "
        "Durable, indexed and ready to be asked, all on this machine.",
        calls=(Call(code="space.remember(messages)", result=receipt),),
    )


def _asking(space: Space) -> Scene:
    questions = ("Which job was Ines offered?", "What is Ines allergic to?")
    return Scene(
        title="It answers with dated evidence",
        words="A recall returns what was said, by whom and when, so that an agent can quote it and a person can check it.",
        calls=tuple(Call(code=f'space.recall("{question}")', result=space.recall(question, k=1)) for question in questions),
    )


def _world_changing(space: Space) -> Scene:
    moved, april = datetime(2025, 5, 3, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC)
    question = "Where does Ines live?"
    first = space.recall(question, k=1)
    home = space.memories({"refs": LISBON})[0]
    receipt = space.revise(home.id, PORTO, since=moved, reason=f"Ines moved, says message {MOVE}")
    return Scene(
        title="It knows what held when",
        words="In January Ines lived in Lisbon, and that was true until she moved. Told since when something else holds, the memory "
        "answers for today, and for any day before.",
        calls=(
            Call(code=f'space.recall("{question}")', result=first),
            Call(code='space.revise(home.id, "Ines lives in Porto, ...", since=may_3)', result=receipt),
            Call(code=f'space.recall("{question}")', result=space.recall(question, k=1)),
            Call(code=f'space.recall("{question}", as_of=april)', result=space.recall(question, k=1, as_of=april)),
        ),
    )


def _correcting(space: Space) -> Iterator[Scene]:
    question = "When is Clara's wedding?"
    found = space.recall(question, k=2)
    yield Scene(
        title="It notices a correction",
        words="In February Ines named a wrong day; in March she took it back. Both are on record, and they contradict each other.",
        calls=(Call(code=f'space.recall("{question}")', result=found),),
    )
    wrong = space.memories({"refs": WRONG})[0]
    before = datetime.now(UTC)
    time.sleep(0.01)  # so that "before" and the revision are different moments on a coarse clock
    receipt = space.revise(wrong.id, WEDDING, reason=f"Ines took the 21st back in message {CORRECTED}")
    yield Scene(
        title="It corrects itself, and nothing is overwritten",
        words="The right text takes the wrong one's place. The old version stays, with the reason, and the memory can be asked what it "
        "believed before.",
        calls=(
            Call(code='space.revise(wrong.id, "... on the 28th of June ...", reason="...")', result=receipt),
            Call(code=f'space.recall("{question}")', result=space.recall(question, k=1)),
            Call(
                code=f'space.recall("{question}", known_at=before)',
                result=space.recall(question, k=1, known_at=before),
            ),
            Call(code="space.history(wrong.id)", result=space.history(wrong.id)),
        ),
    )


def _undoing(space: Space) -> Scene:
    question = "Does Ines drink coffee or rooibos?"
    code = f'space.recall("{question}")'
    before = space.recall(question, k=2)
    never = space.memories({"refs": NEVER_COFFEE})[0]
    forgotten = space.forget(never.id, reason="since July it is two cups a day")
    after = space.recall(question, k=1)
    undone = space.undo()
    return Scene(
        title="It forgets, and can take that back",
        words="In January Ines never drank coffee, by July she has two cups a day. Forgetting archives the old answer: no recall shows it. "
        "An undo brings it back, and is an entry of the journal like any other.",
        calls=(
            Call(code=code, result=before),
            Call(code="space.forget(never_coffee.id)", result=forgotten),
            Call(code=code, result=after),
            Call(code="space.undo()", result=undone),
            Call(code=code, result=space.recall(question, k=1)),
        ),
    )


def _erasing(space: Space) -> Iterator[Scene]:
    question = "What is the alarm code, and where is the spare key?"
    private = space.memories({"refs": PRIVATE})[0]
    found = space.recall(question, k=1)
    report = space.forget(private.id, erase=True)
    left = space.recall(question, k=1, filters={"refs": PRIVATE})
    yield Scene(
        title="It erases on request, and proves it",
        words="An alarm code should never have been written down. Erasing removes it from every row, version, index and log, and then "
        "searches the raw bytes of the files for what was erased.",
        calls=(
            Call(code=f'space.recall("{question}")', result=found),
            Call(code="space.forget(private.id, erase=True)", result=report),
            Call(code=f'space.recall("{question}", filters={{"refs": "{PRIVATE}"}})', result=left),
        ),
    )
    yield Scene(
        title="It can show that all of this is true",
        words="The journal is a chain of hashes: what was stored, revised, forgotten, undone and erased is on record; the erased words "
        "are not.",
        calls=(Call(code="space.verify()", result=space.verify()),),
    )
