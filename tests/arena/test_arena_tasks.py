"""Loaders: official formats in, messages and gold labels out. The files are small ones of our own in those formats."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mneme.arena.dates import parse_time
from mneme.arena.task import Dataset, Options, Question, add_foreign, pool, prepare
from mneme.arena.tasks import TASKS, get_task
from mneme.arena.tasks.dialogue import find_evidence
from mneme.arena.tasks.interference import make_stream
from mneme.core.errors import InvalidInput, UnknownComponent

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


def load(name: str, **options: object) -> Dataset:
    return get_task(name).load(FILES / PATHS[name], Options(**options))  # type: ignore[arg-type]


def questions(dataset: Dataset) -> dict[str, Question]:
    return {question.id: question for sample in dataset.samples for question in sample.questions}


@pytest.mark.parametrize("name", list(TASKS))
def test_every_gold_label_names_a_fed_message_and_times_are_aware(name: str) -> None:
    dataset = load(name)
    assert len(dataset.sha256) == 64
    for sample in dataset.samples:
        refs = [message.ref for message in sample.messages]
        sessions = {message.session for message in sample.messages}
        assert len(set(refs)) == len(refs)
        assert all(message.at is None or message.at.tzinfo is not None for message in sample.messages)
        for question in sample.questions:
            assert {*question.gold, *question.stale} <= set(refs)
            assert question.gold_sessions <= sessions
            assert not set(question.gold) & question.stale
    ids = [question.id for sample in dataset.samples for question in sample.questions]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", list(TASKS))
def test_the_hash_depends_on_the_data_alone(name: str, tmp_path: Path) -> None:
    assert load(name).sha256 == load(name).sha256


def test_an_unknown_task_lists_near_names() -> None:
    with pytest.raises(UnknownComponent, match="did you mean locomo"):
        get_task("locmo")


def test_missing_data_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="official release"):
        get_task("locomo").load(tmp_path / "none", Options())


def test_locomo_keeps_order_times_authors_and_captions() -> None:
    sample = load("locomo").samples[0]
    assert [message.ref for message in sample.messages] == ["D1:1", "D1:2", "D1:3", "D2:1", "D2:2"]
    assert sample.messages[2].at == datetime(2024, 5, 30, 23, 40, 2, tzinfo=UTC)
    assert (sample.messages[0].author, sample.messages[0].text) == ("Ida", "I bought a yellow kayak.")
    assert sample.messages[1].media[0].caption == "a photo of an otter"


def test_locomo_reads_malformed_evidence_and_leaves_adversarial_questions_without_gold() -> None:
    found = questions(load("locomo"))
    assert list(found["conv-1/1"].gold) == ["D1:1", "D2:2"]
    assert found["conv-1/1"].gold_sessions == {"session_1", "session_2"}
    assert list(found["conv-1/2"].gold) == ["D1:3"]
    assert found["conv-1/3"].gold == {}
    assert (found["conv-1/4"].answerable, found["conv-1/4"].gold) == (False, {})


def test_evidence_is_found_in_every_way_it_is_written() -> None:
    refs = ["D1:3", "D8:6", "D9:17", "D11:26", "D30:5"]
    assert find_evidence(["D8:6; D9:17", "D:11:26", "D30:05", "D1:3 D1:3", "D"], refs) == ["D8:6", "D9:17", "D11:26", "D30:5", "D1:3"]


def test_realtalk_reads_cleaned_text_and_pictures_without_words() -> None:
    sample = load("realtalk").samples[0]
    assert sample.messages[0].at == datetime(2023, 12, 29, 11, 23, 21, tzinfo=UTC)
    assert (sample.messages[1].text, sample.messages[1].media[0].uri) == ("", "cat.jpg")
    assert list(sample.questions[0].gold) == ["D1:1"]


def test_temporal_asks_every_wording_at_the_time_of_the_last_turn() -> None:
    found = questions(load("temporal"))
    assert list(found["7/time_qs/dates/0.0"].gold) == ["D1:1", "D1:2"]
    assert found["7/time_qs/dates/0.1"].text == "Tell me about May 8th."
    assert found["7/ambiguous_time_qs/dates/0.0"].text == "Ada: We spoke on May 9th.\nMax: What about?"
    assert found["7/time_qs/dates/0.0"].at == datetime(2023, 5, 9, 14, 10, tzinfo=UTC)


def test_longmemeval_orders_sessions_by_date_and_marks_what_has_no_answer() -> None:
    first, second = load("longmemeval").samples
    assert [message.ref for message in first.messages] == ["answer_1:0", "answer_1:1", "plain_1:0", "plain_1:1"]
    assert first.questions[0].gold == {"answer_1:0": 1}
    assert first.questions[0].gold_sessions == {"answer_1"}
    assert (second.questions[0].answerable, second.questions[0].gold_sessions) == (False, frozenset())


def test_pooling_feeds_a_shared_session_once_and_orders_by_time() -> None:
    pooled = pool(load("longmemeval")).samples[0]
    assert len(pooled.messages) == 6
    assert [message.at for message in pooled.messages] == sorted(message.at for message in pooled.messages if message.at)
    assert [question.at for question in pooled.questions] == [None, None]


def test_pooling_keeps_conversations_apart_that_number_their_turns_alike() -> None:
    pooled = pool(load("locomo")).samples[0]
    assert pooled.messages[0].ref == "conv-1/D1:1"
    assert pooled.questions[0].gold == {"conv-1/D1:1": 1}
    assert pooled.questions[0].gold_sessions == {"conv-1/session_1"}


def test_tasks_that_ask_between_messages_refuse_to_be_pooled() -> None:
    with pytest.raises(InvalidInput, match="without --pooled"):
        pool(load("babi"))


def test_beam_strips_marks_dates_messages_and_flattens_ids() -> None:
    sample = load("beam").samples[0]
    assert [message.text for message in sample.messages] == ["My budget is 500 euros.", "Noted.", "The budget is now 650 euros", "Updated."]
    assert sample.messages[2].at == datetime(2024, 4, 5, tzinfo=UTC)
    assert sample.messages[2].session == "batch_2"
    found = {question.category: question for question in sample.questions}
    assert list(found["knowledge_update"].gold) == ["0", "2"]
    assert list(found["event_ordering"].gold) == ["0", "2"]
    assert not found["abstention"].answerable


def test_beam_names_chats_by_size_and_reads_batches_under_plans(tmp_path: Path) -> None:
    turn = [{"role": "user", "id": 0, "content": "Hello ->-> 1,1"}]
    for size, content in (
        ("100K", [{"batch_number": 1, "turns": [turn]}]),
        ("10M", [{"plan-1": [{"batch_number": 4, "turns": [turn]}], "note": "x"}]),
    ):
        folder = tmp_path / size / "1" / "probing_questions"
        folder.mkdir(parents=True)
        (folder.parent / "chat.json").write_text(json.dumps(content))
        (folder / "probing_questions.json").write_text("{}")
    samples = get_task("beam").load(tmp_path, Options()).samples
    assert {sample.id: sample.messages[0].session for sample in samples} == {"100K/1": "batch_1", "10M/1": "plan-1/batch_4"}


def test_multihop_finds_passages_by_title_and_text_in_both_question_formats() -> None:
    found = questions(load("multihop"))
    assert list(found["2hop__1_2"].gold) == ["p0", "p1"]
    assert found["2hop__1_2"].category == "2hop"
    assert list(found["hot1"].gold) == ["p3"]
    assert found["hot1"].category == "bridge"


def test_multihop_feeds_triples_beside_their_passage_when_asked() -> None:
    plain, with_triples = load("multihop").samples[0], load("multihop", triples=True).samples[0]
    assert [message.ref for message in with_triples.messages[len(plain.messages) :]] == ["p1#0", "p1#1"]
    assert with_triples.messages[-1].text == "Marn is capital of Veldia"
    assert with_triples.messages[-1].session == "p1"


def test_babi_questions_see_the_lines_before_them_in_both_separators() -> None:
    dataset = load("babi")
    assert [sample.id for sample in dataset.samples] == ["qa1/0", "qa1/1", "qa2/0"]
    found = questions(dataset)
    assert (found["qa1/0/3"].after, found["qa1/0/5"].after) == (2, 3)
    assert list(found["qa2/0/3"].gold) == ["1", "2"]
    assert found["qa2/0/3"].answer == "attic"
    assert found["qa1/0/3"].text == "Where is Ann?"


def test_memsim_reads_chinese_dates_and_targets() -> None:
    sample = load("memsim").samples[0]
    assert sample.messages[0].at == datetime(2024, 4, 1, 8, 30, tzinfo=UTC)
    assert sample.questions[0].gold == {"1": 1}
    assert sample.questions[0].at == datetime(2024, 4, 4, 7, 42, tzinfo=UTC)


def test_procedural_gold_is_graded_and_lacks_trajectories_that_are_gone() -> None:
    dataset = load("procedural")
    assert dataset.samples[0].questions[0].gold == {"a_0": 10, "a_1": 6}
    assert dataset.samples[0].messages[0].text == "put a mug on the shelf.\nYou see a mug.\n> take mug"


def test_experiences_of_one_task_are_gold_together() -> None:
    found = questions(load("experience"))
    assert found["toy_model/0"].gold == {"m1": 1, "m2": 1}
    assert found["toy_model/1"].gold == {"m3": 1}


def test_factconsolidation_derives_current_and_overwritten_facts() -> None:
    found = questions(load("factconsolidation"))
    assert (found["sh_toy/0"].gold, found["sh_toy/0"].stale) == ({"3": 1}, {"0"})
    assert (found["sh_toy/1"].gold, found["sh_toy/1"].stale) == ({"2": 1}, frozenset())
    assert found["sh_toy/2"].gold == {}


def test_factconsolidation_follows_a_chain_of_current_facts() -> None:
    assert set(questions(load("factconsolidation"))["mh_toy/0"].gold) == {"4", "5", "6"}


def test_interference_streams_follow_the_protocol() -> None:
    words = {key: [f"{key}{number}" for number in range(20)] for key in ("a", "b", "c", "d")}
    sample = make_stream(words, 17, seed=3)
    keys = [message.text.partition(":")[0] for message in sample.messages]
    assert {key: keys.count(key) for key in words} == dict.fromkeys(words, 17)
    assert all(left != right for left, right in itertools.pairwise(keys))
    assert make_stream(words, 17, seed=3) == sample
    assert make_stream(words, 17, seed=4) != sample
    for question in sample.questions:
        key = question.id.partition("/")[2]
        last = [message for message in sample.messages if message.text.startswith(f"{key}:")][-1]
        assert dict(question.gold) == {last.ref: 1}
        assert len(question.stale) == 16
        assert last.text == f"{key}: {question.answer}"


def test_interference_depends_on_the_seed() -> None:
    assert load("interference", seed=1).sha256 != load("interference", seed=2).sha256
    assert [sample.id for sample in load("interference").samples] == ["updates-2", "updates-6"]


def test_a_limit_takes_the_first_of_each_group() -> None:
    assert [sample.id for sample in load("babi", limit=1).samples] == ["qa1/0", "qa2/0"]
    with pytest.raises(InvalidInput, match="limit"):
        Options(limit=0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1:56 pm on 8 May, 2023", datetime(2023, 5, 8, 13, 56, tzinfo=UTC)),
        ("12:05 am on 1 January, 2024", datetime(2024, 1, 1, 0, 5, tzinfo=UTC)),
        ("01:56:04 AM on Monday 08 May, 2023", datetime(2023, 5, 8, 1, 56, 4, tzinfo=UTC)),
        ("2023/05/20 (Sat) 02:33", datetime(2023, 5, 20, 2, 33, tzinfo=UTC)),
        ("29.12.2023, 11:23:21", datetime(2023, 12, 29, 11, 23, 21, tzinfo=UTC)),
        ("March-15-2024", datetime(2024, 3, 15, tzinfo=UTC)),
        ("2024年04月01日 周一 08:30", datetime(2024, 4, 1, 8, 30, tzinfo=UTC)),
        ("2025-09-20 11:22:49", datetime(2025, 9, 20, 11, 22, 49, tzinfo=UTC)),
        ("2025-09-20T11:22:49+02:00", datetime(2025, 9, 20, 9, 22, 49, tzinfo=UTC)),
    ],
)
def test_dates_of_every_dataset_are_read_as_utc(text: str, expected: datetime) -> None:
    assert parse_time(text) == expected


def test_a_date_in_no_known_format_is_refused() -> None:
    with pytest.raises(InvalidInput, match="in none of the formats"):
        parse_time("the day after")


def test_foreign_questions_are_asked_of_the_wrong_space_and_have_no_gold() -> None:
    dataset = add_foreign(load("longmemeval"))
    first, second = dataset.samples
    assert [question.id for question in first.questions] == ["q1"]
    assert [(question.id, question.category, question.answerable) for question in second.questions[1:]] == [
        ("foreign/q2_abs/q1", "foreign", False)
    ]
    assert second.questions[1].gold == {}
    assert len(add_foreign(load("interference"), most=2).samples[0].questions) == 3 + 2
    with pytest.raises(InvalidInput, match="one space only"):
        add_foreign(load("locomo"))
    with pytest.raises(InvalidInput, match="no question is foreign"):
        prepare(load("longmemeval"), Options(foreign=True, pooled=True))


_OTHERS = ["", "{", "[1]", '[{"conversation": {"session_1": [{"text": "x"}]}}]', "[[]]", '{"session_1": []}', "\x00"]


@pytest.mark.parametrize("content", _OTHERS)
@pytest.mark.parametrize("name", [name for name in TASKS if PATHS[name].endswith(".json")])
def test_a_file_in_another_format_is_refused_by_name(name: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"^data: .*data\.json"):
        get_task(name).read(path, Options())
