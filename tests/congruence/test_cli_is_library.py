"""Random scripts of calls give the same on the command line and in the library; ids differ, so memories are named by their place."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import mneme
from mneme.cli.main import run
from mneme.core.errors import MnemeError

WORDS = "porto harbour nurse violin kettle lantern garden teacher mountain bridge".split()
VERBS = ("remember", "remember", "remember", "recall", "revise", "forget", "restore", "undo", "history", "memories")


class OnTheCommandLine:
    """The verbs, typed."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._options = ["--root", str(root), "--space", "s", "--embedder", "hash:64", "--json"]
        self._capsys = capsys
        self.ids: list[str] = []

    def call(self, *words: str) -> Any:
        code = run([*self._options, *words])
        out, _ = self._capsys.readouterr()
        return "refused" if code else json.loads(out)

    def remember(self, text: str, at: datetime) -> object:
        answer = self.call("remember", text, "--at", at.isoformat())
        self.ids += answer["ids"]
        return len(answer["ids"])

    def recall(self, query: str) -> object:
        return [hit["memory"]["text"] for hit in self.call("recall", query, "-k", "5")["hits"]]

    def revise(self, id: str, text: str) -> object:
        return self._told(self.call("revise", id, text))

    def forget(self, id: str) -> object:
        return self._told(self.call("forget", id))

    def restore(self, id: str) -> object:
        return self._told(self.call("restore", id))

    def undo(self) -> object:
        return self._told(self.call("undo"))

    def history(self, id: str) -> object:
        answer = self.call("history", id)
        return answer if answer == "refused" else len(answer["steps"] if isinstance(answer, dict) else answer)

    def memories(self) -> object:
        return self.call("stats")["active"]

    def _told(self, answer: Any) -> object:
        return answer if answer == "refused" else len(answer["ids"])


class InTheLibrary:
    """The same, called."""

    def __init__(self, root: Path) -> None:
        self._memory = mneme.Memory(root, embedder="hash:64")
        self._space = self._memory.space("s")
        self.ids: list[str] = []

    def remember(self, text: str, at: datetime) -> object:
        ids = self._space.remember(text, at=at).ids
        self.ids += ids
        return len(ids)

    def recall(self, query: str) -> object:
        return [hit.memory.text for hit in self._space.recall(query, k=5).hits]

    def revise(self, id: str, text: str) -> object:
        return _count(lambda: self._space.revise(id, text).ids)

    def forget(self, id: str) -> object:
        return _count(lambda: self._space.forget(id).ids)

    def restore(self, id: str) -> object:
        return _count(lambda: self._space.restore(id).ids)

    def undo(self) -> object:
        return _count(lambda: self._space.undo().ids)

    def history(self, id: str) -> object:
        return _count(lambda: self._space.history(id))

    def memories(self) -> object:
        return self._space.stats()["active"]

    def close(self) -> None:
        self._memory.close()


def _count(call: Callable[[], Any]) -> object:
    try:
        return len(call())
    except MnemeError:
        return "refused"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_script_of_calls_gives_the_same_typed_and_called(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = random.Random(seed)
    typed, called = OnTheCommandLine(tmp_path / "typed", capsys), InTheLibrary(tmp_path / "called")
    for step in range(22):
        verb = draw.choice(VERBS) if typed.ids else "remember"
        text = " ".join(draw.sample(WORDS, 3))
        place = draw.randrange(len(typed.ids)) if typed.ids else 0
        if verb == "remember":
            at = datetime(2024, 1, 1 + step, tzinfo=UTC)
            assert typed.remember(text, at) == called.remember(text, at)
        elif verb == "recall":
            assert typed.recall(text) == called.recall(text)
        elif verb in ("undo", "memories"):
            assert getattr(typed, verb)() == getattr(called, verb)(), (seed, step, verb)
        else:
            more = (text,) if verb == "revise" else ()
            assert getattr(typed, verb)(typed.ids[place], *more) == getattr(called, verb)(called.ids[place], *more), (seed, step, verb)
    called.close()
