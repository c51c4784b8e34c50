"""Whatever stands in a file, reading it ends in messages or in one clear error, and every message can be stored."""

from __future__ import annotations

import contextlib
import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mneme
from mneme.core.errors import InvalidInput
from mneme.importers import FORMATS, Intake, read, take_in

WHOLE: dict[str, Any] = {
    "locomo": [{"sample_id": "a", "conversation": {"speaker_a": "A", "speaker_b": "B", "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [{"speaker": "A", "dia_id": "D1:1", "text": "hi", "img_url": ["u"], "blip_caption": "c", "query": "q"}]}}],
    "longmemeval": [{"question_id": "q", "haystack_dates": ["2023/04/25 (Tue) 04:07"], "haystack_session_ids": ["s"],
        "haystack_sessions": [[{"role": "user", "content": "hi"}]]}],
    "chatgpt": [{"conversation_id": "c", "title": "t", "create_time": 1.0, "current_node": "b", "mapping": {
        "a": {"id": "a", "message": None, "parent": None, "children": ["b"]},
        "b": {"id": "b", "parent": "a", "children": [], "message": {"id": "b", "author": {"role": "user", "name": None}, "create_time": 2.0,
            "content": {"content_type": "multimodal_text", "parts": ["hi", {"asset_pointer": "p", "metadata": {"dalle": {"prompt": "x"}}}]},
            "metadata": {}, "recipient": "all"}}}}],
    "claude": [{"uuid": "c", "name": "n", "created_at": "2024-02-03T10:00:00Z", "chat_messages": [{"uuid": "m", "sender": "human",
        "text": "hi", "content": [{"type": "text", "text": "hi"}], "created_at": "2024-02-03T10:00:00Z",
        "attachments": [{"file_name": "f", "extracted_content": "e", "file_type": "t"}], "files": [{"file_name": "g"}]}]}],
    "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}, {"image_url": {"url": "u"}}], "at": "2024-01-01",
        "session": "s", "id": "i", "tags": ["t"], "mood": "m"}, {"messages": [{"role": "user", "content": "hi"}], "created_at": 1}],
}  # fmt: skip

ODD_TEXT = st.sampled_from(["", " ", "\x00", "\ud800", "x" * 2000, "9" * 400, "-1e999", "0001-01-01", "9999-12-31T23:59:59-23:59", "٣:00"])
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.floats(allow_nan=True) | ODD_TEXT | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD_TEXT, inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, child in inner for place in places(child, (*at, key)))]


def replaced(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    """Return the document with another value in one place."""
    if not place:
        return value
    result = copy.deepcopy(document)
    holder = result
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    return result


@pytest.mark.parametrize("format", list(WHOLE))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_document_with_odd_values_is_read_or_refused(format: str, data: st.DataObject) -> None:
    document = WHOLE[format]
    for _ in range(data.draw(st.integers(1, 3))):
        document = replaced(document, data.draw(st.sampled_from(places(document))), data.draw(ODD))
    with tempfile.TemporaryDirectory() as folder, mneme.Memory(":memory:", embedder="hash") as memory:
        path = Path(folder) / "document.json"
        path.write_text(json.dumps(document), encoding="utf-8", errors="surrogatepass")
        for number, named in enumerate((None, format)):
            intake = Intake()
            with contextlib.suppress(InvalidInput):
                take_in(path, memory.space, format=named, space=f"s{number}", intake=intake)
                assert intake.done == intake.report.messages


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([".json", ".jsonl", ".md", ".txt", ".zip", ""]), st.sampled_from([None, *FORMATS]))
def test_any_bytes_are_read_or_refused(content: bytes, suffix: str, format: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(content)
        try:
            items = list(read(path, format))
        except InvalidInput:
            return
        assert all(item.message.text.strip() or item.message.media for item in items)
        assert not any("\ud800" <= character <= "\udfff" for item in items for character in item.message.text)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=400))
def test_text_is_neither_lost_nor_invented(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "note.txt"
        path.write_text(text, encoding="utf-8", newline="")
        items = list(read(path, "text"))
    assert "".join("".join(item.message.text.split()) for item in items) == "".join(text.split())
