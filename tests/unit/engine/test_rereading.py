"""Token rows of another version: searched as the present version reads their texts, and put in order where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import mneme
from mneme.core.ports import Store
from mneme.text.analyser import Analyser, is_current
from mneme.text.terms import encode_terms

TEXTS = ["Where did Ana find the red kite?", "She found it at the Museum of Kites yesterday.", "12 %"]


def old_rows(store: Store, texts: Sequence[str]) -> None:
    """Give every memory a row as a version would that knew neither stems nor marks."""
    rows = store.index_rows(vectors=False)
    store.rewrite_terms(rows.row.tolist(), rows.text_version.tolist(), [encode_terms(text.split()) for text in texts])  # type: ignore[attr-defined]


def test_a_row_says_its_version() -> None:
    assert is_current(Analyser().document("a red kite"))
    assert is_current(Analyser().document(""))
    assert not is_current(encode_terms(["red", "kite"]))


@pytest.mark.parametrize("where", ["file", "memory"])
def test_rows_of_another_version_are_made_anew_at_the_next_opening(tmp_path: Path, where: str) -> None:
    root = str(tmp_path) if where == "file" else ":memory:"
    with mneme.Memory(root, embedder="hash:64") as memory:
        space = memory.space("a")
        space.remember([mneme.Message(text=text, session="s") for text in TEXTS])
        before = [(hit.memory.text, hit.why) for hit in space.recall("When was the kite found?").hits]
        with space._use() as opened:
            good = opened.store.index_rows(vectors=False).terms
            old_rows(opened.store, TEXTS)
            assert opened.store.index_rows(vectors=False).terms != good
            opened.current.drop()
        assert [(hit.memory.text, hit.why) for hit in space.recall("When was the kite found?").hits] == before
        with space._use() as opened:
            assert opened.store.index_rows(vectors=False).terms == good
        assert space.verify().problems == ()


def test_a_past_state_is_read_anew_from_the_texts_of_then(tmp_path: Path) -> None:
    with mneme.Memory(str(tmp_path), embedder="hash:64") as memory:
        space = memory.space("a")
        receipt = space.remember([mneme.Message(text="The kite hangs in the hall.", session="s")])
        with space._use() as opened:
            then = opened.store.last_seq()
        space.revise(receipt.ids[0], "The lamp hangs in the hall.")
        with space._use() as opened:
            for seq in (then, then + 1):
                rows = opened.store.index_rows_at(seq)
                opened.store.rewrite_terms(rows.row.tolist(), rows.text_version.tolist(), [encode_terms(["old"])])  # type: ignore[attr-defined]
            opened.current.drop()
            kite = Analyser().query("kites").ids[0]
            assert opened.current.at(then).postings(int(kite))[0].tolist() == [0]
            assert opened.current.now().postings(int(kite))[0].tolist() == []
