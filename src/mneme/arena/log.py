"""The run log: one JSON line per sample, append-only. Everything else (tables, plots, comparisons) is derived from it.

A line is written when its sample is done, in one write. A line that a crash cut short is skipped on reading and its sample runs again.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import orjson

import mneme
from mneme.arena.task import Sample

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKey:
    """What must be equal for a logged sample to count as done.

    Args:
        task: the task's name.
        options: what changed the task, such as ``pooled``.
        data_sha256: hash over the data files.
        recipe: the recipe's name.
        spec: its settings and version.
        seed: of the run.
        commit: of the code.
    """

    task: str
    options: Mapping[str, object]
    data_sha256: str
    recipe: str
    spec: Mapping[str, object]
    seed: int
    commit: str

    def to_plain(self) -> dict[str, Any]:
        """Return the key as JSON values."""
        return {
            "task": self.task,
            "options": dict(self.options),
            "data_sha256": self.data_sha256,
            "recipe": self.recipe,
            "spec": dict(self.spec),
            "seed": self.seed,
            "commit": self.commit,
        }

    @property
    def kind(self) -> str:
        """A hash over the data and what changed the task: runs of one kind can be compared."""
        return hashlib.sha256(orjson.dumps([self.data_sha256, dict(self.options)], option=orjson.OPT_SORT_KEYS)).hexdigest()

    @property
    def digest(self) -> str:
        """A hash over the whole key."""
        return hashlib.sha256(orjson.dumps(self.to_plain(), option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened with one question.

    Args:
        id: the question's id.
        category: its category.
        answerable: whether it has an answer.
        gold: ref -> grade.
        gold_sessions: sessions with evidence.
        stale: refs of overwritten values.
        hits: (ref, score), best first, folded to messages.
        sessions: sessions in the order of their best hit.
        packed: budget -> refs in the context.
        packed_tokens: budget -> its length.
        stages_ms: stage -> milliseconds.
        cpu_ms: processor time of the recall.
        sufficiency: the subject's own judgement, if it gave one.
    """

    id: str
    category: str
    answerable: bool = True
    gold: Mapping[str, int] = field(default_factory=dict)
    gold_sessions: Sequence[str] = ()
    stale: Sequence[str] = ()
    hits: Sequence[tuple[str, float]] = ()
    sessions: Sequence[str] = ()
    packed: Mapping[int, Sequence[str]] = field(default_factory=dict)
    packed_tokens: Mapping[int, int] = field(default_factory=dict)
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    cpu_ms: float = 0.0
    sufficiency: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the log.

    Args:
        key: the run that it belongs to.
        sample: the sample's id.
        content: hash over what was fed and asked.
        at: when it was written, ISO 8601 in UTC.
        messages: how many were fed, what was derived from them not counted.
        tokens: how many tokens they have.
        feed_ms: how long feeding took.
        feed_cpu_ms: processor time of it.
        memories: how many the subject keeps after it; 0 where it can't tell.
        bytes: how much room they take on disk; 0 where it can't tell.
        outcomes: one per question.
        error: the trace of what went wrong; empty when nothing did. Its questions are not scored.
    """

    key: RunKey
    sample: str
    content: str
    at: str
    messages: int
    tokens: int
    feed_ms: float
    outcomes: Sequence[Outcome]
    feed_cpu_ms: float = 0.0
    memories: int = 0
    bytes: int = 0
    error: str = ""


def hash_sample(sample: Sample) -> str:
    """Return a hash over a sample's messages and questions, to tell whether a logged one is the same."""
    digest = hashlib.sha256()
    for message in sample.messages:
        digest.update(f"{message.ref}\0{message.session}\0{message.author}\0{message.at}\0{message.text}\0\0".encode())
    for question in sample.questions:
        digest.update(f"{question.id}\0{question.text}\0{sorted(question.gold)}\0{question.after}\0\0".encode())
    return digest.hexdigest()[:16]


class RunLog:
    """The logs of a folder, one file per task and recipe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def append(self, record: Record) -> Record:
        """Write a record and return it as it will be read, so that figures do not depend on whether a sample was run or resumed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(record.key.task, record.key.recipe)
        line = orjson.dumps(_to_plain(record), option=orjson.OPT_NON_STR_KEYS) + b"\n"
        with path.open("ab+") as file:
            file.seek(0, 2)
            if file.tell():
                file.seek(-1, 2)
                # A crash can leave half a line; the next one must not be glued to it.
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(line)
        return _from_plain(orjson.loads(line))

    def done(self, key: RunKey) -> dict[str, Record]:
        """Return ``sample id/content`` -> its record, for the samples of this run that ended without an error."""
        return self.done_by_code(key).get(key.commit, {})

    def done_by_code(self, key: RunKey) -> dict[str, dict[str, Record]]:
        """Return the commit of the code -> what :meth:`done` returns of the run that differs from this one in it alone, oldest first."""
        wanted = replace(key, commit="").digest
        found: dict[str, dict[str, Record]] = {}
        for record in self.read(key.task, key.recipe):
            if not record.error and replace(record.key, commit="").digest == wanted:
                found.setdefault(record.key.commit, {})[f"{record.sample}/{record.content}"] = record
        return found

    def read(self, task: str, recipe: str) -> Iterator[Record]:
        """Yield the records of a task and recipe, oldest first; lines that were cut short are skipped."""
        path = self._path(task, recipe)
        if not path.exists():
            return
        with path.open("rb") as file:
            for line in file:
                try:
                    plain = orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue
                if plain.get("version") == VERSION:
                    yield _from_plain(plain)

    def runs(self) -> list[tuple[str, str]]:
        """Return the (task, recipe) pairs that have a log, sorted."""
        found = []
        for path in self.folder.glob("*/*.jsonl") if self.folder.is_dir() else []:
            found.append((path.parent.name, unquote(path.stem)))
        return sorted(found)

    def latest(self, task: str, recipe: str) -> list[Record]:
        """Return the records of the newest run of a task and recipe, each sample once, its newest record."""
        return next(reversed(self.by_kind(task, recipe).values()), [])

    def by_kind(self, task: str, recipe: str) -> dict[str, list[Record]]:
        """Return kind (see :attr:`RunKey.kind`) -> the records of its newest run, each sample once; the kind that ran last at the end."""
        runs: dict[str, dict[str, dict[str, Record]]] = {}
        for record in self.read(task, recipe):
            kind, digest = record.key.kind, record.key.digest
            runs[kind] = runs.pop(kind, {})
            runs[kind][digest] = {**runs[kind].pop(digest, {}), record.sample: record}
        return {kind: list(next(reversed(of_kind.values())).values()) for kind, of_kind in runs.items()}

    def _path(self, task: str, recipe: str) -> Path:
        path = self.folder / task / f"{quote(recipe, safe=' :+@,')}.jsonl"  # the path of a TOML file must not lead out of the folder
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def _to_plain(record: Record) -> dict[str, Any]:
    return {
        "version": VERSION,
        "run": record.key.to_plain(),
        "sample": record.sample,
        "content": record.content,
        "at": record.at,
        "messages": record.messages,
        "tokens": record.tokens,
        "feed_ms": round(record.feed_ms, 3),
        "feed_cpu_ms": round(record.feed_cpu_ms, 3),
        "memories": record.memories,
        "bytes": record.bytes,
        "outcomes": [_outcome_to_plain(outcome) for outcome in record.outcomes],
        "error": record.error,
    }


def _outcome_to_plain(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.id,
        "category": outcome.category,
        "answerable": outcome.answerable,
        "gold": dict(outcome.gold),
        "gold_sessions": list(outcome.gold_sessions),
        "stale": list(outcome.stale),
        "hits": [[ref, round(score, 5)] for ref, score in outcome.hits],
        "sessions": list(outcome.sessions),
        "packed": {budget: list(refs) for budget, refs in outcome.packed.items()},
        "packed_tokens": dict(outcome.packed_tokens),
        "stages_ms": {stage: round(ms, 3) for stage, ms in outcome.stages_ms.items()},
        "cpu_ms": round(outcome.cpu_ms, 3),
        "sufficiency": outcome.sufficiency,
    }


def _from_plain(plain: Mapping[str, Any]) -> Record:
    return Record(
        key=RunKey(**plain["run"]),
        sample=plain["sample"],
        content=plain["content"],
        at=plain["at"],
        messages=plain["messages"],
        tokens=plain["tokens"],
        feed_ms=plain["feed_ms"],
        feed_cpu_ms=plain.get("feed_cpu_ms", 0.0),
        memories=plain.get("memories", 0),
        bytes=plain.get("bytes", 0),
        outcomes=tuple(_outcome_from_plain(row) for row in plain["outcomes"]),
        error=plain["error"],
    )


def _outcome_from_plain(row: Mapping[str, Any]) -> Outcome:
    return Outcome(
        **{
            **row,
            "hits": tuple((ref, score) for ref, score in row["hits"]),
            "packed": {int(budget): tuple(refs) for budget, refs in row["packed"].items()},
            "packed_tokens": {int(budget): tokens for budget, tokens in row["packed_tokens"].items()},
        }
    )


@cache
def code_version() -> str:
    """Return the commit of the running code; with a hash of the sources behind a ``+`` when they differ from it or there is none."""
    package = Path(mneme.__file__).parent
    head = _git(package, "rev-parse", "--short=12", "HEAD")
    if head and not _git(package, "status", "--porcelain", "--", "."):
        return head
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{head or 'unversioned'}+{digest.hexdigest()[:8]}"


def _git(folder: Path, *arguments: str) -> str:
    try:
        # The program is fixed and its arguments are ours.
        ran = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""
