"""The command line: run, compare, report, list, verify, each on small files of our own."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mneme.arena.claims import Claim, judge, read_claims
from mneme.arena.commands import arena
from mneme.arena.compare import compare
from mneme.arena.log import Outcome, Record, RunKey, RunLog
from mneme.arena.metrics import Metric
from mneme.arena.plots import Point, Series, bar_chart, line_chart
from mneme.arena.task import Options
from mneme.arena.tasks import get_task
from mneme.core.errors import InvalidInput, UnknownComponent

FILES = Path(__file__).parent / "data"


class Arena:
    """Runs commands with logs and cache in a folder of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, fails: bool = False, cache: bool = False) -> Result:
        extra = ["--logs", str(self.folder / "logs")] if arguments[0] != "list" else []
        extra += ["--cache", str(self.folder / "cache")] if cache else []
        extra += ["--jobs", "1"] if arguments[0] == "run" and "--jobs" not in arguments else []
        result = CliRunner().invoke(arena, [*arguments, *extra])
        if not fails and result.exception is not None:
            raise result.exception
        return result

    def run(self, task: str, file: str, recipes: str, *more: str) -> dict[str, Any]:
        self("run", task, "--data", str(FILES / file), "--recipe", recipes, "--json", str(self.folder / "out.json"), *more, cache=True)
        document: dict[str, Any] = json.loads((self.folder / "out.json").read_text())
        return document


@pytest.fixture
def cli(tmp_path: Path) -> Arena:
    return Arena(tmp_path)


def test_run_writes_figures_and_prints_a_table(cli: Arena) -> None:
    result = cli("run", "locomo", "--data", str(FILES / "locomo.json"), "--recipe", "bm25,oracle,bm25", "--json", "-", cache=True)
    document = json.loads(result.stdout)
    assert list(document["recipes"]) == ["bm25", "oracle"]
    assert document["task"] == "locomo"
    shown = cli("run", "locomo", "--data", str(FILES / "locomo.json"), "--recipe", "bm25,oracle", cache=True).stdout
    assert "recall@10 by category" in shown
    assert "3/5" in shown


def test_pooled_runs_are_of_their_own(cli: Arena) -> None:
    apart = cli.run("longmemeval", "longmemeval.json", "full-context")
    pooled = cli.run("longmemeval", "longmemeval.json", "full-context", "--pooled")
    assert apart["recipes"]["full-context"]["recall_all@1"]["mean"] == 0.0
    assert apart["recipes"]["full-context"]["recall_all@5"]["mean"] == 1.0
    assert apart["recipes"]["full-context"]["recall@1"]["of"] == 2
    assert (apart["options"]["pooled"], pooled["options"]["pooled"]) == (False, True)


def test_samples_side_by_side_give_the_same_figures(cli: Arena) -> None:
    here = cli.run("babi", "babi", "bm25")
    (cli.folder / "logs/babi/bm25.jsonl").unlink()
    assert cli.run("babi", "babi", "bm25", "--jobs", "2") == here
    assert len((cli.folder / "logs/babi/bm25.jsonl").read_bytes().splitlines()) == 3


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A folder with the files of three tasks where each expects them; two ship with what a model made of the messages."""
    root = tmp_path / "release"
    for name, folder in (("multihop", "multihop"), ("beam", "beam/100K")):
        shutil.copytree(FILES / name, root / folder)
    (root / "locomo").mkdir()
    conversation = json.loads((FILES / "locomo.json").read_text())
    conversation[0]["observation"] = {"session_1_observation": {"Ida": [["Ida owns a kayak.", "D1:1"], ["Vera bakes.", ["D1:3", "D1:2"]]]}}
    conversation[0]["event_summary"] = {"events_session_1": {"Ida": ["Ida buys a kayak."], "date": "30 May, 2024"}}
    (root / "locomo/locomo.json").write_text(json.dumps(conversation))
    return root


def test_several_tasks_and_recipes_are_one_run_with_and_without_given_facts(cli: Arena, release: Path) -> None:
    arguments = (
        "run",
        "locomo,multihop,beam",
        "--data",
        str(release),
        "--recipe",
        "default,hipporag2",
        "--also-given",
        "--budgets",
        "1000",
    )
    cli(*arguments, "--json", str(cli.folder / "all.json"), cache=True)
    documents = json.loads((cli.folder / "all.json").read_text())
    assert [(one["task"], one["options"]["triples"]) for one in documents] == [
        ("locomo", False), ("locomo", True), ("multihop", False), ("multihop", True), ("beam", False),
    ]  # fmt: skip
    assert all(list(one["recipes"]) == ["default", "hipporag2"] for one in documents)
    assert documents[0]["options"]["budgets"] == [1000]
    size = (cli.folder / "logs/locomo/default.jsonl").stat().st_size
    cli(*arguments, "--jobs", "2", cache=True)
    assert (cli.folder / "logs/locomo/default.jsonl").stat().st_size == size
    rows = [json.loads(line) for line in (cli.folder / "logs/locomo/default.jsonl").read_text().splitlines()]
    assert [(row["messages"], row["memories"]) for row in rows] == [(5, 5), (5, 8)]
    assert all(row["bytes"] > 10_000 and row["feed_cpu_ms"] > 0 for row in rows)
    page = cli.folder / "measured.md"
    cli("table", "locomo,multihop,beam", "--out", str(page))
    text = page.read_text()
    titles = ["locomo", "locomo, given facts", "multihop", "multihop, given facts", "beam"]
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == ["All tasks", "Against default", *titles]
    assert text.count("| hipporag2 |") == 6
    assert "against default without" in text
    report = cli.folder / "report.html"
    cli("report", "--out", str(report))
    assert 'id="locomo-given-facts"' in report.read_text()
    assert "What a message costs" in report.read_text()
    given = json.loads(cli("compare", "locomo", "--given", "--json").stdout)
    assert given["rows"][0]["n"] == 3


def test_a_hit_on_a_given_fact_counts_for_its_turn_and_one_on_an_event_for_none(release: Path) -> None:
    sample = get_task("locomo").load(release / "locomo/locomo.json", Options(triples=True)).samples[0]
    brought = [(message.ref, message.session, message.text) for message in sample.messages[5:]]
    assert brought == [
        ("D1:1#session_1_observation/Ida/0", "session_1", "Ida owns a kayak."),
        ("D1:3#session_1_observation/Ida/1", "session_1", "Vera bakes."),
        ("session_1#Ida/0", "session_1", "Ida buys a kayak."),
    ]


def test_tasks_whose_files_are_missing_are_named_before_anything_runs(cli: Arena, release: Path) -> None:
    told = str(cli("run", "locomo,babi", "--data", str(release), "--recipe", "bm25", fails=True, cache=True).exception)
    assert "data of babi" in told
    assert "data of locomo" not in told
    assert "token counts" in str(
        cli("run", "locomo", "--data", str(release), "--recipe", "bm25", "--budgets", "0", fails=True, cache=True).exception
    )


def test_a_whole_run_by_other_code_counts_as_done_when_asked_for(cli: Arena) -> None:
    cli.run("babi", "babi", "bm25")
    path = cli.folder / "logs/babi/bm25.jsonl"
    older = [json.loads(line) for line in path.read_text().splitlines()]
    for row in older:
        row["run"]["commit"] = "older"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in older))
    cli.run("babi", "babi", "bm25", "--any-code")
    assert len(path.read_text().splitlines()) == 3
    cli.run("babi", "babi", "bm25")
    assert len(path.read_text().splitlines()) == 6
    path.write_text("".join(f"{json.dumps(row)}\n" for row in older[:2]))
    cli.run("babi", "babi", "bm25", "--any-code")
    assert len(path.read_text().splitlines()) == 5


def test_unknown_names_are_refused_before_anything_runs(cli: Arena) -> None:
    assert isinstance(cli("run", "locomo", "--data", "x", "--recipe", "bm52", fails=True, cache=True).exception, UnknownComponent)
    assert isinstance(cli("run", "locoma", "--data", "x", "--recipe", "bm25", fails=True, cache=True).exception, UnknownComponent)
    assert isinstance(cli("run", "locomo", "--data", "/nowhere", "--recipe", "bm25", fails=True, cache=True).exception, InvalidInput)


@pytest.mark.parametrize("absolute", [True, False])
def test_recipes_of_a_file_and_of_a_family_are_run_under_the_names_they_were_asked_for(
    cli: Arena, tmp_path: Path, absolute: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\nchannels = ["lexical"]\nranker = "weighted-sum"\n')
    mine, cell = str(file) if absolute else "mine.toml", "structural-memory:chunks:single-step"
    figures = cli.run("locomo", "locomo.json", f"{mine},{cell}", "--budgets", "none")["recipes"]
    assert set(figures) == {mine, cell}
    rows = json.loads(cli("compare", "locomo", "--json").stdout)["rows"]
    assert {row["recipe"] for row in rows} == {cell}
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".jsonl"] == []
    before = len(list(RunLog(tmp_path / "logs").read("locomo", mine)))
    file.write_text('name = "mine"\nchannels = ["lexical"]\nranker = "weighted-sum"\nrefiners = ["contiguity"]\n')
    cli.run("locomo", "locomo.json", mine, "--budgets", "none")
    assert len(list(RunLog(tmp_path / "logs").read("locomo", mine))) == 2 * before > 0  # a file that says something else is run anew
    file.write_text("name = 3")
    told = cli("run", "locomo", "--data", str(FILES / "locomo.json"), "--recipe", mine, fails=True, cache=True).exception
    assert isinstance(told, InvalidInput)


def test_list_names_tasks_metrics_and_recipes() -> None:
    listed = json.loads(CliRunner().invoke(arena, ["list", "--json"]).stdout)
    assert len(listed["tasks"]) == 12
    assert listed["tasks"]["factconsolidation"]["metrics"][:2] == ["current_first", "stale_above_current"]
    assert "four-sum" in listed["recipes"]
    assert "interference" in CliRunner().invoke(arena, ["list"]).stdout


def test_compare_pairs_questions_of_the_newest_runs(cli: Arena) -> None:
    cli.run("locomo", "locomo.json", "oracle,full-context")
    rows = json.loads(cli("compare", "locomo", "--baseline", "full-context", "--metric", "recall@1", "--json").stdout)["rows"]
    overall = rows[0]
    assert (overall["recipe"], overall["category"], overall["n"]) == ("oracle", "all", 3)
    assert overall["difference"] == pytest.approx((1 + 0.5 + 1 - 0.5) / 3)
    assert {row["category"] for row in rows} == {"all", "1", "2", "4"}
    assert "full-context" in cli("compare", "locomo").stdout


def test_compare_says_what_has_not_been_run(cli: Arena) -> None:
    assert "run it first" in str(cli("compare", "locomo", "--recipe", "bm25", fails=True).exception)
    cli.run("locomo", "locomo.json", "bm25")
    assert "does not measure" in str(cli("compare", "locomo", "--metric", "recall@7", fails=True).exception)
    assert "no run of 'dense'" in str(cli("compare", "locomo", "--baseline", "dense", fails=True).exception)


def _records(name: str, values: list[float], category: str = "c") -> list[Record]:
    key = RunKey(task="t", options={}, data_sha256="d", recipe=name, spec={}, seed=0, commit="x")
    outcomes = [
        Outcome(id=str(number), category=category, gold={"g": 1}, hits=[("g", 1.0)] if value else [("h", 1.0)])
        for number, value in enumerate(values)
    ]
    return [Record(key=key, sample="s", content="", at="", messages=1, tokens=1, feed_ms=0.0, outcomes=outcomes)]


def test_a_real_difference_is_significant_after_correction_and_noise_is_not() -> None:
    base, better, same = [0.0, 1.0] * 40, [1.0, 1.0] * 40, [1.0, 0.0] * 40
    records = {"base": _records("base", base), "better": _records("better", better), "same": _records("same", same)}
    found = {row.recipe: row for row in compare(Metric.parse("recall@1"), records, baseline="base", by_category=False)}
    assert (found["better"].difference, found["better"].wins, found["better"].losses) == (0.5, 40, 0)
    assert found["better"].significant
    assert found["better"].p_holm == pytest.approx(2 * found["better"].p)
    assert (found["same"].difference, found["same"].p_holm, found["same"].significant) == (0.0, 1.0, False)
    assert found["better"].lo < 0.5 < found["better"].hi


def test_runs_on_different_data_are_not_compared() -> None:
    other = [Record(**{**{name: getattr(_records("b", [1.0])[0], name) for name in Record.__slots__}, "key": RunKey(
        task="t", options={}, data_sha256="other", recipe="b", spec={}, seed=0, commit="x")})]  # fmt: skip
    with pytest.raises(InvalidInput, match="different data"):
        compare(Metric.parse("recall@1"), {"a": _records("a", [1.0]), "b": other}, baseline="a")


class _Page(HTMLParser):
    """Checks that tags nest, and collects what a page would fetch and what a screen reader needs."""

    VOID = frozenset({"meta", "line", "circle", "rect", "polyline", "polygon", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.charts = 0
        self.titled = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.fetched += [value for name in ("src", "href") if (value := named.get(name)) and not value.startswith("#")]
        self.fetched += [tag] if tag in {"script", "link", "iframe", "img"} else []
        if tag == "svg" and named.get("role") == "img":
            self.charts += 1
        if tag == "title" and self.open and self.open[-1] == "svg":
            self.titled += 1
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1] in self.VOID and self.open[-1] != tag:
            self.open.pop()
        assert self.open.pop() == tag


def test_the_report_is_one_page_that_fetches_nothing_and_describes_its_charts(cli: Arena) -> None:
    cli.run("locomo", "locomo.json", "bm25,full-context,oracle")
    cli.run("factconsolidation", "factconsolidation.json", "bm25")
    target = cli.folder / "report.html"
    assert cli("report", "--out", str(target)).stdout.strip() == str(target)
    text = target.read_text()
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert page.fetched == []
    assert page.charts == page.titled >= 5
    assert "http" not in text
    assert "url(" not in text
    assert "prefers-color-scheme: dark" in text
    for heading in ("Recall against k", "Recall against tokens", "Latency against corpus size", "recall@10 by category", "Against "):
        assert heading in text
    assert text.index('id="locomo"') < text.index('id="factconsolidation"')


def test_a_report_of_nothing_says_what_to_do(cli: Arena) -> None:
    assert "mneme arena run" in str(cli("report", fails=True).exception)


def test_charts_escape_names_and_keep_points_inside() -> None:
    points = [Point(x=1, y=0.2, lo=0.1, hi=0.3), Point(x=50, y=1.4, lo=0.9, hi=2.0)]
    chart = line_chart("a <b> & c", [Series(name='"x"<y>', points=points)], x_label="k", y_label="recall")
    assert "<b>" not in chart
    assert "<y>" not in chart
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', chart)]
    assert all(0 <= y <= 360 for y in heights)
    assert heights[1] < heights[0]
    bars = bar_chart("t", ["one", "two"], [Series(name="r", points=[Point(x=1, y=0.5, lo=0.4, hi=0.6)])], y_label="recall")
    assert bars.count("<rect") == 1


CLAIM = """claims:
  - id: oracle-finds-all
    task: locomo
    recipe: oracle
    data: locomo.json
    metric: recall@10
    expected: {expected}
    tolerance: 0.05
    command: mneme arena run locomo --data $MNEME_DATA/locomo.json --recipe oracle
  - id: by-category
    task: locomo
    recipe: oracle
    data: locomo.json
    metric: recall@1
    by: 1
    expected: 0.5
    tolerance: 0.01
    command: mneme arena run locomo --data $MNEME_DATA/locomo.json --recipe oracle
  - id: not-here
    task: locomo
    recipe: oracle
    data: elsewhere.json
    metric: recall@10
    expected: 1
    tolerance: 0.05
    command: mneme arena run locomo --data $MNEME_DATA/elsewhere.json --recipe oracle
"""


@pytest.mark.parametrize(("expected", "status", "code"), [(0.97, "OK", 0), (0.92, "NEAR", 0), (0.85, "FAIL", 1)])
def test_verify_reruns_claims_and_says_how_near_they_are(cli: Arena, expected: float, status: str, code: int) -> None:
    claims = cli.folder / "claims"
    claims.mkdir()
    (claims / "locomo.yaml").write_text(CLAIM.format(expected=expected))
    result = cli("verify", str(claims), "--data", str(FILES), "--json", fails=True, cache=True)
    found = {row["id"]: row for row in json.loads(result.stdout)}
    assert result.exit_code == code
    assert found["oracle-finds-all"]["status"] == status
    assert found["oracle-finds-all"]["measured"] == 1.0
    assert found["by-category"]["status"] == "OK"
    assert found["not-here"]["status"] == "SKIP"
    assert "no data at" in found["not-here"]["reason"]
    assert f"1 {status}" in cli("verify", str(claims), "--data", str(FILES), fails=True, cache=True).stdout or status == "OK"


def test_verify_needs_a_data_root(cli: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNEME_DATA", raising=False)
    assert "MNEME_DATA" in str(cli("verify", str(cli.folder), fails=True, cache=True).exception)


def test_bad_claims_name_every_bad_field(tmp_path: Path) -> None:
    row = "{id: a, task: locomo, recipe: bm25, data: x, metric: m, expected: high, tolerance: 0.1, colour: red, pooled: 1}"
    (tmp_path / "bad.yaml").write_text(f"claims:\n  - {row}\n  - 3\n")
    with pytest.raises(InvalidInput) as caught:
        read_claims(tmp_path)
    text = str(caught.value)
    for part in (
        "claim 1, expected: must be int or float",
        "claim 1, colour: is not a field",
        "claim 1, command: is missing",
        "claim 1, pooled",
        "claim 2",
    ):
        assert part in text


@pytest.mark.parametrize(("content", "says"), [("claims: [", "not YAML"), ("other: []", "no list named claims")])
def test_a_file_that_is_no_claims_file_is_refused(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "x.yaml").write_text(content)
    with pytest.raises(InvalidInput, match=says):
        read_claims(tmp_path)


def test_an_id_that_is_used_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(CLAIM.format(expected=1))
    (tmp_path / "b.yaml").write_text(CLAIM.format(expected=1))
    with pytest.raises(InvalidInput, match="used twice"):
        read_claims(tmp_path)


@pytest.mark.parametrize(
    ("measured", "status"),
    [(0.70, "OK"), (0.72, "OK"), (0.68, "OK"), (0.74, "NEAR"), (0.7401, "FAIL"), (0.0, "FAIL")],
)
def test_verdicts_follow_the_tolerance(measured: float, status: str) -> None:
    claim = Claim(id="c", task="t", recipe="r", data="d", metric="m", expected=0.70, tolerance=0.02, command="x")
    assert judge(claim, measured).status == status
