"""Every format on a small file of its own; and what a malformed one says."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mneme.core.errors import InvalidInput, UnknownComponent
from mneme.importers import FORMATS, Report, count, detect, read
from mneme.importers.moments import read_moment


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


LOCOMO = [
    {
        "sample_id": "talk-1",
        "conversation": {
            "speaker_a": "Ana",
            "speaker_b": "Bo",
            "session_10_date_time": "12:05 am on 3 June, 2023",
            "session_10": [{"speaker": "Bo", "dia_id": "D10:1", "text": "Last words."}],
            "session_2_date_time": "1:56 pm on 8 May, 2023",
            "session_2": [
                {"speaker": "Ana", "dia_id": "D2:1", "text": "Look!", "img_url": ["http://x/a.jpg"], "blip_caption": "a red kite"},
                {"speaker": "Bo", "dia_id": "D2:2"},
                "nonsense",
            ],
            "session_3_date_time": "long ago",
        },
    },
    {"sample_id": "broken"},
]
LONGMEMEVAL = [
    {
        "question_id": "q1",
        "haystack_dates": ["2023/04/25 (Tue) 04:07", "not a date"],
        "haystack_session_ids": ["s_a", "s_b"],
        "haystack_sessions": [
            [{"role": "user", "content": "Hello", "has_answer": True}, {"role": "assistant", "content": " "}],
            [{"role": "user", "content": "Again"}],
        ],
    }
]


def node(id: str, parent: str | None, text: str | None, role: str = "user", **more: Any) -> dict[str, Any]:
    message = None if text is None else {"id": id, "author": {"role": role}, "content": {"content_type": "text", "parts": [text]}, **more}
    return {"id": id, "message": message, "parent": parent, "children": []}


CHATGPT = [
    {
        "conversation_id": "c1",
        "title": "Trip",
        "create_time": 1_700_000_000.0,
        "current_node": "n4",
        "mapping": {
            "n0": node("n0", None, None),
            "n1": node("n1", "n0", "be helpful", role="system"),
            "n2": node("n2", "n1", "Where to?", create_time=1_700_000_010.5),
            "n3": node("n3", "n2", "To Rome (first answer)", role="assistant"),
            "n4": node("n4", "n2", "To Oslo (second answer)", role="assistant"),
        },
    }
]
CLAUDE = [
    {
        "uuid": "c9",
        "name": "Plans",
        "created_at": "2024-02-03T10:00:00.000000Z",
        "chat_messages": [
            {"uuid": "m1", "sender": "human", "text": "flat", "content": [{"type": "text", "text": "Read this"}],
             "created_at": "2024-02-03T10:00:01Z", "attachments": [{"file_name": "a.txt", "extracted_content": "pasted words"}]},
            {"uuid": "m2", "sender": "assistant", "text": "Done.", "created_at": "2024-02-03T10:00:09Z"},
            {"uuid": "m3", "sender": "assistant", "text": "This block is not supported", "content": [{"type": "tool_use"}]},
            17,
        ],
    }
]  # fmt: skip


def test_locomo_gives_turns_in_the_order_of_session_numbers(tmp_path: Path) -> None:
    report = Report()
    items = list(read(write(tmp_path / "l.json", LOCOMO), report=report))
    assert [(i.message.ref, i.message.author, i.message.session, i.space, i.index) for i in items] == [
        ("D2:1", "Ana", "session_2", "talk-1", 0),
        ("D10:1", "Bo", "session_10", "talk-1", 1),
    ]
    assert items[0].message.at == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    assert items[1].message.at == datetime(2023, 6, 3, 0, 5, tzinfo=UTC)
    assert [(m.uri, m.caption) for m in items[0].message.media] == [("http://x/a.jpg", "a red kite")]
    assert [p.place for p in report.problems] == ["talk-1, session_2, turn 1", "talk-1, session_2, turn 2", "l.json, conversation 1"]
    assert (report.format, report.messages) == ("locomo", 2)


def test_longmemeval_gives_a_space_for_each_question_and_no_gold_labels(tmp_path: Path) -> None:
    report = Report()
    first, second = read(write(tmp_path / "l.json", LONGMEMEVAL), "longmemeval", report=report)
    assert (first.message.text, first.message.role, first.message.ref, first.space) == ("Hello", "user", "s_a#0", "q1")
    assert first.message.at == datetime(2023, 4, 25, 4, 7, tzinfo=UTC)
    assert dict(first.message.attributes) == {}
    assert second.message.at is None
    assert [p.place for p in report.problems] == ["q1, session s_a, turn 1", "q1, session s_b"]


def test_chatgpt_follows_the_branch_that_the_person_saw_last(tmp_path: Path) -> None:
    report = Report()
    items = list(read(write(tmp_path / "conversations.json", CHATGPT), report=report))
    assert [i.message.text for i in items] == ["Where to?", "To Oslo (second answer)"]
    assert items[0].message.at == datetime.fromtimestamp(1_700_000_010.5, UTC)
    assert items[1].message.at == items[0].message.at  # it has no time of its own
    assert (items[1].message.role, items[1].message.session, items[1].space) == ("assistant", "c1", None)
    assert (report.format, report.skipped) == ("chatgpt", 1)


def test_chatgpt_without_a_current_node_takes_the_newest_leaf(tmp_path: Path) -> None:
    export = json.loads(json.dumps(CHATGPT))
    del export[0]["current_node"]
    export[0]["mapping"]["n3"]["message"]["create_time"] = 1_800_000_000
    texts = [i.message.text for i in read(write(tmp_path / "c.json", export))]
    assert texts == ["Where to?", "To Rome (first answer)"]


def test_a_circle_in_a_chatgpt_tree_ends(tmp_path: Path) -> None:
    export = json.loads(json.dumps(CHATGPT))
    export[0]["mapping"]["n1"]["parent"] = "n4"
    assert count(write(tmp_path / "c.json", export)) == 2


def test_claude_takes_blocks_before_the_flat_text_and_attachments_as_captions(tmp_path: Path) -> None:
    report = Report()
    items = list(read(write(tmp_path / "conversations.json", CLAUDE), report=report))
    assert [(i.message.text, i.message.role, i.message.ref) for i in items] == [("Read this", "user", "m1"), ("Done.", "assistant", "m2")]
    assert items[0].message.media[0].caption == "pasted words"
    assert report.skipped == 1
    assert [p.place for p in report.problems] == ["conversation c9, message 3"]


def test_an_export_is_read_from_its_archive_and_from_its_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("user.json", "{}")
        archive.writestr("conversations.json", json.dumps(CLAUDE))
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder" / "conversations.json", CLAUDE)
    write(tmp_path / "folder" / "notes.txt", "not part of the export")
    assert [i.message.ref for i in read(tmp_path / "export.zip")] == ["m1", "m2"]
    assert [i.message.ref for i in read(tmp_path / "folder")] == ["m1", "m2"]


def test_message_lines_carry_times_sessions_authors_and_plain_extras(tmp_path: Path) -> None:
    lines = [
        {"role": "user", "content": "Hi", "timestamp": "2024-05-01T10:00:00+02:00", "session_id": "s", "id": 7, "name": "Ana",
         "mood": "good"},
        {"role": "assistant", "content": [{"type": "text", "text": "A cat"}, {"type": "image_url", "image_url": {"url": "http://x/c.png"}}],
         "session_id": "s"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "user", "content": "when?", "at": "yesterday-ish", "session_id": "s"},
    ]  # fmt: skip
    text = "\n".join(json.dumps(line) for line in lines) + "\n\n{broken\n"
    report = Report()
    items = list(read(write(tmp_path / "m.jsonl", text), report=report))
    first, second, third = (i.message for i in items)
    assert first.at == datetime(2024, 5, 1, 8, 0, tzinfo=UTC)
    assert (first.session, first.ref, first.author, dict(first.attributes)) == ("s", "7", "Ana", {"mood": "good"})
    assert (second.text, second.media[0].uri, second.at) == ("A cat", "http://x/c.png", first.at)
    assert third.at == first.at
    assert [p.place for p in report.problems] == ["m.jsonl, line 4", "m.jsonl, line 6"]
    assert report.skipped == 1


def test_a_line_with_a_list_of_messages_is_a_conversation_of_its_own(tmp_path: Path) -> None:
    line = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    items = list(read(write(tmp_path / "m.jsonl", f"{json.dumps(line)}\n{json.dumps(line)}\n")))
    assert [(i.conversation, i.index, i.message.text) for i in items] == [
        ("m.jsonl#0", 0, "a"), ("m.jsonl#0", 1, "b"), ("m.jsonl#1", 0, "a"), ("m.jsonl#1", 1, "b"),
    ]  # fmt: skip


def test_bytes_of_a_picture_are_not_kept(tmp_path: Path) -> None:
    content = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    (item,) = read(write(tmp_path / "m.json", [{"role": "user", "content": content}]))
    (medium,) = item.message.media
    assert medium.uri.startswith("sha256:")
    assert medium.mime == "image/png"


def test_text_is_cut_at_blank_lines_and_long_lists_at_line_ends(tmp_path: Path) -> None:
    text = "First line\nsecond line\n\n\nNext.\n\n" + "\n".join(f"{n:04} {'x' * 95}" for n in range(40))
    items = list(read(write(tmp_path / "note.txt", text)))
    assert [(i.message.text[:10], i.message.ref) for i in items] == [
        ("First line", "note.txt:1"), ("Next.", "note.txt:5"), ("0000 xxxxx", "note.txt:7"), ("0020 xxxxx", "note.txt:27"),
    ]  # fmt: skip


def test_markdown_sections_carry_their_headings_and_front_matter(tmp_path: Path) -> None:
    text = """---
title: Handbook
date: 2024-03-01
author: Ana
---
Before any heading.

# Guide

## Set up

Do this.
```sh
# not a heading
```

Setext title
============

Body.

## Set up

Again.
"""
    items = list(read(write(tmp_path / "book.md", text)))
    assert [(i.message.ref, i.message.text.splitlines()[0]) for i in items] == [
        ("book.md", "Before any heading."),
        ("book.md#set-up", "Guide › Set up"),
        ("book.md#setext-title", "Setext title"),
        ("book.md#set-up-1", "Setext title › Set up"),
    ]
    assert "# not a heading" in items[1].message.text
    assert {(i.message.author, i.message.at, i.message.session) for i in items} == {("Ana", datetime(2024, 3, 1, tzinfo=UTC), "book")}
    assert dict(items[1].message.attributes) == {"title": "Handbook", "section": "Guide › Set up"}


def test_a_folder_of_notes_is_read_in_order_without_hidden_folders(tmp_path: Path) -> None:
    for name in ("b.txt", "a/c.md", ".trash/d.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, f"text of {name}")
    assert [i.conversation for i in read(tmp_path)] == ["a/c.md", "b.txt"]


def test_lone_surrogates_and_stray_bytes_are_replaced_and_counted(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_bytes(
        b'{"role": "user", "content": "a\\ud83d b", "name": "\\udc00"}\n{"role": "user", "content": "\xff"}\n'
    )
    report = Report()
    first, second = read(tmp_path / "m.jsonl", report=report)
    assert (first.message.text, first.message.author, second.message.text) == ("a\ufffd b", "\ufffd", "\ufffd")
    assert report.replaced == 3


def test_names_of_several_lines_are_put_on_one(tmp_path: Path) -> None:
    line = {"role": "user", "content": "Which flat?", "session": "my\nflat\u2028hunt", "id": "a\tb", "author": "Ana\r\n[m2] Bo"}
    path = tmp_path / "chat.jsonl"
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    (item,) = list(read(path))
    assert (item.message.session, item.message.ref, item.message.author) == ("my flat hunt", "a b", "Ana [m2] Bo")


def test_a_surrogate_pair_is_one_character(tmp_path: Path) -> None:
    report = Report()
    (item,) = read(write(tmp_path / "m.jsonl", '{"role": "user", "content": "\\ud83d\\ude00"}'), report=report)
    assert (item.message.text, report.replaced) == ("😀", 0)


def test_five_megabytes_in_one_message_are_read(tmp_path: Path) -> None:
    (item,) = read(write(tmp_path / "m.jsonl", json.dumps({"role": "user", "content": "word " * 1_000_000})))
    assert len(item.message.text) == 5_000_000


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("a.json", LOCOMO, "locomo"),
        ("a.json", LONGMEMEVAL, "longmemeval"),
        ("a.json", CHATGPT, "chatgpt"),
        ("a.json", CLAUDE, "claude"),
        ("a.json", [{"role": "user", "content": "x"}], "messages"),
        ("a", '{"role": "user", "content": "x"}\n{"role": "user", "content": "y"}\n', "messages"),
        ("a.ndjson", '{"role": "user", "content": "x"}\n', "messages"),
        ("a.MD", "# x", "markdown"),
        ("a.txt", "{not json}", "text"),
        ("README", "plain", "text"),
    ],
)
def test_a_format_is_told_from_the_content(tmp_path: Path, name: str, content: Any, format: str) -> None:
    assert detect(write(tmp_path / name, content)) == format


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.json", '[{"mapping": ', "not whole JSON"),
        ("a.json", '{"unknown": 1}', "no known shape"),
        ("a.json", "[" * 100_000, "nested too deeply|not whole JSON"),
        ("a.zip", "no zip", "damaged zip"),
        ("a.bin", "a\x00b", "is not text"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, content: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        list(read(write(tmp_path / name, content)))


def test_a_path_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"there is no file .*nowhere\.json; check the spelling"):
        list(read(tmp_path / "nowhere.json"))


def test_an_unknown_format_lists_near_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownComponent, match="did you mean locomo"):
        list(read(write(tmp_path / "a.json", LOCOMO), "lokomo"))


def test_a_wrong_format_names_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="try --format claude"):
        list(read(write(tmp_path / "a.json", CLAUDE), "chatgpt"))


def test_every_format_module_says_what_it_reads() -> None:
    import importlib

    for module in FORMATS.values():
        assert importlib.import_module(module).SUMMARY


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-05-01", datetime(2024, 5, 1, tzinfo=UTC)),
        ("2024-05-01T10:00:00Z", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("2024-05-01 10:00:00 UTC", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("2024-05-01T10:00-05:00", datetime(2024, 5, 1, 15, tzinfo=UTC)),
        ("12:30 pm on 1 Sept, 2022", datetime(2022, 9, 1, 12, 30, tzinfo=UTC)),
        ("12:30 a.m. on 1 January, 2022", datetime(2022, 1, 1, 0, 30, tzinfo=UTC)),
        ("2023/06/06 (Tue) 08:19", datetime(2023, 6, 6, 8, 19, tzinfo=UTC)),
        (1_714_557_600, datetime(2024, 5, 1, 10, tzinfo=UTC)),
        (1_714_557_600_000, datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("1714557600", datetime(2024, 5, 1, 10, tzinfo=UTC)),
    ],
)
def test_dates_of_exports_are_read(written: object, meant: datetime) -> None:
    assert read_moment(written) == meant


@pytest.mark.parametrize("written", ["", None, True, "13:00 pm on 1 May, 2023", "2023/13/01", "soon", float("inf"), 10**30, []])
def test_what_is_no_date_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_moment(written)
