"""Runs: what is logged, what is not run twice, what a failure leaves; baselines against their obvious versions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mneme.arena.baselines import BASELINES, z_scores
from mneme.arena.corpus import Corpus
from mneme.arena.log import RunLog
from mneme.arena.recipes import get_recipe, get_recipes, recipe_names
from mneme.arena.run import Run, run_task
from mneme.arena.subject import Answer, Asked, Context, Recipe, Subject, Tools, context_line, fill, indexed_text
from mneme.arena.summary import failures, summarise, to_json
from mneme.arena.task import Dataset, Options, Question, Sample, Task, names
from mneme.arena.tasks import get_task
from mneme.core.errors import UnknownComponent
from mneme.core.records import Media, Message
from mneme.models.hashing import HashEmbedder
from mneme.text.analyser import Analyser
from mneme.text.tokens import count_tokens

FILES = Path(__file__).parent / "data"
PATHS = {
    "locomo": "locomo.json",
    "longmemeval": "longmemeval.json",
    "beam": "beam",
    "realtalk": "realtalk",
    "temporal": "temporal",
    "multihop": "multihop",
    "babi": "babi",
    "memsim": "memsim",
    "procedural": "procedural",
    "experience": "experience",
    "factconsolidation": "factconsolidation.json",
    "interference": "words_toy.json",
}
TEXTS = ["the red kite flies", "a kettle boils", "the kite is torn", "we sail to the island", "kettle and kite and kite"]


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(embedder=HashEmbedder(), analyser=Analyser(), count_tokens=count_tokens, folder=tmp_path)


def messages(texts: Sequence[str] = TEXTS, *, sessions: Sequence[str] = ("s1", "s1", "s1", "s2", "s2")) -> list[Message]:
    return [
        Message(text=text, ref=f"m{number}", session=session) for number, (text, session) in enumerate(zip(texts, sessions, strict=True))
    ]


def subject(name: str, tools: Tools, fed: Sequence[Message]) -> Subject:
    made = BASELINES[name].build(tools, Sample(id="s", messages=tuple(fed), questions=()))
    made.feed(fed)
    return made


def asked(text: str = "kite") -> Asked:
    return Asked(id="q", text=text)


def locomo(options: Options | None = None) -> tuple[Task, Dataset]:
    task = get_task("locomo")
    return task, task.load(FILES / "locomo.json", options or Options())


def run(tools: Tools, log: RunLog, *recipes: str, seed: int = 0) -> list[Run]:
    options = Options(seed=seed)
    task, dataset = locomo(options)
    return run_task(task, dataset, get_recipes(recipes), options=options, tools=tools, log=log)


def test_bm25_agrees_with_the_formula_by_hand(tools: Tools) -> None:
    hits = dict(subject("bm25", tools, messages()).ask(asked(), 5).hits)
    counts = [Counter(tools.analyser.terms(text)) for text in TEXTS]
    mean = sum(sum(count.values()) for count in counts) / 5
    idf = math.log(1 + (5 - 3 + 0.5) / (3 + 0.5))
    for number, count in enumerate(counts):
        times = count["kite"]
        expected = idf * times * 2.2 / (times + 1.2 * (0.25 + 0.75 * sum(count.values()) / mean)) if times else None
        assert hits.get(f"m{number}") == (pytest.approx(expected) if expected else None)


def test_dense_ranks_by_the_best_passage(tools: Tools) -> None:
    hits = subject("dense", tools, messages()).ask(asked("the kite is torn"), 5).hits
    vectors = tools.embedder.embed(TEXTS)
    cosines = vectors @ tools.embedder.embed(["the kite is torn"])[0]
    assert [ref for ref, _ in hits] == [f"m{number}" for number in np.argsort(-cosines, kind="stable")]
    assert hits[0] == ("m2", pytest.approx(1.0, abs=1e-5))


def test_four_sum_agrees_with_the_obvious_version(tools: Tools) -> None:
    fed = messages()
    hits = dict(subject("four-sum", tools, fed).ask(asked(), 5).hits)
    cosines = (tools.embedder.embed(TEXTS) @ tools.embedder.embed(["kite"])[0]).astype(float)
    places = [[0, 1, 2], [0, 1, 2], [0, 1, 2], [3, 4], [3, 4]]
    near = [[0, 1], [0, 1, 2], [1, 2], [3, 4], [3, 4]]
    means = np.array([np.mean([cosines[i] for i in group]) for group in near])
    own = Corpus(tools.embedder, tools.analyser)
    own.add(fed)
    windows = Corpus(tools.embedder, tools.analyser)
    windows.add([Message(text=" ".join(TEXTS[i] for i in group), ref=str(number)) for number, group in enumerate(places)])
    total = z_scores(cosines) + z_scores(means) + z_scores(own.bm25("kite")) + z_scores(windows.bm25("kite"))
    assert [hits[f"m{number}"] for number in range(5)] == pytest.approx(total.tolist(), abs=1e-5)


def test_rank_fusion_sums_reciprocal_ranks(tools: Tools) -> None:
    fed = messages()
    hits = dict(subject("hybrid-rrf", tools, fed).ask(asked(), 5).hits)
    words = [ref for ref, _ in subject("bm25", tools, fed).ask(asked(), 5).hits]
    vectors = [ref for ref, _ in subject("dense", tools, fed).ask(asked(), 5).hits]
    for ref, score in hits.items():
        assert score == pytest.approx(sum(1 / (61 + order.index(ref)) for order in (words, vectors) if ref in order))


def test_session_dense_keeps_sessions_whole_and_in_order(tools: Tools) -> None:
    answer = subject("session-dense", tools, messages()).ask(asked("we sail to the island"), 5)
    assert [ref for ref, _ in answer.hits] == ["m3", "m4", "m0", "m1", "m2"]
    assert answer.sessions == ["s2", "s1"]


def test_full_context_is_everything_and_loses_its_old_end_first(tools: Tools) -> None:
    made = subject("full-context", tools, messages())
    assert set(made.pack(asked(), 1000).refs) == {"m0", "m1", "m2", "m3", "m4"}
    assert next(iter(made.pack(asked(), 15).refs)) == "m4"


def test_random_follows_the_seed_and_the_question(tools: Tools) -> None:
    fed = messages()
    first = subject("random", tools, fed).ask(asked(), 5)
    assert subject("random", tools, fed).ask(asked(), 5).hits == first.hits
    assert subject("random", replace(tools, seed=1), fed).ask(asked(), 5).hits != first.hits
    assert subject("random", tools, fed).ask(Asked(id="other", text="kite"), 5).hits != first.hits


def test_captions_and_authors_are_searched() -> None:
    message = Message(text="Look.", author="Ida", media=(Media(uri="x", caption="an otter"),))
    assert indexed_text(message) == "Ida: Look.\nan otter"
    assert context_line(message) == "Ida: Look.\nan otter"


def test_contexts_keep_to_the_budget_and_pass_over_what_does_not_fit() -> None:
    assert fill(["a", "b", "c"], {"a": 6, "b": 9, "c": 4}, 10) == Context(refs=["a", "c"], tokens=10)
    assert fill(["a"], {"a": 6}, 5) == Context(refs=[], tokens=0)


def test_an_empty_corpus_has_no_hits(tools: Tools) -> None:
    made = BASELINES["four-sum"].build(tools, Sample(id="s", messages=(), questions=()))
    assert made.ask(asked(), 5).hits == []


def test_every_message_is_logged_with_its_hits_gold_and_times(tools: Tools, tmp_path: Path) -> None:
    log = RunLog(tmp_path / "log")
    done = run(tools, log, "bm25")[0]
    assert list(log.read("locomo", "bm25")) == list(done.records)
    outcome = done.records[0].outcomes[0]
    assert outcome.gold == {"D1:1": 1}
    assert outcome.hits[0][0] == "D1:1"
    assert set(outcome.stages_ms) == {"search", "total"}
    assert set(outcome.packed) == {500, 1000, 2000}
    assert all(tokens <= budget for budget, tokens in outcome.packed_tokens.items())
    assert done.records[0].outcomes[4].gold == {}
    assert done.records[0].tokens > 20


def test_what_the_log_has_is_not_run_again(tools: Tools, tmp_path: Path) -> None:
    log = RunLog(tmp_path / "log")
    first = run(tools, log, "bm25")
    size = (tmp_path / "log/locomo/bm25.jsonl").stat().st_size
    assert run(tools, log, "bm25") == first
    assert (tmp_path / "log/locomo/bm25.jsonl").stat().st_size == size
    run(tools, log, "bm25", seed=1)
    assert (tmp_path / "log/locomo/bm25.jsonl").stat().st_size > size


def test_a_run_that_was_cut_short_continues_where_it_stopped(tools: Tools, tmp_path: Path) -> None:
    log, task = RunLog(tmp_path / "log"), get_task("babi")
    dataset = task.load(FILES / "babi", Options())
    whole = run_task(task, dataset, get_recipes(["bm25"]), options=Options(), tools=tools, log=log)
    path = tmp_path / "log/babi/bm25.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:40])
    seen: list[str] = []
    again = run_task(
        task, dataset, get_recipes(["bm25"]), options=Options(), tools=tools, log=log, progress=lambda *step: seen.append(step[1])
    )
    assert seen == ["qa1/0", "qa1/1", "qa2/0"]
    assert again[0].records[0] == whole[0].records[0]
    assert [record.sample for record in log.latest("babi", "bm25")] == ["qa1/0", "qa1/1", "qa2/0"]
    assert summarise(task.metrics, again[0].records) == summarise(task.metrics, whole[0].records)


def test_questions_see_only_what_was_fed_before_them(tools: Tools, tmp_path: Path) -> None:
    task = get_task("babi")
    done = run_task(
        task,
        task.load(FILES / "babi", Options()),
        get_recipes(["full-context"]),
        options=Options(),
        tools=tools,
        log=RunLog(tmp_path / "log"),
    )
    first = done[0].records[0].outcomes
    assert [[ref for ref, _ in outcome.hits] for outcome in first] == [["2", "1"], ["4", "2", "1"]]


class _Broken:
    def feed(self, fed: Sequence[Message]) -> None:
        raise RuntimeError("out of paper")

    def ask(self, asked: Asked, k: int) -> Answer:
        raise NotImplementedError

    def pack(self, asked: Asked, budget_tokens: int) -> Context:
        raise NotImplementedError

    def close(self) -> None:
        pass


def test_a_failing_sample_is_logged_counted_and_run_again(tools: Tools, tmp_path: Path) -> None:
    broken = Recipe(name="broken", summary="", build=lambda tools, sample: _Broken(), spec={})
    log, (task, dataset) = RunLog(tmp_path / "log"), locomo()
    done = run_task(task, dataset, [broken], options=Options(), tools=tools, log=log)
    assert "out of paper" in failures(done)[0].error
    assert summarise(task.metrics, done[0].records)["by"] == {category: {} for category in "12345"}
    assert log.done(done[0].key) == {}


def test_hits_on_derived_memories_count_for_their_message(tools: Tools, tmp_path: Path) -> None:
    task = get_task("multihop")
    options = Options(triples=True)
    done = run_task(
        task, task.load(FILES / "multihop", options), get_recipes(["bm25"]), options=options, tools=tools, log=RunLog(tmp_path / "log")
    )
    refs = [ref for ref, _ in done[0].records[0].outcomes[0].hits]
    assert len(set(refs)) == len(refs)
    assert not any("#" in ref for ref in refs)


def test_figures_have_the_published_form(tools: Tools, tmp_path: Path) -> None:
    task = get_task("locomo")
    document: dict[str, Any] = to_json(task.metrics, run(tools, RunLog(tmp_path / "log"), "oracle", "random"))
    assert {"task", "data_sha256", "commit", "recipes"} <= set(document)
    oracle = document["recipes"]["oracle"]
    assert oracle["recall@10"] == {"mean": 1.0, "lo": 1.0, "hi": 1.0, "n": 3, "of": 5}
    assert oracle["by"]["1"]["recall@1"]["mean"] == 0.5
    assert oracle["by"]["5"] == {}
    assert oracle["coverage@500"]["mean"] == 1.0
    assert {metric.name for metric in task.metrics} <= set(oracle)


def test_the_oracle_finds_sessions_when_only_they_are_labelled(tools: Tools) -> None:
    question = Question(id="q", text="?", category="c", gold_sessions=frozenset({"s2"}))
    made = BASELINES["oracle"].build(tools, Sample(id="s", messages=(), questions=(question,)))
    made.feed(messages())
    assert [ref for ref, _ in made.ask(asked(), 5).hits] == ["m3", "m4"]


def test_recipes_are_found_by_name_baselines_first() -> None:
    assert recipe_names()[:8] == ["bm25", "dense", "hybrid-rrf", "four-sum", "session-dense", "full-context", "random", "oracle"]
    assert "default" in recipe_names()
    assert get_recipe("engine:default").name == "engine:default"
    with pytest.raises(UnknownComponent, match="bm25"):
        get_recipe("bm2")


def test_the_engine_plugs_in(tools: Tools, tmp_path: Path) -> None:
    task = get_task("locomo")
    done = run(tools, RunLog(tmp_path / "log"), "default")
    assert failures(done) == []
    outcome = done[0].records[0].outcomes[0]
    assert {ref for ref, _ in outcome.hits} == {"D1:1", "D1:2", "D1:3", "D2:1", "D2:2"}
    assert outcome.packed[2000]
    assert "total" in outcome.stages_ms
    assert len(outcome.stages_ms) > 1
    assert summarise(task.metrics, done[0].records)["recall@10"]["mean"] == 1.0


def test_a_task_of_ones_own_needs_no_registration(tools: Tools, tmp_path: Path) -> None:
    question = Question(id="q", text="kite", category="c", gold={"m2": 1})
    dataset = Dataset(samples=(Sample(id="s", messages=tuple(messages()), questions=(question,)),), sha256="0" * 64)
    task = Task(name="own", summary="", load=lambda path, options: dataset, metrics=names("recall@1"), depth=5)
    done = run_task(task, dataset, get_recipes(["oracle"]), options=Options(), tools=tools, log=RunLog(tmp_path / "log"))
    assert summarise(task.metrics, done[0].records)["recall@1"]["mean"] == 1.0


@pytest.mark.parametrize("name", list(PATHS))
def test_every_task_runs_from_file_to_figures(name: str, tools: Tools, tmp_path: Path) -> None:
    task = get_task(name)
    dataset = task.load(FILES / PATHS[name], Options())
    done = run_task(
        task, dataset, get_recipes(["four-sum", "oracle", "default"]), options=Options(), tools=tools, log=RunLog(tmp_path / "log")
    )
    assert [record.error for record in failures(done)] == []
    figures = [summarise(task.metrics, one.records) for one in done]
    for metric in task.metrics:
        if metric.name in figures[1] and metric.kind not in {"map", "coverage", "recall"}:
            oracle, engine = figures[1][metric.name]["mean"], figures[2][metric.name]["mean"]
            assert (oracle <= engine) if metric.lower_is_better else (oracle >= engine)
    assert any(metric.name in figures[0] for metric in task.metrics)
