"""The retention simulation on a made-up conversation: budgets are held, the figures add up, the tests are paired, the page draws them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from mneme import Memory
from mneme.arena import curves
from mneme.arena.claims import Claim, verify
from mneme.arena.commands import arena
from mneme.arena.log import RunLog
from mneme.arena.parallel import make_tools
from mneme.arena.report import build_report
from mneme.arena.retention import MEASURES, POLICIES, TARGETS, bearing_words, compared, content_words, relative, simulate, trial
from mneme.arena.retention_report import documents, sections
from mneme.arena.simulation import figures, table
from mneme.arena.stream import charts, document, read, stream, summary
from mneme.arena.task import Options, Question, Sample
from mneme.arena.tasks import get_task
from mneme.arena.worth import auc, fit, labelled
from mneme.core.clock import FrozenClock
from mneme.core.errors import InvalidInput
from mneme.core.records import Message
from mneme.models.embedder import resolve_embedder
from mneme.retention.worth import DEFAULT_WEIGHTS

START = datetime(2024, 1, 1, tzinfo=UTC)
TALK = ("Hello there!", "Thanks a lot!", "Wow, that is great!", "Sounds good.", "See you soon!")


def sample(days: int = 24) -> Sample:
    messages, questions = [], []
    for number in range(days):
        at = START + timedelta(days=number)
        text = f"I bought {number + 3} lamps in shop {chr(65 + number)}quor on 3 May."
        messages.append(Message(text=text, at=at, session=f"s{number}", ref=f"f{number}"))
        friend = f"{chr(97 + number)}olo"
        talk = [f"{said} Dear {friend}." for said in TALK]
        messages += [Message(text=said, at=at, session=f"s{number}", ref=f"t{number}-{n}") for n, said in enumerate(talk)]
        question = f"How many lamps did you buy in shop {chr(65 + number)}quor?"
        questions.append(Question(id=f"q{number}", text=question, category="x", gold={f"f{number}": 1}, answer=f"{number + 3}"))
    return Sample(id="made-up", messages=tuple(messages), questions=tuple(questions))


def test_small_talk_goes_and_facts_stay_where_fifo_forgets_them() -> None:
    outcomes = simulate([sample()], resolve_embedder("hash"), policies=("value", "fifo"), shares=(0.6,))
    by = {outcome.policy: outcome for outcome in outcomes}
    assert by["value"].mean("kept").mean == 1.0
    assert by["value"].mean("kept_content").mean == 1.0
    assert by["fifo"].mean("kept").mean < 0.8
    assert all(outcome.left <= 0.61 for outcome in outcomes if outcome.policy != "unlimited")
    assert relative(outcomes)["unlimited", 1.0] == 1.0
    assert compared(outcomes)["fifo", 0.6] < 0.05
    rows = figures(outcomes)
    assert [(row["policy"], row["share"]) for row in rows] == [("unlimited", 1.0), ("value", 0.6), ("fifo", 0.6)]
    assert "| 60% | value |" in table({"rows": rows})


def test_a_part_of_a_message_counts_as_found_but_not_for_the_words_that_it_lost() -> None:
    text = "Hello again my dear! I wrote down on 3 May that my kayak has number 4471. Songs are lovely on the way back home."
    messages = (
        Message(text=text, at=START, session="a", ref="m0"),
        Message(text="Fine!", at=START + timedelta(days=1), session="b", ref="m1"),
    )
    asked = {"songs": "songs on the way back home", "serial": "4471"}
    questions = tuple(
        Question(id=name, text="What about the kayak?", category="x", gold={"m0": 1}, answer=answer) for name, answer in asked.items()
    )
    found = trial(Sample(id="one", messages=messages, questions=questions), resolve_embedder("hash"), "value", 0.6)
    by = {score.question: score for score in found.scores}
    assert by["serial"].recall == by["songs"].recall == 1.0
    assert by["serial"].content == 1.0
    assert by["songs"].content < 1.0


def test_bearing_words_are_the_answer_s_then_the_question_s_then_all() -> None:
    every = content_words("I adopted the grey cat Miso in Porto.")
    question = Question(id="q", text="Where is the cat from?", category="x", answer="from Porto")
    assert bearing_words(question, every) == {"porto"}
    assert bearing_words(replace(question, answer="Lisbon"), every) == {"cat"}
    assert bearing_words(replace(question, answer="Lisbon", text="Who?"), every) == every


def test_weights_fitted_on_some_conversations_tell_the_answers_of_another() -> None:
    parts = [labelled(replace(sample(6 + number), id=str(number))) for number in range(3)]
    weights = fit([parts[:2]])
    assert set(weights) == set(DEFAULT_WEIGHTS)
    assert weights["length"] == 0.0
    assert (auc(weights, parts[2]) or 0) > 0.95


def test_a_short_stream_is_held_to_its_limit_and_keeps_what_was_planted(tmp_path: Path) -> None:
    months = stream(tmp_path, "hash", messages=360, months=6, most=60, asked=5)
    assert [month.number for month in months] == [1, 2, 3, 4, 5, 6]
    assert all(month.active <= 60 for month in months)
    assert months[-1].found >= 0.8
    assert all("<svg" in svg for _, svg in charts(months))
    made = orjson.loads(orjson.dumps(document(months, messages=360, most=60, embedder="hash")))
    assert read(made) == months
    assert summary(made).startswith("360 messages over 6 months, held to 60 memories: ")


def test_the_curves_are_their_closed_forms() -> None:
    found = curves.charts()
    assert [chart.heading.split(",")[0] for chart in found[:4]] == ["Exponential", "Half-life", "FSRS-6", "Layered decay"]
    assert all(chart.off is not None and chart.off < 1e-6 for chart in found[:4])


def test_simulate_writes_figures_that_the_report_draws(tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--policies", "value,fifo", "--shares", "50", "--jobs", "1", "--embedder", "hash"]
    options += ["--out", str(out), "--cache", str(tmp_path / "cache")]
    data = Path(__file__).parent / "data" / "locomo.json"
    ran = CliRunner().invoke(arena, ["simulate", "locomo", "--data", str(data), *options], catch_exceptions=False)
    assert ran.exit_code == 0
    assert "| 50% | fifo |" in ran.output
    again = CliRunner().invoke(arena, ["simulate", "locomo", "--data", str(data), *options], catch_exceptions=False)
    assert again.output == ran.output
    assert len((out / "locomo.trials.jsonl").read_bytes().splitlines()) == 3 * len(get_task("locomo").load(data, Options()).samples)
    page = build_report(RunLog(tmp_path / "logs"), extra=sections(documents(out)))
    assert '<section id="retention-locomo">' in page
    assert '<section id="forgetting-curves">' in page
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--shares", "120"], "shares"),
        (["--shares", "many"], "shares"),
        (["--folds", "1"], "folds"),
        (["--policies", "oldest"], "oldest"),
    ],
)
def test_bad_options_of_simulate_are_named(tmp_path: Path, options: list[str], names: str) -> None:
    with pytest.raises((InvalidInput, LookupError, ValueError), match=names):
        CliRunner().invoke(arena, ["simulate", "locomo", "--data", str(tmp_path), *options], catch_exceptions=False)


def test_every_condition_has_a_name_and_every_target_a_share() -> None:
    assert POLICIES[0] == "value"
    assert set(TARGETS) == {0.5, 0.25, 0.1}
    assert MEASURES[:2] == ("recall", "content")


def test_what_is_old_judged_useless_and_the_only_answer_is_found_as_before(data_dir: Path) -> None:
    """On a real conversation: every gold message of a dozen questions is called useless, five years pass, and recall stays."""
    conversation = get_task("locomo").load(data_dir / "locomo" / "locomo.json", Options(limit=1)).samples[0]
    asked = [question for question in conversation.questions if len(question.gold) == 1][:30]
    clock = FrozenClock(START)
    with Memory(":memory:", embedder="hash", clock=clock, seed=1) as memory:
        space = memory.space("a")
        receipt = space.remember(conversation.messages)
        id_of = dict(zip((message.ref for message in conversation.messages), receipt.ids, strict=True))
        clock.advance(days=1)

        def found() -> list[bool]:
            return [id_of[next(iter(q.gold))] in {hit.memory.id for hit in space.recall(q.text, k=10).hits} for q in asked]

        before = found()
        for question in asked:
            hits = space.recall(question.text, k=50)
            wanted = [hit.memory.id for hit in hits.hits if hit.memory.ref in question.gold]
            space.feedback(hits, useless=wanted)
        clock.advance(days=5 * 365)
        after = found()
    assert sum(before) >= 15
    assert sum(after) >= sum(before) - 1


def test_a_claim_about_the_simulation_is_rerun(tmp_path: Path) -> None:
    claim = Claim(
        id="one",
        task="retention:locomo",
        recipe="value@0.5",
        data="locomo.json",
        metric="recall",
        expected=1.0,
        tolerance=1.0,
        command="mneme arena simulate locomo",
        by="of_unlimited",
    )
    tools = make_tools(tmp_path / "cache", tmp_path)
    tools = replace(tools, embedder=resolve_embedder("hash"))
    (verdict,) = verify([claim], root=Path(__file__).parent / "data", tools=tools, log=RunLog(tmp_path))
    assert verdict.status == "OK"
    with pytest.raises(InvalidInput, match="policy@share"):
        verify([replace(claim, recipe="value")], root=Path(__file__).parent / "data", tools=tools, log=RunLog(tmp_path))
