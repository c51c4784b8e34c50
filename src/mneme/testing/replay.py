"""A model that writes its answers down once and repeats them for ever.

One line of JSON per question, found by the hash of prompt, variables and reply schema; so a changed prompt, input or schema is a new
question, and a test can't pass on a stale answer. Questions themselves are not written, only their role and hash.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import orjson

from mneme.core import errors
from mneme.core.errors import ContextOverflow, InvalidInput, InvalidReply, ModelError, ModelUnavailable
from mneme.core.llm import LLM, LLMCall, Prompt, request_hash, scoped
from mneme.models.replies import reply_schema

T = TypeVar("T")

ReplayMode = Literal["replay", "record", "fill"]
# Failures that belong to the question; an outage, a budget or a closed model does not.
_RECORDED = (InvalidReply, ContextOverflow)
_FIELDS = {"hash", "role", "prompt", "model", "reply", "error"}


class NotRecorded(ModelUnavailable):
    """The recording has no answer to this question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    model: str
    reply: object = None
    error: tuple[str, str] | None = None


class RecordReplayLLM:
    """Records a model's answers to a file, or replays them without it.

    Args:
        path: the recording, JSON lines; commit it beside the test.
        llm: the model to record; None for replay.
        mode: ``replay`` answers only from the file; ``record`` asks the model every time and adds the answers (the latest counts);
            ``fill`` asks the model only what the file does not have. None is ``fill`` with a model and ``replay`` without.
        prompts: prompts that can be asked for by their role; give the recorded model the same.

    Raises:
        InvalidInput: the file has a line that is no recorded answer, or there is no model to record, or no file to replay.
    """

    def __init__(self, path: Path, llm: LLM | None = None, *, mode: ReplayMode | None = None, prompts: tuple[Prompt, ...] = ()) -> None:
        self._path = path
        self._llm = llm
        self._mode: ReplayMode = mode or ("fill" if llm is not None else "replay")
        self._prompts = {prompt.role: prompt for prompt in prompts}
        self._lock = threading.Lock()
        problems = {}
        if self._mode != "replay" and llm is None:
            problems["llm"] = f"is missing; mode {self._mode!r} needs a model to record"
        if self._mode == "replay" and not path.exists():
            problems["path"] = f"{path} does not exist; record it with mode='fill' and a model"
        if problems:
            raise InvalidInput(problems)
        self._lines = _read(path) if path.exists() else {}

    @property
    def identity(self) -> str:
        """The recorded model's identity; ``"replay:<file>"`` when replaying without it."""
        return self._llm.identity if self._llm is not None else f"replay:{self._path.name}"

    def ask(self, role: Prompt | str, variables: Mapping[str, object], schema: type[T]) -> T:
        """Return the recorded or the model's answer; see :meth:`mneme.core.llm.LLM.ask`.

        Raises:
            NotRecorded: the file has no answer to this question.
            ModelError: the model failed, or had failed when it was recorded.
        """
        return self._ask(self._llm, "", None, role, variables, schema)

    def scoped(self, *, space: str, on_call: Callable[[LLMCall], None] | None = None) -> LLM:
        """Return the same recording, accounting to ``space`` and reporting each question to ``on_call``."""
        inner = scoped(self._llm, space=space, on_call=on_call) if self._llm is not None else None
        return _Scoped(self, inner, space, on_call)

    def _ask(
        self,
        llm: LLM | None,
        space: str,
        on_call: Callable[[LLMCall], None] | None,
        role: Prompt | str,
        variables: Mapping[str, object],
        schema: type[T],
    ) -> T:
        prompt = self._prompt(role)
        checker = reply_schema(schema)
        key = request_hash(prompt, variables, checker.json_schema)
        line = None if self._mode == "record" else self._lines.get(key)
        if line is not None:
            _report(on_call, prompt, key, line, space)
            if line.error is not None:
                raise _error(line.error)
            return checker.check(line.reply)
        if llm is None or self._mode == "replay":
            raise NotRecorded(
                f"role {prompt.role!r} (version {prompt.version}, prompt {prompt.hash}): {self._path} has no answer to question {key}; "
                f"{self._hint(prompt)}record it with mode='fill' and a model"
            )
        try:
            value = llm.ask(prompt, variables, schema)
        except _RECORDED as problem:
            self._write(prompt, key, _Line(model=llm.identity, error=(type(problem).__name__, str(problem))))
            raise
        self._write(prompt, key, _Line(model=llm.identity, reply=checker.dump(value)))
        return value

    def _prompt(self, role: Prompt | str) -> Prompt:
        name = role.role if isinstance(role, Prompt) else role
        found = self._prompts.get(name, role)
        if isinstance(found, Prompt):
            return found
        raise errors.UnknownComponent("prompt", name, sorted(self._prompts))

    def _hint(self, prompt: Prompt) -> str:
        recorded = [row for row in _rows(self._path) if row["role"] == prompt.role] if self._path.exists() else []
        if not recorded:
            return "it has none of this role; "
        if all(row["prompt"] != prompt.hash for row in recorded):
            return "the prompt was changed since; "
        return "the variables or the reply schema differ from those recorded; "

    def _write(self, prompt: Prompt, key: str, line: _Line) -> None:
        row: dict[str, Any] = {"hash": key, "role": prompt.role, "prompt": prompt.hash, "model": line.model}
        row |= {"error": list(line.error)} if line.error is not None else {"reply": line.reply}
        with self._lock:
            self._lines[key] = line
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


class _Scoped:
    def __init__(self, recording: RecordReplayLLM, llm: LLM | None, space: str, on_call: Callable[[LLMCall], None] | None) -> None:
        self._recording = recording
        self._inner = llm
        self._space = space
        self._on_call = on_call

    @property
    def identity(self) -> str:
        return self._recording.identity

    def ask(self, role: Prompt | str, variables: Mapping[str, object], schema: type[T]) -> T:
        return self._recording._ask(self._inner, self._space, self._on_call, role, variables, schema)

    def scoped(self, *, space: str, on_call: Callable[[LLMCall], None] | None = None) -> LLM:
        return self._recording.scoped(space=space, on_call=on_call)


def _report(on_call: Callable[[LLMCall], None] | None, prompt: Prompt, key: str, line: _Line, space: str) -> None:
    if on_call is None:
        return
    on_call(
        LLMCall(
            role=prompt.role,
            prompt_hash=prompt.hash,
            prompt_version=prompt.version,
            request_hash=key,
            model=line.model,
            space=space,
            outcome="ok" if line.error is None else line.error[0],
            replayed=True,
        )
    )


def _error(recorded: tuple[str, str]) -> ModelError:
    name, message = recorded
    by_name = {kind.__name__: kind for kind in _RECORDED}
    return by_name.get(name, InvalidReply)(message)


def _rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    for number, text in enumerate(path.read_bytes().splitlines(), start=1):
        if not text.strip():
            continue
        try:
            row = orjson.loads(text)
        except orjson.JSONDecodeError as problem:
            raise InvalidInput({"path": f"{path}, line {number} is no JSON: {problem}"}) from problem
        if not isinstance(row, dict) or not {"hash", "role", "prompt", "model"} <= row.keys() <= _FIELDS:
            raise InvalidInput({"path": f"{path}, line {number} is no recorded answer; delete it or record again"})
        rows.append(row)
    return rows


def _read(path: Path) -> dict[str, _Line]:
    lines = {}
    for row in _rows(path):
        error = row.get("error")
        lines[row["hash"]] = _Line(model=row["model"], reply=row.get("reply"), error=(error[0], error[1]) if error else None)
    return lines
