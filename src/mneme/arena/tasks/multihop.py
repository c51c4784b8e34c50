"""MuSiQue, HotpotQA and 2WikiMultihopQA in HippoRAG's layout: questions whose evidence is spread over several passages.

Source: Gutierrez et al. 2024, "HippoRAG"; files ``<name>.json`` (questions), ``<name>_corpus.json`` (passages) and ``openie*<name>*.json``
(entities and triples that a model extracted). With ``--triples`` each triple is fed beside its passage, under a ref that counts
as the passage's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from mneme.arena.task import DERIVED, Dataset, Options, Question, Sample, Task, existing_files, hash_files, names
from mneme.core.errors import InvalidInput
from mneme.core.records import Message

_HOPS = re.compile(r"\d+hop")
_SPACE = re.compile(r"\s+")


def load(path: Path, options: Options) -> Dataset:
    """Read one ``<name>_corpus.json`` with its companions, or all of a folder."""
    corpora = existing_files(path, "*_corpus.json")
    if path.is_file() and not path.name.endswith("_corpus.json"):
        corpora = [path.with_name(f"{path.stem}_corpus.json")]
    samples, files = [], []
    for corpus in corpora:
        name = corpus.stem.removesuffix("_corpus")
        questions = corpus.with_name(f"{name}.json")
        triples = _triples_file(corpus.parent, name) if options.triples else None
        files += [corpus, questions, *([triples] if triples else [])]
        samples.append(_sample(name, corpus, questions, triples, options.limit))
    return Dataset(samples=tuple(samples), sha256=hash_files(files))


def _triples_file(folder: Path, name: str) -> Path:
    files = sorted(folder.glob("openie*.json"))
    # Releases of one dataset leave its name out.
    found = [file for file in files if name in file.name] or (files if len(files) == 1 else [])
    if not found:
        raise InvalidInput({"triples": f"no openie*{name}*.json in {folder}; run without --triples"})
    return found[0]


def _sample(name: str, corpus: Path, questions: Path, triples: Path | None, limit: int | None) -> Sample:
    passages = orjson.loads(corpus.read_bytes())
    messages = [_passage(index, row) for index, row in enumerate(passages)]
    by_title: dict[str, list[int]] = {}
    for index, row in enumerate(passages):
        by_title.setdefault(row["title"], []).append(index)
    if triples is not None:
        messages += _triple_messages(triples, by_title, passages)
    rows = orjson.loads(questions.read_bytes())[:limit]
    return Sample(id=name, messages=tuple(messages), questions=tuple(_question(row, by_title, passages) for row in rows))


def _passage(index: int, row: Mapping[str, str]) -> Message:
    # A passage is a session of its own: its neighbours in the file say nothing about it.
    return Message(text=f"{row['title']}\n{row['text']}", session=f"p{index}", ref=f"p{index}")


def _triple_messages(file: Path, by_title: Mapping[str, list[int]], passages: list[Mapping[str, str]]) -> list[Message]:
    messages = []
    # The files of large corpora hold NaN in their statistics, which strict JSON does not know.
    content = orjson.loads(re.sub(rb":\s*NaN", b": null", file.read_bytes()))
    for row in content["docs"]:
        index = _find(row["title"], row["text"], by_title, passages)
        if index is None:
            continue
        for number, triple in enumerate(row["extracted_triples"]):
            text = " ".join(str(part) for part in triple)
            attributes = {"triple": [str(part) for part in triple]}
            messages.append(Message(text=text, session=f"p{index}", ref=f"p{index}{DERIVED}{number}", attributes=attributes))
    return [message for message in messages if message.text.strip()]


def _find(title: str, text: str, by_title: Mapping[str, list[int]], passages: list[Mapping[str, str]]) -> int | None:
    """Return the passage with this title and, where several have it, this text."""
    candidates = by_title.get(title, [])
    plain = _SPACE.sub("", text)
    same = [index for index in candidates if _SPACE.sub("", passages[index]["text"]) == plain]
    return next(iter(same or candidates), None)


def _question(row: Mapping[str, Any], by_title: Mapping[str, list[int]], passages: list[Mapping[str, str]]) -> Question:
    found = [_find(title, text, by_title, passages) for title, text in _supporting(row)]
    gold = [f"p{index}" for index in found if index is not None]
    name = str(row.get("id", row.get("_id")))
    hops = _HOPS.match(name)
    return Question(
        id=name,
        text=row["question"],
        category=hops[0] if hops else str(row.get("type", "all")),
        gold=dict.fromkeys(gold, 1),
        gold_sessions=frozenset(gold),
        answer=str(row["answer"]),
    )


def _supporting(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "paragraphs" in row:
        return [
            (part["title"], part.get("paragraph_text", part.get("text", "")))
            for part in row["paragraphs"]
            if part.get("is_supporting", True)
        ]
    titles = {title for title, _ in row["supporting_facts"]}
    return [(title, "".join(sentences)) for title, sentences in row["context"] if title in titles]


TASK = Task(
    name="multihop",
    summary="questions over several passages (MuSiQue, HotpotQA); gold is the supporting passages",
    load=load,
    metrics=names(
        "recall@5", "recall@2", "recall@10", "recall@20", "recall@50", "recall_all@5", "ndcg@10", "coverage@1000", "coverage@2000"
    ),
    budgets=(1000, 2000),
    data="multihop",
    given=True,
)
